"""The syntax of ignore files: which lines are rules, which files can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.sync.ignore_syntax import byte_text, parse_line, read_lines


@pytest.mark.parametrize("line", ["", "   ", "# a comment", "!", "/", "!/", "\r", "#"])
def test_lines_that_are_no_rule(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "ignore", "folders_only"),
    [
        ("*.log", True, False),
        ("!keep.log", False, False),
        ("build/", True, True),
        ("!build/", False, True),
        ("name  \r", True, False),
        ("\\#not a comment", True, False),
        ("\\!not a negation", True, False),
        ("ends in a space\\ ", True, False),
        ("ends in a tab\t", True, False),
    ],
)
def test_negation_and_folders(line: str, ignore: bool, folders_only: bool) -> None:
    rule = parse_line(line)
    assert rule is not None
    assert (rule.ignore, rule.folders_only) == (ignore, folders_only)


@pytest.mark.parametrize("line", ["a*" * 3000, "[[:letters:]]*"])
def test_a_rule_that_cannot_be_used_says_so(line: str) -> None:
    with pytest.raises(ValueError, match=r"longer than 4096 characters|no class of characters"):
        parse_line(line)


def test_lines_of_a_file_keep_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / ".gitignore"
    file.write_bytes(b"\xef\xbb\xbffirst\ncaf\xe9\n")
    assert read_lines(file) == ["first", "caf\xe9", ""]
    assert byte_text("caf\udce9") == "caf\xe9"
    assert byte_text("é") == "Ã©"


@pytest.mark.parametrize(
    ("data", "reason"), [("a\n".encode("utf-16"), "not UTF-8"), (b"#" * ((1 << 20) + 1), "larger than 1 MiB")]
)
def test_a_file_that_is_no_ignore_file(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / ".gitignore").write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read_lines(tmp_path / ".gitignore")
