"""Documents in zip archives whose end is missing: what is there is read, and said to be incomplete."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from edgeembed import Folder
from edgeembed.reading.readers import read
from edgeembed.reading.readers.cut_archive import CUT, is_cut, recovered
from edgeembed.reading.readers.zip_archive import Archive
from tests.support.documents import reason, saved

WORDS = ["tomato", "zucchini", "lighthouse"]
NOT_WHOLE = "damaged: not a whole archive"


def word_document() -> bytes:
    import docx

    document = docx.Document()
    for word in WORDS:
        document.add_paragraph(f"A page about {word}")
    return saved(document.save)


def slides() -> bytes:
    import pptx

    deck = pptx.Presentation()
    for word in WORDS:
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = word
    return saved(deck.save)


def workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for word in WORDS:
        book.active.append([word, 12, 3.5])
    return saved(book.save)


def open_text() -> bytes:
    from odf.opendocument import OpenDocumentText
    from odf.text import P

    document = OpenDocumentText()
    for word in WORDS:
        document.text.addElement(P(text=f"A page about {word}"))
    return saved(document.write)


@pytest.mark.parametrize("make", [word_document, slides, workbook, open_text])
def test_the_directory_alone_is_missing(make: object) -> None:
    assert callable(make)
    data = make()
    whole = read("zip", data)
    assert whole.missing is None
    cut = read("zip", data[: data.index(b"PK\x01\x02") + 9])
    assert (cut.text, cut.pages, cut.missing) == (whole.text, whole.pages, CUT)


@pytest.mark.parametrize("flags", ["sizes first", "sizes behind"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_text_up_to_where_a_part_is_cut(flags: str, method: int) -> None:
    class Pipe(io.RawIOBase):
        """Where nobody can go back, sizes stand behind the parts."""

        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.written += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    lines = "".join(f"<w:p><w:r><w:t>line {number}</w:t></w:r></w:p>" for number in range(9000))
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    file = Pipe() if flags == "sizes behind" else io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("word/styles.xml", "<styles/>")
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{lines}</w:body></w:document>")
    data = file.written if isinstance(file, Pipe) else file.getvalue()
    assert is_cut(data[:-1])
    extracted = read("zip", data[: len(data) // 2])
    assert extracted.missing == CUT
    count = extracted.text.count("line ")
    assert 2500 < count < 6500
    assert f"line {count - 2}\n" in extracted.text


def test_an_archive_within_one_that_is_cut_is_not_taken_for_it() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word_document())) as whole, zipfile.ZipFile(file, "w") as archive:
        for info in whole.infolist():
            archive.writestr(info.filename, whole.read(info))
        archive.writestr("word/embeddings/table.xlsx", workbook())
        archive.writestr("word/last.xml", "<last/>")
    data = file.getvalue()
    cut = data[: data.index(b"PK\x01\x02", data.index(b"word/last.xml"))]
    assert "lighthouse" in read("zip", cut).text
    assert "3.5" not in read("zip", cut).text


def test_what_gives_no_text_is_said_as_before() -> None:
    assert reason("zip", word_document()[:400]) == NOT_WHOLE
    assert reason("zip", b"PK\x03\x04") == NOT_WHOLE
    assert reason("zip", b"PK\x03\x04" * 500) == NOT_WHOLE
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "tomato")
    assert reason("zip", file.getvalue()[:-9]) == NOT_WHOLE
    assert reason("zip", file.getvalue()).startswith("not text: an archive")


def test_what_unpacks_to_too_much_is_left_out() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", "tomato")
        archive.writestr("b.xml", b" " * 5_000_000)
        archive.writestr("c.xml", "zucchini")
    copy = recovered(file.getvalue()[:-30], 100_000)
    assert copy is not None
    assert len(copy) < 101_000
    assert Archive(copy).part("a.xml") == b"tomato"


def test_the_index_says_what_is_incomplete(tmp_path: Path, tiny_bundle: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    data = word_document()
    (notes / "cut.docx").write_bytes(data[: data.index(b"PK\x01\x02")])
    with Folder.open(notes, model=tiny_bundle) as folder:
        assert not folder.sync().skipped
        assert [hit.id for hit in folder.search("zucchini", mode="keyword")] == ["cut.docx"]
        assert [(item.path, item.reason) for item in folder.status().incomplete] == [("cut.docx", CUT)]
        (notes / "cut.docx").write_bytes(data)
        folder.sync()
        assert list(folder.status().incomplete) == []


def test_many_parts_take_little_time() -> None:
    header = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 8, 8, 0, 0, 0, 0, 0, 1, 0)
    part = header + b"a" + zlib.compress(b"tomato")[2:-4]
    started = time.process_time()
    assert reason("zip", part * 200_000) == NOT_WHOLE  # 9 MB
    assert time.process_time() - started < 10
