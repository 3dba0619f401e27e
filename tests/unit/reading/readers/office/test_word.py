"""Word documents (DOCX) to text."""

from __future__ import annotations

import io
import zipfile

from edgeembed.reading.readers import read
from tests.support.documents import page_of, saved, word_document


def test_word() -> None:
    import docx

    document = docx.Document()
    document.add_heading("Trip to Oslo", 1)
    document.add_paragraph("We leave on Friday.")
    document.add_paragraph("a tent", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, words in zip(table._cells, ("Day", "Place", "Monday", "Bergen"), strict=True):
        cell.text = words
    document.sections[0].header.paragraphs[0].text = "Travel notes"
    extracted = read("zip", saved(document.save))
    assert extracted.text == (
        "# Trip to Oslo\n\nWe leave on Friday.\n\na tent\n\nDay | Place\nMonday | Bergen\n\nTravel notes\n\n"
    )
    assert (extracted.pages, extracted.lines) == ((), False)


def test_word_pages_are_those_that_word_saw_last() -> None:
    body = (
        "<w:p><w:r><w:t>first page</w:t></w:r></w:p><w:p><w:r><w:t>runs over </w:t></w:r>"
        "<w:r><w:lastRenderedPageBreak/><w:t>to the second</w:t></w:r></w:p>"
    )
    extracted = read("zip", word_document(body))
    assert [page_of(extracted, words) for words in ("first", "runs over", "to the second")] == [1, 1, 2]


def test_word_text_in_odd_places() -> None:
    body = (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>in a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p>"
        "</w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>in a box</w:t></w:r></w:p></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
        "<w:p><w:hyperlink><w:r><w:t>a </w:t></w:r><w:r><w:t>link</w:t></w:r></w:hyperlink>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
        "<w:p><m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath><w:r><w:br/><w:t>new line</w:t></w:r></w:p>"
    )
    assert read("zip", word_document(body)).text == "in a control\n\nin a box\n\na link\n\nx=1\nnew line\n\n"


def test_word_with_damage_beside_its_text() -> None:
    import docx

    document = docx.Document()
    document.add_heading("Trip to Oslo", 1)
    data = saved(document.save)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["word/styles.xml"] = b"<w:styles"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read("zip", data).text == "# Trip to Oslo\n\n"
    assert read("zip", file.getvalue()).text == "Trip to Oslo\n\n"
