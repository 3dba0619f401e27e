"""A student that reads characters: convolutions over the letters of a token, then a biLSTM over the tokens.

The architecture of ELMo (Peters et al. 2018, https://arxiv.org/abs/1802.05365) with the character convolutions of Kim
et al. 2016 (https://arxiv.org/abs/1508.06615): tokens are found by the teacher's tokenizer, and a table from tokens to
their characters is part of the graph, so that the runtime sees a text encoder like any other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from ...graphs.optimize import plain_graph, save_optimized
from ...sources.loading import quiet
from ..recipe import Characters
from ..teacher_vectors import Ids, padded

LONGEST = 16
"""Characters of a token; of the few longer ones the beginning is read."""
_NONE, _BEGIN, _INSIDE, _OTHER = range(4)
"""Special symbols: padding, begin of a word's first piece, begin of a later piece, a rare character."""
_SYMBOLS = 256
"""The commonest characters have symbols of their own, so that a byte is enough for each."""


class CharacterStudent(torch.nn.Module):
    """Token ids to characters, to vectors of tokens, through a biLSTM, to their mean, to a vector of length 1."""

    characters: torch.Tensor

    def __init__(self, characters: npt.NDArray[np.uint8], shape: Characters, dim: int) -> None:
        """Random weights; seed torch first.

        Args:
            characters: symbols of each token, (rows, :data:`LONGEST`).
            shape: widths.
            dim: length of the teacher's vectors.
        """
        super().__init__()
        self.register_buffer("characters", torch.from_numpy(characters))
        self.symbols = torch.nn.Embedding(_SYMBOLS, shape.width, padding_idx=_NONE)
        self.filters = torch.nn.ModuleList(
            torch.nn.Conv1d(shape.width, count, length) for length, count in shape.filters
        )
        total = sum(count for _, count in shape.filters)
        self.highway = torch.nn.Linear(total, 2 * total)
        self.project = torch.nn.Linear(total, shape.hidden)
        self.lstm = torch.nn.LSTM(shape.hidden, shape.hidden, batch_first=True, bidirectional=True)
        self.out = torch.nn.Linear(2 * shape.hidden, dim)
        with torch.no_grad():
            # As ELMo does: at first the highway lets everything pass.
            self.highway.bias[total:] = -2.0

    def forward(self, ids: Ids) -> torch.Tensor:
        """Token ids of B texts to vectors of length 1, float32 ``(B, dim)``."""
        input_ids, mask = padded(ids, device=str(self.out.weight.device))
        # A token has the same vector wherever it stands, so each is computed once.
        distinct, places = input_ids.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        return self._encode(self._tokens(distinct[None])[0][places], mask)

    def graph(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The same as it is written to ONNX: int64 ``(B, T)`` both, float32 ``(B, dim)``."""
        return self._encode(self._tokens(input_ids), attention_mask)

    def _tokens(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(B, T) to (B, T, hidden)."""
        batch, length = input_ids.shape
        letters = self.symbols(self.characters[input_ids].long())  # (B, T, LONGEST, width)
        letters = letters.reshape(batch * length, LONGEST, -1).transpose(1, 2)  # (B * T, width, LONGEST)
        features = torch.cat([torch.relu(filter_(letters).amax(dim=2)) for filter_ in self.filters], dim=1)
        transformed, gate = self.highway(features).chunk(2, dim=1)
        share = torch.sigmoid(gate)
        features = share * torch.relu(transformed) + (1 - share) * features
        return torch.as_tensor(self.project(features).reshape(batch, length, -1))

    def _encode(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, T, hidden) and (B, T) to (B, dim)."""
        # Packed, because the backward direction has to begin at a text's own end, not at its padding.
        lengths = mask.sum(dim=1)
        packed = torch.nn.utils.rnn.pack_padded_sequence(tokens, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = torch.nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)  # (B, T, 2 hidden)
        mean = states.sum(dim=1) / lengths[:, None]
        return torch.nn.functional.normalize(self.out(mean), dim=1)


def character_student(tokenizer: bytes, counts: npt.NDArray[np.int64], shape: Characters, dim: int) -> CharacterStudent:
    """A student that knows nothing yet.

    Args:
        tokenizer: bytes of ``tokenizer.json``.
        counts: how often ordinary text uses each token, by id; it decides which characters get symbols of their own.
        shape: widths.
        dim: length of the teacher's vectors.
    """
    vocabulary = Tokenizer.from_str(tokenizer.decode()).get_vocab(with_added_tokens=True)
    return CharacterStudent(_spelling(vocabulary, counts), shape, dim)


def _spelling(vocabulary: dict[str, int], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The symbols of each token, (rows, LONGEST)."""
    use: dict[str, int] = {}
    for token, row in vocabulary.items():
        for letter in token.removeprefix("##"):
            use[letter] = use.get(letter, 0) + 1 + int(counts[row])
    common = sorted(use, key=lambda letter: (-use[letter], letter))[: _SYMBOLS - _OTHER - 1]
    symbol = {letter: _OTHER + 1 + i for i, letter in enumerate(common)}
    rows = np.full((max(vocabulary.values()) + 1, LONGEST), _NONE, np.uint8)
    for token, row in vocabulary.items():
        inside = token.startswith("##") and len(token) > 2
        letters: Sequence[str] = token[2:] if inside else token
        spelt = [_INSIDE if inside else _BEGIN, *(symbol.get(letter, _OTHER) for letter in letters)]
        rows[row, : min(len(spelt), LONGEST)] = spelt[:LONGEST]
    return rows


def write_character_graph(student: CharacterStudent, out: Path) -> None:
    """Write the float graph, optimised, and beside it as it was converted.

    Its inputs are ``input_ids`` and ``attention_mask``, its output ``embedding``.

    Args:
        student: trained, on the CPU.
        out: file to write.
    """
    example = torch.ones(2, 5, dtype=torch.int64)
    axes = {0: "batch_size", 1: "sequence_length"}
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(student).eval(),
            (example, example),
            plain_graph(out),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "embedding": {0: "batch_size"}},
            opset_version=18,
            dynamo=False,
        )
    save_optimized(plain_graph(out), out)


class _Graph(torch.nn.Module):
    """What is traced."""

    def __init__(self, student: CharacterStudent) -> None:
        super().__init__()
        self.student = student

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.student.graph(input_ids, attention_mask)
