"""How weights are stored, chosen by measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.cli.main import cli
from edgeembed_export.errors import ExportError
from edgeembed_export.families.detect import export, load_float
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.graphs.run import GraphVectors
from edgeembed_export.graphs.transformer import text_graph
from edgeembed_export.quantization.choose import (
    DEFAULT_SCHEMES,
    Comparison,
    Measured,
    Tolerance,
    choose,
    compare_schemes,
    named_scheme,
)
from edgeembed_export.quantization.schemes import FLOAT32, INT8, INT8_8BIT, INT8_TABLE, SCHEMES
from edgeembed_export.quantization.sensitivity import Sensitivity, sensitivities
from edgeembed_export.references.text import TorchReference
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.parts import feed
from edgeembed_export.sealing.pipeline import make_bundle
from edgeembed_export.sources.text_source import open_text

from edgeembed.maintenance.check_bundle import check

OUTLIER = "/encoder/layer.1/output/dense/MatMul"
TABLE = "/embeddings/word_embeddings/Gather"


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Every scheme by name, for a tiny BERT."""
    from tests.support.tiny_torch import tiny_text_folder

    scratch = tmp_path_factory.mktemp("schemes")
    model = load_float(tiny_text_folder(scratch / "bert"), scratch)
    return compare_schemes(model.parts[0].scheme_inputs(), scratch, speed=True)


def _float_graph(reference: TorchReference, folder: Path) -> Path:
    text_graph(reference.model, reference.source.pooling, reference.dim, folder / "float.onnx")
    return folder / "float.onnx"


def _measured(name: str, size: int, mean: float, least: float) -> Measured:
    scheme = named_scheme(name, [])
    return Measured(scheme=scheme, graph=Path(name), size_bytes=size, mean=mean, least=least, scores={})


def test_an_outlier_is_found_and_smoothing_costs_it_less(bert: Path, texts: list[str], tmp_path: Path) -> None:
    import torch

    reference = TorchReference(open_text(bert))
    with torch.no_grad():  # one channel of an activation is far larger than the others, and its weights are as small
        layer = reference.model.encoder.layer[1]
        layer.intermediate.dense.bias[5] = 200
        layer.output.dense.weight[:, 5] /= 200
    graph = _float_graph(reference, tmp_path)
    feeds = [feed(ids) for ids in reference.token_ids(texts)]
    plain = sensitivities(graph, INT8, feeds)
    assert plain[0].node == OUTLIER
    assert plain[0].cost > 2 * plain[1].cost
    assert plain[0].weight_bytes == 4 * 64 * 32
    assert {(item.operator, item.node) for item in plain} >= {("MatMul", OUTLIER), ("Gather", TABLE)}
    assert len(plain) == 14  # six products in each of two layers, and the tables of words and positions
    assert [item.cost for item in plain] == sorted((item.cost for item in plain), reverse=True)
    smoothed = {item.node: item.cost for item in sensitivities(graph, INT8, feeds, calibration=feeds)}
    assert smoothed[OUTLIER] < plain[0].cost / 2


def test_the_table_is_complete(comparison: Comparison) -> None:
    rows = {one.scheme.name: one for one in comparison.measured}
    assert tuple(rows) == DEFAULT_SCHEMES
    assert all(0.98 < one.mean <= 1 + 1e-9 and one.least <= one.mean for one in rows.values())
    assert all(one.per_second is not None and one.per_second > 0 for one in rows.values())
    assert rows["float32"].mean == pytest.approx(1, abs=1e-9)
    sizes = {name: one.size_bytes for name, one in rows.items()}
    assert sizes["int8"] < sizes["int8-float1"] < sizes["int8-float4"] < sizes["int8-float8"] < sizes["float32"]
    assert sizes["int8"] < sizes["int8-table"] < sizes["float32"]
    assert rows["int8"].mean < rows["int8-float8"].mean
    assert len(comparison.sensitivities) == 14
    for name in ("int8-float1", "int8-float8"):
        assert len(rows[name].scheme.keep_float) == int(name[-1])


