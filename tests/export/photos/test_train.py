"""Photo towers: the backbone, views, training that helps and can go on, and that they become proved bundles."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from click.testing import CliRunner
from edgeembed_export.cli.main import cli
from edgeembed_export.distillation.training import read_log
from edgeembed_export.errors import ExportError
from edgeembed_export.photos.networks.backbone import Backbone
from edgeembed_export.photos.networks.mobilenet import load_mobilenet
from edgeembed_export.photos.recipes import PHOTOS, BackboneRecipe, PhotoRecipe, PhotoSet
from edgeembed_export.photos.soup import blended, soup_logs, train_soup
from edgeembed_export.photos.teacher import bundle_photo_teacher, is_two_tower, two_tower_photo_teacher
from edgeembed_export.photos.tower import PhotoTower, TowerRecipe, told_apart
from edgeembed_export.photos.train import read_photos, train_photos
from edgeembed_export.photos.training import PhotoPlan, TrainingData, backbone_probabilities, run_tower, train_tower
from edgeembed_export.photos.views import FeatureCache, stretched

import edgeembed
from edgeembed.bundle.bundle import Bundle
from edgeembed.maintenance.check_bundle import check, cosines
from tests.support.tiny_photo import tiny_backbone, tiny_photos
from tests.support.tiny_towers import tiny_clip_folder

RECIPE = PhotoRecipe(
    name="tiny-photo",
    tower=TowerRecipe(split=2, dropout=0.0),
    plan=PhotoPlan(steps=60, batch=16, views=2, learning_rate=1e-2, ema_decay=0.9, log_every=10, evaluate_every=20),
    photos=PhotoSet(file="images/tiny_captions.jsonl", name="drawn shapes", terms="the project's own"),
    backbone=BackboneRecipe(package=None, arrays="backbones/tiny.npz", names="backbones/tiny.txt", id="tiny"),
    side=32,
    prompts=("{}", "a picture of a {}"),
)


@pytest.fixture(scope="module")
def photo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone and drawn photos, laid out as the data are."""
    folder = tmp_path_factory.mktemp("data")
    tiny_backbone(folder / "backbones")
    tiny_photos(folder / "images")
    return folder


@pytest.fixture(scope="module")
def backbone(photo_data: Path) -> Backbone:
    return load_mobilenet(photo_data / "backbones/tiny.npz", photo_data / "backbones/tiny.txt")


