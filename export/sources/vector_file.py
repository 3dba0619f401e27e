"""Read a file of word vectors: Word2Vec text, Word2Vec binary, or GloVe text. Which one is seen from its content.

The formats are those that the original programs write (word2vec by Mikolov et al. 2013, GloVe by Pennington et al.
2014); fastText's ``.vec`` is Word2Vec text. None is specified anywhere, and files in use bend them: words with spaces
in them, rows without a word, words twice, bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from ..errors import ExportError

Layout = Literal["Word2Vec text", "Word2Vec binary", "GloVe text"]
Row = tuple[str, bytes, npt.NDArray[np.float32]]
"""Where it stands, for messages; the word; its vector ``(dim,)``."""
_LONGEST_LINE = 1 << 20
_LONGEST_WORD = 2000
_LOOK_AT_LINES = 100
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?\s*([0-9]+)[ \t]+([0-9]+)\s*")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BOM = b"\xef\xbb\xbf"
_OTHER_FORMATS = (
    (b"\x1f\x8b", "is compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "is a zip archive; unpack it first, and give the file in it"),
    (
        b"\x80",
        "is a pickled Python object, which is not read; save it in Word2Vec format (gensim: save_word2vec_format)",
    ),
    (b"\xba\x16\x4f\x2f", "is a model of fastText; give the .vec file that belongs to it"),
)


@dataclass(frozen=True)
class VectorFile:
    """A recognised file of word vectors."""

    path: Path
    layout: Layout
    dim: int
    rows: int | None
    """Number of rows by the first line; ``None``: GloVe's format has no such line."""
    start: int
    """Offset in bytes of the first row."""


@dataclass(frozen=True, eq=False)
class WordTable:
    """The words of a file and their vectors."""

    words: Sequence[str]
    """Each once, in the order of the file: the most frequent first, as the programs write them."""
    ranks: npt.NDArray[np.int64]
    """Row of the file that each word stood in, counted from 1."""
    vectors: npt.NDArray[np.float32]
    """``(words, dim)``, mapped from disk."""
    left_out: Mapping[str, int]
    """Number of skipped rows, by reason."""


def is_word_vectors(path: Path) -> bool:
    """Whether ``path`` is a file that begins like one of the three formats."""
    try:
        return path.is_file() and bool(open_vectors(path))
    except (ExportError, OSError):
        return False


