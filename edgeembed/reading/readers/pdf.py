"""PDF, with the number of each page: what is drawn on it, what was typed into its form, and notes put on it."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..budget import SECONDS_PER_PAGE, allow_more
from ..extracted import ExtractedText
from ..extras import Unreadable, needs
from .about import with_about
from .text_builder import TextBuilder
from .xfa_form import form_texts

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_SIGNS = {ord(c): plain for c, plain in zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)}
"""Letters that are drawn as one; a search knows them as two."""
_HYPHEN = "\ufffe"
_HYPHENS = (f"{_HYPHEN}\n", "\x02\n", "\xad\n")
"""What PDFium puts where a word is divided at the end of a line."""
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f]")
_MOST_LOOKED_AT = 20
"""Pages of a document without text that are looked at for images."""
_COVERS = 0.5
"""A scan takes at least this part of its page."""
_MOST_BYTES = 16 << 20
"""Of a packet of a form in XML."""
_PASSWORD_FIELD = 1 << 13
"""A flag of text fields, ISO 32000-1, 12.7.4.3."""


def read_pdf(data: bytes) -> ExtractedText:
    """Text in the order in which it is drawn, a line for each line; values and notes that are not seen come last.

    Raises:
        Unreadable: it needs a password, is damaged, or has no text; where its pages are images, it says so.
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
    with closing(pdf):  # or it would stay until a cycle of objects is collected
        return _read(pdf)


def _read(pdf: PdfDocument) -> ExtractedText:
    import pypdfium2

    with suppress(pypdfium2.PdfiumError):  # a form that is damaged costs its values alone
        pdf.init_forms()
    allow_more(len(pdf) * SECONDS_PER_PAGE)
    builder, broken = TextBuilder(), 0
    for number in range(len(pdf)):
        builder.new_page()
        try:
            text = _page_text(pdf, number)
        except pypdfium2.PdfiumError:
            broken += 1
            continue
        builder.add(text)
        builder.end_paragraph()
    builder.add("\n".join(_form_texts(pdf, builder.extracted().text)))
    builder.end_paragraph()
    extracted = builder.extracted()
    if not extracted.text.strip():
        if broken and broken == len(pdf):
            raise Unreadable("damaged: none of its pages can be read")
        if any(_is_scan(pdf, number) for number in range(min(len(pdf), _MOST_LOOKED_AT))):
            raise Unreadable("no text in it: its pages are pictures, as a scanner makes them")
        raise Unreadable("no text in it: its pages are empty, or drawings")
    return with_about(extracted, pdf.get_metadata_dict(skip_empty=True))


def _form_texts(pdf: PdfDocument, shown: str) -> list[str]:
    """What a form in XML holds beside the pages, of a dynamic one what it shows too."""
    from pypdfium2 import raw

    packets = {}
    for number in range(raw.FPDF_GetXFAPacketCount(pdf)):
        name = _bytes(partial(raw.FPDF_GetXFAPacketName, pdf, number)).rstrip(b"\0")
        if name in (b"template", b"datasets"):
            packets[name] = _bytes(partial(_packet, pdf, number))
    is_dynamic = raw.FPDF_GetFormType(pdf) == raw.FORMTYPE_XFA_FULL
    return form_texts(packets.get(b"template", b"") if is_dynamic else b"", packets.get(b"datasets", b""), shown)


def _packet(pdf: PdfDocument, number: int, buffer: Any, size: int) -> int:
    """Write a packet of a form in XML into a buffer; returns its size."""
    from pypdfium2 import raw

    written = ctypes.c_ulong()
    raw.FPDF_GetXFAPacketContent(pdf, number, buffer, size, written)
    return written.value


def _bytes(function: Callable[[Any, int], int]) -> bytes:
    """What a function of PDFium writes into a buffer; without one it tells the size."""
    size = function(None, 0)
    if not 0 < size <= _MOST_BYTES:
        return b""
    buffer = ctypes.create_string_buffer(size)
    function(buffer, size)
    return buffer.raw


