"""The replay of golden inputs: it passes here, and an altered bundle fails even under fresh hashes."""

from __future__ import annotations

import dataclasses
import io
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.maintenance.check_bundle import check, cosines
from tests.support import altered

Reseal = Callable[..., Bundle]
EMULATOR = shutil.which("qemu-x86_64")


def failing(bundle: Bundle) -> list[str]:
    return [result.stage for result in check(bundle) if not result.ok]


def scaled(bundle: Bundle, name: str, factor: float) -> dict[str, bytes]:
    """The graph with one of its tensors multiplied."""
    return {"text.onnx": altered.scaled(onnx.load(bundle.file("text.onnx")), name, factor)}


def test_the_shipped_bundle_passes() -> None:
    results = check(read_bundle())
    assert [result.stage for result in results if result.stage.startswith("token ids")] == ["token ids"]
    assert [result.stage for result in results][1:] == [
        "vocabulary",
        "vectors against the float model",
        "vectors against the bundle's own (closest 30%)",
        "vectors against the bundle's own (all)",
    ]
    for result in results:
        assert result.ok
        assert 0 <= result.worst <= result.allowed


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64" or EMULATOR is None, reason="there is no qemu-x86_64 (qemu-user)")
def test_the_shipped_bundle_passes_without_vnni() -> None:
    """On a Haswell, which has AVX2 and no VNNI: where int8 products of 8 bits would saturate."""
    assert EMULATOR is not None
    program = "from edgeembed.cli.main import main; main()"
    command = [EMULATOR, "-cpu", "Haswell", sys.executable, "-c", program, "check"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("ok ") == 5, found.stdout


def test_the_tiny_bundle_passes_with_any_number_of_threads(tiny_bundle: Path) -> None:
    for threads in (1, 3, None):
        assert all(result.ok for result in check(read_bundle(tiny_bundle), threads=threads))


@pytest.mark.slow
def test_one_scaled_weight_matrix_of_the_shipped_bundle(reseal: Reseal) -> None:
    """Int8: the scales of a matrix stand for it. The last layer matters least to the vector, so it is tried."""
    bundle = read_bundle()
    graph = onnx.load(bundle.file("text.onnx")).graph
    scales = [item.name for item in graph.initializer if item.name.endswith("_scale") and item.dims == [384]]
    assert len(scales) >= 24
    for name in (scales[0], *scales[-5:]):
        assert failing(reseal(bundle, scaled(bundle, name, 1.02))), name


@pytest.mark.slow
@pytest.mark.parametrize("limit", [255, 257])
def test_an_altered_limit(reseal: Reseal, limit: int) -> None:
    bundle = read_bundle()
    assert bundle.manifest.text is not None
    altered = reseal(bundle, text=dataclasses.replace(bundle.manifest.text, max_tokens=limit))
    assert failing(altered)[0] == "token ids"


def test_altered_prefixes(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    assert bundle.manifest.text is not None
    altered = reseal(bundle, text=dataclasses.replace(bundle.manifest.text, document_prefix="a ", query_prefix="a "))
    assert failing(altered)[0] == "token ids"


def test_an_altered_query_prefix(tmp_path: Path, reseal: Reseal) -> None:
    from tests.support.tiny import tiny_text_bundle

    bundle = read_bundle(tiny_text_bundle(tmp_path / "prefixed", query_prefix="query: "))
    assert failing(bundle) == []
    assert bundle.manifest.text is not None
    altered = reseal(bundle, text=dataclasses.replace(bundle.manifest.text, query_prefix="question: "))
    assert failing(altered) == ["token ids of queries"]


def test_an_altered_tokenizer(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    content = bundle.file("tokenizer.json").read_text(encoding="utf-8")
    assert '"lowercase":true' in content
    altered = reseal(bundle, {"tokenizer.json": content.replace('"lowercase":true', '"lowercase":false').encode()})
    assert "token ids" in failing(altered)


def test_one_altered_row_of_the_table(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    model = onnx.load(bundle.file("text.onnx"))
    tensor = next(item for item in model.graph.initializer if item.name == "table")
    table = numpy_helper.to_array(tensor).copy()
    table[3] *= 1.02  # [SEP], which every text has
    tensor.CopyFrom(numpy_helper.from_array(table, "table"))
    stages = failing(reseal(bundle, {"text.onnx": model.SerializeToString()}))
    assert len(stages) == 3
    assert all(stage.startswith("vectors against") for stage in stages)


def test_vectors_that_are_not_finite_do_not_pass(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    results = check(reseal(bundle, scaled(bundle, "table", np.nan)))
    assert [result.ok for result in results] == [True, True, False, False, False]
    assert all(np.isfinite(result.worst) for result in results)


def test_vectors_of_another_length_do_not_pass(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    model = onnx.load(bundle.file("text.onnx"))
    last = model.graph.node[-1]
    last.input[1] = "count"  # divides by the number of tokens: the same direction, another length
    assert last.op_type == "Div"
    assert len(failing(reseal(bundle, {"text.onnx": model.SerializeToString()}))) == 3


def test_without_golden_inputs(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    files: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files if name != "golden.npz"}
    with pytest.raises(edgeembed.BundleError, match="cannot be checked"):
        check(write_bundle(tmp_path / "out", bundle.manifest, files))


def test_golden_inputs_that_cannot_be_read(tiny_bundle: Path, tmp_path: Path, reseal: Reseal) -> None:
    np.savez(tmp_path / "pickled.npz", texts=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "incomplete.npz", texts=np.array(["a"]))
    contents = [b"", b"PK\x03\x04 broken"] + [(tmp_path / f"{n}.npz").read_bytes() for n in ("pickled", "incomplete")]
    for content in contents:
        with pytest.raises(edgeembed.BundleError, match=r"golden\.npz: (cannot be read|does not follow)"):
            check(reseal(read_bundle(tiny_bundle), {"golden.npz": content}))


def test_cosines() -> None:
    a = np.array([[1, 0], [1, 0], [2, 2], [0, 0], [np.nan, 1]], np.float32)
    b = np.array([[1, 0], [0, 3], [5, 5], [1, 0], [1, 1]], np.float32)
    np.testing.assert_allclose(cosines(a, b), [1, 0, 1, -1, -1], atol=1e-12)


def test_a_token_that_no_golden_text_has(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    data = json.loads(bundle.file("tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    vocabulary["##qj"], vocabulary["##vx"] = vocabulary["##vx"], vocabulary["##qj"]
    altered = reseal(bundle, {"tokenizer.json": json.dumps(data, ensure_ascii=False).encode()})
    assert failing(altered) == ["vocabulary"]


def test_a_limit_that_no_golden_text_reaches(tmp_path: Path, reseal: Reseal) -> None:
    from tests.support.tiny import tiny_text_bundle

    bundle = read_bundle(tiny_text_bundle(tmp_path / "long", max_tokens=2000))
    assert failing(bundle) == []
    assert bundle.manifest.text is not None
    for limit in (1999, 2001, 4000):
        altered = reseal(bundle, text=dataclasses.replace(bundle.manifest.text, max_tokens=limit))
        assert failing(altered) == ["token ids at the limit"]


def test_a_query_prefix_that_is_gone(tmp_path: Path, reseal: Reseal) -> None:
    from tests.support.tiny import tiny_text_bundle

    bundle = read_bundle(tiny_text_bundle(tmp_path / "prefixed", query_prefix="query: "))
    assert bundle.manifest.text is not None
    altered = reseal(bundle, text=dataclasses.replace(bundle.manifest.text, query_prefix=""))
    assert failing(altered) == ["token ids of queries"]


def test_one_row_that_a_single_text_has(tiny_bundle: Path, reseal: Reseal) -> None:
    """The closest half of the texts do not have it."""
    bundle = read_bundle(tiny_bundle)
    model = onnx.load(bundle.file("text.onnx"))
    tensor = next(item for item in model.graph.initializer if item.name == "table")
    table = numpy_helper.to_array(tensor).copy()
    rare = json.loads(bundle.file("tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]["re"]  # renew
    table[rare] *= -1
    tensor.CopyFrom(numpy_helper.from_array(table, "table"))
    stages = failing(reseal(bundle, {"text.onnx": model.SerializeToString()}))
    assert "vectors against the bundle's own (all)" in stages


def test_bundles_made_before_have_less_to_compare(tiny_bundle: Path, reseal: Reseal) -> None:
    bundle = read_bundle(tiny_bundle)
    with np.load(bundle.file("golden.npz")) as archive:
        golden = {name: archive[name] for name in archive.files if name not in ("words", "words_self", "vocabulary")}
    content = io.BytesIO()
    np.savez(content, **golden)
    old = reseal(bundle, {"golden.npz": content.getvalue()}, tolerance={"reference": 1 - 1e-9, "self": 1 - 1e-9})
    assert [result.stage for result in check(old) if result.ok] == [
        "token ids",
        "vectors against the float model",
        "vectors against the bundle's own (all)",
    ]
