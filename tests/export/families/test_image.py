"""Image encoders: source folder in, proved bundle out; and how images become pixels, as a source says it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.cli.main import cli
from edgeembed_export.errors import ExportError
from edgeembed_export.families.image import open_image
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.quantization.choose import Tolerance
from edgeembed_export.quantization.schemes import FLOAT32, INT8, SCHEMES
from edgeembed_export.references.image import upright_rgb
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.pipeline import make_bundle
from edgeembed_export.sealing.proof.golden_images import background_images, golden_images
from edgeembed_export.sources.image_preprocessing import image_section, load_processor
from transformers import AutoModel

import edgeembed
from edgeembed.bundle.bundle import Bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.maintenance.check_bundle import check, cosines
from tests.support.tiny_towers import IMAGE_PROCESSORS, tiny_image_folder

SOURCES = {
    "vit": {"family": "vit", "pooler": False},
    "vit with a pooler": {"family": "vit", "pooler": True},
    "deit": {"family": "deit", "pooler": False},
    "dinov2": {"family": "dinov2", "pooler": False},
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by the keys of ``SOURCES``; none of the tests changes them."""
    root = tmp_path_factory.mktemp("sources")
    return {name: tiny_image_folder(root / name, **said) for name, said in SOURCES.items()}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bundles(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Bundle]:
    """Bundles by the keys of ``SOURCES`` and of ``SCHEMES``."""
    root = tmp_path_factory.mktemp("bundles")
    return {
        (name, scheme): make_bundle(
            FAMILIES["image"], source, root / f"{name}-{scheme}", EncoderOptions(scheme=SCHEMES[scheme])
        ).bundle
        for name, source in sources.items()
        for scheme in SCHEMES
    }


@pytest.fixture
def vit(tmp_path: Path) -> Path:
    """A folder to spoil."""
    return tiny_image_folder(tmp_path / "vit")


def transformers_vectors(folder: Path, images: Sequence[bytes], *, pooler: bool) -> np.ndarray:
    """Vectors of upright RGB, divided by their length, with nothing but transformers."""
    import torch
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, use_fast=False)
    model = AutoModel.from_pretrained(folder).eval()
    rows = []
    for image in images:
        with torch.inference_mode():
            out = model(**processor(upright_rgb(image), return_tensors="pt", input_data_format="channels_last"))
        rows.append((out.pooler_output if pooler else out.last_hidden_state[:, 0])[0].numpy())
    return np.stack(rows) / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("name", SOURCES)
def test_every_family_gives_transformers_vectors(
    name: str, sources: dict[str, Path], bundles: dict[tuple[str, str], Bundle], images: list[bytes]
) -> None:
    bundle = bundles[name, "float32"]
    with edgeembed.Embedder(bundle) as embedder:
        found = embedder.embed_images(images)
    expected = transformers_vectors(sources[name], images, pooler=bool(SOURCES[name]["pooler"]))
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert len({row.tobytes() for row in found}) == 50
    assert all(result.ok for result in check(bundle))


@pytest.mark.parametrize("name", SOURCES)
def test_int8_is_close_and_smaller(name: str, bundles: dict[tuple[str, str], Bundle], images: list[bytes]) -> None:
    exact, small = bundles[name, "float32"], bundles[name, "int8"]
    with edgeembed.Embedder(exact) as one, edgeembed.Embedder(small) as other:
        cosine = cosines(one.embed_images(images), other.embed_images(images))
    assert cosine.min() >= INT8.least_cosine
    assert cosine.mean() >= INT8.least_mean_cosine
    assert small.file("image.onnx").stat().st_size < 0.8 * exact.file("image.onnx").stat().st_size
    assert small.manifest.space == exact.manifest.space
    assert small.manifest.encoder != exact.manifest.encoder


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", SOURCES)
def test_an_altered_bundle_does_not_pass(
    name: str,
    scheme: str,
    bundles: dict[tuple[str, str], Bundle],
    reseal: Callable[..., Bundle],
    scaled: Callable[..., dict[str, dict[str, bytes]]],
    failing: Callable[[Bundle], list[str]],
) -> None:
    bundle = bundles[name, scheme]
    assert failing(bundle) == []
    altered = scaled(bundle, "image.onnx", 4)
    assert len(altered) == 4
    for matrix, files in altered.items():
        stages = failing(reseal(bundle, files))
        assert any(stage.startswith("image vectors against the bundle's own") for stage in stages), matrix
    section = bundle.manifest.image
    assert section is not None
    mean = (section.mean[0], section.mean[1] + 0.01, section.mean[2])
    assert failing(reseal(bundle, image=dataclasses.replace(section, mean=mean)))[0] == "pixels"


