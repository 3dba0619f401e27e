"""Spreadsheets (XLSX, ODS) to rows that make sense alone."""

from __future__ import annotations

import pytest

from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers import read
from edgeembed.reading.readers.data.spreadsheet import cell_text, no_panic
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


def test_numbers_and_days_as_people_write_them() -> None:
    from datetime import datetime

    values = ("12", 12.0, 0.5, 1e300, True, datetime(2026, 3, 2), datetime(2026, 3, 2, 9, 5), "a\nb")
    assert [cell_text(value) for value in values] == [
        *("12", "12", "0.5", "1e+300", "True", "2026-03-02", "2026-03-02 09:05:00", "a b")
    ]


def test_a_panic_of_the_library_is_damage() -> None:
    class PanicException(BaseException):
        """As what Rust raises is called."""

    with pytest.raises(Unreadable, match="damaged: no entry"), no_panic():
        raise PanicException("no\nentry")
    with pytest.raises(KeyboardInterrupt), no_panic():
        raise KeyboardInterrupt


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
