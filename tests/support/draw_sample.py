"""Draws the images of the sample folder: ``python -m tests.support.draw_sample tests/sample/photos``.

They are scenes of a few shapes, so that a search for photos can be tried where no photographs may be shipped.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 400, 300
Scene = Callable[[], Image.Image]


def _sky(top: tuple[int, int, int], bottom: tuple[int, int, int], height: int = HEIGHT) -> Image.Image:
    """An image that fades from one colour to another, from top to bottom."""
    column = Image.new("RGB", (1, height))
    for y in range(height):
        share = y / max(1, height - 1)
        column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
    image = Image.new("RGB", (WIDTH, HEIGHT), bottom)
    image.paste(column.resize((WIDTH, height)))
    return image


def sunset() -> Image.Image:
    """The sun goes down over the sea, and the waves shine."""
    image = _sky((70, 40, 110), (255, 170, 70), 170)
    pen = ImageDraw.Draw(image)
    pen.ellipse((165, 115, 235, 185), fill=(255, 235, 150))
    sea = Image.new("RGB", (WIDTH, 130), (60, 60, 110))
    waves = ImageDraw.Draw(sea)
    for row in range(0, 130, 5):
        spread = 25 + row
        waves.line((200 - spread, row, 200 + spread, row), fill=(250, 190 - row // 2, 90), width=2)
        waves.line((0, row + 2, WIDTH, row + 2), fill=(45, 45, 95 + row // 3), width=1)
    image.paste(sea, (0, 170))
    pen.polygon([(0, 300), (0, 270), (140, 285), (220, 300)], fill=(190, 150, 110))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def bicycle() -> Image.Image:
    """A red bicycle leans against a wall."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (222, 210, 190))
    pen = ImageDraw.Draw(image)
    for row in range(0, 240, 20):
        for x in range(-(row % 40) // 2, WIDTH, 40):
            pen.rectangle((x, row, x + 38, row + 18), fill=(205, 188 + (x + row) % 12, 165), outline=(180, 165, 145))
    pen.rectangle((0, 240, WIDTH, HEIGHT), fill=(120, 120, 125))
    for x in (120, 285):
        pen.ellipse((x - 58, 142, x + 58, 258), outline=(25, 25, 25), width=6)
        for turn in range(12):
            angle = turn * math.pi / 6
            pen.line((x, 200, x + 54 * math.cos(angle), 200 + 54 * math.sin(angle)), fill=(120, 120, 120))
    red = (205, 25, 30)
    for line in (
        (120, 200, 165, 125),
        (165, 125, 255, 125),
        (120, 200, 195, 205),
        (195, 205, 255, 125),
        (195, 205, 160, 115),
        (285, 200, 248, 100),
    ):
        pen.line(line, fill=red, width=9)
    pen.rounded_rectangle((135, 100, 190, 114), 7, fill=(30, 30, 30))
    pen.line((248, 100, 228, 88, 215, 92), fill=(40, 40, 40), width=6, joint="curve")
    pen.ellipse((180, 190, 210, 220), outline=(40, 40, 40), width=5)
    return image


def cat() -> Image.Image:
    """The face of a tabby cat."""
    image = _sky((110, 140, 105), (70, 95, 70))
    pen = ImageDraw.Draw(image)
    fur, dark = (176, 140, 98), (96, 70, 45)
    for side in (-1, 1):
        pen.polygon([(200 + side * 35, 90), (200 + side * 105, 25), (200 + side * 112, 150)], fill=fur)
        pen.polygon([(200 + side * 58, 92), (200 + side * 96, 52), (200 + side * 100, 120)], fill=(225, 165, 155))
    pen.ellipse((85, 70, 315, 280), fill=fur)
    for x in (-30, 0, 30):
        pen.line((200 + x, 78, 200 + x * 0.6, 128), fill=dark, width=9)
    for side in (-1, 1):
        for y in (165, 190, 215):
            pen.line((200 + side * 112, y, 200 + side * 70, y + 6), fill=dark, width=7)
        pen.ellipse((200 + side * 48 - 24, 140, 200 + side * 48 + 24, 182), fill=(190, 200, 70), outline=dark, width=3)
        pen.ellipse((200 + side * 48 - 6, 142, 200 + side * 48 + 6, 180), fill=(15, 15, 15))
    pen.ellipse((150, 195, 250, 262), fill=(235, 222, 200))
    pen.polygon([(186, 198), (214, 198), (200, 214)], fill=(205, 110, 110))
    pen.arc((172, 205, 200, 236), 20, 160, fill=dark, width=3)
    pen.arc((200, 205, 228, 236), 20, 160, fill=dark, width=3)
    for side in (-1, 1):
        for end in (205, 225, 245):
            pen.line((200 + side * 30, 222, 200 + side * 150, end), fill=(245, 240, 230), width=2)
    return image.filter(ImageFilter.GaussianBlur(0.7))


def soup() -> Image.Image:
    """A bowl of tomato soup on a wooden table, seen from above."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (150, 105, 65))
    pen = ImageDraw.Draw(image)
    for y in range(0, HEIGHT, 6):
        pen.line((0, y, WIDTH, y + 8), fill=(138 + y * 7 % 24, 96 + y * 5 % 16, 58), width=3)
    pen.ellipse((75, 25, 325, 275), fill=(245, 243, 238), outline=(205, 200, 195), width=3)
    pen.ellipse((105, 55, 295, 245), fill=(214, 78, 32))
    pen.ellipse((120, 70, 280, 230), fill=(226, 92, 40))
    pen.arc((150, 95, 255, 200), 200, 420, fill=(250, 225, 195), width=9)
    for x, y in ((160, 120), (215, 105), (235, 170), (175, 185), (205, 150)):
        pen.ellipse((x, y, x + 16, y + 8), fill=(60, 125, 45))
    pen.line((318, 282, 385, 90), fill=(190, 190, 195), width=9)
    pen.ellipse((366, 40, 398, 100), fill=(200, 200, 205))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def mountains() -> Image.Image:
    """Mountains with snow above a lake."""
    image = _sky((95, 150, 215), (205, 225, 240))
    pen = ImageDraw.Draw(image)
    for x, top, spread in ((90, 80, 130), (310, 65, 150), (200, 40, 165)):
        pen.polygon([(x - spread, 210), (x, top), (x + spread, 210)], fill=(88 + x // 10, 95, 115))
        share = 0.35
        left, right, down = x - spread * share, x + spread * share, top + (210 - top) * share
        pen.polygon(
            [
                (x, top),
                (right, down),
                (x + spread * 0.12, down - 14),
                (x, down + 6),
                (x - spread * 0.15, down - 12),
                (left, down),
            ],
            fill=(248, 250, 252),
        )
    for x in range(-10, WIDTH, 18):
        tall = 22 + x * 37 % 22
        pen.polygon([(x, 222), (x + 10, 222 - tall), (x + 20, 222)], fill=(32, 72 + x % 20, 48))
    pen.rectangle((0, 218, WIDTH, HEIGHT), fill=(62, 110, 150))
    for y in range(224, HEIGHT, 7):
        pen.line((y % 50, y, WIDTH - y % 70, y), fill=(95, 145, 180), width=2)
    return image.filter(ImageFilter.GaussianBlur(0.7))


SCENES: dict[str, Scene] = {
    "IMG_0107.png": bicycle,
    "IMG_0231.jpg": cat,
    "IMG_0312.jpg": sunset,
    "IMG_0458.jpg": soup,
    "IMG_0519.jpg": mountains,
}
"""Name of the file, in ``tests/sample/photos``, to what is drawn. The names say nothing, as those of cameras."""


def encoded(name: str) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    image = SCENES[name]()
    if name.endswith(".png"):
        image.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    else:
        image.save(file, "JPEG", quality=82)
    return file.getvalue()


def main(folder: Path) -> None:
    """Write all images."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        (folder / name).write_bytes(encoded(name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
