"""Evaluation sets, recognised by their content."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import ExportError

SIMILARITY = "similarity"
RETRIEVAL = "retrieval"
LABELLED_TEXTS = "labelled texts"
CAPTIONED_IMAGES = "captioned pictures"
LABELLED_IMAGES = "labelled pictures"
_LAYOUTS: Mapping[frozenset[str], str] = {
    frozenset({"a", "b", "score"}): SIMILARITY,
    frozenset({"image", "captions"}): CAPTIONED_IMAGES,
    frozenset({"image", "label"}): LABELLED_IMAGES,
    frozenset({"text", "label"}): LABELLED_TEXTS,
}
"""Keys that every row of a file has, to the task that it is for."""
_PARTS = ("_captions", "_labels")
"""Suffixes of file names that only repeat the layout."""
Row = dict[str, Any]


@dataclass(frozen=True)
class EvaluationSet:
    """One evaluation set."""

    name: str
    task: str
    """``similarity``, ``retrieval``, ``labelled texts``, ``captioned pictures`` or ``labelled pictures``."""
    path: Path
    """A file of rows, or the folder of a retrieval set."""
    split: str | None = None
    """Which rows of the file belong to it, by their ``split``; ``None``: all of them."""

    def rows(self) -> list[Row]:
        """Its rows, in the order of the file (not for retrieval sets).

        Raises:
            ExportError: a row lacks a key that the task needs.
        """
        keys = next(keys for keys, task in _LAYOUTS.items() if task == self.task)
        rows = []
        for number, row in enumerate(read_rows(self.path), start=1):
            if not keys <= row.keys():
                raise ExportError(f"{self.path}: line {number} lacks {', '.join(sorted(keys - row.keys()))}")
            if self.split is None or row.get("split") == self.split:
                rows.append(row)
        return rows


def find_sets(data: Sequence[Path], *, only: Sequence[str] = ()) -> list[EvaluationSet]:
    """Evaluation sets in files and folders, in the order of ``data`` and there by name.

    A file ``*.jsonl`` or ``*.jsonl.gz`` is recognised by the keys of its first row: ``a``, ``b`` and ``score``
    (similarity of two texts); ``text`` and ``label``; ``image`` and ``captions``; ``image`` and ``label``. Rows of
    images name files beside them: in the same folder, below it, or in a ``.tar`` there. Captioned images with a
    ``split`` are one set for each split but ``train``. A folder with ``corpus.jsonl``, ``queries.jsonl`` (both may be
    ``.gz``) and ``qrels.tsv`` or ``qrels/test.tsv`` is a retrieval set (the BEIR layout: Thakur et al. 2021).

    Args:
        data: a file; a retrieval set's folder; or a folder with any number of both, not searched any deeper.
        only: names of sets to take; empty: all.

    Raises:
        ExportError: a file that was named is of no known layout, two sets have one name, a name in ``only`` is not
            there, or nothing is.
    """
    sets = [item for path in data for item in _sets_at(path)]
    names = [item.name for item in sets]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            raise ExportError(f"two data sets are called {name}: {', '.join(_paths(sets, name))}; leave one out")
    for name in only:
        if name not in names:
            raise ExportError(f"no data set is called {name}; there are: {', '.join(names) or 'none'}")
    if not sets:
        places = ", ".join(map(str, data))
        raise ExportError(f"{places}: holds no data sets (files *.jsonl.gz, or folders with qrels.tsv)")
    return [item for item in sets if not only or item.name in only]


def read_rows(path: Path) -> Iterator[Row]:
    """The objects of a file with one JSON object a line, gzipped if its name ends in ``.gz``.

    Raises:
        ExportError: something else is in it.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ExportError(f"{path}: line {number} is not a JSON object")
                yield row
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise ExportError(f"{path}: cannot be read as one JSON object a line: {error}") from error


def read_retrieval(folder: Path) -> tuple[list[Row], list[Row], dict[str, dict[str, float]]]:
    """Documents, queries, and query id to document id to judgement.

    Raises:
        ExportError: the judgements are no table of ``query-id``, ``corpus-id`` and ``score``.
    """
    judgements: dict[str, dict[str, float]] = {}
    with _qrels(folder).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        try:
            for row in reader:
                judgements.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
        except (KeyError, TypeError, ValueError) as error:
            raise ExportError(
                f"{_qrels(folder)}: line {reader.line_num} does not hold query-id, corpus-id and score: {error!r}"
            ) from error
    return list(read_rows(_lines(folder, "corpus"))), list(read_rows(_lines(folder, "queries"))), judgements


class ImageFiles:
    """Contents of the image files in a folder, those in its tar archives included; nothing is unpacked."""

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}  # file, offset, size
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if path.suffix == ".tar":
                with tarfile.open(path, "r:") as archive:
                    for member in archive:
                        if member.isreg():
                            self._note(member.name, (path, member.offset_data, member.size))
            else:
                self._note(path.relative_to(folder).as_posix(), (path, 0, -1))

    def _note(self, name: str, place: tuple[Path, int, int]) -> None:
        self._places.setdefault(name, place)
        self._places.setdefault(PurePosixPath(name).name, place)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str) -> bytes:
        """The bytes of the file with this name, alone or with its folder."""
        path, offset, size = self._places[name]
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def _sets_at(path: Path) -> list[EvaluationSet]:
    if path.is_file():
        sets = _sets_in_file(path)
        if not sets:
            known = "; ".join(", ".join(sorted(keys)) for keys in _LAYOUTS)
            raise ExportError(f"{path}: its rows are of no known layout (keys must be one of: {known})")
        return sets
    if _is_retrieval(path):
        return [EvaluationSet(path.resolve().name, RETRIEVAL, path)]
    files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")])
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and _is_retrieval(folder))
    sets = [item for file in files for item in _sets_in_file(file)]
    return [*sets, *(EvaluationSet(folder.name, RETRIEVAL, folder) for folder in folders)]


def _sets_in_file(path: Path) -> list[EvaluationSet]:
    first = next(read_rows(path), {})
    task = next((task for keys, task in _LAYOUTS.items() if keys <= first.keys()), None)
    if task is None:
        return []
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    for part in _PARTS:
        name = name.removesuffix(part)
    if task == CAPTIONED_IMAGES and "split" in first:
        splits = sorted({str(row.get("split")) for row in read_rows(path)} - {"train"})
        return [EvaluationSet(f"{name}_{split}", task, path, split) for split in splits]
    return [EvaluationSet(name, task, path)]


def _is_retrieval(folder: Path) -> bool:
    return _qrels(folder).is_file()


def _qrels(folder: Path) -> Path:
    plain = folder / "qrels.tsv"
    return plain if plain.is_file() else folder / "qrels" / "test.tsv"


def _lines(folder: Path, name: str) -> Path:
    zipped = folder / f"{name}.jsonl.gz"
    return zipped if zipped.is_file() else folder / f"{name}.jsonl"


def _paths(sets: Sequence[EvaluationSet], name: str) -> list[str]:
    return [str(item.path) for item in sets if item.name == name]
