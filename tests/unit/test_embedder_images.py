"""Images to vectors."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeembed
from edgeembed.bundle.bundle import read_bundle
from edgeembed.errors import BundleError, ImageError, UnsupportedInputError
from tests.support.altered import resealed
from tests.support.images import drawing, noise, saved


def test_an_image_of_the_caller_is_left_as_it_is(image_bundle: Path) -> None:
    data = saved(drawing(), "PNG", exif=_turned())
    image = Image.open(io.BytesIO(data))
    with edgeembed.Embedder.load(image_bundle, threads=4) as embedder:
        vectors = embedder.embed_images([image] * 20)
        assert (vectors == embedder.embed_images([data])).all()
    assert image.size == (60, 40)
    assert image.getexif()[0x0112] == 6


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_an_image_has_one_vector_as_a_path_bytes_or_an_image(image_bundle: Path, tmp_path: Path) -> None:
    images = [noise(30 + 7 * i, 50, seed=i) for i in range(40)]
    for i, image in enumerate(images):
        image.save(tmp_path / f"{i}.png")
    with edgeembed.Embedder.load(image_bundle, threads=3) as embedder:
        vectors = embedder.embed_images(images)
        assert vectors.shape == (40, 16)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert len(np.unique(vectors, axis=0)) == 40
        assert (embedder.embed_images([tmp_path / f"{i}.png" for i in range(40)]) == vectors).all()
        assert (embedder.embed_images([str(tmp_path / "3.png"), saved(images[4])]) == vectors[3:5]).all()
        assert (embedder.embed_images(images[::-1]) == vectors[::-1]).all()
        assert embedder.embed_images([]).shape == (0, 16)
    with edgeembed.Embedder.load(image_bundle, threads=1) as embedder:
        assert (embedder.embed_images(images) == vectors).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_stream_is_read_only_a_little_ahead(threads: int, image_bundle: Path) -> None:
    taken = 0

    def stream() -> Iterator[Image.Image]:
        nonlocal taken
        for i in range(10_000):
            taken += 1
            yield noise(20, 20, seed=i % 7)

    with edgeembed.Embedder.load(image_bundle, threads=threads) as embedder:
        blocks = embedder.iter_embed_images(stream())
        first = next(blocks)
        assert len(first) <= taken <= len(first) + 2 * threads + 1
        assert (first[0] == first[7]).all()
        blocks.close()


def test_one_image_that_cannot_be_read_is_named(image_bundle: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for path in paths:
        noise(20, 20).save(path)
    paths[5].write_bytes(b"no picture")
    with edgeembed.Embedder.load(image_bundle, threads=2) as embedder:
        with pytest.raises(ImageError) as caught:
            embedder.embed_images(paths)
        assert caught.value.path == paths[5]
        assert str(caught.value) == f"{paths[5]}: not a picture that can be read (images[5])"
        with pytest.raises(ImageError, match=r"^picture: not a picture that can be read \(images\[1\]\)$"):
            embedder.embed_images([paths[0], b"no picture", paths[2]])
        assert len(embedder.embed_images(paths[:5])) == 5  # it still works


def test_wrong_use(image_bundle: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    with edgeembed.Embedder.load(image_bundle) as embedder:
        for single in ("photo.jpg", tmp_path, b"...", noise(5, 5)):
            with pytest.raises(TypeError, match=r"\[image\]"):
                embedder.embed_images(single)  # type: ignore[arg-type]
        with pytest.raises(UnsupportedInputError, match="images only"):
            embedder.embed_texts(["a text"])
    with edgeembed.Embedder.load(tiny_bundle) as embedder, pytest.raises(UnsupportedInputError, match="text only"):
        embedder.embed_images([noise(5, 5)])


def test_use_after_the_end_is_no_fault_of_the_image(image_bundle: Path) -> None:
    for threads in (1, 2):
        embedder = edgeembed.Embedder.load(image_bundle, threads=threads)
        assert len(embedder.embed_images([Image.new("RGB", (2000, 1500), "red")])) == 1
        embedder.close()
        with pytest.raises(ValueError, match="this embedder is closed"):
            embedder.embed_images([Image.new("RGB", (2000, 1500), "red")])


def test_the_limit_on_pixels_can_be_set(image_bundle: Path) -> None:
    with edgeembed.Embedder.load(image_bundle, max_pixels=100) as embedder:
        with pytest.raises(ImageError, match="larger than 100 pixels"):
            embedder.embed_images([noise(11, 10)])
        assert len(embedder.embed_images([noise(10, 10)])) == 1


def test_two_towers(two_towers: Path, image_bundle: Path, tiny_bundle: Path) -> None:
    image = noise(50, 40)
    with edgeembed.Embedder.load(two_towers) as both:
        assert both.manifest.text is not None
        with edgeembed.Embedder.load(image_bundle) as images, edgeembed.Embedder.load(tiny_bundle) as texts:
            assert both.manifest.space == images.manifest.space == texts.manifest.space
            assert (both.embed_images([image]) == images.embed_images([image])).all()
            assert (both.embed_texts(["a text"]) == texts.embed_texts(["a text"])).all()
            assert len({both.manifest.encoder, images.manifest.encoder, texts.manifest.encoder}) == 3


def test_a_graph_of_another_size_is_refused(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    assert bundle.manifest.image is not None
    section = dataclasses.replace(bundle.manifest.image, height=40, width=40)
    resized = resealed(bundle, tmp_path / "other", image=section)
    with pytest.raises(BundleError, match="takes pixel_values of shape"):
        edgeembed.Embedder(resized)