@pytest.fixture
def training(photo_data: Path, backbone: Backbone, tmp_path: Path) -> tuple[PhotoTower, TrainingData]:
    """An untrained tower into a space of 8 dimensions made up here, and what to train it on."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    names = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(12, 8)).astype(np.float32)), dim=1)
    tower = PhotoTower(backbone, names, RECIPE.tower)
    photos = read_photos(photo_data / RECIPE.photos.file)
    seen = FeatureCache(tower.trunk, tmp_path / "seen", side=32, mean=backbone.mean, std=backbone.std, key="tiny")
    words = sorted({caption for captions in photos.captions for caption in captions})
    vectors = rng.normal(size=(len(words), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    captions = np.stack([vectors[words.index(caption)] for captions in photos.captions for caption in captions])
    owners = np.repeat(np.arange(len(photos.files)), 2)
    maps = [seen.maps(photos.files, number=number) for number in range(2)]
    return tower, TrainingData(maps, backbone_probabilities(tower, maps), captions, owners)


def test_the_backbone_is_read_block_by_block(backbone: Backbone) -> None:
    assert [block.residual for block in backbone.blocks] == [False, True, False, True, False]
    assert backbone.features == 16
    assert len(backbone.names) == 12
    assert backbone.names[0] == "red disc, thing"
    assert backbone.blocks(torch.zeros(2, 3, 32, 32)).shape == (2, 16, 8, 8)
    assert backbone.blocks(torch.zeros(1, 3, 31, 45)).shape == (1, 16, 8, 12)


def test_padding_is_that_of_tensorflow(backbone: Backbone) -> None:
    first = backbone.blocks[0].layers[0]
    pixels = torch.randn(1, 3, 8, 8)
    padded = torch.nn.functional.pad(pixels, (0, 1, 0, 1))  # at the right and below alone: 8 is even, the stride 2
    expected = torch.nn.functional.conv2d(padded, first.weight, first.bias, stride=2).clamp(0, 6)
    assert torch.allclose(first(pixels), expected, atol=1e-6)
    odd = torch.nn.functional.conv2d(pixels[..., :7, :7], first.weight, first.bias, stride=2, padding=1).clamp(0, 6)
    assert torch.allclose(first(pixels[..., :7, :7]), odd, atol=1e-6)


def test_what_is_no_mobilenet_is_refused(photo_data: Path, tmp_path: Path) -> None:
    with np.load(photo_data / "backbones/tiny.npz") as file:
        arrays = {key: file[key] for key in file.files}
    names = photo_data / "backbones/tiny.txt"
    meta = json.loads(arrays.pop("meta").tobytes())
    layers = meta["ops"][:-2]  # without the mean and the classifier
    for ops, message in (([*layers, {"op": "SOFTMAX"}], "is SOFTMAX"), (layers, "no mean over places")):
        content = np.frombuffer(json.dumps({**meta, "ops": ops}).encode(), np.uint8)
        np.savez(tmp_path / "other.npz", meta=content, **arrays)
        with pytest.raises(ExportError, match=message):
            load_mobilenet(tmp_path / "other.npz", names)
    (tmp_path / "few.txt").write_text("background\nred disc\n")
    with pytest.raises(ExportError, match="has 1 names"):
        load_mobilenet(photo_data / "backbones/tiny.npz", tmp_path / "few.txt")


def test_what_is_seen_is_kept(photo_data: Path, backbone: Backbone, tmp_path: Path) -> None:
    photos = read_photos(photo_data / RECIPE.photos.file)
    assert len(photos.files) == len(photos.captions) == 42

    def seen() -> FeatureCache:
        return FeatureCache(
            backbone.blocks[:2], tmp_path / "seen", side=32, mean=backbone.mean, std=backbone.std, key="k"
        )

    whole, part = seen().maps(photos.files), seen().maps(photos.files, number=1, seed=3)
    assert whole.shape == part.shape == (42, 16, 16, 8)
    assert whole.dtype == np.float16
    assert not np.array_equal(whole, part)
    kept = sorted((tmp_path / "seen").iterdir())
    assert len(kept) == 2
    assert {path.suffix for path in kept} == {".npy"}
    times = [path.stat().st_mtime_ns for path in kept]
    assert np.array_equal(seen().maps(photos.files, number=1, seed=3), part)
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert not np.array_equal(seen().maps(photos.files, number=1, seed=4), part)


def test_the_surer_the_backbone_the_more_its_name_counts(backbone: Backbone) -> None:
    tower = PhotoTower(backbone, torch.eye(12, 16), TowerRecipe(split=2, weight=2.0, power=1.5))
    seen = torch.eye(12, 16)[11:]  # says the last class
    sure, unsure = torch.full((1, 12), 0.001), torch.full((1, 12), 1 / 12)
    sure[0, 0] = 0.989
    assert int(tower.joined(seen, sure).argmax()) == 0
    assert int(tower.joined(seen, unsure).argmax()) == 11
    for probabilities in (sure, unsure):
        assert float(tower.joined(seen, probabilities).norm()) == pytest.approx(1)


def test_names_that_are_alike_are_told_apart(backbone: Backbone) -> None:
    rng = np.random.default_rng(0)
    alike = rng.normal(size=(12, 8)) * 0.2 + rng.normal(size=8)  # kinds of one thing
    names = torch.nn.functional.normalize(torch.from_numpy(alike.astype(np.float32)), dim=1)
    apart = told_apart(names, 0.1)
    torch.testing.assert_close(apart.norm(dim=1), torch.ones(12))

    def lead(directions: torch.Tensor) -> float:
        similarity = directions @ names.T
        return float((similarity.diagonal() - similarity.masked_fill(torch.eye(12) > 0, -1).amax(1)).mean())

    assert lead(apart) > 2 * lead(names) > 0
    assert float((apart @ names.mean(0)).min()) > 0, "what all share still finds them"
    tower = PhotoTower(backbone, names, TowerRecipe(split=2, apart=0.1))
    torch.testing.assert_close(tower.directions, apart)
    torch.testing.assert_close(tower.names, names)


def test_training_helps_and_goes_on_where_it_was_interrupted(
    training: tuple[PhotoTower, TrainingData], backbone: Backbone, tmp_path: Path
) -> None:
    tower, data = training
    assert data.captions is not None
    frozen = [value.clone() for value in tower.trunk.parameters()]

    def right(trained: PhotoTower) -> dict[str, float]:
        """Share of captions whose photo looks as the nearest photo does."""
        found = run_tower(trained, data.maps[0]) @ data.captions[::2].T
        same = data.captions[::2] @ data.captions[::2].T > 0.999
        return {"right": float(np.mean([same[i, found[i].argmax()] for i in range(len(found))]))}

    torch.manual_seed(1)
    begun = PhotoTower(backbone, tower.names, RECIPE.tower)
    state = {name: value.clone() for name, value in begun.state_dict().items()}
    at_once = train_tower(begun, data, RECIPE.plan, tmp_path / "once", evaluate=right)
    log = read_log(tmp_path / "once" / "log.jsonl")
    scores = [line["right"] for line in log if "right" in line]
    assert len(scores) == 4
    assert scores[-1] >= scores[0] + 0.15
    losses = [line for line in log if "loss" in line]
    assert losses[-1]["caption"] < losses[0]["caption"]
    assert set(losses[0]) >= {"loss", "caption", "naming", "keeping"}
    for old, new in zip(frozen, at_once.trunk.parameters(), strict=True):
        assert torch.equal(old, new)
    # What is seen and what it is called come of the same features, which have changed; the names have not much.
    assert not torch.equal(at_once.tail[0].layers[0].weight, tower.tail[0].layers[0].weight)
    before, after = (backbone_probabilities(some, data.maps)[0].float() for some in (tower, at_once))
    assert float((before - after).abs().mean()) < 0.04

    for stop in (40, None):
        again = PhotoTower(backbone, tower.names, RECIPE.tower)
        again.load_state_dict(state)
        parts = train_tower(again, data, RECIPE.plan, tmp_path / "parts", evaluate=right, stop_after=stop)
    assert np.array_equal(run_tower(parts, data.maps[1]), run_tower(at_once, data.maps[1]))
    parted = read_log(tmp_path / "parts" / "log.jsonl")
    assert [line | {"seconds": 0} for line in parted] == [line | {"seconds": 0} for line in log]
    with pytest.raises(ExportError, match="another recipe"):
        train_tower(again, data, replace(RECIPE.plan, seed=5), tmp_path / "parts")


def test_several_runs_are_averaged_and_go_on_where_they_were_interrupted(
    training: tuple[PhotoTower, TrainingData], tmp_path: Path
) -> None:
    tower, data = training
    state = {name: value.clone() for name, value in tower.state_dict().items()}
    # With dropout and mixtures: both are drawn anew at every step, and must be the same after an interruption.
    tower.head.dropout.p = 0.3
    plan = replace(RECIPE.plan, steps=20, runs=2, mixup=0.4, evaluate_every=10)
    mean = train_soup(tower, data, plan, tmp_path / "once")
    assert all(torch.equal(value, tower.state_dict()[name]) for name, value in state.items())
    logs = soup_logs(plan, tmp_path / "once")
    assert [log.parent.name for log in logs] == ["run-1", "run-2"]
    first, second = (read_log(log) for log in logs)
    assert first[0]["loss"] != second[0]["loss"]
    assert {"caption", "mixed", "naming"} <= first[0].keys()

    each = [
        train_tower(copy.deepcopy(tower), data, replace(plan, runs=1, seed=seed), log.parent)
        for seed, log in enumerate(logs)
    ]  # finished: nothing is trained again
    for name, value in mean.head.state_dict().items():
        of_each = torch.stack([one.head.state_dict()[name].double() for one in each])
        assert torch.allclose(value.double(), of_each.mean(0), atol=1e-6)
    assert not torch.equal(each[0].head.layers.weight, each[1].head.layers.weight)

    cut = replace(plan, runs=1, seed=1)
    train_tower(copy.deepcopy(tower), data, cut, tmp_path / "parts" / "run-2", stop_after=10)
    parts = train_soup(tower, data, plan, tmp_path / "parts")
    assert np.array_equal(run_tower(parts, data.maps[0]), run_tower(mean, data.maps[0]))


def test_some_of_the_backbone_comes_back(backbone: Backbone) -> None:
    begun, trained = (PhotoTower(backbone, torch.eye(12, 16), RECIPE.tower) for _ in range(2))
    with torch.no_grad():
        for parameter in (*trained.tail.parameters(), *trained.classifier.parameters()):
            parameter.add_(1)
    found = blended(trained, begun, 0.25)
    for part in ("tail", "classifier"):
        for value, old in zip(getattr(found, part).parameters(), getattr(begun, part).parameters(), strict=True):
            assert torch.allclose(value, old + 0.75, atol=1e-6)
    assert torch.equal(found.head.layers.weight, trained.head.layers.weight)
    assert not torch.equal(found.classifier.weight, trained.classifier.weight)  # which is left as it was


def test_mixtures_follow_a_teacher_too(training: tuple[PhotoTower, TrainingData], tmp_path: Path) -> None:
    tower, data = training
    assert data.captions is not None
    taught = replace(data, captions=None, owners=None, teacher_vectors=[data.captions[::2]] * 2)
    train_tower(tower, taught, replace(RECIPE.plan, mixup=0.4), tmp_path)
    vectors = [line["vector"] for line in read_log(tmp_path / "log.jsonl") if "vector" in line]
    assert vectors[-1] < vectors[0] - 0.04


def test_a_tower_becomes_a_proved_bundle_in_the_space_of_texts(
    photo_data: Path, tiny_bundle: Path, tmp_path: Path, scaled: Callable[..., Any], reseal: Callable[..., Bundle]
) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as texts:
        made = train_photos(bundle_photo_teacher(texts), photo_data, tmp_path, RECIPE)
        manifest = made.bundle.manifest
        assert manifest.space == texts.manifest.space
        assert manifest.text is None
    assert all(stage.ok for stage in check(made.bundle))
    assert {"text to image R@1", "image to text R@10"} <= made.scores["bundle"]["tiny_dev"].keys()
    assert manifest.quality["scores"] == made.scores["bundle"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    card = made.bundle.file("README.md").read_text(encoding="utf-8")
    assert "trained from there on" in card
    assert "smaller student" not in card
    assert "drawn shapes" in card
    assert "the project's own" in card
    assert "--photos FILE.jsonl" in card
    for name, files in scaled(made.bundle, "image.onnx", 4).items():
        altered = reseal(made.bundle, files)
        assert not all(stage.ok for stage in check(altered)), name
    again = train_photos(bundle_photo_teacher(edgeembed.Embedder.load(tiny_bundle)), photo_data, tmp_path, RECIPE)
    assert again.bundle.manifest.digest == manifest.digest


def test_weights_are_stored_small_and_opened_as_floats(photo_data: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    with edgeembed.Embedder.load(tiny_bundle) as texts:
        made = train_photos(bundle_photo_teacher(texts), photo_data, tmp_path, RECIPE)
    graph = onnx.load(made.bundle.file("image.onnx")).graph
    kept = {item.data_type: 0 for item in graph.initializer}
    for item in graph.initializer:
        kept[item.data_type] += int(np.prod(item.dims))
    assert kept[onnx.TensorProto.INT8] > kept[onnx.TensorProto.FLOAT]
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "opened.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(made.bundle.file("image.onnx")), options, providers=["CPUExecutionProvider"])
    opened = onnx.load(tmp_path / "opened.onnx").graph
    operators = [node.op_type for node in opened.node]
    assert operators.count("QLinearConv") >= 10
    assert not {"Cast", "Conv", "FusedConv"} & set(operators)


def test_a_clip_folder_teaches_its_images(photo_data: Path, tmp_path: Path) -> None:
    folder = tiny_clip_folder(tmp_path / "clip")
    assert is_two_tower(str(folder))
    assert not is_two_tower("minilm-l6-int8")
    assert not is_two_tower(str(tmp_path))
    teacher = two_tower_photo_teacher(folder)
    assert teacher.images is not None
    # No captions at all: a folder of images.
    recipe = replace(RECIPE, photos=replace(RECIPE.photos, file="images"), plan=replace(RECIPE.plan, steps=120))
    made = train_photos(teacher, photo_data, tmp_path / "out", recipe)
    exported = tmp_path / "bundle"
    assert CliRunner().invoke(cli, [str(folder), str(exported), "--precision", "float32"]).exit_code == 0
    images = [path.read_bytes() for path in sorted((photo_data / "images").glob("*.png"))]
    with edgeembed.Embedder.load(exported) as whole, edgeembed.Embedder.load(made.bundle.path) as student:
        assert whole.manifest.space == student.manifest.space
        close = cosines(student.embed_images(images), whole.embed_images(images))
    log = [line for line in read_log(tmp_path / "out" / "log.jsonl") if "vector" in line]
    assert log[-1]["vector"] < log[0]["vector"]
    assert close.mean() > 1 - log[0]["vector"]


def test_what_cannot_be_learnt_is_refused(photo_data: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as texts:
        teacher = bundle_photo_teacher(texts)
        bare = replace(RECIPE, photos=replace(RECIPE.photos, file="images"))
        with pytest.raises(ExportError, match="nothing to learn"):
            train_photos(teacher, photo_data, tmp_path, bare)
        rows = tmp_path / "some.jsonl"
        rows.write_text('{"image": "gone.png", "captions": ["a"]}\n')
        with pytest.raises(ExportError, match=r"1 of 1 photos are not beside it \(such as \['gone.png'\]\)"):
            train_photos(teacher, photo_data, tmp_path, replace(RECIPE, photos=replace(RECIPE.photos, file=str(rows))))


def test_the_command_says_what_there_is(tmp_path: Path) -> None:
    found = CliRunner().invoke(cli, ["photos", "--recipe", "none", "--data", str(tmp_path), "--out", str(tmp_path)])
    assert found.exit_code == 2
    assert "photo-minilm" in found.output
    assert PHOTOS["photo-minilm"].photos.terms.startswith("research and education only")


def test_the_shipped_backbone_names_what_it_sees(data: Path) -> None:
    from edgeembed_export.evaluation.datasets import ImageFiles, read_rows

    backbone = load_mobilenet(data / BackboneRecipe().arrays, data / BackboneRecipe().names)
    assert len(backbone.blocks) == 18
    assert backbone.features == 1280
    assert len(backbone.names) == 1000
    files = ImageFiles(data / "images")
    rows = [row for row in read_rows(data / "images/imagenet_labels.jsonl.gz") if row["image"] in files][::16]
    pixels = np.stack([np.asarray(stretched(files.read(row["image"]), 224), np.float32) for row in rows])
    pixels = (pixels / 255 - np.array(backbone.mean, np.float32)) / np.array(backbone.std, np.float32)
    with torch.inference_mode():
        maps = backbone.blocks(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        found = backbone.classifier(maps.mean((2, 3))).argmax(1)
    right = [row["label"] in backbone.names[int(i)] for row, i in zip(rows, found, strict=True)]
    assert np.mean(right) > 0.7
