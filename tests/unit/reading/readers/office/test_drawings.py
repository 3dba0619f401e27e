"""Texts of charts, diagrams and text boxes of Office Open XML."""

from __future__ import annotations

from edgeembed.reading.readers.office.drawings import add_drawings
from edgeembed.reading.readers.text_builder import TextBuilder
from edgeembed.reading.readers.zip_archive import Archive
from tests.support.documents import zipped


def drawn(*, values: bool, chart: str = "<c><p><t>Rain</t></p><v>12</v></c>") -> str:
    charts = '<Relationship Id="a" Type="x/chart" Target="chart.xml"/><Relationship Id="b" Type="x/chart" Target="no"/>'
    relations = f"<r>{charts}</r>"
    archive = Archive(zipped(**{"w___rels__d.xml.rels": relations, "w__chart.xml": chart}))
    builder = TextBuilder()
    add_drawings(builder, archive, "w/d.xml", values=values)
    return builder.extracted().text


def test_charts_have_titles_and_values() -> None:
    assert drawn(values=True) == "Rain\n\n12\n\n"
    assert drawn(values=False) == "Rain\n\n"
    assert drawn(values=True, chart="<c><p><t>Rain</t></p>") == "Rain\n\n"
