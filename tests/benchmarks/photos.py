"""How many photos a second go from files on disk to vectors, beside a ViT-B/32 of random weights in float32?

Run ``python -m tests.benchmarks.photos BUNDLE``. The ViT is exported by the same stage; both embed the same files on
the same cores, in turns. Photos are drawn: clouds with grain, saved as a camera saves them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import edgeembed
from edgeembed.inference.image_preprocess import ImagePreprocessor
from edgeembed.system.limits import usable_cores

SIZES = {"1 megapixel": (1152, 864), "0.2 megapixels": (500, 375), "12 megapixels": (4000, 3000)}


def photos(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """JPEG files of quality 85; some 0.25 bytes a pixel, as photographs have."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        total = np.zeros((size[1], size[0], 3), np.float32)
        for cells in (3, 7, 17, 41, 97):
            coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
            total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float32) / cells
        total *= 255 / total.max()
        total += rng.normal(0, 6, total.shape[:2])[..., None]
        paths.append(folder / f"{size[0]}-{number}.jpg")
        Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(paths[-1], quality=85)
    return paths


def random_vit(folder: Path) -> Path:
    """A bundle of a ViT-B/32 with random weights, float32."""
    import torch
    from edgeembed_export.families.registry import FAMILIES
    from edgeembed_export.quantization.schemes import FLOAT32
    from edgeembed_export.sealing.options import EncoderOptions
    from edgeembed_export.sealing.pipeline import make_bundle
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    torch.manual_seed(0)
    source = folder / "vit-b32"
    ViTModel(ViTConfig(patch_size=32, image_size=224)).save_pretrained(source)
    ViTImageProcessor().save_pretrained(source)
    return make_bundle(
        FAMILIES["image"], source, folder / "vit-b32-float32", EncoderOptions(scheme=FLOAT32)
    ).bundle.path


def rates(sides: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Photos a second of each, the median of ``rounds`` in which they take turns."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            found[name].append(count / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in found.items()}


def decode(encoder: ImagePreprocessor, paths: Sequence[Path], threads: int) -> None:
    """Files to pixels, as an embedder does it, and nothing more."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda path: encoder.encode(path, reduced=True), paths))


def main() -> None:
    """Print one line of JSON for each size of photos."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", nargs="?", default="photo-minilm")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        threads = usable_cores()
        tower = stack.enter_context(edgeembed.Embedder.load(given.bundle))
        vit = stack.enter_context(edgeembed.Embedder.load(random_vit(folder)))
        encoder = stack.enter_context(contextlib.closing(ImagePreprocessor(tower.bundle)))
        for name, size in SIZES.items():
            count = given.count if size[0] < 2000 else max(8, given.count // 4)
            paths = photos(folder, size, count)
            tower.embed_images(paths[:4])
            vit.embed_images(paths[:4])
            found = rates(
                {
                    "tower": lambda paths=paths: tower.embed_images(paths, reduced=True),  # type: ignore[misc]
                    "ViT-B/32": lambda paths=paths: vit.embed_images(paths, reduced=True),  # type: ignore[misc]
                    "decoding": lambda paths=paths: decode(encoder, paths, threads),  # type: ignore[misc]
                },
                count,
                given.rounds,
            )
            line = {
                "photos": name,
                "tower per s": round(found["tower"], 1),
                "ViT-B/32 per s": round(found["ViT-B/32"], 1),
                "times": round(found["tower"] / found["ViT-B/32"], 2),
                "share of decoding": round(found["tower"] / found["decoding"], 2),
                "file bytes": round(statistics.mean(path.stat().st_size for path in paths)),
                "threads": threads,
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
