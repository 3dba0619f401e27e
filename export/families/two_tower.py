"""Load a model with a text and an image tower, CLIP or SigLIP: its folder to both towers of a bundle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeembed.bundle.manifest import TextSection

from ..errors import ExportError
from ..sealing.options import BundleOptions
from ..sealing.parts import TextPart
from ..sealing.pipeline import LoadedModel
from ..sources.image_preprocessing import require_processor
from ..sources.source import Source, describe, locate, optional_json, read_config, require_tokenizer
from ..sources.tokenizer import bundle_tokenizer
from ..types import TEXT_GRAPH, TOKENIZER
from .image import image_part

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..references.clip_text import TorchTexts

TWO_TOWER_MODEL_TYPES = ("clip", "siglip")
"""Values of ``model_type``."""
_VECTORS = {
    "clip": "A text's vector is the text projection of that at its end, a picture's the visual projection of its class "
    "token's.",
    "siglip": "The vectors are what the poolers of both towers give. A text is padded to the length of the training.",
}
"""Which vectors they are, for the card."""
_LEGACY_EOS = 2
"""CLIP configurations of old say so of the end of text, whatever it is; then the largest token id is taken for it."""


@dataclass(frozen=True, kw_only=True)
class TwoTowerSource(Source):
    """Metadata of a two-tower model, as its own files state it."""

    positions: int
    """Most tokens that the text tower takes."""
    stated_tokens: int
    """Limit of tokens that the tokenizer states, at most ``positions``."""

    @property
    def pad_to(self) -> int | None:
        """Length in tokens of every text: SigLIP was trained on texts of one length, and looks at the last token."""
        return self.stated_tokens if self.model_type == "siglip" else None


def open_two_tower(source: str | Path, *, source_id: str | None = None) -> TwoTowerSource:
    """Find a two-tower model and read its metadata; no weights are loaded, but they are hashed.

    Raises:
        ExportError: the source is missing, incomplete or unsuitable; one sentence says why.
    """
    top, commit = locate(source)
    path = model_folder(top)
    config = read_config(path)
    model_type = config["model_type"]
    if model_type not in TWO_TOWER_MODEL_TYPES:
        names = ", ".join(TWO_TOWER_MODEL_TYPES)
        raise ExportError(f"{path}: two-tower models of type {model_type} are not supported; those of {names} are")
    require_tokenizer(path)
    require_processor(path)
    from transformers import AutoConfig

    # Files state only what differs from the defaults of transformers.
    text_config: Any = AutoConfig.from_pretrained(path, local_files_only=True).text_config
    positions = int(text_config.max_position_embeddings)
    stated = optional_json(path / "tokenizer_config.json").get("model_max_length")
    name = source_id or (top.resolve().name if commit is None else None)
    return TwoTowerSource(
        **describe(path, commit, source, name),
        config=config,
        positions=positions,
        stated_tokens=min(positions, int(stated or positions)),
    )


def model_folder(path: Path) -> Path:
    """Where the model's own files are: sentence-transformers keeps a CLIP model in a folder of its own.

    Raises:
        ExportError: more follows the model there than division by the length.
    """
    modules = path / "modules.json"
    if (path / "config.json").is_file() or not modules.is_file():
        return path
    listed: Any = json.loads(modules.read_text(encoding="utf-8"))
    classes = [str(item["type"]).rsplit(".", 1)[-1] for item in listed]
    if classes[:1] != ["CLIPModel"]:
        return path
    if classes[1:] not in ([], ["Normalize"]):
        raise ExportError(f"{modules}: {classes[1]} after CLIPModel is not supported")
    return path / str(listed[0]["path"])


def load_two_tower(location: str | Path, scratch: Path, options: BundleOptions) -> LoadedModel:
    """Load a two-tower model, and write the float graphs of both towers below ``scratch``.

    Raises:
        ExportError: the source is unsuitable.
    """
    source = open_two_tower(location, source_id=options.source_id)
    max_tokens = _max_tokens(source, options.max_tokens)

    # torch and transformers take seconds to import, and what is unsuitable should be refused at once.
    from ..graphs.wrappers import ImageTower
    from ..references.clip_text import TorchTexts
    from ..sources.loading import load_model, load_tokenizer

    model, _ = load_model(source)
    tokenizer = load_tokenizer(source)
    texts = TorchTexts(model, tokenizer, max_tokens=max_tokens, pad_to=source.pad_to)
    image = image_part(source, ImageTower(model, "features"), scratch)
    text = _text_part(source, model, texts, max_tokens, scratch)
    dim = texts.embed(["a"]).shape[1]
    if dim != image.reference.embed_images(image.golden[:1]).shape[1]:
        raise ExportError(f"{source.path}: texts and pictures get vectors of different lengths")
    return LoadedModel(source=source, dim=dim, text=text, image=image, remarks=[_VECTORS[source.model_type]])


def _max_tokens(source: TwoTowerSource, requested: int | None) -> int:
    limit = source.stated_tokens
    if requested is not None and not 3 <= requested <= limit:
        raise ExportError(f"{source.path}: --max-tokens {requested} is not between 3 and {limit}, its limit")
    return requested or limit


def _text_part(
    source: TwoTowerSource, model: PreTrainedModel, texts: TorchTexts, max_tokens: int, scratch: Path
) -> TextPart:
    """The text tower, its float graph written below ``scratch``."""
    import torch

    from ..graphs.wrappers import TextTower, write_graph

    _require_end_of_text(source, model, texts)
    for what in ("padding_side", "truncation_side"):
        if getattr(texts.tokenizer, what) != "right":
            raise ExportError(f"{source.path}: the tokenizer's {what} is not right, which a bundle cannot express")
    pad_id = int(texts.tokenizer.pad_token_id or 0) if source.pad_to is not None else 0
    section = TextSection(
        graph=TEXT_GRAPH, tokenizer=TOKENIZER, max_tokens=max_tokens, pad_to=source.pad_to, pad_id=pad_id
    )
    graph = scratch / "float-text.onnx"
    example = torch.zeros(2, source.pad_to or min(8, max_tokens), dtype=torch.int64)
    write_graph(TextTower(model), {"input_ids": example}, graph, any_length=source.pad_to is None)
    return TextPart(
        section=section,
        graph=graph,
        tokenizer=bundle_tokenizer(_backend(source, texts.tokenizer)),
        reference=texts,
        masked=False,
    )


def _require_end_of_text(source: TwoTowerSource, model: PreTrainedModel, texts: TorchTexts) -> None:
    """CLIP takes the vector at the end of the text; looking for another token it would always take the first."""
    end = getattr(model.config.text_config, "eos_token_id", None)
    if source.model_type == "clip" and end != _LEGACY_EOS and end not in texts.token_ids(["a"])[0]:
        raise ExportError(f"{source.path}: the model takes token {end} for the end of a text, the tokenizer sets none")


def _backend(source: TwoTowerSource, tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """The tokenizer as the ``tokenizers`` library has it."""
    from transformers import PreTrainedTokenizerFast, SiglipTokenizer

    from ..sources.siglip_tokenizer import convert_siglip

    if isinstance(tokenizer, PreTrainedTokenizerFast):
        return tokenizer.backend_tokenizer
    if isinstance(tokenizer, SiglipTokenizer):
        return convert_siglip(tokenizer)
    raise ExportError(f"{source.path}: {type(tokenizer).__name__} has no tokenizer.json")
