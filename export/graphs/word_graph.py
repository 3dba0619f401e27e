"""The graph of a word-vector bundle: rows of a table, their weighted mean, divided by its length.

With the ids ``i`` of a text the vector is the direction of ``sum_i factor[i] * table[i]``; the sum's own divisor, the
number of words, would be lost in the division by the length and is left out. ``factor`` is a word's weight times the
scale of its row: a row is stored as float16 or int8 after division by its largest component. Factor 0 makes unknown
words, and padding, disappear.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import ExportError

_LARGEST = (1 << 31) - 1
"""Bytes of the largest file that Protocol Buffers can hold."""


def write_word_graph(
    out: Path,
    *,
    factors: npt.NDArray[np.float32],
    dim: int,
    dtype: npt.DTypeLike,
    table: Iterable[npt.NDArray[Any]],
) -> None:
    """Write the graph to a file; of the table only a part at a time is in memory.

    Args:
        out: file to write; input ``input_ids`` int64 (B, T), output ``embedding`` float32 (B, dim).
        factors: ``(rows,)``.
        dim: length of the vectors.
        dtype: of the table: float32, float16 or int8.
        table: its rows in consecutive parts ``(n, dim)``.

    Raises:
        ExportError: the graph would be larger than 2 GiB.
    """
    size = len(factors) * dim * np.dtype(dtype).itemsize
    model = _model(factors, dim, cast=np.dtype(dtype) != np.float32).SerializeToString()
    if size + len(model) + 1024 > _LARGEST:
        raise ExportError(
            f"{out.name}: a table of {len(factors)} words would have {size / 1e9:.1f} GB, more than one ONNX file can "
            "hold; give --max-words, or --precision int8"
        )
    data_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    head = TensorProto(name="table", dims=[len(factors), dim], data_type=data_type).SerializeToString()
    # A message may be written in parts, which readers join: so the table, the last of the initializers, can go
    # straight to the file, where serialising the whole model would need it four times over in memory.
    head += _field(TensorProto.RAW_DATA_FIELD_NUMBER, size)
    head = _field(onnx.GraphProto.INITIALIZER_FIELD_NUMBER, len(head) + size) + head
    head = _field(onnx.ModelProto.GRAPH_FIELD_NUMBER, len(head) + size) + head
    with out.open("wb") as file:
        file.write(model + head)
        written = sum(file.write(np.ascontiguousarray(part, dtype).tobytes()) for part in table)
    assert written == size, "the table has as many rows as there are factors"


def _model(factors: npt.NDArray[np.float32], dim: int, *, cast: bool) -> onnx.ModelProto:
    """All but the table."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["stored" if cast else "rows"]),  # (B, T, dim)
        *([helper.make_node("Cast", ["stored"], ["rows"], to=TensorProto.FLOAT)] if cast else []),
        helper.make_node("Gather", ["factors", "input_ids"], ["factor"]),  # (B, T)
        helper.make_node("Unsqueeze", ["factor", "one"], ["row_factors"]),  # (B, 1, T)
        helper.make_node("MatMul", ["row_factors", "rows"], ["sums"]),  # (B, 1, dim)
        helper.make_node("Squeeze", ["sums", "one"], ["sum"]),  # (B, dim)
        helper.make_node("ReduceL2", ["sum", "one"], ["length"], keepdims=1),  # (B, 1)
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["sum", "divisor"], ["embedding"]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "factors": factors,
        "one": np.array([1], np.int64),
        "least": np.array(1e-30, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch_size", dim])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # Written down, not left to the installed onnx: its newest opset may be newer than onnxruntime reads.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _field(number: int, size: int) -> bytes:
    """What stands before a field of ``size`` bytes: its number and its length, as variable-length integers."""
    return _varint(number << 3 | 2) + _varint(size)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
