"""Load a file of word vectors: its words and their table to the text tower of a bundle."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeembed.bundle.manifest import TextSection
from edgeembed.system.files import file_sha256

from ..errors import ExportError
from ..quantization.schemes import Scheme
from ..references.words import WordReference, blocks, zipf
from ..sealing.options import BundleOptions
from ..sealing.parts import TextPart
from ..sealing.pipeline import LoadedModel
from ..sealing.proof.golden import background_texts, golden_texts
from ..sources.source import Source
from ..sources.vector_file import VectorFile, WordTable, open_vectors, read_vectors
from ..sources.word_tokenizer import Vocabulary, build_vocabulary, count_unknown
from ..types import TEXT_GRAPH, TOKENIZER

MAX_TOKENS = 512
"""A mean can be taken over any number of words, but the limit is also the length of the passages that an index cuts
documents into, and a mean over many pages says nothing about any of them: so, about a page."""
_MOST_TOKENS = 4096
_FALLBACK_FACTOR = 1e-12
"""Weight of the fallback vector, for texts without a known word; beside that of any known word it vanishes."""
_PROBES = 4096
_PROBE_WORDS = 64
_LOOK_AT = 200
_FEWEST_ORDINARY = 100
WORD_LIBRARIES = ("edgeembed", "numpy", "onnx", "onnxruntime", "tokenizers")
"""Distributions whose versions decide the bytes of a bundle of word vectors."""
_EXACT = 1 - 1e-9  # nothing is rounded while the graph runs, so it gives the same on any processor


def _scheme(name: str, precision: str, least: float, mean: float) -> Scheme:
    return Scheme(
        name=name,
        precision=precision,
        quantized=name != "float32",
        least_cosine=least,
        least_mean_cosine=mean,
    )


WORD_SCHEMES = {
    "float32": _scheme("float32", "float32", _EXACT, _EXACT),
    "float16": _scheme("float16", "float16, scaled per word", 1 - 1e-6, 1 - 1e-6),
    "int8": _scheme("int8", "int8, scaled per word", 0.999, 0.9995),
}
"""How tables may be stored. The int8 limits leave room for vectors with one component far larger than the others."""


@dataclass(frozen=True, kw_only=True)
class WordOptions(BundleOptions):
    """Options of a bundle of word vectors; ``max_tokens`` is :data:`MAX_TOKENS` unless it is given."""

    precision: str = "int8"
    """A key of :data:`WORD_SCHEMES`."""
    max_words: int | None = None
    """So many rows are read, the first and so the most frequent; ``None``: all."""
    weighting: Literal["sif", "none"] | None = None
    """``sif``: frequent words count less (:func:`sif_weights`); ``none``: all count alike. ``None``: ``sif``, unless
    the file is in alphabetical order and so says nothing about frequency."""


def load_words(path: str | Path, scratch: Path, options: WordOptions) -> LoadedModel:
    """Load a file of word vectors, and write its graph, the table stored as the options say, below ``scratch``.

    Args:
        path: a file that :func:`~edgeembed_export.sources.vector_file.is_word_vectors` recognises.
        scratch: an empty folder; it must stay as long as the model is used.
        options: what is said beyond the file.

    Raises:
        ExportError: the file or the options are unsuitable.
    """
    scheme = WORD_SCHEMES.get(options.precision)
    if scheme is None:
        raise ExportError(f"word vectors are stored as {', '.join(WORD_SCHEMES)}, not as {options.precision}")
    max_tokens = MAX_TOKENS if options.max_tokens is None else options.max_tokens
    if not 2 <= max_tokens <= _MOST_TOKENS:
        raise ExportError(f"--max-tokens {max_tokens} is not between 2 and {_MOST_TOKENS}")
    if options.max_words is not None and options.max_words < 1:
        raise ExportError(f"--max-words {options.max_words} leaves no words")
    file = open_vectors(Path(path))
    table = read_vectors(file, scratch / "vectors", max_words=options.max_words)
    vocabulary = build_vocabulary(table.words)
    weighting = options.weighting or ("none" if _alphabetical(table.words) else "sif")
    reference = WordReference(table, vocabulary, weighting=weighting, max_tokens=max_tokens)
    graph = scratch / TEXT_GRAPH
    _write_graph(graph, reference, scheme)
    unknown = count_unknown(vocabulary.tokenizer, background_texts()).share
    notes = _notes(file, table, vocabulary, weighting, unknown)
    source = _source(file, options)
    part = TextPart(
        section=TextSection(graph=TEXT_GRAPH, tokenizer=TOKENIZER, max_tokens=max_tokens),
        graph=graph,
        scheme=scheme,
        tokenizer=vocabulary.tokenizer.to_str().encode(),
        reference=reference,
        golden=[*golden_texts(), *_probes(vocabulary, max_tokens)],
        background=_ordinary(vocabulary),
    )
    return LoadedModel(
        source=source,
        dim=file.dim,
        text=part,
        weights_stored=True,
        license_text=_license_text(source.id, options.license),
        remarks=notes,
        notes=notes,
        quality={"unknown_words": {"ordinary_texts": round(unknown, 4)}},
    )


def _source(file: VectorFile, options: WordOptions) -> Source:
    sha256 = file_sha256(file.path)
    return Source(
        path=file.path,
        id=options.source_id or file.path.stem,
        revision=sha256[:12],
        weights_sha256=sha256,
        config={},
        license=None,
        training_data=(),
    )


def _license_text(source_id: str, license_id: str | None) -> str:
    if not license_id:
        return f"No licence was stated for the weights of {source_id}.\n"
    return f"SPDX-License-Identifier: {license_id}\n\nAs stated when {source_id} was made a bundle.\n"


def _write_graph(out: Path, reference: WordReference, scheme: Scheme) -> None:
    """Row 0 of the table is zero, for unknown words; row 1, at the end of every text, is the fallback."""
    from ..graphs.word_graph import write_word_graph

    count, dim = len(reference.rows), len(reference.fallback)
    fallback = reference.fallback[None]  # (1, dim)
    largest = np.concatenate(
        [[1.0, np.abs(fallback).max()], *(np.abs(reference.vectors(b)).max(axis=1) for b in blocks(count))]
    )
    weights = np.concatenate([[0.0, 0.0], reference.weights])
    usual = float(np.median((weights * largest)[2:]))
    if not usual > 0:
        raise ExportError("most of the words' vectors are zero: nothing to embed with")
    weights /= usual  # so that the sum over a text is about 1, whatever the file's unit
    weights[1] = _FALLBACK_FACTOR
    levels = 127 if scheme.name == "int8" else 1
    scales = np.ones(count + 2) if scheme.name == "float32" else np.where(largest > 0, largest / levels, 1.0)

    def parts() -> Iterator[npt.NDArray[np.float64]]:
        yield np.zeros((1, dim))
        yield fallback / scales[1]
        for block in blocks(count):
            yield reference.vectors(block) / scales[2:][block, None]

    write_word_graph(
        out,
        factors=(weights * scales).astype(np.float32),
        dim=dim,
        dtype=np.dtype(scheme.name),
        table=(np.rint(part) if scheme.name == "int8" else part for part in parts()),
    )


def _alphabetical(words: Sequence[str]) -> bool:
    """Whether the file begins like a dictionary; if not, it is in the order of frequency, as programs write it."""
    first = list(words[:_LOOK_AT])
    return len(first) > 10 and first == sorted(first)


def _probes(vocabulary: Vocabulary, max_tokens: int) -> list[str]:
    """Texts of words from all over the vocabulary, of which the golden texts may hold few, and one that is too long."""
    words = vocabulary.words[:: math.ceil(len(vocabulary.words) / _PROBES)]
    each = min(_PROBE_WORDS, max_tokens - 1)
    long = islice(cycle(words), 2 * max_tokens)  # neighbours may be one phrase, which is one token
    return [*(" ".join(words[i : i + each]) for i in range(0, len(words), each)), " ".join(long)]


def _ordinary(vocabulary: Vocabulary) -> list[str]:
    """Ordinary texts of which most words are known; in another language words in their usual mixture instead."""
    texts = [text for text in background_texts() if count_unknown(vocabulary.tokenizer, [text]).share < 0.5]
    if len(texts) >= _FEWEST_ORDINARY:
        return texts
    probability = zipf(np.arange(1, len(vocabulary.words) + 1))
    samples = np.random.default_rng(0).choice(len(probability), (512, 32), p=probability)
    return [" ".join(vocabulary.words[i] for i in row) for row in samples]


def _notes(file: VectorFile, table: WordTable, vocabulary: Vocabulary, weighting: str, unknown: float) -> list[str]:
    """Remarks for the card and the screen."""
    left_out = {**table.left_out, **vocabulary.left_out}
    weighted = "weighted by smooth inverse frequency (Arora et al. 2017)" if weighting == "sif" else "unweighted"
    return [
        f"Made from a file in {file.layout} format: {len(vocabulary.words)} words"
        + (", texts are put into lower case" if vocabulary.lowercase else "")
        + (f"; rows left out: {', '.join(f'{n} {reason}' for reason, n in left_out.items())}." if left_out else "."),
        f"The vector of a text is the mean of those of its words, {weighted}.",
        f"Of the words of edgeembed's ordinary texts, which are mostly English, {unknown:.1%} are unknown to it. "
        "They count for nothing; a text of unknown words only gets a vector that is unlike those of other texts.",
    ]
