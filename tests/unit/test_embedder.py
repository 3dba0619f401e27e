"""Texts to vectors: shapes, the promise that a vector depends on its own text only, streams, threads, wrong graphs."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import random
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import edgeembed
from edgeembed.bundle.bundle import read_bundle, write_bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.system.limits import usable_cores

TEXTS = [f"{who} {what} {'very ' * n}{how}" for n, (who, what, how) in enumerate(itertools.product(
    ("the cat", "my neighbour", "a red bicycle", "Zoë"), ("sleeps", "sings", "falls"), ("well", "at night", "ärgerlich")
))]  # fmt: skip


@pytest.fixture
def tiny(tiny_bundle: Path) -> Iterator[edgeembed.Embedder]:
    with edgeembed.Embedder.load(tiny_bundle, threads=2) as embedder:
        yield embedder


@pytest.fixture
def remake(tiny_bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """The tiny bundle with another graph, sealed anew."""

    def run(change: Callable[[onnx.ModelProto], object]) -> Path:
        bundle = read_bundle(tiny_bundle)
        model = onnx.load(bundle.file("text.onnx"))
        change(model)
        files: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files}
        return write_bundle(tmp_path / "out", bundle.manifest, {**files, "text.onnx": model.SerializeToString()}).path

    return run


def test_shape_type_and_length(tiny: edgeembed.Embedder) -> None:
    vectors = tiny.embed_texts(TEXTS)
    assert vectors.shape == (len(TEXTS), 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert tiny.dim == tiny.manifest.dim == 16


def test_one_and_none_are_matrices_too(tiny: edgeembed.Embedder) -> None:
    assert tiny.embed_texts(["one"]).shape == (1, 16)
    none = tiny.embed_texts([])
    assert none.shape == (0, 16)
    assert none.dtype == np.float32
    assert tiny.embed_texts(("a", "b")).shape == (2, 16)


def test_empty_and_odd_texts_have_vectors(tiny: edgeembed.Embedder) -> None:
    vectors = tiny.embed_texts(["", " ", "\0", "\udce9", "日本", "a" * 10_000])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("texts", ["one string", b"bytes"])
def test_a_bare_string_is_wrong_use(tiny: edgeembed.Embedder, texts: object) -> None:
    with pytest.raises(TypeError, match="sequence of strings"):
        tiny.embed_texts(texts)  # type: ignore[arg-type]


@pytest.mark.parametrize("item", [None, 3, b"bytes", ["nested"], Path("a")])
def test_something_that_is_no_string(tiny: edgeembed.Embedder, item: object) -> None:
    with pytest.raises(TypeError, match=type(item).__name__):
        tiny.embed_texts(["good", item])  # type: ignore[list-item]


def test_unknown_role(tiny: edgeembed.Embedder) -> None:
    with pytest.raises(ValueError, match="'passage'"):
        tiny.embed_texts(["a"], role="passage")  # type: ignore[arg-type]


def test_roles_put_their_prefix_in_front(tmp_path: Path) -> None:
    from tests.support.tiny import tiny_text_bundle

    plain = edgeembed.Embedder.load(tiny_text_bundle(tmp_path / "plain"))
    prefixed = edgeembed.Embedder.load(
        tiny_text_bundle(tmp_path / "prefixed", query_prefix="query: ", document_prefix="text: ")
    )
    for role, prefix in (("query", "query: "), ("document", "text: ")):
        found = prefixed.embed_texts(["a cat"], role=role)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found, plain.embed_texts([prefix + "a cat"]))
    np.testing.assert_array_equal(prefixed.embed_texts(["a"]), prefixed.embed_texts(["a"], role="document"))


def test_longer_texts_are_cut(tiny: edgeembed.Embedder) -> None:
    long, longer = tiny.embed_texts(["ab " * 62, "ab " * 62 + "something else"])
    np.testing.assert_array_equal(long, longer)
    assert tiny.count_tokens(["ab " * 62]) == [tiny.content_tokens]


@pytest.mark.slow
def test_a_vector_depends_on_its_own_text_only() -> None:
    """Alone, among 200 others, in any order, with 1 or 8 threads: on the shipped bundle, whose int8 makes it hard."""
    texts = [f"{text} {i}" for i in range(6) for text in TEXTS][:201]
    shuffled = random.Random(0).sample(range(len(texts)), len(texts))
    with edgeembed.Embedder.load(threads=1) as one, edgeembed.Embedder.load(threads=8) as eight:
        expected = one.embed_texts(texts)
        np.testing.assert_allclose(eight.embed_texts(texts), expected, atol=1e-6, rtol=0)
        found = eight.embed_texts([texts[i] for i in shuffled])
        np.testing.assert_allclose(found, expected[shuffled], atol=1e-6, rtol=0)
        for i in range(0, len(texts), 20):
            np.testing.assert_allclose(eight.embed_texts([texts[i]])[0], expected[i], atol=1e-6, rtol=0)


def test_a_quick_graph_is_run_in_one_thread_with_the_same_vectors() -> None:
    texts = [f"{text} {i}" for i in range(100) for text in TEXTS]
    ran: set[int] = set()
    with edgeembed.Embedder.load("minilm-static", threads=4) as embedder:
        assert embedder._text is not None
        graph = embedder._text[1]
        first = embedder.embed_texts(texts)
        assert 0 < graph.least_seconds < math.inf
        run = graph.run

        def watched(feed: dict[str, Any]) -> Any:
            ran.add(threading.get_ident())
            return run(feed)

        graph.run = watched  # type: ignore[method-assign]
        graph.least_seconds = 1e-6
        np.testing.assert_array_equal(embedder.embed_texts(texts), first)
    assert ran == {threading.get_ident()}


def test_shipped_bundle_knows_meaning(embedder: edgeembed.Embedder) -> None:
    query = embedder.embed_texts(["how do I get a new passport?"], role="query")
    documents = [
        "Travel documents are renewed at the town hall.",
        "Add two eggs and stir.",
        "The engine would not start.",
    ]
    similarity = (query @ embedder.embed_texts(documents).T)[0]
    assert similarity.argmax() == 0
    assert similarity[0] > similarity[1:].max() + 0.1


def test_a_stream_is_read_no_faster_than_it_is_used(tiny: edgeembed.Embedder) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"text {taken}"

    blocks = tiny.iter_embed_texts(endless())
    assert inspect.isgenerator(blocks)
    assert taken == 0
    count = sum(len(next(blocks)) for _ in range(3))
    assert count == taken < 2000


def test_a_stream_gives_the_same_in_order(tiny: edgeembed.Embedder) -> None:
    texts = [f"number {i}" for i in range(1000)]
    blocks = list(tiny.iter_embed_texts(iter(texts)))
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks), tiny.embed_texts(texts))
    assert list(tiny.iter_embed_texts([])) == []


@pytest.mark.slow
def test_a_long_stream_needs_no_more_memory(tiny: edgeembed.Embedder) -> None:
    def consume(count: int) -> int:
        done = sum(len(block) for block in tiny.iter_embed_texts("word " * (i % 60) for i in range(count)))
        assert done == count
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak  # KiB

    before = consume(2_000)
    # The vectors alone would be 2.5 MB, texts and token ids 20 MB.
    assert consume(40_000) - before < 8 * 1024


def test_many_threads_may_use_one_embedder(tiny: edgeembed.Embedder) -> None:
    expected = tiny.embed_texts(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: tiny.embed_texts(TEXTS), range(40)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threads", [0, -1])
def test_number_of_threads(tiny_bundle: Path, threads: int) -> None:
    with pytest.raises(ValueError, match=str(threads)):
        edgeembed.Embedder.load(tiny_bundle, threads=threads)


def test_default_number_of_threads(tiny_bundle: Path) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as embedder:
        assert embedder.threads == usable_cores() >= 1


def test_a_bundle_of_images_only_has_no_text(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    image = ImageSection(
        graph="text.onnx", height=8, width=8, resize="stretch", filter="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3
    )
    manifest = dataclasses.replace(bundle.manifest, text=None, image=image)
    out = write_bundle(tmp_path / "out", manifest, {"text.onnx": _image_graph()})
    with edgeembed.Embedder(out) as embedder:
        for call in (lambda: embedder.embed_texts(["a"]), lambda: embedder.count_tokens(["a"])):
            with pytest.raises(edgeembed.UnsupportedInputError, match="tiny"):
                call()


def _image_graph() -> bytes:
    """The mean of each channel, repeated to 16 numbers: not a model, but a graph of the right shape."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "spread"], ["embedding"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.ones((3, 16), np.float32), "spread"),
    ]
    inputs = [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["B", 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", 16])]
    graph = helper.make_graph(nodes, "pictures", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def _rename_output(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = model.graph.output[0].name = "vector"


def _rename_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "words"
    model.graph.node[0].input[1] = "words"


def _widen(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 17


def _second_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(onnx.helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, ["B", 16]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_rename_output, r"gives \['vector'\]"),
        (_rename_input, r"takes \['words', 'attention_mask'\]"),
        (_second_output, r"gives \['embedding', 'mean'\]"),
        (_widen, "gives vectors of (17|None), not of 16"),
        (lambda model: model.Clear(), "not a graph that can be loaded"),
    ],
)
def test_a_graph_that_breaks_the_contract(
    remake: Callable[..., Path], change: Callable[[onnx.ModelProto], object], reason: str
) -> None:
    with pytest.raises(edgeembed.BundleError, match=reason) as caught:
        edgeembed.Embedder.load(remake(change))
    assert caught.value.path.name == "text.onnx"


def test_a_graph_that_fails_while_it_runs(remake: Callable[..., Path]) -> None:
    def shrink(model: onnx.ModelProto) -> None:
        table = next(item for item in model.graph.initializer if item.name == "table")
        table.CopyFrom(onnx.numpy_helper.from_array(np.ones((5, 16), np.float32), "table"))

    with (
        edgeembed.Embedder.load(remake(shrink)) as embedder,
        pytest.raises(edgeembed.BundleError, match="cannot be run"),
    ):
        embedder.embed_texts(["good morning"] * 10)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_closed_embedder_says_so(tiny_bundle: Path, threads: int) -> None:
    embedder = edgeembed.Embedder.load(tiny_bundle, threads=threads)
    embedder.embed_texts(["still open", "and at work"])
    embedder.close()
    embedder.close()
    closed: list[Callable[[], object]] = [
        lambda: embedder.embed_texts(["too late", "far too late"]),
        lambda: embedder.embed_texts([]),
        lambda: list(embedder.iter_embed_texts(["too late"])),
        lambda: embedder.embed_images([b""]),
        lambda: embedder.count_tokens(["too late"]),
        lambda: embedder.content_tokens,
    ]
    for ask in closed:
        with pytest.raises(ValueError, match="tiny: this embedder is closed"):
            ask()
