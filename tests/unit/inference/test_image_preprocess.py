"""Images to pixels, as a bundle wants them: resize, crop, normalise, as transformers does."""

from __future__ import annotations

import dataclasses
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeembed.bundle.bundle import read_bundle, write_bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.errors import BundleError, ImageError
from edgeembed.inference.image_preprocess import ImagePreprocessor, _Budget
from tests.support.images import CLIP, PLAIN, drawing, in_bytes, noise, saved

SIZES = [
    *[(1, 1), (1, 9), (9, 1), (3, 3), (2, 5), (37, 23), (224, 224), (225, 224), (224, 299), (299, 224), (223, 222)],
    *[(256, 256), (640, 480), (480, 641), (333, 500), (1001, 333), (2000, 60), (60, 2000)],
]


def processors() -> Iterator[Any]:
    transformers = pytest.importorskip("transformers")
    yield transformers.CLIPImageProcessor()
    yield transformers.CLIPImageProcessor(size={"shortest_edge": 200})  # smaller than its crop: padded
    yield transformers.CLIPImageProcessor(do_rescale=False, image_mean=[120.0] * 3, image_std=[60.0] * 3)
    yield transformers.SiglipImageProcessor()
    yield transformers.ViTImageProcessor()
    yield transformers.DeiTImageProcessor()
    yield transformers.DeiTImageProcessor(size={"height": 100, "width": 100}, crop_size={"height": 133, "width": 64})
    yield transformers.BitImageProcessor(size={"shortest_edge": 256}, do_normalize=False)  # with do_normalize: DINOv2
    yield transformers.BitImageProcessor(size={"shortest_edge": 40}, crop_size={"height": 33, "width": 45}, resample=2)


