"""Rounding a network's convolutions so that what each rounding does is made good by the weights not yet rounded."""

from __future__ import annotations

import torch

from .backbone import Block, Convolution
from .stored_weights import LEAST, rounded

_DAMP = 0.01
"""Share of the inputs' mean square that is added to each, so that inputs that are always alike can be solved for."""
_PLACES = 12_544
"""At most so many places of the pictures are looked at."""


@torch.no_grad()
def round_compensated(blocks: torch.nn.Sequential, maps: torch.Tensor, *, most: int) -> None:
    """Round the weights of convolutions in place to ``most`` steps either way, and move biases to keep every mean.

    Layer by layer, each on what the rounded ones before it give. In a convolution of one place, the inputs go together
    (some are always large, many vary alike): the weights of one input are rounded, and those of the inputs that
    follow take over what that changed (GPTQ: Frantar et al. 2023, https://arxiv.org/abs/2210.17323).

    Args:
        blocks: of :class:`~.backbone.Block`.
        maps: what goes in for some photos, (B, C, H, W).
        most: 127 for 8 bits, 63 for 7.
    """
    wanted, value = maps, maps
    for block in blocks:
        assert isinstance(block, Block)
        before = wanted, value
        for layer in block.layers:
            assert isinstance(layer, Convolution)
            wanted = layer(wanted)
            _round(layer, value, most)
            layer.bias.add_((wanted - layer(value)).mean((0, 2, 3)))
            value = layer(value)
        if block.residual:
            wanted, value = before[0] + wanted, before[1] + value


def _round(layer: Convolution, value: torch.Tensor, most: int) -> None:
    weight = layer.weight
    if weight.numel() < LEAST:
        return
    steps, scales = rounded(weight.numpy(), 0, most=most)
    if layer.groups == 1 and weight.shape[2:] == (1, 1):
        rows = value.permute(0, 2, 3, 1).reshape(-1, value.shape[1])
        rows = rows[:: max(1, len(rows) // _PLACES)]
        found = compensated(weight[:, :, 0, 0], torch.from_numpy(scales)[:, 0, 0, 0], rows, most=most)
        weight.copy_(found[:, :, None, None])
    else:
        weight.copy_(torch.from_numpy(steps * scales))


def compensated(weight: torch.Tensor, scales: torch.Tensor, rows: torch.Tensor, *, most: int) -> torch.Tensor:
    """``weight`` in whole steps, so chosen that ``rows @ weight.T`` changes little.

    Args:
        weight: (outputs, inputs).
        scales: size of a step for each output, (outputs,).
        rows: examples of the inputs, (N, inputs).
        most: steps from ``-most`` to ``most``.
    """
    left, sizes = weight.double().clone(), scales.double()
    products = rows.double().T @ rows.double()
    products.diagonal().add_(_DAMP * products.diagonal().mean())
    order = torch.argsort(products.diagonal(), descending=True)  # what matters most has the most others to make it good
    left, products = left[:, order], products[order][:, order]
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(products))
    factor = torch.linalg.cholesky(inverse, upper=True)  # (inputs, inputs)
    for i in range(left.shape[1]):
        exact = left[:, i].clone()
        left[:, i] = (exact / sizes).round().clamp(-most, most) * sizes
        change = (exact - left[:, i]) / factor[i, i]
        left[:, i + 1 :] -= torch.outer(change, factor[i, i + 1 :])
    return left[:, torch.argsort(order)].to(weight.dtype)
