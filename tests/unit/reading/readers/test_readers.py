"""Each format, written by a library or by hand, to the text that a person would read in it."""

from __future__ import annotations

import csv
import email.message
import io
import json
import struct
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers import READERS, read
from edgeembed.reading.readers.text_builder import TextBuilder


def reason(kind: str, data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(kind, data)
    return caught.value.reason


def page_of(found: ExtractedText, words: str) -> int:
    offset = found.text.index(words)
    return sum(start <= offset for start in found.pages)


def saved(save: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def zipped(**parts: str | bytes) -> bytes:
    """An archive of parts; names are written with ``__`` for ``/``."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


# PDF


def pdf(*pages: str, encrypt: Any = None) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, encrypt=encrypt)
    for page in pages:
        for number, line in enumerate(page.splitlines()):
            canvas.drawString(72, 720 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_pdf_keeps_its_pages() -> None:
    found = read("pdf", pdf("The first page\nhas two lines.", "", "Grüße from the third page"))
    assert found.text.startswith("The first page\nhas two lines.\n")
    assert [page_of(found, words) for words in ("The first", "two lines", "Grüße from")] == [1, 1, 3]
    assert len(found.pages) == 3
    assert not found.lines


def test_pdf_that_is_encrypted() -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    locked = pdf("secret", encrypt=StandardEncryption("user", ownerPassword="owner", strength=128))
    assert reason("pdf", locked) == "encrypted: needs a password"
    # Only changing it needs a password: anybody may read it.
    assert "for all" in read("pdf", pdf("for all", encrypt=StandardEncryption("", ownerPassword="owner"))).text


def test_pdf_that_was_scanned() -> None:
    assert reason("pdf", pdf("", "")) == "no text in it: its pages are pictures, as a scanner makes them"


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(range(256)) * 20, pdf("words")[:400]])
def test_pdf_that_is_broken(data: bytes) -> None:
    assert reason("pdf", data) in (
        "damaged: not a whole PDF",
        "damaged: none of its pages can be read",
        "no text in it: its pages are pictures, as a scanner makes them",
    )


# Word


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
    found = read("zip", saved(document.save))
    assert found.text == (
        "# Trip to Oslo\n\nWe leave on Friday.\n\na tent\n\nDay | Place\nMonday | Bergen\n\nTravel notes\n\n"
    )
    assert (found.pages, found.lines) == ((), False)


WORD = """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
 xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
 xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:body>{}</w:body></w:document>"""


def word(body: str) -> bytes:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return zipped(
        **{
            "[Content_Types].xml": f'<Types><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
            "_rels__.rels": '<Relationships><Relationship Id="a" Type="x/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
            "word__document.xml": WORD.format(body),
        }
    )


def test_word_pages_are_those_that_word_saw_last() -> None:
    body = (
        "<w:p><w:r><w:t>first page</w:t></w:r></w:p><w:p><w:r><w:t>runs over </w:t></w:r>"
        "<w:r><w:lastRenderedPageBreak/><w:t>to the second</w:t></w:r></w:p>"
    )
    found = read("zip", word(body))
    assert [page_of(found, words) for words in ("first", "runs over", "to the second")] == [1, 1, 2]


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
    assert read("zip", word(body)).text == "in a control\n\nin a box\n\na link\n\nx=1\nnew line\n\n"


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


# PowerPoint


def test_slides_are_pages() -> None:
    import pptx
    from pptx.util import Inches

    deck = pptx.Presentation()
    layout = deck.slide_layouts[1]
    for title, body in (("Plan", "ship in May"), ("Risks", "the\vweather")):
        slide = deck.slides.add_slide(layout)
        slide.shapes.title.text, slide.placeholders[1].text = title, body
    slide.notes_slide.notes_text_frame.text = "say this slowly"
    table = slide.shapes.add_table(1, 2, Inches(1), Inches(1), Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    deck.slides._sldIdLst.insert(0, deck.slides._sldIdLst[1])  # the order is that of the presentation
    found = read("zip", saved(deck.save))
    assert found.text == "Risks\n\nthe\nweather\n\nleft | right\n\nsay this slowly\n\nPlan\n\nship in May\n\n"
    assert [page_of(found, words) for words in ("Risks", "slowly", "May")] == [1, 1, 2]


# Spreadsheets


def test_spreadsheet_rows_make_sense_alone() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Garden"
    for row in (("plant", "sown", "count"), ("tomato", "April", 12), ("bean", None, 2.5)):
        sheet.append(row)
    book.create_sheet("Empty")
    book.create_sheet("Total").append(("all in all", 14.5))
    found = read("zip", saved(book.save))
    assert found.text == (
        "# Garden\n\nplant | sown | count\nplant: tomato, sown: April, count: 12\nplant: bean, count: 2.5\n\n"
        "# Total\n\nall in all | 14.5\n\n"
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Budget"], ["what", "cost"], ["roof", 2300], ["door", 90]], "Budget\nwhat | cost\nwhat: roof, cost: 2300\n"),
        ([["Name", "Ann"], ["City", "Oslo"], ["Age", 42]], "Name | Ann\nCity | Oslo\nAge | 42\n"),
        ([["Total", "$500"], ["Net", "$200"]], "Total | $500\nNet | $200\n"),
    ],
)
def test_which_row_of_a_sheet_names_the_columns(rows: list[list[object]], expected: str) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    assert read("zip", saved(book.save)).text.startswith("# Sheet\n\n" + expected)


def test_open_document_spreadsheet() -> None:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book = OpenDocumentSpreadsheet()
    table = Table(name="Bees")
    for words in (("hive", "queen"), ("north", "Elsa")):
        row = TableRow()
        for word_ in words:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=word_))
            row.addElement(cell)
        table.addElement(row)
    book.spreadsheet.addElement(table)
    assert read("zip", saved(book.save)).text == "# Bees\n\nhive | queen\nnorth | Elsa\n\n"


# OpenDocument


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
    found = read("zip", saved(document.save))
    assert found.text == "## Bread\n\nLet it rest (an hour )\n\n- flour\n\n"
    assert found.pages == ()


def test_open_document_slides_and_soft_page_breaks() -> None:
    slides = "<office><drawpage><page><text-box><p>one</p></text-box></page><page><p>two</p></page></drawpage></office>"
    kind = "application/vnd.oasis.opendocument.presentation"
    found = read("zip", zipped(mimetype=kind, **{"content.xml": slides}))
    assert [page_of(found, words) for words in ("one", "two")] == [1, 2]
    text = "<text><p>before <soft-page-break/>after</p></text>"
    found = read("zip", zipped(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": text}))
    assert [page_of(found, words) for words in ("before", "after")] == [1, 2]


def test_open_document_that_is_encrypted() -> None:
    parts = {"META-INF__manifest.xml": "<manifest><encryption-data/></manifest>", "content.xml": b"\x01\x02"}
    data = zipped(mimetype="application/vnd.oasis.opendocument.text", **parts)
    assert reason("zip", data) == "encrypted: needs a password"


# EPUB


def epub(**more: str) -> bytes:
    parts = {
        "META-INF__container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS__book.opf": """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Night Ferry
            </dc:title><dc:creator>A. Writer</dc:creator></metadata><manifest><item id="b" href="two%20b.xhtml"/>
            <item id="a" href="one.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine>
            </package>""",
        "OEBPS__one.xhtml": "<html><head><title>one</title></head><body><h1>One</h1><p>Fog &amp; tide&nbsp;…</p>",
        "OEBPS__two b.xhtml": "<html><body><p>The harbour</p></body></html>",
    }
    return zipped(mimetype="application/epub+zip", **parts, **more)


def test_epub_chapters_are_in_order() -> None:
    text = read("zip", epub()).text
    assert text == "# Night Ferry\n\n# A. Writer\n\n# One\n\nFog & tide …\n\nThe harbour\n\n"


def test_epub_that_is_protected() -> None:
    fonts = {"META-INF__encryption.xml": '<e><CipherReference URI="OEBPS/font.ttf"/></e>'}
    assert "harbour" in read("zip", epub(**fonts)).text
    chapters = {"META-INF__encryption.xml": '<e><CipherReference URI="OEBPS/one.xhtml"/></e>'}
    assert reason("zip", epub(**chapters)) == "encrypted: protected against copying"


# What is no document, or no longer one


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zipped(**{"a.txt": "words"}), "not text: an archive (archives are not opened)"),
        (zipped(mimetype="application/x-krita"), "not text: an archive (archives are not opened)"),
        (zipped(**{"[Content_Types].xml": "<Types/>"}), "not text: an archive (archives are not opened)"),
        (b"PK\x03\x04 and nothing more", "damaged: not a whole archive"),
        (zipped(mimetype="application/epub+zip"), "damaged: META-INF/container.xml is missing"),
        (word("<w:p><w:r><w:t>words"), "damaged: not whole XML"),
        (word("<w:p></w:p>"), "no text in it"),
    ],
)
def test_archives_that_are_no_whole_document(data: bytes, expected: str) -> None:
    assert reason("zip", data) == expected


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a><p>&d;</p></a>'
    data = zipped(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": bomb})
    assert reason("zip", data) == "damaged: it defines XML entities, as attacks do"


# Web pages


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<title>T</title><p>a <b>bold</b>\n word<p>next", "# T\n\na bold word\n\nnext\n"),
        ("<h2>Head<br>line</h2>x<script>var a='<p>no'</script><style>p{}</style>", "## Head\nline\n\nx\n"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter\n"),
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a | b\n1 | 2\n\n"),
        ("<pre>def f():\n    return 1\n</pre>", "def f():\n    return 1\n\n"),
        ("<nav><a>Home</a></nav><main>text</main>", "text\n\n"),
        ("<nav>only this</nav>", "only this\n\n"),
        ("caf&eacute; &#8364; &amp;lt;", "café € &lt;\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ('<img alt="a red boat"> sails', "a red boat sails\n"),
        ("<![if !IE]>seen<![endif]><![weird[x]]><!-- not --> <!DOCTYPE odd> too", "seen<![weird[x]]> too\n"),
        ("<svg><title>no</title><text>no</text></svg>yes<select><option>no</select>", "yes\n"),
        ("1 < 2 && 3 > 2 <", "1 < 2 && 3 > 2 <\n"),
    ],
)
def test_html(markup: str, expected: str) -> None:
    assert read("html", markup.encode()).text == expected


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="utf-8">', "utf-8"),
        ("<meta charset=windows-1251>", "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">', "cp932"),
        ('<?xml version="1.0" encoding="euc-jp"?>', "euc_jp"),
        ("<meta charset='nonsense'>", "utf-8"),
        ("", "utf-8"),
        ("\ufeff", "utf-16-le"),
    ],
)
def test_html_encodings(head: str, encoding: str) -> None:
    words = "Привет, мир" if encoding == "cp1251" else "日本語の文章"
    assert read("html", f"{head}<p>{words}</p>".encode(encoding)).text.strip() == words


def test_feeds() -> None:
    rss = """<rss xmlns:content="x"><channel><title>News</title><item><title>One &amp; two</title>
    <description>short</description><content:encoded><![CDATA[<p>The <b>long</b> text</p>]]></content:encoded></item>
    </channel></rss>"""
    assert read("feed", rss.encode()).text == "# News\n\n## One & two\n\nThe long text\n"
    atom = "<feed><title>F</title><entry><title>E</title><summary>s</summary></entry></feed>"
    assert read("feed", atom.encode()).text == "# F\n\n## E\n\ns\n"
    assert reason("feed", b"<rss><channel>") == "damaged: not a whole XML file"


# Mail


def message(**options: Any) -> email.message.EmailMessage:
    mail = email.message.EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Grüße aus Köln", "Ann Bø <ann@example.org>", "bob@example.org"
    mail["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    mail.set_content(options.get("text", "The ferry leaves at nine.\n"))
    return mail


def test_mail() -> None:
    mail = message()
    mail.add_alternative("<p>The <b>ferry</b> leaves at nine.</p>", subtype="html")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="Fahrplan für Ann.pdf")
    assert read("mail", mail.as_bytes()).text == (
        "# Grüße aus Köln\n\nFrom: Ann Bø <ann@example.org>\nTo: bob@example.org\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\n\nThe ferry leaves at nine.\n\nAttached: Fahrplan für Ann.pdf\n\n"
    )


def test_mail_whose_plain_text_says_nothing() -> None:
    mail = message(text="Use a viewer that shows HTML.")
    mail.add_alternative("<p>" + "The real text is here and it is long. " * 10, subtype="html")
    assert "The real text" in read("mail", mail.as_bytes()).text


def test_mail_within_mail() -> None:
    inner, outer = message(text="what was said before"), message(text="see below")
    outer.add_attachment(inner)
    text = read("mail", outer.as_bytes()).text
    assert "see below" in text
    assert "what was said before" in text


def test_mail_that_says_wrong_what_it_is() -> None:
    raw = b"Subject: =?nonsense?q?caf=E9?=\nContent-Type: text/plain; charset=nonsense\n\nna\xefve words of old"
    assert read("mail", raw).text.endswith("naïve words of old\n\n")


# Compound files


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file, [MS-CFB] version 3, of streams by path; each is filled up with zeros to 4096 bytes or more."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    folders = sorted({path.rpartition("/")[0] for path in streams if "/" in path})
    names = ["", *folders, *streams]  # the root is entry 0
    contents = {path: data.ljust(max(4096, -len(data) % 512 + len(data)), b"\0") for path, data in streams.items()}
    directory_sectors = -(-len(names) // 4)
    fat, starts = [fat_mark, *range(2, directory_sectors + 1), end], {}
    for path, data in contents.items():
        starts[path] = len(fat)
        count = len(data) // 512
        fat += [*range(len(fat) + 1, len(fat) + count), end]
    assert len(fat) <= 128

    def members(folder: str) -> list[int]:
        return [n for n, name in enumerate(names) if n and name.rpartition("/")[0] == folder]

    siblings = {first: second for group in ("", *folders) for first, second in pairwise(members(group))}
    entries = b""
    for number, path in enumerate(names):
        name = (path.rpartition("/")[2] or "Root Entry").encode("utf-16-le")
        is_stream = path in streams
        inside = [] if is_stream else members(path)
        entries += name.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ",
            len(name) + 2,
            2 if is_stream else 1 if number else 5,
            1,
            free,
            siblings.get(number, free),
            inside[0] if inside else free,
            starts.get(path, end),
            len(contents[path]) if is_stream else 0,
        )
    blank = b"\0" * 64 + struct.pack("<HBBIII36xIQ", 0, 0, 0, free, free, free, 0, 0)
    entries += blank * (directory_sectors * 4 - len(names))
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header = magic + bytes(16) + struct.pack("<5H6x9I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<I", 0) + struct.pack("<I", free) * 108
    table = struct.pack(f"<{len(fat)}I", *fat) + struct.pack("<I", free) * (128 - len(fat))
    return header + table + entries + b"".join(contents.values())


def test_outlook_message() -> None:
    def wide(words: str) -> bytes:
        return words.encode("utf-16-le")

    sent = struct.pack("<HHIQ", 0x40, 0x39, 6, 133_000_000_000_000_000)
    streams = {
        "__properties_version1.0": bytes(32) + sent,
        "__substg1.0_0037001F": wide("Grüße aus Köln"),
        "__substg1.0_0C1A001F": wide("Ann Bø"),
        "__substg1.0_5D01001F": wide("ann@example.org"),
        "__substg1.0_0E04001E": b"Jos\xe9",
        "__substg1.0_1000001F": wide("The ferry\r\nleaves at nine."),
        "__attach_version1.0_#00000000/__substg1.0_3707001F": wide("timetable.pdf"),
    }
    text = "# Grüße aus Köln\n\nFrom: Ann Bø <ann@example.org>\nTo: José\nDate: 2022-06-18 04:26\n\n"
    body = "The ferry\nleaves at nine.\n\n"
    assert read("ole", compound(streams)).text == text + body + "Attached: timetable.pdf\n\n"
    del streams["__substg1.0_1000001F"]
    streams["__substg1.0_10130102"] = b"<p>The <b>ferry</b>".ljust(4096)
    assert "The ferry\n" in read("ole", compound(streams)).text


def test_outlook_packs_rich_text() -> None:
    from edgeembed.reading.readers.mail.lzfu import unpack_lzfu

    # Both examples of [MS-OXRTFCP] 3.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpack_lzfu(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    packed = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpack_lzfu(packed) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("WordDocument", "older format: Word before 2007; save it as .docx"),
        ("PowerPoint Document", "older format: PowerPoint before 2007; save it as .pptx"),
        ("EncryptedPackage", "encrypted: needs a password"),
        ("Workbook", "no text in it"),
        ("Other", "not text"),
    ],
)
def test_other_compound_files(stream: str, expected: str) -> None:
    assert reason("ole", compound({stream: b"x"})).startswith(expected)
    assert reason("ole", compound({stream: b"x"})[:700]).startswith("damaged")


# Rich text, notebooks, subtitles


def test_rich_text() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0\b Caf\'e9\b0  is \u26085?open\par Second line\par}"
    assert read("rtf", rtf).text == "Café is 日open\n\nSecond line\n\n"


def test_notebook() -> None:
    book = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Fit\n", "by least squares"]},
            {
                "cell_type": "code",
                "source": "x = 1\nprint(x)",
                "outputs": [
                    {"output_type": "stream", "text": ["1\n"]},
                    {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                ],
            },
        ],
        "nbformat": 4,
    }
    assert read("ipynb", json.dumps(book).encode()).text == (
        "# Fit\nby least squares\n\n```\nx = 1\nprint(x)\n```\n\n1\n\n<Figure>\n\n"
    )
    assert reason("ipynb", b"{}") == "damaged: not a whole notebook"


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Where is</i> the boat?

2
00:00:03,000 --> 00:00:04,000
It left.
At dawn.
"""
VTT = """WEBVTT - notes

NOTE not said

first
00:01.000 --> 00:02.500 align:start
<v Ann>Where is the boat?

00:02.500 --> 00:04.000
Where is the boat?
<00:03.000><c>It left.</c>
"""


@pytest.mark.parametrize("source", [SRT, VTT])
def test_subtitles_keep_their_lines(source: str) -> None:
    found = read("subtitles", source.encode())
    assert found.lines
    for number, line in enumerate(found.text.split("\n")):
        assert not line or line in source.split("\n")[number].replace("<i>", "").replace("</i>", "") + line
    said = found.text.split()
    assert " ".join(said).startswith("Where is the boat? It left.")
    assert found.text.split("\n").index("Where is the boat?") == (2 if source is SRT else 6)


# Tables and data


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv(delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerows([["name", "note", "age"], ["Ann", 'says "hi"\nand leaves', "42"], [], ["Bob", "", "7"]])
    found = read("csv", file.getvalue().encode())
    assert found.text == ('name | note | age\nname: Ann, note: says "hi" and leaves, age: 42\n\n\nname: Bob, age: 7\n')
    assert found.lines
    # A row stands in the line in which it begins.
    assert file.getvalue().split("\n")[4].startswith("Bob")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("1,2\n3,4\n", "1 | 2\n3 | 4\n"),
        ("just words\nand more\n", "just words\nand more\n"),
        ("# about\n\na,b,c\n1,2,x\n3,4,y", "# about\n\na | b | c\na: 1, b: 2, c: x\na: 3, b: 4, c: y\n"),
        ("sep=;\na;b\n1;2\n", "\na | b\na: 1, b: 2\n"),
        ("a,b\n1,2,3\n4\n5,6\n7,8\n9,0", "a | b\na: 1, b: 2, 3\na: 4\na: 5, b: 6\na: 7, b: 8\na: 9, b: 0\n"),
    ],
)
def test_csv_of_other_kinds(data: str, expected: str) -> None:
    assert read("csv", data.encode()).text == expected


def test_csv_of_old_encodings() -> None:
    rows = "名前,年齢\n佐藤,30\n" * 3
    assert "名前: 佐藤, 年齢: 30" in read("csv", rows.encode("cp932")).text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1, "b": {"c": ["x", "y"], "d": None}, "e": True}, "a: 1\nb.c: x, y\ne: true\n"),
        ([{"n": "Ann", "t": [{"k": 1}, {"k": 2}]}, {"n": "Bob"}], "n: Ann, t: k: 1, t: k: 2\nn: Bob\n"),
        ({"rows": [{"n": 1}, {"n": 2}]}, "rows: n: 1\nrows: n: 2\n"),
        ({"v": list(range(100)), "w": "iVBORw0KGgo" * 100, "x": "y"}, "v: 100 numbers\nx: y\n"),
        ("words", "words\n"),
    ],
)
def test_json(value: object, expected: str) -> None:
    for indent in (None, 2):
        assert read("json", json.dumps(value, indent=indent).encode()).text == expected