def section_of(processor: Any) -> ImageSection:
    crop = processor.crop_size if getattr(processor, "do_center_crop", False) else None
    size = crop or processor.size
    shortest = "shortest_edge" in processor.size
    return ImageSection(
        graph="image.onnx",
        height=size["height"],
        width=size["width"],
        resize="shortest-edge" if shortest else "stretch",
        resize_to=processor.size["shortest_edge"] if shortest else processor.size["height"] if crop else None,
        crop="center" if crop else "none",
        filter=Image.Resampling(processor.resample).name.lower(),
        scale=processor.rescale_factor if processor.do_rescale else 1.0,
        mean=tuple(processor.image_mean) if processor.do_normalize else (0.0, 0.0, 0.0),
        std=tuple(processor.image_std) if processor.do_normalize else (1.0, 1.0, 1.0),
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", range(9))
def test_pixels_equal_those_of_transformers(number: int, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    processor = list(processors())[number]
    encoder = encoder_of(section_of(processor))
    for width, height in SIZES:
        image = noise(width, height)
        batch = processor(image, return_tensors="np", input_data_format="channels_last")
        pixels = encoder.encode(image)
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, batch["pixel_values"][0], rtol=0, atol=1e-6, err_msg=f"{width} x {height}")


@pytest.mark.parametrize("size", [(9000, 20), (20, 9000), (5000, 3)])
@pytest.mark.parametrize("resampling", ["bilinear", "bicubic", "lanczos"])
def test_a_very_long_image_is_never_resized_as_a_whole(
    size: tuple[int, int],
    resampling: str,
    encoder_of: Callable[..., ImagePreprocessor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = encoder_of(dataclasses.replace(CLIP, filter=resampling))
    image = noise(*size)
    whole = encoder.encode(image)
    monkeypatch.setattr("edgeembed.inference.image_preprocess._LARGEST_RESIZED", 1000)
    levels = np.abs(encoder.encode(image) - whole) * np.array(CLIP.std)[:, None, None] * 255
    assert levels.max() < 1.01
    assert (levels > 0.5).mean() < 0.01


def test_a_line_of_pixels_is_an_image(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    pixels = encoder_of().encode(Image.new("RGB", (200_000, 1), "white"))
    assert pixels.shape == (3, 32, 32)
    assert np.ptp(pixels, axis=(1, 2)).max() == 0


def test_order_and_number_of_channels(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = noise(40, 50)
    rgb = in_bytes(encoder_of(PLAIN).encode(image))
    assert np.array_equal(in_bytes(encoder_of(dataclasses.replace(PLAIN, mode="BGR")).encode(image)), rgb[:, :, ::-1])
    grey = dataclasses.replace(PLAIN, mode="L", mean=(0.0,), std=(1.0,))
    expected = np.asarray(image.convert("L").crop((4, 9, 36, 41)))
    assert np.array_equal(in_bytes(encoder_of(grey).encode(image))[:, :, 0], expected)


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_the_limit_on_pixels_is_checked_before_anything_is_decoded(
    encoder_of: Callable[..., ImagePreprocessor],
) -> None:
    encoder = encoder_of(max_pixels=10_000)
    assert encoder.encode(noise(100, 100)).shape == (3, 32, 32)
    with pytest.raises(ImageError, match="larger than 10000 pixels: 101 x 100 pixels"):
        encoder.encode(png_header(101, 100))  # which has no pixels that could be decoded
    with pytest.raises(ImageError, match="larger than"):
        encoder.encode(noise(101, 100))
    with pytest.raises(ImageError, match="no pixels"):
        encoder.encode(Image.new("RGB", (0, 5)))
    with pytest.raises(ValueError, match="max_pixels"):
        encoder_of(max_pixels=0)


@pytest.mark.parametrize("resize", ["shortest-edge", "stretch"])
def test_images_may_be_made_smaller_by_a_filter_of_their_own(
    resize: str, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    section = dataclasses.replace(CLIP, resize=resize)
    both, bicubic, hamming = (
        encoder_of(dataclasses.replace(section, **filters))
        for filters in (
            {"filter": "bicubic", "shrink_filter": "hamming"},
            {"filter": "bicubic"},
            {"filter": "hamming"},
        )
    )
    sizes = [(31, 31), (31, 60), (60, 31), (40, 33), (64, 48), (200, 150)]
    for size in sizes:
        image, smaller = noise(*size), min(size) >= 32
        assert np.array_equal(both.encode(image), (hamming if smaller else bicubic).encode(image))
        assert not np.array_equal(both.encode(image), (bicubic if smaller else hamming).encode(image))
    photo = saved(drawing(1203, 901), "JPEG")
    assert np.array_equal(both.encode(photo, reduced=True), hamming.encode(photo, reduced=True))
    with pytest.raises(BundleError, match="shrink_filter is 'sharp', not one of nearest, box"):
        encoder_of(dataclasses.replace(section, shrink_filter="sharp"))


def test_how_far_images_are_reduced_is_part_of_the_encoder_digest(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    manifest = bundle.manifest
    assert manifest.image is not None
    files: dict[str, Path | bytes] = {name: bundle.file(name) for name in manifest.files}

    def encoder(gap: float | None) -> str:
        image = dataclasses.replace(manifest.image, reducing_gap=gap)  # type: ignore[type-var]
        return write_bundle(tmp_path / "out", dataclasses.replace(manifest, image=image), files).manifest.encoder

    assert encoder(None) == manifest.encoder
    assert encoder(1.75) not in (manifest.encoder, encoder(2.0))
    with pytest.raises(ValueError, match=r"reducing_gap is 0\.5"):
        encoder(0.5)
    image = dataclasses.replace(manifest.image, shrink_filter="hamming")
    other = write_bundle(tmp_path / "out", dataclasses.replace(manifest, image=image), files)
    assert other.manifest.encoder != manifest.encoder


def test_reduced_decoding_is_close_and_takes_the_same_part(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    encoder = encoder_of()
    for size in ((1203, 901), (901, 1203), (3000, 257)):
        for orientation in (1, 6):
            exif = Image.Exif()
            exif[0x0112] = orientation
            data = saved(drawing(*size), "JPEG", quality=90, exif=exif)
            exact, reduced = encoder.encode(data), encoder.encode(data, reduced=True)
            assert not np.array_equal(exact, reduced)
            assert np.abs(exact - reduced).mean() * 0.27 * 255 < 2
    small = saved(drawing(), "JPEG")
    assert np.array_equal(encoder.encode(small), encoder.encode(small, reduced=True))
    own = encoder_of(dataclasses.replace(CLIP, reducing_gap=1.0))
    slight = encoder_of(dataclasses.replace(CLIP, reducing_gap=2.5))
    medium = saved(drawing(100, 80), "JPEG")  # 2.5 times as high as the model wants
    assert np.array_equal(encoder.encode(medium), encoder.encode(medium, reduced=True))
    assert np.array_equal(slight.encode(medium), slight.encode(medium, reduced=True))
    assert not np.array_equal(own.encode(medium), own.encode(medium, reduced=True))
    png = saved(drawing(600, 400))  # nothing is decoded at reduced scale, but means are taken
    assert 0 < np.abs(encoder.encode(png) - encoder.encode(png, reduced=True)).mean() * 0.27 * 255 < 2


def test_threads_hold_no_more_pixels_than_they_may() -> None:
    budget, held, most = _Budget(100), 0, 0
    lock = threading.Lock()

    def work(amount: int) -> None:
        nonlocal held, most
        for _ in range(50):
            with budget.take(amount):
                with lock:
                    held += min(amount, 100)
                    most = max(most, held)
                with lock:
                    held -= min(amount, 100)

    workers = [threading.Thread(target=work, args=(amount,)) for amount in (10, 40, 70, 1000)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert 0 < most <= 100
    with pytest.raises(ZeroDivisionError), budget.take(100):
        _ = 1 / 0
    with budget.take(100):  # given back
        pass
