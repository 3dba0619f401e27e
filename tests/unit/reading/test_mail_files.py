"""Mailboxes and messages in files without a suffix of their own."""

from __future__ import annotations

import pytest

from edgeembed.reading.detect import detect
from edgeembed.reading.mail_files import is_named_as_mail, mail_reader


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("Inbox", b"From - Mon Mar  2\r\nX-Mozilla-Status: 0001\r\n", "mbox"),
        ("Inbox", b"From here on we walk\nto the pier: far\n", None),
        ("letter", b"From us all: a greeting\n\nwords", None),
        ("Mail/cur/1.M2.host:2,S", b"Return-Path: <a@b>\r\nFrom: a\r\nSubject: s\r\n\r\nx", "mail"),
        ("Mail/new/1.txt", b"not a message\n", None),
        ("inbox/12", b"Received: x\n by y\nDate: z\nTo: a\n\nx", "mail"),
        ("a.msg", b"Date: z\nFrom: a\nTo: a\n\nx", "mail"),
        ("notes", b"From: a\nTo: b\n\nDate: c\n", None),
        ("a.md", b"Date: z\nFrom: a\nTo: a\n\nx", None),
    ],
)
def test_which_files_are_mail(name: str, head: bytes, expected: str | None) -> None:
    assert mail_reader(head, name) == expected
    assert detect(head, name).reader == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Mail/Inbox", True), ("mbox", True), ("cur/1.host:2,", True), ("LICENSE", False), ("inbox/12", False)],
)
def test_which_names_are_those_of_mail(name: str, expected: bool) -> None:
    assert is_named_as_mail(name) is expected
