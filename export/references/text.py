"""The float reference: the source model in its original framework, through the whole pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..sources.loading import load_fast_tokenizer, load_model
from ..sources.pooling import Dense, Normalize, Pooling, PoolingStep
from ..sources.text_source import TextSource
from ..types import Vectors


class TorchReference:
    """A text encoder in torch, float32, run as transformers and sentence-transformers run it."""

    def __init__(self, source: TextSource) -> None:
        """Load the model and its tokenizer.

        Raises:
            ExportError: transformers cannot load one of them.
        """
        self.source = source
        self.tokenizer = load_fast_tokenizer(source)
        self.model, _ = load_model(source, may_lack=("pooler.",))  # which is not used here

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return len(self.embed(["a"])[0])

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        """Token ids of each text, cut at the limit, special tokens kept."""
        batch = self.tokenizer(self._prepared(texts, role), truncation=True, max_length=self.source.max_tokens)
        return [list(ids) for ids in batch["input_ids"]]

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], role: str = "document") -> Vectors:
        """Float32 ``(N, dim)``, rows of length 1; one text at a time, as the runtime does.

        In a padded batch some models (ConvBERT, Nyströmformer) let a text see the padding beside it.
        """
        return np.concatenate([self._embed(ids) for ids in self.token_ids(texts, role=role)])

    def _embed(self, ids: Sequence[int]) -> Vectors:
        rows = torch.tensor([list(ids)])  # (1, T)
        ones = torch.ones_like(rows)
        value = self.model(input_ids=rows, attention_mask=ones).last_hidden_state  # (1, T, hidden)
        mask = ones.unsqueeze(2).float()  # (1, T, 1)
        for step in self.source.pooling:
            value = apply_pooling_step(step, value, mask)
        return np.asarray(value.numpy(), dtype=np.float32)  # (1, dim)

    def _prepared(self, texts: Sequence[str], role: str) -> list[str]:
        prefix = self.source.query_prefix if role == "query" else self.source.document_prefix
        prepared = [prefix + text for text in texts]
        return [text.lower() for text in prepared] if self.source.lowercase else prepared


def apply_pooling_step(step: PoolingStep, value: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """One step after the transformer, from (B, T, hidden) or (B, n); ``mask`` is (B, T, 1), float."""
    if isinstance(step, Pooling):
        return torch.cat([_pool(mode, value, mask) for mode in step.modes], dim=1)
    if isinstance(step, Normalize):
        return torch.nn.functional.normalize(value, dim=1)
    return _dense(step, value)


def _pool(mode: str, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Formulas of sentence-transformers' ``Pooling``."""
    if mode == "cls":
        return hidden[:, 0]
    if mode == "max":
        return hidden.masked_fill(mask == 0, -1e9).max(dim=1).values
    if mode == "weightedmean":
        mask = mask * torch.arange(1, hidden.shape[1] + 1).view(1, -1, 1)
    count = mask.sum(dim=1).clamp(min=1e-9)
    total = (hidden * mask).sum(dim=1)
    return total / (count.sqrt() if mode == "mean_sqrt_len" else count)


def _dense(step: Dense, value: torch.Tensor) -> torch.Tensor:
    bias = None if step.bias is None else torch.from_numpy(step.bias)
    value = torch.nn.functional.linear(value, torch.from_numpy(step.weight), bias)
    if step.activation == "Identity":
        return value
    functions = {"Tanh": torch.tanh, "Relu": torch.relu, "Sigmoid": torch.sigmoid}
    return functions[step.activation](value)
