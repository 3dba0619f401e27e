"""Files of many documents: read some at a time, each by itself where something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeembed.document import file_of, part_id, part_number
from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.parts import FileParts, LostPart, PartDocument, read_parts
from edgeembed.reading.sandbox.process import Limits, Worker
from edgeembed.reading.sandbox.protocol import ReadPart

Found = list[PartDocument | LostPart | Skipped]


def message(subject: str, body: str = "words") -> str:
    return f"From - Mon Mar  2 10:00:00 2026\nSubject: {subject}\n\n{body}\n\n"


def read(tmp_path: Path, text: str, worker: Worker | None = None) -> FileParts:
    (tmp_path / "a.mbox").write_text(text)
    return read_parts(tmp_path, FileStat("a.mbox", len(text), 0), "mbox", worker)


class Odd(Worker):
    """A worker that notes what it is asked, and breaks on some numbers."""

    def __init__(self, is_broken: Callable[[int], bool] = lambda number: False) -> None:
        super().__init__()
        self._is_broken = is_broken
        self.asked: list[tuple[int, int]] = []

    def parts(self, path: Path, kind: str, first: int, most: int) -> list[ReadPart]:
        self.asked.append((first, most))
        if any(map(self._is_broken, range(first, first + most))):
            raise Unreadable("damaged: the program that reads it crashed")
        return super().parts(path, kind, first, most)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 129])
def test_each_in_order_with_its_share_of_the_file(tmp_path: Path, count: int) -> None:
    text = "".join(message(f"no {number}") for number in range(1, count + 1))
    worker = Odd()
    with worker:
        found = list(read(tmp_path, text, worker).items)
    assert [item.number for item in found if isinstance(item, PartDocument)] == list(range(1, count + 1))
    assert isinstance(found[-1], PartDocument)
    assert (found[-1].id, found[-1].text) == (f"a.mbox/{count}", f"# no {count}\n\nwords\n\n")
    assert dict(found[-1].metadata) == {"file.part": count}
    sizes = sum(item.size_bytes for item in found if isinstance(item, PartDocument))
    assert len(text) - 40 * count < sizes < len(text)
    assert len(worker.asked) == -(-count // 64)


def test_one_that_breaks_the_worker_is_found_among_the_others(tmp_path: Path) -> None:
    text = "".join(message(f"no {number}") for number in range(1, 201))
    worker = Odd(lambda number: number in (10, 150))
    with worker:
        found = list(read(tmp_path, text, worker).items)
    assert [item for item in found if not isinstance(item, PartDocument)] == [
        LostPart(f"a.mbox/{number}", number, "damaged: the program that reads it crashed") for number in (10, 150)
    ]
    assert len(found) == 200
    assert len(worker.asked) < 2 * 74 + 6


def test_a_long_message_goes_alone(tmp_path: Path) -> None:
    text = message("a") + message("b", "word " * 300_000) + message("c") + message("d")
    worker = Odd()
    with worker:
        found = list(read(tmp_path, text, worker).items)
    assert [len(item.text or "") > 1_000_000 for item in found if isinstance(item, PartDocument)] == [
        False,
        True,
        False,
        False,
    ]
    assert [first for first, _ in worker.asked] == [1, 3]


def test_nothing_to_read(tmp_path: Path) -> None:
    assert list(read(tmp_path, "From -\nX-Mozilla-Status: 0008\n\ngone\n").items) == [
        Skipped("a.mbox", "no text in it")
    ]
    gone = read_parts(tmp_path, FileStat("gone.mbox", 9, 0), "mbox", None)
    assert list(gone.items) == [Skipped("gone.mbox", "not readable: no longer there")]


def test_what_takes_too_long_together_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeembed.reading.parts._MOST_TIMES", 0)
    monkeypatch.setattr("edgeembed.reading.parts.SECONDS_PER_BYTE", 0)
    with Worker(Limits()) as worker:
        found = list(read(tmp_path, "".join(map(message, map(str, range(100)))), worker).items)
    assert found[-1] == Skipped("a.mbox", "takes too long: more than 0 seconds by the clock")
    assert len(found) == 65


def test_all_as_one_or_one_alone(tmp_path: Path) -> None:
    text = message("a") + message("b") + message("x").replace("Subject", "X-Mozilla-Status: 0008\nSubject")
    assert read(tmp_path, text).joined("p", None).text == "# a\n\nwords\n\n\n\n# b\n\nwords\n\n"  # type: ignore[union-attr]
    assert read(tmp_path, text).joined("p", 2).text == "# b\n\nwords\n\n"  # type: ignore[union-attr]
    for number in (0, 3, 4):
        assert read(tmp_path, text).joined("p", number) == Skipped("p", f"no message {number} in it")
    with Odd(lambda number: number == 2) as worker:
        lost = read(tmp_path, text, worker).joined("p", 2)
    assert lost == Skipped("p", "damaged: the program that reads it crashed")


def test_names_of_parts() -> None:
    assert part_id("Mail/a.mbox", 12) == "Mail/a.mbox/12"
    assert file_of("Mail/a.mbox/12", 12) == "Mail/a.mbox"
    assert file_of("Mail/12", None) == "Mail/12"
    assert [part_number(metadata) for metadata in ({}, {"file.part": 3}, {"file.part": True}, {"file.part": "3"})] == [
        *(None, 3, None, None)
    ]
