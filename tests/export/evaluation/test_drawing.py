"""Figures are drawn, always the same, and hold what they should."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the export stage is not installed")
pytest.importorskip("matplotlib", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.evaluation.drawing import draw_curves, draw_texts
from edgeembed_export.evaluation.text_tasks import TypoCurve


def embed(texts: Sequence[str], role: str) -> np.ndarray:
    """Each text near the centre of the group that its first letter names."""
    rows = []
    for text in texts:
        rng = np.random.default_rng(ord(text[0]))
        own = np.random.default_rng(int(text[1:]))
        rows.append(rng.standard_normal(8) * 3 + own.standard_normal(8))
    values = np.array(rows)
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def colours(path: Path) -> set[tuple[int, int, int]]:
    with Image.open(path) as image:
        counted = image.convert("RGB").getcolors(1 << 24)
    assert counted is not None
    return {colour for count, colour in counted if count > 50}  # type: ignore[misc]


def test_map_of_labelled_texts(tmp_path: Path) -> None:
    texts = [f"{letter}{i}" for letter in "abcd" for i in range(30)]
    labels = [f"label_{text[0]}" for text in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_texts(embed, texts, tmp_path / "one.png", title="One", labels=labels)
        draw_texts(embed, texts, tmp_path / "two.png", title="One", labels=labels)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert {(0xCC, 0x66, 0x77), (0x33, 0x22, 0x88), (0xDD, 0xAA, 0x33), (0x11, 0x77, 0x33)} <= colours(
        tmp_path / "one.png"
    )


def test_map_of_few_texts_without_labels(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # letters that the font lacks would warn
        draw_texts(embed, ["東1", "京2", "寿3", "司4"], tmp_path / "map.png", title="東京, $5 or $6 ($")
    assert len(colours(tmp_path / "map.png")) > 3
    with pytest.raises(ExportError, match="at least three texts, not 2"):
        draw_texts(embed, ["a1", "b1"], tmp_path / "map.png", title="")


def test_curves(tmp_path: Path) -> None:
    rates = (0.0, 0.1, 0.2)
    curves = [TypoCurve(set=name, measure="x", rates=rates, scores=(90.0, 70.0, 50.0), seed=0) for name in ("a", "b")]
    draw_curves({"one": curves[:1]}, tmp_path / "one.png")
    draw_curves({"one": curves, "two": curves}, tmp_path / "four.png")
    assert (0x33, 0x22, 0x88) in colours(tmp_path / "one.png")
    assert {(0x33, 0x22, 0x88), (0xDD, 0xAA, 0x33)} <= colours(tmp_path / "four.png")
