"""Source folder in, proved bundle out: every family, every pooling, through the runtime."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.graphs.run import GraphVectors
from edgeembed_export.graphs.transformer import text_graph
from edgeembed_export.quantization.schemes import FLOAT32, INT8, quantize
from edgeembed_export.quantization.smoothing import smooth
from edgeembed_export.references.text import TorchReference
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.parts import TextPart
from edgeembed_export.sealing.pipeline import make_bundle
from edgeembed_export.sealing.seal import BundleInfo, prove
from edgeembed_export.sources.text_source import open_text
from edgeembed_export.sources.tokenizer import bundle_tokenizer
from edgeembed_export.types import TEXT_GRAPH

import edgeembed
from edgeembed.bundle.manifest import TextSection
from edgeembed.maintenance.check_bundle import check, cosines
from tests.support.tiny_torch import TEXT_FAMILIES, add_sentence_transformers, tiny_text_folder

POOLINGS = {
    "cls": {"pooling_mode_cls_token": True},
    "max": {"pooling_mode_max_tokens": True},
    "sqrt": {"pooling_mode_mean_sqrt_len_tokens": True},
    "weighted": {"pooling_mode_weightedmean_tokens": True},
    "three": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
}


def transformers_vectors(folder: Path, texts: list[str], limit: int) -> np.ndarray:
    """Masked mean over the last hidden states, divided by its length, with nothing but transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in texts:
        batch = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            rows.append(model(**batch).last_hidden_state[0].mean(dim=0).numpy())
    means = np.stack(rows)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.mark.parametrize("family", sorted(TEXT_FAMILIES))
def test_every_family_gives_transformers_vectors(family: str, texts: list[str], tmp_path: Path) -> None:
    source = tiny_text_folder(tmp_path / "source", family)
    bundle = make_bundle(FAMILIES["text"], source, tmp_path / "out", EncoderOptions(scheme=FLOAT32)).bundle
    with edgeembed.Embedder(bundle) as embedder:
        found = embedder.embed_texts(texts)
    np.testing.assert_allclose(found, transformers_vectors(source, texts, 64), atol=1e-5, rtol=0)
    assert all(result.ok for result in check(bundle))


@pytest.mark.parametrize("name", sorted(POOLINGS))
@pytest.mark.parametrize("dense", [None, 24])
def test_every_pooling_gives_sentence_transformers_vectors(
    name: str, dense: int | None, texts: list[str], bert: Path, tmp_path: Path
) -> None:
    library = pytest.importorskip("sentence_transformers")
    add_sentence_transformers(bert, pooling=POOLINGS[name], dense=dense, prompts={"query": "q: ", "document": "d: "})
    bundle = make_bundle(FAMILIES["text"], bert, tmp_path / "out", EncoderOptions(scheme=FLOAT32)).bundle
    model = library.SentenceTransformer(str(bert), device="cpu")
    with edgeembed.Embedder(bundle) as embedder:
        np.testing.assert_allclose(embedder.embed_texts(texts), model.encode_document(texts), atol=1e-5, rtol=0)
        found = embedder.embed_texts(texts, role="query")
        np.testing.assert_allclose(found, model.encode_query(texts), atol=1e-5, rtol=0)


def test_lower_case_of_sentence_transformers(bert: Path, tmp_path: Path) -> None:
    tokenizer = (bert / "tokenizer.json").read_text(encoding="utf-8")
    assert '"lowercase": true' in tokenizer
    (bert / "tokenizer.json").write_text(tokenizer.replace('"lowercase": true', '"lowercase": false'), encoding="utf-8")
    (bert / "sentence_bert_config.json").write_text('{"max_seq_length": 48, "do_lower_case": true}')
    bundle = make_bundle(FAMILIES["text"], bert, tmp_path / "out", EncoderOptions(scheme=FLOAT32)).bundle
    with edgeembed.Embedder(bundle) as embedder:
        upper, lower = embedder.embed_texts(["RED Bicycle", "red bicycle"])
    np.testing.assert_array_equal(upper, lower)


def test_int8_is_close_and_smaller(bert: Path, texts: list[str], tmp_path: Path) -> None:
    exported = make_bundle(FAMILIES["text"], bert, tmp_path / "int8", EncoderOptions(scheme=INT8))
    exact = make_bundle(FAMILIES["text"], bert, tmp_path / "float32", EncoderOptions(scheme=FLOAT32))
    with edgeembed.Embedder(exported.bundle) as one, edgeembed.Embedder(exact.bundle) as other:
        assert cosines(one.embed_texts(texts), other.embed_texts(texts)).min() > 0.995
    assert exported.bundle.manifest.precision.startswith("int8")
    small, large = ((bundle.path / TEXT_GRAPH).stat().st_size for bundle in (exported.bundle, exact.bundle))
    assert small < large
    assert exported.bundle.manifest.encoder != exact.bundle.manifest.encoder
    assert exported.bundle.manifest.space == exact.bundle.manifest.space


