"""Built at home, opened elsewhere: read-only, by many processes, without the source files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index, IndexLockedError
from edgeembed.storage import segment_merger, writer
from tests.support.tiny import tiny_text_bundle

TEXTS = [f"help page {i}: how to paint a boat, a fence or a garden shed in {i} days" for i in range(60)]

READER = """
import sys, edgeembed
with edgeembed.Index.open(sys.argv[1], model=sys.argv[2], read_only=True) as index:
    print([hit.id for hit in index.search("paint the boat", k=3)])
"""


POWERLESS = """
import os, sys, edgeembed, edgeembed.index, edgeembed.search.hybrid_search, platformdirs
model = edgeembed.Embedder.load(sys.argv[2])
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
with edgeembed.Index.open(sys.argv[1], model=model, read_only=True) as index:
    print([hit.id for hit in index.search("paint the boat", k=3)])
"""


@pytest.fixture
def place(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 40)
    monkeypatch.setattr(writer, "COMMIT_CHUNKS", 10)
    monkeypatch.setattr(writer, "EMBED_CHUNKS", 10)
    (tmp_path / "help").mkdir()
    for i, text in enumerate(TEXTS):
        (tmp_path / "help" / f"{i}.txt").write_text(text)
    with Folder.open(tmp_path / "help", model=tiny_bundle) as folder:
        folder.sync()
        folder.index.compact(for_shipping=True)
        assert folder.index.verify().ok  # it may go on being used
        return folder.index.path


def times(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.mark.slow
def test_many_processes_search_it_and_nothing_is_written(place: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    shipped = Path(shutil.copytree(place, media / "index"))
    shutil.rmtree(place.parent)
    assert sorted(path.suffix for path in shipped.iterdir() if path.name != "lock") == sorted(
        [".sqlite", ".TAG", "", *[".usearch"] * len(list(shipped.glob("*.usearch")))]
    )
    for path in [*shipped.iterdir(), shipped, media]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    cache = tmp_path / "cache"
    cache.mkdir()
    before = times(tmp_path)
    run = [sys.executable, "-c", READER, shipped, tiny_bundle]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    readers = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(8)]
    answers = {reader.communicate()[0] for reader in readers}
    assert [reader.returncode for reader in readers] == [0] * 8
    assert len(answers) == 1
    assert ".txt" in answers.pop()
    assert times(tmp_path) == before
    for path in (shipped, media):
        path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_eight_processes_that_may_write_nowhere_search_an_ordinary_index(tmp_path: Path, tiny_bundle: Path) -> None:
    """Not made for shipping: closed, and its files and folder made read-only."""
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(Document(f"{i}.txt", text=text) for i, text in enumerate(TEXTS))
    shipped = Path(shutil.copytree(tmp_path / "index", tmp_path / "media" / "index"))
    model = Path(shutil.copytree(tiny_bundle, tmp_path / "media" / "model"))
    for path in [*shipped.iterdir(), *model.iterdir(), shipped, model, shipped.parent]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in (tmp_path, *tmp_path.parents):
        if os.geteuid() == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    before = times(tmp_path)
    run = [sys.executable, "-c", POWERLESS, shipped, model]
    environment = {**os.environ, "XDG_CACHE_HOME": "/nonexistent", "HOME": "/nonexistent"}
    readers = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(8)]
    answers = {reader.communicate()[0] for reader in readers}
    assert [reader.returncode for reader in readers] == [0] * 8
    assert len(answers) == 1
    assert ".txt" in answers.pop()
    assert times(tmp_path) == before
    for path in (shipped, shipped.parent):
        path.chmod(0o755)


def test_nothing_of_this_machine_is_left_in_it(place: Path, tmp_path: Path) -> None:
    raw = b"".join(file.read_bytes() for file in place.iterdir())
    assert os.fsencode(tmp_path) not in raw
    assert str(os.getpid()).encode() not in (raw if b"process" in raw else b"")
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in place.glob("*.sqlite"))
    with Index.open(place, read_only=True) as index:
        status = index.status()
        assert (status.documents, status.skipped) == (60, ())
        assert index._store.read(lambda snapshot: json.loads(snapshot.setting("model") or ""))["location"] is None


def test_it_is_smaller_than_texts_and_vectors(tmp_path: Path) -> None:
    documents = [Document(f"page {i}", text=f"{TEXTS[i % 60]}, and so on until page {i} of 900") for i in range(900)]
    with Index.open(tmp_path / "index", model=tiny_text_bundle(tmp_path / "tiny", dim=384)) as index:
        index.add(documents)
        index.compact(for_shipping=True)
        status = index.status()
    texts = sum(len((document.text or "").encode()) for document in documents)
    assert status.size_bytes < texts + 4 * 384 * status.chunks


def test_it_can_be_written_to_again(place: Path, tiny_bundle: Path) -> None:
    with Index.open(place, model=tiny_bundle) as index:
        index.add([Document("new", text="one page more")])
        assert index.verify().ok
        with Index.open(place, model=tiny_bundle, read_only=True) as reader:
            assert len(reader.search("page", k=100)) == 61


@pytest.mark.slow
def test_not_while_somebody_reads(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as index, Index.open(tmp_path / "index") as other:
        index.add([Document("a", text="a boat")])
        with other._store.catalog.read() as snapshot:
            snapshot.ids()
            with pytest.raises(IndexLockedError):
                index.compact(for_shipping=True)
        assert index.verify().ok


def test_bytes_and_names_are_those_of_any_system(place: Path, tiny_bundle: Path) -> None:
    """SQLite's files are big-endian everywhere, segments little-endian: their header says so in its first bytes."""
    for file in place.glob("*.usearch"):
        header = file.read_bytes()[:8]
        assert int.from_bytes(header[4:], "little") == 16
        assert file.name == file.name.lower()
        assert ":" not in file.name
    with Index.open(place, model=tiny_bundle, read_only=True) as index:
        assert not any("\\" in hit.id for hit in index.search("boat", k=100))
