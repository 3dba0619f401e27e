"""Draws what a search for photos finds, best first: ``python -m tests.support.draw_hits OUT QUERY FOLDER``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT, _GAP, _LINE = 220, 165, 12, 26
"""Pixels: of a photo, between photos, and of a line of text."""
_INK, _PAPER = (30, 30, 34), (255, 255, 255)


def found(query: str, folder: str) -> list[dict[str, object]]:
    """All photos of a folder as ``edgeembed search --json`` gives them; the index is made elsewhere."""
    with tempfile.TemporaryDirectory() as index:
        command = [sys.executable, "-c", "from edgeembed.cli.main import main; main()", "search", query, folder]
        options = ["--kind", "image", "--min-score", "0", "--json", "--index", f"{index}/index"]
        result = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def sheet(query: str, hits: list[dict[str, object]]) -> Image.Image:
    """The query, and below it the photos with their scores."""
    width = _GAP + len(hits) * (_WIDTH + _GAP)
    image = Image.new("RGB", (width, _LINE + _HEIGHT + _LINE + 2 * _GAP), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=16)
    draw.text((_GAP, _GAP), f'edgeembed search "{query}" --kind image --min-score 0', _INK, font)
    for number, hit in enumerate(hits):
        left, top = _GAP + number * (_WIDTH + _GAP), _GAP + _LINE
        with Image.open(str(hit["path"])) as photo:
            image.paste(photo.convert("RGB").resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS), (left, top))
        name = Path(str(hit["path"])).name
        draw.text((left, top + _HEIGHT + 4), f"{hit['score']:.3f}  {name}", _INK, font)
    return image


def main() -> None:
    """Draw."""
    out, query, folder = sys.argv[1:]
    sheet(query, found(query, folder)).save(out, optimize=True)


if __name__ == "__main__":
    main()
