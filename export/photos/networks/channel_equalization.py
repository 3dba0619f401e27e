"""Channels between the blocks of a network brought to one size, so that steps of one size suit all of them."""

from __future__ import annotations

import torch

from .backbone import Block, Convolution

_LEAST = 1 / 64
"""No channel is taken for smaller than this share of the largest."""


@torch.no_grad()
def equalize(blocks: torch.nn.Sequential, maps: torch.Tensor) -> None:
    """Divide the channels that go from block to block by how far they reach, in place; the results stay the same.

    What a block ends with is bounded by nothing, and its largest channel sets the steps for all: in plain parts of a
    picture the others then lie between two steps, everywhere to the same side. What gives a channel can make it
    smaller, and what takes it make up for that (Nagel et al. 2019, https://arxiv.org/abs/1906.04721, there from the
    weights alone). Blocks that add to what they take share its channels.

    Args:
        blocks: of :class:`~.backbone.Block`.
        maps: what goes in for some photos, (B, C, H, W).
    """
    value, reach = maps, _reach(maps)
    givers: list[Convolution | None] = [None]  # what goes in comes from elsewhere, and stays as it is
    takers: list[Convolution] = []
    for block in blocks:
        assert isinstance(block, Block)
        first, last = block.layers[0], block.layers[-1]
        assert isinstance(first, Convolution)
        assert isinstance(last, Convolution)
        takers.append(first)
        added = block.layers(value)
        value = value + added if block.residual else added
        if block.residual:
            givers.append(last)
            reach = torch.maximum(reach, torch.maximum(_reach(value), _reach(added)))
        else:
            _scale(givers, takers, reach)
            givers, takers, reach = [last], [], _reach(value)


def _reach(value: torch.Tensor) -> torch.Tensor:
    return value.abs().amax((0, 2, 3))


def _scale(givers: list[Convolution | None], takers: list[Convolution], reach: torch.Tensor) -> None:
    """Nothing is done where what gives is unknown or bounded, or what takes keeps channels apart."""
    able = [layer for layer in givers if layer is not None and not layer.relu6]
    if len(able) < len(givers) or any(layer.groups > 1 for layer in takers):
        return
    share = (reach / reach.max()).clamp(min=_LEAST)
    for layer in able:
        layer.weight.div_(share.reshape(-1, 1, 1, 1))
        layer.bias.div_(share)
    for layer in takers:
        layer.weight.mul_(share.reshape(1, -1, 1, 1))
