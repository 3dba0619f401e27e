"""A pruned student: some of the teacher's layers, fewer neurons, and a smaller vocabulary.

The layers are the teacher's own, so that training begins well above chance. Tokens that real text hardly uses are taken
out of the vocabulary; WordPiece then spells the same words with the shorter pieces that are left.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from ...errors import ExportError
from ...references.text import TorchReference, apply_pooling_step
from ...sealing.proof.golden import background_texts
from ...sources.pooling import PoolingStep
from ..teacher_vectors import Ids, padded

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class LayerStudent(torch.nn.Module):
    """A transformer and what follows it."""

    def __init__(self, model: PreTrainedModel, pooling: Sequence[PoolingStep]) -> None:
        """Take a model and the pooling steps from ``last_hidden_state`` to vectors of length 1."""
        super().__init__()
        self.model = model
        self.pooling = tuple(pooling)

    def forward(self, ids: Ids) -> torch.Tensor:
        """Token ids of B texts to vectors of length 1, float32 ``(B, dim)``."""
        input_ids, mask = padded(ids, device=str(self.model.device))
        value: torch.Tensor = self.model(
            input_ids=input_ids, attention_mask=mask
        ).last_hidden_state.float()  # (B, T, hidden)
        for step in self.pooling:
            value = apply_pooling_step(step, value, mask.unsqueeze(2).float())
        return value


def layer_student(
    reference: TorchReference,
    layers: Sequence[int],
    *,
    token_ids: npt.NDArray[np.int64],
    positions: int,
    neurons: int | None = None,
) -> LayerStudent:
    """A student with the teacher's weights.

    Args:
        reference: the teacher.
        layers: which of its layers, counted from 0, in this order.
        token_ids: old ids of the tokens that stay, in the order of their new ids.
        positions: longest text in tokens; further rows of the table of positions are left out.
        neurons: so many of each feed-forward part are kept, see :func:`_fewer_neurons`; ``None``: all.

    Raises:
        ExportError: the teacher is built otherwise than BERT, or has fewer layers.
    """
    teacher: Any = reference.model
    if reference.source.model_type != "bert":
        raise ExportError(
            f"{reference.source.id}: layers are taken from BERT models, not from {reference.source.model_type}"
        )
    depth = len(teacher.encoder.layer)
    if not layers or not all(0 <= layer < depth for layer in layers):
        raise ExportError(f"{reference.source.id}: has layers 0 to {depth - 1}; the recipe wants {list(layers)}")
    config = copy.deepcopy(teacher.config)
    config.num_hidden_layers, config.vocab_size = len(layers), len(token_ids)
    config.max_position_embeddings = min(positions, config.max_position_embeddings)
    # The targets are the teacher's without dropout, and noise in the student only slows it down.
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    state = {}
    for name, value in teacher.state_dict().items():
        parts = name.split(".")
        if parts[:2] != ["encoder", "layer"]:
            state[name] = value
    for new, old in enumerate(layers):
        for name, value in teacher.encoder.layer[old].state_dict().items():
            state[f"encoder.layer.{new}.{name}"] = value
    if neurons is not None:
        config.intermediate_size = neurons
        _fewer_neurons(reference, layers, state, neurons)
    words, places = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
    state[words] = state[words][torch.from_numpy(token_ids)]
    state[places] = state[places][: config.max_position_embeddings]
    return LayerStudent(_bert(config, state, attention="sdpa"), reference.source.pooling)


def _fewer_neurons(
    reference: TorchReference, layers: Sequence[int], state: dict[str, torch.Tensor], neurons: int
) -> None:
    """Structured pruning of feed-forward parts: the neurons that contribute least on ordinary texts are removed.

    The contribution of a neuron is its mean magnitude times the length of its outgoing weights. The mean output of the
    removed ones is added to the bias.
    """
    model: Any = reference.model
    input_ids, mask = padded(reference.token_ids(background_texts()))
    active = mask.bool()
    activations: dict[int, torch.Tensor] = {}

    def watch(layer: int) -> Any:
        def hook(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
            activations[layer] = output[active]  # (tokens, neurons)

        return hook

    hooks = [model.encoder.layer[layer].intermediate.register_forward_hook(watch(layer)) for layer in set(layers)]
    with torch.inference_mode():
        model(input_ids=input_ids, attention_mask=mask)
    for hook in hooks:
        hook.remove()
    for new, old in enumerate(layers):
        into, out = f"encoder.layer.{new}.intermediate.dense", f"encoder.layer.{new}.output.dense"
        weight = state[f"{out}.weight"]  # (hidden, neurons)
        order = (activations[old].abs().mean(dim=0) * weight.norm(dim=0)).argsort(descending=True, stable=True)
        strongest, weakest = order[:neurons].sort().values, order[neurons:]
        state[f"{out}.bias"] = state[f"{out}.bias"] + weight[:, weakest] @ activations[old][:, weakest].mean(dim=0)
        state[f"{out}.weight"] = weight[:, strongest]
        for name in (f"{into}.weight", f"{into}.bias"):
            state[name] = state[name][strongest]


def plain_attention(student: LayerStudent) -> PreTrainedModel:
    """The student's transformer with attention written out, as the conversion to ONNX wants it."""
    model = student.model
    return _bert(copy.deepcopy(model.config), model.state_dict(), attention="eager")


