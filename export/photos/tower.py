"""The photo tower: one vector from a head trained on captions and from the backbone's classifier (ConSE)."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from .networks.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class TowerRecipe:
    """How a tower is built around a backbone."""

    split: int
    """Blocks before this one, counted from 0, stay as they are; the others are trained."""
    hidden: int | None = None
    """Width of the layer between features and vector; ``None``: there is none."""
    dropout: float = 0.2
    weight: float = 0.7
    """Weight of the names' vector beside the head's, which has length 1."""
    power: float = 1.5
    """Probabilities are taken to this power first: the likelier classes count more than they would."""
    apart: float | None = None
    """Ridge of :func:`told_apart`: the larger, the less names are told apart; ``None``: they count as they are."""


class PhotoTower(torch.nn.Module):
    """Pixels (B, 3, H, W) to unit vectors (B, dim).

    Two things are made of the same features. A head, trained on captions, gives a vector of what is seen. The
    backbone's classifier names it: the sum of the vectors of its classes' names, weighted by their probabilities
    (ConSE: Norouzi et al. 2014, https://arxiv.org/abs/1312.5650). That sum is the shorter the less sure the
    classifier is, and then counts less. The last blocks and the classifier are trained too, held to what the backbone
    said, so that a thousand kinds of things keep their names.
    """

    names: torch.Tensor
    """Vectors of the classes' names by the text model, of length 1, (classes, dim)."""
    directions: torch.Tensor
    """Direction of each class in the sum, (classes, dim)."""

    def __init__(self, backbone: Backbone, names: torch.Tensor, recipe: TowerRecipe) -> None:
        """Build an untrained tower.

        Args:
            backbone: copied.
            names: a vector of length 1 for each of its classes, (classes, dim).
            recipe: how.
        """
        super().__init__()
        blocks = copy.deepcopy(backbone.blocks)
        self.recipe = recipe
        self.trunk, self.tail = blocks[: recipe.split], blocks[recipe.split :]
        self.trunk.requires_grad_(False)
        self.classifier = copy.deepcopy(backbone.classifier)
        self.head = Head(backbone.features, names.shape[1], hidden=recipe.hidden, dropout=recipe.dropout)
        self.register_buffer("names", names.clone())
        directions = names.clone() if recipe.apart is None else told_apart(names, recipe.apart)
        self.register_buffer("directions", directions)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """float32 in, float32 out."""
        return self.vectors(self.features(self.trunk(pixel_values)))

    def features(self, maps: torch.Tensor) -> torch.Tensor:
        """What the trunk gives, (B, C, H, W), to mean features (B, features)."""
        pooled: torch.Tensor = self.tail(maps).float().mean((2, 3))
        return pooled

    def vectors(self, features: torch.Tensor) -> torch.Tensor:
        """Mean features (B, features) to unit vectors (B, dim)."""
        return self.joined(self.head(features), torch.softmax(self.classifier(features), dim=1))

    def joined(self, seen: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, dim) of the head's, and of the classifier's probabilities (B, classes)."""
        raised = probabilities**self.recipe.power
        raised = raised / raised.sum(1, keepdim=True)
        return torch.nn.functional.normalize(seen + self.recipe.weight * (raised @ self.directions), dim=1)


def told_apart(names: torch.Tensor, ridge: float) -> torch.Tensor:
    """Ridge regression: halfway from names to directions like their own name and unlike all others, of length 1.

    Names of kinds of dogs are much alike, so the name of one brings all of them to the front, before the second thing
    that a classifier holds possible. Directions without that are found by least squares, from names to classes; with
    none of what names share, though, "a dog" would find no dog any more. So the directions are a sum of both.

    Args:
        names: of length 1, (classes, dim).
        ridge: of the least squares (ridge regression: Hoerl and Kennard 1970); the larger, the more alike they stay.
    """
    least = torch.linalg.solve(names @ names.T + ridge * torch.eye(len(names)), names)  # (classes, dim)
    return torch.nn.functional.normalize(names + torch.nn.functional.normalize(least, dim=1), dim=1)


class Head(torch.nn.Module):
    """Mean features (B, C) to unit vectors (B, dim)."""

    def __init__(self, features: int, dim: int, *, hidden: int | None, dropout: float) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(features, affine=False)
        self.dropout = torch.nn.Dropout(dropout)
        self.layers: torch.nn.Module
        if hidden is None:
            self.layers = torch.nn.Linear(features, dim)
        else:
            first, last = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, dim)
            self.layers = torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Dropout(dropout), last)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """float32 in, float32 out."""
        return torch.nn.functional.normalize(self.layers(self.dropout(self.norm(features))), dim=1)
