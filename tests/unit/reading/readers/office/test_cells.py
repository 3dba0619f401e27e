"""Cells of Excel workbooks, one by one: names of columns, shared strings, dates."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers.office.cells import CellReader, Styles, column_of, read_shared_strings, read_styles
from edgeembed.reading.readers.zip_archive import Archive, parse_xml
from tests.support.documents import zipped


@pytest.mark.parametrize(("name", "number"), [("A", 0), ("Z", 25), ("AA", 26), ("XFD", 16383)])
def test_columns_have_numbers(name: str, number: int) -> None:
    assert column_of(name) == number


def test_shared_strings_leave_out_how_names_are_read() -> None:
    xml = "<sst><si><r><t>東</t></r><r><t>京</t></r><rPh><t>トウキョウ</t></rPh></si><si/><si><t>x</t></si></sst>"
    assert read_shared_strings(Archive(zipped(s=xml)), "s") == ["東京", "", "x"]


@pytest.mark.parametrize(
    ("format", "is_date"),
    [
        ("yyyy-mm-dd", True),
        ("[h]:mm", True),
        ("[Red]0.0", False),
        ('0" days"', False),
        ("General", False),
        ("#,##0", False),
    ],
)
def test_which_formats_are_dates(format: str, is_date: bool) -> None:
    code = format.replace('"', "&quot;")
    xml = (
        f'<s><numFmt numFmtId="170" formatCode="{code}"/><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></s>'
    )
    assert (1 in read_styles(Archive(zipped(s=xml)), "s").dates) is is_date


def read_cells(xml: str, columns: dict[int, int] | None = None) -> list[tuple[int, list[str]]]:
    reader = CellReader(["zero", "one"], Styles(frozenset({2})), columns or {})
    parse_xml(f"<sheetData>{xml}</sheetData>".encode(), reader)
    return reader.rows


def test_values_of_cells() -> None:
    xml = (
        '<row r="3"><c r="B3" t="s"><v>1</v></c><c t="s"><v>7</v></c><c t="b"><v>0</v></c><c s="2"><v>46083.5</v></c>'
        '<c><v>1E+2</v></c><c t="str"><v>a_x000D_ b</v></c><c s="2"><v>-1e300</v></c></row><row><c/></row>'
        "<row><c><v>5</v></c></row>"
    )
    assert read_cells(xml) == [
        (2, ["", "one", "", "False", "2026-03-02 12:00:00", "100", "a b", "-1e300"]),
        (4, ["5"]),
    ]
    assert read_cells('<row><c r="XFD1"><v>5</v></c></row>', {0: 0, 16383: 1}) == [(0, ["", "5"])]
