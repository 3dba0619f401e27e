"""Mail that programs keep in files without a suffix of their own: Thunderbird, Unix, Maildir, MH."""

from __future__ import annotations

import posixpath
import re
from typing import Literal

_MAILDIR = ("cur", "new")
_SUFFIXES = ("", ".msg", ".mail")
"""Of files that may be mail, beside those that are called so. Outlook is not the only program that writes ``.msg``."""
_MAILBOXES = ("mbox", "inbox", "sent", "drafts", "templates", "trash", "junk", "archive", "archives", "outbox")
"""Names that mailboxes without a suffix mostly have, in small letters."""
_MAILBOX = re.compile(rb"From [^\n]*\n(?:>?From |[\x21-\x39\x3b-\x7e]+:)")
_FIELD = re.compile(rb"^([A-Za-z][A-Za-z0-9-]*):", re.MULTILINE)
_FIELDS = frozenset(
    (b"from", b"to", b"subject", b"date", b"message-id", b"received", b"return-path", b"mime-version", b"delivered-to")
)
_SIGNS = 3
"""So many of these fields are in every message, and hardly in a file that is none."""


def mail_reader(head: bytes, name: str) -> Literal["mbox", "mail"] | None:
    """The reader for a mailbox or a message, by its content; ``None``: it is none, or not named as one could be.

    Args:
        head: the first bytes of the file.
        name: its name, or path with ``/``.
    """
    if not may_be_mail(name):
        return None
    if _MAILBOX.match(head):
        return "mbox"
    fields = {field.lower() for field in _FIELD.findall(head.replace(b"\r", b"").partition(b"\n\n")[0])}
    return "mail" if len(fields & _FIELDS) >= _SIGNS and _FIELD.match(head) else None


def may_be_mail(name: str) -> bool:
    """Whether a file of this name is mail if its content is: mailboxes may have any name without a suffix."""
    return posixpath.splitext(name)[1].lower() in _SUFFIXES or _is_in_maildir(name)


def is_named_as_mail(name: str) -> bool:
    """Whether a file without a suffix of mail has nonetheless the name of a mailbox, or lies in a Maildir."""
    return posixpath.basename(name).lower() in _MAILBOXES or _is_in_maildir(name)


def _is_in_maildir(name: str) -> bool:
    return posixpath.basename(posixpath.dirname(name)) in _MAILDIR
