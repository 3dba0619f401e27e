"""Altered bundles: each matrix of a graph times 1.02, other limits, prefixes and tokenizers, under fresh hashes.

What :mod:`edgeembed.maintenance.check_bundle` is held against; needs onnx, not torch.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from edgeembed.bundle.bundle import Bundle, write_bundle
from edgeembed.bundle.manifest import WEIGHTS_SUFFIX

_SCALES = {
    "DynamicQuantizeMatMul": ((1, 2),),
    "MatMulIntegerToFloat": ((1, 3),),
    "DequantizeLinear": ((0, 1),),
    "QLinearConv": ((3, 4),),
    "MatMulNBits": ((1, 2),),
    "GatherBlockQuantized": ((0, 2),),
    "QEmbedLayerNormalization": ((2, 8), (3, 9), (4, 10)),
}
"""Operator to pairs of inputs: quantized weights, and the scales that stand for them."""
FACTOR = 1.02


def matrices(model: onnx.ModelProto) -> list[str]:
    """Names of the tensors that are, or scale, the weight matrices of a graph: tables, products, convolutions."""
    tensors = {item.name: item for item in model.graph.initializer}
    gathered = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    names: dict[str, None] = {}
    for node in model.graph.node:
        for weight, scale in _SCALES.get(node.op_type, ()):
            source = gathered.get(node.input[weight], node.input[weight])
            if source in tensors and len(tensors[source].dims) >= 2 and node.input[scale] in tensors:
                names[node.input[scale]] = None
        for name in node.input:
            tensor = tensors.get(name)
            if tensor is not None and tensor.data_type == TensorProto.FLOAT and _is_matrix(tensor):
                names[name] = None
    return list(names)


def _is_matrix(tensor: TensorProto) -> bool:
    return len(tensor.dims) >= 2 and prod(tensor.dims) > max(tensor.dims)


def scaled(model: onnx.ModelProto, name: str, factor: float = FACTOR) -> bytes:
    """The graph with one tensor multiplied."""
    altered = onnx.ModelProto()
    altered.CopyFrom(model)
    tensor = next(item for item in altered.graph.initializer if item.name == name)
    values = np.float32(factor) * numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))
    return altered.SerializeToString()


def altered_matrices(bundle: Bundle) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each matrix of each graph times 1.02: what was altered, and the new content of the graph's file."""
    for section in (bundle.manifest.text, bundle.manifest.image):
        if section is not None:
            model = onnx.load(bundle.file(section.graph))
            for name in matrices(model):
                yield f"{section.graph}: {name}", {section.graph: scaled(model, name)}


def altered_facts(bundle: Bundle) -> Iterator[tuple[str, dict[str, Any]]]:
    """Other limits, prefixes, means and the like: what was altered, and the changed fields of the manifest."""
    text, image = bundle.manifest.text, bundle.manifest.image
    if text is not None:
        limit, query, document = text.max_tokens, text.query_prefix, text.document_prefix
        for other in (limit - 1, limit + 1, 2 * limit, max(3, limit // 2)):
            yield f"limit {other}", {"text": dataclasses.replace(text, max_tokens=other)}
        for pair in (("find: ", document), (query, "text: "), ("a ", "a "), (document, query), (document, document)):
            if pair != (query, document):
                yield (
                    f"prefixes {pair}",
                    {"text": dataclasses.replace(text, query_prefix=pair[0], document_prefix=pair[1])},
                )
    if image is not None:
        changes: dict[str, Any] = {
            "mean": tuple(FACTOR * value for value in image.mean),
            "std": tuple(FACTOR * value for value in image.std),
            "scale": FACTOR * image.scale,
            "orientation": "none",
            "mode": "BGR" if image.mode == "RGB" else "RGB",
        }
        for name, value in changes.items():
            if value != getattr(image, name):
                yield name, {"image": dataclasses.replace(image, **{name: value})}


def altered_tokenizers(bundle: Bundle) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Two rare tokens swapped, the last merge gone, no normalizer, no special tokens."""
    section = bundle.manifest.text
    if section is None:
        return
    content = bundle.file(section.tokenizer).read_text(encoding="utf-8")
    for change in ("swap", "merges", "normalizer", "post_processor"):
        data = json.loads(content)
        model = data["model"]
        if change == "swap" and isinstance(model["vocab"], dict):
            last = sorted(model["vocab"], key=model["vocab"].get)[-9:]
            model["vocab"][last[0]], model["vocab"][last[4]] = model["vocab"][last[4]], model["vocab"][last[0]]
        elif change == "swap":
            model["vocab"][-9], model["vocab"][-5] = model["vocab"][-5], model["vocab"][-9]
        elif change == "merges":
            if not model.get("merges"):
                continue
            model["merges"].pop()
        elif data[change] is None:
            continue
        else:
            data[change] = None
        yield f"tokenizer: {change}", {section.tokenizer: json.dumps(data, ensure_ascii=False).encode()}


def resealed(bundle: Bundle, out: Path, files: Mapping[str, bytes] | None = None, **manifest: Any) -> Bundle:
    """The bundle with other files or fields of its manifest, all hashes computed anew, in the folder ``out``.

    Args:
        files: name to new content; a graph among them holds its weights, so the file of its old ones is left out.
        manifest: fields of the manifest.
    """
    contents: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files}
    for name in files or ():
        contents.pop(name + WEIGHTS_SUFFIX, None)
    return write_bundle(out, dataclasses.replace(bundle.manifest, **manifest), contents | dict(files or {}))
