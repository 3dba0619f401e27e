"""XLSB: errors, comments, text boxes and stray cells."""

from __future__ import annotations

import struct

from edgeembed.reading.readers import read
from edgeembed.reading.readers.data.spreadsheet import cell_name
from edgeembed.reading.readers.office.cells import column_of
from tests.support.documents import zipped

TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def record(kind: int, content: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) if len(content) > 0x7F else bytes([len(content)])
    return number + size + content


def string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def row(number: int) -> bytes:
    return record(0, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0))


def cell(column: int, text: str) -> bytes:
    return record(6, struct.pack("<II", column, 0) + string(text))


def error(column: int, code: int) -> bytes:
    return record(3, struct.pack("<IIB", column, 0, code))


def blank(column: int) -> bytes:
    return record(1, struct.pack("<II", column, 0))


def comment(row: int, column: int, text: str) -> bytes:
    place = struct.pack("<I4I16x", 0, row, row, column, column)
    return record(635, place) + record(637, b"\0" + string(text)) + record(636)


def relations(**targets: str) -> str:
    rows = "".join(
        f'<Relationship Id="{id}" Type="{TYPES}{target.partition(":")[0]}" Target="{target.partition(":")[2]}"/>'
        for id, target in targets.items()
    )
    return f'<Relationships xmlns="{RELATIONS}">{rows}</Relationships>'


def binary_workbook(sheet: bytes, comments: bytes = b"", **more: str | bytes) -> bytes:
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="bin" '
    types += 'ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    names = record(143) + record(156, struct.pack("<II", 0, 1) + string("rId1") + string("Garden")) + record(144)
    body = record(129) + record(148, struct.pack("<4I", 0, 1048575, 0, 16383)) + record(145) + sheet + record(146)
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": types,
        "_rels__.rels": relations(rId1="officeDocument:xl/workbook.bin"),
        "xl__workbook.bin": record(131) + names + record(132),
        "xl___rels__workbook.bin.rels": relations(rId1="worksheet:worksheets/sheet1.bin"),
        "xl__worksheets__sheet1.bin": body + record(130),
        "xl__worksheets___rels__sheet1.bin.rels": relations(rId1="comments:../comments1.bin"),
        "xl__comments1.bin": comments,
    }
    return zipped(**{**parts, **more})


def test_errors_and_comments() -> None:
    sheet = row(0) + cell(1, "plant") + cell(2, "sown") + cell(3, "by") + row(1) + cell(1, "bean") + error(2, 0x2A)
    sheet += row(4) + error(2, 0x17)
    found = comment(1, 1, "ask\nJane") + comment(6, 27, "nothing here")
    assert read("zip", binary_workbook(sheet, found)).text == (
        "# Garden\n\nplant | sown | by\nplant: bean, sown: #N/A (B2: ask Jane)\nsown: #REF!\n(AB7: nothing here)\n\n"
    )


def test_stray_cells_cost_nothing() -> None:
    sheet = row(0) + blank(0) + cell(1, "near") + row(7) + blank(3) + row(9) + error(2, 0x07) + blank(5000)
    sheet += row(1048575) + cell(16383, "far away")
    found = comment(9, 2, "why?")
    assert read("zip", binary_workbook(sheet, found)).text == "# Garden\n\nnear\n#DIV/0! (C10: why?)\nfar away\n\n"


def test_what_is_cut_off_costs_itself() -> None:
    sheet = row(0) + cell(0, "near") + row(1048575) + cell(16383, "far away")
    cut = binary_workbook(sheet, comment(0, 0, "why?")[:-9])
    assert read("zip", cut).text == "# Garden\n\nnear\nfar away\n\n"


def test_names_of_cells() -> None:
    names = ["A1", "Z1", "AA1", "AZ1", "BA1", "ZZ1", "AAA1", "XFD1"]
    assert [cell_name(0, column_of(name[:-1])) for name in names] == names


def test_many_columns_each_in_few_rows() -> None:
    cells = b"".join(row(50 * number) + blank(0) + cell(2 * number, f"cell{number}") for number in range(3000))
    lines = read("zip", binary_workbook(cells)).text.splitlines()
    assert lines == ["# Garden", "", *(f"cell{number}" for number in range(3000)), ""]
