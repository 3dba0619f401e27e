"""Sheets of OpenDocument, cell by cell: values, repeated cells, stray cells, comments."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.office.open_sheets import SheetReader
from edgeembed.reading.readers.zip_archive import parse_xml
from tests.support.documents import zipped

KIND = "application/vnd.oasis.opendocument.spreadsheet"


def sheets(xml: str) -> list[tuple[str, list[tuple[int, list[str]]]]]:
    reader = SheetReader()
    parse_xml(f"<spreadsheet>{xml}</spreadsheet>".encode(), reader)
    return reader.sheets


def test_values_of_cells() -> None:
    xml = (
        '<table name="T"><table-row number-rows-repeated="3"><table-cell number-columns-repeated="9"/></table-row>'
        "<table-row>"
        '<table-cell value-type="float" value="12.0"><p>12,00</p></table-cell><table-cell number-columns-repeated="2"/>'
        '<table-cell value-type="date" date-value="2026-03-02T09:05:00"><p>2/3</p></table-cell>'
        '<table-cell value-type="boolean" boolean-value="true"><p>WAHR</p></table-cell>'
        '<table-cell value-type="error"><p>#DIV/0!</p></table-cell>'
        '<table-cell value-type="string" number-columns-repeated="2"><p>a<s/>b</p><p>c</p></table-cell>'
        "</table-row></table>"
    )
    assert sheets(xml) == [("T", [(3, ["12", "", "", "2026-03-02 09:05:00", "True", "#DIV/0!", "a b c", "a b c"])])]


@pytest.mark.parametrize(("rows", "columns"), [(1_048_000, 16_000), (1, 16_383), (1_048_574, 0)])
def test_a_stray_cell_costs_nothing(rows: int, columns: int) -> None:
    near = "".join(f"<table-row><table-cell><p>no {number}</p></table-cell></table-row>" for number in range(400))
    far = (
        f'<table-row number-rows-repeated="{rows}"><table-cell/></table-row><table-row>'
        f'<table-cell number-columns-repeated="{columns}"/><table-cell><p>far</p></table-cell></table-row>'
    )
    text = read("zip", zipped(mimetype=KIND, **{"content.xml": f'<b><table name="T">{near}{far}</table></b>'})).text
    assert text.startswith("# T\n\nno 0\nno 1\n")
    assert text.endswith("no 399\nfar\n\n")


def test_many_columns_each_in_few_rows() -> None:
    rows = "".join(
        f'<table-row><table-cell number-columns-repeated="{number + 1}"/><table-cell><p>no {number}</p></table-cell>'
        "</table-row>"
        for number in range(3000)
    )
    assert sheets(f'<table name="T">{rows}</table>') == [("T", [(n, [f"no {n}"]) for n in range(3000)])]


def test_comments_are_in_brackets_and_not_in_the_value() -> None:
    note = "<annotation><creator>Ann</creator><date>2026</date><p>queen</p><p>is old</p></annotation>"
    assert sheets(f'<table name="T"><table-row><table-cell>{note}<p>hive</p></table-cell></table-row></table>') == [
        ("T", [(0, ["hive (queen is old)"])])
    ]
