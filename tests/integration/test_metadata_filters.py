"""Odd metadata and large filters in a whole index; and an index that holds what older versions took."""

from __future__ import annotations

import math
import sqlite3
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeembed import Document, EdgeEmbedError, Folder, Index, IndexCorruptError
from edgeembed.catalog.checksums import checksum_sql, register
from edgeembed.catalog.database import CATALOG_NAME


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Index:
    index = Index.open(tmp_path / "index", model=tiny_bundle)
    index.add(
        Document(
            f"d{n}", text=f"note {n} about a boat", metadata={"n": n, "even": n % 2 == 0, "name": f"caf\udce9 {n}"}
        )
        for n in range(6)
    )
    return index


def found(index: Index, where: dict[str, Any]) -> list[str]:
    return sorted(hit.id for hit in index.search("boat", k=100, where=where))


def test_metadata_that_cannot_be_kept_adds_nothing_of_its_document(index: Index) -> None:
    documents = [Document("ok", text="a boat"), Document("bad", text="a ship", metadata={"price": math.nan})]
    with pytest.raises(ValueError, match=r"document 'bad': metadata\['price'\] is nan"):
        index.add(documents)
    assert found(index, {"n": 3}) == ["d3"]
    assert index.status().documents == 7  # what came before it is kept
    assert index.verify().ok


def test_odd_metadata_comes_back_and_is_found(index: Index) -> None:
    odd = {"id": 2**70, "pair": (1, 2), "score": np.float32(0.5), "lone": "\ud800", "deep": {"a": [None]}}
    index.add([Document("odd", text="an odd boat", metadata=odd)])
    (hit,) = index.search("odd boat", where={"score": np.float64(0.5), "lone": "\ud800"})
    assert hit.metadata == {**odd, "pair": [1, 2]}
    assert found(index, {"pair": {"has": 2}}) == ["odd"]
    assert found(index, {"id": {">": 2**69}}) == ["odd"]
    assert found(index, {"id": {"<": 10**400}}) == ["odd"]
    assert found(index, {"name": "caf\udce9 4"}) == ["d4"]
    assert found(index, {"name": {"in": ["caf\udce9 4", "caf\udce9 5", "caf\udce9"]}}) == ["d4", "d5"]


@pytest.mark.parametrize("count", [1, 1000, 40_000])
def test_a_list_of_any_length_is_one_test(index: Index, count: int) -> None:
    others: list[Any] = [f"x{n}" for n in range(count)] + [-n for n in range(1, count)] + [None, False]
    assert found(index, {"document.id": {"in": [*others, "d1", "d4"]}}) == ["d1", "d4"]
    assert found(index, {"n": {"in": [*others, 2, 3.0]}}) == ["d2", "d3"]
    assert found(index, {"even": {"in": others}}) == ["d1", "d3", "d5"]
    assert found(index, {"even": {"in": [0, 1, "true"]}}) == []


@pytest.mark.slow
def test_a_filter_of_thousands_of_names_is_answered_or_refused(index: Index) -> None:
    many: dict[str, Any] = {f"x{n}": {"!=": n} for n in range(1500)}
    assert found(index, {**many, "n": 4}) == ["d4"]
    with pytest.raises(ValueError, match="where has 6,000 tests"):
        index.search("boat", where={f"x{n}": n for n in range(6000)})
    assert found(index, {"document.id": {"glob": [f"d{n}" for n in range(3, 3000)]}}) == ["d3", "d4", "d5"]


@pytest.mark.slow
def test_a_query_of_many_phrases_and_exclusions_is_no_damage(index: Index) -> None:
    count = 300
    query = "boat " + " ".join(f'-word{n} -"no {n}"' for n in range(count))
    assert len(index.search(query, k=100)) == 6
    assert index.search("boat " + " ".join(f'"no {n}"' for n in range(count))) == []
    assert index.search(" ".join(f"word{n}" for n in range(count * 10)) + " boat", k=1)
    with pytest.raises(ValueError, match="phrases and excluded words"):
        index.search("boat " + " ".join(f"-word{n}" for n in range(5001)))


