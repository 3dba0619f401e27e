"""The OpenAPI 3.1 description of what this server answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from .. import __version__
from .question import SEARCH, SIMILAR, SYNC

_NUMBER = {"type": ["integer", "null"]}
_TEXT = {"type": ["string", "null"]}
_SPAN = dict.fromkeys(("start", "end", "start_line", "end_line", "page"), _NUMBER)
_PASSAGE = {
    "type": "object",
    "required": ["similarity", *_SPAN, "snippet", "marks", "text"],
    "properties": {
        "similarity": {"type": ["number", "null"], "description": "Cosine of passage and query, -1 to 1."},
        **_SPAN,
        "snippet": _TEXT,
        "marks": {
            "type": "array",
            "description": "Words of the query in `snippet`: code points, half open.",
            "items": {"type": "array", "items": {"type": "integer"}},
        },
        "text": _TEXT,
    },
}
_PATH = {"path": {"type": "string", "description": "For people; never accepted."}, "path_bytes": _TEXT}
_HIT = {
    "type": "object",
    "required": ["document", "folder", *_PATH, "kind", "similarity", "score", *_SPAN, "snippet", "passages", "matched"],
    "properties": {
        "document": {"type": "string", "description": "Opaque; names the document in other requests."},
        "folder": {"type": "string"},
        **_PATH,
        "kind": {"enum": ["text", "image"]},
        "similarity": {"type": ["number", "null"]},
        "score": {"type": ["number", "null"], "description": "0 to 1; means the same for every query and kind."},
        **_SPAN,
        "snippet": _TEXT,
        "passages": {"type": "array", "items": _PASSAGE},
        "matched": {"type": "array", "items": {"enum": ["vector", "keyword"]}},
        "metadata": {"type": "object"},
        "same_content": {"const": True},
        "copies": {"type": "array", "items": {"type": "string"}},
    },
}
_HITS = {
    "type": "object",
    "required": ["hits", "indexing"],
    "properties": {"hits": {"type": "array", "items": _HIT}, "indexing": {"type": "boolean"}},
}
_DOCUMENT = {
    "type": "object",
    "required": ["document", "folder", *_PATH, "kind", "text", "pages", "lines", "metadata"],
    "properties": {
        "document": {"type": "string"},
        "folder": {"type": "string"},
        **_PATH,
        "kind": {"enum": ["text", "image"]},
        "text": {**_TEXT, "description": "What was indexed; null for a picture."},
        "pages": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"page": {"type": "integer"}, "start": {"type": "integer"}}},
        },
        "lines": {"type": "boolean", "description": "Whether its lines are those that hits name."},
        "metadata": {"type": "object"},
        "size_bytes": _NUMBER,
        "modified": {**_TEXT, "description": "ISO 8601."},
    },
}
_PROGRESS = {
    "type": ["object", "null"],
    "properties": {
        **{name: {"type": "integer"} for name in ("done_bytes", "total_bytes", "done_files", "total_files")},
        "bytes_per_second": {"type": "number"},
        "seconds_left": {"type": ["number", "null"]},
    },
}
_FOLDER = {
    "type": "object",
    "required": ["folder", "path", "documents", "indexing"],
    "properties": {
        "folder": {"type": "string", "description": "Its name, for `folders`."},
        "path": {"type": "string"},
        **{name: {"type": "integer"} for name in ("documents", "passages", "size_bytes", "generation", "skipped")},
        "model": {"type": "string"},
        "image_model": _TEXT,
        "indexing": {"type": "boolean"},
        "progress": _PROGRESS,
        "error": _TEXT,
        "subfolders": {"type": "array", "items": {"type": "string"}},
    },
}
_STATUS = {
    "type": "object",
    "required": ["version", "folders", "indexing"],
    "properties": {
        "version": {"type": "string"},
        "folders": {"type": "array", "items": _FOLDER},
        "indexing": {"type": "boolean"},
    },
}
_REPORTS = {
    "type": "object",
    "required": ["reports", "indexing"],
    "properties": {"reports": {"type": "array", "items": {"type": "object"}}, "indexing": {"type": "boolean"}},
}
_ERROR = {
    "type": "object",
    "required": ["error", "path", "reason"],
    "properties": {"error": {"type": "string"}, "path": _TEXT, "path_bytes": _TEXT, "reason": {"type": "string"}},
}
_OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": {"type": "string"}, "type": {"type": "string"}, "param": _TEXT, "code": _TEXT},
        }
    },
}
EMBEDDINGS: dict[str, Any] = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string"},
        "input": {
            "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}],
            "description": "Texts, or pictures as data URLs where the model embeds them.",
        },
        "encoding_format": {"enum": ["float", "base64"], "default": "float"},
        "input_type": {"enum": ["document", "query"], "default": "document"},
        "dimensions": {**_NUMBER, "description": "That of the model, if given."},
    },
}


def _operation(summary: str, answer: object, body: object = None, *, error: object = _ERROR) -> dict[str, Any]:
    responses = {
        "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}}},
        "default": {"description": "Why not.", "content": {"application/json": {"schema": error}}},
    }
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


@cache
def description() -> dict[str, Any]:
    """The whole document."""
    id_parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    vectors = {"type": "object", "required": ["object", "data", "model", "usage"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "edgeembed", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/api/search": {"post": _operation("Documents that a query is about, best first.", _HITS, SEARCH)},
            "/api/similar": {"post": _operation("Documents like another one.", _HITS, SIMILAR)},
            "/api/documents/{id}": {
                "parameters": [id_parameter],
                "get": _operation("A document with its text.", _DOCUMENT),
            },
            "/api/status": {"get": _operation("What is served, and what is being done.", _STATUS)},
            "/api/sync": {"post": _operation("Bring the indexes up to date.", _REPORTS, SYNC)},
            "/api/openapi.json": {"get": _operation("This description.", {"type": "object"})},
            "/v1/models": {"get": _operation("Models, as OpenAI lists them.", {"type": "object"}, error=_OPENAI_ERROR)},
            "/v1/embeddings": {
                "post": _operation("Vectors, in OpenAI's form.", vectors, EMBEDDINGS, error=_OPENAI_ERROR)
            },
        },
    }
