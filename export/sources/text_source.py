"""Open a text encoder and read its metadata: a Hugging Face or sentence-transformers folder, or a Hub name.

Everything that decides a vector is read from the source's own files. What cannot be honoured is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExportError
from .pooling import ACTIVATIONS, POOLING_MODES, Dense, Normalize, Pooling, PoolingStep
from .source import Source, describe, locate, optional_json, read_config, read_json, require_tokenizer

_ST_MODULE = re.compile(r"sentence_transformers\.(?:.*\.)?(\w+)")


@dataclass(frozen=True, kw_only=True)
class TextSource(Source):
    """Metadata of a text encoder, as its own files state it."""

    pooling: tuple[PoolingStep, ...]
    """The steps after the transformer; the last is a :class:`Normalize`, because vectors of a bundle have length 1."""
    pooling_stated: bool
    """``False``: the files name no pooling, and the mean was assumed."""
    max_tokens: int
    lowercase: bool
    """sentence-transformers' ``do_lower_case``: texts are put into lower case before the tokenizer sees them."""
    query_prefix: str
    document_prefix: str


def open_text(source: str | Path, *, source_id: str | None = None, max_tokens: int | None = None) -> TextSource:
    """Find a text encoder and read its metadata; no weights are loaded, but they are hashed.

    Args:
        source: a local folder, or, where there is none of that name, a name on the Hugging Face Hub.
        source_id: what the model is called; ``None`` is the Hub name, or the folder's own name.
        max_tokens: limit of tokens in place of the one that the files state.

    Raises:
        ExportError: the source is missing, incomplete or unsuitable; one sentence says why.
    """
    path, commit = locate(source)
    config = read_config(path)
    _refuse_unsuitable(path, config)
    described = describe(path, commit, source, source_id)
    pooling, pooling_stated = _pooling_steps(path)
    st_config = optional_json(path / _transformer_folder(path) / "sentence_bert_config.json")
    prompts = _prompts(path)
    return TextSource(
        **described,
        config=config,
        pooling=pooling,
        pooling_stated=pooling_stated,
        max_tokens=_max_tokens(path, config, st_config, max_tokens),
        lowercase=bool(st_config.get("do_lower_case", False)),
        query_prefix=prompts[0],
        document_prefix=prompts[1],
    )


def _refuse_unsuitable(path: Path, config: Mapping[str, Any]) -> None:
    family = config["model_type"]
    if config.get("is_decoder") or _reads_one_way(config):
        raise ExportError(
            f"{path}: a decoder-only model ({family}), which reads text in one direction; give an encoder"
        )
    if config.get("is_encoder_decoder"):
        raise ExportError(f"{path}: an encoder-decoder model ({family}); give a model that is an encoder alone")
    require_tokenizer(path)


def _reads_one_way(config: Mapping[str, Any]) -> bool:
    """A causal language model: a type that transformers knows for generating text but not for masked tokens."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as WRITERS
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as FILLERS

    written_for = any("CausalLM" in str(name) for name in config.get("architectures") or ())
    return written_for or (config["model_type"] in WRITERS and config["model_type"] not in FILLERS)


def _modules(path: Path) -> list[tuple[str, Path]]:
    """sentence-transformers' modules: class name and folder; none for a plain transformers folder."""
    file = path / "modules.json"
    if not file.is_file():
        return []
    modules = []
    for item in json.loads(file.read_text(encoding="utf-8")):
        matched = _ST_MODULE.fullmatch(item["type"])
        if matched is None:
            raise ExportError(f"{file}: the module {item['type']} is code of the model's own, which is not run")
        modules.append((matched[1], path / item["path"]))
    return modules


def _transformer_folder(path: Path) -> Path:
    modules = _modules(path)
    return modules[0][1].relative_to(path) if modules else Path()


