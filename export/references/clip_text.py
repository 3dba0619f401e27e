"""The float reference of the text tower of a two-tower model: transformers' tokenizer, then the model in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..types import Vectors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BATCH = 32


class TorchTexts:
    """A text tower in torch, float32, run as transformers runs it."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, pad_to: int | None
    ) -> None:
        """``pad_to``: length in tokens to which every text is padded, without a mask; ``None``: as batches need."""
        self._model: Any = model
        self.tokenizer = tokenizer
        self._max_tokens, self._pad_to = max_tokens, pad_to
        self._pad_id = int(tokenizer.pad_token_id or 0)

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        """Token ids of each text, cut at the limit, special tokens kept; both roles are the same."""
        batch = self.tokenizer(list(texts), truncation=True, max_length=self._max_tokens)
        return [list(ids) for ids in batch["input_ids"]]

    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1."""
        ids = self.token_ids(texts)
        out: list[Any] = [None] * len(ids)
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            for i, vector in zip(rows, self._embed([ids[i] for i in rows]), strict=True):
                out[i] = vector
        return np.stack(out).astype(np.float32)

    @torch.inference_mode()
    def _embed(self, ids: list[list[int]]) -> Vectors:
        length = self._pad_to or max(map(len, ids))
        rows = torch.full((len(ids), length), self._pad_id)  # (B, T)
        mask = torch.zeros_like(rows)
        for row, row_mask, own in zip(rows, mask, ids, strict=True):
            row[: len(own)], row_mask[: len(own)] = torch.tensor(own), 1
        features = self._model.get_text_features(rows, attention_mask=mask if self._pad_to is None else None)
        vectors = torch.nn.functional.normalize(features, dim=1)
        return np.asarray(vectors.numpy(), dtype=np.float32)  # (B, dim)
