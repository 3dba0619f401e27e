"""Pictures to pixels, and pixels to vectors."""

from __future__ import annotations

import dataclasses
import io
import struct
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeembed_export.sealing.npz import npz_bytes
from PIL import Image, ImageDraw, features

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle, write_bundle
from edgeembed.bundle.manifest import ImageSection
from edgeembed.errors import BundleError, ImageError, UnsupportedInputError
from edgeembed.inference.image_geometry import crop_box
from edgeembed.inference.image_preprocess import ImagePreprocessor, _Budget
from edgeembed.maintenance.check_bundle import check
from edgeembed.reading.pictures import FORMATS
from tests.support.tiny_image import tiny_image_bundle, tiny_two_tower_bundle

CLIP = ImageSection(
    graph="image.onnx",
    height=32,
    width=32,
    resize="shortest-edge",
    resize_to=32,
    crop="center",
    filter="bicubic",
    mean=(0.48, 0.46, 0.41),
    std=(0.27, 0.26, 0.28),
)
PLAIN = dataclasses.replace(CLIP, scale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), resize="none", resize_to=None)
"""Bytes as they are, the middle 32 x 32 of them."""


@pytest.fixture(scope="session")
def image_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_image_bundle(tmp_path_factory.mktemp("bundles") / "tiny-image")


@pytest.fixture(scope="session")
def two_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_two_tower_bundle(tmp_path_factory.mktemp("bundles") / "tiny-towers")


