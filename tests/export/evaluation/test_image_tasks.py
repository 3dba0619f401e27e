"""Measures of images, against numbers worked out by hand. Images are one colour; their vector is that colour."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.evaluation.datasets import EvaluationSet, find_sets
from edgeembed_export.evaluation.image_tasks import caption_ranks, caption_retrieval, class_vectors, labelled_images

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "purple": (200, 0, 255)}


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(buffer, "PNG")
    return buffer.getvalue()


def unit(rows: Sequence[Sequence[float]]) -> np.ndarray:
    values = np.array(rows, np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def embed_images(images: Sequence[bytes]) -> np.ndarray:
    return unit([np.asarray(Image.open(io.BytesIO(image)))[0, 0].astype(float) for image in images])


def embed(texts: Sequence[str], role: str) -> np.ndarray:
    """The sum of the colours that a text names, and a little grey."""
    return unit(
        [np.sum([[1, 1, 1], *(COLOURS[word] for word in text.split() if word in COLOURS)], 0) for text in texts]
    )


def captioned(folder: Path, rows: list[tuple[str, list[str]]]) -> EvaluationSet:
    """Images named after their colours, in an archive beside the captions."""
    with tarfile.open(folder / "photos.tar", "w") as archive:
        for colour, _ in rows:
            member = tarfile.TarInfo(f"{colour}.png")
            member.size = len(png(COLOURS[colour]))
            archive.addfile(member, io.BytesIO(png(COLOURS[colour])))
    lines = [json.dumps({"image": f"{colour}.png", "captions": captions}) + "\n" for colour, captions in rows]
    (folder / "photos_captions.jsonl").write_text("".join(lines))
    return find_sets([folder])[0]


def labelled(folder: Path, rows: list[tuple[str, str]], missing: Sequence[str] = ()) -> EvaluationSet:
    for i, (colour, _) in enumerate(rows):
        (folder / f"{i}.png").write_bytes(png(COLOURS[colour]))
    lines = [{"image": f"{i}.png", "label": label} for i, (_, label) in enumerate(rows)]
    lines += [{"image": f"{label}-missing.png", "label": label} for label in missing]
    (folder / "photos_labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return find_sets([folder])[0]


def test_ranks_by_hand() -> None:
    similarity = np.array([[0.9, 0.1], [0.2, 0.3], [0.8, 0.7]], np.float32)  # the first two belong to image 0
    to_image, to_text = caption_ranks(similarity, np.array([0, 0, 1]))
    assert to_image.tolist() == [1, 2, 2]
    assert to_text.tolist() == [1, 1]


def test_what_is_equal_comes_first() -> None:
    to_image, to_text = caption_ranks(np.ones((4, 4), np.float32), np.arange(4))
    assert to_image.tolist() == [4] * 4
    assert to_text.tolist() == [4] * 4


def test_caption_retrieval(tmp_path: Path) -> None:
    found = captioned(
        tmp_path, [("red", ["red", "a red square"]), ("blue", ["blue", "green"]), ("green", ["very green"])]
    )
    scores = caption_retrieval(embed, embed_images, found)
    # Of five captions only "green" points elsewhere, to rank 2 or 3; the green image's own caption ties with it.
    assert scores["text to image R@1"] == 80.0
    assert scores["text to image R@5"] == scores["image to text R@5"] == 100.0
    assert scores["image to text R@1"] == pytest.approx(66.67)
    assert set(scores) == {f"{way} R@{k}" for way in ("text to image", "image to text") for k in (1, 5, 10)}


def test_an_image_that_is_missing(tmp_path: Path) -> None:
    found = captioned(tmp_path, [("red", ["red"])])
    (tmp_path / "photos_captions.jsonl").write_text(
        '{"image": "red.png", "captions": ["red"]}\n{"image": "gone.png", "captions": ["x"]}\n'
    )
    with pytest.raises(ExportError, match=r"1 of 2 pictures are not beside .*gone\.png"):
        caption_retrieval(embed, embed_images, found)


def test_zero_shot(tmp_path: Path) -> None:
    rows = [("red", "red"), ("blue", "blue"), ("purple", "red")]  # purple is nearer to blue
    found = labelled(tmp_path, rows, missing=["green"])
    scores = labelled_images(embed, embed_images, found)
    assert scores == {"zero-shot top-1": 66.67, "zero-shot top-5": 100.0}  # green has no image, so no neighbours


def test_neighbours_need_no_names(tmp_path: Path) -> None:
    rows = [(colour, colour) for colour in ("red", "green", "blue") for _ in range(3)]
    found = labelled(tmp_path, rows)
    assert labelled_images(None, embed_images, found)["knn accuracy"] == 0.0  # 6 of 8 neighbours are of other colours
    many = labelled(tmp_path, [(colour, colour) for colour in ("red", "green") for _ in range(12)])
    assert labelled_images(None, embed_images, many) == {"knn accuracy": 100.0}
    assert set(labelled_images(embed, embed_images, many)) == {"knn accuracy", "zero-shot top-1", "zero-shot top-5"}


def test_images_that_cannot_be_measured(tmp_path: Path) -> None:
    found = labelled(tmp_path, [("red", "red"), ("blue", "blue")])
    with pytest.raises(ExportError, match="needs a text encoder, or two pictures of every class"):
        labelled_images(None, embed_images, found)
    (tmp_path / "0.png").unlink()
    (tmp_path / "1.png").unlink()
    with pytest.raises(ExportError, match="none of its 2 pictures"):
        labelled_images(embed, embed_images, found)


def test_prompts_are_averaged() -> None:
    (vector,) = class_vectors(embed, ["blue"], ["{} red", "{} {}"])
    np.testing.assert_allclose(
        vector, unit([embed(["blue red"], "query")[0] + embed(["blue"], "query")[0]])[0], atol=0.01
    )
    np.testing.assert_array_equal(class_vectors(embed, ["blue"]), embed(["blue"], "query"))
    with pytest.raises(ExportError, match=r"'a photo' has no \{\} where"):
        class_vectors(embed, ["blue"], ["a photo"])
