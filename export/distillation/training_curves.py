"""Training curves: losses and scores against steps. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .training import read_log

_LOSSES = ("loss", "vector", "relation")


def draw_training(logs: Path | Sequence[Path], out: Path, *, title: str) -> None:
    """Draw losses and scores against steps, side by side.

    Args:
        logs: ``log.jsonl`` of one training, or of several to compare, each then named by its folder.
        out: PNG file to write.
        title: the line above.
    """
    from matplotlib.figure import Figure

    paths = [logs] if isinstance(logs, Path) else list(logs)
    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    losses, scores = figure.subplots(1, 2)
    for path in paths:
        lines = read_log(path)
        name = f"{path.parent.name}: " if paths[1:] else ""
        for key in dict.fromkeys(key for line in lines for key in line if key not in ("step", "seconds")):
            axes = losses if key in _LOSSES else scores
            axes.plot(*_points(lines, key), label=name + key, linewidth=1.4)
    losses.set_yscale("log")
    losses.set_title("losses")
    scores.set_title("scores x 100 on the first development set")
    for axes in (losses, scores):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    figure.suptitle(title)
    figure.savefig(out, metadata={"Software": None})


def _points(lines: Sequence[dict[str, Any]], key: str) -> tuple[list[int], list[float]]:
    points = [(line["step"], line[key]) for line in lines if key in line]
    return [step for step, _ in points], [value for _, value in points]
