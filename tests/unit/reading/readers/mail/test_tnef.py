"""Messages in the form of Outlook, ``winmail.dat``, in mails and by themselves."""

from __future__ import annotations

import struct
from contextlib import suppress
from email.message import EmailMessage

import pytest

from edgeembed.reading.detect import detect
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.readers import read
from edgeembed.reading.readers.mail.tnef import SIGNATURE
from tests.support.documents import reason


def attribute(number: int, content: bytes, level: int = 1) -> bytes:
    return struct.pack("<BII", level, number, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def string(key: int, text: str) -> bytes:
    return variable(key, 0x1F, text.encode("utf-16-le") + b"\0\0")


def variable(key: int, kind: int, content: bytes) -> bytes:
    return struct.pack("<HHII", kind, key, 1, len(content)) + content.ljust(-(-len(content) // 4) * 4, b"\0")


def properties(*items: bytes) -> bytes:
    return struct.pack("<I", len(items)) + b"".join(items)


FIXED = [
    struct.pack("<HHhxx", 2, 0x0023, 7),
    struct.pack("<HHI", 3, 0x0E07, 1),
    struct.pack("<HHd", 5, 0x0E08, 1.5),
    struct.pack("<HHQ", 0x40, 0x0039, 1),
    struct.pack("<HH16s", 0x48, 0x0E0A, b"x" * 16),
    struct.pack("<HHI", 0x0B, 0x0E1B, 1),
    struct.pack("<HH16sIII", 3, 0x8005, b"g" * 16, 0, 99, 5),  # named by a number
    struct.pack("<HH16sII12sI", 3, 0x8006, b"g" * 16, 1, 10, "Nick\0".encode("utf-16-le") + b"\0\0", 5),  # by a name
    struct.pack("<HHI2I", 0x1003, 0x0F01, 2, 4, 5),
    struct.pack("<HHI", 0x101F, 0x0F02, 2) + (struct.pack("<I", 6) + "ab\0".encode("utf-16-le") + b"\0\0") * 2,
]


def packed(*attributes: bytes) -> bytes:
    return SIGNATURE + b"\1\0" + b"".join(attributes)


def example(body: str = "The boat leaves at nine.") -> bytes:
    inner = packed(attribute(0x00018004, b"About ropes\0"), attribute(0x0002800C, b"Bring two ropes.\0"))
    return packed(
        attribute(0x00069007, struct.pack("<II", 1250, 0)),
        attribute(0x00018004, "Łódź\0".encode("cp1250")),
        attribute(0x00069003, properties(*FIXED, string(0x1000, body))),
        attribute(0x00069002, bytes(14), 2),
        attribute(0x00018010, b"TIMETA~1.PDF\0", 2),
        attribute(0x0006800F, b"%PDF-", 2),
        attribute(0x00069005, properties(string(0x3707, "timetable of boats.pdf")), 2),
        attribute(0x00069002, bytes(14), 2),
        attribute(0x00018010, "żagle.txt\0".encode("cp1250"), 2),
        attribute(0x00069002, bytes(14), 2),
        attribute(0x00069005, properties(variable(0x3701, 0x0D, b"i" * 16 + inner)), 2),
    )


TEXT = """Łódź

The boat leaves at nine.

Attached: timetable of boats.pdf, żagle.txt

About ropes

Bring two ropes.

"""


def test_what_is_packed() -> None:
    assert detect(example(), "winmail.dat").reader == "tnef"
    assert read("tnef", example()).text == TEXT


@pytest.mark.parametrize("key", [0x1013, 0x1009])
def test_formatted_bodies(key: int) -> None:
    rtf = rb"{\rtf1\ansi The boat leaves at \b nine\b0.}"
    compressed = struct.pack("<4I", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    content = compressed if key == 0x1009 else b"<p>The boat leaves at <b>nine</b>.</p>"
    data = packed(attribute(0x00069003, properties(variable(key, 0x102, content))))
    assert "The boat leaves at nine." in read("tnef", data).text
    broken = packed(attribute(0x00069003, properties(variable(0x1009, 0x102, b"no"), string(0x0037, "Boats"))))
    assert read("tnef", broken).text == "Boats\n\n"


@pytest.mark.parametrize("kind", ["ms-tnef", "vnd.ms-tnef", "octet-stream"])
def test_a_mail_with_it(kind: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Łódź"
    mail.set_content("The boat leaves\nat nine.\n")
    mail.add_attachment(example(), maintype="application", subtype=kind, filename="winmail.dat")
    text = read("mail", mail.as_bytes()).text
    assert text.count("nine") == text.count("Łódź") == 1
    for words in ("timetable of boats.pdf", "Bring two ropes."):
        assert words in text


def test_what_is_cut_or_none() -> None:
    assert reason("tnef", b"x").startswith("damaged")
    for end in range(6, len(example()), 7):
        with suppress(Unreadable):  # and nothing else
            assert read("tnef", example()[:end]).text[:4] == TEXT[:4]
    deep = packed(attribute(0x0002800C, b"the deepest\0"))
    for _ in range(30):
        inside = attribute(0x00069005, properties(variable(0x3701, 0x0D, b"i" * 16 + deep)), 2)
        deep = packed(attribute(0x0002800C, b"a boat\0"), attribute(0x00069002, b"", 2), inside)
    assert read("tnef", deep).text.count("a boat") == 10
    many = struct.pack("<IHHI", 0xFFFFFFFF, 0x1003, 0x0F01, 0xFFFFFFFF)
    assert reason("tnef", packed(attribute(0x00069003, many))) == "no text in it"
