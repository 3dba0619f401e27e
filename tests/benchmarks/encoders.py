"""The ways to embed texts that are compared: edgeembed's bundles and its peers, all of one teacher.

Each is loaded from local files in a process of its own, see :mod:`.turns`. What cannot be imported or cannot run
offline is named with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_TOKENS = 256
Embed = Callable[[Sequence[str], int], Any]
"""Texts and batch size to an array (N, dim)."""


@dataclass(frozen=True)
class Peer:
    """One way to embed."""

    name: str
    needs: tuple[str, ...]
    """Modules that it imports."""
    load: Callable[[Path, Path], Embed]
    """Takes the teacher's folder and one for files that are made of it."""
    batches: tuple[int, ...] = (1, 8, 32)
    """Batch sizes that are tried; the best counts."""
    tier: bool = False
    """Whether it is one of edgeembed's own."""
    light: bool = False
    """Whether it has no transformer: a turn needs many times the texts to take some time."""


def _edgeembed(bundle: str) -> Callable[[Path, Path], Embed]:
    def load(teacher: Path, made: Path) -> Embed:
        import edgeembed

        embedder = edgeembed.Embedder.load(bundle)
        return lambda texts, batch: embedder.embed_texts(texts)

    return load


def _tokenizer(teacher: Path, made: Path) -> Embed:
    from tokenizers import Tokenizer

    from edgeembed.bundle.bundle import read_bundle

    bundle = read_bundle()
    tokenizer = Tokenizer.from_file(str(bundle.path / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    return lambda texts, batch: tokenizer.encode_batch_fast(list(texts))


def _fastembed(teacher: Path, made: Path) -> Embed:
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = _onnx(teacher, made)
    TextEmbedding.add_custom_model(
        model="local/teacher",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="local/teacher"),
        dim=384,
        model_file="model.onnx",
    )
    model = TextEmbedding("local/teacher", specific_model_path=str(folder), threads=_cores())
    # Its own tokenizer cuts where the folder says.
    model.model.tokenizer.enable_truncation(MAX_TOKENS)
    return lambda texts, batch: list(model.embed(list(texts), batch_size=batch))


def _sentence_transformers(**options: Any) -> Callable[[Path, Path], Embed]:
    def load(teacher: Path, made: Path) -> Embed:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(_cores())
        chosen = dict(options)
        folder = teacher
        bfloat16 = chosen.pop("bfloat16", False)
        if chosen.get("backend") == "onnx":
            folder = _sentence_onnx(teacher, made)
        model = SentenceTransformer(str(folder), device="cpu", **chosen)
        model.max_seq_length = MAX_TOKENS
        if bfloat16:
            model = model.bfloat16()
        return lambda texts, batch: model.encode(list(texts), batch_size=batch, convert_to_tensor=True)

    return load


def _openvino(precision: str) -> Callable[[Path, Path], Embed]:
    def load(teacher: Path, made: Path) -> Embed:
        import numpy as np
        import openvino
        from tokenizers import Tokenizer

        core = openvino.Core()
        options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision}
        model = core.compile_model(str(_onnx(teacher, made) / "model.onnx"), "CPU", options)
        tokenizer = Tokenizer.from_file(str(teacher / "tokenizer.json"))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        names = {name for port in model.inputs for name in port.get_names()}

        def embed(texts: Sequence[str], batch: int) -> Any:
            queue = openvino.AsyncInferQueue(model)
            found: dict[int, Any] = {}

            def done(request: Any, job: tuple[int, Any]) -> None:
                start, mask = job
                hidden = request.get_output_tensor(0).data  # (B, T, 384)
                mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
                found[start] = mean / np.linalg.norm(mean, axis=1, keepdims=True)

            queue.set_callback(done)
            order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
            for start in range(0, len(order), batch):
                rows = tokenizer.encode_batch_fast([texts[i] for i in order[start : start + batch]])
                ids = np.array([row.ids for row in rows], np.int64)
                mask = np.array([row.attention_mask for row in rows], np.int64)
                given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
                queue.start_async({name: given[name] for name in names}, (start, mask.astype(np.float32)))
            queue.wait_all()
            sorted_by_length = np.concatenate([found[start] for start in sorted(found)])
            vectors = np.empty_like(sorted_by_length)
            vectors[order] = sorted_by_length
            return vectors

        return embed

    return load


def _model2vec(dim: int) -> Callable[[Path, Path], Embed]:
    def load(teacher: Path, made: Path) -> Embed:
        from model2vec import StaticModel

        folder = made / f"model2vec-{dim}"
        if not folder.is_dir():
            from model2vec.distill import distill

            distill(model_name=str(teacher), pca_dims=dim).save_pretrained(str(folder))
        model = StaticModel.from_pretrained(str(folder))
        return lambda texts, batch: model.encode(list(texts), max_length=MAX_TOKENS, batch_size=1024)

    return load


def _onnx(teacher: Path, made: Path) -> Path:
    """The teacher in float32 as optimum exports it: what fastembed and OpenVINO take."""
    folder = made / "onnx"
    if not (folder / "model.onnx").is_file():
        from optimum.exporters.onnx import main_export

        main_export(str(teacher), folder, task="feature-extraction", library_name="transformers")
    return folder


def _sentence_onnx(teacher: Path, made: Path) -> Path:
    """A sentence-transformers folder with graphs in float32 and int8, made by its own export functions."""
    folder = made / "sentence-onnx"
    if not (folder / "onnx" / "model_qint8_avx512_vnni.onnx").is_file():
        from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

        model = SentenceTransformer(str(teacher), device="cpu", backend="onnx")
        model.save_pretrained(str(folder))
        export_dynamic_quantized_onnx_model(model, "avx512_vnni", str(folder))
    return folder


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_ST = ("sentence_transformers", "torch")
_ST_ONNX = (*_ST, "optimum.onnxruntime")

PEERS = (
    Peer("edgeembed minilm-l6-int8", ("edgeembed",), _edgeembed("minilm-l6-int8"), (1,), tier=True),
    Peer("edgeembed minilm-l3-int8", ("edgeembed",), _edgeembed("minilm-l3-int8"), (1,), tier=True),
    Peer("edgeembed minilm-static", ("edgeembed",), _edgeembed("minilm-static"), (1,), tier=True, light=True),
    Peer("tokenizer alone", ("edgeembed",), _tokenizer, (1,), light=True),
    Peer("fastembed", ("fastembed", "optimum.exporters.onnx"), _fastembed),
    Peer("sentence-transformers torch float32", _ST, _sentence_transformers()),
    Peer("sentence-transformers torch bfloat16", _ST, _sentence_transformers(bfloat16=True)),
    Peer("sentence-transformers onnx float32", _ST_ONNX, _sentence_transformers(backend="onnx")),
    Peer(
        "sentence-transformers onnx int8",
        _ST_ONNX,
        _sentence_transformers(backend="onnx", model_kwargs={"file_name": "onnx/model_qint8_avx512_vnni.onnx"}),
    ),
    Peer("openvino float32", ("openvino", "optimum.exporters.onnx"), _openvino("f32")),
    Peer("openvino bfloat16", ("openvino", "optimum.exporters.onnx"), _openvino("bf16")),
    Peer("model2vec 256", ("model2vec",), _model2vec(256), (1,), light=True),
)
"""Everything that is compared; the first is what the ratios are against."""
