"""Data sets are told by what is in them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.evaluation.datasets import ImageFiles, find_sets, read_retrieval, read_rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def retrieval(folder: Path, qrels: str = "qrels.tsv") -> None:
    write(folder / "corpus.jsonl", [{"_id": "d", "title": "", "text": "boat"}])
    write(folder / "queries.jsonl.gz", [{"_id": "q", "text": "ship"}])
    (folder / qrels).parent.mkdir(exist_ok=True)
    (folder / qrels).write_text("query-id\tcorpus-id\tscore\nq\td\t2\n")


def test_every_layout(tmp_path: Path) -> None:
    write(tmp_path / "pairs.jsonl.gz", [{"a": "x", "b": "y", "score": 1}])
    write(tmp_path / "topics.jsonl", [{"text": "x", "label": "y"}])
    write(tmp_path / "photos_labels.jsonl.gz", [{"image": "x.png", "label": "y"}])
    write(tmp_path / "holiday_captions.jsonl", [{"image": "x.png", "captions": ["y"]}])
    write(tmp_path / "plain.jsonl.gz", [{"text": "belongs to no measure"}])
    write(tmp_path / "empty.jsonl", [])
    retrieval(tmp_path / "search")
    retrieval(tmp_path / "beir", "qrels/test.tsv")
    found = {item.name: item.task for item in find_sets([tmp_path])}
    assert found == {
        "holiday": "captioned pictures",
        "pairs": "similarity",
        "photos": "labelled pictures",
        "topics": "labelled texts",
        "beir": "retrieval",
        "search": "retrieval",
    }
    assert [item.name for item in find_sets([tmp_path], only=["topics", "beir"])] == ["topics", "beir"]
    assert [item.name for item in find_sets([tmp_path / "search", tmp_path / "pairs.jsonl.gz"])] == ["search", "pairs"]
    assert read_retrieval(tmp_path / "beir")[2] == {"q": {"d": 2.0}}


def test_splits_of_captions(tmp_path: Path) -> None:
    rows = [{"image": f"{split}.png", "split": split, "captions": ["x"]} for split in ("train", "test", "dev")]
    write(tmp_path / "photos_captions.jsonl", rows)
    dev, test = find_sets([tmp_path])
    assert (dev.name, test.name) == ("photos_dev", "photos_test")
    assert [row["image"] for row in dev.rows()] == ["dev.png"]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="holds no data sets"):
        find_sets([tmp_path])
    write(tmp_path / "plain.jsonl", [{"text": "x"}])
    with pytest.raises(ExportError, match=r"plain\.jsonl: its rows are of no known layout"):
        find_sets([tmp_path / "plain.jsonl"])
    write(tmp_path / "pairs.jsonl", [{"a": "x", "b": "y", "score": 1}])
    with pytest.raises(ExportError, match="no data set is called nothing; there are: pairs"):
        find_sets([tmp_path], only=["nothing"])
    with pytest.raises(ExportError, match="two data sets are called pairs"):
        find_sets([tmp_path, tmp_path / "pairs.jsonl"])
    write(tmp_path / "odd.jsonl", [{"text": "x", "label": "y"}, {"text": "x"}])
    with pytest.raises(ExportError, match=r"odd\.jsonl: line 2 lacks label"):
        find_sets([tmp_path / "odd.jsonl"])[0].rows()
    retrieval(tmp_path / "search")
    (tmp_path / "search" / "qrels.tsv").write_text("q\td\t1\nq\te\t1\n")
    with pytest.raises(ExportError, match=r"qrels\.tsv: line 2 does not hold query-id"):
        read_retrieval(tmp_path / "search")
    (tmp_path / "damaged.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(ExportError, match=r"damaged\.jsonl\.gz: cannot be read"):
        list(read_rows(tmp_path / "damaged.jsonl.gz"))
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(ExportError, match="line 1 is not a JSON object"):
        list(read_rows(tmp_path / "list.jsonl"))


def test_images_from_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.png").write_bytes(b"first")
    (tmp_path / "more" / "b.png").write_bytes(b"second")
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        for name, content in (("in/c.png", b"third, and longer"), ("a.png", b"hidden by the file")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("d.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    files = ImageFiles(tmp_path)
    assert files.read("a.png") == b"first"
    assert files.read("more/b.png") == files.read("b.png") == b"second"
    assert files.read("in/c.png") == files.read("c.png") == b"third, and longer"
    assert "d.png" not in files
    assert "../a.png" not in files
