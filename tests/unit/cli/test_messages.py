"""What commands say on stderr, and JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeembed.cli import messages
from edgeembed.reading.entries import EMPTIED, IMAGE_LEFT_OUT, Skipped
from edgeembed.sync.report import SyncReport

ARCHIVE = "not text: an archive (archives are not opened)"


def report(*skipped: Skipped, added: int = 0, removed: int = 0, unchanged: int = 0) -> SyncReport:
    return SyncReport(added, 0, removed, unchanged, skipped, added, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, Grüße 🙂", "plain, Grüße 🙂"),
        ("two\nlines\tand \x1b[31mred", "two\\nlines\\tand \\x1b[31mred"),
        ("caf\udce9", "caf\udce9"),  # written as the byte that it is
        ("\u202eturned around", "\\u202eturned around"),
        ("\u2066a\u2069 b\u2028c\u0085d", "\\u2066a\\u2069 b\\u2028c\\x85d"),
        ("می\u200cخواهم, क्\u200dष, 東京\u3000駅, 1\u202f000\u00a0€, Sil\u00adbe", None),
        ("עברית.txt \u200f", None),
        ("cut \ud83d off", "cut \\ud83d off"),
    ],
)
def test_no_text_can_break_a_line_or_steer_a_terminal(text: str, expected: str | None) -> None:
    assert messages.printable(text) == (text if expected is None else expected)


def test_half_a_character_of_a_text_is_shown_as_such() -> None:
    assert messages.printable_text("cut \ud83d off, \udce9\x1b") == "cut \ufffd off, \ufffd\\x1b"


def test_json_is_one_line_and_refuses_what_it_cannot_say(capsys: pytest.CaptureFixture[str]) -> None:
    messages.echo_json({"path": Path("a/b"), "text": "two\nlines, ü"})
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "ü" in line
    assert json.loads(line) == {"path": str(Path("a/b")), "text": "two\nlines, ü"}
    odd = {"text": "\ud83d x \udce9", "metadata": {"\udfff": ["a\u2028b\x85"]}}
    messages.echo_json(odd)
    line = capsys.readouterr().out
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"text": "\ufffd x \ufffd", "metadata": {"\ufffd": ["a\u2028b\x85"]}}
    with pytest.raises(TypeError, match="bytes cannot be written as JSON"):
        messages.echo_json({"a": b""})


def test_a_report_counts_and_is_silent_if_it_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    messages.report_sync(report(unchanged=3), quiet_if_idle=True)
    assert capsys.readouterr().err == ""
    messages.report_sync(report(unchanged=1), quiet_if_idle=False)
    assert capsys.readouterr().err == "nothing changed; 1 file in the index\n"
    messages.report_sync(report(added=1200, removed=1, unchanged=1), quiet_if_idle=True)
    assert capsys.readouterr().err == "1,200 new, 1 removed; 1,201 files in the index\n"


def test_a_report_groups_what_was_skipped_and_names_packages_once(capsys: pytest.CaptureFixture[str]) -> None:
    needs = "needs edgeembed[documents]: "
    skipped = [
        Skipped("a.zip", ARCHIVE),
        Skipped("b.mp3", "not text: sound or film"),
        Skipped("c.png", IMAGE_LEFT_OUT),
        Skipped("d.pdf", needs + "PDF"),
        Skipped("e.pdf", needs + "PDF"),
        Skipped("f.xlsx", needs + "spreadsheet"),
    ]
    messages.report_sync(report(*skipped, added=1), quiet_if_idle=False)
    assert capsys.readouterr().err.splitlines() == [
        "1 new; 1 file in the index",
        "6 skipped: 1 picture left out: no model for pictures (--image-model), 3 needs edgeembed[documents], "
        "2 not text (`edgeembed status` lists them)",
        "to read 2 PDF and 1 spreadsheet files as well: pip install 'edgeembed[documents]'",
    ]


def test_a_folder_that_was_emptied_is_said_even_if_nothing_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    messages.report_sync(report(Skipped(".", EMPTIED), unchanged=2), quiet_if_idle=True)
    assert "`edgeembed index --rebuild` makes the index anew" in capsys.readouterr().err


def test_of_many_skipped_files_the_first_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [Skipped(f"{number:02}.zip", ARCHIVE) for number in range(9)] + [Skipped("odd\n.bin", "not text")]
    messages.show_skipped(skipped, everything=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  odd\\n.bin: not text"
    assert lines[1:6] == [f"  {number:02}.zip: {ARCHIVE}" for number in range(5)]
    assert lines[6:] == [f"  … and 4 more: {ARCHIVE} (--all lists them)"]
    messages.show_skipped(skipped, everything=True)
    assert len(capsys.readouterr().out.splitlines()) == 10
    messages.show_skipped(skipped[:6], everything=False)  # one more line would say no less
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_a_fault_of_the_build_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = tuple(Skipped(f"{n}.rtf", "this build lacks a module: striprtf") for n in range(3))
    messages.report_sync(SyncReport(1, 0, 0, 0, skipped, 1, False), quiet_if_idle=True)
    assert capsys.readouterr().err.splitlines() == [
        "1 new; 1 file in the index",
        "this build of edgeembed lacks striprtf: 3 files were left out, and will be read once it is there",
    ]


def test_without_a_terminal_there_is_no_progress() -> None:
    with messages.progress_bar() as progress:
        assert progress is None
