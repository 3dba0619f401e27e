"""A folder of mail as programs keep it: mailboxes without a suffix, Maildir, attached messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Folder
from tests.support.old_files import OLD_NS, write

MESSAGE = "From - Mon Mar  2\nX-Mozilla-Status: 0001\nSubject: {}\nFrom: Ann <ann@example.org>\n\n{}\n\n"
BOX = (
    MESSAGE.format("Ferry", "It leaves at nine.")
    + MESSAGE.format("Zeppelin", "The hangar was sold.")
    + MESSAGE.format("Bread", "Let it rest for an hour.")
)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    root = tmp_path / "mail"
    write(root / "Inbox", BOX)
    write(
        root / "Maildir/cur/1204680122.27c448.host.example.com:2,S",
        "Received: x\nFrom: Bob\nSubject: Falcon\n\nShe flies.",
    )
    write(root / "From here.txt", "From here on\nSubject: to change\n\nwe walk.")
    return root


def test_each_message_is_found_by_its_number(mail: Path, tiny_bundle: Path) -> None:
    folder = Folder.open(mail, model=tiny_bundle)
    folder.sync()
    hit = folder.search("zeppelin", mode="keyword")[0]
    assert (hit.id, hit.file, hit.part, hit.page, hit.metadata) == ("Inbox/2", "Inbox", 2, None, {})
    assert "Zeppelin" in hit.snippet
    assert "X-Mozilla" not in hit.snippet
    falcon = folder.search("falcon", mode="keyword")[0]
    assert falcon.id.startswith("Maildir/cur/")
    assert "Received" not in falcon.snippet
    assert folder.search("walk", mode="keyword")[0].passages[0].start_line == 1  # no mailbox: it keeps its lines


def test_a_mailbox_that_grew(mail: Path, tiny_bundle: Path) -> None:
    folder = Folder.open(mail, model=tiny_bundle)
    folder.sync()
    assert folder.plan().is_empty
    write(mail / "Inbox", BOX + "From - Tue Mar  3\nSubject: Tide\n\nHigh at six.\n", mtime_ns=OLD_NS + 1)
    report = folder.sync()
    assert (report.updated, report.embedded) == (1, 1)
    assert [folder.search(word, mode="keyword")[0].part for word in ("ferry", "bread", "tide")] == [1, 3, 4]
