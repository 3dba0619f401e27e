"""Git's ignore rules, compared with git itself."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.sync import ignore_rules, ignore_syntax
from edgeembed.sync.walk import walk
from tests.benchmarks.ignore_rules import compare


def found(root: Path) -> set[str]:
    return {entry.path for entry in walk(root) if isinstance(entry, FileStat)}


def problems(root: Path) -> list[Skipped]:
    return [entry for entry in walk(root) if isinstance(entry, Skipped)]


def make(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, and names that POSIX allows")
def test_random_trees_as_git_sees_them(tmp_path: Path) -> None:
    total, different = compare(tmp_path / "repository", random.Random(11), 40)
    assert different == []
    assert total > 400


def test_what_peers_get_wrong(tmp_path: Path) -> None:
    make(tmp_path, **{".gitignore": "*\n!*/\n!*.c\n", "top.c": "", "top.o": "", "deep/er/in.c": "", "deep/er/in.o": ""})
    assert found(tmp_path) == {"top.c", "deep/er/in.c"}
    make(tmp_path, **{".gitignore": "deep/**\n!deep/er/\n!deep/er/in.o\n"})
    assert found(tmp_path) == {"top.c", "top.o", "deep/er/in.o"}


def test_an_ignored_folder_is_not_entered(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{".gitignore": "out/\n!out/keep.txt\n", "out/keep.txt": "", "out/.gitignore": "!keep.txt", "in.txt": ""},
    )
    assert found(tmp_path) == {"in.txt"}


def test_a_rule_for_folders_spares_files_and_links(tmp_path: Path) -> None:
    make(tmp_path, **{".gitignore": "build/\n", "a/build": "", "b/build/x": "", "real.txt": ""})
    assert found(tmp_path) == {"a/build", "real.txt"}


def test_our_own_ignore_file_wins_over_gits(tmp_path: Path) -> None:
    make(tmp_path, **{".gitignore": "*.log\n", ".edgeembedignore": "!keep.log\nsecret.txt\n"})
    make(tmp_path, **{"keep.log": "", "other.log": "", "secret.txt": "", "below/.gitignore": "!secret.txt"})
    make(tmp_path, **{"below/secret.txt": "", "below/keep.log": ""})
    assert found(tmp_path) == {"keep.log", "below/keep.log", "below/secret.txt"}


def test_rules_from_above_stop_at_the_repository(tmp_path: Path) -> None:
    make(
        tmp_path, **{".gitignore": "*.md", "repo/.gitignore": "/notes/*.tmp\n/notes/sub/\n*.bak", "repo/.git/HEAD": ""}
    )
    make(tmp_path, **{"repo/.git/info/exclude": "excluded.txt\n!b.bak"})
    for name in ("a.md", "a.tmp", "sub/x.txt", "deep/a.tmp", "b.bak", "excluded.txt"):
        make(tmp_path, **{f"repo/notes/{name}": ""})
    assert found(tmp_path / "repo" / "notes") == {"a.md", "deep/a.tmp"}
    shutil.rmtree(tmp_path / "repo" / ".git")
    assert "b.bak" in found(tmp_path / "repo" / "notes")


def test_what_is_generated_can_be_brought_back(tmp_path: Path) -> None:
    make(
        tmp_path,
        **{"node_modules/a.js": "", "x/__pycache__/b.txt": "", "Thumbs.db": "", "~$letter.docx": "", "c.txt": ""},
    )
    assert found(tmp_path) == {"c.txt"}
    make(tmp_path, **{".edgeembedignore": "!node_modules/"})
    assert found(tmp_path) == {"c.txt", "node_modules/a.js"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ok.txt\nab[[:letters:]]\n", "ignore rule that cannot be used: line 2"),
        (b"ok.txt\nopen[\n", "ignore rule that cannot be used: line 2"),
        (b"ok.txt\nx*\\\n", "ignore rule that cannot be used: line 2"),
        (b"ok.txt\n" + b"?" * 5000 + b"\n", "ignore rule that cannot be used: line 2"),
        (b"ok.txt\n" + b"a?b\n" * 1500, "ignore rules that are too many: from line 1002"),
    ],
)
def test_a_bad_rule_is_reported_and_the_others_hold(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / ".gitignore").write_bytes(content)
    make(tmp_path, **{"ok.txt": "", "kept.txt": ""})
    assert found(tmp_path) == {"kept.txt"}
    assert problems(tmp_path) == [Skipped(".gitignore", reason)]


def test_an_ignore_file_that_is_no_text(tmp_path: Path) -> None:
    make(tmp_path, **{"a/kept.txt": "", "kept.txt": ""})
    (tmp_path / "a" / ".gitignore").write_bytes("kept.txt\n".encode("utf-16"))
    (tmp_path / ".gitignore").write_bytes(b"#" * (1 << 20) + b"\nkept.txt\n")
    assert found(tmp_path) == {"a/kept.txt", "kept.txt"}
    assert problems(tmp_path) == [
        Skipped(".gitignore", "ignore file larger than 1 MiB"),
        Skipped("a/.gitignore", "ignore file that is not UTF-8"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_rules_that_are_not_utf8_are_bytes(tmp_path: Path) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    make(tmp_path, **{"other.txt": ""})
    assert "other.txt" in found(tmp_path)
    assert len(found(tmp_path)) == 2
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfcaf\xe9.*\r\n")
    assert found(tmp_path) == {"other.txt"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_an_ignore_file_that_is_a_pipe_or_a_link_is_no_ignore_file(tmp_path: Path) -> None:
    make(tmp_path, **{"a.txt": "", "rules": "a.txt"})
    os.mkfifo(tmp_path / ".gitignore")
    (tmp_path / ".edgeembedignore").symlink_to("rules")
    assert found(tmp_path) == {"a.txt", "rules"}


def test_a_hostile_rule_takes_no_exponential_time(tmp_path: Path) -> None:
    make(tmp_path, **{".gitignore": "*a" * 40 + "*b\n", "a" * 200: "", "c": ""})
    start = time.perf_counter()
    assert found(tmp_path) == {"a" * 200, "c"}
    assert time.perf_counter() - start < 5


def test_case_is_folded_where_file_systems_fold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, **{".gitignore": "*.LOG\nDocs/*.Tmp\nReadme\nX[AB]\nÜb[[:upper:]]\n"})
    make(tmp_path, **{"a.log": "", "docs/b.TMP": "", "README": "", "xa": "", "ÜBr": "", "kept": ""})
    for module in (ignore_rules, ignore_syntax):
        monkeypatch.setattr(module, "FOLDS_CASE", False)
    assert len(found(tmp_path)) == 6
    for module in (ignore_rules, ignore_syntax):
        monkeypatch.setattr(module, "FOLDS_CASE", True)
    assert found(tmp_path) == {"kept"}
