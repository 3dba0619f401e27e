"""OpenDocument texts and slides (ODT, ODP) to text and pages."""

from __future__ import annotations

from edgeembed.reading.readers import read
from tests.support.documents import page_of, reason, saved, zipped


def test_open_document_text() -> None:
    from odf.opendocument import OpenDocumentText
    from odf.text import H, List, ListItem, Note, NoteBody, NoteCitation, P, S, Span

    document = OpenDocumentText()
    document.text.addElement(H(outlinelevel=2, text="Bread"))
    paragraph = P(text="Let it ")
    paragraph.addElement(Span(text="rest"))
    paragraph.addElement(S(c=2))
    note = Note(noteclass="footnote")
    note.addElement(NoteCitation(text="1"))
    body = NoteBody()
    body.addElement(P(text="an hour"))
    note.addElement(body)
    paragraph.addElement(note)
    document.text.addElement(paragraph)
    items = List()
    item = ListItem()
    item.addElement(P(text="flour"))
    items.addElement(item)
    document.text.addElement(items)
    extracted = read("zip", saved(document.save))
    assert extracted.text == "## Bread\n\nLet it rest (an hour )\n\n- flour\n\n"
    assert extracted.pages == ()


def test_open_document_slides_and_soft_page_breaks() -> None:
    slides = "<office><drawpage><page><text-box><p>one</p></text-box></page><page><p>two</p></page></drawpage></office>"
    kind = "application/vnd.oasis.opendocument.presentation"
    extracted = read("zip", zipped(mimetype=kind, **{"content.xml": slides}))
    assert [page_of(extracted, words) for words in ("one", "two")] == [1, 2]
    text = "<text><p>before <soft-page-break/>after</p></text>"
    extracted = read("zip", zipped(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": text}))
    assert [page_of(extracted, words) for words in ("before", "after")] == [1, 2]


def test_open_document_that_is_encrypted() -> None:
    parts = {"META-INF__manifest.xml": "<manifest><encryption-data/></manifest>", "content.xml": b"\x01\x02"}
    data = zipped(mimetype="application/vnd.oasis.opendocument.text", **parts)
    assert reason("zip", data) == "encrypted: needs a password"


def test_headers_footers_and_dates_are_text_and_who_commented_is_not() -> None:
    content = (
        "<text><p>On <date>2 March</date> we leave<annotation><creator>Ann</creator><date>2026</date><p>at last</p>"
        "</annotation></p></text>"
    )
    footers = "<footer><p>Page <n>1</n></p></footer><footer><p>Draft</p></footer>"
    styles = f"<s><master-page><header><p>Draft</p></header>{footers}</master-page></s>"
    parts = {
        "content.xml": content,
        "styles.xml": styles,
        "meta.xml": "<m><title>Trip</title><keyword>sea</keyword></m>",
    }
    text = read("zip", zipped(mimetype="application/vnd.oasis.opendocument.text", **parts)).text
    assert text == "Title: Trip\nKeywords: sea\n\nOn 2 March we leave (at last )\n\nDraft\nPage 1\n\n"


def test_footers_that_slides_share() -> None:
    content = "<presentation><footer-decl>Harbour board</footer-decl><page><p>one</p></page></presentation>"
    kind = "application/vnd.oasis.opendocument.presentation"
    assert read("zip", zipped(mimetype=kind, **{"content.xml": content})).text == "Harbour board\n\none\n\n"


def test_the_kind_is_in_the_manifest_too() -> None:
    kind = "application/vnd.oasis.opendocument.text"
    manifest = f'<m><file-entry full-path="/" media-type="{kind}"/></m>'
    assert (
        read("zip", zipped(**{"META-INF__manifest.xml": manifest, "content.xml": "<text><p>words</p></text>"})).text
        == "words\n\n"
    )


def test_comments_of_sheets() -> None:
    from odf.dc import Creator
    from odf.office import Annotation
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book = OpenDocumentSpreadsheet()
    table, row, cell, note = Table(name="Bees"), TableRow(), TableCell(valuetype="string"), Annotation()
    note.addElement(Creator(text="Ann"))
    note.addElement(P(text="queen is old"))
    cell.addElement(note)
    cell.addElement(P(text="hive"))
    row.addElement(cell)
    table.addElement(row)
    book.spreadsheet.addElement(table)
    assert read("zip", saved(book.save)).text == "# Bees\n\nhive (queen is old)\n\n"
