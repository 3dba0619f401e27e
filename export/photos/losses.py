"""The training losses of a photo tower: contrastive on captions, Kullback-Leibler on names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..types import Vectors

_MASKED = -1e4
"""A logit of what is not to be compared with."""


@dataclass(frozen=True)
class Captions:
    """Vectors of the captions of N photos, the targets of the contrastive losses."""

    vectors: torch.Tensor
    """(M, dim), of length 1."""
    first: npt.NDArray[np.int64]
    """Number of the first caption of each photo, (N,)."""
    counts: npt.NDArray[np.int64]
    """How many each has, (N,)."""
    means: torch.Tensor
    """Of each photo's captions, (N, dim), not brought to length 1."""
    unit_means: torch.Tensor
    """The same, brought to it."""

    @classmethod
    def of(cls, vectors: Vectors, owners: npt.NDArray[np.int64]) -> Captions:
        """Vectors of captions, (M, dim), and the number of the photo of each, ascending; every photo has one."""
        texts, photos = torch.from_numpy(vectors), int(owners[-1]) + 1
        first = np.searchsorted(owners, np.arange(photos))
        counts = np.searchsorted(owners, np.arange(photos), side="right") - first
        sums = torch.zeros(photos, texts.shape[1]).index_add_(0, torch.from_numpy(owners), texts)
        means = sums / torch.from_numpy(counts).float()[:, None]
        return cls(texts, first, counts, means, torch.nn.functional.normalize(means, dim=1))

    def sample(self, rng: np.random.Generator) -> torch.Tensor:
        """One caption of each photo, drawn at random, (N, dim)."""
        rows = self.first + (rng.random(len(self.first)) * self.counts).astype(np.int64)
        return self.vectors[torch.from_numpy(rows)]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Temperatures and soft targets of the contrastive losses."""

    temperature: float = 0.06
    soft: float = 0.5
    """Soft targets: share of the captions' own similarity in the target; the rest is for the right caption or photo."""
    soft_temperature: float = 0.05
    """Of the captions' own similarities."""


def caption_loss(
    vectors: torch.Tensor,
    rows: torch.Tensor,
    captions: Captions,
    bank: torch.Tensor,
    in_bank: torch.Tensor,
    contrast: Contrast,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Contrastive loss (InfoNCE) both ways: against a caption of every photo, and against every photo seen before.

    The text side never changes (LiT: Zhai et al. 2022, https://arxiv.org/abs/2111.07991), so captions of all photos are
    at hand at every step, of which one for each photo is drawn; and other photos stand in a memory bank with their last
    vectors. The target of a photo is the mean of all its captions. Captions of different photos may say the same, so
    targets are soft: a share of them is the similarity of the captions themselves.

    Args:
        vectors: of the photos of the batch, (B, dim), of length 1.
        rows: their numbers, (B,).
        captions: of all photos.
        bank: the last vectors of all photos, (N, dim).
        in_bank: which of them there are, (N,).
        contrast: temperatures, and the share of soft targets.
        rng: draws captions.

    Returns:
        The sum of both cross entropies.
    """
    texts, means = captions.sample(rng), captions.unit_means
    loss = _caption_cross_entropy(vectors, rows, texts, captions, contrast)
    there = in_bank.clone()
    there[rows] = False
    others = torch.where(there, texts[rows] @ bank.T / contrast.temperature, _MASKED)  # (B, N)
    logits = torch.cat([texts[rows] @ vectors.T / contrast.temperature, others], dim=1)  # (B, B + N)
    alike = torch.where(there, texts[rows] @ means.T / contrast.soft_temperature, _MASKED)
    alike = torch.cat([texts[rows] @ means[rows].T / contrast.soft_temperature, alike], dim=1)
    targets = contrast.soft * torch.softmax(alike, dim=1)
    targets[torch.arange(len(rows)), torch.arange(len(rows))] += 1 - contrast.soft
    return loss.mean() - (targets * torch.log_softmax(logits, dim=1)).sum(1).mean()


def mixup_loss(
    vectors: torch.Tensor,
    parts: Sequence[tuple[torch.Tensor, torch.Tensor]],
    captions: Captions,
    contrast: Contrast,
    rng: np.random.Generator,
) -> torch.Tensor:
    """:func:`caption_loss` for mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412): photos laid over one
    another, each mixture drawn towards the captions of both by their shares.

    A mixture is no photo that a caption should find, so this goes one way, and counts twice.

    Args:
        vectors: of the mixtures, (B, dim), of length 1.
        parts: numbers of the photos in them, (B,), and their shares, (B,), which sum to 1.
        captions, contrast, rng: as there.
    """
    texts = captions.sample(rng)
    losses = [share * _caption_cross_entropy(vectors, rows, texts, captions, contrast) for rows, share in parts]
    return 2 * torch.stack(losses).sum(0).mean()


def _caption_cross_entropy(
    vectors: torch.Tensor, rows: torch.Tensor, texts: torch.Tensor, captions: Captions, contrast: Contrast
) -> torch.Tensor:
    """Cross entropy of each photo among ``texts``, a caption of every photo, (B,)."""
    logits = vectors @ texts.T / contrast.temperature  # (B, N)
    total = torch.logsumexp(logits, dim=1)  # (B,)
    hard = total - (vectors * captions.means[rows]).sum(1) / contrast.temperature
    targets = torch.softmax(captions.unit_means[rows] @ texts.T / contrast.soft_temperature, dim=1)
    return (1 - contrast.soft) * hard + contrast.soft * (total - (targets * logits).sum(1))


def naming_loss(
    vectors: torch.Tensor, probabilities: torch.Tensor, names: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """Kullback-Leibler divergence of what the names of classes say of the vectors from what the backbone says.

    Args:
        vectors: of the photos, (B, dim), of length 1.
        probabilities: the backbone's of the same photos, (B, classes).
        names: a vector of length 1 for each class, (classes, dim).
        temperature: of similarities between photos and names.
    """
    log_probabilities = torch.log_softmax(vectors @ names.T / temperature, dim=1)
    return torch.nn.functional.kl_div(log_probabilities, probabilities, reduction="batchmean")
