"""The float reference of the text tower of a two-tower model: transformers' tokenizer, then the model in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..types import Vectors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


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

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1; one text at a time, as the runtime does."""
        return np.concatenate([self._embed(ids) for ids in self.token_ids(texts)])

    def _embed(self, ids: Sequence[int]) -> Vectors:
        padding = max(0, (self._pad_to or 0) - len(ids))
        rows = torch.tensor([[*ids, *[self._pad_id] * padding]])  # (1, T)
        mask = torch.ones_like(rows) if self._pad_to is None else None
        features = self._model.get_text_features(rows, attention_mask=mask)
        vectors = torch.nn.functional.normalize(features, dim=1)
        return np.asarray(vectors.numpy(), dtype=np.float32)  # (1, dim)
