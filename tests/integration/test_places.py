"""Where an index goes: folders and caches that cannot be written, and folders that a client copies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index, IndexNotWritableError
from edgeembed.storage.index_place import index_place
from tests.support.commands import edge
from tests.support.old_files import write

POWERLESS = """
import os, sys, edgeembed, edgeembed.sync.sync, filelock, platformdirs
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
what, place = sys.argv[1:3]
try:
    opened = (edgeembed.Folder if what == "folder" else edgeembed.Index).open(place, model=sys.argv[3])
    print("opened", opened.index.path if what == "folder" else opened.path)
except edgeembed.EdgeEmbedError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that other users may enter; those of pytest are closed again by each run that begins."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(name="tiny_bundle")
def bundle_for_all(tmp_path: Path, tiny_bundle: Path) -> Path:
    copy = Path(shutil.copytree(tiny_bundle, tmp_path / "bundles" / "tiny"))
    for path in (copy.parent, copy):
        path.chmod(0o755)
    return copy


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write(tmp_path / "notes" / "a.txt", "a note about a boat").parent


def powerless(what: str, place: Path, bundle: Path, **environment: str | None) -> str:
    """What opening says in a process that may not write to any of this."""
    env = {**os.environ, **{name: value for name, value in environment.items() if value is not None}}
    for name in (name for name, value in environment.items() if value is None):
        env.pop(name, None)
    command = [sys.executable, "-c", POWERLESS, what, str(place), str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=bundle)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="users and permissions as on POSIX")
@pytest.mark.parametrize("kind", ["locked", "file", "below a file", "no home", "relative"])
def test_neither_folder_nor_cache_can_be_written(notes: Path, tmp_path: Path, tiny_bundle: Path, kind: str) -> None:
    (tmp_path / "locked").mkdir(mode=0o700)
    (tmp_path / "file").touch()
    cache = {"locked": tmp_path / "locked", "file": tmp_path / "file", "below a file": tmp_path / "file/deep"}.get(kind)
    environment = {"XDG_CACHE_HOME": str(cache) if cache else "here" if kind == "relative" else None}
    if kind == "no home":
        environment["HOME"] = "~"
    said = powerless("folder", notes, tiny_bundle, **environment)
    assert said.startswith("IndexNotWritableError"), said
    assert "name a folder for the index that you may write to: index= (Python), --index (command line)" in said
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir() and path.name != "bundles") == [
        "locked",
        "notes",
    ]


@pytest.mark.skipif(os.name == "nt", reason="users and permissions as on POSIX")
def test_an_index_that_cannot_be_made_says_what_to_pass(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o700)
    for place in (notes / "index", tmp_path / "locked/index", tmp_path / "locked/deep/index", notes / "a.txt/index"):
        said = powerless("index", place, tiny_bundle)
        assert said.startswith(f"IndexNotWritableError {place}: cannot be made"), said
        assert "index=" in said


def test_a_part_of_the_path_that_is_a_file_is_an_error_of_ours(notes: Path, tiny_bundle: Path) -> None:
    with pytest.raises(IndexNotWritableError, match="a part of the path is a file; name a folder"):
        Index.open(notes / "a.txt" / "index", model=tiny_bundle)
    with pytest.raises(NotADirectoryError, match="this is a file"):
        Index.open(notes / "a.txt", model=tiny_bundle)
    run = edge("search", "boat", notes, "--index", notes / "a.txt" / "index", "--model", tiny_bundle)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "name a folder for the index" in run.stderr


def test_a_folder_that_cannot_be_written_and_a_cache_that_is_a_file(
    notes: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    (tmp_path / "cache").touch()
    code = "import os; os.access = lambda path, mode, **_: mode != os.W_OK\nfrom edgeembed.cli.main import main; main()"
    for command in (["search", "boat"], ["index"]):
        run = subprocess.run(
            [sys.executable, "-c", code, *command, notes, "--model", tiny_bundle],
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        )
        assert run.returncode == 2
        assert "cannot be made: a part of the path is a file; name a folder for the index" in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_the_index_of_a_copied_folder_lies_in_the_cache_and_that_is_said_once(
    notes: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    (notes / ".dropbox").touch()
    cache = str(tmp_path / "cache")
    first = edge("search", "boat", notes, "--model", tiny_bundle, "--min-score", "0", XDG_CACHE_HOME=cache)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("is copied to other machines by Dropbox") == 1
    assert cache in first.stderr
    for command in (["search", "boat"], ["status"], ["index"], ["verify"], ["repair"], ["compact"]):
        run = edge(*command, notes, XDG_CACHE_HOME=cache)
        assert run.returncode in (0, 1), run.stderr
        assert "copied" not in run.stderr
    assert sorted(path.name for path in notes.iterdir()) == [".dropbox", "a.txt"]


def test_an_index_that_lies_in_a_copied_folder_already_stays_there(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
    (notes / ".stfolder").mkdir()
    assert index_place(notes) == (notes / ".edgeembed", None, False)
    with Folder.open(notes) as folder:
        assert folder.index.path == notes / ".edgeembed"
        assert folder.sync().unchanged == 1
    assert "copied" not in edge("search", "boat", notes, "--min-score", "0").stderr


def test_a_place_that_is_named_is_taken(notes: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    (notes / ".dropbox").touch()
    with Folder.open(notes, index=notes / "here", model=tiny_bundle) as folder:
        assert folder.index.path == notes / "here"
    with Index.open(notes / "there", model=tiny_bundle) as index:
        index.add([Document("a", text="a boat")])


STRANGER = """
import os, sys, edgeembed, edgeembed.sync.sync, edgeembed.storage.writer, filelock, platformdirs, usearch
from edgeembed.cli.main import cli, main
import edgeembed.folder, edgeembed.storage.index_place, edgeembed.cli.render
os.environ.pop("HOME", None), os.environ.pop("XDG_CACHE_HOME", None)
os.setgid(54321), os.setuid(54321)
main()
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("command", [["index"], ["search", "boat"], ["status"]])
def test_a_user_without_home_is_told_what_to_pass(notes: Path, tiny_bundle: Path, command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", STRANGER, *command, str(notes)], capture_output=True, text=True, cwd=tiny_bundle
    )
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "you have no cache folder (HOME is not set); name a folder for the index" in run.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user")
def test_an_index_that_may_not_be_read_is_not_said_to_be_anothers(
    notes: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle):
        pass
    (tmp_path / "index").chmod(0o755)
    said = powerless("index", tmp_path / "index", tiny_bundle)
    assert said.startswith("IndexNotWritableError"), said
