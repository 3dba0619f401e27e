"""A sealed bundle, its graph fused afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from click.testing import CliRunner
from edgeembed_export.cli.main import cli
from edgeembed_export.errors import ExportError
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.graphs.fuse import Fusions
from edgeembed_export.quantization import schemes as quantize
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.pipeline import make_bundle
from edgeembed_export.sealing.refresh import refresh

from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.maintenance.check_bundle import check


@pytest.fixture
def old(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """As it was made before graphs were fused."""

    def unfused(graph: Path, out: Path, **_: object) -> Fusions:
        shutil.copyfile(graph, out)
        return Fusions()

    monkeypatch.setattr("edgeembed_export.graphs.fuse.fuse", unfused)
    made = make_bundle(FAMILIES["text"], bert, tmp_path / "old", EncoderOptions(scheme=quantize.INT8)).bundle
    monkeypatch.undo()
    return made


def test_the_same_vectors_from_fewer_operators(old: Bundle, tmp_path: Path) -> None:
    new, same = refresh(old.path, tmp_path / "new")
    graphs = [onnx.load(bundle.file("text.onnx")).graph for bundle in (old, new)]
    assert len(graphs[1].node) < len(graphs[0].node)
    assert "Attention" in {node.op_type for node in graphs[1].node}
    assert same["median"] > 1 - 1e-9
    assert all(stage.ok for stage in check(new))
    a, b = (np.load(bundle.file("golden.npz"))["text_reference"] for bundle in (old, new))
    np.testing.assert_array_equal(a, b)
    assert new.manifest.space == old.manifest.space
    assert new.manifest.encoder != old.manifest.encoder
    assert new.manifest.quality["cosine_before_refresh"] == same
    card = new.file("README.md").read_text()
    assert "edgeembed-export refresh" in card
    assert f"| text.onnx | {new.file('text.onnx').stat().st_size} |" in card


def test_the_command(old: Bundle, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["refresh", str(old.path), str(tmp_path / "new")])
    assert result.exit_code == 0, result.output
    assert "cosine to the vectors before: mean 1.0000" in result.output
    assert read_bundle(tmp_path / "new").manifest.name == "old"


def test_an_image_tower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = read_bundle("photo-minilm")
    old = write_bundle(
        tmp_path / "old", shipped.manifest, {name: shipped.file(name) for name in shipped.manifest.files}
    )
    monkeypatch.setattr("edgeembed_export.graphs.external_weights._LEAST", 1 << 17)  # other files
    new, same = refresh(old.path, tmp_path / "new")
    assert same == {"mean": 1.0, "median": 1.0, "least": 1.0}
    sizes = [bundle.file("image.onnx.data").stat().st_size for bundle in (old, new)]
    assert sizes[0] > sizes[1] > 0
    assert sorted(path.name for path in old.path.iterdir()) == sorted([*old.manifest.files, "manifest.json"])
    for name in ("golden.npz", "background.npz"):
        assert new.file(name).read_bytes() == old.file(name).read_bytes()
    assert new.file("README.md").read_text().count("written anew") == 1


def test_other_vectors_are_refused(old: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(graph: Path, out: Path, **_: object) -> None:
        model = onnx.load(graph)
        scale = next(item for item in model.graph.initializer if item.name.endswith("_scale") and item.dims)
        scale.CopyFrom(onnx.numpy_helper.from_array(1.5 * onnx.numpy_helper.to_array(scale), scale.name))
        onnx.save(model, out)

    monkeypatch.setattr("edgeembed_export.sealing.refresh.fuse", spoil)
    with pytest.raises(ExportError, match="other vectors"):
        refresh(old.path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
