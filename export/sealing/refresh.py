"""Refresh a sealed bundle: rewrite its graphs as today's exporter does, without training again.

Weights, reference, tokenizer and metadata stay. The bundle is proved against the float reference that it carries, and
against its own vectors before, from which those of the new graph may differ by rounding only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from edgeembed import Embedder
from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.bundle.manifest import BACKGROUND_NAME, GOLDEN_NAME
from edgeembed.inference.tokenizer import BundleTokenizer
from edgeembed.maintenance.check_bundle import Arrays, check, cosines, golden_files

from ..errors import ExportError
from ..graphs.external_weights import graph_files, whole_files
from ..graphs.fuse import fuse
from .model_card import FILES_TITLE, file_table
from .npz import npz_bytes
from .proof.golden import background_texts, embedded, own_arrays
from .proof.golden_images import background_images
from .proof.self_tolerance import self_tolerance
from .seal import round_for_storage

_CARD = "README.md"
_REMARK = "- Its graph was written anew"
_LEAST_MEDIAN = 1 - 1e-9
"""Least median cosine: half of the ordinary texts keep their vectors to within this; in the others an activation is
rounded the other way."""
_LEAST_MEAN = 1 - 1e-4


def refresh(model: str | Path, out: Path) -> tuple[Bundle, dict[str, float]]:
    """Write ``out``: the bundle ``model`` with its text graph fused, and large weights in files of their own.

    Args:
        model: folder of a bundle, or name of a shipped one.
        out: bundle folder; an earlier bundle there is replaced.

    Returns:
        The bundle, and its cosines to the vectors before, over ordinary texts and images: ``mean``, ``median`` and
        ``least``.

    Raises:
        BundleError: ``model`` is missing or damaged.
        ExportError: its vectors would change by more than rounding.
        FileExistsError: ``out`` exists and is no bundle.
    """
    old = read_bundle(model)
    with tempfile.TemporaryDirectory() as folder:
        contents = whole_files(old) | _graphs(old, Path(folder))
        libraries = {name: version(name) for name in ("edgeembed", "numpy", "onnx", "onnxruntime")}
        manifest = replace(
            old.manifest, exported_with={**old.manifest.exported_with, **libraries}, encoder="", files={}
        )
        draft = write_bundle(Path(folder, "draft"), manifest, contents)
        same, golden = _replay(old, draft, contents)
        _require_rounding(old, same)
        manifest = replace(
            manifest,
            tolerance={**manifest.tolerance, **self_tolerance(draft, golden)},
            quality={**manifest.quality, "cosine_before_refresh": same},
        )
        contents[_CARD] = _card(old, contents, same)
        proved = write_bundle(Path(folder, "proved"), manifest, contents)
        _require_check(proved)
        return write_bundle(out, manifest, contents), same


def _graphs(old: Bundle, scratch: Path) -> dict[str, Path | bytes]:
    """The files of all graphs, rewritten."""
    files: dict[str, Path | bytes] = {}
    if (text := old.manifest.text) is not None:
        fused = scratch / text.graph
        fuse(old.file(text.graph), fused, max_tokens=text.max_tokens)
        files |= graph_files(fused, text.graph, scratch)
    if (image := old.manifest.image) is not None:
        files |= graph_files(old.file(image.graph), image.graph, scratch)
    return files


def _replay(old: Bundle, draft: Bundle, contents: dict[str, Path | bytes]) -> tuple[dict[str, float], Arrays]:
    """Put the vectors of the new graphs into ``contents``; their cosines to those of the old graphs, golden data."""
    golden, background = _arrays(old, GOLDEN_NAME), _arrays(old, BACKGROUND_NAME)
    similarities = []
    with Embedder(old) as before, Embedder(draft) as after:
        for kind, section in (("text", old.manifest.text), ("image", old.manifest.image)):
            if section is None:
                continue
            is_text = kind == "text"
            ordinary = background_texts() if is_text else background_images()
            golden[f"{kind}_self"] = embedded(
                after, kind, golden["texts"].tolist() if is_text else golden_files(golden)
            )
            if is_text:
                golden |= _own_arrays(after, golden)
            vectors = embedded(after, kind, ordinary)
            similarities.append(cosines(vectors, embedded(before, kind, ordinary)))
            if background[kind].shape == vectors.shape:  # of the project's own inputs, as all that it ships
                background[kind] = round_for_storage(vectors)
    contents[GOLDEN_NAME], contents[BACKGROUND_NAME] = npz_bytes(golden), npz_bytes(background)
    every = np.concatenate(similarities)
    figures = {"mean": every.mean(), "median": np.median(every), "least": every.min()}
    return {name: round(min(float(value), 1.0), 9) for name, value in figures.items()}, golden


def renew_proof(model: str | Path, out: Path) -> Bundle:
    """Write ``out``: the bundle ``model`` with golden data and self-tolerance as today's exporter makes them.

    Only ``golden.npz`` and the manifest change. Vectors of golden inputs that are there stay as they are; what needs no
    float model is added (single words, vocabulary, limit of tokens), and the tolerance is measured anew.

    Args:
        model: folder of a bundle, or name of a shipped one.
        out: bundle folder; an earlier bundle there is replaced.

    Raises:
        BundleError: ``model`` is missing or damaged.
        ExportError: it does not stand its test, before or afterwards.
        FileExistsError: ``out`` exists and is no bundle.
    """
    old = read_bundle(model)
    _require_check(old)
    contents: dict[str, Path | bytes] = {name: old.file(name) for name in old.manifest.files}
    golden = _arrays(old, GOLDEN_NAME)
    if old.manifest.text is not None:
        with Embedder(old) as embedder:
            golden |= _own_arrays(embedder, golden)
    contents[GOLDEN_NAME] = npz_bytes(golden)
    manifest = replace(old.manifest, tolerance={**old.manifest.tolerance, **self_tolerance(old, golden)})
    with tempfile.TemporaryDirectory() as folder:
        _require_check(write_bundle(Path(folder, "proved"), manifest, contents))
    return write_bundle(out, manifest, contents)


def _require_check(bundle: Bundle) -> None:
    faults = [f"{stage.stage}: {stage.worst:.3g}" for stage in check(bundle) if not stage.ok]
    if faults:
        name = bundle.manifest.name
        raise ExportError(f"{name} does not stand its test, and is not written: {'; '.join(faults)}")


def _own_arrays(embedder: Embedder, golden: Arrays) -> Arrays:
    """Golden data for text that need no float model."""
    tokenizer = BundleTokenizer(embedder.bundle)
    return own_arrays(
        embedder,
        longest=int(golden["token_counts"].max()),
        token_ids=lambda texts: [ids.tolist() for ids, _ in tokenizer.encode(texts, role="document")],
    )


def _arrays(bundle: Bundle, name: str) -> Arrays:
    with np.load(bundle.file(name)) as archive:
        return dict(archive)


def _require_rounding(old: Bundle, same: Mapping[str, float]) -> None:
    if same["median"] < _LEAST_MEDIAN or same["mean"] < _LEAST_MEAN:
        raise ExportError(f"{old.manifest.name} would give other vectors, and is not written: cosines {dict(same)}")


def _card(old: Bundle, contents: Mapping[str, Path | bytes], same: Mapping[str, float]) -> bytes:
    """The old card, which may say more than the manifest, with new sizes and a remark on the refresh."""
    head, *sections = old.file(_CARD).read_text(encoding="utf-8").split("\n\n## ")
    lines = [line for line in head.split("\n") if not line.startswith(_REMARK)]
    lines.append(
        f"{_REMARK} after it was sealed (`edgeembed-export refresh`): the same weights, and over ordinary inputs a "
        f"cosine of {same['mean']:.6f} on average, at least {same['least']:.4f}, to the vectors before, with which the "
        "scores were measured."
    )
    title = FILES_TITLE.removeprefix("## ")
    files = file_table({name: content for name, content in contents.items() if name != _CARD}).removeprefix("## ")
    return "\n\n## ".join(
        ["\n".join(lines), *(files if section.startswith(title) else section for section in sections)]
    ).encode()
