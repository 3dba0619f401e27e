"""The proof of float graphs: what departs at some length is left out, or nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.families.text import load_text
from edgeembed_export.graphs import fuse as fusion
from edgeembed_export.graphs.optimize import plain_graph, save_optimized
from edgeembed_export.quantization.schemes import FLOAT32, INT8
from edgeembed_export.sealing.options import BundleOptions, EncoderOptions
from edgeembed_export.sealing.parts import TextPart
from edgeembed_export.sealing.pipeline import make_bundle, prove_towers
from edgeembed_export.sealing.proof import float_graph
from edgeembed_export.sealing.proof.float_graph import FloatProof, proof_lengths, prove_float

from edgeembed import Embedder
from edgeembed.maintenance.check_bundle import cosines
from tests.support.tiny_torch import tiny_text_folder


def loaded(folder: Path, family: str, scratch: Path, *, seed: int = 0) -> TextPart:
    scratch.mkdir()
    part = load_text(tiny_text_folder(folder, family, seed=seed), scratch, BundleOptions()).text
    assert part is not None
    return part


def proved(part: TextPart) -> FloatProof:
    return prove_float(part.graph, part.proof_inputs(), model="tiny", max_tokens=part.section.max_tokens)


def test_lengths_go_up_to_the_limit() -> None:
    assert [*proof_lengths(512)] == [9, 70, 300, 512]
    assert [*proof_lengths(64)] == [9, 64]
    assert [*proof_lengths(5)] == [5]
    assert [*proof_lengths(8192)] == [9, 70, 300, 8192]


@pytest.mark.parametrize("scheme", [FLOAT32, INT8])
def test_local_attention_stays_local(scheme: Any, tmp_path: Path) -> None:
    """ModernBERT with a window of 16 tokens: at 5 and 9 tokens its local mask is all zeros."""
    source = tiny_text_folder(tmp_path / "source", "modernbert")
    exported = make_bundle(FAMILIES["text"], source, tmp_path / "out", EncoderOptions(scheme=scheme))
    (note,) = (line for note in exported.notes for line in note.splitlines() if line.startswith("Not fused"))
    assert "at 64 tokens it masks more than padding" in note
    assert note in exported.bundle.file("README.md").read_text(encoding="utf-8")
    part = loaded(tmp_path / "again", "modernbert", tmp_path / "scratch")
    texts = ["many words of one long text " * 20, "short"]
    with Embedder(exported.bundle) as embedder:
        assert cosines(embedder.embed_texts(texts), part.embed(texts)).min() > (1 - 1e-9 if scheme is FLOAT32 else 0.99)


def test_what_a_probe_misses_the_proof_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look at longer masks the local one is dropped; then only comparing vectors can tell."""
    monkeypatch.setattr(fusion, "_LONGER", (9,))
    part = loaded(tmp_path / "source", "modernbert", tmp_path / "scratch")
    proof = proved(part)
    (left_out,) = proof.left_out.items()
    assert left_out[0].startswith("Add ")
    assert "at 64 tokens" in left_out[1]
    assert left_out[0] not in proof.fusions
    assert any(name.startswith("Add ") for name in proof.fusions)
    assert max(proof.departures.values()) <= proof.allowed < 1e-8


def test_a_graph_that_is_not_the_model_is_refused(tmp_path: Path) -> None:
    part = loaded(tmp_path / "source", "bert", tmp_path / "scratch")
    model = onnx.load(plain_graph(part.graph))
    table = next(item for item in model.graph.initializer if "position" in item.name)
    values = onnx.numpy_helper.to_array(table).copy()
    values[20:] = values[19]  # right for short texts
    table.CopyFrom(onnx.numpy_helper.from_array(values, table.name))
    onnx.save(model, plain_graph(part.graph))
    save_optimized(plain_graph(part.graph), part.graph)
    with pytest.raises(
        ExportError, match=r"graph of tiny is not the model.* 1 - cosine to it is [\d.e-]+ at 64 tokens"
    ):
        proved(part)


