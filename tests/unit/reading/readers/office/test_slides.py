"""Presentations (PPTX) to text, a page for each slide."""

from __future__ import annotations

from edgeembed.reading.readers import read
from tests.support.documents import page_of, saved


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
    extracted = read("zip", saved(deck.save))
    assert extracted.text == "Risks\n\nthe\nweather\n\nleft | right\n\nsay this slowly\n\nPlan\n\nship in May\n\n"
    assert [page_of(extracted, words) for words in ("Risks", "slowly", "May")] == [1, 1, 2]
