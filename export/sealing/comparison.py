"""A bundle and its float source on the same data sets, while the bundle is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeembed import Embedder

from ..evaluation.evaluate import Scores, evaluate
from ..evaluation.image_tasks import EmbedImages
from ..evaluation.report import encoder_of, measure_quality
from ..evaluation.text_tasks import Embed


class Comparison:
    """What to call with a proved bundle; returns for its ``quality`` what was measured, and ``source_scores``."""

    def __init__(self, data: Path | None, *, texts: Embed | None = None, images: EmbedImages | None = None) -> None:
        """Nothing is measured without ``data``, evaluation sets; ``texts`` and ``images`` are the source's towers."""
        self._data, self._texts, self._images = data, texts, images
        self.scores: dict[str, Scores] = {}
        """Column title (``bundle``, ``source``) to scores; empty until something was measured."""

    def __call__(self, embedder: Embedder) -> dict[str, Any]:
        if self._data is None:
            return {}
        quality = measure_quality(encoder_of(embedder), [self._data])
        self.scores["bundle"] = quality.scores
        self.scores["source"] = evaluate(self._texts, self._data, embed_images=self._images)
        return {**quality.as_data(), "source_scores": self.scores["source"]}
