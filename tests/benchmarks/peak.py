"""How near the default bundle comes to this processor's int8 limit: ``python -m tests.benchmarks.peak``.

In one run, on one thread: the rate of integer products alone (the best shape that is tried), and the time of one run of
the graph by operators, from onnxruntime's own profile. Share of the peak is the products' share of the time that they
would need at that rate.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from edgeembed.bundle.bundle import read_bundle

_SHAPES = ((120, 384, 1536), (480, 384, 1536), (480, 1536, 384), (2048, 2048, 2048))
_PRODUCTS = ("MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger")


def _session(model: bytes | str, options: onnxruntime.SessionOptions | None = None) -> Any:
    options = options or onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def product_rate(rows: int, inner: int, columns: int, *, seconds: float = 0.5) -> float:
    """Multiplications and additions a second of ``(rows, inner)`` uint8 by ``(inner, columns)`` int8."""
    rng = np.random.default_rng(0)
    weight = numpy_helper.from_array(rng.integers(-64, 64, (inner, columns)).astype(np.int8), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["given", "weight"], ["product"])],
        "product",
        [helper.make_tensor_value_info("given", TensorProto.UINT8, [rows, inner])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [rows, columns])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = _session(model.SerializeToString())
    feed = {"given": rng.integers(0, 256, (rows, inner)).astype(np.uint8)}
    session.run(None, feed)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        for _ in range(10):
            session.run(None, feed)
        best = min(best, (time.perf_counter() - begun) / 10)
    return rows * inner * columns / best


def profile(graph: Path, tokens: int, *, runs: int = 100) -> tuple[dict[str, float], float]:
    """Seconds of one run by operator, and the whole run."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = _session(str(graph), options)
        feed = {item.name: np.ones((1, tokens), np.int64) for item in session.get_inputs()}
        feed["input_ids"] = np.random.default_rng(0).integers(999, 20_000, (1, tokens))
        for _ in range(runs):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    whole = sum(event["dur"] for event in events if event["name"] == "model_run")
    return {name: value / 1e6 / runs for name, value in spent.most_common()}, whole / 1e6 / runs


def products(graph: Path) -> int:
    """Integer multiplications and additions for each token."""
    model = onnx.load(graph).graph
    shapes = {item.name: tuple(item.dims) for item in model.initializer}
    return sum(_size(shapes, node.input) for node in model.node if node.op_type in _PRODUCTS)


def _size(shapes: dict[str, tuple[int, ...]], inputs: Any) -> int:
    return next((shapes[name][0] * shapes[name][1] for name in inputs if len(shapes.get(name, ())) == 2), 0)


def _lines(graph: Path, tokens: int, rate: float) -> Iterator[str]:
    spent, whole = profile(graph, tokens)
    wanted = products(graph) * tokens
    inside = sum(spent.get(name, 0.0) for name in _PRODUCTS)
    yield (
        f"\n{tokens} tokens: {whole * 1e3:.2f} ms, {wanted / 1e9:.2f} billion integer multiply-adds; "
        f"{wanted / rate / whole:.0%} of the peak in all, {wanted / rate / inside:.0%} inside the products"
    )
    yield "\n| operator | ms | share |\n|---|---|---|"
    for name, seconds in spent.items():
        if seconds > 0.01 * whole:
            yield f"| {name} | {seconds * 1e3:.2f} | {seconds / whole:.0%} |"
    rest = whole - sum(seconds for seconds in spent.values() if seconds > 0.01 * whole)
    yield f"| all others, and between operators | {rest * 1e3:.2f} | {rest / whole:.0%} |"


def main() -> None:
    """Print rates and tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="minilm-l6-int8")
    parser.add_argument("--tokens", type=int, nargs="+", default=[10, 120, 250])
    options = parser.parse_args()
    bundle = read_bundle(options.model)
    assert bundle.manifest.text is not None
    rates = {shape: product_rate(*shape) for shape in _SHAPES}
    for shape, rate in rates.items():
        print(f"{' x '.join(map(str, shape))}: {rate / 1e9:.0f} billion int8 multiply-adds a second")
    for tokens in options.tokens:
        print("\n".join(_lines(bundle.file(bundle.manifest.text.graph), tokens, max(rates.values()))))


if __name__ == "__main__":
    main()
