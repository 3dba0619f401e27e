"""Operator fusion, the last step of a graph: the attention mask is removed, attention becomes one operator.

A bundle's graph is run on one document at a time, so where texts are not padded its attention mask is all ones. Then
additions of zeros and products with ones go, and what is left of each attention, a dozen operators that copy tensors
into other orders, is what the standard's ``Attention`` operator (opset 23) computes without copying. Nothing else
changes: vectors are the same up to rounding. MiniLM-L6 in int8 becomes some 12 to 18 % faster by it.

A mask may say more than which tokens are padding: local attention looks no further than its window, which short texts
do not show. So each mask is evaluated at longer lengths too, and :mod:`..sealing.proof.float_graph` has the last word.

Tried on that model and left out, since they made less than 1 % or worse: query, key and value as one product (the cut
into three costs what it saves), onnxruntime's ``MultiHeadAttention`` (5 % slower than ``Attention``),
``SkipLayerNormalization`` (a third slower: its kernel is not vectorised), ``Gelu`` and ``FastGelu`` in place of
``BiasGelu``, the factors of smoothing folded into the values' scales, positions folded into the table of words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from .edit import Graph, Values

_OPSET = 23
"""The first version of the default operators that has ``Attention``; onnxruntime 1.23 is the first to know it.

No operator that is in our graphs changed its meaning since 18, the version that they are exported in.
"""
_LENGTHS = (5, 9)
"""Text lengths, in tokens, for which all tensors around a mask are evaluated."""
_LONGER = (70, 300, 2048)
"""Lengths for which the mask itself is evaluated besides, and the limit where that is less: beyond the usual windows.
The largest needs 16 MB for each tensor of pairs of tokens."""
_MASK = "attention_mask"


@dataclass
class Fusions:
    """What was fused in a graph, by names that its quantized forms have too."""

    applied: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """What short texts would allow, and why it would change vectors."""


def fuse(graph: Path, out: Path, *, max_tokens: int | None = None, only: Collection[str] | None = None) -> Fusions:
    """Write ``graph``, an optimised graph, float or quantized, for inputs of one document without padding.

    Args:
        graph: file to read; a tower for images is fused too, it has no mask.
        out: file to write; the same inputs without ``attention_mask``, the same output.
        max_tokens: limit of tokens, up to which masks are looked at; ``None``: only at short texts.
        only: names of fusions (:attr:`Fusions.applied`) that were proved; ``None``: all that can be found.
    """
    model = onnx.load(graph)
    edit = Graph(model)
    fusions = Fusions()
    if _MASK in edit.inputs:
        _drop_mask(edit, fusions, max_tokens, only)
    attentions = _fuse_attentions(edit, only)
    fusions.applied += attentions
    edit.prune()
    if attentions:
        for opset in model.opset_import:
            if opset.domain == "":
                opset.version = max(opset.version, _OPSET)
    onnx.save(model, out)
    return fusions


def _drop_mask(edit: Graph, fusions: Fusions, max_tokens: int | None, only: Collection[str] | None) -> None:
    """Constant-fold a mask of ones, and remove the operators that do nothing then."""
    edges = list(_edges_of_mask(edit))
    names = [name for node, name in edges for name in (name, *node.input, *node.output)]
    runs = {length: edit.values(names, tokens=length) for length in _LENGTHS}
    masks = [name for _, name in edges]
    longer = {length: edit.values(masks, tokens=length) for length in _longer(max_tokens)}
    for node, name in edges:
        key = f"{node.op_type} {name}"
        idle = _idle_input(node, name, runs)
        if idle is None or (only is not None and key not in only):
            continue
        departs = next((length for length, run in longer.items() if not idle.holds(run[name], length)), None)
        if departs is not None:
            fusions.left_out[key] = f"at {departs} tokens it masks more than padding"
            continue
        if idle.passed_on is not None:
            edit.replace(node.output[0], idle.passed_on)
        elif not _mean(edit, node):
            continue
        if key not in fusions.applied:
            fusions.applied.append(key)
    edit.prune()
    edit.remove_input(_MASK)
    if edit.users(_MASK):
        ones = numpy_helper.from_array(np.ones(1, np.int64))
        shape = helper.make_node("Shape", ["input_ids"], ["mask_shape"], name="mask_shape")
        edit.prepend(shape, helper.make_node("ConstantOfShape", ["mask_shape"], [_MASK], name="mask_ones", value=ones))


def _longer(max_tokens: int | None) -> list[int]:
    return [] if max_tokens is None else sorted({min(length, max_tokens) for length in _LONGER} - {*_LENGTHS})


def _edges_of_mask(edit: Graph) -> Iterator[tuple[onnx.NodeProto, str]]:
    """Nodes with an input that depends on mask and lengths alone, and another that does not; with the former's name."""
    masks, neutral = {_MASK}, {*edit.tensors, ""}
    for node in edit.model.graph.node:  # in topological order
        inputs = set(node.input)
        if node.op_type == "Shape" or inputs <= neutral:
            neutral.update(node.output)
        elif inputs <= masks | neutral:
            masks.update(node.output)
        else:
            yield from ((node, name) for name in node.input if name in masks)