def open_vectors(path: Path) -> VectorFile:
    """Recognise a file by its first lines.

    Raises:
        ExportError: it is empty, or not a file of word vectors.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        first = file.readline(_LONGEST_LINE)
        if not first.strip():
            raise ExportError(f"{path}: {'is empty' if not first else 'begins with an empty line'}: no word vectors")
        for magic, reason in _OTHER_FORMATS:
            if first.startswith(magic):
                raise ExportError(f"{path}: {reason}")
        header = _HEADER.fullmatch(first)
        if header is None:
            return VectorFile(path, "GloVe text", _dim_of_glove(path, first, file), None, 0)
        rows, dim = int(header[1]), int(header[2])
        if rows < 1 or dim < 2:
            raise ExportError(f"{path}: its first line promises {rows} vectors of {dim} numbers: nothing to use")
        layout: Layout = "Word2Vec text" if _is_text(file.readline(_LONGEST_LINE)) else "Word2Vec binary"
        return VectorFile(path, layout, dim, rows, len(first))


def read_vectors(file: VectorFile, scratch: Path, *, max_words: int | None = None) -> WordTable:
    """Read words and vectors; of the latter one row at a time is in memory.

    A word that comes again is left out, so are rows without a word and words that are not UTF-8.

    Args:
        file: as :func:`open_vectors` recognised it.
        scratch: file to write the vectors to; it must stay as long as the table is used.
        max_words: how many rows are read, the first ones; ``None``: all.

    Raises:
        ExportError: a row of another length, a value that is not a finite number, fewer or more rows than the first
            line says, or no usable row; the message says where.
    """
    words: dict[str, int] = {}
    left_out: Counter[str] = Counter()
    rows = _binary_rows(file) if file.layout == "Word2Vec binary" else _text_rows(file)
    with scratch.open("wb") as out:
        for rank, (place, raw, vector) in enumerate(islice(rows, max_words), start=1):
            if not np.isfinite(vector).all():
                raise ExportError(f"{file.path}: {place} holds a value that is not a finite number")
            word = raw.decode("utf-8", "replace").strip()
            reason = _unusable(word, words)
            if reason:
                left_out[reason] += 1
            else:
                words[word] = rank
                out.write(vector.tobytes())
    if sum(left_out.values()) > len(words):
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise ExportError(f"{file.path}: most of its rows are of no use as word vectors ({reasons})")
    vectors = np.memmap(scratch, np.float32, "r", shape=(len(words), file.dim))
    return WordTable(list(words), np.fromiter(words.values(), np.int64), vectors, dict(left_out))


def _unusable(word: str, words: Mapping[str, int]) -> str | None:
    if not word:
        return "without a word"
    if "\ufffd" in word or "\0" in word:
        return "of damaged characters"
    return "the same word again" if word in words else None


def _text_rows(file: VectorFile) -> Iterator[Row]:
    count = 0
    with file.path.open("rb") as lines:
        lines.seek(file.start)
        number = 0 if file.rows is None else 1
        while line := lines.readline(_LONGEST_LINE):
            number += 1
            if line.isspace():
                continue
            count += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            yield f"line {number}", *_parse(line, file, number)
    if file.rows is not None and count != file.rows:
        raise ExportError(f"{file.path}: its first line promises {file.rows} vectors, but it holds {count}")


def _parse(line: bytes, file: VectorFile, number: int) -> tuple[bytes, npt.NDArray[np.float32]]:
    """Word and vector of a line. From the right: in some GloVe files there are spaces in words, or no word at all."""
    fields = line.rsplit(None, file.dim)
    word, values = (b"", fields) if line[:1].isspace() and len(fields) == file.dim else (fields[0], fields[1:])
    if len(values) == file.dim and not _is_value(word.split()[1:], values):
        try:
            with np.errstate(over="ignore"):  # what becomes infinite is refused later, like what is
                return word, np.array([float(value) for value in values], np.float32)
        except ValueError:
            pass
    if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
        raise ExportError(f"{file.path}: line {number} is longer than 1 MiB: no row of word vectors")
    raise ExportError(f"{file.path}: line {number} does not end in {file.dim} numbers, but in {_values_in(line)}")


def _is_value(rest: Sequence[bytes], values: Sequence[bytes]) -> bool:
    """Whether a word of several parts ends with what is one value too many: ``a 0.95`` does, but not ``windows 95``."""
    if not rest or not _NUMBER.fullmatch(rest[-1]):
        return False
    return not (rest[-1].isdigit() and any(b"." in value for value in values))


def _values_in(line: bytes) -> int:
    """How many fields at the end of a line are numbers, its first field, the word, not counted."""
    fields = line.split()
    if not line[:1].isspace():
        fields = fields[1:]
    for count, value in enumerate(reversed(fields)):
        if not _NUMBER.fullmatch(value):
            return count
    return len(fields)


def _dim_of_glove(path: Path, first: bytes, file: BinaryIO) -> int:
    """What most of the first lines agree on: a word with a number in it may make one of them look longer."""
    lines = [first.removeprefix(_BOM), *(line for line in islice(iter(lambda: file.readline(_LONGEST_LINE), b""), 99))]
    dim, count = Counter(_values_in(line) for line in lines if not line.isspace()).most_common(1)[0]
    if dim < 2 or 2 * count < len(lines):
        raise ExportError(f"{path}: is not a file of word vectors: its lines are not a word and as many numbers each")
    return dim


def _is_text(row: bytes) -> bool:
    """Whether the first row after a header is text. Binary floats always hold some byte that text does not."""
    last = row.split()[-1:]
    if last and _NUMBER.fullmatch(last[0]):
        return True
    try:
        row.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(row) is None


def _binary_rows(file: VectorFile) -> Iterator[Row]:
    assert file.rows is not None
    size = 4 * file.dim
    with file.path.open("rb", buffering=1 << 20) as content:
        content.seek(file.start)
        for number in range(1, file.rows + 1):
            word = _binary_word(content, file, number)
            values = content.read(size)
            if len(values) < size:
                raise _cut_short(file, number)
            yield f"row {number}", word, np.frombuffer(values, "<f4").astype(np.float32)
        if content.read(2).strip():
            raise ExportError(f"{file.path}: goes on after the {file.rows} vectors that its first line promises")


def _binary_word(content: BinaryIO, file: VectorFile, number: int) -> bytes:
    """The bytes before the next space; some programs end rows with a newline, others do not."""
    word = bytearray()
    while (byte := content.read(1)) != b" ":
        if not byte:
            raise _cut_short(file, number)
        if byte != b"\n" or word:
            word += byte
        if len(word) > _LONGEST_WORD:
            raise ExportError(f"{file.path}: row {number} does not begin with a word: damaged, or no Word2Vec file")
    return bytes(word)


def _cut_short(file: VectorFile, number: int) -> ExportError:
    return ExportError(f"{file.path}: ends within row {number} of {file.rows}: cut short, or no Word2Vec binary file")
