"""Cross-layer equalization: channels between blocks get the same range, so that one quantization scale suits all."""

from __future__ import annotations

import torch

from .backbone import Block, Convolution

_LEAST = 1 / 64
"""Least range of a channel, as a share of the largest."""


@torch.no_grad()
def equalize(blocks: torch.nn.Sequential, maps: torch.Tensor) -> None:
    """Cross-layer equalization (Nagel et al. 2019, https://arxiv.org/abs/1906.04721, there from the weights alone).

    Channels between blocks are divided by their range, in place; the results stay the same.

    The output of a block is unbounded, and its largest channel sets the quantization scale for all: in plain parts of
    an image the others then lie between two steps, everywhere to the same side. The layer that produces a channel can
    make it smaller, and the layer that consumes it make up for that. Residual blocks share the channels of their input.

    Args:
        blocks: of :class:`~.backbone.Block`.
        maps: what goes in for some photos, (B, C, H, W).
    """
    value, ranges = maps, _channel_range(maps)
    producers: list[Convolution | None] = [None]  # the input comes from elsewhere, and stays as it is
    consumers: list[Convolution] = []
    for block in blocks:
        assert isinstance(block, Block)
        first, last = block.layers[0], block.layers[-1]
        assert isinstance(first, Convolution)
        assert isinstance(last, Convolution)
        consumers.append(first)
        added = block.layers(value)
        value = value + added if block.residual else added
        if block.residual:
            producers.append(last)
            ranges = torch.maximum(ranges, torch.maximum(_channel_range(value), _channel_range(added)))
        else:
            _scale(producers, consumers, ranges)
            producers, consumers, ranges = [last], [], _channel_range(value)


def _channel_range(value: torch.Tensor) -> torch.Tensor:
    return value.abs().amax((0, 2, 3))


def _scale(producers: list[Convolution | None], consumers: list[Convolution], ranges: torch.Tensor) -> None:
    """Nothing is done where a producer is unknown or bounded (ReLU6), or a consumer is depthwise."""
    scalable = [layer for layer in producers if layer is not None and not layer.relu6]
    if len(scalable) < len(producers) or any(layer.groups > 1 for layer in consumers):
        return
    share = (ranges / ranges.max()).clamp(min=_LEAST)
    for layer in scalable:
        layer.weight.div_(share.reshape(-1, 1, 1, 1))
        layer.bias.div_(share)
    for layer in consumers:
        layer.weight.mul_(share.reshape(1, -1, 1, 1))
