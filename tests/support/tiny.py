"""Tiny seeded models: real bundles and real Hugging Face folders, for the tests of the whole project.

:func:`tiny_text_bundle` works without torch, so that tests of the runtime can use it.
"""

from __future__ import annotations

import itertools
import string
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from edgeembed_export.quantization.schemes import FLOAT32
from edgeembed_export.sealing.parts import TextPart
from edgeembed_export.sealing.seal import BundleInfo, prove
from edgeembed_export.types import TEXT_GRAPH, TOKENIZER
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from edgeembed.bundle.manifest import TextSection

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_TEXTS = [
    "renew my passport",
    "The quick brown fox jumps over the lazy dog.",
    "Émile a mangé une crème brûlée à Zürich.",
    "東京で寿司を食べる",
    "emoji 🙂 and  odd\tspaces\n",
    "",
    "word " * 200,
]
_ORDINARY = [
    f"{who} {what} the {thing} {where}"
    for who, what, thing, where in itertools.product(
        ("a child", "my neighbour"), ("paints", "sells"), ("boat", "letter", "garden"), ("at night", "in spring")
    )
]


def wordpieces() -> list[str]:
    """A vocabulary of special tokens, single characters and pairs of letters, at the start of a word and within it.

    Any Latin word becomes a short run of pieces, so that texts with a word in common get similar vectors.
    """
    characters = sorted(set(string.ascii_lowercase + string.digits + string.punctuation))
    pairs = ["".join(pair) for pair in itertools.product(string.ascii_lowercase, repeat=2)]
    starts = characters + pairs
    return [*_SPECIAL, *starts, *(f"##{piece}" for piece in starts)]


def tiny_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer over :func:`wordpieces`, in BERT's manner."""
    vocabulary = {piece: i for i, piece in enumerate(wordpieces())}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    return tokenizer


def tiny_text_bundle(
    out: Path,
    *,
    dim: int = 16,
    seed: int = 0,
    max_tokens: int = 64,
    query_prefix: str = "",
    document_prefix: str = "",
) -> Path:
    """Write a small real text bundle: the mean of random token vectors, divided by its length.

    Args:
        out: bundle folder to write.
        dim: length of the vectors.
        seed: of the token vectors; other seeds are other encoders.
        max_tokens: limit of tokens.
        query_prefix, document_prefix: as in the manifest.

    Returns:
        ``out``.
    """
    vectors = np.random.default_rng(seed).standard_normal((len(wordpieces()), dim)).astype(np.float32)
    section = TextSection(
        graph=TEXT_GRAPH,
        tokenizer=TOKENIZER,
        max_tokens=max_tokens,
        query_prefix=query_prefix,
        document_prefix=document_prefix,
    )
    info = BundleInfo(
        name=out.name,
        version="1",
        space=f"tiny@{seed}/{dim}",
        source={"id": "tiny", "revision": str(seed)},
        license="Apache-2.0",
        license_text="SPDX-License-Identifier: Apache-2.0\n",
        training_data=[],
        libraries=["numpy", "onnx", "tokenizers"],
    )
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch, TEXT_GRAPH)
        onnx.save(_table_graph(vectors), graph)
        part = TextPart(
            section=section,
            graph=graph,
            scheme=FLOAT32,
            tokenizer=tiny_tokenizer().to_str().encode(),
            reference=_TableReference(vectors, section),
            golden=_TEXTS,
            background=_ORDINARY,
        )
        prove(Path(scratch), info=info, text=part, dim=dim).write(out)
    return out


class _TableReference:
    """What the tiny graph computes, in NumPy with double precision."""

    def __init__(self, vectors: npt.NDArray[np.float32], section: TextSection) -> None:
        self._vectors = vectors.astype(np.float64)
        self._prefixes = {"query": section.query_prefix, "document": section.document_prefix}
        self._tokenizer = tiny_tokenizer()
        self._tokenizer.enable_truncation(section.max_tokens)

    def token_ids(self, texts: Sequence[str], *, role: str = "document") -> list[list[int]]:
        return [self._tokenizer.encode(self._prefixes[role] + text).ids for text in texts]

    def embed(self, texts: Sequence[str], role: str = "document") -> npt.NDArray[np.float32]:
        means = np.stack([self._vectors[ids].mean(axis=0) for ids in self.token_ids(texts, role=role)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def _table_graph(vectors: npt.NDArray[np.float32]) -> onnx.ModelProto:
    """Token ids to the mean of their vectors, divided by its length."""

    def node(op: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(op, list(inputs), [output], **attributes)

    nodes = [
        node("Gather", ["table", "input_ids"], "tokens"),  # (B, T, dim)
        node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT),  # (B, T)
        node("Unsqueeze", ["mask", "two"], "weights"),  # (B, T, 1)
        node("Mul", ["tokens", "weights"], "masked"),
        node("ReduceSum", ["masked", "one"], "total", keepdims=0),  # (B, dim)
        node("ReduceSum", ["weights", "one"], "count", keepdims=0),  # (B, 1)
        node("Div", ["total", "count"], "mean"),
        node("ReduceL2", ["mean", "one"], "length", keepdims=1),
        node("Div", ["mean", "length"], "embedding"),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "table": vectors,
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
    }
    shape = ["batch_size", "sequence_length"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch_size", vectors.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # Written down, not left to the installed onnx: its newest opset may be newer than onnxruntime reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