def _bert(config: Any, state: dict[str, torch.Tensor], *, attention: str) -> PreTrainedModel:
    from transformers import AutoModel

    model: PreTrainedModel = AutoModel.from_config(config, attn_implementation=attention)  # type: ignore[no-untyped-call]
    own = model.state_dict()
    # Buffers of positions are counted anew, for they are as long as the table was.
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    lacking = [name for name, _ in model.named_parameters() if name not in fitting and not name.startswith("pooler.")]
    if lacking:
        raise ExportError(f"the teacher's weights lack {lacking[0]}, which the student needs")
    model.load_state_dict(fitting, strict=False)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith("pooler."))  # it has no part in the vectors
    return model


def prune_tokenizer(tokenizer: bytes, counts: npt.NDArray[np.int64], rows: int) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Vocabulary pruning: take the rarest tokens out of a WordPiece vocabulary.

    Special tokens stay, single characters stay, so that every word that could be spelt still can, and so does each
    token that would otherwise become unknown.

    Args:
        tokenizer: bytes of ``tokenizer.json``.
        counts: how often ordinary text uses each token, by id.
        rows: so many tokens are left (more, if more have to stay).

    Returns:
        The smaller tokenizer, and the old ids in the order of the new ones.

    Raises:
        ExportError: the tokenizer is no WordPiece.
    """
    data = json.loads(tokenizer)
    if data["model"]["type"] != "WordPiece":
        raise ExportError(f"only WordPiece vocabularies can be made smaller, not {data['model']['type']}")
    vocabulary: dict[str, int] = data["model"]["vocab"]
    prefix = data["model"].get("continuing_subword_prefix", "##")
    special = {item["content"] for item in data["added_tokens"]}
    forced = {t for t in vocabulary if t in special or len(t.removeprefix(prefix)) == 1}
    by_use = sorted(vocabulary, key=lambda token: (-int(counts[vocabulary[token]]), vocabulary[token]))
    tokens = forced | set([t for t in by_use if t not in forced][: max(0, rows - len(forced))])
    tokens |= {token for token in vocabulary if token not in tokens and not _spelt(token, tokens, prefix)}
    order = sorted(tokens, key=vocabulary.__getitem__)
    renumbered = {token: i for i, token in enumerate(order)}
    data["model"]["vocab"] = renumbered
    _renumber(data, renumbered)
    smaller = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    Tokenizer.from_str(smaller)  # what cannot be read is found here, not by a user
    return smaller.encode(), np.array([vocabulary[token] for token in order], np.int64)


def _spelt(token: str, tokens: set[str], prefix: str) -> bool:
    """Whether WordPiece finds ``token`` in pieces that are kept: always the longest piece that fits."""
    inner = token.startswith(prefix)
    rest = token.removeprefix(prefix)
    while rest:
        lead = prefix if inner else ""
        length = next((n for n in range(len(rest), 0, -1) if lead + rest[:n] in tokens), 0)
        if not length:
            return False
        rest, inner = rest[length:], True
    return True


def _renumber(data: dict[str, Any], ids: dict[str, int]) -> None:
    """The ids of special tokens, wherever else a ``tokenizer.json`` writes them."""
    for item in data["added_tokens"]:
        item["id"] = ids[item["content"]]
    post = data.get("post_processor") or {}
    for item in (post.get("special_tokens") or {}).values():
        item["ids"] = [ids[token] for token in item["tokens"]]
    for end in ("sep", "cls"):
        if end in post:
            post[end] = [post[end][0], ids[post[end][0]]]
