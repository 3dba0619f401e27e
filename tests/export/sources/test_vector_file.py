"""Reading files of word vectors: three formats as programs write them, and as files in use bend them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.sources.vector_file import WordTable, is_word_vectors, open_vectors, read_vectors

ROWS = {"the": [0.1, -0.25, 3.0], "naïve": [1e-7, 2.5e3, -1.0], "東京": [0.3333333, 0.0, 7.0]}


def read(path: Path, content: bytes, max_words: int | None = None) -> WordTable:
    path.write_bytes(content)
    return read_vectors(open_vectors(path), path.with_suffix(".f32"), max_words=max_words)


def lines(rows: dict[str, list[float]]) -> bytes:
    return "".join(f"{word} {' '.join(map(repr, values))}\n" for word, values in rows.items()).encode()


def binary(rows: dict[str, list[float]], end: bytes = b"\n") -> bytes:
    head = f"{len(rows)} 3\n".encode()
    return head + b"".join(word.encode() + b" " + struct.pack("<3f", *row) + end for word, row in rows.items())


FORMATS = {
    "GloVe text": lines(ROWS),
    "Word2Vec text": b"3 3\n" + lines(ROWS),
    "Word2Vec binary": binary(ROWS),
}


@pytest.mark.parametrize("layout", sorted(FORMATS))
def test_every_format(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    table = read(path, FORMATS[layout])
    assert is_word_vectors(path)
    assert open_vectors(path).layout == layout
    assert list(table.words) == list(ROWS)
    assert table.ranks.tolist() == [1, 2, 3]
    assert table.vectors.dtype == np.float32
    np.testing.assert_array_equal(table.vectors, np.array(list(ROWS.values()), np.float32))
    assert table.left_out == {}


@pytest.mark.parametrize(
    "content",
    [
        b"3 3\r\n" + lines(ROWS).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf3 3\n" + lines(ROWS),
        b"\xef\xbb\xbf" + lines(ROWS),
        b"3 3\n" + lines(ROWS).replace(b"\n", b" \n"),  # as the original word2vec ends its lines
        lines(ROWS).replace(b" ", b"\t"),
        lines(ROWS).replace(b" ", b"   "),
        lines(ROWS).rstrip(b"\n"),
        lines(ROWS) + b"\n",
        binary(ROWS, end=b""),  # as gensim writes it
    ],
)
def test_every_spelling_of_a_format(content: bytes, tmp_path: Path) -> None:
    table = read(tmp_path / "vectors", content)
    assert list(table.words) == list(ROWS)
    np.testing.assert_array_equal(table.vectors, np.array(list(ROWS.values()), np.float32))


def test_words_that_look_like_something_else(tmp_path: Path) -> None:
    rows = (
        b"a 1 2 3\n. . . 4 5 6\n1 7 8 9\nat name@mail.example 1 1 1\nnan 2 2 2\nwindows 95 3 3.5 3\n\xc2\x85x 4 4 4\n"
    )
    table = read(tmp_path / "glove.txt", rows)
    assert list(table.words) == ["a", ". . .", "1", "at name@mail.example", "nan", "windows 95", "x"]
    assert table.vectors[1].tolist() == [4, 5, 6]


def test_rows_that_are_of_no_use_are_counted(tmp_path: Path) -> None:
    rows = b"a 1 1 1\nb 2 2 2\na 3 3 3\n 4 4 4\n\xc2\xa0 5 5 5\nca\xff 6 6 6\n\xe6\x9d 7 7 7\nc 8 8 8\nd 9 9 9\n"
    rows += b"e 1 1 1\nf 1 1 1\n"
    table = read(tmp_path / "glove.txt", rows)
    assert list(table.words) == ["a", "b", "c", "d", "e", "f"]
    assert table.left_out == {"the same word again": 1, "without a word": 2, "of damaged characters": 2}
    assert table.ranks.tolist() == [1, 2, 8, 9, 10, 11]
    assert table.vectors[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("layout", sorted(FORMATS))
def test_the_first_rows_only(layout: str, tmp_path: Path) -> None:
    table = read(tmp_path / "vectors", FORMATS[layout], max_words=2)
    assert list(table.words) == ["the", "naïve"]
    assert table.vectors.shape == (2, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "begins with an empty line"),
        (b"Dear Ann,\nI am well.\n", "is not a file of word vectors"),
        (b"name,score\nann,1\n", "is not a file of word vectors"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip; unpack it first"),
        (b"PK\x03\x04rest", "zip archive; unpack it first"),
        (b"\x80\x04\x95", "pickled Python object"),
        (b"\xba\x16\x4f\x2f\x0c", "model of fastText; give the .vec file"),
        (b"0 3\n", "promises 0 vectors"),
        (b"a 1 2 3\nb 1 2\nc 1 2 3\n", "line 2 does not end in 3 numbers, but in 2"),
        (b"a 1 2 3\nb 1 2 3 4\nc 1 2 3\n", "line 2 does not end in 3 numbers, but in 4"),
        (b"a 1 2 3\nb 0.1 0.2 0.3 0.4\nc 1 2 3\n", "line 2 does not end in 3 numbers, but in 4"),
        (b"2 3\na 1 2 3\nb 1 2\n", "line 3 does not end in 3 numbers, but in 2"),
        (b"2 3\na 1 2 3\nb 1 x 3\n", "line 3 does not end in 3 numbers, but in 1"),
        (b"2 300\na 1 2 3\nb 1 2 3\n", "line 2 does not end in 300 numbers, but in 3"),
        (b"3 3\na 1 2 3\nb 1 2 3\n", "promises 3 vectors, but it holds 2"),
        (b"1 3\na 1 2 3\nb 1 2 3\n", "promises 1 vectors, but it holds 2"),
        (b"a 1 2 3\nb 1 nan 3\n", "line 2 holds a value that is not a finite number"),
        (b"a 1 2 3\nb 1 1e99 3\n", "line 2 holds a value that is not a finite number"),
        (b"a 1 2 3\na 1 2 3\na 1 2 3\n", "most of its rows are of no use"),
        (binary({**ROWS, "bad": [1.0, float("inf"), 2.0]}), "row 4 holds a value that is not a finite number"),
        (binary(ROWS)[:-5], "ends within row 3 of 3"),
        (binary(ROWS) + b"more", "goes on after the 3 vectors"),
        (b"3 3\n" + b"\x00\xff" * 4000, "row 1 does not begin with a word"),
        (b"a 1 2 3\nb 1 2 3\n" + b"b" * (1 << 21), "line 3 is longer than 1 MiB"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        read(tmp_path / "vectors", content)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "vectors"))
    assert "\n" not in str(caught.value)


def test_what_is_not_a_file_of_word_vectors(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ann,\n")
    assert not is_word_vectors(tmp_path / "letter.txt")
    assert not is_word_vectors(tmp_path)
    assert not is_word_vectors(tmp_path / "missing")