def test_only_the_table_is_quantized(comparison: Comparison) -> None:
    import onnx

    graph = onnx.load(next(one.graph for one in comparison.measured if one.scheme == INT8_TABLE)).graph
    stored = {item.name: item.data_type for item in graph.initializer if len(item.dims) == 2}
    assert not any("Integer" in node.op_type for node in graph.node)
    assert list(stored.values()).count(onnx.TensorProto.FLOAT) >= 12
    tables = [kind for name, kind in stored.items() if "embeddings.weight" in name]
    assert len(tables) == 2
    assert set(tables) <= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}


def test_what_is_kept_float_saves_most_closeness_for_a_byte() -> None:
    ranking = [Sensitivity("table", "Gather", 4000, 0.02), Sensitivity("small", "MatMul", 400, 0.01)]
    scheme = named_scheme("int8-float1", ranking)
    assert scheme.keep_float == ("small",)
    assert scheme.precision == f"{INT8.precision}, 1 matrix float32"
    assert scheme.tolerance == INT8.tolerance


def test_the_smallest_inside_the_tolerance_is_chosen() -> None:
    rows = [
        _measured("float32", 100, 1, 1),
        _measured("int8", 25, 0.990, 0.97),
        _measured("int8-8bit", 24, 0.999, 0.99),  # other answers elsewhere
        _measured("int8-float4", 30, 0.996, 0.98),
        _measured("int8-float1", 30, 0.995, 0.98),
    ]
    for tolerance, name in (
        (Tolerance(mean=0.98, least=0.9), "int8"),
        (Tolerance(mean=0.98, least=0.975), "int8-float4"),
        (Tolerance(mean=0.995, least=0.9), "int8-float4"),
        (Tolerance(mean=0.9999, least=0.9), "float32"),
        (Tolerance(mean=1, least=1), "float32"),
    ):
        for order in (rows, rows[::-1]):
            assert choose(order, tolerance).scheme.name == name
    # Nothing is allowed that its own proof would refuse.
    assert choose([rows[0], _measured("int8", 25, 0.97, 0.97)], Tolerance(mean=0, least=0)).scheme == FLOAT32
    with pytest.raises(ExportError, match="let float32 be among the schemes"):
        choose(rows[1:3], Tolerance(mean=0.9999))


@pytest.mark.parametrize(("mean", "scheme"), [(0.0, INT8), (1 - 1e-8, FLOAT32)])
def test_auto(bert: Path, tmp_path: Path, mean: float, scheme: Any) -> None:
    recipe = EncoderOptions(name="auto", tolerance=Tolerance(mean=mean, least=0))
    exported = make_bundle(FAMILIES["text"], bert, tmp_path / "auto", recipe)
    manifest = exported.bundle.manifest
    assert manifest.precision == scheme.precision
    assert manifest.tolerance["reference"] == scheme.least_cosine
    assert all(result.ok for result in check(exported.bundle))
    card = (tmp_path / "auto/README.md").read_text(encoding="utf-8")
    assert f"chosen by measurement: {scheme.name} is the smallest" in card
    assert "tokens/s" not in "".join(exported.notes)  # nothing that depends on speed
    assert f"{scheme.name} *" in exported.notes[-1]
    named = make_bundle(FAMILIES["text"], bert, tmp_path / "named", EncoderOptions(name="auto", scheme=scheme))
    assert named.bundle.file("text.onnx").read_bytes() == exported.bundle.file("text.onnx").read_bytes()


