"""The last step of a graph: fewer operators, the same vectors."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.graphs.fuse import fuse
from edgeembed_export.graphs.run import GraphVectors
from edgeembed_export.graphs.transformer import text_graph
from edgeembed_export.quantization.schemes import INT8, quantize
from edgeembed_export.references.text import TorchReference
from edgeembed_export.sealing.parts import feed
from edgeembed_export.sources.pooling import POOLING_MODES, Normalize, Pooling
from edgeembed_export.sources.text_source import open_text

from tests.support.tiny_torch import tiny_text_folder

ATTENTIONS = {"albert": 2, "bert": 2, "distilbert": 2, "roberta": 2}
"""Of tiny models."""


def float_graph(source: Path, out: Path, *modes: str) -> TorchReference:
    facts = open_text(source)
    reference = TorchReference(facts)
    stages = (Pooling(modes), Normalize()) if modes else facts.pooling
    text_graph(reference.model, stages, 32 * max(1, len(modes)), out)
    return reference


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("family", sorted(ATTENTIONS))
def test_attention_becomes_one_operator(family: str, texts: list[str], tmp_path: Path) -> None:
    whole, fused = tmp_path / "whole.onnx", tmp_path / "fused.onnx"
    reference = float_graph(tiny_text_folder(tmp_path / "source", family), whole)
    fuse(whole, fused)
    found = operators(fused)
    assert found["Attention"] == ATTENTIONS[family]
    assert not found["Softmax"]
    assert found.total() < 2 / 3 * operators(whole).total()
    assert [item.name for item in onnx.load(fused).graph.input] == ["input_ids"]
    feeds = [feed(row) for row in reference.token_ids(texts)]
    np.testing.assert_allclose(GraphVectors(fused)(feeds), GraphVectors(whole)(feeds), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", POOLING_MODES)
def test_poolings_without_a_mask(mode: str, bert: Path, texts: list[str], tmp_path: Path) -> None:
    whole, fused = tmp_path / "whole.onnx", tmp_path / "fused.onnx"
    reference = float_graph(bert, whole, mode)
    fuse(whole, fused)
    feeds = [feed(row) for row in reference.token_ids(texts)]
    np.testing.assert_allclose(GraphVectors(fused)(feeds), GraphVectors(whole)(feeds), atol=1e-6, rtol=0)
    assert operators(fused)["ReduceMean"] == (mode == "mean")


def test_the_same_is_fused_in_int8(bert: Path, texts: list[str], tmp_path: Path) -> None:
    reference = float_graph(bert, tmp_path / "whole.onnx")
    feeds = [feed(row) for row in reference.token_ids(texts)]
    quantize(tmp_path / "whole.onnx", tmp_path / "int8.onnx", INT8, feeds)
    found = operators(tmp_path / "int8.onnx")
    assert found["Attention"] == ATTENTIONS["bert"]
    assert found["DynamicQuantizeMatMul"] + found["MatMulIntegerToFloat"] == 12
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == ["int8.onnx", "plain-whole.onnx", "whole.onnx"]


def test_fusing_twice_is_fusing_once(bert: Path, tmp_path: Path) -> None:
    float_graph(bert, tmp_path / "whole.onnx")
    fuse(tmp_path / "whole.onnx", tmp_path / "once.onnx")
    fuse(tmp_path / "once.onnx", tmp_path / "twice.onnx")
    assert (tmp_path / "once.onnx").read_bytes() == (tmp_path / "twice.onnx").read_bytes()


def test_an_attention_that_looks_back_only_stays_as_it_is(tmp_path: Path) -> None:
    """A causal mask is more than zeros."""
    from edgeembed_export.families.two_tower import load_two_tower
    from edgeembed_export.sealing.options import BundleOptions

    from tests.support.tiny_towers import tiny_clip_folder

    model = load_two_tower(tiny_clip_folder(tmp_path / "clip"), tmp_path, BundleOptions())
    assert model.text is not None
    assert model.image is not None
    for part, attentions in ((model.text, 0), (model.image, 2)):
        quantize(part.graph, tmp_path / "out.onnx", part.scheme)
        assert operators(tmp_path / "out.onnx")["Attention"] == attentions, part.kind
