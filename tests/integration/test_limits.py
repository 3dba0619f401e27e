"""What a disk, a clock and a file system may do to an index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edgeembed
from edgeembed import Document, EdgeEmbedError, Folder, Index
from tests.support.old_files import write

FULL = """
import resource, signal, sys, edgeembed
from edgeembed.storage import segment_merger, writer
segment_merger.FLUSH_ROWS, writer.COMMIT_CHUNKS, writer.EMBED_CHUNKS = 40, 10, 10
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with edgeembed.Index.open(sys.argv[1], model=sys.argv[2]) as index:
    index.add([edgeembed.Document("first", text="a boat")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    index.add(edgeembed.Document(f"d{i}", text=f"note number {i} " * 20) for i in range(2000))
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [70_000, 150_000, 300_000])
def test_a_full_disk_is_an_error_and_loses_nothing_that_was_there(
    tmp_path: Path, tiny_bundle: Path, limit: int
) -> None:
    """A limit on the size of files stands in for the end of the disk: writes fail in the same places."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "index", tiny_bundle, str(limit)], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith("edgeembed.errors.EdgeEmbedError: "), run.stderr[-2000:]
    assert "make room" in run.stderr
    with Index.open(tmp_path / "index") as index:
        assert index.verify().ok
        held = index.status().documents
        assert 1 <= held < 2001
        index.add(Document(f"d{i}", text=f"note number {i} " * 20) for i in range(2000))
        assert index.status().documents == 2001
        assert index.verify().ok
        assert len(list(index.path.glob("*.usearch*"))) == index.status().segments


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_is_really_full(tmp_path: Path, tiny_bundle: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with Index.open(disk / "index", model=tiny_bundle) as index:
            index.add([Document("first", text="a boat")])
            with pytest.raises((EdgeEmbedError, OSError), match=r"make room|No space"):
                index.add(Document(f"d{i}", text=f"note number {i} " * 20) for i in range(3000))
            assert index.verify().ok
            assert "first" in {hit.id for hit in index.search("boat", k=5000)}
            subprocess.run(["mount", "-o", "remount,size=3m", disk], check=True)  # somebody makes room
            index.remove([hit.id for hit in index.search("note", k=5000) if hit.id != "first"])
            index.compact()
            assert index.verify().ok
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeembed.sync import sync as sync_module

    path = write(tmp_path / "log.txt", "first line\n", mtime_ns=time.time_ns())
    read = sync_module.read_document

    def grow(*args: object, **options: object) -> object:
        document = read(*args, **options)  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write("second line about a tomato\n")
        return document

    with Folder.open(tmp_path, model=tiny_bundle) as folder:
        with monkeypatch.context() as patched:
            patched.setattr(sync_module, "read_document", grow)
            folder.sync()
        assert not folder.plan().is_empty
        folder.sync()
        assert "tomato" in (folder.search("tomato")[0].snippet or "")


def test_a_clock_that_goes_backwards(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    write(tmp_path / "a.txt", "from the future", mtime_ns=now + 10**15)
    with Folder.open(tmp_path, model=tiny_bundle) as folder:
        assert folder.sync().added == 1
        monkeypatch.setattr(time, "time_ns", lambda: now - 10**15)
        write(tmp_path / "a.txt", "from a past day", mtime_ns=now - 10**16)
        write(tmp_path / "b.txt", "a boat", mtime_ns=now - 10**15)
        report = folder.sync()
        assert (report.added, report.updated) == (1, 1)
        assert folder.search("past day")[0].snippet == "from a past day"


def test_a_very_deep_tree(tmp_path: Path, tiny_bundle: Path) -> None:
    deep = tmp_path.joinpath("notes", *["deep"] * 300)
    deep.mkdir(parents=True)
    write(deep / "a.txt", "a boat")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        assert folder.sync().added == 1
        assert folder.search("boat")[0].id == "deep/" * 300 + "a.txt"
        assert folder.plan().is_empty


def test_a_name_that_changes_its_case_only(tmp_path: Path, tiny_bundle: Path) -> None:
    write(tmp_path / "Boat.txt", "a boat")
    with Folder.open(tmp_path, model=tiny_bundle) as folder:
        folder.sync()
        (tmp_path / "Boat.txt").rename(tmp_path / "boat.TXT")
        report = folder.sync()
        assert (report.added, report.removed, report.embedded) == (1, 1, 0)
        assert [hit.id for hit in folder.search("boat")] == ["boat.TXT"]


def test_a_folder_that_was_moved_while_it_is_open(tmp_path: Path, tiny_bundle: Path) -> None:
    write(tmp_path / "notes" / "a.txt", "a boat")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        folder.sync()
        (tmp_path / "notes").rename(tmp_path / "moved")
        with pytest.raises((EdgeEmbedError, FileNotFoundError)):
            folder.sync()
        with pytest.raises(edgeembed.IndexNotFoundError, match="removed or moved"):
            folder.search("boat")
    with Folder.open(tmp_path / "moved") as folder:
        assert folder.plan().is_empty
        assert folder.search("boat")
        assert folder.index.verify().ok


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_folder_that_cannot_be_written(tmp_path: Path, tiny_bundle: Path) -> None:
    notes = write(tmp_path / "notes" / "a.txt", "a boat").parent
    code = (
        "import os, sys, edgeembed, filelock, edgeembed.index\n"
        "model = edgeembed.Embedder.load(sys.argv[2])\n"
        "if os.geteuid() == 0:\n    os.setgid(65534); os.setuid(65534)\n"
        "try:\n    edgeembed.Index.open(sys.argv[1], model=model).add([edgeembed.Document('x', text='x')])\n"
        "except (edgeembed.EdgeEmbedError, OSError) as error: print(type(error).__name__, error)\n"
    )
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        place = folder.index.path
    for path in (*place.iterdir(), place, notes):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() == "root" and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    run = subprocess.run([sys.executable, "-c", code, place, tiny_bundle], capture_output=True, text=True)
    assert "Traceback" not in run.stderr, run.stderr
    assert "ermission denied" in run.stdout or "check that you may write" in run.stdout
    for path in (notes, place):
        path.chmod(0o755)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """The folder as on a CD: root may write whatever the permissions say, and needs a mount."""
    if os.geteuid() == 0:
        if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    before = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    try:
        if os.geteuid() != 0:
            for path in before:
                path.chmod(before[path] & 0o555)
        yield
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", folder], check=True)
        else:
            for path, mode in before.items():
                path.chmod(mode)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
@pytest.mark.parametrize("shipped", [False, True])
def test_a_medium_that_cannot_be_written_is_searched_as_it_is(tmp_path: Path, tiny_bundle: Path, shipped: bool) -> None:
    notes = write(tmp_path / "notes" / "a.txt", "a boat").parent
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        folder.index.compact(for_shipping=shipped)
    write(notes / "b.txt", "a boat")
    main = "from edgeembed.cli.main import main; main()"
    model = ("--model", tiny_bundle)  # a shipped index does not know where it is
    with unwritable(notes):
        for words in (("search", "boat", notes), ("similar", notes / "a.txt", notes, "--min-score", "0")):
            run = subprocess.run([sys.executable, "-c", main, *words, *model], capture_output=True, text=True)
            assert "searching what is there, which is not brought up to date" in run.stderr
            assert "Traceback" not in run.stderr
            assert "b.txt" not in run.stdout
            assert (run.returncode, "a.txt" in run.stdout) == ((0, True) if words[0] == "search" else (1, False))
        with pytest.raises(edgeembed.IndexNotWritableError, match=r"check that you may write there.*read_only=True"):
            Folder.open(notes)
        with Folder.open(notes, read_only=True) as folder:
            assert [stat.path for stat in folder.plan().new] == [*(["a.txt"] if shipped else []), "b.txt"]


@pytest.mark.skipif("EDGEEMBED_LARGE" not in os.environ, reason="takes a minute; set EDGEEMBED_LARGE=1")
def test_a_hundred_thousand_files_in_a_folder(tmp_path: Path, tiny_bundle: Path) -> None:
    for i in range(100_000):
        write(tmp_path / f"{i}.txt", f"note {i}")
    with Folder.open(tmp_path, model=tiny_bundle) as folder:
        assert folder.sync().added == 100_000
        start = time.perf_counter()
        assert folder.plan().is_empty
        print(f"plan: {time.perf_counter() - start:.2f} s")
        (tmp_path / "77.txt").unlink()
        assert folder.sync().removed == 1
    shutil.rmtree(tmp_path)
