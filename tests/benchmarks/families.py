"""How exactly the float graph of each family gives its model's vectors: ``python -m tests.benchmarks.families``.

Tiny models with random weights, of every kind of text encoder that is exported, and both towers of CLIP and SigLIP and
the vision models. They have the families' own code, so what goes wrong in a conversion goes wrong here; 1 - cosine by
length of the input, and the fusions that were left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from edgeembed_export.families.detect import load_float

from tests.support.tiny_torch import TEXT_FAMILIES, tiny_text_folder
from tests.support.tiny_towers import tiny_clip_folder, tiny_image_folder, tiny_siglip_folder

_OTHERS: dict[str, Callable[[Path], Path]] = {
    "clip": tiny_clip_folder,
    "siglip": tiny_siglip_folder,
    **{name: partial(tiny_image_folder, family=name) for name in ("vit", "deit", "dinov2")},
}


def rows(name: str, folder: Path, scratch: Path) -> Iterator[str]:
    """Lines of the table for one model."""
    scratch.mkdir()
    for part in load_float(folder, scratch).parts:
        proof = part.float_proof
        assert proof is not None
        figures = ", ".join(f"{value:.0e} ({label})" for label, value in proof.departures.items())
        left_out = "; ".join(f"{key}: {reason}" for key, reason in proof.left_out.items())
        yield f"| {name}, {part.what} | {figures} | {left_out or 'none'} |"


def main() -> None:
    print("| model, inputs | 1 - cosine of the float graph to the model | fusions left out |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for family in TEXT_FAMILIES:
            source = tiny_text_folder(root / family, family, positions=512)
            for line in rows(family, source, root / f"{family}-graphs"):
                print(line, flush=True)
        for name, make in _OTHERS.items():
            for line in rows(name, make(root / name), root / f"{name}-graphs"):
                print(line, flush=True)


if __name__ == "__main__":
    main()
