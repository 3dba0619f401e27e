"""A folder of mail as programs keep it: mailboxes without a suffix, Maildir, attached messages."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from edgeembed import Folder
from tests.support.commands import edge
from tests.support.old_files import OLD_NS, write
from tests.support.output_schema import validate

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


def test_messages_on_the_command_line(mail: Path, tiny_bundle: Path) -> None:
    write(mail / "Übung/Ärger.mbox", MESSAGE.format("Bread", "Let it rest for an hour.") + "From - \nSubject: x\n\nOdd")
    assert "4 files in the index" in edge("index", "--model", tiny_bundle, mail).stderr
    assert "holds    4 files with 7 documents in " in edge("status", mail).stdout
    run = edge("search", "zeppelin", mail, "--mode", "keyword", "--color", "always")
    assert "Inbox (message 2)" in run.stdout
    assert f"{(mail / 'Inbox').as_uri()}\x1b" in run.stdout  # what is clicked is the mailbox
    run = edge("search", "bread", mail, "--mode", "keyword")
    assert "(message 1)" in run.stdout
    assert f"same content: {mail / 'Inbox'} (message 3)" in run.stdout or "Ärger.mbox (message 1)" in run.stdout
    hit = validate(edge("search", "bread", mail, "--mode", "keyword", "--json").stdout, "hit")
    copies = zip(hit["copies"], hit["copy_parts"], strict=True)  # type: ignore[call-overload]
    assert {(hit["path"], hit["part"]), *copies} == {
        (str(mail / "Inbox"), 3),
        (str(mail / "Übung/Ärger.mbox"), 1),
    }
    assert hit["metadata"] == {}
    assert "id" not in hit
    note = validate(edge("search", "walk", mail, "--mode", "keyword", "--json").stdout.splitlines()[0], "hit")
    assert not note.keys() & {"part", "copy_parts"}
    explained = validate(edge("explain", "ferry", mail / "Inbox/1", mail, "--json").stdout, "explanation")
    assert (explained["path"], explained["part"]) == (str(mail / "Inbox"), 1)
    assert "Inbox (message 2)" in edge("explain", "zeppelin hangar", mail / "Inbox", mail).stdout
    run = edge(
        "similar", unicodedata.normalize("NFD", str(mail / "Übung/Ärger.mbox/1")), mail, "-k", "1", "--min-score", "0"
    )
    assert "Inbox (message 3)  same content" in run.stdout
    assert edge("similar", mail / "Inbox/9", mail).returncode == 2
    assert edge("similar", mail / "Nothing/9", mail).returncode == 2


def test_the_path_of_a_message_that_looks_like_a_pattern(mail: Path, tiny_bundle: Path) -> None:
    (mail / "Inbox").rename(mail / "In[b]ox{1}.mbox")
    edge("index", "--model", tiny_bundle, mail)
    run = edge("search", "it", "--min-score", "0", "--json", "--path", mail / "In[b]ox{1}.mbox/2", mail)
    assert [json.loads(line)["part"] for line in run.stdout.splitlines()] == [2]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        (["--path", "Inbox"], {1, 2, 3}),
        (["--path", "Inbox/2"], {2}),
        (["--path", "Inbox", "--path", "!Inbox/2"], {1, 3}),
        (["--path", "In*"], {1, 2, 3}),
        (["--path", "!Inbox"], set()),
    ],
)
def test_patterns_for_messages(mail: Path, tiny_bundle: Path, filters: list[str], numbers: set[int]) -> None:
    edge("index", "--model", tiny_bundle, mail)
    for folder in (mail, mail / "Inbox"):
        run = edge("search", "it", "--min-score", "0", "--json", *filters, folder)
        assert {hit.get("part") for hit in map(json.loads, run.stdout.splitlines())} - {None} == numbers
