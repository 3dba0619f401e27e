"""Searches with conditions on metadata and files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from edgeembed.search import vector_search
from tests.support.search_texts import ids


@pytest.fixture
def mails(tmp_path: Path, tiny_bundle: Path) -> Index:
    index = Index.open(tmp_path / "mails", model=tiny_bundle)
    facts = [
        {"from": "ann@example.org", "year": 2022, "size": 1.5, "tags": ["red", "blue"], "done": True},
        {"from": "bob@example.org", "year": 2023, "size": 20, "tags": ["blue"], "done": False},
        {"from": "eve@example.com", "year": 2024, "tags": "red"},
        {"from": None, "year": "2024"},
    ]
    index.add(Document(f"mail/{i}", text=f"a boat number {i}", metadata=fact) for i, fact in enumerate(facts))
    return index


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"year": {">=": 2023}}, "12"),
        ({"year": {">": 2022, "<": 2024}}, "1"),
        ({"year": {"<=": "2024"}}, "3"),
        ({"size": {"<": 1.6}}, "0"),
        ({"from": {"glob": "*@example.org"}}, "01"),
        ({"from": {"glob": ["ann*", "eve*"]}}, "02"),
        ({"from": {"in": ["bob@example.org", None]}}, "13"),
        ({"year": {"in": [2022, "2024"]}}, "03"),
        ({"from": {"!=": "ann@example.org"}}, "123"),
        ({"size": {"!=": 20}}, "023"),
        ({"tags": {"has": "red"}}, "0"),
        ({"done": {"in": [True, False]}}, "01"),
        ({"done": True, "year": {"<": 2023}}, "0"),
        ({"document.id": {"glob": "mail/[0-1]"}}, "01"),
        ({"document.id": "mail/2"}, "2"),
        ({"document.kind": "text"}, "0123"),
        ({"document.kind": "image"}, ""),
        ({"file.size_bytes": {">=": 0}}, ""),
        ({"year": {"in": []}}, ""),
    ],
)
def test_where(mails: Index, where: dict[str, object], expected: str) -> None:
    assert sorted(hit.id[-1] for hit in mails.search("boat", where=where)) == list(expected)
    assert sorted(hit.id[-1] for hit in mails.search("boat", where=where, mode="keyword")) == list(expected)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"year": {"~": 1}}, "must be a value or hold some of"),
        ({"year": {}}, "must be a value or hold some of"),
        ({"year": {">": None}}, "takes a number or a string"),
        ({"year": {"in": "2024"}}, "takes a list"),
        ({"from": {"glob": 5}}, "takes a pattern or a list of patterns, not 5"),
        (
            {"from": {"glob": ["a*", "[z-a]"]}},
            r"^from: '\[z-a\]' is no pattern that can be used: bad character range z-a$",
        ),
        ({"document.kind": "photo"}, "the kinds are text, image, not 'photo'"),
        ({"document.kind": {"!=": "photo"}}, "the kinds are"),
        ({"document.kind": {"in": ["text", None]}}, "the kinds are .* not None"),
        ({"file.modified": {">": "yesterday"}}, "no time such as"),
        ({"file.nothing": 1}, "the facts are document.id"),
    ],
)
def test_where_says_what_it_cannot_do(mails: Index, where: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        mails.search("boat", where=where)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.md", "a.md sub/b.md sub/deep/c.md"),
        ("sub", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("sub/", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("/sub/*.md", "sub/b.md"),
        ("sub/*.md", "sub/b.md"),
        ("sub/**/*.md", "sub/b.md sub/deep/c.md"),
        ("**/deep", "sub/deep/c.md"),
        ("./a.md", "a.md"),
        ("[ab].*", "a.md sub/b.md"),
        ("[!a].md", "sub/b.md sub/deep/c.md"),
        ("?.txt", "sub/d.txt"),
        ("deep/**", ""),
        ("sub/**", "sub/b.md sub/deep/c.md sub/d.txt"),
        ("A.md", ""),
    ],
)
def test_globs_are_those_of_ignore_files(tmp_path: Path, tiny_bundle: Path, pattern: str, expected: str) -> None:
    root = tmp_path / "root"
    for name in ("a.md", "sub/b.md", "sub/deep/c.md", "sub/d.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"a boat in {name}")
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        found = folder.search("boat", where={"file.path": {"glob": pattern}}, k=50)
        assert set(ids(found)) == set(expected.split())


def test_conditions_on_file_attributes(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, size, mtime in (("old.TXT", 10, 1_000_000_000), ("new.txt", 2000, 1_700_000_000)):
        (root / name).write_text("boat " * (size // 5))
        os.utime(root / name, (mtime, mtime))
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        for where, expected in (
            ({"file.ext": "txt"}, ["new.txt", "old.TXT"]),
            ({"file.name": "old.TXT"}, ["old.TXT"]),
            ({"file.size_bytes": {">": 100}}, ["new.txt"]),
            ({"file.modified": {">=": "2020-01-01"}}, ["new.txt"]),
            ({"file.modified": {"<": 1_600_000_000}}, ["old.TXT"]),
        ):
            assert sorted(ids(folder.search("boat", where=where))) == expected


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, 20_000])
def test_one_of_many_is_found(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """With few allowed all are compared, with many the graph is asked for more and more: both must be right."""
    monkeypatch.setattr(vector_search, "_COMPARE_ALL", few)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(
            Document(f"{i}", text=f"boat garden number {i}", metadata={"n": i, "last": i == 6000}) for i in range(6001)
        )
        index.add([Document("odd", text="an invoice for painting the fence", metadata={"n": -1})])
        assert index.status().segments == 1
        for mode in ("hybrid", "vector"):
            for where in ({"n": -1}, {"document.id": "odd"}):
                assert ids(index.search("boat garden", where=where, mode=mode)) == ["odd"]  # type: ignore[arg-type]
            assert ids(index.search("boat garden", where={"last": True}, mode=mode)) == ["6000"]  # type: ignore[arg-type]
        assert ids(index.search("boat garden -boat")) == ["odd"]
        assert len(index.search("boat", where={"n": {">=": 0}}, k=200)) == 200
