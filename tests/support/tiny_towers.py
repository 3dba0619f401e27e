"""Tiny seeded image encoders and two-tower models in the Hugging Face layout, for tests; these need torch."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_SIDE = 32
IMAGE_PROCESSORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "vit": ("ViTImageProcessor", {"size": {"height": _SIDE, "width": _SIDE}}),
    "deit": (
        "DeiTImageProcessor",
        {"size": {"height": 37, "width": 37}, "crop_size": {"height": _SIDE, "width": _SIDE}},
    ),
    "dinov2": (
        "BitImageProcessor",
        {"size": {"shortest_edge": 37}, "crop_size": {"height": _SIDE, "width": _SIDE}, "do_convert_rgb": True},
    ),
    "clip": ("CLIPImageProcessor", {"size": {"shortest_edge": _SIDE}, "crop_size": {"height": _SIDE, "width": _SIDE}}),
    "siglip": ("SiglipImageProcessor", {"size": {"height": _SIDE, "width": _SIDE}}),
}
"""``model_type`` to the class of its usual image processor, and what is said to it."""
_SENTENCES = (
    "a photo of a red bicycle leaning against the wall of an old house",
    "two children play with a dog on the beach while the sun goes down",
    "the quick brown fox jumps over the lazy dog and runs into the forest",
    "how do i renew my passport before the summer holidays begin",
    "an aerial view of snow covered mountains under a clear blue sky",
    "sentence number 0 1 2 3 4 5 6 7 8 9 and so on and so on",
)


def tiny_image_folder(out: Path, family: str = "vit", *, pooler: bool = True, seed: int = 0) -> Path:
    """Write a random image encoder as ``save_pretrained`` writes it: configuration, safetensors, image processor.

    Args:
        out: folder to write.
        family: ``vit``, ``deit`` or ``dinov2``; the last has positions for larger images than it is given.
        pooler: whether there are weights for a pooler (of ``vit`` and ``deit``).
        seed: of the weights.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    size = {"image_size": 48 if family == "dinov2" else _SIDE, "patch_size": 8}
    torch.manual_seed(seed)
    model = AutoModel.from_config(AutoConfig.for_model(family, **_SMALL, **size))  # type: ignore[no-untyped-call]
    if not pooler:
        model.pooler = None
    _enliven(model)
    model.save_pretrained(out, safe_serialization=True)
    _save_processor(out, family)
    return out


def tiny_clip_folder(out: Path, *, legacy_eos: bool = False, seed: int = 0) -> Path:
    """Write a random CLIP model with a byte-level tokenizer in its slow form (``vocab.json``, ``merges.txt``).

    Args:
        out: folder to write.
        legacy_eos: whether the configuration gives the end of text as 2, as those of OpenAI's models do.
        seed: of the weights.
    """
    from transformers import CLIPConfig

    pieces = _write_clip_tokenizer(out)
    last = len(pieces) - 1
    text = {**_SMALL, "vocab_size": len(pieces), "max_position_embeddings": 24, "projection_dim": 16}
    text |= {"bos_token_id": 0 if legacy_eos else last - 1, "eos_token_id": 2 if legacy_eos else last}
    vision = {**_SMALL, "image_size": _SIDE, "patch_size": 8, "projection_dim": 16}
    # The parts need it as well: one that is loaded alone takes it from its own configuration.
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)  # type: ignore[no-untyped-call]
    _save_two_tower(out, config, seed)
    _save_processor(out, "clip")
    return out


def tiny_siglip_folder(out: Path, *, seed: int = 0) -> Path:
    """Write a random SigLIP model with a tokenizer in its slow form (``spiece.model``), which is trained here.

    Args:
        out: folder to write.
        seed: of the weights.
    """
    from transformers import SiglipConfig, SiglipTokenizer

    out.mkdir(parents=True, exist_ok=True)
    (out / "spiece.model").write_bytes(_sentencepiece())
    tokenizer = SiglipTokenizer(str(out / "spiece.model"), model_max_length=32)
    tokenizer.save_pretrained(out)
    text = {**_SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 32, "projection_size": 32}
    vision = {**_SMALL, "image_size": _SIDE, "patch_size": 8}
    config = SiglipConfig(text_config=text, vision_config=vision)  # type: ignore[no-untyped-call]
    _save_two_tower(out, config, seed)
    _save_processor(out, "siglip")
    return out


def _save_two_tower(out: Path, config: PretrainedConfig, seed: int) -> None:
    import torch
    from transformers import AutoModel

    torch.manual_seed(seed)
    model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    _enliven(model)
    model.save_pretrained(out, safe_serialization=True)


def _enliven(model: torch.nn.Module) -> None:
    """Make every weight matter: as transformers makes them up, layers add next to nothing, biases are 0."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                attends = any(part in name for part in ("query", "key", "q_proj", "k_proj", "in_proj"))
                parameter.normal_(std=0.25 if attends else 0.15)  # else all tokens would be attended to alike
            elif parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))


def _save_processor(out: Path, family: str) -> None:
    import transformers

    name, facts = IMAGE_PROCESSORS[family]
    getattr(transformers, name)(**facts).save_pretrained(out)


def _write_clip_tokenizer(out: Path) -> list[str]:
    """Bytes, bytes at the end of a word, the merges of some words, special tokens."""
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    merges = [("t", "h"), ("th", "e</w>"), ("a", "n"), ("an", "d</w>"), ("i", "n"), ("in", "g</w>"), ("o", "f</w>")]
    pieces = letters + [f"{letter}</w>" for letter in letters] + ["".join(pair) for pair in merges]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    write_clip_tokenizer(out, pieces, [" ".join(pair) for pair in merges], max_length=24)
    return pieces


def write_clip_tokenizer(out: Path, pieces: list[str], merges: list[str], *, max_length: int) -> None:
    """Write the files of transformers' ``CLIPTokenizer``.

    Args:
        out: folder to write.
        pieces: the vocabulary in the order of its ids, special tokens last.
        merges: pairs of pieces, each with a space between.
        max_length: limit of tokens.
    """
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    (out / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (out / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    facts = {"tokenizer_class": "CLIPTokenizer", "model_max_length": max_length, "do_lower_case": True}
    (out / "tokenizer_config.json").write_text(json.dumps(facts), encoding="utf-8")


def _sentencepiece() -> bytes:
    """A SentencePiece model with the special tokens of SigLIP's."""
    import sentencepiece

    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_writer=content,
        model_type="unigram",
        vocab_size=72,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return content.getvalue()
