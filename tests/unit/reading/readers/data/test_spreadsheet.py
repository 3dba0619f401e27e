"""Spreadsheets (XLSX, ODS) to rows that make sense alone."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read
from tests.support.documents import saved


def test_spreadsheet_rows_make_sense_alone() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Garden"
    for row in (("plant", "sown", "count"), ("tomato", "April", 12), ("bean", None, 2.5)):
        sheet.append(row)
    book.create_sheet("Empty")
    book.create_sheet("Total").append(("all in all", 14.5))
    extracted = read("zip", saved(book.save))
    assert extracted.text == (
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