@pytest.mark.parametrize(
    "where",
    [
        {"n": math.nan},
        {"n": 2**64},
        {"n": {"in": [1, 2**64]}},
        {"n": {">": math.nan}},
        {"n": date(2024, 1, 1)},
        {"n": {"in": [date(2024, 1, 1)]}},
        {"n": {"in": [b"a"]}},
        {1: 2},
        {"n": {"a": [[[[[[[]]]]]]]}},
        {"file.modified": math.nan},
        {"file.modified": "x" * 1000},
    ],
)
def test_a_filter_that_compares_nothing_is_wrong_use(index: Index, where: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        index.search("boat", where=where)
    assert not isinstance(caught.value, EdgeEmbedError)
    assert len(str(caught.value)) < 300


def test_a_filter_nested_by_thousands_is_wrong_use(index: Index) -> None:
    deep: Any = "a"
    for _ in range(5000):
        deep = {"in": [deep]}
    for where in ({"n": deep}, {"n": {"glob": deep}}, {"n": {"has": [deep]}}, {"n": {"<": deep}}):
        with pytest.raises((TypeError, ValueError)):
            index.search("boat", where=where)


def test_times_beyond_what_files_have_are_before_or_after_all(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("a boat")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        folder.sync()
        for late in (datetime.max, date.max, 1e300, math.inf, 10**30):
            assert len(folder.search("boat", where={"file.modified": {"<": late}})) == 1
            assert folder.search("boat", where={"file.modified": {">": late}}) == []
        for early in (datetime.min, date.min, -1e300, -math.inf):
            assert len(folder.search("boat", where={"file.modified": {">": early}})) == 1
        assert len(folder.search("boat", where={"file.size_bytes": {"<": 2**80, ">": -(2**80)}})) == 1


def make_old(folder: Path, id: str, metadata: str) -> None:
    """Store metadata as an older version did, which looked at nothing."""
    db = sqlite3.connect(folder / CATALOG_NAME, isolation_level=None)
    register(db)
    db.execute("UPDATE documents SET metadata = ? WHERE id = ?", (metadata, id))
    db.execute(f"UPDATE documents SET checksum = {checksum_sql('documents')} WHERE id = ?", (id,))
    db.close()


def test_an_older_index_with_nan_answers_and_is_mended(index: Index, tmp_path: Path, tiny_bundle: Path) -> None:
    make_old(index.path, "d1", '{"n": NaN, "tags": ["red", Infinity], "even": false}')
    assert found(index, {"n": 3}) == ["d3"]
    assert found(index, {"n": None}) == ["d1"]
    assert found(index, {"tags": {"has": "red"}}) == ["d1"]
    (hit,) = index.search("boat", where={"n": None})
    assert math.isnan(hit.metadata["n"])
    report = index.verify()
    assert [problem.what for problem in report.problems] == [
        "the metadata of d1 is no JSON object, or holds NaN or Infinity, for which null is taken"
    ]
    index.close()
    did = Index.repair(tmp_path / "index", model=tiny_bundle)
    assert did.lost == ()
    assert "1 documents had NaN or Infinity in their metadata, which is null now" in did.did
    with Index.open(tmp_path / "index", model=tiny_bundle) as again:
        assert again.verify().ok
        (hit,) = again.search("boat", where={"tags": {"has": "red"}})
        assert hit.metadata == {"n": None, "tags": ["red", None], "even": False}
        assert again.status().documents == 6


def test_metadata_that_is_no_json_is_still_damage(index: Index) -> None:
    make_old(index.path, "d1", '{"n": ')
    with pytest.raises(IndexCorruptError, match="malformed JSON"):
        index.search("boat", where={"n": 3})
