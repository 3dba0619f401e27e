"""How many alterations of a bundle `check` finds: ``python -m tests.benchmarks.altered BUNDLE…``.

Each weight matrix times 1.02, other limits of tokens, prefixes, means, tokenizers; all hashes are made right again. Of
what is not found it is measured whether it changes any answer at all.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.bundle.manifest import GOLDEN_NAME
from edgeembed.embedder import Embedder
from edgeembed.errors import BundleError
from edgeembed.maintenance.check_bundle import check, cosines, embed_golden
from tests.support.altered import altered_facts, altered_matrices, altered_tokenizers, resealed


def departs(bundle: Bundle) -> bool:
    """Whether a check finds something, or cannot even be done."""
    try:
        return not all(stage.ok for stage in check(bundle))
    except BundleError:
        return True


def moved(before: Bundle, after: Bundle) -> float:
    """Largest 1 - cosine between what two bundles make of the golden inputs of the first."""
    with np.load(before.file(GOLDEN_NAME)) as archive:
        golden = dict(archive)
    kinds = [kind for kind in ("text", "image") if getattr(before.manifest, kind) is not None]
    with Embedder(before) as one, Embedder(after) as other:
        return max(
            float((1 - cosines(embed_golden(one, golden, kind), embed_golden(other, golden, kind))).max())
            for kind in kinds
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", help="folders, or names of shipped bundles")
    print(
        "| bundle | weight matrices | limits, prefixes, means | tokenizers | not found: largest change of an answer |"
    )
    print("|---|---|---|---|---|")
    for name in parser.parse_args().bundles:
        bundle = read_bundle(name)
        if departs(bundle):
            raise SystemExit(f"{name} does not stand its own test")
        cells, missed = [], []
        alterations: list[Iterator[tuple[str, dict[str, Any]]]] = [
            ((what, {"files": files}) for what, files in altered_matrices(bundle)),
            altered_facts(bundle),
            ((what, {"files": files}) for what, files in altered_tokenizers(bundle)),
        ]
        with tempfile.TemporaryDirectory() as folder:
            for kind in alterations:
                tried = found = 0
                for what, changes in kind:
                    other = resealed(bundle, Path(folder, "altered"), **changes)
                    tried += 1
                    if departs(other):
                        found += 1
                    else:
                        missed.append(f"{what} {moved(bundle, other):.0e}")
                cells.append(f"{found} of {tried}" if tried else "")
        print(f"| {Path(name).name} | {' | '.join(cells)} | {', '.join(missed)} |", flush=True)


if __name__ == "__main__":
    main()