def test_twice_gives_the_same_bytes(bert: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_bundle(FAMILIES["text"], bert, tmp_path / name, EncoderOptions(name="same"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_facts_of_the_bundle(bert: Path, tmp_path: Path) -> None:
    recipe = EncoderOptions(source_id="lab/bert", license="MIT", training_data=[{"name": "notes", "terms": "CC0-1.0"}])
    exported = make_bundle(FAMILIES["text"], bert, tmp_path / "notes-model", recipe)
    manifest = exported.bundle.manifest
    source = open_text(bert)
    assert manifest.name == "notes-model"
    assert manifest.space == f"lab/bert@{source.weights_sha256[:12]}/32"
    assert manifest.source == {"id": "lab/bert", "revision": source.revision, "weights_sha256": source.weights_sha256}
    assert manifest.license == "MIT"
    assert manifest.training_data == ({"name": "notes", "terms": "CC0-1.0"},)
    assert manifest.tolerance["reference"] == INT8.least_cosine
    assert manifest.tolerance["self"] > 1 - 1e-11
    assert 0.1 <= manifest.tolerance["self_share"] <= 0.5
    assert set(manifest.quality) == {"cosine_to_reference"}
    assert "torch" in manifest.exported_with
    card = (exported.bundle.path / "README.md").read_text(encoding="utf-8")
    for fact in ("notes-model", "lab/bert", "MIT", "CC0-1.0", "64 tokens", "names no pooling", "not measured"):
        assert fact in card, fact
    background = np.load(exported.bundle.path / "background.npz")["text"]
    assert background.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(background, axis=1), 1, atol=1e-3)


def test_the_tokenizer_carries_no_limit(teacher: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    reference = TorchReference(open_text(teacher))
    reference.token_ids(["cuts at 256 and so sets the limit"])
    written = Tokenizer.from_str(bundle_tokenizer(reference.tokenizer.backend_tokenizer).decode())
    assert written.truncation is None
    assert written.padding is None


def test_a_bundle_that_departs_is_not_written(bert: Path, tmp_path: Path) -> None:
    """The graph of one model against the reference of another."""
    facts = open_text(bert)
    reference = TorchReference(facts)
    other = TorchReference(open_text(tiny_text_folder(tmp_path / "other", seed=1)))
    text_graph(other.model, facts.pooling, 32, tmp_path / "float.onnx")
    quantize(tmp_path / "float.onnx", tmp_path / "graph.onnx", FLOAT32)
    (tmp_path / "out").mkdir()
    with pytest.raises(ExportError, match="is not written: vectors against the float model") as caught:
        prove(
            tmp_path / "scratch",
            info=BundleInfo(
                name="wrong",
                version="1",
                space="wrong@1/32",
                source={"id": "wrong", "revision": "1"},
                license="MIT",
                license_text="MIT",
                training_data=[],
                libraries=[],
            ),
            text=TextPart(
                section=TextSection(graph="text.onnx", tokenizer="tokenizer.json", max_tokens=64),
                graph=tmp_path / "graph.onnx",
                tokenizer=bundle_tokenizer(reference.tokenizer.backend_tokenizer),
                reference=reference,
                scheme=FLOAT32,
            ),
            dim=32,
        ).write(tmp_path / "out")
    assert "mean cosine of ordinary texts" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_smoothing_computes_the_same_and_levels_outliers(bert: Path, texts: list[str], tmp_path: Path) -> None:
    import onnx
    import torch
    from onnx import numpy_helper

    facts = open_text(bert)
    reference = TorchReference(facts)
    with torch.no_grad():  # one channel far larger than the others, as trained models have
        reference.model.embeddings.LayerNorm.weight[3] = 60
    text_graph(reference.model, facts.pooling, 32, tmp_path / "float.onnx")
    feeds = [{"input_ids": np.array([row]), "attention_mask": np.ones((1, len(row)), np.int64)}
             for row in reference.token_ids(texts)]  # fmt: skip
    smooth(tmp_path / "float.onnx", tmp_path / "smooth.onnx", feeds, strength=0.5)

    def vectors(graph: str) -> np.ndarray:
        return GraphVectors(tmp_path / graph)(feeds)

    np.testing.assert_allclose(vectors("smooth.onnx"), vectors("float.onnx"), atol=1e-5, rtol=0)
    graph = onnx.load(tmp_path / "smooth.onnx").graph
    factors = {item.name: numpy_helper.to_array(item) for item in graph.initializer if item.name.startswith("smooth_")}
    assert len(factors) == 8  # four activations a layer go into products
    assert factors["smooth_0"].argmin() == 3
    assert np.median(factors["smooth_0"]) == pytest.approx(1, abs=0.01)

    def error(graph: str) -> float:
        out = tmp_path / f"int8-{graph}"
        quantize(tmp_path / graph, out, dataclasses.replace(INT8, smoothing=0))
        return float(1 - cosines(vectors(out.name), vectors("float.onnx")).mean())

    assert error("smooth.onnx") < error("float.onnx") / 2


def test_other_folders_are_spared(bert: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to ann.txt").write_text("dear ann")
    with pytest.raises(FileExistsError, match="is not a bundle"):
        make_bundle(FAMILIES["text"], bert, tmp_path / "letters", EncoderOptions())
    assert (tmp_path / "letters" / "to ann.txt").read_text() == "dear ann"


def test_a_family_whose_weights_are_not_there(bert: Path, tmp_path: Path) -> None:
    """transformers would make the missing ones up at random, with no more than a warning."""
    path = bert / "config.json"
    path.write_text(path.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(ExportError, match=r"the weights lack encoder\.layer\.2\..* and 15 more"):
        make_bundle(FAMILIES["text"], bert, tmp_path / "out", EncoderOptions())
    assert not (tmp_path / "out").exists()


def test_a_family_that_optimum_does_not_know(tmp_path: Path) -> None:
    from transformers import FNetConfig, FNetModel

    model = FNetModel(FNetConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, intermediate_size=16))
    with pytest.raises(ExportError, match="'fnet'"):
        text_graph(model, (), 16, tmp_path / "out.onnx")
