"""Mailboxes (mbox) and messages of Apple Mail (.emlx)."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from edgeembed.reading.readers import read
from edgeembed.reading.readers.mail.mailbox import messages_of
from tests.support.documents import page_of

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


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_each_message_is_a_page(line_end: bytes) -> None:
    extracted = read("mbox", BOX.replace(b"\n", line_end))
    assert extracted.text == (
        "# ferry\n\nFrom: ann@example.org\n\nThe ferry leaves at nine.\nFrom here on we walk.\n\n"
        "From the pier it is an hour.\n\n# bread\n\nLet it rest.\n\n# late\n\nThe last one.\n\n"
    )
    assert [page_of(extracted, words) for words in ("ferry", "bread", "late")] == [1, 2, 4]


def test_what_the_standard_library_writes(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(5):
        message = mailbox.mboxMessage()
        message["Subject"] = f"no {number}"
        message.set_payload(f"From me\n\nFrom you: {number}\n")
        box.add(message)
    box.close()
    data = (tmp_path / "box").read_bytes()
    assert len(list(messages_of(data))) == 5
    extracted = read("mbox", data)
    assert [page_of(extracted, f"From you: {number}") for number in range(5)] == [1, 2, 3, 4, 5]


def test_a_file_that_is_one_message_without_the_line_before_it() -> None:
    assert list(messages_of(b"Subject: s\n\nwords")) == [b"Subject: s\n\nwords"]


def test_apple_mail() -> None:
    message = b"Subject: ferry\n\nThe ferry leaves.\n"
    data = b"%-10d\n" % len(message) + message + b"<?xml version='1.0'?><plist>flags</plist>"
    assert read("emlx", data).text == "# ferry\n\nThe ferry leaves.\n\n"
    assert read("emlx", message).text == "# ferry\n\nThe ferry leaves.\n\n"
