"""PDF, with the number of each page."""

from __future__ import annotations

from ..budget import SECONDS_PER_PAGE, allow_more
from ..extracted import ExtractedText
from ..extras import Unreadable, needs
from .text_builder import TextBuilder

_SIGNS = {ord(c): plain for c, plain in zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)}
"""Letters that are drawn as one; a search knows them as two."""
_HYPHENS = ("\ufffe\n", "\x02\n", "\xad\n")
"""What PDFium puts where a word is divided at the end of a line."""


def read_pdf(data: bytes) -> ExtractedText:
    """Text in the order in which it is drawn, a line for each line.

    Raises:
        Unreadable: it needs a password, is damaged, or has pictures of pages only.
    """
    try:
        import pypdfium2
    except ImportError as error:
        raise needs("PDF") from error
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
            raise Unreadable("encrypted: needs a password") from error
        raise Unreadable("damaged: not a whole PDF") from error
    allow_more(len(pdf) * SECONDS_PER_PAGE)
    builder, broken = TextBuilder(), 0
    for number in range(len(pdf)):
        builder.new_page()
        try:
            page = pdf[number]
            text = page.get_textpage().get_text_bounded()
            page.close()  # and what was taken from it: a long document holds one page at a time
        except pypdfium2.PdfiumError:
            broken += 1
            continue
        builder.add(_plain(text))
        builder.end_paragraph()
    extracted = builder.extracted()
    if not extracted.text.strip():
        if broken and broken == len(pdf):
            raise Unreadable("damaged: none of its pages can be read")
        raise Unreadable("no text in it: its pages are pictures, as a scanner makes them")
    return extracted


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for hyphen in _HYPHENS:
        text = text.replace(hyphen, "")
    return text.replace("\f", "\n").translate(_SIGNS)
