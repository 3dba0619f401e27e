"""PDF to text and pages."""

from __future__ import annotations

import io
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


def test_pdf_that_was_scanned() -> None:
    assert reason("pdf", pdf("", "")) == "no text in it: its pages are pictures, as a scanner makes them"


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(range(256)) * 20, pdf("words")[:400]])
def test_pdf_that_is_broken(data: bytes) -> None:
    assert reason("pdf", data) in (
        "damaged: not a whole PDF",
        "damaged: none of its pages can be read",
        "no text in it: its pages are pictures, as a scanner makes them",
    )
