"""ONNX external data: large weights in a file beside the graph, which the runtime maps into memory.

Weights within the graph are copied at least once when it is opened. Mapped ones are read when they are used, and belong
to all processes together: MiniLM-L6 in int8 opens in 14 instead of 35 milliseconds and takes 16 MB of a process's own
memory instead of 30; what stays are the products' weights, which onnxruntime puts into another order.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgeembed.bundle.bundle import Bundle
from edgeembed.bundle.manifest import WEIGHTS_SUFFIX

if TYPE_CHECKING:
    from onnx import TensorProto

_LEAST = 1 << 16
"""Bytes of a tensor that goes out of the graph; mapping hundreds of small ones takes longer than copying them."""
_PLAIN = ("FLOAT", "DOUBLE", "INT8", "UINT8", "INT32", "INT64")
_ALIGNED = 64
"""Bytes of which the beginning of each tensor is a multiple: what the widest instructions like. Whole pages would make
the photo tower 24 KB larger, and onnxruntime maps from the page that a tensor begins in."""


def graph_files(graph: Path, name: str, scratch: Path) -> dict[str, Path]:
    """The files of a bundle for a graph: ``name``, and if it has large weights ``name`` + ``.data``.

    Args:
        graph: file to read, with or without weights beside it.
        name: of the graph in the bundle.
        scratch: they are written to a new folder in this one.
    """
    import onnx  # commands that show help do without it
    from onnx import TensorProto, external_data_helper

    model = onnx.load(graph)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    files = {name: folder / name}
    large = [(tensor, raw) for tensor in model.graph.initializer if len(raw := _raw(tensor)) >= _LEAST]
    if large:
        files[name + WEIGHTS_SUFFIX] = folder / (name + WEIGHTS_SUFFIX)
        with files[name + WEIGHTS_SUFFIX].open("wb") as out:
            for tensor, raw in large:
                out.write(bytes(-out.tell() % _ALIGNED))
                offset = out.tell()
                out.write(raw)
                plain = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=raw)
                external_data_helper.set_external_data(plain, name + WEIGHTS_SUFFIX, offset, len(raw))
                plain.ClearField("raw_data")
                tensor.CopyFrom(plain)
    files[name].write_bytes(model.SerializeToString(deterministic=True))
    return files


def _raw(tensor: TensorProto) -> bytes:
    """The numbers of a tensor as they would lie in a file; empty where that is not known (packed ones, strings)."""
    from onnx import TensorProto, numpy_helper

    if tensor.HasField("raw_data"):
        return tensor.raw_data
    plain = [getattr(TensorProto, name) for name in _PLAIN]
    return numpy_helper.to_array(tensor).tobytes() if tensor.data_type in plain else b""


def whole_files(bundle: Bundle) -> dict[str, Path | bytes]:
    """The files of a bundle but those of weights, whose graphs are to be replaced."""
    return {name: bundle.file(name) for name in bundle.manifest.files if not name.endswith(WEIGHTS_SUFFIX)}
