"""An index that somebody else made: refused before anything believes what it says."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import edgeembed
from edgeembed import Document, Folder, Index, IndexCorruptError
from edgeembed.catalog.checksums import checksum_sql, register
from edgeembed.catalog.database import CATALOG_NAME
from edgeembed.segments.hash_cache import HashCache
from edgeembed.storage import segment_merger, writer


@pytest.fixture
def place(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(segment_merger, "FLUSH_ROWS", 20)
    monkeypatch.setattr(writer, "COMMIT_CHUNKS", 10)
    monkeypatch.setattr(writer, "EMBED_CHUNKS", 10)
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add(Document(f"d{i}", text=f"a boat and number {i}") for i in range(30))
    return tmp_path / "index"


def craft(place: Path, table: str, sql: str, *values: object) -> None:
    """Change the catalog and seal the rows of ``table`` again, as one who knows how would."""
    db = sqlite3.connect(place / CATALOG_NAME)
    register(db)
    db.execute(sql, values)
    if table:
        db.execute(f"UPDATE {table} SET checksum = {checksum_sql(table)}")
    db.commit()
    db.close()


def model(place: Path, **facts: object) -> None:
    db = sqlite3.connect(place / CATALOG_NAME)
    before = json.loads(db.execute("SELECT value FROM settings WHERE name = 'model'").fetchone()[0])
    db.close()
    craft(place, "settings", "UPDATE settings SET value = ? WHERE name = 'model'", json.dumps({**before, **facts}))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a path that leaves the folder": (
        lambda p: craft(p, "segments", "UPDATE segments SET file = '../../../etc/passwd'"),
        "no name of one",
    ),
    "an absolute path": (lambda p: craft(p, "segments", "UPDATE segments SET file = '/etc/passwd'"), "no name of one"),
    "more rows than the file": (
        lambda p: craft(p, "segments", "UPDATE segments SET rows = 1000000, last_key = 2000000"),
        "size or header differ",
    ),
    "numbers that are texts": (lambda p: craft(p, "segments", "UPDATE segments SET rows = 'many'"), "entry is invalid"),
    "negative rows": (lambda p: craft(p, "segments", "UPDATE segments SET rows = -1"), "entry is invalid"),
    "a huge size": (lambda p: craft(p, "segments", "UPDATE segments SET size_bytes = 1 << 62"), "entry is invalid"),
    "another dimension": (lambda p: model(p, dim=1 << 40), "model record is invalid"),
    "a dimension that is no number": (lambda p: model(p, dim="16"), "model record is invalid"),
    "a dimension that is too large": (lambda p: model(p, dim=17), r"differ|not 17|cannot be|made with"),
    "a model on another machine": (lambda p: model(p, location="\\\\host\\share\\model"), "another machine"),
    "a model with unknown facts": (lambda p: model(p, code="x"), "does not say which model"),
    "no model": (lambda p: craft(p, "", "DELETE FROM settings WHERE name = 'model'"), "does not say which model"),
    "a trigger": (
        lambda p: craft(p, "", "CREATE TRIGGER t AFTER INSERT ON documents BEGIN DELETE FROM contents; END"),
        "tables are not those",
    ),
    "a view": (
        lambda p: craft(p, "", "CREATE VIEW v AS SELECT * FROM documents"),
        "tables are not those",
    ),
    "a fresh vector of another length": (
        lambda p: craft(p, "", "UPDATE unsegmented SET vector = zeroblob(1000000)"),
        "length of a vector",
    ),
    "metadata nested without end": (
        lambda p: craft(p, "documents", "UPDATE documents SET metadata = ?", '{"a":' * 100_000 + "1" + "}" * 100_000),
        "contains invalid data|malformed",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_crafted_index_is_refused(place: Path, tiny_bundle: Path, name: str) -> None:
    craft_it, message = HOSTILE[name]
    craft_it(place)
    with (
        pytest.raises((IndexCorruptError, edgeembed.ModelMismatchError), match=message),
        Index.open(place, model=tiny_bundle) as index,
    ):
        index.search("boat", k=100)


def test_a_crafted_segment_with_honest_checksums_is_still_measured_first(place: Path) -> None:
    """The header says more rows than the file holds; SHA-256 and size in the catalog fit the crafted file."""
    from edgeembed.system.files import file_sha256

    (file,) = place.glob("*.usearch")
    raw = bytearray(file.read_bytes())
    raw[0:4] = (2**31 - 1).to_bytes(4, "little")
    file.unlink()
    file.write_bytes(raw)
    craft(
        place,
        "segments",
        "UPDATE segments SET rows = ?, last_key = ?, sha256 = ?",
        2**31 - 1,
        2**32,
        file_sha256(file),
    )
    with pytest.raises(IndexCorruptError, match="holds fewer"), Index.open(place) as index:
        index.search("boat")


@pytest.mark.parametrize("name", [CATALOG_NAME, f"{CATALOG_NAME}-wal", "lock", "writer", "segment", "notes.txt"])
def test_links_are_not_followed(place: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    file = next(place.glob("*.usearch")) if name == "segment" else place / name
    victim.write_bytes(file.read_bytes() if file.exists() else b"private")
    before = victim.read_bytes()
    file.unlink(missing_ok=True)
    file.symlink_to(victim)
    for read_only in (True, False):
        with pytest.raises(IndexCorruptError, match=r"is a link.*remove it"):
            Index.open(place, read_only=read_only)
    assert victim.read_bytes() == before


def test_an_index_that_is_a_link_is_not_followed(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / ".edgeembed").symlink_to(tmp_path / "private")
    with pytest.raises(IndexCorruptError, match=r"is a link.*--index"):
        Folder.open(tmp_path / "notes", model=tiny_bundle)
    assert list((tmp_path / "private").iterdir()) == []


def test_marks_of_the_index_are_not_written_through_links(tmp_path: Path, tiny_bundle: Path) -> None:
    place = tmp_path / ".edgeembed"
    place.mkdir()
    (place / ".gitignore").symlink_to(tmp_path / "made")
    with pytest.raises(IndexCorruptError, match="is a link"):
        Folder.open(tmp_path, model=tiny_bundle)
    assert not (tmp_path / "made").exists()


def test_a_segment_is_hashed_once_on_a_machine(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeembed.segments import segment as segment_module

    hashed = []
    real = segment_module.file_sha256
    monkeypatch.setattr(segment_module, "file_sha256", lambda path: hashed.append(path.name) or real(path))
    for _ in range(2):
        with Index.open(place) as index:
            index.search("boat")
    assert hashed == []  # this machine wrote it, and hashed it then
    (file,) = place.glob("*.usearch")
    file.write_bytes(file.read_bytes())  # as a copy from elsewhere would be: other times
    for _ in range(2):
        with Index.open(place) as index:
            index.search("boat")
    assert hashed == [file.name]
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with Index.open(place) as index, pytest.raises(IndexCorruptError, match="is damaged: its SHA-256"):
        index.search("boat")


def test_a_damaged_hash_cache_is_an_empty_one(place: Path) -> None:
    hash_cache = HashCache(place, read_only=False)
    for content in (b"", b"[]", b'{"x": ', b"[" * 50_000, b"\xff"):
        hash_cache._path.parent.mkdir(parents=True, exist_ok=True)
        hash_cache._path.write_bytes(content)
        with Index.open(place) as index:
            assert index.search("boat")


def test_garbage_in_the_place_of_each_file_does_not_end_the_process(place: Path, tiny_bundle: Path) -> None:
    code = (
        "import sys, edgeembed\n"
        "try:\n"
        "    with edgeembed.Index.open(sys.argv[1], model=sys.argv[2]) as index: index.search('boat')\n"
        "except edgeembed.EdgeEmbedError as error: print(type(error).__name__)\n"
    )
    for file in list(place.iterdir()):
        if file.name in (CATALOG_NAME,) or file.suffix == ".usearch":
            whole = file.read_bytes()
            file.unlink()
            file.write_bytes(os.urandom(len(whole)))
            run = subprocess.run([sys.executable, "-c", code, place, tiny_bundle], capture_output=True, text=True)
            assert (run.returncode, run.stdout) == (0, "IndexCorruptError\n"), run.stderr
            file.write_bytes(whole)
