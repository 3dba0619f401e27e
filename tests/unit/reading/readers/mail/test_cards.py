"""Appointments (iCalendar) and addresses (vCard) to text."""

from __future__ import annotations

from edgeembed.reading.readers import read
from tests.support.documents import reason


def test_an_appointment_with_folded_lines() -> None:
    data = (
        "BEGIN:VCALENDAR\r\nPRODID:-//x\r\nBEGIN:VTIMEZONE\r\nTZID:Oslo\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
        "DTSTART;TZID=Oslo:20260302T090000\r\nDTEND;VALUE=DATE:20260303\r\n"
        "SUMMARY;LANGUAGE=en:Meeting with the fal\r\n coner\r\n"
        'DESCRIPTION:Bring gloves\\, and\\nmeat\r\nORGANIZER;CN="Bø, Ann":mailto:ann@example.org\r\n'
        "BEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nX-WR:1\r\nEND:VEVENT\r\n"
        "BEGIN:VTODO\r\nSUMMARY:Feed her\r\n"
        "END:VTODO\r\nEND:VCALENDAR\r\n"
    )
    assert read("cards", data.encode()).text == (
        "# Meeting with the falconer\n\nStart: 2026-03-02 09:00\nEnd: 2026-03-03\n"
        "Description: Bring gloves, and\nmeat\n"
        "Organizer: Bø, Ann <ann@example.org>\n\n# Feed her\n\n"
    )


def test_a_fold_within_a_letter() -> None:
    data = "BEGIN:VEVENT\r\nSUMMARY:Café\r\nEND:VEVENT".encode()
    cut = data.index(b"\xc3") + 1
    assert "# Café\n" in read("cards", data[:cut] + b"\r\n " + data[cut:]).text


def test_an_address_of_version_2_1() -> None:
    data = (
        b"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gro=C3=9F;J=C3=BCrgen\n"
        b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen Gro=\n=C3=9F\nTEL;CELL:+47 555\n"
        b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:caf=E9\nPHOTO;ENCODING=BASE64;JPEG:\n /9j/4AAQ\n\n"
        b"item1.ADR;HOME:;;Pier 9;Oslo;;0150;Norway\nEND:VCARD\n"
    )
    assert read("cards", data).text == (
        "# Jürgen Groß\n\nPhone: +47 555\nNote: café\nAddress: Pier 9, Oslo, 0150, Norway\n\n"
    )


def test_what_holds_none_of_these_is_read_as_it_is() -> None:
    assert read("cards", b"only words, 12:30\n").text == "only words, 12:30\n"
    assert reason("cards", bytes(range(256))) == "not text"
