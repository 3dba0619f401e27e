"""Train a photo tower into a space of texts: photos, texts' vectors, training, proved bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..distillation.teacher_vectors import Teacher, teacher_vectors
from ..distillation.training_curves import draw_training
from ..errors import ExportError
from ..evaluation.datasets import CAPTIONED_IMAGES, ImageFiles, Row, find_sets, read_rows
from ..evaluation.image_tasks import caption_ranks, class_vectors
from ..evaluation.text_tasks import percent
from ..sealing.pipeline import Exported
from ..types import Vectors
from .bundle import seal_photo
from .networks.backbone import Backbone
from .recipes import PhotoRecipe
from .soup import blended, scores_of, soup_logs, train_soup
from .teacher import PhotoTeacher
from .tower import PhotoTower
from .training import TrainingData, backbone_probabilities, run_tower
from .views import FeatureCache, Maps, view_file

Say = Callable[[str], None]


@dataclass(frozen=True)
class Photos:
    """Photos and their captions."""

    files: tuple[bytes, ...]
    captions: tuple[tuple[str, ...], ...]
    """Of each photo; all empty where there are none."""


def train_photos(
    teacher: PhotoTeacher,
    data: Path,
    out: Path,
    recipe: PhotoRecipe,
    *,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> Exported:
    """Make the bundle ``out / recipe.name``; training goes on from where it was interrupted.

    Args:
        teacher: into whose space; if it sees images, the tower is trained on its vectors too.
        data: folder with the recipe's backbone and photos, and perhaps evaluation sets beside these.
        out: folder for the bundle, and beside it the checkpoint, ``log.jsonl`` and ``curves.png``.
        recipe: how.
        cache: folder of what the first part of the network makes of the photos, which may serve several recipes;
            ``None``: ``out / "seen"``.
        say: told what is being done.

    Raises:
        ExportError: data, teacher or checkpoint do not fit the recipe, or the bundle departs from the tower.
    """
    torch.manual_seed(recipe.plan.seed)
    backbone = recipe.backbone.open(data)
    tower = PhotoTower(backbone, name_vectors(teacher, backbone, recipe.prompts), recipe.tower)
    cache = out / "seen" if cache is None else cache
    features = _feature_cache(backbone, tower, recipe, cache, say)
    photos = read_photos(data / recipe.photos.file)
    say(f"{len(photos.files)} photos, {sum(map(len, photos.captions))} captions")
    training_data = _training_data(teacher, photos, features, tower, recipe, cache, say)
    say("training")
    folder = (data / recipe.photos.file).parent
    evaluate = _dev_scores(teacher, folder, features, cache, bfloat16=recipe.plan.bfloat16)
    trained = train_soup(tower, training_data, recipe.plan, out, evaluate=evaluate, say=say)
    if recipe.original:
        trained = blended(trained, PhotoTower(backbone, tower.names, recipe.tower), recipe.original)
        say(f"with a share of {recipe.original:g} of the backbone's weights{scores_of(evaluate, trained)}")
    draw_training(soup_logs(recipe.plan, out), out / "curves.png", title=recipe.name)
    say("sealing the bundle")
    return seal_photo(trained, backbone, teacher, out / recipe.name, recipe, some=photos.files, data=folder)


def name_vectors(teacher: PhotoTeacher, backbone: Backbone, prompts: tuple[str, ...]) -> torch.Tensor:
    """A vector of length 1 for each class of the backbone, (classes, dim): the first of its names, in prompts."""
    first = [names.split(",")[0] for names in backbone.names]
    alone = class_vectors(lambda texts, role: teacher.texts(texts), first)
    prompted = class_vectors(lambda texts, role: teacher.texts(texts), first, prompts)
    # People search by the name alone more often than by a sentence, so it counts as much as all sentences.
    return torch.nn.functional.normalize(torch.from_numpy(alone + prompted), dim=1)


def read_photos(path: Path) -> Photos:
    """The photos of a file of rows, those of the split ``train`` if it names splits, or all image files of a folder.

    Raises:
        ExportError: an image is missing, or there is none.
    """
    if path.is_dir():
        paths = sorted(item for item in path.rglob("*") if item.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
        rows: list[Row] = [{"image": item.relative_to(path).as_posix()} for item in paths]
        files = ImageFiles(path)
    else:
        rows = [row for row in read_rows(path) if row.get("split", "train") == "train"]
        files = ImageFiles(path.parent)
    missing = [row["image"] for row in rows if row["image"] not in files]
    if missing or not rows:
        raise ExportError(f"{path}: {len(missing)} of {len(rows)} photos are not beside it (such as {missing[:1]})")
    return Photos(
        tuple(files.read(row["image"]) for row in rows), tuple(tuple(row.get("captions", ())) for row in rows)
    )


def _feature_cache(backbone: Backbone, tower: PhotoTower, recipe: PhotoRecipe, folder: Path, say: Say) -> FeatureCache:
    return FeatureCache(
        tower.trunk,
        folder,
        side=recipe.side,
        mean=backbone.mean,
        std=backbone.std,
        key=f"{backbone.sha256} {recipe.tower.split}",
        bfloat16=recipe.plan.bfloat16,
        say=say,
    )


def _training_data(
    teacher: PhotoTeacher,
    photos: Photos,
    features: FeatureCache,
    tower: PhotoTower,
    recipe: PhotoRecipe,
    cache: Path,
    say: Say,
) -> TrainingData:
    seed, views = recipe.plan.seed, range(recipe.plan.views)
    counts = [len(captions) for captions in photos.captions]
    if not any(counts) and teacher.images is None:
        raise ExportError("the photos have no captions, and the teacher sees no pictures: there is nothing to learn")
    if any(counts) and not all(counts):
        raise ExportError(
            f"{counts.count(0)} of {len(counts)} photos have no captions; leave them out, or all captions"
        )
    maps: list[Maps] = [features.maps(photos.files, number=number, seed=seed) for number in views]
    probabilities = backbone_probabilities(tower, maps, bfloat16=recipe.plan.bfloat16)
    vectors: list[Vectors] = []
    if teacher.images is not None:
        for number in views:
            say(f"the teacher's vectors of view {number}")
            files = [view_file(item, recipe.side, number, seed, i) for i, item in enumerate(photos.files)]
            vectors.append(teacher.images(files))
    if not any(counts):
        return TrainingData(maps, probabilities, teacher_vectors=vectors)
    texts = [caption for captions in photos.captions for caption in captions]
    captions = _text_vectors(teacher, texts, cache)
    return TrainingData(maps, probabilities, captions, np.repeat(np.arange(len(counts)), counts), vectors)


def _text_vectors(teacher: PhotoTeacher, texts: list[str], cache: Path) -> Vectors:
    """Kept on disk in float16, because 30 000 captions take minutes."""
    vectors = teacher_vectors(Teacher(teacher.texts, teacher.key, teacher.title), texts, cache).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _dev_scores(
    teacher: PhotoTeacher, folder: Path, features: FeatureCache, cache: Path, *, bfloat16: bool
) -> Callable[[PhotoTower], dict[str, float]] | None:
    """Recall of images by captions on the first captioned set beside the photos, the one called dev if there is."""
    if not folder.is_dir() or not any(folder.glob("*.jsonl*")):
        return None
    sets = [item for item in find_sets([folder]) if item.task == CAPTIONED_IMAGES]
    dev = next((item for item in sets if "dev" in item.name), None)
    if dev is None:
        return None
    rows, files = dev.rows(), ImageFiles(folder)
    maps = features.maps([files.read(row["image"]) for row in rows])
    captions = _text_vectors(teacher, [caption for row in rows for caption in row["captions"]], cache)
    owners: npt.NDArray[np.int64] = np.repeat(np.arange(len(rows)), [len(row["captions"]) for row in rows])
    return partial(_recall, maps=maps, captions=captions, owners=owners, bfloat16=bfloat16)


def _recall(
    tower: PhotoTower, *, maps: Maps, captions: Vectors, owners: npt.NDArray[np.int64], bfloat16: bool
) -> dict[str, float]:
    ranks, _ = caption_ranks(captions @ run_tower(tower, maps, bfloat16=bfloat16).T, owners)
    return {f"dev R@{k}": percent(float((ranks <= k).mean())) for k in (1, 5, 10)}
