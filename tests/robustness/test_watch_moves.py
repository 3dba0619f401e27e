"""Files and folders that come, go and move about in any order: in the end the index holds what is there."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edgeembed import Folder
from edgeembed.sync.plan import SyncPlan
from tests.support.watching import watching

STEPS = 150


class Mover:
    """Changes a folder at random."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.number = 0

    def folders(self) -> list[Path]:
        return [self.root, *(path for path in self._all() if path.is_dir())]

    def files(self) -> list[Path]:
        return [path for path in self._all() if path.is_file()]

    def step(self) -> None:
        """Do one thing, if it can be done."""
        self.number += 1
        deeds: list[tuple[Callable[[Path], object], int]] = [
            (lambda at: (at / f"file{self.number}.txt").write_text(f"text {self.number}"), 30),
            (lambda at: self.random.choice(self.files()).write_text(f"changed {self.number}"), 15),
            (lambda at: self.random.choice(self.files()).unlink(), 10),
            (lambda at: self.random.choice(self.files()).rename(at / f"moved{self.number}.txt"), 10),
            (self._make_deep, 10),
            (lambda at: at.rename(self.random.choice(self.folders()) / f"moved{self.number}"), 10),
            (lambda at: shutil.rmtree(at) if at != self.root and len(self.folders()) > 8 else None, 5),
            (self._replace, 10),
        ]
        deed = self.random.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]
        with suppress(OSError, IndexError):
            deed(self.random.choice(self.folders()))

    def _make_deep(self, at: Path) -> None:
        folder = at / f"new{self.number}" / "x" / "y"
        folder.mkdir(parents=True)
        (folder / f"deep{self.number}.txt").write_text(f"deep {self.number}")

    def _replace(self, at: Path) -> None:
        """Move a folder away, and make another one under its name."""
        if at != self.root:
            at.rename(at.with_name(f"{at.name}+"))
            at.mkdir()
            (at / f"again{self.number}.txt").write_text(f"again {self.number}")

    def _all(self) -> list[Path]:
        return [path for path in sorted(self.root.rglob("*")) if ".edgeembed" not in path.parts]


def plan(root: Path) -> SyncPlan:
    with Folder.open(root, read_only=True) as folder:
        return folder.plan()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_the_index_holds_what_is_there_in_the_end(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "folder"
    for number in range(12):
        (root / f"d{number % 4}").mkdir(parents=True, exist_ok=True)
        (root / f"d{number % 4}/start{number}.txt").write_text(f"start {number}")
    mover = Mover(root, seed)
    with watching(root) as watch:
        watch.until(lambda: watch.batches)
        for _ in range(STEPS):
            mover.step()
            time.sleep(mover.random.choice([0, 0, 0.01, 0.05, 0.3]))
        watch.until(lambda: is_done(plan(root)))
        for number, folder in enumerate(mover.folders()):  # each is watched, whatever became of it
            (folder / f"last{number}.txt").write_text(f"last {number}")
        watch.until(lambda: is_done(plan(root)))
        assert plan(root).unchanged + len(plan(root).recheck) == len(mover.files())


def is_done(plan: SyncPlan) -> bool:
    """Whether nothing is left to do but to look once more at what was read when it was young."""
    return not (plan.new or plan.changed or plan.removed)
