"""The distillation corpus: which rows are read, and in which order texts come."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from edgeembed_export.distillation.corpus import RESEARCH_SETS, SETS, TrainingSet, read_corpus, read_set, training_data
from edgeembed_export.errors import ExportError

PLAIN, PARAGRAPHS = TrainingSet("plain", "CC0"), TrainingSet("paragraphs", "CC0", paragraphs=True)


def write(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (folder / name).write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "plain.jsonl", [{"text": f"text {n}"} for n in range(20)])
    write(tmp_path, "paragraphs.jsonl.gz", [{"text": f"{'word ' * 30}{n}"} for n in range(20)])
    return tmp_path


def test_rows_with_texts_or_captions_without_the_blank_ones(tmp_path: Path) -> None:
    write(tmp_path, "plain.jsonl", [{"text": "a"}, {"captions": ["b", " ", "c"]}, {"text": "\n"}, {"text": "a"}])
    assert read_set(tmp_path, PLAIN) == ["a", "b", "c", "a"]
    write(tmp_path, "plain.jsonl.gz", [{"text": "zipped"}])
    assert read_set(tmp_path, PLAIN) == ["zipped"]  # goes before the other


def test_rows_whose_terms_forbid_it_are_left_out_and_a_row_without_a_source_is_refused(tmp_path: Path) -> None:
    item = TrainingSet("mixed", "CC0, the rows of x are left out", left_out=("x",))
    write(tmp_path, "mixed.jsonl", [{"text": "a", "source": "x-train"}, {"text": "b", "source": "y"}])
    assert read_set(tmp_path, item) == ["b"]
    write(tmp_path, "mixed.jsonl", [{"text": "a"}])
    with pytest.raises(ExportError, match="names no source"):
        read_set(tmp_path, item)


def test_a_set_that_is_not_there_or_has_no_texts(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"holds no plain\.jsonl\.gz"):
        read_set(tmp_path, PLAIN)
    write(tmp_path, "plain.jsonl", [{"label": "a"}])
    with pytest.raises(ExportError, match="a row has no text"):
        read_set(tmp_path, PLAIN)


def test_the_seed_decides_the_order_and_a_limit_takes_its_beginning(folder: Path) -> None:
    texts = read_corpus(folder, joined=5, seed=3, sets=[PLAIN, PARAGRAPHS])
    assert texts == read_corpus(folder, joined=5, seed=3, sets=[PLAIN, PARAGRAPHS])
    assert texts != read_corpus(folder, joined=5, seed=4, sets=[PLAIN, PARAGRAPHS])
    assert texts[:7] == read_corpus(folder, joined=5, seed=3, sets=[PLAIN, PARAGRAPHS], limit=7)
    assert len(texts) == len(set(texts))
    assert {text for text in texts if text.startswith("text")} == {f"text {n}" for n in range(20)}


def test_joined_texts_are_whole_neighbours_of_paragraphs(folder: Path) -> None:
    singles = set(read_corpus(folder, joined=0, seed=0, sets=[PLAIN, PARAGRAPHS]))
    assert len(singles) == 40
    paragraphs = read_set(folder, PARAGRAPHS)
    extra = set(read_corpus(folder, joined=30, seed=0, sets=[PLAIN, PARAGRAPHS])) - singles
    assert extra
    for text in extra:
        assert " ".join(paragraphs).count(text) == 1
        assert len(text) <= 1100 + len(paragraphs[0])
    assert set(read_corpus(folder, joined=30, seed=0, sets=[PLAIN])) == {f"text {n}" for n in range(20)}


def test_the_files_may_be_in_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    write(tmp_path / "text", "plain.jsonl", [{"text": "a"}])
    assert read_corpus(tmp_path, joined=0, seed=0, sets=[PLAIN]) == ["a"]


def test_what_ships_leaves_out_what_forbids_commercial_use() -> None:
    shipped = {item["name"]: item["terms"] for item in training_data(SETS)}
    assert all(name.endswith(" (distillation)") for name in shipped)
    assert all("NC" not in terms and "research" not in terms for terms in shipped.values())
    assert {item.name for item in SETS} < {item.name for item in RESEARCH_SETS}
    assert not any(item.left_out for item in RESEARCH_SETS)
