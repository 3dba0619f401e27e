"""Quality against speed, as a figure: ``python -m tests.benchmarks.tiers TEACHER --speeds FILE --data DIR --out PNG``.

Speeds are those that ``tests.benchmarks.embedding --json FILE`` measured. The quality of edgeembed's bundles is what
their manifests state; that of peers is measured here on the sets in DIR, and kept in FILE for the next time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import edgeembed.bundle

from .encoders import PEERS, Peer

Scores = Mapping[str, Mapping[str, float]]
RETRIEVAL = ("cisi", "cranfield", "lisa")
_EXACT = "float32"
"""Peers that compute the teacher in float32 have the teacher's scores, which the default bundle's manifest states."""


def quality(scores: Scores) -> float:
    """Mean nDCG@10, times 100."""
    return statistics.mean(scores[name]["ndcg@10"] for name in RETRIEVAL)


def scores_of(peer: Peer, teacher: Path, made: Path, data: Path) -> Scores:
    """Of a bundle as its manifest states them; of another peer as measured."""
    default = edgeembed.bundle.bundle.read_bundle().manifest
    if peer.tier:
        return edgeembed.bundle.bundle.read_bundle(peer.name.removeprefix("edgeembed ")).manifest.quality["scores"]
    if _EXACT in peer.name or peer.name == "fastembed":
        return default.quality["source_scores"]
    from edgeembed_export.evaluation.evaluate import evaluate

    embed, batch = peer.load(teacher, made), peer.batches[-1]

    def vectors(texts: Sequence[str], role: str) -> Any:
        found = embed(texts, batch)
        rows = np.asarray(found.float() if hasattr(found, "float") else found, np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    return evaluate(vectors, data / "eval" if (data / "eval").is_dir() else data)


def draw(points: Mapping[str, tuple[float, float]], out: Path, *, own: Sequence[str]) -> None:
    """Name to tokens a second and quality; names in ``own`` stand out."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5.4), layout="constrained")
    for number, (name, (speed, score)) in enumerate(sorted(points.items(), key=lambda item: item[1])):
        ours = name in own
        below = number % 2 == 0  # peers of one teacher lie in a row: their names go down and up by turns
        axes.scatter(speed, score, s=90 if ours else 50, color="#117733" if ours else "#8890A0", zorder=3)
        label = name.removeprefix("edgeembed ").replace("sentence-transformers", "s-t")
        axes.annotate(
            label,
            (speed, score),
            xytext=(7, 5) if ours else (0, -8 if below else 8),
            textcoords="offset points",
            rotation=0 if ours else 35,
            ha="left" if ours or not below else "right",
            va="bottom" if ours or not below else "top",
            fontsize=9,
            fontweight="bold" if ours else "normal",
            color="#117733" if ours else "#30343B",
        )
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.15)
    axes.set_xlabel("tokens a second, texts of 120 tokens (more is better)")
    axes.set_ylabel("mean nDCG@10 x 100 of Cranfield, CISI and LISA")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Measure what is not known yet, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--speeds", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--made", type=Path, help="folder for files made of the teacher")
    options = parser.parse_args()
    measured = json.loads(options.speeds.read_text(encoding="utf-8"))
    kept: dict[str, Scores] = measured.setdefault("scores", {})
    points = {}
    with tempfile.TemporaryDirectory() as scratch:
        made = options.made or Path(scratch)
        for peer in PEERS:
            if peer.name not in measured["results"] or peer.name == "tokenizer alone":
                continue
            if peer.tier or peer.name not in kept:
                kept[peer.name] = scores_of(peer, options.teacher, made, options.data)
                options.speeds.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
            speed = statistics.median(measured["results"][peer.name]["tokens_per_second"]["middle"])
            points[peer.name] = (speed, quality(kept[peer.name]))
            print(f"{peer.name:40} {speed:12,.0f} tokens/s {points[peer.name][1]:6.2f}", flush=True)
    draw(points, options.out, own=[peer.name for peer in PEERS if peer.tier])


if __name__ == "__main__":
    main()
