"""Which picture files are read, and how the others are refused."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from edgeembed.errors import ImageError
from edgeembed.inference.image_preprocess import ImagePreprocessor
from edgeembed.reading.images import FORMATS
from tests.support.images import PLAIN, in_bytes, noise, saved


def colours(data: bytes | Image.Image, encoder_of: Callable[..., ImagePreprocessor]) -> np.ndarray:
    """The middle 32 x 32 of a picture as RGB bytes."""
    return in_bytes(encoder_of(PLAIN).encode(data))


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


@pytest.mark.slow
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
