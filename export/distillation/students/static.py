"""A student without a transformer: a vector for each token, their weighted sum, projected to the teacher's space.

As in model2vec (https://github.com/MinishLab/model2vec) a token's vector starts as what the teacher makes of the token
alone, reduced to its principal components, and frequent tokens count less (Arora, Liang and Ma 2017); then all of it
is trained against the teacher's vectors of real texts.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from ...references.text import TorchReference
from ..teacher_vectors import Ids, padded

_SMOOTHING = 1e-3
"""``a`` in ``a / (a + p(token))``, as in the code of Arora et al. 2017."""
_BATCH = 512
_LEVELS = 127


class StaticStudent(torch.nn.Module):
    """The direction of ``sum_i exp(importance[i]) * table[i] @ projection`` over the tokens ``i`` of a text."""

    def __init__(self, rows: int, width: int, dim: int) -> None:
        """All zero; :func:`static_student` makes one that is worth training.

        Args:
            rows: tokens in the vocabulary.
            width: length of a token's vector.
            dim: length of the teacher's vectors.
        """
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(rows, width))
        self.importance = torch.nn.Parameter(torch.zeros(rows))
        self.projection = torch.nn.Parameter(torch.zeros(width, dim))

    def forward(self, ids: Ids) -> torch.Tensor:
        """Token ids of B texts to vectors of length 1, float32 ``(B, dim)``."""
        device = self.table.device
        flat = torch.from_numpy(np.concatenate([np.asarray(row, np.int64) for row in ids])).to(device)
        lengths = np.array([len(row) for row in ids])
        starts = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
        counts = torch.from_numpy(lengths).to(device)
        # The mean rather than the sum only keeps numbers of like size: the length is divided out below.
        weights = self.importance.exp()[flat] / counts.repeat_interleave(counts)
        means = torch.nn.functional.embedding_bag(flat, self.table, starts, mode="sum", per_sample_weights=weights)
        return torch.nn.functional.normalize(means @ self.projection, dim=1)


def static_student(reference: TorchReference, ids: Ids, width: int) -> StaticStudent:
    """A student that has seen no text yet but whose tokens mean what they mean to the teacher.

    Args:
        reference: the teacher.
        ids: token ids of ordinary texts, from which frequencies are counted.
        width: length of a token's vector, at most the teacher's.
    """
    vectors = _token_vectors(reference)  # (rows, dim)
    _, _, directions = torch.linalg.svd(vectors, full_matrices=False)
    projection = directions[:width]
    student = StaticStudent(len(vectors), width, vectors.shape[1])
    counts = np.bincount(np.concatenate([np.asarray(row) for row in ids]), minlength=len(vectors))
    probability = (counts + 1) / (counts.sum() + len(vectors))
    with torch.no_grad():
        student.table.copy_(vectors @ projection.T)
        # Written out in a text the padding token counts for nothing, as it does at the end of one. No real text has it,
        # so training leaves it as it is.
        student.table[reference.tokenizer.pad_token_id] = 0
        student.projection.copy_(projection)
        student.importance.copy_(torch.from_numpy(np.log(_SMOOTHING / (_SMOOTHING + probability))))
    return student


def _token_vectors(reference: TorchReference) -> torch.Tensor:
    """The teacher's vector of each token alone between the special ones, before L2 normalisation, (rows, dim)."""
    model = copy.deepcopy(reference.model)
    rows = int(model.config.vocab_size)
    around = reference.token_ids([""])[0]
    before, after = around[: len(around) // 2], around[len(around) // 2 :]
    vectors = []
    with torch.inference_mode():
        for start in range(0, rows, _BATCH):
            block = [[*before, token, *after] for token in range(start, min(start + _BATCH, rows))]
            input_ids, mask = padded(block)
            vectors.append(model(input_ids=input_ids, attention_mask=mask).last_hidden_state.mean(dim=1))
    return torch.cat(vectors).clone()


def write_static_graph(student: StaticStudent, out: Path, *, pad_id: int) -> None:
    """Write the student as ONNX, its table in int8 with a scale for each row.

    The scale of a row and its importance are one factor. It is 0 for padding, so no attention mask is needed.

    Args:
        student: trained.
        out: file to write; input ``input_ids`` int64 (B, T), output ``embedding`` float32 (B, dim).
        pad_id: token id of padding.
    """
    table = student.table.detach().double().cpu().numpy()
    importance = student.importance.detach().double().cpu().numpy()
    projection = student.projection.detach().float().cpu().numpy()
    # The first principal components are by far the largest, and would leave the others few of the 255 levels.
    spread = np.sqrt(np.sqrt(np.square(table).mean(axis=0)) + 1e-12)  # (width,)
    table, projection = table / spread, (projection * spread[:, None]).astype(np.float32)
    scales = np.maximum(np.abs(table).max(axis=1), 1e-12) / _LEVELS
    factors = (np.exp(importance) * scales).astype(np.float32)
    factors[pad_id] = 0
    constants: dict[str, npt.NDArray[np.generic]] = {
        "table": np.rint(table / scales[:, None]).astype(np.int8),
        "factors": factors,
        "projection": projection,
        "one": np.array([1], np.int64),
        "least": np.array(1e-30, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["stored"]),  # (B, T, width)
        helper.make_node("Cast", ["stored"], ["rows"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["factors", "input_ids"], ["factor"]),  # (B, T)
        helper.make_node("Unsqueeze", ["factor", "one"], ["row_factors"]),  # (B, 1, T)
        helper.make_node("MatMul", ["row_factors", "rows"], ["sums"]),  # (B, 1, width)
        helper.make_node("Squeeze", ["sums", "one"], ["sum"]),  # (B, width)
        helper.make_node("MatMul", ["sum", "projection"], ["projected"]),  # (B, dim)
        helper.make_node("ReduceL2", ["projected", "one"], ["length"], keepdims=1),  # (B, 1)
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["projected", "divisor"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "static",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch_size", projection.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # Written down, not left to the installed onnx: its newest opset may be newer than onnxruntime reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, out)