def test_auto_between_the_two_and_twice_the_same_bytes(bert: Path, comparison: Comparison, tmp_path: Path) -> None:
    mean = {one.scheme.name: one.mean for one in comparison.measured}
    tolerance = Tolerance(mean=(mean["int8"] + mean["int8-float8"]) / 2)
    for name in ("one", "two"):
        exported = make_bundle(
            FAMILIES["text"], bert, tmp_path / name, EncoderOptions(name="same", tolerance=tolerance)
        )
    assert exported.bundle.manifest.precision not in (INT8.precision, FLOAT32.precision)
    assert exported.verification.closeness["text"].mean >= tolerance.mean
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_auto_is_not_for_word_vectors(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a 1 2\nb 3 4\nc 5 6\n")
    with pytest.raises(ExportError, match="word vectors have no --precision auto; name float32, float16 or int8"):
        export(tmp_path / "words.txt", tmp_path / "out", precision="auto")
    with pytest.raises(ExportError, match="word vectors have precisions of their own"):
        load_float(tmp_path / "words.txt", tmp_path)


def test_a_tolerance_without_a_choice(bert: Path, tmp_path: Path) -> None:
    run = click.testing.CliRunner().invoke
    for command in ("text", "bundle"):
        for option, precision in (("--tolerance", "int8"), ("--least-cosine", "float32")):
            done = run(cli, [command, str(bert), str(tmp_path / "out"), option, "0.9", "--precision", precision])
            assert done.exit_code == 2
            message = f"Error: {option} is for --precision auto, and the precision here is {precision}\n"
            assert done.output.endswith(message)
    with pytest.raises(ValueError, match="a tolerance is for precision 'auto', not for 'int8'"):
        export(bert, tmp_path / "out", precision="int8", tolerance=Tolerance())
    assert not (tmp_path / "out").exists()


def test_command(bert: Path, tmp_path: Path) -> None:
    pairs = [("a cat", "a cat", 5), ("a cat", "a dog", 3), ("a cat", "the sea", 0), ("rain", "snow", 2)]
    lines = [json.dumps({"a": a, "b": b, "score": score}) + "\n" for a, b, score in pairs]
    (tmp_path / "pairs.jsonl").write_text("".join(lines))
    run = click.testing.CliRunner().invoke
    arguments = ["quantize-table", str(bert), "--data", str(tmp_path / "pairs.jsonl"), "--json", str(tmp_path / "t")]
    done = run(cli, [*arguments, "--schemes", "float32, int8,int8-float2", "--tolerance", "1"])
    assert done.exit_code == 0, done.output
    head, *rows = done.output.split("\n\n")[0].splitlines()
    assert head.split() == ["scheme", "MB", "cosine", "mean", "least", "pairs", "spearman", "tokens/s"]
    assert [row.split()[0] for row in rows] == ["float32", "int8", "int8-float2"]
    assert rows[0].split()[1] == "*"
    found = json.loads((tmp_path / "t").read_text())
    assert found["chosen"] == "float32"
    assert [row["scheme"] for row in found["schemes"]] == ["float32", "int8", "int8-float2"]
    assert all(-100 <= row["scores"]["pairs"]["spearman"] <= 100 for row in found["schemes"])
    assert len(found["sensitivities"]) == 14
    assert {"tokens_per_second"} < set(found["schemes"][0])
    wrong = run(cli, ["quantize-table", str(bert), "--schemes", "int4"])
    assert isinstance(wrong.exception, ExportError)
    assert "no scheme is called 'int4'; there are float32, int8" in str(wrong.exception)


def test_schemes_say_what_they_are() -> None:
    assert {name: scheme.portable for name, scheme in SCHEMES.items()} == {
        "float32": True,
        "int8": True,
        "int8-8bit": False,
        "int8-table": True,
    }
    assert INT8_8BIT.precision != INT8.precision


def test_many_cores_give_the_vectors_of_one(comparison: Comparison) -> None:
    one = comparison.measured[1]
    graph = GraphVectors(one.graph)
    feeds = [feed([2, 7 + i, 3]) for i in range(5)]
    np.testing.assert_array_equal(graph(feeds), np.concatenate([graph.one(item) for item in feeds]))
