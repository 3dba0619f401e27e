"""Forms in XML within a PDF: what they show, and what was typed into them."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.xfa_form import form_texts

TEMPLATE = b"""<template xmlns="http://www.xfa.org/schema/xfa-template/2.8/"><subform name="form1">
<draw><value><text>Application for
a mooring</text></value></draw>
<field name="Boat"><caption><value><text>Name of the boat</text></value></caption>
<items><text>yacht</text></items><validate><message><text>fill it in</text></message></validate>
<event><script>app.alert(1)</script></event><value><text>default</text></value></field>
<draw><value><exData contentType="text/html"><body xmlns="http://www.w3.org/1999/xhtml"><p>Pay in</p>
<p>advance</p></body></exData></value></draw></subform></template>"""
DATA = b"""<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><Lists><Kind>barge</Kind></Lists>
<xfa:data><form1><Name_of_boat>Sea
Gull</Name_of_boat><Owner><Family>Brian</Family></Owner><Box>1</Box><Length>12.5</Length><Empty/></form1></xfa:data>
</xfa:datasets>"""
SHOWN = ["Application for a mooring", "Name of the boat", "Pay in advance"]
TYPED = ["Name of boat: Sea Gull", "Family: Brian", "Length: 12.5"]


def with_form(template: bytes, data: bytes, *, is_dynamic: bool, words: str) -> bytes:
    """A PDF of one page, with a form in XML."""
    content = f"BT /F 12 Tf 10 50 Td ({words}) Tj ET".encode()
    rendering = b"/NeedsRendering true " if is_dynamic else b""
    streams = [content, template, data]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R "
        + rendering
        + b"/AcroForm << /Fields ["
        + (b"" if is_dynamic else b"8 0 R")
        + b"] /XFA [(template) 6 0 R (datasets) 7 0 R] >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 100] /Contents 5 0 R "
        b"/Resources << /Font << /F 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream) for stream in streams),
        b"<< /FT /Tx /T (Boat) /Subtype /Widget /Rect [0 0 9 9] >>",
    ]
    file, offsets = b"%PDF-1.7\n", []
    for number, item in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return file + trailer % (len(objects) + 1, table, len(objects) + 1, len(file))


def test_a_form_that_is_in_its_template_alone() -> None:
    text = read("pdf", with_form(TEMPLATE, DATA, is_dynamic=True, words="Please wait...")).text
    assert text.splitlines() == ["Please wait...", "", *SHOWN, *TYPED, ""]


def test_a_form_that_its_pages_show_has_its_values_once() -> None:
    text = read("pdf", with_form(TEMPLATE, DATA, is_dynamic=False, words="Boat: Sea Gull, Brian")).text
    assert text.splitlines() == ["Boat: Sea Gull, Brian", "", "Length: 12.5", ""]


@pytest.mark.parametrize("damaged", [b"", b"no XML", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_what_is_damaged_costs_itself(damaged: bytes) -> None:
    assert form_texts(damaged, DATA, "") == TYPED
    assert form_texts(TEMPLATE, damaged, "") == SHOWN
    assert form_texts(TEMPLATE[:-200], DATA[:-50], "") == [*SHOWN[:2], *TYPED]
