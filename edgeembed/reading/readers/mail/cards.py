"""Appointments and addresses: iCalendar (RFC 5545), vCalendar and vCard (RFC 6350, and 2.1 with its encodings)."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from typing import NamedTuple

from ...charset import codec_of, decode_as
from ...decode import decode
from ...extracted import ExtractedText
from ...extras import Unreadable
from ..text_builder import TextBuilder

_HEADINGS = ("SUMMARY", "FN")
_UNSEEN = frozenset(
    (
        *("BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "METHOD", "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED"),
        *("SEQUENCE", "TRANSP", "CLASS", "STATUS", "PRIORITY", "ACTION", "TRIGGER", "PHOTO", "LOGO", "SOUND", "KEY"),
        *("ATTACH", "REV", "N", "SORT-STRING", "TZID", "TZOFFSETFROM", "TZOFFSETTO", "TZURL", "RRULE", "EXDATE"),
        *("RDATE", "RECURRENCE-ID", "PROFILE", "SOURCE", "MAILER", "DALARM", "AALARM"),
    )
)
"""What programs tell each other. ``N`` is a name in parts, which ``FN`` has as a whole."""
_NAMES = {
    **{"DTSTART": "Start", "DTEND": "End", "DUE": "Due", "TEL": "Phone", "ADR": "Address", "ORG": "Organization"},
    **{"BDAY": "Birthday", "URL": "Address", "GEO": "Position"},
}
_ITEMS = ("VEVENT", "VTODO", "VJOURNAL", "VCARD")
_HIDDEN = ("VTIMEZONE", "VALARM")
_LINE = re.compile(r"""((?:[\w-]+\.)?[\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)""", re.DOTALL)
_PERSON = re.compile(r"""(?:^|;)CN=("[^"]*"|[^;]*)""", re.IGNORECASE)
_CHARSET = re.compile(r"""(?:^|;)CHARSET="?([\w.:-]+)""", re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\dZ?)?")
_CUT_LETTER = re.compile(rb"(?<=[\xc2-\xf4])\r?\n[ \t](?=[\x80-\xbf])|(?<=[\x80-\xbf])\r?\n[ \t](?=[\x80-\xbf])")
_ESCAPED = re.compile(r"\\([nN,;:\\])")


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str


def read_cards(data: bytes) -> ExtractedText:
    """Appointments, tasks and addresses of a file, each under its name.

    Raises:
        Unreadable: it is no text.
    """
    text = decode(rejoined(data))
    if text is None:
        raise Unreadable("not text")
    return ExtractedText(cards_text(text))


def rejoined(data: bytes) -> bytes:
    """The same, letters of several bytes whole again: programs fold lines by bytes, and so within letters."""
    return _CUT_LETTER.sub(b"", data)


def cards_text(text: str) -> str:
    """The same of a text that is decoded; of one that holds none of these, the text as it is."""
    builder, hidden, item = TextBuilder(), "", list[_Property]()
    for property in _properties(text):
        value = property.value.strip().upper()
        if property.name == "BEGIN" and value in _HIDDEN and not hidden:
            hidden = value
        elif property.name == "END" and value == hidden:
            hidden = ""
        elif property.name in ("BEGIN", "END"):
            if value in _ITEMS:
                _add(builder, item)
                item = []
        elif not hidden:
            item.append(property)
    _add(builder, item)
    shown = builder.extracted().text
    return shown if shown.strip() else text


def _properties(text: str) -> Iterator[_Property]:
    for line in _unfolded(text):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, parameters, value = match[1].rpartition(".")[2].upper(), match[2], match[3]
        if "QUOTED-PRINTABLE" in parameters.upper():
            charset = _CHARSET.search(parameters)
            raw = quopri.decodestring(value.encode("utf-8"))
            value = decode_as(raw, (codec_of(charset[1]) if charset else None) or "utf-8")
        elif "BASE64" in parameters.upper() or "ENCODING=B" in parameters.upper():
            continue
        yield _Property(name, parameters, value)


def _unfolded(text: str) -> Iterator[str]:
    """The lines as they were before they were folded: blanks at the start go on, and so does ``=`` at an end."""
    open_line = ""
    for line in re.split(r"\r\n|\r|\n", text):
        is_soft = open_line.endswith("=") and "QUOTED-PRINTABLE" in open_line.partition(":")[0].upper()
        if is_soft:
            open_line = open_line[:-1] + line
        elif line[:1] in (" ", "\t"):
            open_line += line[1:]
        else:
            if open_line:
                yield open_line
            open_line = line
    if open_line:
        yield open_line


def _add(builder: TextBuilder, item: list[_Property]) -> None:
    for property in sorted(item, key=lambda property: property.name not in _HEADINGS):
        if property.name in _UNSEEN or property.name.startswith("X-"):
            continue
        value = _shown(property)
        if property.name in _HEADINGS:
            builder.add(value)
            builder.end_paragraph("# ")
        elif value:
            builder.add(f"{_NAMES.get(property.name, property.name.capitalize())}: {value}")
            builder.end_line()
    builder.end_paragraph()


def _shown(property: _Property) -> str:
    """The value as a person reads it: a name beside an address, a time in figures, no escapes."""
    if time := _TIME.fullmatch(property.value.strip()):
        day = f"{time[1]}-{time[2]}-{time[3]}"
        return day if time[4] is None else f"{day} {time[4]}:{time[5]}"
    value = property.value
    if property.name in ("ADR", "ORG"):
        value = ", ".join(part for part in re.split(r"(?<!\\);", value) if part.strip())
    value = _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)
    person = _PERSON.search(property.parameters)
    address = re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)
    return f"{person[1].strip(chr(34))} <{address}>" if person and person[1].strip('"') else address
