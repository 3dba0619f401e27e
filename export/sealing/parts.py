"""The towers of a bundle in the making: graph, float reference, golden and ordinary inputs of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from edgeembed import Embedder
from edgeembed.bundle.manifest import ImageSection, TextSection
from edgeembed.embedder import Role

from ..graphs.external_weights import graph_files
from ..quantization.choose import SchemeInputs
from ..quantization.schemes import FLOAT32, Scheme
from ..types import Feed, Vectors
from .proof.float_graph import FloatProof, ProofInputs, proof_lengths
from .proof.golden import (
    ImageReference,
    TextReference,
    background_texts,
    embedded,
    golden_arrays,
    golden_image_arrays,
    golden_texts,
)
from .proof.golden_images import background_images, golden_images

_JOINED = 8
"""Ordinary texts in one text for measuring speed: documents are cut into passages of about that length."""
_TIMED = 16
"""Number of inputs that speed is measured on."""
_Input = TypeVar("_Input")


@dataclass(frozen=True, kw_only=True)
class _Tower(ABC, Generic[_Input]):
    """The common part of text and image tower."""

    kind: ClassVar[str]
    """``text`` or ``image``."""
    what: ClassVar[str]
    """Its inputs, for messages."""
    unit: ClassVar[str]
    """What speed is counted in."""
    calibration_step: ClassVar[int] = 1
    """Ranges of activations are learnt from every so many ordinary inputs."""
    section: TextSection | ImageSection
    """How inputs are encoded; names the file of the graph in the bundle."""
    graph: Path
    """Of the bundle; or, as long as nobody has chosen how its weights are stored, an optimised float graph."""
    scheme: Scheme = FLOAT32
    """How the weights of ``graph`` are stored, and how close to the reference it must stay."""
    float_proof: FloatProof | None = None
    """How the float graph was proved; ``None``: there is none, the graph was written as it is stored."""
    golden: Sequence[_Input]
    """Hard inputs, which the bundle carries."""
    background: Sequence[_Input]
    """Ordinary inputs."""

    @property
    def fusions(self) -> frozenset[str] | None:
        """Names of the fusions that were proved, as :func:`.schemes.quantize` takes them; ``None``: nothing was."""
        return None if self.float_proof is None else self.float_proof.fusions

    def contents(self) -> dict[str, Path | bytes]:
        """Files of the bundle."""
        return {**graph_files(self.graph, self.section.graph, self.graph.parent)}

    @abstractmethod
    def feeds(self, inputs: Sequence[_Input]) -> list[Feed]:
        """Input tensors of the graph, for each input."""

    @abstractmethod
    def embed(self, inputs: Sequence[_Input]) -> Vectors:
        """Vectors of the float model, ``(N, dim)``."""

    @abstractmethod
    def golden_arrays(self, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
        """The arrays of ``golden.npz`` for this tower; ``embedder`` is the very bundle."""

    @abstractmethod
    def timed_feeds(self, ordinary: Sequence[Feed]) -> tuple[Sequence[Feed], int]:
        """Inputs of a usual length to measure speed on, and how many :attr:`unit` are in them."""

    @abstractmethod
    def proof_inputs(self) -> list[ProofInputs]:
        """Inputs of every length that matters, with the vectors of the float model."""

    def calibration(self) -> list[Feed]:
        """Ordinary inputs, from which the ranges of activations are learnt."""
        return self.feeds(self.background[:: self.calibration_step])

    def reference_vectors(self) -> Vectors:
        """Vectors of the ordinary inputs by the float model, ``(N, dim)``."""
        return self.embed(self.background)

    def bundle_vectors(self, embedder: Embedder, *, first: int | None = None) -> Vectors:
        """Vectors of the ordinary inputs, or of the first ones, by a bundle, ``(N, dim)``."""
        return embedded(embedder, self.kind, self.background[:first])

    def scheme_inputs(self) -> SchemeInputs:
        """The float graph, and the inputs that other forms of it are measured by."""
        ordinary = self.feeds(self.background)
        timed, units = self.timed_feeds(ordinary)
        return SchemeInputs(
            graph=self.graph,
            what=self.what,
            unit=self.unit,
            ordinary=ordinary,
            golden=self.feeds(self.golden),
            reference_vectors=self.embed([*self.background, *self.golden]),
            calibration=ordinary[:: self.calibration_step],
            timed=timed,
            units=units,
            fusions=self.fusions,
        )


@dataclass(frozen=True, kw_only=True)
class TextPart(_Tower[str]):
    """The text tower of a bundle in the making."""

    kind: ClassVar[str] = "text"
    what: ClassVar[str] = "texts"
    unit: ClassVar[str] = "tokens"
    section: TextSection
    """How texts are encoded; names the files ``graph`` and ``tokenizer`` in the bundle."""
    tokenizer: bytes
    """Of ``tokenizer.json``."""
    reference: TextReference
    """The float model that the bundle is measured against."""
    golden: Sequence[str] = field(default_factory=golden_texts)
    background: Sequence[str] = field(default_factory=background_texts)
    masked: bool = True
    """Whether the graph takes an attention mask."""

    def contents(self) -> dict[str, Path | bytes]:
        return {**super().contents(), self.section.tokenizer: self.tokenizer}

    def feeds(self, inputs: Sequence[str], role: Role = "document") -> list[Feed]:
        rows = self.reference.token_ids(inputs, role=role)
        section = self.section
        return [feed(ids, pad_to=section.pad_to, pad_id=section.pad_id, masked=self.masked) for ids in rows]

    def embed(self, inputs: Sequence[str]) -> Vectors:
        return self.reference.embed(inputs)

    def golden_arrays(self, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
        return golden_arrays(self.golden, self.reference, embedder)

    def proof_inputs(self) -> list[ProofInputs]:
        inputs = []
        for length in proof_lengths(self.section.max_tokens):
            texts = list(dict.fromkeys(self._cut(start, length) for start in (0, len(self.background) // 2)))
            feeds = self.feeds(texts)
            label = f"{int(feeds[0]['input_ids'].size)} tokens"
            inputs.append(ProofInputs(label, feeds, np.concatenate([self.embed([text]) for text in texts])))
        return inputs

    def _cut(self, start: int, tokens: int) -> str:
        """Ordinary texts from number ``start`` on, joined and cut at a word, of about so many tokens."""
        words = [word for text in [*self.background[start:], *self.background[:start]] for word in text.split()]
        words *= 1 + 2 * tokens // len(words)
        few, many = 1, len(words)
        while few < many:  # bisection: the least number of words that give so many tokens
            middle = (few + many) // 2
            enough = len(self.reference.token_ids([" ".join(words[:middle])])[0]) >= tokens
            few, many = (few, middle) if enough else (middle + 1, many)
        return " ".join(words[:few])

    def timed_feeds(self, ordinary: Sequence[Feed]) -> tuple[Sequence[Feed], int]:
        groups = [self.background[i : i + _JOINED] for i in range(0, len(self.background), _JOINED)]
        timed = self.feeds([" ".join(group) for group in groups[:_TIMED]])
        return timed, sum(item["input_ids"].size for item in timed)


@dataclass(frozen=True, kw_only=True)
class ImagePart(_Tower[bytes]):
    """The image tower of a bundle in the making; its inputs are contents of image files."""

    kind: ClassVar[str] = "image"
    what: ClassVar[str] = "pictures"
    unit: ClassVar[str] = "pictures"
    calibration_step: ClassVar[int] = 3  # each image has many patches
    section: ImageSection
    """How images are encoded; names the file ``graph`` in the bundle."""
    reference: ImageReference
    """The float model that the bundle is measured against."""
    golden: Sequence[bytes] = field(default_factory=golden_images)
    background: Sequence[bytes] = field(default_factory=background_images)

    def feeds(self, inputs: Sequence[bytes]) -> list[Feed]:
        return [{"pixel_values": self.reference.pixels(image)[None]} for image in inputs]

    def embed(self, inputs: Sequence[bytes]) -> Vectors:
        return self.reference.embed_images(inputs)

    def proof_inputs(self) -> list[ProofInputs]:
        images = [*self.golden, *self.background[:_TIMED]]
        reference = np.concatenate([self.embed([image]) for image in images])
        return [ProofInputs(f"{self.section.width} x {self.section.height} pixels", self.feeds(images), reference)]

    def golden_arrays(self, embedder: Embedder) -> dict[str, npt.NDArray[Any]]:
        return golden_image_arrays(self.golden, self.reference, embedder)

    def timed_feeds(self, ordinary: Sequence[Feed]) -> tuple[Sequence[Feed], int]:
        return ordinary[:_TIMED], len(ordinary[:_TIMED])


Part = TextPart | ImagePart


def feed(
    ids: Sequence[int], *, pad_to: int | None = None, pad_id: int = 0, masked: bool = True
) -> dict[str, npt.NDArray[np.int64]]:
    """Input tensors of a graph for one text, padded as the text section of a manifest says."""
    padding = max(0, (pad_to or 0) - len(ids))
    tensors = {"input_ids": np.array([[*ids, *[pad_id] * padding]], np.int64)}  # (1, T)
    if masked:
        tensors["attention_mask"] = np.array([[*[1] * len(ids), *[0] * padding]], np.int64)
    return tensors
