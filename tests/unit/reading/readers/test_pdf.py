"""PDF to text and pages."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from edgeembed.reading.readers import read
from tests.support.documents import page_of, reason


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
    extracted = read("pdf", pdf("The first page\nhas two lines.", "", "Grüße from the third page"))
    assert extracted.text.startswith("The first page\nhas two lines.\n")
    assert [page_of(extracted, words) for words in ("The first", "two lines", "Grüße from")] == [1, 1, 3]
    assert len(extracted.pages) == 3
    assert not extracted.lines


def test_pdf_that_is_encrypted() -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    locked = pdf("secret", encrypt=StandardEncryption("user", ownerPassword="owner", strength=128))
    assert reason("pdf", locked) == "encrypted: needs a password"
    # Only changing it needs a password: anybody may read it.
    assert "for all" in read("pdf", pdf("for all", encrypt=StandardEncryption("", ownerPassword="owner"))).text


SCANNED = "no text in it: its pages are pictures, as a scanner makes them"
EMPTY = "no text in it: its pages are empty, or drawings"


def drawn(draw: Callable[[Any], None]) -> bytes:
    """A page of 400 by 400 points with what ``draw`` puts on it."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(400, 400))
    draw(canvas)
    canvas.save()
    return file.getvalue()


def with_pictures(canvas: Any, *boxes: tuple[int, int, int, int]) -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    for box in boxes:
        canvas.drawImage(ImageReader(Image.new("L", (8, 8), 90)), *box)


def test_pdf_that_was_scanned() -> None:
    strips = [(0, at, 400, 80) for at in range(0, 400, 80)]
    assert reason("pdf", drawn(lambda canvas: with_pictures(canvas, (0, 0, 400, 400)))) == SCANNED
    assert reason("pdf", drawn(lambda canvas: with_pictures(canvas, *strips))) == SCANNED


def test_pdf_without_text_that_is_no_scan() -> None:
    assert reason("pdf", pdf("", "")) == EMPTY
    assert reason("pdf", drawn(lambda canvas: canvas.rect(10, 10, 380, 380, fill=1))) == EMPTY
    assert reason("pdf", drawn(lambda canvas: with_pictures(canvas, (10, 10, 60, 60)))) == EMPTY


def test_values_of_a_form() -> None:
    def draw(canvas: Any) -> None:
        form = canvas.acroForm
        canvas.drawString(20, 350, "Application")
        form.textfield(name="family", tooltip="Family name", value="Quist", x=20, y=300, width=150)
        form.textfield(name="empty", x=20, y=270, width=150)
        form.choice(name="pet", value="cat", options=["cat", "dog"], x=20, y=240, width=90, height=20)
        form.checkbox(name="box", tooltip="Lives alone", checked=True, x=20, y=200)
        form.checkbox(name="no", tooltip="Smokes", checked=False, x=20, y=170)

    text = read("pdf", drawn(draw)).text
    assert text.startswith("Application\n")
    assert text.count("Quist") == 1
    assert "cat" in text
    assert "dog" not in text
    assert "Lives alone: Yes\n" in text
    assert "Smokes" not in text


def test_a_value_that_the_file_does_not_draw_and_a_secret_one() -> None:
    # Many programs leave the drawing of a value to the one that shows it.
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T ({}) /V ({}) /Ff {} /Rect [20 {} 200 {}] >>"
    fields = [field.format("city", "Oslo", 0, 300, 320), field.format("code", "hunter2", 1 << 13, 200, 220)]
    text = read("pdf", raw_pdf(*fields, form=True)).text
    assert "Oslo" in text
    assert "hunter2" not in text


def test_notes() -> None:
    note = "<< /Type /Annot /Subtype /Text /Rect [20 300 40 320] /Contents ({}) /T ({}) /F {} >>"
    link = "<< /Type /Annot /Subtype /Link /Rect [20 300 40 320] /Contents (elsewhere) >>"
    notes = [note.format("thank Zeb", "Ann", 0), note.format("secret", "Ann", 2), note.format("no name", "", 0), link]
    assert read("pdf", raw_pdf(*notes)).text == "Application\nAnn: thank Zeb\nno name\n\n"


def test_what_the_file_says_of_itself() -> None:
    def draw(canvas: Any) -> None:
        canvas.setTitle("Tides")
        canvas.setAuthor("Ann Bø")
        canvas.setKeywords("fog, harbour")
        canvas.drawString(20, 350, "seagulls")

    extracted = read("pdf", drawn(draw))
    assert extracted.text == "Title: Tides\nAuthor: Ann Bø\nKeywords: fog, harbour\n\nseagulls\n\n"
    assert page_of(extracted, "seagulls") == 1
    assert page_of(extracted, "Tides") == 0


def raw_pdf(*annotations: str, form: bool = False) -> bytes:
    """A PDF of one page with one word, written out."""
    words = "BT /F1 12 Tf 20 350 Td (Application) Tj ET"
    numbers = " ".join(f"{6 + number} 0 R" for number in range(len(annotations)))
    fields = f"/AcroForm << /Fields [{numbers}] >>" if form else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {fields} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R "
        f"/Resources << /Font << /F1 5 0 R >> >> /Annots [{numbers}] >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *annotations,
    ]
    text, places = "%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    return f"{text}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode()


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(range(256)) * 20, pdf("words")[:400]])
def test_pdf_that_is_broken(data: bytes) -> None:
    assert reason("pdf", data) in (
        "damaged: not a whole PDF",
        "damaged: none of its pages can be read",
        EMPTY,
    )


def test_labels_beside_each_other_stand_apart() -> None:
    def draw(canvas: Any) -> None:
        for column, word in enumerate(("May 7", "Jun 5", "Jul 3")):
            canvas.saveState()
            canvas.translate(50 + 60 * column, 100)
            canvas.rotate(60)  # as below a chart
            canvas.drawString(0, 0, word)
            canvas.restoreState()

    assert read("pdf", drawn(draw)).text.split() == ["May", "7", "Jun", "5", "Jul", "3"]


def test_codes_without_a_meaning_part_words() -> None:
    data = raw_pdf().replace(b"(Application)", b"(of\x03the\x03tide)")
    assert "of the tide" in read("pdf", data).text


def test_a_word_that_is_divided() -> None:
    def draw(canvas: Any) -> None:
        canvas.drawString(20, 300, "the light\N{SOFT HYPHEN}")
        canvas.drawString(20, 286, "house keeper")

    assert "lighthouse" in read("pdf", drawn(draw)).text.replace("\n", " ")


@pytest.mark.parametrize(
    ("box", "is_seen"), [((0, 0, 400, 200), False), ((0, 0, 0, 0), True), ((0, 0, 400, 400), True)]
)
def test_what_is_cropped_away(box: tuple[int, int, int, int], is_seen: bool) -> None:
    def draw(canvas: Any) -> None:
        canvas.setCropBox(box)
        canvas.drawString(20, 100, "seagulls")
        canvas.drawString(20, 300, "printer")

    text = read("pdf", drawn(draw)).text
    assert ("seagulls" in text, "printer" in text) == (True, is_seen)