def _pooling_steps(path: Path) -> tuple[tuple[PoolingStep, ...], bool]:
    modules = _modules(path)
    if not modules:
        return (Pooling(("mean",)), Normalize()), False
    names = [name for name, _ in modules]
    if names[:2] != ["Transformer", "Pooling"]:
        raise ExportError(f"{path / 'modules.json'}: begins with {names[:2]}, not with Transformer and Pooling")
    if modules[0][1].resolve() != path.resolve():
        raise ExportError(f"{path / 'modules.json'}: the transformer is not at the top of the folder")
    steps: list[PoolingStep] = [_pooling(modules[1][1])]
    for name, folder in modules[2:]:
        if name == "Dense":
            steps.append(_dense(folder))
        elif name == "Normalize":
            steps.append(Normalize())
        else:
            raise ExportError(f"{path / 'modules.json'}: the module {name} is not supported")
    if not isinstance(steps[-1], Normalize):
        steps.append(Normalize())
    return tuple(steps), True


def _pooling(folder: Path) -> Pooling:
    config = read_json(folder / "config.json", missing=f"{folder}: the pooling's config.json is missing")
    if "pooling_mode" in config:  # sentence-transformers 5.2 and newer
        mode = config["pooling_mode"]
        modes = list(mode) if isinstance(mode, list) else [str(mode)]
    else:
        flags = [key for key, value in config.items() if key.startswith("pooling_mode_") and value]
        modes = [key.removeprefix("pooling_mode_").removesuffix("_token").removesuffix("_tokens") for key in flags]
    for mode in modes:
        if mode not in POOLING_MODES:
            raise ExportError(f"{folder / 'config.json'}: the pooling mode {mode!r} is not supported")
    if not modes:
        raise ExportError(f"{folder / 'config.json'}: names no pooling mode")
    if config.get("include_prompt") is False:
        raise ExportError(f"{folder / 'config.json'}: pooling without the prompt (include_prompt) is not supported")
    # The order in which sentence-transformers puts several side by side.
    order = ("cls", "max", "mean", "mean_sqrt_len", "weightedmean")
    return Pooling(tuple(sorted(modes, key=order.index)))


def _dense(folder: Path) -> Dense:
    from safetensors.numpy import load_file

    config = read_json(folder / "config.json", missing=f"{folder}: the dense layer's config.json is missing")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
    activation = {"ReLU": "Relu"}.get(activation, activation)
    if activation not in ACTIVATIONS:
        raise ExportError(f"{folder / 'config.json'}: the activation {activation} is not supported")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ExportError(f"{folder}: the dense layer's weights are missing (no model.safetensors)")
    tensors = {name: np.asarray(value, np.float32) for name, value in load_file(weights).items()}
    return Dense(tensors["linear.weight"], tensors.get("linear.bias"), activation)


def _max_tokens(path: Path, config: Mapping[str, Any], st_config: Mapping[str, Any], requested: int | None) -> int:
    """The limit asked for, else sentence-transformers', else the tokenizer's; never more than there are positions."""
    positions = int(config.get("max_position_embeddings") or 1 << 30)
    if config["model_type"] in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= int(config.get("pad_token_id", 1)) + 1  # they count positions from the padding id upwards
    if requested is not None:
        if not 3 <= requested <= positions:
            raise ExportError(f"{path}: --max-tokens {requested} is not between 3 and {positions}, its positions")
        return requested
    stated = st_config.get("max_seq_length") or optional_json(path / "tokenizer_config.json").get("model_max_length")
    return min(positions, int(stated) if stated else 512)


def _prompts(path: Path) -> tuple[str, str]:
    """Prefixes of queries and documents, as sentence-transformers' ``encode_query`` and ``encode_document`` choose."""
    config = optional_json(path / "config_sentence_transformers.json")
    prompts = {key: value for key, value in (config.get("prompts") or {}).items() if value}
    default = prompts.get(config.get("default_prompt_name") or "", "")
    document = next((prompts[key] for key in ("document", "passage", "corpus") if key in prompts), default)
    return prompts.get("query", default), document
