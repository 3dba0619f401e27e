"""Cache of the teacher's vectors: computed once, kept on disk."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel

from edgeembed import Embedder

from ..errors import ExportError
from ..references.text import TorchReference, apply_pooling_step
from ..types import HalfVectors, Vectors

BLOCK = 4096
"""Texts in one file of the cache; an interruption loses at most so many."""
_DIGEST = 32
"""Characters of a text's digest."""
_BATCH_TOKENS = 4096
_BATCH_TEXTS = 256
Ids = Sequence[Sequence[int] | npt.NDArray[np.int32]]
"""Token ids of several texts."""


@dataclass(frozen=True)
class Teacher:
    """A distillation teacher: texts to vectors, by a bundle or by torch."""

    embed: Callable[[Sequence[str]], Vectors]
    """Texts to float32 ``(N, dim)``, rows of length 1."""
    key: str
    """Equal keys, equal vectors."""
    title: str
    """What a model card calls it."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Scores of the float model, as far as a bundle of it states them."""


def bundle_teacher(embedder: Embedder) -> Teacher:
    """The teacher as a bundle: for MiniLM-L6 in int8 cosine 0.992 to float, in a quarter of the time and less."""
    manifest = embedder.manifest
    title = f"the bundle {manifest.name} (encoder {manifest.encoder[:12]})"
    scores = manifest.quality.get("source_scores", {})
    return Teacher(embedder.embed_texts, f"bundle {manifest.encoder}", title, scores)


def torch_teacher(reference: TorchReference, *, bfloat16: bool) -> Teacher:
    """The teacher in torch, on a GPU where there is one.

    Args:
        reference: the teacher.
        bfloat16: compute in bfloat16, cosine 0.9999 to float32 for MiniLM-L6, faster on processors that know the type.
    """
    device, dtype = ("cuda" if torch.cuda.is_available() else "cpu"), (torch.bfloat16 if bfloat16 else torch.float32)
    # Fused attention computes the same as the reference's plain one, in less time.
    config = copy.deepcopy(reference.model.config)
    model = AutoModel.from_config(config, attn_implementation="sdpa")  # type: ignore[no-untyped-call]
    model.load_state_dict(reference.model.state_dict())
    model.to(device, dtype).eval()

    def embed(texts: Sequence[str]) -> Vectors:
        ids = reference.token_ids(texts)
        out = np.empty((len(texts), reference.dim), np.float32)
        for rows in batches([len(row) for row in ids], tokens=_BATCH_TOKENS, texts=_BATCH_TEXTS):
            input_ids, mask = padded([ids[i] for i in rows], device=device)
            with torch.inference_mode():
                value = model(input_ids=input_ids, attention_mask=mask).last_hidden_state.float()  # (B, T, hidden)
                for step in reference.source.pooling:
                    value = apply_pooling_step(step, value, mask.unsqueeze(2).float())
            out[rows] = value.cpu().numpy()  # (B, dim)
        return out

    source = reference.source
    name = "bfloat16" if bfloat16 else "float32"
    return Teacher(embed, f"torch {source.weights_sha256} {source.max_tokens} {name}", f"torch, {name}")


def teacher_vectors(
    teacher: Teacher, texts: Sequence[str], folder: Path, *, progress: Callable[[int], None] | None = None
) -> HalfVectors:
    """Vectors of ``texts`` in float16, from the cache as far as they are there.

    Args:
        teacher: computes what is missing.
        texts: any number but none. Each is found again by itself, in whatever list it comes the next time.
        folder: of the cache; made where it is missing; may serve several teachers.
        progress: told how many texts are done.

    Returns:
        Float16 ``(N, dim)``, rows of length 1.
    """
    if not texts:
        raise ExportError("there are no texts to distil on")
    # A folder is named by what computed the vectors in it, so nothing stale is ever read.
    home = folder / hashlib.sha256(teacher.key.encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    digests = [_digest(text) for text in texts]
    blocks, places = _cached(home)
    missing = list({digest: i for i, digest in enumerate(digests) if digest not in places}.values())
    for start in range(0, len(missing), BLOCK):
        if progress is not None:
            progress(len(texts) - len(missing) + start)
        rows = missing[start : start + BLOCK]
        vectors = teacher.embed([texts[i] for i in rows]).astype(np.float16)
        keys = np.array([digests[i] for i in rows], f"S{_DIGEST}")
        _write_block(home, keys, vectors)
        places |= {digests[i]: (len(blocks), row) for row, i in enumerate(rows)}
        blocks.append(vectors)
    out = np.empty((len(texts), blocks[0].shape[1]), np.float16)
    positions = np.array([places[digest] for digest in digests])  # (N, 2): which block, which row of it
    for number, block in enumerate(blocks):
        in_block = positions[:, 0] == number
        out[in_block] = block[positions[in_block, 1]]
    if progress is not None:
        progress(len(texts))
    return out


def _digest(text: str) -> bytes:
    # Hexadecimal, because NumPy drops zero bytes at the end of a string of bytes.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST].encode()


def _cached(home: Path) -> tuple[list[HalfVectors], dict[bytes, tuple[int, int]]]:
    """The blocks of a cache, and where in them the vector of each text is."""
    blocks: list[HalfVectors] = []
    places: dict[bytes, tuple[int, int]] = {}
    for path in sorted(home.glob("*.npz")):
        with np.load(path, allow_pickle=False) as block:
            places |= {key: (len(blocks), row) for row, key in enumerate(block["keys"].tolist())}
            blocks.append(block["vectors"])
    return blocks, places


def _write_block(home: Path, keys: npt.NDArray[np.bytes_], vectors: HalfVectors) -> None:
    path = home / f"{hashlib.sha256(keys.tobytes()).hexdigest()[:16]}.npz"
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, keys=keys, vectors=vectors)
    partial.replace(path)  # an interruption leaves no half of a block


def padded(ids: Ids, *, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids of several texts and their attention mask, both int64 ``(B, T)``, 0 after the end of a text."""
    rows = [torch.as_tensor(np.asarray(row, np.int64)) for row in ids]
    input_ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    mask = (torch.arange(input_ids.shape[1]) < lengths[:, None]).long()
    return input_ids.to(device), mask.to(device)


def batches(lengths: Sequence[int], *, tokens: int, texts: int) -> Iterator[list[int]]:
    """Length bucketing: numbers of texts of like length, longest first, so that little is padding.

    Args:
        lengths: of all texts, in tokens.
        tokens: at most so many in a batch, padding counted; a longer text is a batch of its own.
        texts: at most so many in a batch.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    start = 0
    while start < len(order):
        count = max(1, min(texts, tokens // max(1, lengths[order[start]])))
        yield order[start : start + count]
        start += count
