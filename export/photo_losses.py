"""What is made small while a photo tower is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from .photo_training import PhotoPlan

_NEVER = -1e4
"""A logit of what is not to be compared with."""


def caption_loss(
    vectors: torch.Tensor,
    rows: npt.NDArray[np.int64],
    captions: npt.NDArray[np.float32],
    owners: npt.NDArray[np.int64],
    bank: torch.Tensor,
    known: torch.Tensor,
    plan: PhotoPlan,
) -> torch.Tensor:
    """Contrastive loss both ways, against every caption and against every photo seen before (InfoNCE).

    The text side never changes (LiT: Zhai et al. 2022, https://arxiv.org/abs/2111.07991), so all captions are at hand
    at every step, and the last vectors of other photos stand for them. Captions of different photos may say the
    same; so a share of what is aimed at is the captions' own likeness.

    Args:
        vectors: of the photos of the batch, (B, dim), of length 1.
        rows: their numbers, (B,).
        captions: of all captions, (M, dim), of length 1.
        owners: number of the photo of each caption, ascending, (M,).
        bank: the last vectors of all photos, (N, dim).
        known: which of them there are, (N,).
        plan: temperatures, and the share.

    Returns:
        The sum of both cross entropies.
    """
    texts, index = torch.from_numpy(captions), torch.from_numpy(rows)
    first = np.searchsorted(owners, rows)
    counts = np.searchsorted(owners, rows, side="right") - first  # (B,)
    own = np.concatenate([np.arange(start, start + count) for start, count in zip(first, counts, strict=True)])
    of_batch = torch.from_numpy(np.repeat(np.arange(len(rows)), counts))  # photo in the batch of each own caption
    right = torch.from_numpy(own)
    means = torch.zeros(len(rows), texts.shape[1]).index_add_(0, of_batch, texts[right])
    means = torch.nn.functional.normalize(means, dim=1)  # (B, dim), what a photo's captions say together

    to_texts = torch.log_softmax(vectors @ texts.T / plan.temperature, dim=1)  # (B, M)
    wanted = plan.soft * torch.softmax(means @ texts.T / plan.soft_temperature, dim=1)
    wanted[of_batch, right] += (1 - plan.soft) / torch.from_numpy(counts)[of_batch]
    loss = -(wanted * to_texts).sum(1).mean()

    there = known.clone()
    there[index] = False
    others = torch.where(there[None], texts[right] @ bank.T / plan.temperature, _NEVER)
    to_photos = torch.log_softmax(torch.cat([texts[right] @ vectors.T / plan.temperature, others], dim=1), dim=1)
    wanted = torch.zeros_like(to_photos)  # (captions of the batch, B + N)
    wanted[:, : len(rows)] = plan.soft * torch.softmax(texts[right] @ means.T / plan.soft_temperature, dim=1)
    wanted[torch.arange(len(right)), of_batch] += 1 - plan.soft
    return loss - (wanted * to_photos).sum(1).mean()


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
