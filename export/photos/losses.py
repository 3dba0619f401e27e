"""What is made small while a photo tower is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

_NEVER = -1e4
"""A logit of what is not to be compared with."""


@dataclass(frozen=True)
class Said:
    """The captions of N photos, ready to be aimed at."""

    captions: torch.Tensor
    """(M, dim), of length 1."""
    first: npt.NDArray[np.int64]
    """Number of the first caption of each photo, (N,)."""
    counts: npt.NDArray[np.int64]
    """How many each has, (N,)."""
    means: torch.Tensor
    """Of each photo's captions, (N, dim), not brought to length 1."""
    meant: torch.Tensor
    """The same, brought to it."""

    def drawn(self, rng: np.random.Generator) -> torch.Tensor:
        """One caption of each photo, (N, dim)."""
        chosen = self.first + (rng.random(len(self.first)) * self.counts).astype(np.int64)
        return self.captions[torch.from_numpy(chosen)]


def said(captions: npt.NDArray[np.float32], owners: npt.NDArray[np.int64]) -> Said:
    """Captions, (M, dim), and the number of the photo of each, ascending; every photo has one."""
    texts, photos = torch.from_numpy(captions), int(owners[-1]) + 1
    first = np.searchsorted(owners, np.arange(photos))
    counts = np.searchsorted(owners, np.arange(photos), side="right") - first
    sums = torch.zeros(photos, texts.shape[1]).index_add_(0, torch.from_numpy(owners), texts)
    means = sums / torch.from_numpy(counts).float()[:, None]
    return Said(texts, first, counts, means, torch.nn.functional.normalize(means, dim=1))


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """How photos and captions are told apart."""

    temperature: float = 0.06
    soft: float = 0.5
    """Share of the captions' own likeness in what is aimed at; the rest is for the right caption or photo alone."""
    soft_temperature: float = 0.05
    """Of the captions' own similarities."""


def caption_loss(
    vectors: torch.Tensor,
    rows: torch.Tensor,
    lesson: Said,
    bank: torch.Tensor,
    known: torch.Tensor,
    how: Contrast,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Contrastive loss both ways, against a caption of every photo and against every photo seen before (InfoNCE).

    The text side never changes (LiT: Zhai et al. 2022, https://arxiv.org/abs/2111.07991), so captions of all photos are
    at hand at every step, one of each drawn by lot; and the last vectors of other photos stand for these. A photo
    is drawn to all of its captions at once, that is, to their mean. Captions of different photos may say the same;
    so a share of what is aimed at is the captions' own likeness.

    Args:
        vectors: of the photos of the batch, (B, dim), of length 1.
        rows: their numbers, (B,).
        lesson: all captions.
        bank: the last vectors of all photos, (N, dim).
        known: which of them there are, (N,).
        how: temperatures, and the share.
        rng: draws captions.

    Returns:
        The sum of both cross entropies.
    """
    texts, meant = lesson.drawn(rng), lesson.meant
    loss = _towards_captions(vectors, rows, texts, lesson, how)
    there = known.clone()
    there[rows] = False
    others = torch.where(there, texts[rows] @ bank.T / how.temperature, _NEVER)  # (B, N)
    logits = torch.cat([texts[rows] @ vectors.T / how.temperature, others], dim=1)  # (B, B + N)
    alike = torch.where(there, texts[rows] @ meant.T / how.soft_temperature, _NEVER)
    alike = torch.cat([texts[rows] @ meant[rows].T / how.soft_temperature, alike], dim=1)
    wanted = how.soft * torch.softmax(alike, dim=1)
    wanted[torch.arange(len(rows)), torch.arange(len(rows))] += 1 - how.soft
    return loss.mean() - (wanted * torch.log_softmax(logits, dim=1)).sum(1).mean()


def mixed_loss(
    vectors: torch.Tensor,
    parts: Sequence[tuple[torch.Tensor, torch.Tensor]],
    lesson: Said,
    how: Contrast,
    rng: np.random.Generator,
) -> torch.Tensor:
    """What :func:`caption_loss` is for photos laid over one another (mixup: Zhang et al. 2018,
    https://arxiv.org/abs/1710.09412): towards the captions of each by its share.

    A mixture is no photo that a caption should find, so this goes one way, and counts twice.

    Args:
        vectors: of the mixtures, (B, dim), of length 1.
        parts: numbers of the photos in them, (B,), and their shares, (B,), which sum to 1.
        lesson, how, rng: as there.
    """
    texts = lesson.drawn(rng)
    found = [share * _towards_captions(vectors, rows, texts, lesson, how) for rows, share in parts]
    return 2 * torch.stack(found).sum(0).mean()


def _towards_captions(
    vectors: torch.Tensor, rows: torch.Tensor, texts: torch.Tensor, lesson: Said, how: Contrast
) -> torch.Tensor:
    """Cross entropy of each photo among ``texts``, a caption of every photo, (B,)."""
    logits = vectors @ texts.T / how.temperature  # (B, N)
    total = torch.logsumexp(logits, dim=1)  # (B,)
    hard = total - (vectors * lesson.means[rows]).sum(1) / how.temperature
    likeness = torch.softmax(lesson.meant[rows] @ texts.T / how.soft_temperature, dim=1)
    return (1 - how.soft) * hard + how.soft * (total - (likeness * logits).sum(1))


def naming_loss(
    vectors: torch.Tensor, probabilities: torch.Tensor, names: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """How far what the names of classes say of the vectors is from what the backbone says (Kullback-Leibler).

    Args:
        vectors: of the photos, (B, dim), of length 1.
        probabilities: the backbone's of the same photos, (B, classes).
        names: a vector of length 1 for each class, (classes, dim).
        temperature: of similarities between photos and names.
    """
    found = torch.log_softmax(vectors @ names.T / temperature, dim=1)
    return torch.nn.functional.kl_div(found, probabilities, reduction="batchmean")
