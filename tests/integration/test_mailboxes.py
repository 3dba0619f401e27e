"""Mailboxes in a folder: each message is a document, whatever happens to the mailbox and to the others in it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from edgeembed.catalog import settings
from edgeembed.catalog.rows import BEGUN, CHANGING, FileRow
from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.read_file import read_document
from edgeembed.reading.sandbox.process import Limits, Worker
from edgeembed.reading.sandbox.protocol import ReadPart
from edgeembed.storage import writer
from edgeembed.sync import sync as sync_module
from edgeembed.sync.sync import SyncProgress
from tests.support.index_damage import change, problems
from tests.support.old_files import OLD_NS, write

WORDS = ("apple", "bridge", "candle", "dragon", "engine", "falcon")


def message(word: str, *, head: str = "") -> str:
    return f"From ann@example.org Mon Mar  2 10:00:00 2026\n{head}Subject: {word}\nFrom: Ann\n\nabout the {word}\n\n"


def box(words: Iterable[str]) -> str:
    return "".join(map(message, words))


_TIMES = iter(range(1, 10_000))


def put(folder: Folder, text: str, name: str = "Mail/inbox.mbox") -> Path:
    """Write a file that looks changed."""
    return write(folder.path / name, text, mtime_ns=OLD_NS + next(_TIMES) * 1_000_000_000)


@pytest.fixture
def folder(tmp_path: Path, tiny_bundle: Path) -> Folder:
    (tmp_path / "home").mkdir()
    folder = Folder.open(tmp_path / "home", model=tiny_bundle)
    put(folder, "a note about boats", "note.txt")
    put(folder, box(WORDS[:5]))
    report = folder.sync()
    assert (report.added, report.embedded) == (2, 6)
    return folder


def ids(folder: Folder, name: str = "Mail/inbox.mbox") -> list[str]:
    return sorted(id for id in folder._store.read(lambda snapshot: snapshot.ids()) if id.startswith(name))


def row(folder: Folder, name: str = "Mail/inbox.mbox") -> FileRow | None:
    return folder._store.read(lambda snapshot: snapshot.file(name))


def found(folder: Folder, words: str) -> list[str]:
    hits = folder.search(words, mode="keyword", k=100)
    return sorted(id for hit in hits for id in (hit.id, *hit.copies))


def counts(folder: Folder) -> tuple[int, int, int, int, int]:
    report = folder.sync()
    assert folder.index.verify().ok
    assert folder.plan().is_empty
    return report.added, report.updated, report.removed, report.unchanged, report.embedded


def test_a_message_more_is_embedded_alone(folder: Folder) -> None:
    put(folder, box(WORDS))
    assert counts(folder) == (0, 1, 0, 1, 1)
    assert found(folder, "falcon") == ["Mail/inbox.mbox/6"]


def test_a_message_less_in_the_middle_moves_numbers_and_embeds_nothing(folder: Folder) -> None:
    put(folder, box(("apple", "candle", "dragon", "engine")))
    assert counts(folder) == (0, 1, 0, 1, 0)
    assert found(folder, "bridge") == []
    assert [found(folder, word) for word in ("apple", "candle", "engine")] == [
        [f"Mail/inbox.mbox/{number}"] for number in (1, 2, 4)
    ]
    assert len(ids(folder)) == 4


def test_a_message_that_is_inserted_first_is_embedded_alone(folder: Folder) -> None:
    put(folder, box(("falcon", *WORDS[:5])))
    assert counts(folder) == (0, 1, 0, 1, 1)
    assert found(folder, "engine") == ["Mail/inbox.mbox/6"]


def test_a_message_that_is_deleted_and_not_yet_compacted_keeps_its_number(folder: Folder) -> None:
    put(folder, box(WORDS[:1]) + message("bridge", head="X-Mozilla-Status: 0009\n") + box(WORDS[2:5]))
    assert counts(folder) == (0, 1, 0, 1, 0)
    assert ids(folder) == [f"Mail/inbox.mbox/{number}" for number in (1, 3, 4, 5)]


def test_a_mailbox_that_is_only_touched_is_the_same(folder: Folder) -> None:
    before = folder.status().generation
    put(folder, box(WORDS[:5]))
    assert counts(folder) == (0, 0, 0, 2, 0)
    assert folder.status().generation > before


def test_equal_messages_share_their_content(folder: Folder) -> None:
    put(folder, box(("apple", "apple", *WORDS[1:5])))
    put(folder, box(("apple", "falcon")), "Mail/old.mbox")
    assert counts(folder)[4] == 1
    (hit,) = folder.search("apple", mode="keyword")
    copies = {hit.id: hit.part, **dict(zip(hit.copies, hit.copy_parts, strict=True))}
    assert copies == {"Mail/inbox.mbox/1": 1, "Mail/inbox.mbox/2": 2, "Mail/old.mbox/1": 1}


def test_a_mailbox_with_another_name_embeds_nothing(folder: Folder) -> None:
    (folder.path / "Mail/inbox.mbox").rename(folder.path / "Archive")
    assert counts(folder) == (1, 0, 1, 1, 0)
    assert found(folder, "candle") == ["Archive/3"]
    assert ids(folder) == []


def test_a_mailbox_that_is_gone(folder: Folder) -> None:
    (folder.path / "Mail/inbox.mbox").unlink()
    assert counts(folder) == (0, 0, 1, 1, 0)
    assert (ids(folder), row(folder), folder.status().chunks) == ([], None, 1)


def test_a_mailbox_of_which_all_is_deleted(folder: Folder) -> None:
    put(folder, message("apple", head="X-Mozilla-Status: 0009\n"))
    report = folder.sync()
    assert [(item.path, item.reason) for item in report.skipped] == [("Mail/inbox.mbox", "no text in it")]
    assert ids(folder) == []
    assert folder.index.verify().ok


def test_to_a_text_and_back(folder: Folder) -> None:
    (folder.path / "Mail/inbox.mbox").unlink()
    put(folder, box(WORDS[:3]), "Inbox")
    assert counts(folder) == (1, 0, 1, 1, 0)
    put(folder, "just a text about a falcon", "Inbox")
    assert counts(folder) == (0, 1, 0, 1, 1)
    assert ids(folder, "Inbox") == ["Inbox"]
    put(folder, box(WORDS[:3]), "Inbox")
    assert counts(folder) == (0, 1, 0, 1, 3)  # what nothing pointed to was collected meanwhile
    assert ids(folder, "Inbox") == ["Inbox/1", "Inbox/2", "Inbox/3"]
    put(folder, "\0\1\2" * 100, "Inbox")
    assert [item.path for item in folder.sync().skipped] == ["Inbox"]
    assert ids(folder, "Inbox") == []


@pytest.mark.parametrize("below", ["", "Mail/inbox.mbox"])
def test_to_a_folder_of_numbered_files_and_back(folder: Folder, below: str) -> None:
    (folder.path / "Mail/inbox.mbox").unlink()
    for number, word in enumerate(WORDS[1:4], 1):
        put(folder, f"a plain {word}", f"Mail/inbox.mbox/{number}")
    folder.sync(below=below)
    assert counts(folder)[:3] == ((0, 0, 0))
    assert ids(folder) == [f"Mail/inbox.mbox/{number}" for number in (1, 2, 3)]
    (hit,) = folder.search("bridge", mode="keyword")
    assert (hit.id, hit.file, hit.part) == ("Mail/inbox.mbox/1", "Mail/inbox.mbox/1", None)
    for number in (1, 2, 3):
        (folder.path / f"Mail/inbox.mbox/{number}").unlink()
    (folder.path / "Mail/inbox.mbox").rmdir()
    put(folder, box(WORDS[:2]))
    assert counts(folder)[:3] == (1, 0, 3)
    assert ids(folder) == ["Mail/inbox.mbox/1", "Mail/inbox.mbox/2"]
    assert found(folder, "dragon") == []


def test_files_and_records_beside_a_mailbox_stay(folder: Folder) -> None:
    put(folder, "a falcon", "Mail/inbox.mbox.txt")
    put(folder, "a falcon too", "Mail/inbox.mbox-2/7")
    folder.sync()
    folder.index.add([Document("Mail/inbox.mbox/note", text="a record of its own"), Document("7", text="seven")])
    (folder.path / "Mail/inbox.mbox").unlink()
    folder.sync()
    assert ids(folder, "") == ["7", "Mail/inbox.mbox-2/7", "Mail/inbox.mbox.txt", "Mail/inbox.mbox/note", "note.txt"]


def test_messages_that_are_removed_by_hand_come_back(folder: Folder) -> None:
    assert folder.index.remove(["Mail/inbox.mbox/2", "Mail/inbox.mbox/99"]) == 1
    assert found(folder, "bridge") == []
    assert counts(folder)[1] == 1
    assert found(folder, "bridge") == ["Mail/inbox.mbox/2"]
    assert "Mail/inbox.mbox" in folder.index
    assert folder.index.remove(["Mail/inbox.mbox"]) == 1
    assert ids(folder) == []
    assert "Mail/inbox.mbox" not in folder.index
    assert counts(folder)[0] == 1


@pytest.mark.parametrize("name", ["Mail/inbox.mbox", "Friends"])
def test_the_index_of_before_is_taken_in(folder: Folder, name: str) -> None:
    (folder.path / "Mail/inbox.mbox").rename(folder.path / name)
    put(folder, "no mail", "LICENSE")
    folder.sync()
    old = row(folder, name)
    assert old is not None
    text = "\n".join(f"# {word}\n\nabout the {word}\n" for word in WORDS)
    with folder._store.writing() as session:  # as edgeembed made it until now
        session.add(Document(name, text=text, pages=(0,), lines=False), file=old)
        session.put_setting(settings.READERS_VERSION, "3")
    assert ids(folder, name) == [name]
    assert {stat.path for stat in folder.plan().recheck} == {name}
    assert folder.index.verify().ok
    assert counts(folder) == (0, 1, 0, 2, 5)
    assert ids(folder, name) == [f"{name}/{number}" for number in range(1, 6)]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE documents SET metadata = '{}' WHERE id = 'Mail/inbox.mbox/2'",
        "UPDATE documents SET id = 'Mail/inbox.mbox/7' WHERE id = 'Mail/inbox.mbox/2'",
        "DELETE FROM documents WHERE id = 'Mail/inbox.mbox/2'",
        "DELETE FROM contents WHERE content = (SELECT content FROM documents WHERE id = 'Mail/inbox.mbox/2')",
        "UPDATE files SET mtime_ns = 1 WHERE path = 'Mail/inbox.mbox'",
    ],
)
def test_a_damaged_message_is_found_and_comes_back(folder: Folder, damage: str) -> None:
    place = folder.index.path
    folder.close()
    change(place, damage)
    assert problems(place)
    Index.repair(place)
    with Folder.open(folder.path) as again:
        assert again.index.verify().ok
        report = again.sync()
        assert report.embedded <= 1
        assert again.index.verify().ok
        assert again.plan().is_empty
        assert ids(again) == [f"Mail/inbox.mbox/{number}" for number in range(1, 6)]
        assert found(again, "bridge") == ["Mail/inbox.mbox/2"]


def test_what_was_indexed_stays_while_the_mailbox_cannot_be_read(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, box(WORDS))
    with monkeypatch.context() as patched:
        patched.setattr(sync_module, "Worker", partial(Worker, Limits(seconds=0.00001)))
        report = folder.sync()
        assert [item.path for item in report.skipped] == ["Mail/inbox.mbox"]
        assert report.skipped[0].reason.startswith("takes too long")
    assert len(ids(folder)) == 5
    assert found(folder, "candle") == ["Mail/inbox.mbox/3"]
    assert counts(folder) == (0, 1, 0, 1, 1)


class Breaking(Worker):
    """A worker that does not come back from some messages; only so can a single one be made to break it."""

    broken: dict[int, str] = {}  # noqa: RUF012

    def parts(self, path: Path, kind: str, first: int, most: int) -> list[ReadPart]:
        for number in range(first, first + most):
            if reason := self.broken.get(number):
                raise Unreadable(reason)
        return super().parts(path, kind, first, most)


def test_a_message_that_cannot_be_read_costs_itself_alone(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "Worker", Breaking)
    monkeypatch.setattr(Breaking, "broken", {2: "damaged: nested too deeply", 4: "damaged: x"})
    put(folder, box(("falcon", *WORDS[1:5])))
    report = folder.sync()
    assert (report.updated, report.skipped) == (1, ())
    assert ids(folder) == [f"Mail/inbox.mbox/{number}" for number in (1, 3, 5)]
    assert [(item.path, item.reason) for item in folder.status().incomplete] == [
        ("Mail/inbox.mbox", "damaged: nested too deeply (message 2 and 1 more)")
    ]
    assert folder.index.verify().ok
    assert folder.plan().is_empty
    monkeypatch.setattr(Breaking, "broken", {})
    put(folder, box(("falcon", *WORDS[1:5])))
    assert counts(folder) == (0, 1, 0, 1, 2)
    assert folder.status().incomplete == ()


def test_a_slow_message_keeps_what_was_indexed_and_is_tried_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "Worker", Breaking)
    monkeypatch.setattr(Breaking, "broken", {3: "takes too long: more than 90 seconds by the clock"})
    put(folder, box(WORDS))
    assert folder.sync().updated == 1
    assert len(ids(folder)) == 6
    reason = folder.status().incomplete[0].reason
    assert reason == "takes too long: more than 90 seconds by the clock (message 3)"
    assert len(folder.plan().recheck) == 1
    folder.sync()
    assert folder.status().incomplete[0].reason == f"{reason} (tried 2 times)"
    assert folder.plan().is_empty  # for an hour
    monkeypatch.setattr(Breaking, "broken", {})
    folder.sync(checksum=True)
    assert folder.status().incomplete == ()
    assert folder.index.verify().ok


def test_a_mailbox_of_nothing_that_can_be_read_is_skipped(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "Worker", Breaking)
    monkeypatch.setattr(Breaking, "broken", dict.fromkeys(range(1, 6), "damaged: x"))
    put(folder, box(WORDS[:5]))
    report = folder.sync()
    assert report.skipped == (Skipped("Mail/inbox.mbox", "damaged: x (message 1 and 4 more)"),)
    assert ids(folder) == []
    assert folder.index.verify().ok


def test_a_cancelled_run_goes_on(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "EMBED_CHUNKS", 4)
    many = [f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS]
    put(folder, box(many))
    asked = iter(range(1, 10**9))
    report = folder.sync(cancel=lambda: next(asked) > 150)
    assert report.cancelled
    assert (report.updated, report.unchanged) == (0, 1)
    state = row(folder)
    assert state is not None
    assert (state.state, state.reason_kind) == ("incomplete", CHANGING)
    assert folder.index.verify().ok
    assert [stat.path for stat in folder.plan().changed] == ["Mail/inbox.mbox"]
    assert 0 < report.embedded < len(many)
    added, updated, removed, unchanged, embedded = counts(folder)
    assert (added, updated, removed, unchanged) == (0, 1, 0, 1)
    assert embedded == len(many) - report.embedded
    assert len(ids(folder)) == len(many)


def test_a_cancelled_new_mailbox_is_new_until_it_is_in_and_goes_with_its_file(folder: Folder) -> None:
    put(folder, box(f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS), "new.mbox")
    asked = iter(range(1, 10**9))
    report = folder.sync(cancel=lambda: next(asked) > 150)
    assert report.cancelled
    state = row(folder, "new.mbox")
    assert state is not None
    assert state.reason_kind == BEGUN
    assert [stat.path for stat in folder.plan().new] == ["new.mbox"]
    (folder.path / "new.mbox").unlink()
    assert counts(folder)[:2] == (0, 0)
    assert ids(folder, "new.mbox") == []


def test_a_mailbox_that_changed_while_it_was_taken_in(folder: Folder) -> None:
    put(folder, box(f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS))
    asked = iter(range(1, 10**9))
    assert folder.sync(cancel=lambda: next(asked) > 150).cancelled
    put(folder, box(WORDS))
    assert counts(folder)[:4] == (0, 1, 0, 1)
    assert ids(folder) == [f"Mail/inbox.mbox/{number}" for number in range(1, 7)]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"\xff\xfe.mbox", b"a\xff/2024", b"2/1/7", "Ärger[1]*.mbox".encode(), b"x.mbox/1"])
def test_odd_names(folder: Folder, name: bytes) -> None:
    path = os.fsdecode(name)
    (folder.path / path).parent.mkdir(parents=True, exist_ok=True)
    (folder.path / path).write_text(box(("falcon", "candle")))
    assert counts_when_old(folder, path) == (1, 0, 0, 2, 1)
    assert ids(folder, path) == [f"{path}/1", f"{path}/2"]
    (hit,) = folder.search("falcon", mode="keyword", where={"file.path": path})
    assert (hit.file, hit.part) == (path, 1)
    assert folder.similar(folder.path / f"{path}/1")
    assert found(folder, "candle") == sorted(["Mail/inbox.mbox/3", f"{path}/2"])
    (folder.path / path).unlink()
    folder.sync()
    assert ids(folder, path) == []
    assert folder.index.verify().ok


def counts_when_old(folder: Folder, path: str) -> tuple[int, int, int, int, int]:
    os.utime(folder.path / path, ns=(OLD_NS, OLD_NS))
    return counts(folder)


def test_progress_counts_a_mailbox_as_a_file(folder: Folder) -> None:
    put(folder, box(WORDS))
    put(folder, "another note", "note.txt")
    steps = [(step.done_files, step.done_bytes / step.total_bytes) for step in _progress(folder)]
    assert steps == sorted(steps)
    assert steps[-1] == (2, 1.0)
    assert any(0 < share < 1 for _, share in steps)


def _progress(folder: Folder) -> list[SyncProgress]:
    steps: list[SyncProgress] = []
    folder.sync(progress=steps.append)
    return steps


@pytest.mark.skipif(os.name == "nt", reason="only time and size tell there")
def test_inodes_that_tell_nothing(folder: Folder) -> None:
    names = ("a.mbox", "b.mbox", "c.mbox")
    for number, name in enumerate(names):
        put(folder, box(WORDS[number : number + 2]), name)
    folder.sync()
    with folder._store.catalog.write() as transaction:
        for name in names:
            row = transaction.file(name)
            assert row is not None
            assert row.inode is not None
            transaction.put_file(name, row._replace(inode=row.inode + 1_000_000))
    assert folder.plan().renumbered == set(names)
    folder.sync()
    assert folder._store.read(lambda snapshot: snapshot.setting(settings.UNSTABLE_INODES)) == "1"


def test_facts_of_messages_are_those_of_the_mailbox(folder: Folder) -> None:
    put(folder, box(WORDS[:2]), "Mail.sbd/other.mbox")
    put(folder, box(WORDS[:2]), "Mail.txt")
    put(folder, box(("falcon",)), "Mail2")
    folder.sync()

    def of(**where: object) -> set[str]:
        hits = folder.search("about", k=100, where={name.replace("_", ".", 1): test for name, test in where.items()})
        return {id for hit in hits for id in (hit.id, *hit.copies)}

    inbox = {f"Mail/inbox.mbox/{number}" for number in range(1, 6)}
    assert of(file_path="Mail/inbox.mbox") == inbox
    assert of(file_path={"glob": "Mail/inbox.mbox"}) == inbox
    assert of(file_path={"glob": "Mail"}) == inbox
    assert of(file_path={"glob": "*.mbox"}) == inbox | {"Mail.sbd/other.mbox/1", "Mail.sbd/other.mbox/2"}
    assert of(file_path="Mail/inbox.mbox/2") == of(file_path={"glob": "Mail/*/2"}) == {"Mail/inbox.mbox/2"}
    assert of(file_path={"in": ["Mail/inbox.mbox/2", "Mail2"]}) == {"Mail/inbox.mbox/2", "Mail2/1"}
    assert of(file_path={"not glob": "/Mail/inbox.mbox/2"}) & inbox == inbox - {"Mail/inbox.mbox/2"}
    assert of(file_path={"not glob": "*.mbox"}) & inbox == set()
    assert of(file_path={">=": "Mail/", "<": "Mail0"}) == inbox
    assert of(file_path={">=": "Mail.sbd/", "<": "Mail.sbd0"}) == {"Mail.sbd/other.mbox/1", "Mail.sbd/other.mbox/2"}
    assert of(file_name="inbox.mbox", file_part={">": 3}) == {"Mail/inbox.mbox/4", "Mail/inbox.mbox/5"}
    size = (folder.path / "Mail/inbox.mbox").stat().st_size
    assert of(file_ext="mbox", file_size_bytes={">=": size}, file_modified={">=": 0}) == inbox
    assert "note.txt" not in of(file_part={">=": 1})
    assert of(document_id="Mail/inbox.mbox/3") == {"Mail/inbox.mbox/3"}


def test_the_number_of_a_message_is_no_word_of_its_name(folder: Folder) -> None:
    assert found(folder, "3") == []
    assert len(found(folder, "inbox")) == 5


def test_similar_to_a_mailbox_and_to_a_message(folder: Folder, tmp_path: Path) -> None:
    put(folder, box(("bridge", "falcon")), "other.mbox")
    folder.sync()
    hits = folder.similar(folder.path / "Mail/inbox.mbox/2", k=20)
    assert hits[0].id == "other.mbox/1"
    assert hits[0].same_content
    assert "Mail/inbox.mbox/2" not in {hit.id for hit in hits}
    assert "Mail/inbox.mbox/1" in {hit.id for hit in hits}
    hits = folder.similar(folder.path / "Mail/inbox.mbox", k=20)
    assert {hit.id for hit in hits} == {"note.txt", "other.mbox/1", "other.mbox/2"}
    assert not any(hit.same_content for hit in hits)
    (tmp_path / "outside.mbox").write_text(box(WORDS[:2]))
    assert folder.similar(tmp_path / "outside.mbox", k=1)
    hits = folder.similar(tmp_path / "outside.mbox/2", k=2)
    assert {hit.id for hit in hits} == {"Mail/inbox.mbox/2", "other.mbox/1"}
    with pytest.raises(ValueError, match="no message 9 in it"):
        folder.similar(tmp_path / "outside.mbox/9")
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        folder.similar(folder.path / "note.txt/1")
    with pytest.raises(FileNotFoundError):
        folder.similar(folder.path / "nothing/1")


def test_explain_a_message_and_the_best_of_a_mailbox(folder: Folder) -> None:
    explained = folder.explain("candle", folder.path / "Mail/inbox.mbox/3")
    assert (explained.id, explained.part, explained.file) == ("Mail/inbox.mbox/3", 3, "Mail/inbox.mbox")
    assert folder.explain("the candle", "Mail/inbox.mbox").part == 3
    with pytest.raises(KeyError):
        folder.explain("candle", "Mail/inbox.mbox/9")


def test_status_counts_files(folder: Folder) -> None:
    status = folder.status()
    assert (status.files, status.documents) == (2, 6)
    assert (folder.status(below="Mail").files, folder.status(below="Mail").documents) == (1, 5)


def test_a_shipped_index_still_names_messages(folder: Folder, tiny_bundle: Path) -> None:
    folder.index.compact(for_shipping=True)
    with Index.open(folder.index.path, model=tiny_bundle, read_only=True) as index:
        (hit,) = index.search("candle", mode="keyword")
        assert (hit.file, hit.part) == ("Mail/inbox.mbox", 3)
        assert index.explain("candle", "Mail/inbox.mbox").id == hit.id


def test_a_mailbox_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mbox", box(f"{word} {number}" for number in range(100) for word in WORDS))
    with Worker() as worker:
        found = read_document(tmp_path, FileStat("a.mbox", path.stat().st_size, 0), worker=worker)
        assert not isinstance(found, (Document, Skipped))
        first = next(found.items)
        os.truncate(path, 0)  # few are read ahead
        rest = list(found.items)
    assert isinstance(first, Document)
    assert (first.id, first.metadata) == ("a.mbox/1", {"file.part": 1})
    assert len(rest) < 100


def test_a_message_with_which_the_parser_takes_too_long_costs_itself(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "Worker", partial(Worker, Limits(seconds=0.3)))
    slow = message("slow", head="Content-Type: text/html\n") + "<p>" + "<![CDATA[" * 200_000 + "\n\n"
    put(folder, box(WORDS[:2]) + slow + box(WORDS[2:]))
    assert folder.sync().embedded == 1
    assert ids(folder) == [f"Mail/inbox.mbox/{number}" for number in (1, 2, 4, 5, 6, 7)]  # the third is the fourth now
    (reason,) = (item.reason for item in folder.status().incomplete)
    assert re.fullmatch(r"takes too long: more than [\d.]+ seconds \(message 3\)", reason)
    assert found(folder, "falcon") == ["Mail/inbox.mbox/7"]
