"""Graphs whose large weights lie in a file of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.graphs.external_weights import graph_files, whole_files
from edgeembed_export.sealing.proof.self_tolerance import self_tolerance
from onnx import TensorProto, helper, numpy_helper

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.errors import BundleError

NAME, DATA = "text.onnx", "text.onnx.data"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Adds a row of a large table to a small one; one of the large tensors is stored as numbers, not as bytes."""
    rng = np.random.default_rng(0)
    table, small = rng.standard_normal((300, 64), np.float32), rng.standard_normal((1, 64), np.float32)
    counts = TensorProto(name="counts", data_type=TensorProto.INT64, dims=[9000], int64_data=range(9000))
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Gather", ["counts", "row"], ["where"]),
                helper.make_node("Gather", ["table", "where"], ["found"]),
                helper.make_node("Add", ["found", "small"], ["sum"]),
            ],
            "sums",
            [helper.make_tensor_value_info("row", TensorProto.INT64, [1])],
            [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 64])],
            [numpy_helper.from_array(table, "table"), counts, numpy_helper.from_array(small, "small")],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    onnx.save(model, tmp_path / "whole.onnx")
    return tmp_path / "whole.onnx"


def _sums(graph: Path) -> list[bytes]:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return [session.run(None, {"row": np.array([row])})[0].tobytes() for row in (0, 7, 299)]


def test_the_same_numbers_from_two_files(graph: Path, tmp_path: Path) -> None:
    files = graph_files(graph, NAME, tmp_path)
    assert list(files) == [NAME, DATA]
    assert files[NAME].parent == files[DATA].parent  # where a session looks for it
    assert _sums(files[NAME]) == _sums(graph)
    assert files[NAME].stat().st_size < 2000
    held = {item.name: item for item in onnx.load(files[NAME], load_external_data=False).graph.initializer}
    for name in ("table", "counts"):
        said = {entry.key: entry.value for entry in held[name].external_data}
        assert said["location"] == DATA
        assert int(said["offset"]) % 64 == 0
    assert not held["small"].external_data
    again = graph_files(files[NAME], NAME, tmp_path)
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in files.items()
    }


def test_a_small_graph_is_one_file(graph: Path, tmp_path: Path) -> None:
    model = onnx.load(graph)
    for tensor in model.graph.initializer:
        if tensor.name == "table":
            tensor.CopyFrom(numpy_helper.from_array(np.ones((2, 64), np.float32), "table"))
        elif tensor.name == "counts":
            tensor.CopyFrom(numpy_helper.from_array(np.arange(2), "counts"))
    onnx.save(model, graph)
    assert list(graph_files(graph, NAME, tmp_path)) == [NAME]


@pytest.fixture
def shipped() -> Bundle:
    """The smallest with weights of their own."""
    return read_bundle("minilm-static")


def test_what_ships_keeps_its_weights_outside(shipped: Bundle) -> None:
    for name in edgeembed.bundle.shipped.shipped_names():
        bundle = read_bundle(name)
        for section in filter(None, (bundle.manifest.text, bundle.manifest.image)):
            assert bundle.file(section.graph + ".data").stat().st_size > 4 * bundle.file(section.graph).stat().st_size


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_weights_are_mapped(shipped: Bundle) -> None:
    with edgeembed.Embedder(shipped) as embedder:
        embedder.embed_texts(["a red bicycle"])
        assert str(shipped.file(DATA)) in Path("/proc/self/maps").read_text()


def test_other_weights_are_another_encoder(shipped: Bundle, tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {name: shipped.file(name) for name in shipped.manifest.files}
    assert write_bundle(tmp_path / "same", shipped.manifest, files).manifest.encoder == shipped.manifest.encoder
    changed = bytearray(shipped.file(DATA).read_bytes())
    changed[5] ^= 1
    other = write_bundle(tmp_path / "other", shipped.manifest, {**files, DATA: bytes(changed)})
    assert other.manifest.encoder != shipped.manifest.encoder
    (other.path / DATA).write_bytes(changed[:-1])
    with pytest.raises(BundleError, match="bytes instead of"):
        read_bundle(other.path, verify=False)


def test_jittered_weights_need_no_file(shipped: Bundle) -> None:
    assert set(whole_files(shipped)) == set(shipped.manifest.files) - {DATA}
    with edgeembed.Embedder(shipped) as embedder:
        golden = {"texts": np.array(["one", "two"]), "text_self": embedder.embed_texts(["one", "two"])}
    assert self_tolerance(shipped, golden)["self"] > 0.999