@pytest.fixture
def encoder_of(image_bundle: Path) -> Iterator[Callable[..., ImagePreprocessor]]:
    bundle = read_bundle(image_bundle)

    made: list[ImagePreprocessor] = []

    def make(section: ImageSection = CLIP, **arguments: Any) -> ImagePreprocessor:
        manifest = dataclasses.replace(bundle.manifest, image=section)
        made.append(ImagePreprocessor(Bundle(bundle.path, manifest), **arguments))
        return made[-1]

    yield make
    for encoder in made:
        encoder.close()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def drawing(width: int = 60, height: int = 40) -> Image.Image:
    """Something with an up and a left: a gradient, a box and a word."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    image = Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.rectangle((2, 3, width // 3, height // 4), fill="red")
    pen.text((width // 3, height // 2), "edge", fill="white")
    return image


def saved(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def in_bytes(pixels: np.ndarray) -> np.ndarray:
    """``(C, H, W)`` of a section like ``PLAIN`` as ``(H, W, C)`` bytes."""
    return pixels.transpose(1, 2, 0).astype(np.uint8)


# Equality with transformers


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


@pytest.mark.parametrize(
    ("rounding", "side", "crop", "start"),
    [
        *[("down", 299, 224, 37), ("up", 299, 224, 38), ("even", 299, 224, 38)],
        *[("down", 301, 224, 38), ("up", 301, 224, 39), ("even", 301, 224, 38)],
        *[("down", 300, 224, 38), ("up", 300, 224, 38), ("even", 300, 224, 38)],
        *[("down", 221, 224, -2), ("up", 221, 224, -1), ("even", 221, 224, -1), ("even", 223, 224, 0)],
    ],
)
def test_where_a_crop_begins(rounding: str, side: int, crop: int, start: int) -> None:
    section = dataclasses.replace(CLIP, height=crop, width=crop, crop_rounding=rounding)
    assert crop_box(section, side, side) == (start, start, start + crop, start + crop)


@pytest.mark.parametrize("size", [(9000, 20), (20, 9000), (5000, 3)])
@pytest.mark.parametrize("resampling", ["bilinear", "bicubic", "lanczos"])
def test_a_very_long_picture_is_never_resized_as_a_whole(
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


def test_a_line_of_pixels_is_a_picture(encoder_of: Callable[..., ImagePreprocessor]) -> None:
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


# Orientation

UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""Orientation to the transposition (by Pillow's number) with which a picture is stored that is to be seen upright."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(
    file_format: str, orientation: int, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    upright = drawing()
    stored = upright.transpose(Image.Transpose(UNDO[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored, file_format, exif=exif, **({"lossless": True} if file_format == "WEBP" else {}))
    encoder = encoder_of()
    assert np.array_equal(encoder.encode(data), encoder.encode(upright))
    with Image.open(io.BytesIO(data)) as image:  # open already, its EXIF data not applied yet
        assert np.array_equal(encoder.encode(image), encoder.encode(upright))
    if file_format != "TIFF" and orientation > 1:
        as_stored = encoder_of(dataclasses.replace(CLIP, orientation="none"))
        assert np.array_equal(as_stored.encode(data), encoder.encode(stored))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_turned_photos_have_the_vector_of_the_upright_one(orientation: int, image_bundle: Path) -> None:
    upright = drawing(160, 120)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = saved(upright.transpose(Image.Transpose(UNDO[orientation])), "JPEG", quality=95, exif=exif)
    with edgeembed.Embedder.load(image_bundle) as embedder:
        a, b = embedder.embed_images([saved(upright, "JPEG", quality=95), turned])
    assert a @ b > 0.999


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_costs_nothing_but_the_orientation(
    exif: bytes, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    encoder = encoder_of()
    data = saved(drawing(), "JPEG", quality=95)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert np.array_equal(encoder.encode(data[:2] + segment + data[2:]), encoder.encode(data))


# Colour modes


def colours(data: bytes | Image.Image, encoder_of: Callable[..., ImagePreprocessor]) -> np.ndarray:
    """The middle 32 x 32 of a picture as RGB bytes."""
    return in_bytes(encoder_of(PLAIN).encode(data))


def middle(image: Image.Image) -> np.ndarray:
    left, top = (image.width - 32) // 2, (image.height - 32) // 2
    return np.asarray(image.convert("RGB").crop((left, top, left + 32, top + 32)))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBX", "YCbCr", "CMYK", "HSV", "LAB"])
def test_opaque_modes(mode: str, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = drawing().convert(mode)
    assert np.array_equal(colours(image, encoder_of), middle(image))


def test_palette(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = drawing().quantize(16)
    assert np.array_equal(colours(saved(image, "GIF"), encoder_of), middle(image))
    assert np.array_equal(colours(saved(image), encoder_of), middle(image))


def test_transparency_is_laid_on_white(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    black = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    half = Image.new("RGBA", (32, 32), (200, 0, 100, 51))
    assert (colours(saved(black), encoder_of) == 255).all()
    assert (colours(saved(half), encoder_of) == (244, 204, 224)).all()  # 0.2 of the colour, 0.8 of white
    assert (colours(saved(black, "WEBP", lossless=True), encoder_of) == 255).all()
    for mode, grey in (("LA", "LA"), ("La", "LA"), ("RGBa", "RGBA")):
        assert (colours(black.convert(grey).convert(mode), encoder_of) == 255).all(), mode
    palette = Image.new("PA", (32, 32))
    palette.putalpha(0)
    assert (colours(palette, encoder_of) == 255).all()
    opaque = drawing().convert("RGBA")
    assert np.array_equal(colours(saved(opaque), encoder_of), middle(opaque))


def test_transparent_colours_of_modes_without_alpha(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    grey = Image.new("L", (32, 32), 7)
    assert (colours(saved(grey, transparency=7), encoder_of) == 255).all()
    assert (colours(saved(grey, transparency=8), encoder_of) == 7).all()
    red = Image.new("RGB", (32, 32), "red")
    assert (colours(saved(red, transparency=(255, 0, 0)), encoder_of) == 255).all()
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert (colours(saved(palette, transparency=1), encoder_of) == 255).all()
    assert (colours(saved(palette, transparency=bytes([255, 0])), encoder_of) == 255).all()
    assert (colours(saved(palette, transparency=0), encoder_of) == (10, 20, 30)).all()


def test_cmyk_photos_are_not_negatives(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    """Adobe's programs store CMYK inverted, and so does Pillow."""
    data = saved(Image.new("RGB", (64, 64), (250, 240, 20)).convert("CMYK"), "JPEG", quality=95)
    found = colours(data, encoder_of).reshape(-1, 3).mean(axis=0)
    assert np.abs(found - (250, 240, 20)).max() < 6


