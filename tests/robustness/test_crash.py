"""Deaths and power cuts of the writer: a few here, thousands by ``python -m tests.robustness.crash``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

import edgeembed
from edgeembed.catalog.rows import SegmentInfo
from edgeembed.segments import segment as segment_module
from edgeembed.segments.int8 import Keys, Rows
from edgeembed.storage import segment_merger
from tests.robustness import crash, powercut

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills copies of this process")


@pytest.mark.slow
def test_killed_at_steps_and_moments_the_index_is_whole_and_goes_on(tmp_path: Path, tiny_bundle: Path) -> None:
    tally = crash.run(tmp_path, tiny_bundle, runs=12, every=53)
    killed = {name for name in tally if name.startswith("killed")}
    assert tally["steps in all"] > 300
    assert len(killed) > 4
    assert sum(tally[name] for name in killed) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, "idx"])
def test_a_rebuild_that_is_killed_leaves_the_old_index_or_the_new_one(
    tmp_path: Path, tiny_bundle: Path, name: str | None
) -> None:
    for step in range(1, 60, 4):
        root, place = tmp_path / f"notes-{step}", None if name is None else tmp_path / f"{name}-{step}"
        root.mkdir()
        crash.write_files(root, range(1), 0)
        with edgeembed.Folder.open(root, index=place, model=tiny_bundle) as folder:
            folder.sync()
        if (child := os.fork()) == 0:
            try:
                with crash.Disk(crash.die_at(step)).watched():
                    edgeembed.Folder.rebuild(root, index=place)
            finally:
                os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        with edgeembed.Folder.open(root, index=place) as folder:
            assert folder.plan().is_empty
            assert folder.status().documents == 1
            assert folder.index.verify().ok
        edgeembed.Folder.rebuild(root, index=place)
        hidden = [path.name for path in (*root.iterdir(), *tmp_path.iterdir()) if path.name.startswith(".")]
        assert hidden == ([] if name else [".edgeembed"])
        if not died:
            break
    assert step > 20
    assert not died


@pytest.mark.slow
def test_a_power_cut_after_any_step_leaves_a_whole_index(tmp_path: Path, tiny_bundle: Path) -> None:
    log = powercut.record(_folder(tmp_path), tiny_bundle)
    found = list(powercut.cuts(log))
    assert len(found) > 100
    for number, cut in enumerate(found[::9] + found[-1:]):
        powercut.check(cut, tmp_path / f"cut-{number}", tiny_bundle, log.commits)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["folder not flushed", "file not flushed", "swept too early"])
def test_a_wrong_order_of_flushes_is_caught(
    tmp_path: Path, tiny_bundle: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "folder not flushed":
        monkeypatch.setattr(segment_module, "sync_folder", lambda folder: None)
    elif fault == "file not flushed":
        pass  # left out of the log below
    else:
        replace = segment_merger.SegmentMerger._replace

        def early(
            self: segment_merger.SegmentMerger,
            old: list[SegmentInfo],
            kind: str,
            encoder: int,
            keys: Keys,
            rows: Iterable[Rows],
        ) -> None:
            rows = list(rows)  # before they are gone
            with self._catalog.read() as snapshot:
                named = {facts.file for facts in snapshot.segments()}
            self._segments.collect_garbage(named - {facts.file for facts in old})
            replace(self, old, kind, encoder, keys, rows)

        monkeypatch.setattr(segment_merger.SegmentMerger, "_replace", early)
    log = powercut.record(_folder(tmp_path), tiny_bundle)
    monkeypatch.undo()
    if fault == "file not flushed":
        log.events = [event for event in log.events if event[0] != "flush"]

    def check_all() -> None:
        for number, cut in enumerate(powercut.cuts(log)):
            powercut.check(cut, tmp_path / f"cut-{number}", tiny_bundle, log.commits)

    with pytest.raises((AssertionError, edgeembed.IndexCorruptError)):
        check_all()


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"
