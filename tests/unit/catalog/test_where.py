"""Conditions on documents as SQL, over a catalog of four files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from edgeembed.catalog.database import Catalog, create_catalog
from edgeembed.catalog.rows import ChunkRow, EncoderInfo, FileRow
from edgeembed.catalog.snapshot import Snapshot
from edgeembed.catalog.where import Condition, condition, word_condition

ENCODER = EncoderInfo("digest", "model", "space", 2)
FILES = {
    "a.txt": ('{"from": "ann", "year": 2019, "tags": ["red", "blue"]}', "the boat leaves", 10, date(2024, 1, 5)),
    "notes/b.MD": ('{"from": "bob", "year": 2024, "tags": []}', "the tomato grows", 2000, date(2024, 3, 1)),
    "notes/deep/c.md": ('{"from": null, "year": "2024"}', "a boat in the garden", 30, date(2025, 7, 1)),
    "caf\udce9/d.py": ('{"flag": true, "year": 2025.5}', "parse the boat file", 40, date(2023, 1, 1)),
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    folder = tmp_path_factory.mktemp("catalog")
    create_catalog(folder, {})
    catalog = Catalog(folder)
    with catalog.write() as transaction:
        for number, (name, (metadata, text, size, day)) in enumerate(FILES.items()):
            content = transaction.content(bytes([number]), "text")
            row = ChunkRow("text", 0, len(text), 1, 1, None, text)
            transaction.add_chunk(content, row, b"\x01\x02", b"digest", ENCODER)
            transaction.complete(content)
            transaction.put_document(name, content, metadata)
            moment = datetime.combine(day, datetime.min.time())
            transaction.put_file(name, FileRow(size, round(moment.timestamp()) * 1_000_000_000, 0, None))
    with catalog.read() as opened:
        yield opened
    catalog.close()


def ids(snapshot: Snapshot, where: Any) -> list[str]:
    return [Path(row.id).name[0] for row in snapshot.passages([1, 2, 3, 4], where)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"year": {">=": 2020}}, "bd"),
        ({"year": {">=": 2020, "<": 2025}}, "b"),
        ({"year": {">": "2"}}, "c"),  # a string is no number
        ({"from": {"in": ["ann", None]}}, "ac"),
        ({"from": {"in": []}}, ""),
        ({"from": {"!=": "ann"}}, "bcd"),  # another value, or none at all
        ({"tags": {"has": "red"}}, "a"),
        ({"flag": True}, "d"),
        ({"flag": 1}, ""),
        ({"document.kind": "text", "file.size_bytes": {"<": 50}}, "acd"),
        ({"document.id": "a.txt"}, "a"),
        ({"file.path": "caf\udce9/d.py"}, "d"),
        ({"file.name": {"in": ["b.MD", "c.md"]}}, "bc"),
        ({"file.ext": "md"}, "bc"),
        ({"file.modified": {">=": date(2024, 3, 1)}}, "bc"),
        ({"file.modified": {"<": "2024-03-01"}}, "ad"),
        ({"file.modified": {">=": "2024-03-01T00:00:01"}}, "c"),
        ({"file.modified": {"in": [date(2023, 1, 1)]}}, "d"),
        ({"file.path": {"glob": "notes/"}}, "bc"),
        ({"file.path": {"glob": ["*.txt", "*.py"]}}, "ad"),
        ({"file.path": {"glob": "notes/*.md"}}, ""),
        ({"file.path": {"glob": "notes/**/*.md"}}, "c"),
        ({"file.path": {"glob": "[ab].*"}}, "ab"),
        ({"file.path": {"glob": "*.{txt,py}"}}, "ad"),
        ({"file.path": {"glob": "{a.txt,notes/{deep/*,x}}"}}, "ac"),
        ({"file.path": {"not glob": "notes"}}, "ad"),
        ({"file.path": {"glob": ["notes", "*.txt"], "not glob": ["deep", "*.{txt,py}"]}}, "b"),
        ({"from": {"not glob": "a*"}}, "bcd"),
    ],
)
def test_which_documents_fit(snapshot: Snapshot, where: dict[str, Any], expected: str) -> None:
    assert "".join(ids(snapshot, where)) == expected
    assert len(snapshot.allowed_keys("text", where)) == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phrases", "excluded", "expected"),
    [
        (("the boat",), (), "ad"),
        (("boat",), ("garden",), "ad"),
        ((), ("boat",), "b"),
        (("notes",), (), "bc"),  # a name counts too
        ((), ("notes",), "ad"),
    ],
)
def test_phrases_must_and_excluded_words_must_not_occur(
    snapshot: Snapshot, phrases: tuple[str, ...], excluded: tuple[str, ...], expected: str
) -> None:
    assert "".join(ids(snapshot, word_condition(phrases, excluded))) == expected


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ({"tags": ["red"]}, TypeError),
        ({"year": {">": True}}, TypeError),
        ({"year": {"in": "2024"}}, TypeError),
        ({"year": {"between": 1}}, ValueError),
        ({"year": {}}, ValueError),
        ({"file.colour": "red"}, ValueError),
        ({"document.kind": "film"}, ValueError),
        ({"file.modified": "yesterday"}, ValueError),
        ({"file.path": {"glob": 3}}, TypeError),
        ([("year", 2024)], TypeError),
    ],
)
def test_what_cannot_be_compared_is_refused(where: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        condition(where)


def test_conditions_are_joined_and_nothing_asked_is_false() -> None:
    assert not condition({})
    assert not Condition("") & Condition("")
    both = Condition("a = ?", (1,)) & Condition("") & Condition("b = ?", (2,))
    assert (both.sql, both.values) == ("a = ? AND b = ?", (1, 2))
