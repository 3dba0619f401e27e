"""Tiny seeded models in the Hugging Face layout, for tests of the export stage; these need torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.tiny import tiny_tokenizer, wordpieces

_SMALL = {
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 96,
    "pad_token_id": 0,
}
TEXT_FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "bert": _SMALL,
    "electra": {**_SMALL, "embedding_size": 16},
    "albert": {**_SMALL, "embedding_size": 16},
    "roberta": _SMALL,
    "xlm-roberta": _SMALL,
    "mpnet": _SMALL,
    "convbert": {**_SMALL, "embedding_size": 32},
    "nystromformer": _SMALL,
    "mobilebert": {**_SMALL, "embedding_size": 16, "intra_bottleneck_size": 16},
    "modernbert": {**_SMALL, "num_hidden_layers": 4, "local_attention": 16, "reference_compile": False},
    "distilbert": {"n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 96, "pad_token_id": 0},
}
"""``model_type`` to the sizes of a tiny configuration."""


def tiny_text_folder(
    out: Path, family: str = "bert", *, dim: int = 32, seed: int = 0, positions: int | None = None
) -> Path:
    """Write a random text encoder as ``save_pretrained`` writes it: configuration, safetensors, tokenizer.

    Args:
        out: folder to write.
        family: one of :data:`TEXT_FAMILIES`.
        dim: hidden size.
        seed: of the weights.
        positions: most tokens of a text; ``None``: 96, of which the tokenizer allows 64.
    """
    import torch
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    sizes = {**TEXT_FAMILIES[family], **({"max_position_embeddings": positions} if positions else {})}
    size = {"dim": dim} if family == "distilbert" else {"hidden_size": dim}
    config = AutoConfig.for_model(family, vocab_size=len(wordpieces()), **sizes, **size)
    torch.manual_seed(seed)
    model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        # As initialised, weights are so small that every layer adds next to nothing.
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(4)
    model.save_pretrained(out, safe_serialization=True)
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tiny_tokenizer(), model_max_length=positions - 2 if positions else 64, **names
    )
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(out)
    return out


def add_sentence_transformers(
    folder: Path,
    *,
    pooling: Mapping[str, bool],
    max_seq_length: int = 48,
    prompts: Mapping[str, str] | None = None,
    dense: int | None = None,
    normalize: bool = True,
    seed: int = 0,
) -> Path:
    """Write sentence-transformers' own files into a folder of :func:`tiny_text_folder`.

    Args:
        folder: changed in place, and returned.
        pooling: ``pooling_mode_…`` keys.
        max_seq_length: limit of tokens.
        prompts: name to prompt.
        dense: length of the vectors after a dense layer with tanh; ``None``: there is none.
        normalize: whether the pipeline ends with division by the length.
        seed: of the dense layer's weights.
    """
    import torch
    from safetensors.torch import save_file

    hidden = _hidden_size(folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    _write(folder / "sentence_bert_config.json", {"max_seq_length": max_seq_length, "do_lower_case": False})
    _write(folder / "1_Pooling/config.json", {"word_embedding_dimension": hidden, **pooling})
    if dense is not None:
        width = hidden * sum(pooling.values())
        modules.append(("2_Dense", "Dense"))
        activation = "torch.nn.modules.activation.Tanh"
        facts = {"in_features": width, "out_features": dense, "bias": True, "activation_function": activation}
        _write(folder / "2_Dense/config.json", facts)
        torch.manual_seed(seed)
        layer = torch.nn.Linear(width, dense)
        tensors = {f"linear.{name}": value.detach() for name, value in layer.named_parameters()}
        save_file(tensors, folder / "2_Dense/model.safetensors")
    if normalize:
        modules.append(("3_Normalize", "Normalize"))
    entries = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(modules)
    ]
    _write(folder / "modules.json", entries)
    _write(folder / "config_sentence_transformers.json", {"prompts": dict(prompts or {}), "default_prompt_name": None})
    return folder


def _hidden_size(folder: Path) -> int:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return int(config.get("hidden_size") or config["dim"])


def _write(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