def _page_text(pdf: PdfDocument, number: int) -> str:
    """The text of a page with its form and notes; the page is closed again, so that one is in memory at a time."""
    from pypdfium2 import raw

    page = pdf[number]
    notes = list(_notes(pdf, page))
    if notes:
        # What forms and notes show is drawn onto the page, in memory alone; it must be opened again to be read.
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        page.close()
        page = pdf[number]
    text = _shown_text(page)
    page.close()
    shown = " ".join(text.split())
    unseen = dict.fromkeys(f"{label}: {note}" if label else note for label, note in notes if note not in shown)
    return "\n".join([text, *unseen])


def _shown_text(page: PdfPage) -> str:
    """The text of a page that is seen.

    PDFium gives it in two ways. In its run of characters labels beside each other stand apart, and what has the code of
    a control character is left out. Of a rectangle it gives that too, and labels stand together. The space of a font
    that does not say what its codes mean has such a code.
    """
    textpage = page.get_textpage()
    within, run = textpage.get_text_bounded(), textpage.get_text_range()
    has_codes = len(_CONTROLS.findall(within)) > run.count(_HYPHEN)  # a hyphen is one of them within a rectangle
    is_seen = not within.strip() or not _is_cropped(page)  # where nothing were to be seen, the box is wrong
    if not has_codes and is_seen:
        return _plain(run).replace(_HYPHEN, "")
    return _CONTROLS.sub(" " if has_codes else "", _plain(within))


def _is_cropped(page: PdfPage) -> bool:
    """Whether a part of a page is not to be seen."""
    left, bottom, right, top = page.get_cropbox()
    return right > left and top > bottom and (left, bottom, right, top) != tuple(page.get_mediabox())


def _notes(pdf: PdfDocument, page: PdfPage) -> Iterator[tuple[str, str]]:
    """What the form and the notes on a page hold: the field or the author, and the text; both may be empty."""
    from pypdfium2 import raw

    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        is_hidden = raw.FPDFAnnot_GetFlags(annotation) & raw.FPDF_ANNOT_FLAG_HIDDEN
        # A popup shows what its note says, and a link nothing; most pages have no others.
        if not is_hidden and kind not in (raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_LINK):
            is_field = kind == raw.FPDF_ANNOT_WIDGET and pdf.formenv is not None
            yield _field(pdf.formenv, annotation) if is_field else _note(annotation)
        raw.FPDFPage_CloseAnnot(annotation)


def _note(annotation: Any) -> tuple[str, str]:
    """The author and the text of a note, each may be empty."""
    from pypdfium2 import raw

    author, text = (_string(raw.FPDFAnnot_GetStringValue, annotation, key) for key in (b"T", b"Contents"))
    return author, text


def _field(form: Any, annotation: Any) -> tuple[str, str]:
    """The label and the value of a form field; the value may be empty, or is hidden."""
    from pypdfium2 import raw

    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    label = _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or _string(
        raw.FPDFAnnot_GetFormFieldName, form, annotation
    )
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD:
        is_secret = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD_FIELD
        return (label, "" if is_secret else _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation))
    if kind in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
        chosen = [
            _string(raw.FPDFAnnot_GetOptionLabel, form, annotation, number)
            for number in range(raw.FPDFAnnot_GetOptionCount(form, annotation))
            if raw.FPDFAnnot_IsOptionSelected(form, annotation, number)
        ]
        return label, ", ".join(chosen) or _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON) and label:
        is_checked = raw.FPDFAnnot_IsChecked(form, annotation)
        return label, _string(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) if is_checked else ""
    return "", ""


def _string(function: Callable[..., int], *arguments: Any) -> str:
    """What a function of PDFium writes into a buffer in UTF-16, on one line; without a buffer it tells the size."""
    from pypdfium2 import raw

    size = function(*arguments, None, 0)
    if size <= 2:  # with a NUL at its end
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return " ".join(buffer.raw.decode("utf-16-le", "replace").rstrip("\0").split())


def _is_scan(pdf: PdfDocument, number: int) -> bool:
    """Whether images cover a page."""
    import pypdfium2

    try:
        page = pdf[number]
        bounds = [found.get_bounds() for found in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
    except pypdfium2.PdfiumError:
        return False
    width, height = page.get_size()
    page.close()
    covered = sum(abs(right - left) * abs(top - bottom) for left, bottom, right, top in bounds)
    return bool(covered >= width * height * _COVERS)


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for hyphen in _HYPHENS:
        text = text.replace(hyphen, "")
    return text.replace("\f", "\n").translate(_SIGNS)