def test_a_wrong_optimizer_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = loaded(tmp_path / "source", "bert", tmp_path / "scratch")
    right = save_optimized

    def broken(graph: Path, out: Path, *, fused: bool = True, without: Sequence[str] = ()) -> None:
        right(graph, out, fused=fused, without=without)
        if "BiasGeluFusion" not in without:  # the bias alone
            model = onnx.load(out)
            for node in model.graph.node:
                if node.op_type == "BiasGelu":
                    node.op_type, node.domain = "Add", ""
            onnx.save(model, out)

    monkeypatch.setattr(float_graph, "save_optimized", broken)
    broken(plain_graph(part.graph), part.graph)
    proof = proved(part)
    assert [*proof.left_out] == ["BiasGeluFusion"]
    assert not {"BiasGelu"} & {node.op_type for node in onnx.load(part.graph).graph.node}
    assert max(proof.departures.values()) <= proof.allowed


def test_all_of_onnxruntimes_fusions_are_left_out_when_none_alone_is_to_blame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = loaded(tmp_path / "source", "bert", tmp_path / "scratch")
    wrong = loaded(tmp_path / "other", "bert", tmp_path / "more", seed=1)

    def broken(graph: Path, out: Path, **_: Any) -> None:
        shutil.copyfile(wrong.graph, out)

    monkeypatch.setattr(float_graph, "save_optimized", broken)
    broken(plain_graph(part.graph), part.graph)
    proof = proved(part)
    assert [*proof.left_out] == ["all of onnxruntime's"]
    assert max(proof.departures.values()) <= proof.allowed


def test_only_proved_fusions_reach_the_quantized_graph(tmp_path: Path) -> None:
    part = loaded(tmp_path / "source", "bert", tmp_path / "scratch")
    proof = proved(part)
    attentions = [name for name in proof.fusions if name.startswith("Attention ")]
    assert len(attentions) == 2

    def operators(fusions: Collection[str] | None) -> list[str]:
        fusion.fuse(part.graph, tmp_path / "fused.onnx", only=fusions)
        return [node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node]

    assert operators(proof.fusions - {attentions[0]}).count("Attention") == 1
    assert operators(proof.fusions).count("Attention") == operators(None).count("Attention") == 2


def test_both_towers_of_a_model_are_proved(tmp_path: Path) -> None:
    from edgeembed_export.families.two_tower import load_two_tower

    from tests.support.tiny_towers import tiny_clip_folder

    model = prove_towers(load_two_tower(tiny_clip_folder(tmp_path / "clip"), tmp_path, BundleOptions()))
    for part in model.parts:
        assert part.float_proof is not None
        assert max(part.float_proof.departures.values()) <= part.float_proof.allowed
    assert [note.split(" against")[0] for note in model.notes] == ["float graph of texts", "float graph of pictures"]


def test_float_noise_widens_what_is_allowed(tmp_path: Path) -> None:
    """A model whose activations are huge loses digits by every rounding."""
    part = loaded(tmp_path / "source", "bert", tmp_path / "scratch")
    usual = proved(part).allowed
    noisy = part.graph.with_name("noisy.onnx")
    model = onnx.load(part.graph)
    graph = model.graph
    node = next(node for node in graph.node if node.op_type == "LayerNormalization")
    place = [*graph.node].index(node)
    for name, value, source, result in (("minus", -3e4, "larger", "less"), ("plus", 3e4, node.input[0], "larger")):
        graph.initializer.append(onnx.numpy_helper.from_array(np.full((1, 1, 32), value, np.float32), name))
        graph.node.insert(place, onnx.helper.make_node("Add", [source, name], [result]))
    node.input[0] = "less"
    onnx.save(model, noisy)
    shutil.copyfile(noisy, plain_graph(noisy))
    proof = prove_float(replace(part, graph=noisy).graph, part.proof_inputs(), model="huge", max_tokens=64)
    assert usual == 1e-9 < proof.allowed <= 1e-5
