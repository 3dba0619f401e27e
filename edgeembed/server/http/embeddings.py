"""``/v1``: vectors in the form of OpenAI's API, which many programs know how to ask.

https://platform.openai.com/docs/api-reference/embeddings. Fields that are not known are ignored, as its clients expect;
what would change the answer and cannot be had, such as other ``dimensions``, is refused.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...bundle.bundle import read_bundle
from ...bundle.manifest import Manifest
from ...bundle.shipped import shipped_names
from ...errors import UnsupportedInputError
from ...index_models.embedder_pool import POOL
from .errors import Refusal
from .json_response import json_body, json_response
from .work import Workers

if TYPE_CHECKING:
    from ...embedder import Embedder
    from ...inference.block_runner import Vectors

MAX_INPUTS = 2048
"""As of OpenAI."""
_MAX_CHARACTERS = 300_000
"""Of one text; a model reads no more than its first some hundred words."""
_ROLES: dict[str | None, Literal["document", "query"]] = {None: "document", "document": "document", "query": "query"}


class Embeddings:
    """The routes below ``/v1``."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._embedders: dict[str, Embedder] = {}
        self._loading = threading.Lock()

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/models/{name}", self.model, methods=["GET"]),
            Route("/v1/embeddings", self.embeddings, methods=["POST"]),
        ]

    async def models(self, request: Request) -> Response:
        """``GET /v1/models``."""
        return json_response({"object": "list", "data": [_model(name) for name in shipped_names()]})

    async def model(self, request: Request) -> Response:
        """``GET /v1/models/{name}``."""
        return json_response(_model(_known(request.path_params["name"])))

    async def embeddings(self, request: Request) -> Response:
        """``POST /v1/embeddings``."""
        fields = await json_body(request)
        if not isinstance(fields, dict):
            raise Refusal(400, "the body must be an object with `model` and `input`")
        name, inputs = _known(fields.get("model")), _inputs(fields.get("input"))
        encoding, role = fields.get("encoding_format") or "float", fields.get("input_type")
        if encoding not in ("float", "base64"):
            raise Refusal(
                400, f"encoding_format must be float or base64, not {encoding!r:.40}", param="encoding_format"
            )
        if not isinstance(role, str | None) or role not in _ROLES:
            raise Refusal(400, f"input_type must be document or query, not {role!r:.40}", param="input_type")
        return await self._workers.run(self._answer, name, inputs, encoding, _ROLES[role], fields.get("dimensions"))

    def _answer(
        self, name: str, inputs: Sequence[str], encoding: str, role: Literal["document", "query"], dimensions: object
    ) -> Response:
        embedder = self._embedder(name)
        if dimensions is not None and dimensions != embedder.dim:
            reason = f"{name} gives vectors of {embedder.dim} dimensions and no others"
            raise Refusal(400, reason, param="dimensions")
        vectors, tokens = _embed(embedder, inputs, role)
        data = [
            {"object": "embedding", "index": i, "embedding": _encoded(vectors[i], encoding)}
            for i in range(len(vectors))
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return json_response({"object": "list", "data": data, "model": name, "usage": usage})

    def _embedder(self, name: str) -> Embedder:
        with self._loading:
            if name not in self._embedders:
                self._embedders[name] = POOL.take(read_bundle(name), None)
            return self._embedders[name]


def _known(name: object) -> str:
    """The name of a model that is there.

    Raises:
        Refusal: it is none.
    """
    if not isinstance(name, str) or name not in shipped_names():
        reason = f"there is no model {name!r:.80} here; there are {', '.join(shipped_names())}"
        raise Refusal(404, reason, param="model")
    return name


def _model(name: str) -> dict[str, Any]:
    manifest = _manifest(name)
    own = {"dimensions": manifest.dim, "space": manifest.space, "texts": manifest.text is not None}
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "edgeembed",
        **own,
        "images": manifest.image is not None,
    }


def _manifest(name: str) -> Manifest:
    return read_bundle(name, verify=False).manifest


def _inputs(given: object) -> list[str]:
    """What is to be embedded.

    Raises:
        Refusal: it is no text, nor a list of texts.
    """
    inputs = [given] if isinstance(given, str) else given
    if not isinstance(inputs, list) or not inputs:
        raise Refusal(400, "input must be a text or a list of texts that is not empty", param="input")
    if len(inputs) > MAX_INPUTS:
        raise Refusal(400, f"input must have at most {MAX_INPUTS:,} texts, not {len(inputs):,}", param="input")
    if all(isinstance(item, (int, list)) for item in inputs):
        reason = "input must be texts, not tokens of another model (LangChain: check_embedding_ctx_length=False)"
        raise Refusal(400, reason, param="input")
    for i, item in enumerate(inputs):
        if not isinstance(item, str) or not item:
            raise Refusal(400, f"input[{i}] must be a text that is not empty", param="input")
        if len(item) > _MAX_CHARACTERS and not item.startswith("data:"):
            raise Refusal(400, f"input[{i}] must have at most {_MAX_CHARACTERS:,} characters", param="input")
    return inputs


def _embed(embedder: Embedder, inputs: Sequence[str], role: Literal["document", "query"]) -> tuple[Vectors, int]:
    """The vectors ``(N, dim)`` of texts and pictures, and the number of tokens of the texts."""
    images = {i: _image(item, i) for i, item in enumerate(inputs) if item.startswith("data:image/")}
    texts = {i: item for i, item in enumerate(inputs) if i not in images}
    vectors, tokens = np.empty((len(inputs), embedder.dim), np.float32), 0
    try:
        if texts:
            vectors[list(texts)] = embedder.embed_texts(list(texts.values()), role=role)
            tokens = sum(embedder.count_tokens(list(texts.values())))
        if images:
            vectors[list(images)] = embedder.embed_images(list(images.values()))
    except UnsupportedInputError as error:
        raise Refusal(400, str(error), param="input") from error
    return vectors, tokens


def _image(url: str, number: int) -> bytes:
    """The content of a picture in a data URL (RFC 2397)."""
    head, comma, data = url.partition(",")
    try:
        if comma and head.endswith(";base64"):
            return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(400, f"input[{number}] is no data URL with base64", param="input")


def _encoded(vector: Any, encoding: str) -> str | list[float]:
    """A vector ``(dim,)`` as numbers, or its little-endian float32 in base64."""
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]
