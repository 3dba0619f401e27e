"""Mailboxes (mbox) and messages of Apple Mail (.emlx)."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.mail.mailbox import Mailbox

BOX = b"""From ann@example.org Mon Mar  2 10:00:00 2026
Subject: ferry
From: ann@example.org

The ferry leaves at nine.
From here on we walk.

>From the pier it is an hour.

From - Tue Mar  3 10:00:00 2026
Subject: bread

Let it rest.

From bob
X-Mozilla-Status: 0009
Subject: deleted

gone

From carl
Subject: late

The last one.
"""


def opened(tmp_path: Path, data: bytes) -> Mailbox:
    (tmp_path / "box").write_bytes(data)
    return Mailbox(tmp_path / "box")


def texts(box: Mailbox) -> list[str | None]:
    found = [box.read(number) for number in range(1, len(box) + 1)]
    return [None if extracted is None else extracted.text for extracted in found]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_each_message_by_its_number(tmp_path: Path, line_end: bytes) -> None:
    box = opened(tmp_path, BOX.replace(b"\n", line_end))
    assert texts(box) == [
        "# ferry\n\nFrom: ann@example.org\n\nThe ferry leaves at nine.\nFrom here on we walk.\n\n"
        "From the pier it is an hour.\n\n",
        "# bread\n\nLet it rest.\n\n",
        None,
        "# late\n\nThe last one.\n\n",
    ]
    assert 0 < sum(map(box.size_bytes, range(1, 5))) < len(BOX.replace(b"\n", line_end))


def test_what_the_standard_library_writes(tmp_path: Path) -> None:
    written = mailbox.mbox(tmp_path / "box")
    for number in range(5):
        message = mailbox.mboxMessage()
        message["Subject"] = f"no {number}"
        message.set_payload(f"From me\n\nFrom you: {number}\n")
        written.add(message)
    written.close()
    box = Mailbox(tmp_path / "box")
    assert [f"From you: {number}" in (text or "") for number, text in enumerate(texts(box))] == [True] * 5


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_messages_without_a_blank_line_between_them(tmp_path: Path, line_end: bytes) -> None:
    first = b"\xef\xbb\xbfFrom -\nSubject: a\n\nOn.\nFrom here\nSubject: to change\nFrom me to you\nX: y\n"
    second = b"From - Mon Jun  3 12:50:27 1996\nSubject: b\n\nFrom - nowhere\nelse\n"
    third = (
        b"From a@b.c  Mon Jun 13 12:50:27 +0100 1996\nSubject: c\n\nFrom a Mon Jun 3\n\nno field\nFrom - \nSubject: d\n"
    )
    found = texts(opened(tmp_path, (first + second + third).replace(b"\n", line_end)))
    assert [text.splitlines()[0] for text in found if text] == ["# a", "# b", "# c", "# d"]


def test_a_file_that_is_one_message_without_the_line_before_it(tmp_path: Path) -> None:
    assert texts(opened(tmp_path, b"Subject: s\n\nwords")) == ["# s\n\nwords\n\n"]


def test_a_mailbox_without_anything_in_it(tmp_path: Path) -> None:
    assert len(opened(tmp_path, b"")) == 0
    assert texts(opened(tmp_path, b"From ann\nX-Mozilla-Status: 0008\n\ngone\n")) == [None]


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_number_that_no_message_has(tmp_path: Path, number: int) -> None:
    box = opened(tmp_path, b"From a\nSubject: a\n\none\n\nFrom b\nSubject: b\n\ntwo\n")
    assert len(box) == 2
    with pytest.raises((ValueError, IndexError)):
        box.read(number)


def test_apple_mail() -> None:
    message = b"Subject: ferry\n\nThe ferry leaves.\n"
    data = b"%-10d\n" % len(message) + message + b"<?xml version='1.0'?><plist>flags</plist>"
    assert read("emlx", data).text == "# ferry\n\nThe ferry leaves.\n\n"
    assert read("emlx", message).text == "# ferry\n\nThe ferry leaves.\n\n"