def test_twice_gives_the_same_bytes(sources: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_bundle(FAMILIES["image"], sources["dinov2"], tmp_path / name, EncoderOptions(name="same"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["LICENSE", "README.md", "background.npz", "golden.npz", "image.onnx", "manifest.json"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_auto(sources: dict[str, Path], tmp_path: Path, failing: Callable[[Bundle], list[str]]) -> None:
    """What is kept float32 follows from the tolerance, and twice the same bytes."""
    sizes = []
    for name, mean, scheme in (("near", 0.98, INT8), ("nearest", 1 - 1e-8, FLOAT32), ("between", 0.9997, None)):
        recipe = EncoderOptions(name="auto", tolerance=Tolerance(mean=mean, least=0.9))
        exported = make_bundle(FAMILIES["image"], sources["vit"], tmp_path / name, recipe)
        manifest = exported.bundle.manifest
        precisions = {INT8.precision, FLOAT32.precision}
        assert manifest.precision == scheme.precision if scheme else manifest.precision not in precisions
        assert exported.verification.closeness["image"].mean >= mean
        assert failing(exported.bundle) == []
        card = exported.bundle.file("README.md").read_text(encoding="utf-8")
        assert f"to the float model of at least {mean} over ordinary pictures" in card
        assert "int8-table" not in card  # there is no table
        sizes.append(exported.bundle.file("image.onnx").stat().st_size)
    assert sizes[0] < sizes[2] < sizes[1]
    assert "int8-float4" in exported.notes[-1]
    assert "pictures/s" not in exported.notes[-1]
    make_bundle(FAMILIES["image"], sources["vit"], tmp_path / "again", recipe)
    for path in (tmp_path / "between").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_patches_stay_float(bundles: dict[tuple[str, str], Bundle]) -> None:
    import onnx

    graph = onnx.load(bundles["vit", "int8"].file("image.onnx")).graph
    kinds = {item.name: item.data_type for item in graph.initializer}
    (patches,) = [node for node in graph.node if "Conv" in node.op_type]
    assert kinds[patches.input[1]] == onnx.TensorProto.FLOAT
    assert onnx.TensorProto.INT8 in kinds.values()


def test_quantize_table(sources: dict[str, Path], tmp_path: Path) -> None:
    for number, image in enumerate(background_images()[:12]):
        (tmp_path / f"{number}.png").write_bytes(image)
    rows = [json.dumps({"image": f"{number}.png", "label": number % 6}) + "\n" for number in range(12)]
    (tmp_path / "kinds_labels.jsonl").write_text("".join(rows))
    arguments = ["quantize-table", str(sources["vit"]), "--schemes", "float32,int8,int8-float2"]
    done = click.testing.CliRunner().invoke(
        cli, [*arguments, "--data", str(tmp_path / "kinds_labels.jsonl"), "--json", str(tmp_path / "table.json")]
    )
    assert done.exit_code == 0, done.output
    head, *lines = done.output.split("\n\n")[0].splitlines()
    assert head.split() == ["scheme", "MB", "cosine", "mean", "least", "kinds", "knn", "accuracy", "pictures/s"]
    assert [line.split()[0] for line in lines] == ["float32", "int8", "int8-float2"]
    found = json.loads((tmp_path / "table.json").read_text())
    assert found["chosen"] == "int8"
    rows = {row["scheme"]: row for row in found["schemes"]}
    assert rows["float32"]["cosine_mean"] == 1
    assert 0 <= rows["int8"]["scores"]["kinds"]["knn accuracy"] <= 100
    assert rows["int8"]["pictures_per_second"] > 0
    assert len(rows["int8-float2"]["kept_float"]) == 2
    assert len(found["sensitivities"]) == 12
    assert all(item["operator"] == "MatMul" or item["operator"] == "Gemm" for item in found["sensitivities"])
    refused = click.testing.CliRunner().invoke(cli, [*arguments, "--max-tokens", "9"])
    assert "takes no tokens" in str(refused.exception)


def test_facts_of_the_bundle(sources: dict[str, Path], bundles: dict[tuple[str, str], Bundle]) -> None:
    bundle = bundles["deit", "int8"]
    manifest, source = bundle.manifest, open_image(sources["deit"])
    assert manifest.text is None
    assert manifest.image is not None
    assert manifest.dim == 32
    assert manifest.space == f"deit@{source.weights_sha256[:12]}/32"
    assert manifest.precision == INT8.precision
    assert set(manifest.quality) == {"image_cosine_to_reference"}
    assert "pillow" in manifest.exported_with
    card = bundle.file("README.md").read_text(encoding="utf-8")
    for fact in ("stretched to 37 x 37 (bicubic), then the middle 32 x 32", "class token", "embed_images", "pictures"):
        assert fact in card, fact
    assert "embed_texts" not in card
    pooled = bundles["vit with a pooler", "int8"].file("README.md").read_text(encoding="utf-8")
    assert "the model's own pooler" in pooled
    with np.load(bundle.file("background.npz")) as background:
        assert background.files == ["image"]
        assert background["image"].shape == (len(background_images()), 32)


def test_the_golden_images_are_hard() -> None:
    import io

    from PIL import Image

    opened = [Image.open(io.BytesIO(image)) for image in golden_images()]
    assert {"RGB", "P", "RGBA", "LA", "L", "1", "I;16", "CMYK"} <= {image.mode for image in opened}
    assert {image.format for image in opened} == {"PNG", "JPEG"}
    assert {image.getexif().get(0x0112) for image in opened} >= {2, 6, 8}
    assert any(image.width > image.height for image in opened)
    assert any(image.width < image.height for image in opened)
    assert any(image.width % 2 and image.height % 2 for image in opened)
    assert min(image.width for image in opened) == 1
    assert sum(map(len, golden_images())) < 150_000
    for image in opened:
        if image.format == "JPEG":  # of one colour in every block, where no two decoders differ
            values = np.asarray(image)
            blocks = values.reshape(values.shape[0] // 8, 8, values.shape[1] // 8, 8, -1)
            assert (blocks == blocks[:, :1, :, :1]).all()


@pytest.mark.parametrize("family", IMAGE_PROCESSORS)
def test_usual_processors(family: str, tmp_path: Path) -> None:
    import transformers

    name, said = IMAGE_PROCESSORS[family]
    getattr(transformers, name)(**said).save_pretrained(tmp_path)
    expected = {
        "vit": ("stretch", None, "none", "bilinear"),
        "deit": ("stretch", 37, "center", "bicubic"),
        "dinov2": ("shortest-edge", 37, "center", "bicubic"),
        "clip": ("shortest-edge", 32, "center", "bicubic"),
        "siglip": ("stretch", None, "none", "bicubic"),
    }
    section = section_of(tmp_path)
    assert (section.resize, section.resize_to, section.crop, section.filter) == expected[family]
    assert (section.height, section.width, section.scale, section.mode) == (32, 32, 1 / 255, "RGB")
    assert len(section.mean) == len(section.std) == 3


def test_other_things_that_a_processor_may_say(vit: Path, edit_json: Callable[..., None]) -> None:
    file = vit / "preprocessor_config.json"
    edit_json(file, resample=1, rescale_factor=1 / 128, image_mean=0.5, image_std=[1, 2, 4])
    section = section_of(vit)
    assert (section.filter, section.scale) == ("lanczos", 1 / 128)
    assert (section.mean, section.std) == ((0.5, 0.5, 0.5), (1.0, 2.0, 4.0))
    edit_json(file, do_rescale=False, do_normalize=False)
    section = section_of(vit)
    assert (section.scale, section.mean, section.std) == (1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_a_configuration_of_old(vit: Path) -> None:
    (vit / "preprocessor_config.json").write_text(
        '{"feature_extractor_type": "CLIPFeatureExtractor", "size": 40, "crop_size": 32, "do_center_crop": true, '
        '"do_resize": true, "do_normalize": true, "resample": 3, "image_mean": [0.4, 0.4, 0.4], '
        '"image_std": [0.2, 0.2, 0.2]}'
    )
    section = section_of(vit)
    assert (section.resize, section.resize_to, section.crop, section.height) == ("shortest-edge", 40, "center", 32)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"do_flip_channel_order": True}, "do_flip_channel_order = True"),
        ({"crop_pct": 0.875}, "crop_pct = 0.875"),
        ({"resample": 17}, "resample = 17"),
        ({"image_std": [1, 0, 1]}, "std not 0"),
        ({"image_mean": [0.5]}, "mean and std need 3 numbers"),
        ({"do_resize": False}, "without a crop"),
        ({"auto_map": {"AutoImageProcessor": "own.Processor"}}, "code of the model's own"),
        ({"image_processor_type": "NoSuchProcessor"}, "cannot load the image processor"),
        ({"size": {"height": 48, "width": 48}}, "pictures of 48 x 48 pixels do not fit to the model"),
    ],
)
def test_what_cannot_be_honoured(
    vit: Path, tmp_path: Path, edit_json: Callable[..., None], changes: dict[str, Any], named: str
) -> None:
    edit_json(vit / "preprocessor_config.json", **changes)
    assert named in refusal(vit, tmp_path)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"do_center_crop": False}, "resizes by the shortest edge and does not crop"),
        ({"size": {"height": 40, "width": 50}}, "before a crop"),
        ({"size": {"shortest_edge": 40, "longest_edge": 80}}, "longest_edge"),
    ],
)
def test_sizes_that_cannot_be_honoured(
    tmp_path: Path, edit_json: Callable[..., None], changes: dict[str, Any], named: str
) -> None:
    folder = tiny_image_folder(tmp_path / "dinov2", "dinov2")
    edit_json(folder / "preprocessor_config.json", **changes)
    assert named in refusal(folder, tmp_path)


