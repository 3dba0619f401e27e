"""Tiny seeded image towers: real bundles of a few kilobytes, for tests. Works without torch."""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from edgeembed_export.errors import ExportError
from edgeembed_export.quantization.schemes import FLOAT32
from edgeembed_export.sealing.model_card import card_text
from edgeembed_export.sealing.npz import npz_bytes
from edgeembed_export.sealing.proof.golden import golden_image_arrays
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgeembed import Embedder, Manifest
from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.bundle.manifest import BACKGROUND_NAME, GOLDEN_NAME, ImageSection
from edgeembed.maintenance.check_bundle import check
from tests.support.tiny import tiny_text_bundle

IMAGE_GRAPH = "image.onnx"
_CELL = 8
"""Side in pixels of what the graph averages."""
_MEAN, _STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def tiny_image_bundle(out: Path, *, dim: int = 16, seed: int = 0, size: int = 32) -> Path:
    """Write a small real image bundle: means of cells of 8 x 8 pixels, a random matrix, division by the length.

    Images that look alike get similar vectors. Its space is that of :func:`tests.support.tiny.tiny_text_bundle`
    of equal ``dim`` and ``seed``, though nothing but the name makes them so.

    Args:
        out: bundle folder to write; its preprocessing is CLIP's (shortest side, bicubic, centre crop).
        dim: length of the vectors.
        seed: of the matrix; other seeds are other encoders.
        size: side in pixels of what the graph takes, a multiple of 8.

    Returns:
        ``out``.
    """
    if size % _CELL:
        raise ValueError(f"size must be a multiple of {_CELL}, not {size}")
    section = ImageSection(
        graph=IMAGE_GRAPH,
        height=size,
        width=size,
        resize="shortest-edge",
        resize_to=size,
        crop="center",
        filter="bicubic",
        mean=_MEAN,
        std=_STD,
    )
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((3 * (size // _CELL) ** 2, dim)).astype(np.float32)
    bias = 0.1 * rng.standard_normal(dim).astype(np.float32)  # so that no image gives a vector of length 0
    contents: dict[str, Path | bytes] = {
        IMAGE_GRAPH: _graph(weight, bias, size).SerializeToString(deterministic=True),
        "LICENSE": b"SPDX-License-Identifier: Apache-2.0\n",
    }
    _seal(out, _manifest(out.name, section, dim, seed), contents, _CellReference(weight, bias, section))
    return out


def tiny_two_tower_bundle(out: Path, *, dim: int = 16, seed: int = 0, size: int = 32) -> Path:
    """Write a bundle with a text and an image section, those of the tiny text and image bundles.

    Args, Returns:
        As :func:`tiny_image_bundle`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        text = read_bundle(tiny_text_bundle(Path(scratch, out.name), dim=dim, seed=seed))
        image = read_bundle(tiny_image_bundle(Path(scratch, "image"), dim=dim, seed=seed, size=size))
        contents: dict[str, Path | bytes] = {name: image.file(name) for name in image.manifest.files}
        contents |= {name: text.file(name) for name in text.manifest.files}
        contents |= {name: _merged(text, image, name) for name in (GOLDEN_NAME, BACKGROUND_NAME)}
        versions = {**text.manifest.exported_with, **image.manifest.exported_with}
        manifest = dataclasses.replace(text.manifest, image=image.manifest.image, exported_with=versions)
        write_bundle(out, manifest, contents)
    return out


def _merged(one: Bundle, other: Bundle, name: str) -> bytes:
    arrays: dict[str, npt.NDArray[Any]] = {}
    for bundle in (one, other):
        with np.load(bundle.file(name), allow_pickle=False) as archive:
            arrays |= {key: archive[key] for key in archive.files}
    return npz_bytes(arrays)


def _manifest(name: str, section: ImageSection, dim: int, seed: int) -> Manifest:
    return Manifest(
        name=name,
        version="1",
        dim=dim,
        space=f"tiny@{seed}/{dim}",
        encoder="",
        text=None,
        image=section,
        precision=FLOAT32.precision,
        source={"id": "tiny", "revision": str(seed)},
        license="Apache-2.0",
        training_data=(),
        files={},
        tolerance={**FLOAT32.tolerance, "self": 1 - 1e-9},
        exported_with={library: version(library) for library in ("numpy", "onnx", "pillow")},
    )


def _seal(out: Path, manifest: Manifest, contents: Mapping[str, Path | bytes], reference: _CellReference) -> None:
    files = dict(contents)
    with tempfile.TemporaryDirectory() as scratch:
        draft = write_bundle(Path(scratch, "draft"), manifest, files)
        with Embedder(draft) as embedder:
            files[GOLDEN_NAME] = npz_bytes(golden_image_arrays(_images(), reference, embedder))
            files[BACKGROUND_NAME] = npz_bytes({"image": embedder.embed_images(_ordinary())})
        files["README.md"] = card_text(manifest, files).encode()
        proved = write_bundle(Path(scratch, "proved"), manifest, files)
        wrong = [stage for stage in check(proved) if not stage.ok]
        if wrong:
            raise ExportError(f"{manifest.name} departs from its reference: {wrong}")
    write_bundle(out, manifest, files)


class _CellReference:
    """What the tiny graph computes, in NumPy with double precision, of upright RGB files."""

    def __init__(self, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], section: ImageSection) -> None:
        self._weight, self._bias = weight.astype(np.float64), bias.astype(np.float64)
        self._side = section.width

    def pixels(self, file: bytes) -> npt.NDArray[np.float32]:
        with Image.open(io.BytesIO(file)) as image:
            short = min(image.size)
            size = (self._side * image.width // short, self._side * image.height // short)
            left, top = (size[0] - self._side) // 2, (size[1] - self._side) // 2
            resized = image.resize(size, Image.Resampling.BICUBIC)
            cropped = resized.crop((left, top, left + self._side, top + self._side))
        values = np.asarray(cropped, np.float64) / 255  # (H, W, 3)
        return np.asarray(((values - _MEAN) / _STD).transpose(2, 0, 1), dtype=np.float32)

    def embed_images(self, images: Sequence[bytes]) -> npt.NDArray[np.float32]:
        cells = self._side // _CELL
        rows = []
        for image in images:
            blocks = self.pixels(image).astype(np.float64).reshape(3, cells, _CELL, cells, _CELL)
            value = blocks.mean(axis=(2, 4)).reshape(-1) @ self._weight + self._bias
            rows.append(value / np.linalg.norm(value))
        return np.stack(rows).astype(np.float32)


def _graph(weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], size: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node(
            "AveragePool", ["pixel_values"], ["cells"], kernel_shape=[_CELL, _CELL], strides=[_CELL, _CELL]
        ),  # (B, 3, size / 8, size / 8)
        helper.make_node("Flatten", ["cells"], ["row"]),
        helper.make_node("Gemm", ["row", "weight", "bias"], ["value"]),  # (B, dim)
        helper.make_node("ReduceL2", ["value", "one"], ["length"], keepdims=1),
        helper.make_node("Div", ["value", "length"], ["embedding"]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {"weight": weight, "bias": bias, "one": np.array([1], np.int64)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch_size", 3, size, size])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch_size", weight.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # Written down, not left to the installed onnx: its newest opset may be newer than onnxruntime reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _images() -> list[bytes]:
    """Noise in a few shapes: wide, tall, of odd sides, smaller than the graph takes, of one colour."""
    rng = np.random.default_rng(1)
    shapes = [(48, 64), (77, 41), (33, 33), (5, 9), (1, 1)]
    arrays = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in shapes]
    return [_png(array) for array in [*arrays, np.zeros((40, 40, 3), np.uint8)]]


def _ordinary() -> list[bytes]:
    """Blurred noise: images that have little in common but that they are images."""
    rng = np.random.default_rng(2)
    return [_png(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)) for _ in range(24)]


def _png(values: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()