@dataclass(frozen=True)
class _Idle:
    """A value of a mask with which a node does nothing, or no more than a simpler one."""

    value: int | None
    """``None``: the number of tokens."""
    passed_on: str | None
    """The input that comes out unchanged; ``None``: it is divided by the number of tokens."""

    def holds(self, mask: npt.NDArray[Any], tokens: int) -> bool:
        """Whether the mask has this value everywhere in a text of so many tokens."""
        return bool((mask == (tokens if self.value is None else self.value)).all())


def _idle_input(node: onnx.NodeProto, name: str, runs: Mapping[int, Values]) -> _Idle | None:
    """What ``node`` does with ``name`` as in ``runs``, texts by their length; ``None``: it does change something."""
    first = next(iter(runs.values()))
    if node.op_type == "Where" and node.input[0] == name:
        chosen = bool(first[name].all())
        idle = _Idle(int(chosen), node.input[1 if chosen else 2])
    elif node.op_type in ("Add", "Mul"):
        other = node.input[1] if node.input[0] == name else node.input[0]
        idle = _Idle(0 if node.op_type == "Add" else 1, other)
    elif node.op_type == "Div" and node.input[1] == name:
        idle = _Idle(None, None)
    else:
        return None
    if idle.passed_on is not None:
        shapes = [(run[idle.passed_on].shape, run[node.output[0]].shape) for run in runs.values()]
        if any(before != after for before, after in shapes):
            return None
    return idle if all(idle.holds(run[name], length) for length, run in runs.items()) else None


def _mean(edit: Graph, division: onnx.NodeProto) -> bool:
    """Replace a sum over all tokens divided by their number by ``ReduceMean``; whether it is one."""
    total = edit.maker(division.input[0])
    if total is None or total.op_type != "ReduceSum" or not edit.constant(total.input[1], [1]):
        return False
    division.CopyFrom(
        helper.make_node("ReduceMean", list(total.input), list(division.output), name=division.name, keepdims=0)
    )
    return True


@dataclass(frozen=True)
class _Attention:
    """The tensors of one scaled dot-product attention."""

    query: str
    key: str
    value: str
    scale: float
    weights: str
    """What softmax gives, ``(B, heads, T, T)``."""
    joined: onnx.NodeProto
    """Puts the heads side by side again."""


def _find_attention(edit: Graph, softmax: onnx.NodeProto) -> _Attention | None:
    """The attention around ``softmax``; ``None``: it is none, or has a mask or the like."""
    scores, scale = edit.scaled(softmax.input[0])
    product = edit.maker(scores)
    weighted = edit.only_user(softmax.output[0], "MatMul")
    if product is None or product.op_type not in ("MatMul", "FusedMatMul") or weighted is None:
        return None
    attributes = edit.attributes(product)
    if any(attributes.get(name) for name in ("transA", "transBatchA", "transBatchB")):
        return None
    query, query_scale = edit.heads(product.input[0], (0, 2, 1, 3))
    key, key_scale = edit.heads(product.input[1], (0, 2, 1, 3) if attributes.get("transB") else (0, 2, 3, 1))
    value, value_scale = edit.heads(weighted.input[1], (0, 2, 1, 3))
    turned = edit.only_user(weighted.output[0], "Transpose")
    joined = None if turned is None else edit.only_user(turned.output[0], "Reshape")
    if query is None or key is None or value is None or joined is None or value_scale != 1:
        return None
    scale *= attributes.get("alpha", 1.0) * query_scale * key_scale
    return _Attention(query, key, value, scale, softmax.output[0], joined)


def _fuse_attentions(edit: Graph, only: Collection[str] | None) -> list[str]:
    """Replace each attention by one operator; the names of those fusions."""
    attentions = [one for node in edit.nodes("Softmax") if (one := _find_attention(edit, node)) is not None]
    names = [name for one in attentions for name in (one.query, one.key, one.value, one.weights, one.joined.output[0])]
    values = edit.values(names, tokens=_LENGTHS[0])
    fused = []
    for one in attentions:
        shapes = {values[name].shape for name in (one.query, one.key, one.value, one.joined.output[0])}
        key = f"Attention {one.joined.output[0]}"
        if len(shapes) > 1 or len(shapes.pop()) != 3 or (only is not None and key not in only):
            continue
        heads = values[one.weights].shape[1]
        one.joined.CopyFrom(  # in the place of the last of them, which comes after all that it needs
            helper.make_node(
                "Attention",
                [one.query, one.key, one.value],
                list(one.joined.output),
                name=f"{one.joined.name or one.joined.output[0]}_attention",
                q_num_heads=heads,
                kv_num_heads=heads,
                scale=one.scale,
            )
        )
        fused.append(key)
    edit.changed()
    return fused
