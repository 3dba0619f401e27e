"""What a sync would do: files compared with those that the index knows."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from edgeembed import Folder, FolderMismatchError
from edgeembed.catalog import settings
from edgeembed.catalog.checksums import checksum_sql
from edgeembed.sync.plan import plan_sync
from edgeembed.sync.source_folder import check_source_folder, source_folder_setting
from tests.support.old_files import OLD_NS, write


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for name in ("boat", "garden", "fence"):
        write(tmp_path / "notes" / f"{name}.txt", f"a note about the {name}")
    return tmp_path / "notes"


def test_new_changed_removed_and_unchanged_files_are_told_apart(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        plan = folder.plan()
        assert [stat.path for stat in plan.new] == ["boat.txt", "fence.txt", "garden.txt"]
        assert not plan.is_empty
        folder.sync()
        write(notes / "boat.txt", "another text", mtime_ns=OLD_NS + 1)
        write(notes / "letter.txt", "a letter")
        (notes / "fence.txt").unlink()
        plan = folder.plan()
        assert [stat.path for stat in plan.new] == ["letter.txt"]
        assert [stat.path for stat in plan.changed] == ["boat.txt"]
        assert (plan.removed, plan.unchanged, plan.recheck) == (("fence.txt",), 1, ())
        assert folder.plan() == plan  # it changed nothing


def test_a_file_as_young_as_its_reading_is_looked_at_again(notes: Path, tiny_bundle: Path) -> None:
    (notes / "young.txt").write_text("written just now")
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        assert [stat.path for stat in folder.plan().recheck] == ["young.txt"]
        os.utime(notes / "young.txt", ns=(OLD_NS, OLD_NS))
        assert [stat.path for stat in folder.plan().changed] == ["young.txt"]


def test_what_was_skipped_and_did_not_change_is_still_listed(notes: Path, tiny_bundle: Path) -> None:
    (notes / "noise.bin").write_bytes(bytes(range(256)))
    os.utime(notes / "noise.bin", ns=(OLD_NS, OLD_NS))
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        plan = folder.plan()
        assert plan.is_empty
        assert [(item.path, item.reason) for item in plan.skipped] == [("noise.bin", "not text")]


def test_a_setting_for_the_folder_takes_every_name(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    setting = source_folder_setting(odd)
    setting.encode("ascii")
    assert json.loads(setting) == os.fspath(odd.resolve())


@pytest.mark.parametrize(
    ("known", "missing", "knows_folder", "is_refused"),
    [
        (5, 5, True, False),  # a few files are read again sooner than a message
        (10, 5, True, False),
        (10, 6, True, True),
        (10, 9, False, False),  # an older index does not say where its files were
        (10, 10, False, True),
    ],
)
def test_the_index_of_another_folder_is_refused_if_most_files_are_missing(
    tmp_path: Path, known: int, missing: int, knows_folder: bool, is_refused: bool
) -> None:
    for name in ("here", "there", "index"):
        (tmp_path / name).mkdir()
    made_from = (tmp_path / "there").resolve() if knows_folder else None
    arguments = (tmp_path / "here", tmp_path / "index", made_from)
    if is_refused:
        with pytest.raises(FolderMismatchError):
            check_source_folder(*arguments, known=known, missing=missing)
    else:
        check_source_folder(*arguments, known=known, missing=missing)
    check_source_folder(tmp_path / "there", tmp_path / "index", (tmp_path / "there").resolve(), known=10, missing=10)


def replace_with(path: Path, text: str) -> None:
    """Another file in the place of one, of the same size and time."""
    before = path.stat()
    other = write(path.with_name("other"), text, mtime_ns=before.st_mtime_ns)
    assert other.stat().st_size == before.st_size
    other.replace(path)


def test_another_file_of_the_same_size_and_time_is_seen(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        assert folder.plan().is_empty
        replace_with(notes / "boat.txt", "a tale about the harbor"[: len("a note about the boat")])
        assert [stat.path for stat in folder.plan().recheck] == ["boat.txt"]
        assert (folder.sync().updated, folder.sync().updated) == (1, 0)
        # Two files change places: what is known is not embedded again.
        (notes / "fence.txt").rename(notes / "x")
        (notes / "boat.txt").rename(notes / "fence.txt")
        (notes / "x").rename(notes / "boat.txt")
        report = folder.sync()
        assert (report.updated, report.embedded) == (2, 0)
        assert folder.search('"fence"', k=1)[0].id in ("boat.txt", "fence.txt")
        assert folder.index.verify().ok


def test_a_file_changed_in_place_with_its_time_set_back_is_seen(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        write(notes / "boat.txt", "a note about the coat")
        assert folder.sync().updated == 1


def forget(folder: Folder, sql: str) -> None:
    with folder._store.catalog.write() as transaction:
        transaction.connection.execute(sql)
        transaction.connection.execute(f"UPDATE files SET checksum = {checksum_sql('files')}")


def test_what_an_older_edgeembed_did_not_record_is_recorded_without_reading(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        forget(folder, "UPDATE files SET inode = NULL, ctime_ns = NULL")
        plan = folder.plan()
        assert plan.is_empty
        assert [path for path, _ in plan.unstamped] == ["boat.txt", "fence.txt", "garden.txt"]
        folder.sync()
        assert folder.plan().unstamped == ()
        assert folder.index.verify().ok


def test_inodes_that_change_by_themselves_are_passed_over_from_then_on(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        forget(folder, "UPDATE files SET inode = inode + 1")  # as a network drive that is mounted again
        assert len(folder.plan().recheck) == len(folder.plan().renumbered) == 3
        report = folder.sync()
        assert (report.updated, report.embedded) == (0, 0)
        forget(folder, "UPDATE files SET inode = inode + 1")
        assert folder.plan().is_empty
        replace_with(notes / "boat.txt", "a note about the coat")  # which the time of the change tells
        assert folder.sync().updated == 1


def test_with_checksum_everything_is_read(notes: Path, tiny_bundle: Path) -> None:
    with Folder.open(notes, model=tiny_bundle) as folder:
        folder.sync()
        write(notes / "boat.txt", "a note about the coat")
        stat = (notes / "boat.txt").stat()
        forget(folder, f"UPDATE files SET ctime_ns = {stat.st_ctime_ns} WHERE path = 'boat.txt'")
        assert folder.sync().updated == 0
        assert folder.sync(checksum=True).updated == 1


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    root = tmp_path / "nested"
    for name in ("top.txt", "a/one.txt", "a/deep/two.txt", "a0/three.txt", "b/four.txt", "b/deep/five.txt"):
        write(root / name, f"a note about {name}")
    return root


def changed_all(root: Path) -> None:
    for path in root.rglob("*.txt"):
        write(path, "another text", mtime_ns=OLD_NS + 1)


@pytest.mark.parametrize(
    ("below", "deep", "expected"),
    [
        ("", False, ["top.txt"]),
        ("a", False, ["a/one.txt"]),
        ("a", True, ["a/one.txt", "a/deep/two.txt"]),
        (("a", "b"), False, ["a/one.txt", "b/four.txt"]),
        (("b/deep", "a/deep"), True, ["a/deep/two.txt", "b/deep/five.txt"]),
        (("a", "a/deep"), True, ["a/one.txt", "a/deep/two.txt"]),
        (("a", "a/deep"), False, ["a/one.txt", "a/deep/two.txt"]),
        (("", "b/deep"), False, ["top.txt", "b/deep/five.txt"]),
        ((), True, []),
    ],
)
def test_only_some_folders_are_looked_at(
    nested: Path, tiny_bundle: Path, below: str | tuple[str, ...], deep: bool, expected: list[str]
) -> None:
    with Folder.open(nested, model=tiny_bundle) as folder:
        folder.sync()
        changed_all(nested)
        plan = plan_sync(folder.path, folder._store, below=below, deep=deep)
        assert [stat.path for stat in plan.changed] == expected
        assert (plan.new, plan.removed, plan.unchanged) == ((), (), 0)
        assert folder.sync(below=below, deep=deep).updated == len(expected)
        assert len(folder.plan().changed) == 6 - len(expected)


@pytest.mark.parametrize(
    ("below", "deep", "whole"),
    [("", True, True), (("",), True, True), (("", "a"), True, True), ("", False, False), ("a", True, False)],
)
def test_readers_count_as_new_only_where_everything_was_looked_at(
    nested: Path, tiny_bundle: Path, below: str | tuple[str, ...], deep: bool, whole: bool
) -> None:
    with Folder.open(nested, model=tiny_bundle) as folder:
        folder.sync()
        with folder._store.writing() as writer:
            writer.put_setting(settings.READERS_VERSION, "0")
            writer.commit()
        changed_all(nested)
        folder.sync(below=below, deep=deep)
        now = folder._store.read(lambda snapshot: snapshot.setting(settings.READERS_VERSION))
        assert (now != "0") is whole


def test_of_a_folder_that_is_gone_only_its_own_files_are_removed(nested: Path, tiny_bundle: Path) -> None:
    with Folder.open(nested, model=tiny_bundle) as folder:
        folder.sync()
        shutil.rmtree(nested / "a")
        assert plan_sync(folder.path, folder._store, below="a", deep=False).removed == ("a/one.txt",)
        assert folder.sync(below=("a", "a0", "none/at/all")).removed == 2
        assert folder.plan().is_empty


def test_files_for_later_stay_as_they_are(nested: Path, tiny_bundle: Path) -> None:
    with Folder.open(nested, model=tiny_bundle) as folder:
        folder.sync()
        changed_all(nested)
        write(nested / "b/new.txt", "new")
        (nested / "a0/three.txt").unlink()
        later = {"b/new.txt", "top.txt", "a0/three.txt"}
        report = folder.sync(later=later)
        assert (report.added, report.updated, report.removed) == (0, 4, 1)
        report = folder.sync()
        assert (report.added, report.updated, report.removed) == (1, 1, 0)


def test_names_beyond_ascii_are_told_apart_by_folder(tmp_path: Path, tiny_bundle: Path) -> None:
    root = tmp_path / "root"
    for name in ("é/1.txt", "é/日本/2.txt", "é日/3.txt", "日/4.txt"):
        write(root / name, f"a note about {name}")
    with Folder.open(root, model=tiny_bundle) as folder:
        folder.sync()
        changed_all(root)
        assert [f.path for f in plan_sync(folder.path, folder._store, below="é", deep=False).changed] == ["é/1.txt"]
        assert folder.sync(below="é").updated == 2
        assert folder.sync(below=("é日", "日"), deep=False).updated == 2
