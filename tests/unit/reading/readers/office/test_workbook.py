"""Excel workbooks (XLSX): stray cells, errors, comments, drawings, and what programs other than Excel write."""

from __future__ import annotations

import time
from typing import Any

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.data.spreadsheet import cell_name
from tests.support.documents import reason, saved, zipped

_WORKBOOK = '<w xmlns:r="x/relationships"><sheets><sheet name="S" r:id="b"/></sheets></w>'
_SHEET = '<Relationship Id="b" Type="x/worksheet" Target="worksheets/sheet.xml"/>'
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def workbook(*rows: tuple[object, ...], stray: str = "") -> Any:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if stray:
        book.active[stray] = "x"
    return book


def bare(sheet: str, **more: str) -> bytes:
    """A workbook with as little in it as may be: media types by suffix, cells without their names."""
    parts = {
        "[Content_Types].xml": f'<Types><Default Extension="xml" ContentType="{KIND}"/></Types>',
        "_rels__.rels": '<r><Relationship Id="a" Type="x/officeDocument" Target="/xl/workbook.xml"/></r>',
        "xl__workbook.xml": _WORKBOOK,
        "xl___rels__workbook.xml.rels": f"<r>{_SHEET}</r>",
        "xl__worksheets__sheet.xml": f"<worksheet><sheetData>{sheet}</sheetData></worksheet>",
    }
    return zipped(**{name: part for name, part in (parts | more).items() if part})


@pytest.mark.parametrize("stray", ["XFD1048576", "A1048576", "XFD1", "ZZZ9999"])
def test_a_stray_cell_costs_nothing(stray: str) -> None:
    rows = [("name", "phone"), ("Ann", 5550), ("Bob", 5551)]
    started = time.process_time()
    text = read("zip", saved(workbook(*rows, stray=stray).save)).text
    assert "Ann" in text
    assert "5551" in text
    assert "x" in text
    assert time.process_time() - started < 20


def test_many_columns_each_in_few_rows() -> None:
    places = [(50 * number + 1, cell_name(50 * number, 2 * number)) for number in range(3000)]
    cells = "".join(f'<row r="{row}"><c r="{name}"><v>{row}</v></c></row>' for row, name in places)
    lines = read("zip", bare(cells)).text.splitlines()
    assert lines[2:] == [*(str(row) for row, _ in places), ""]


def test_errors_are_seen_and_do_not_change_the_rest() -> None:
    from datetime import date, datetime, time

    book = workbook(("what", "cost"), ("roof", "#DIV/0!"), ("door", 90.5), ("gate", True))
    book.active["B2"].data_type = "e"
    for value in (date(2026, 3, 2), datetime(2026, 3, 2, 10, 30), time(13, 5)):
        book.active.append(("day", value))
    text = read("zip", saved(book.save)).text
    assert text.startswith(
        "# Sheet\n\nwhat | cost\nwhat: roof, cost: #DIV/0!\nwhat: door, cost: 90.5\nwhat: gate, cost: True\n"
    )
    assert "cost: 2026-03-02\nwhat: day, cost: 2026-03-02 10:30:00\nwhat: day, cost: 13:05:00\n" in text
    book.active["B2"] = 1  # read the fast way, without errors
    assert read("zip", saved(book.save)).text == text.replace("#DIV/0!", "1")


def test_comments_stand_beside_their_cells() -> None:
    from openpyxl.comments import Comment

    book = workbook(("name", "rent"), ("Ann", 700))
    book.active["A2"].comment = Comment("pays in\nadvance", "me")
    book.active["D9"].comment = Comment("nothing here", "me")
    text = read("zip", saved(book.save)).text
    assert text == "# Sheet\n\nname | rent\nname: Ann, rent: 700 (A2: pays in advance)\n(D9: nothing here)\n\n"


def test_a_thread_of_comments_takes_the_place_of_its_older_form() -> None:
    sheet = '<row r="1"><c r="A1"><v>1</v></c></row>'
    relations = (
        '<r><Relationship Id="a" Type="x/{}" Target="c.xml"/><Relationship Id="b" Type="x/{}" Target="t.xml"/></r>'
    )
    more = {
        "xl__worksheets___rels__sheet.xml.rels": relations.format("comments", "threadedComment"),
        "xl__worksheets__c.xml": '<c><comment ref="A1"><text><t>[Threaded comment] by</t></text></comment></c>',
        "xl__worksheets__t.xml": '<c><threadedComment ref="A1"><text>why one?</text></threadedComment>'
        '<threadedComment ref="A1"><text>because</text></threadedComment></c>',
    }
    assert read("zip", bare(sheet, **more)).text == "# S\n\n1 (A1: why one?) (A1: because)\n\n"


def test_what_other_programs_write() -> None:
    cell = '<c t="inlineStr"><is><t>{}</t></is></c>'
    row = f"<row>{cell.format('roof')}<c><v>12</v></c>{cell.format('e')}</row>".replace(
        "<c><v>", '<c t="e"><v>#N/A</v></c><c><v>'
    )
    assert read("zip", bare(row)).text == "# S\n\nroof | #N/A | 12 | e\n\n"
    other_names = {"xl__workbook.xml": "", "XL\\Workbook.xml": _WORKBOOK}
    assert read("zip", bare(row, **other_names)).text == "# S\n\nroof | #N/A | 12 | e\n\n"


def test_text_boxes_of_a_sheet() -> None:
    drawing = '<Relationship Id="a" Type="x/drawing" Target="../drawings/d.xml"/>'
    more = {
        "xl__worksheets___rels__sheet.xml.rels": f"<r>{drawing}</r>",
        "xl__drawings__d.xml": "<d><txBody><p><r><t>see </t></r><r><t>below</t></r></p></txBody></d>",
        "xl__drawings___rels__d.xml.rels": '<r><Relationship Id="c" Type="x/chart" Target="c.xml"/></r>',
        "xl__drawings__c.xml": "<c><p><t>Rents by year</t></p><v>12</v></c>",
    }
    assert read("zip", bare("", **more)).text == "see below\n\nRents by year\n\n"


def test_damage_beside_the_cells_costs_no_cells() -> None:
    sheet = '<row r="1"><c r="A1" t="e"><v>#N/A</v></c><c r="B1" s="1"><v>3</v></c></row>'
    relations = f'<r>{_SHEET}<Relationship Id="c" Type="x/styles" Target="s.xml"/></r>'
    more = {"xl___rels__workbook.xml.rels": relations, "xl__s.xml": "<styleSheet><cellXfs"}
    assert read("zip", bare(sheet, **more)).text == "# S\n\n#N/A | 3\n\n"
    assert reason("zip", bare("")) == "no text in it"


def test_damage_in_what_names_the_parts() -> None:
    sheet = '<row r="1"><c r="A1"><v>3</v></c></row>'
    assert read("zip", bare(sheet, **{"_rels__.rels": "<r>CORRUPTED"})).text == "# S\n\n3\n\n"


def test_a_sheet_that_is_cut_off_keeps_the_rows_before() -> None:
    row = '<row r="1"><c r="A1" t="e"><v>#N/A</v></c></row>'
    assert read("zip", bare(row + '<row r="2"><c r="A2"><v>')).text == "# S\n\n#N/A\n\n"
    assert reason("zip", bare('<row r="1"><c r="A1" t="e"><v>')).startswith("damaged")