@pytest.mark.parametrize("data_format", ["PNG", "TIFF", "PGM"])
def test_sixteen_bits(data_format: str, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    values = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64  # 0 to 65472
    if data_format == "PGM":
        data = b"P5 32 32 65535\n" + values.astype(">u2").tobytes()
    else:
        data = saved(Image.fromarray(values), data_format)
    found = colours(data, encoder_of)
    assert np.array_equal(found[:, :, 0], np.round(values / 257).astype(np.uint8))
    assert np.array_equal(found[:, :, 0], found[:, :, 2])


@pytest.mark.parametrize(
    ("values", "darkest", "brightest"),
    [
        (np.linspace(0, 1, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 200, 1024, dtype=np.float32), 0, 200),
        (np.linspace(-5, 5, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 1e9, 1024, dtype=np.float32), 0, 255),
        (np.linspace(0, 4095, 1024).astype(np.int32), 0, 255),
        (np.linspace(-70000, 70000, 1024).astype(np.int32), 0, 255),
        (np.zeros(1024, np.float32), 0, 0),
        (np.full(1024, -3, np.int32), 0, 0),
        (np.full(1024, np.nan, np.float32), 0, 255),
        (np.r_[np.float32("nan"), np.float32("inf"), np.linspace(0, 1, 1022, dtype=np.float32)], 0, 255),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_grey_of_unknown_range(
    values: np.ndarray, darkest: int, brightest: int, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    found = colours(saved(Image.fromarray(values.reshape(32, 32)), "TIFF"), encoder_of)[:, :, 0].reshape(-1)
    known = np.isfinite(values)
    assert found[known].min(initial=darkest) == darkest
    assert found[known].max(initial=0) in ((brightest,) if known.any() else (0,))
    assert (np.diff(found[known].astype(int)) >= 0).all()


# Several pictures in a file


def test_of_several_pictures_the_first_counts(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "lime", "blue")]
    for file_format in ("GIF", "TIFF", "PNG"):
        data = saved(frames[0], file_format, save_all=True, append_images=frames[1:])
        with Image.open(io.BytesIO(data)) as image:
            assert image.n_frames == 3
        assert (colours(data, encoder_of) == (255, 0, 0)).all(), file_format
    data = saved(frames[0].resize((400, 400)), "MPO", save_all=True, append_images=[noise(400, 400)])
    assert np.abs(colours(data, encoder_of).astype(int) - (255, 0, 0)).max() < 4


def test_every_listed_format_is_read(encoder_of: Callable[..., ImagePreprocessor]) -> None:
    image = Image.new("RGB", (48, 48), (200, 100, 50))
    for file_format in FORMATS:
        if file_format == "AVIF" and not features.check("avif"):
            continue
        if file_format == "HEIF":
            pytest.importorskip("pillow_heif").register_heif_opener()
        found = colours(saved(image, file_format), encoder_of)
        assert np.abs(found.astype(int) - (200, 100, 50)).max() < 6, file_format


# What is refused


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.jpg", b"", "not a picture"),
        ("notes.png", b"Buy milk, and renew the passport.\n", "not a picture"),
        ("program.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not a picture"),
        ("cut.jpg", saved(noise(64, 64), "JPEG")[:2000], "damaged picture: .*truncated"),
        ("cut.png", saved(noise(64, 64))[:2000], "damaged picture"),
        ("cut.gif", saved(noise(64, 64), "GIF")[:1000], "damaged picture"),
        ("cut.webp", saved(noise(64, 64), "WEBP")[:1000], "damaged picture"),
        ("cut.tif", saved(noise(64, 64), "TIFF")[:1000], "damaged picture"),
        ("header.jpg", saved(noise(64, 64), "JPEG")[:12], "not a picture|damaged"),
        ("bomb.png", png_header(60000, 60000), "larger than 179 megapixels: 3600 megapixels"),
        ("hollow.png", png_header(100, 100), "damaged picture"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(
    name: str, data: bytes, reason: str, tmp_path: Path, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImageError, match=reason) as caught:
        encoder_of().encode(path)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match=reason) as caught:
        encoder_of().encode(data)
    assert caught.value.path is None


def test_a_path_that_is_no_file(tmp_path: Path, encoder_of: Callable[..., ImagePreprocessor]) -> None:
    with pytest.raises(ImageError, match="not a file"):
        encoder_of().encode(tmp_path)
    with pytest.raises(FileNotFoundError):
        encoder_of().encode(tmp_path / "gone.jpg")
    with pytest.raises(TypeError, match="ndarray"):
        encoder_of().encode(np.zeros((5, 5, 3)))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF"])
def test_a_picture_that_was_closed_is_not_called_damaged(
    format: str, tmp_path: Path, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(saved(noise(64, 64), format))
    made, opened, loaded = noise(8, 8), Image.open(path), Image.open(path)
    loaded.load()
    with Image.open(path) as left:
        pass
    with path.open("rb") as file:
        without_file = Image.open(file)
    for image in (made, opened, loaded):
        image.close()
    for image in (made, opened, loaded, left, without_file):
        with pytest.raises(ImageError, match=r"^picture: was closed before it was used"):
            encoder_of().encode(image)
    with Image.open(path) as read:
        read.load()
    assert np.isfinite(encoder_of().encode(read)).all()


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


@pytest.mark.filterwarnings("ignore")  # Pillow warns of much that it then reads
def test_awkward_files_end_as_pixels_or_as_one_error(
    data: Path, tmp_path: Path, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    with tarfile.open(data / "messy.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    encoder, read, refused = encoder_of(), 0, {}
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        try:
            with Image.open(path, formats=FORMATS) as image:
                image.load()
            opens = True
        except Exception:  # Pillow raises anything
            opens = False
        try:
            assert np.isfinite(encoder.encode(path)).all()
            read += 1
        except ImageError as error:
            refused[path] = (opens, error.path)
    assert read > 300
    assert all(where == path and not opens for path, (opens, where) in refused.items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"filter": "sinc"}, "filter is 'sinc'"),
        ({"mode": "HSV"}, "mode is 'HSV'"),
        ({"resize": "longest-edge"}, "resize is 'longest-edge'"),
        ({"resize_to": None}, "needs resize_to"),
        ({"resize_to": 0}, "resize_to is 0"),
        ({"crop": "none"}, "without a crop"),
        ({"resize": "stretch", "resize_to": 40, "crop": "none"}, "without a crop"),
        ({"mean": (0.5,)}, "3 numbers"),
        ({"mode": "L"}, "1 numbers"),
        ({"std": (0.5, 0.0, 0.5)}, "finite"),
        ({"scale": float("nan")}, "finite"),
    ],
)
def test_facts_that_this_version_does_not_know_are_refused(
    change: dict[str, Any], reason: str, encoder_of: Callable[..., ImagePreprocessor]
) -> None:
    with pytest.raises(BundleError, match=reason):
        encoder_of(dataclasses.replace(CLIP, **change))


# Reduced decoding


@pytest.mark.parametrize("resize", ["shortest-edge", "stretch"])
def test_pictures_may_be_made_smaller_by_a_filter_of_their_own(
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


def test_how_far_pictures_are_reduced_is_a_fact_of_the_encoder(image_bundle: Path, tmp_path: Path) -> None:
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


# Threads


def test_a_picture_of_the_caller_is_left_as_it_is(image_bundle: Path) -> None:
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


# Embedder


def test_a_picture_has_one_vector_however_it_is_given(image_bundle: Path, tmp_path: Path) -> None:
    pictures = [noise(30 + 7 * i, 50, seed=i) for i in range(40)]
    for i, picture in enumerate(pictures):
        picture.save(tmp_path / f"{i}.png")
    with edgeembed.Embedder.load(image_bundle, threads=3) as embedder:
        vectors = embedder.embed_images(pictures)
        assert vectors.shape == (40, 16)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert len(np.unique(vectors, axis=0)) == 40
        assert (embedder.embed_images([tmp_path / f"{i}.png" for i in range(40)]) == vectors).all()
        assert (embedder.embed_images([str(tmp_path / "3.png"), saved(pictures[4])]) == vectors[3:5]).all()
        assert (embedder.embed_images(pictures[::-1]) == vectors[::-1]).all()
        assert embedder.embed_images([]).shape == (0, 16)
    with edgeembed.Embedder.load(image_bundle, threads=1) as embedder:
        assert (embedder.embed_images(pictures) == vectors).all()


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


def test_one_picture_that_cannot_be_read_is_named(image_bundle: Path, tmp_path: Path) -> None:
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


def test_use_after_the_end_is_no_fault_of_the_picture(image_bundle: Path) -> None:
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
    picture = noise(50, 40)
    with edgeembed.Embedder.load(two_towers) as both:
        assert both.manifest.text is not None
        with edgeembed.Embedder.load(image_bundle) as images, edgeembed.Embedder.load(tiny_bundle) as texts:
            assert both.manifest.space == images.manifest.space == texts.manifest.space
            assert (both.embed_images([picture]) == images.embed_images([picture])).all()
            assert (both.embed_texts(["a text"]) == texts.embed_texts(["a text"])).all()
            assert len({both.manifest.encoder, images.manifest.encoder, texts.manifest.encoder}) == 3


def test_a_graph_of_another_size_is_refused(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    assert bundle.manifest.image is not None
    section = dataclasses.replace(bundle.manifest.image, height=40, width=40)
    resized = _resealed(bundle, tmp_path / "other", image=section)
    with pytest.raises(BundleError, match="takes pixel_values of shape"):
        edgeembed.Embedder(resized)


# Proof


def _resealed(bundle: Bundle, out: Path, *, files: dict[str, bytes] | None = None, **change: Any) -> Bundle:
    """The bundle with other contents and with every hash computed anew."""
    contents: dict[str, Path | bytes] = {name: bundle.file(name) for name in bundle.manifest.files}
    return write_bundle(out, dataclasses.replace(bundle.manifest, **change), {**contents, **(files or {})})


def test_the_check_passes_for_both_towers(image_bundle: Path, two_towers: Path) -> None:
    stages = check(read_bundle(image_bundle))
    assert [stage.stage.split(" (")[0] for stage in stages] == [
        "pixels",
        "image vectors against the float model",
        "image vectors against the bundle's own",
    ]
    assert all(stage.ok for stage in stages)
    both = check(read_bundle(two_towers))
    assert len(both) == 6
    assert all(stage.ok for stage in both)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": (0.4801, 0.46, 0.41)},
        {"std": (0.27, 0.2601, 0.28)},
        {"scale": 1 / 256},
        {"filter": "bilinear"},
        {"crop_rounding": "up"},
        {"resize_to": 33},
        {"resize": "stretch"},
        {"mode": "BGR"},
    ],
)
def test_an_altered_fact_is_found_though_all_hashes_fit(
    change: dict[str, Any], image_bundle: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(image_bundle)
    assert bundle.manifest.image is not None
    altered = _resealed(bundle, tmp_path / "altered", image=dataclasses.replace(bundle.manifest.image, **change))
    stages = check(altered)
    assert stages[0].stage == "pixels"
    assert not stages[0].ok
    assert stages[0].worst > 1e-5


def test_an_altered_weight_is_found_though_all_hashes_fit(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    model = onnx.load(bundle.file("image.onnx"))
    weight = next(item for item in model.graph.initializer if item.name == "weight")
    value = onnx.numpy_helper.to_array(weight).copy()
    value *= np.float32(1.02)
    weight.CopyFrom(onnx.numpy_helper.from_array(value, "weight"))
    stages = check(_resealed(bundle, tmp_path / "altered", files={"image.onnx": model.SerializeToString()}))
    assert [stage.ok for stage in stages] == [True, False, False]


def test_golden_pictures_that_this_machine_cannot_read_are_a_departure(image_bundle: Path, tmp_path: Path) -> None:
    bundle = read_bundle(image_bundle)
    with np.load(bundle.file("golden.npz")) as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    arrays["images"][:8] = 0
    (stage,) = check(_resealed(bundle, tmp_path / "unreadable", files={"golden.npz": npz_bytes(arrays)}))
    assert (stage.stage, stage.ok) == ("pixels", False)
    arrays["image_bytes"] = arrays["image_bytes"][1:]
    with pytest.raises(BundleError, match="does not follow the bundle format"):
        check(_resealed(bundle, tmp_path / "wrong", files={"golden.npz": npz_bytes(arrays)}))
