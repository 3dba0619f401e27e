"""Outlook messages (MSG) to text."""

from __future__ import annotations

import struct

from edgeembed.reading.readers import read
from tests.support.documents import compound


def test_outlook_message() -> None:
    def wide(words: str) -> bytes:
        return words.encode("utf-16-le")

    sent = struct.pack("<HHIQ", 0x40, 0x39, 6, 133_000_000_000_000_000)
    streams = {
        "__properties_version1.0": bytes(32) + sent,
        "__substg1.0_0037001F": wide("Grüße aus Köln"),
        "__substg1.0_0C1A001F": wide("Ann Bø"),
        "__substg1.0_5D01001F": wide("ann@example.org"),
        "__substg1.0_0E04001E": b"Jos\xe9",
        "__substg1.0_1000001F": wide("The ferry\r\nleaves at nine."),
        "__attach_version1.0_#00000000/__substg1.0_3707001F": wide("timetable.pdf"),
    }
    text = "# Grüße aus Köln\n\nFrom: Ann Bø <ann@example.org>\nTo: José\nDate: 2022-06-18 04:26\n\n"
    body = "The ferry\nleaves at nine.\n\n"
    assert read("ole", compound(streams)).text == text + body + "Attached: timetable.pdf\n\n"
    del streams["__substg1.0_1000001F"]
    streams["__substg1.0_10130102"] = b"<p>The <b>ferry</b>".ljust(4096)
    assert "The ferry\n" in read("ole", compound(streams)).text


def test_code_pages_and_attached_messages() -> None:
    inner = "__attach_version1.0_#00000000/__substg1.0_3701000D/"
    streams = {
        "__properties_version1.0": bytes(32) + struct.pack("<HHIQ", 3, 0x3FFD, 6, 1251),
        "__substg1.0_0037001E": "Привет".encode("cp1251"),
        "__attach_version1.0_#00000000/__substg1.0_3707001F": "inner.msg".encode("utf-16-le"),
        inner + "__properties_version1.0": bytes(24) + struct.pack("<HHIQ", 0x40, 0x39, 6, 133_000_000_000_000_000),
        inner + "__substg1.0_0037001F": "Audit".encode("utf-16-le"),
        inner + "__substg1.0_1000001F": "about turbines".encode("utf-16-le"),
    }
    text = read("ole", compound(streams)).text
    assert text == "# Привет\n\nAttached: inner.msg\n\n## Audit\n\nDate: 2022-06-18 04:26\n\nabout turbines\n\n"
