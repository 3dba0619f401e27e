"""What a file is, by its first bytes and its name."""

from __future__ import annotations

import pytest

from edgeembed.reading.detect import NOT_TEXT, OTHER_IMAGE, detect, looks_binary, may_have_reader
from edgeembed.reading.entries import IMAGE_LEFT_OUT


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.txt", b"%PDF-1.4\n% all readable\n", "pdf"),
        ("a.pdf", b"mail header\n%PDF-1.4\n", "pdf"),
        ("a.txt", b"mail header\n%PDF-1.4\n", None),
        ("a", b"{\\rtf1 words}", "rtf"),
        ("a", b"PK\x03\x04", "zip"),
        ("a", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
        ("b/Page.HTM", b"words", "html"),
        ("a.json", b"{", "json"),
        ("a.json", "{".encode("utf-16"), "json"),
        ("a.xml", b"<?xml version='1.0'?><rss>", "feed"),
        ("a.xml", b"<?xml version='1.0'?><project>", None),
        ("a.txt", b"", None),
        ("a.mbox", b"From ann\nSubject: s\n", "mbox"),
        ("1.emlx", b"12\nSubject: s", "emlx"),
        ("a.VCF", b"BEGIN:VCARD", "cards"),
        ("BMW.txt", b"BMW and GIF8, ID3 tags, RIFFs and PK", None),
    ],
)
def test_who_reads_a_file(name: str, head: bytes, expected: str | None) -> None:
    found = detect(head, name)
    assert (found.reader, found.reason) == (expected, None)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.txt", b"\x89PNG\r\n\x1a\n", IMAGE_LEFT_OUT),
        ("a.txt", b"\xff\xd8\xff\xe0JFIF", IMAGE_LEFT_OUT),
        ("a", b"RIFF\0\0\0\0WEBPVP8", IMAGE_LEFT_OUT),
        ("a", b"\0\0\0\x1cftypheic", IMAGE_LEFT_OUT),
        ("a.ppm", b"P3\n4 4\n", IMAGE_LEFT_OUT),
        ("a.tga", b"\0\0\2\0\0", OTHER_IMAGE),
        ("a.gd", b"\xff\xff\0\x80\0\x80\0\1", OTHER_IMAGE),
        ("a.fpx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OTHER_IMAGE),
        ("a", b"\0\0\0\x1cftypM4A ", "not text: sound or film"),
        ("a", b"RIFF\0\0\0\0WAVE", "not text: sound or film"),
        ("a.ps", b"%!PS-Adobe-3.0\nshowpage\n", "not text: a PostScript drawing (save it as PDF)"),
        ("a", b"\x1f\x8b\x08", "not text: an archive (archives are not opened)"),
        ("a.tar", b"name\0\0\0\0", "not text: an archive (archives are not opened)"),
        ("a.so", b"\x7fELF", "not text: a program"),
        ("a.dat", b"\0\1\2\3", NOT_TEXT),
        ("a.json", b"{\0\0\0\1\2\3", NOT_TEXT),
    ],
)
def test_why_a_file_is_not_read(name: str, head: bytes, expected: str) -> None:
    assert detect(head, name).reason == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[("a.pdf", True), ("b/C.DOCX", True), ("a.csv", True), ("a.xml", True), ("a.txt", False), ("pdf", False)],
        *[("a.ics", True), ("Mail/Inbox", True), ("cur/1.host:2,", True), ("LICENSE", False)],
    ],
)
def test_which_names_newer_readers_may_read_better(name: str, expected: bool) -> None:
    assert may_have_reader(name) is expected


def test_two_control_characters_and_one_in_a_hundred_are_still_text() -> None:
    assert not looks_binary(b"\x01\x02")
    assert looks_binary(b"\x01\x02\x03")
    assert not looks_binary(b"\x01" * 5 + b"text" * 100)
    assert not looks_binary(b"\t\n\r\f\x0b\b\x1b" * 100)
    assert looks_binary(b"\x01" * 7 + b"text" * 100)


LOG = b"a line of a log that goes on and on\n" * 200


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("a.log", LOG[:4000] + b"\0" + LOG[4000:], None),
        ("a.log", LOG + b"\0" * 900, None),
        ("a.log", b"short\0", NOT_TEXT),
        ("a.log", LOG[:900].replace(b"line", b"l\0ne"), NOT_TEXT),
        ("a.txt", "Grüße aus Köln, ohne Marke\r\n".encode("utf-16-le"), None),
        ("a.txt", "Встреча перенесена на четверг, в 10 часов\n".encode("utf-16-be"), None),
        ("a.log", LOG + "added by a script\r\n".encode("utf-16-le") * 9, None),
        ("a.txt", b"\x1b$)C" + b"\x0e?*;g@{\x0f " * 9, None),
        (
            "a.txt",
            b"notes.txt".ljust(257, b"\0") + b"ustar  \0" + LOG,
            "not text: an archive (archives are not opened)",
        ),
        ("a.xml", "<?xml version='1.0'?><rss>words</rss>".encode("utf-16-le"), None),
    ],
)
def test_nul_and_shifts_in_texts(name: str, head: bytes, reason: str | None) -> None:
    assert detect(head, name).reason == reason