def test_unsuitable_sources(vit: Path, tmp_path: Path, edit_json: Callable[..., None]) -> None:
    (vit / "preprocessor_config.json").rename(tmp_path / "kept")
    assert "no preprocessor_config.json" in refusal(vit, tmp_path)
    (tmp_path / "kept").rename(vit / "preprocessor_config.json")
    edit_json(vit / "config.json", num_hidden_layers=3)
    assert "the weights lack encoder.layer.2." in refusal(vit, tmp_path)
    edit_json(vit / "config.json", num_hidden_layers=2, hidden_size=64)
    assert "cannot load the model" in refusal(vit, tmp_path)
    edit_json(vit / "config.json", model_type="convnext")
    assert "image encoders of type convnext are not supported; those of vit, deit, dinov2 are" in refusal(vit, tmp_path)
    edit_json(vit / "config.json", model_type="vit")
    (vit / "model.safetensors").rename(vit / "pytorch_model.bin")
    assert "pickle" in refusal(vit, tmp_path)


def section_of(folder: Path) -> ImageSection:
    source = dataclasses.replace(open_image(folder)) if (folder / "config.json").is_file() else _bare(folder)
    return image_section(source, load_processor(source))


def _bare(folder: Path) -> Any:
    from edgeembed_export.sources.source import Source

    return Source(
        path=folder, id="", revision="", weights_sha256="", config={"model_type": "vit"}, license=None, training_data=()
    )


def refusal(folder: Path, tmp_path: Path) -> str:
    with pytest.raises(ExportError) as caught:
        make_bundle(FAMILIES["image"], folder, tmp_path / "out", EncoderOptions(scheme=FLOAT32))
    assert not (tmp_path / "out").exists()
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    return message
