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
