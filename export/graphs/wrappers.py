"""Torch modules from the inputs of a bundle's graph to unit vectors, and their conversion to ONNX by optimum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import onnx
import torch

from ..sources.loading import quiet
from .optimize import plain_graph, save_optimized

if TYPE_CHECKING:
    from optimum.exporters.onnx import OnnxConfig
    from transformers import PreTrainedModel

Pooled = Literal["cls", "pooler", "features"]
"""Pooling of an image: the class token after the last normalisation; the model's own pooler of it; or the image
features of a two-tower model, projection included."""


class ImageTower(torch.nn.Module):
    """Pixels (B, C, H, W) to unit vectors (B, dim)."""

    def __init__(self, model: PreTrainedModel, pooled: Pooled) -> None:
        super().__init__()
        self.model: Any = model
        self.config, self.pooled = model.config, pooled

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """float32 in, float32 out."""
        if self.pooled == "features":
            value = self.model.get_image_features(pixel_values=pixel_values)
        elif self.pooled == "pooler":
            value = self.model(pixel_values=pixel_values).pooler_output
        else:
            value = self.model(pixel_values=pixel_values).last_hidden_state[:, 0]
        return torch.nn.functional.normalize(value, dim=1)


class TextTower(torch.nn.Module):
    """Token ids (B, T) to unit vectors (B, dim), for models that need no attention mask.

    CLIP needs none because a token sees only those before it, and the first end of text is the one that counts; SigLIP
    because it was trained to see its padding.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model: Any = model
        self.config = model.config

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """int64 in, float32 out."""
        return torch.nn.functional.normalize(self.model.get_text_features(input_ids=input_ids), dim=1)


def write_graph(
    tower: torch.nn.Module, example: Mapping[str, torch.Tensor], out: Path, *, any_length: bool, fused: bool = True
) -> None:
    """Write the float graph of a tower, optimised, and beside it as it was converted.

    Args:
        tower: gives one tensor, (B, dim), which becomes ``embedding``.
        example: name of an input to a tensor of its type and shape; the first dimension is left open.
        out: file to write.
        any_length: leave the second dimension of the inputs open too.
        fused: as :func:`.save_optimized` takes it.
    """
    from optimum.exporters.onnx import export

    axes = {0: "batch_size", 1: "sequence_length"} if any_length else {0: "batch_size"}
    config = _onnx_config(tower, {name: (tensor, axes) for name, tensor in example.items()})
    plain = plain_graph(out)
    with quiet(), _positions_fixed(tower, example), _gelu_written_out(tower):
        export(tower, config, plain)
    onnx.checker.check_model(plain)
    save_optimized(plain, out, fused=fused)


@contextlib.contextmanager
def _positions_fixed(tower: torch.nn.Module, example: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Interpolate the positions of patches once, now; DINOv2 would do it in the graph, for every image anew."""
    embeddings: Any = getattr(tower.model, "embeddings", None)
    if not hasattr(embeddings, "interpolate_pos_encoding"):
        yield
        return
    interpolate = embeddings.interpolate_pos_encoding
    positions: list[torch.Tensor] = []

    def remember(*arguments: Any) -> torch.Tensor:
        positions.append(interpolate(*arguments))
        return positions[0]

    embeddings.interpolate_pos_encoding = remember
    try:
        with torch.no_grad():
            tower(**example)
        embeddings.interpolate_pos_encoding = lambda *_: positions[0]
        yield
    finally:
        del embeddings.interpolate_pos_encoding  # the method of the class shows again


@contextlib.contextmanager
def _gelu_written_out(tower: torch.nn.Module) -> Iterator[None]:
    """Have GELU by tanh traced in the order that onnxruntime knows, and makes one operator of.

    As torch writes it, a factor ends up in the next matrix product, which then is none that can be quantized.
    """
    from transformers.activations import GELUTanh, NewGELUActivation

    activations = [
        (module, name)
        for module in tower.modules()
        for name, part in module.named_children()
        if isinstance(part, GELUTanh)
    ]
    originals = [getattr(module, name) for module, name in activations]
    for module, name in activations:
        setattr(module, name, NewGELUActivation())
    try:
        yield
    finally:
        for (module, name), part in zip(activations, originals, strict=True):
            setattr(module, name, part)


def _onnx_config(tower: torch.nn.Module, tensors: Mapping[str, tuple[torch.Tensor, dict[int, str]]]) -> OnnxConfig:
    from optimum.exporters.onnx import OnnxConfig
    from optimum.utils import NormalizedVisionConfig

    class TowerConfig(OnnxConfig):  # type: ignore[misc]
        """optimum's own configurations describe whole models, with several outputs and without what comes after."""

        NORMALIZED_CONFIG_CLASS = NormalizedVisionConfig

        @property
        def inputs(self) -> dict[str, dict[int, str]]:
            return {name: axes for name, (_, axes) in tensors.items()}

        @property
        def outputs(self) -> dict[str, dict[int, str]]:
            return {"embedding": {0: "batch_size"}}

        def generate_dummy_inputs(self, framework: str = "pt", **_: Any) -> dict[str, Any]:
            pairs = {name: tensor for name, (tensor, _) in tensors.items()}
            return pairs if framework == "pt" else {name: tensor.numpy() for name, tensor in pairs.items()}

    return TowerConfig(tower.config, task="feature-extraction")
