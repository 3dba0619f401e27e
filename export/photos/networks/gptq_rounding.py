"""GPTQ rounding of convolutions: the error of each rounded weight is compensated by the weights not yet rounded."""

from __future__ import annotations

import torch

from ...quantization.weight_only import LEAST, rounded
from .backbone import Block, Convolution

_DAMP = 0.01
"""Dampening (GPTQ's percdamp): share of the inputs' mean square that is added to the diagonal, so that inputs that are
always alike can be solved for."""
_PLACES = 12_544
"""Sample size: at most so many positions of the images."""
_GROUPS = 64
"""So many groups of a layer are computed together."""
_TINY = 1e-9
"""Added too, for inputs that are always zero."""


@torch.no_grad()
def gptq_round_network(blocks: torch.nn.Sequential, maps: torch.Tensor, *, most: int) -> None:
    """GPTQ (Frantar et al. 2023, https://arxiv.org/abs/2210.17323) for convolutions, with bias correction.

    Weights are rounded in place to ``most`` steps either way, and biases moved so that every channel keeps its mean.

    Layer by layer, each on the output of the rounded ones before it. The inputs of a convolution are correlated (some
    are always large, many vary alike, and neighbours in an image are nearly the same): the weight of one input is
    rounded, and those of the inputs that follow take over the error.

    Args:
        blocks: of :class:`~.backbone.Block`.
        maps: what goes in for some photos, (B, C, H, W).
        most: 127 for 8 bits, 63 for 7.
    """
    exact, value = maps, maps
    for block in blocks:
        assert isinstance(block, Block)
        before = exact, value
        for layer in block.layers:
            assert isinstance(layer, Convolution)
            exact = layer(exact)
            _round(layer, value, most)
            layer.bias.add_((exact - layer(value)).mean((0, 2, 3)))
            value = layer(value)
        if block.residual:
            exact, value = before[0] + exact, before[1] + value


def _round(layer: Convolution, value: torch.Tensor, most: int) -> None:
    weight = layer.weight
    if weight.numel() < LEAST:
        return
    scales = torch.from_numpy(rounded(weight.numpy(), 0, most=most)[1])
    each = layer.groups, len(weight) // layer.groups  # groups, and outputs of each
    rounded_weight = gptq_round(weight.reshape(*each, -1), scales.reshape(each), _products(layer, value), most=most)
    weight.copy_(rounded_weight.reshape(weight.shape))


def _products(layer: Convolution, value: torch.Tensor) -> torch.Tensor:
    """Hessian of GPTQ: products of the inputs under the kernel, summed over positions, (groups, inputs, inputs)
    of each group."""
    kernel, patches = layer.weight.shape[2:], []
    for number, image in enumerate(layer.padded(value)):  # one at a time: a pixel is under up to 25 kernels
        under = torch.nn.functional.unfold(image[None], kernel, stride=layer.stride)[0]  # (C * kernel, places)
        apart = max(1, len(value) * under.shape[1] // _PLACES)
        some = under[:, number % apart :: apart]
        patches.append(some.reshape(layer.groups, -1, some.shape[1]).mT)
    rows = torch.cat(patches, dim=1)
    # Of all groups at once, doubles would take gigabytes.
    parts = (rows[start : start + _GROUPS].double() for start in range(0, layer.groups, _GROUPS))
    return torch.cat([some.mT @ some for some in parts])


def gptq_round(weight: torch.Tensor, scales: torch.Tensor, products: torch.Tensor, *, most: int) -> torch.Tensor:
    """GPTQ: ``weight`` in whole steps, so chosen that ``rows @ weight.mT`` changes little.

    Args:
        weight: (..., outputs, inputs).
        scales: size of a step for each output, (..., outputs).
        products: ``rows.mT @ rows`` for examples of the inputs, float64 (..., inputs, inputs).
        most: steps from ``-most`` to ``most``.
    """
    left, sizes = weight.double(), scales.double()
    sums = products.diagonal(dim1=-2, dim2=-1)
    sums = sums + _DAMP * sums.mean(-1, keepdim=True) + _TINY
    products = products.diagonal_scatter(sums, dim1=-2, dim2=-1)
    order = torch.argsort(sums, dim=-1, descending=True)  # what matters most has the most others to compensate it
    left = left.take_along_dim(order[..., None, :], -1)
    products = products.take_along_dim(order[..., None], -2).take_along_dim(order[..., None, :], -1)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(products))
    factor = torch.linalg.cholesky(inverse, upper=True)  # (..., inputs, inputs)
    for i in range(left.shape[-1]):
        exact = left[..., i].clone()
        left[..., i] = (exact / sizes).round().clamp(-most, most) * sizes
        change = (exact - left[..., i]) / factor[..., i, i, None]
        left[..., i + 1 :] -= change[..., None] * factor[..., None, i, i + 1 :]
    return left.take_along_dim(torch.argsort(order, dim=-1)[..., None, :], -1).to(weight.dtype)