def test_json_that_is_none() -> None:
    lines = b'{"a": 1}\n\n{"a": "two\\nlines"}\n'
    assert read("json", lines) == read("jsonl", lines) == ExtractedText("a: 1\n\na: two lines\n", lines=True)
    comments = b'// about\n{"a": 1,}\n'
    assert read("json", comments) == ExtractedText(comments.decode(), lines=True)


# All of them


@pytest.mark.parametrize("kind", READERS)
def test_damage_is_a_reason_or_an_ordinary_exception(kind: str, data: Path) -> None:
    """Nothing that a file holds may end the process that reads it in another way than the worker knows."""
    starts = {"zip": b"PK\x03\x04", "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "pdf": b"%PDF-1.4", "rtf": b"{\\rtf1"}
    for rest in (b"", b"\0" * 600, bytes(range(256)) * 8, b"{[<(" * 300):
        try:
            found = read(kind, starts.get(kind, b"") + rest)
        except (Unreadable, ValueError, LookupError, TypeError, AttributeError, OSError):
            continue
        assert found.text.strip()


def test_pages_of_a_builder() -> None:
    builder = TextBuilder()
    builder.new_page()
    builder.add("one  \u00a0 two\x01\u00ad")
    builder.end_paragraph()
    builder.end_paragraph()
    builder.add("mid\fdle")
    builder.end_line("- ")
    found = builder.extracted()
    assert (found.text, found.pages) == ("one two\n\n- mid\ndle\n", (0, 15))
