"""What clients ask: the fields of a search, as JSON describes them, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from .json_schema import SchemaError, check

MOST_HITS = 200
_MAX_QUERY = 20_000
_MAX_LIST = 20
_TEXT = {"type": "string", "minLength": 1, "maxLength": 2000}
_TEXTS = {"type": "array", "maxItems": _MAX_LIST, "items": _TEXT}
_DOCUMENT = {"type": "string", "minLength": 1, "maxLength": 64, "description": "`document` of a hit."}
_DOCUMENTS = {"type": "array", "maxItems": _MAX_LIST, "items": _DOCUMENT}
_SIZE = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
_MOMENT = {"type": ["string", "null"], "maxLength": 40}
FILTERS: dict[str, Any] = {
    "folders": {**_TEXTS, "description": "Names of served folders; none: all of them."},
    "paths": {**_TEXTS, "description": "Patterns as in .gitignore, from the folder; `!`: what does not fit."},
    "kind": {"enum": ["text", "image", None], "description": "Only texts, or only pictures."},
    "ext": {**_TEXTS, "description": "Extensions, such as `pdf`."},
    "since": {**_MOMENT, "description": "A date or a time in ISO 8601: changed, or for photos taken, not before it."},
    "until": {**_MOMENT, "description": "Likewise before it, or before the end of a day."},
    "min_size": {**_SIZE, "description": "Bytes."},
    "max_size": {**_SIZE, "description": "Bytes."},
    "near": {
        "type": ["array", "null"],
        "minItems": 3,
        "maxItems": 3,
        "items": {"type": "number", "minimum": -20_040, "maximum": 20_040},
        "description": "Latitude and longitude in degrees, and kilometres: only photos taken so near.",
    },
}
_K = {"type": "integer", "minimum": 1, "maximum": MOST_HITS, "description": "Most hits.", "default": 10}
_MIN_SCORE = {
    "anyOf": [{"enum": ["auto"]}, {"type": ["number", "null"], "minimum": 0, "maximum": 1}],
    "description": "Least score; `auto`: what is not relevant is left out; null: nothing is.",
}
SEARCH: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["query"],
    "properties": {
        "query": {"type": "string", "minLength": 1, "maxLength": _MAX_QUERY, "description": "Words to search for."},
        "k": _K,
        "mode": {"enum": ["hybrid", "vector", "keyword"], "default": "hybrid"},
        "min_score": {**_MIN_SCORE, "default": "auto"},
        "literal": {"type": "boolean", "description": "Quotes and minus signs are text.", "default": False},
        "exact": {"type": "boolean", "description": "Compare every vector.", "default": False},
        "plus": {**_TEXTS, "description": "Meanings to add."},
        "minus": {**_TEXTS, "description": "Meanings to take away."},
        "like": {**_DOCUMENTS, "description": "Documents whose meaning is added, with half the weight of the query."},
        "unlike": {**_DOCUMENTS, "description": "Documents to leave out, and whose meaning is taken away, likewise."},
        **FILTERS,
    },
}
SIMILAR: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["document"],
    "properties": {"document": _DOCUMENT, "k": _K, "min_score": {**_MIN_SCORE, "default": None}, **FILTERS},
}
SYNC: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "folders": FILTERS["folders"],
        "wait": {"type": "boolean", "description": "Answer when it is done, not at once.", "default": False},
    },
}


@dataclass(frozen=True)
class Filters:
    """Which documents are looked at."""

    folders: tuple[str, ...] = ()
    """Names of folders; empty: all."""
    tests: Mapping[str, Any] | None = None
    """As ``where`` of :meth:`Index.search`, without the tests of paths."""
    paths: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Filters:
        """From checked fields.

        Raises:
            SchemaError: a date that is none.
        """
        dates = {">=": _moment(fields, "since"), "<": _moment(fields, "until", end=True)}
        sizes = {">=": fields.get("min_size"), "<=": fields.get("max_size")}
        near = fields.get("near")
        tests: dict[str, Any] = {
            "document.kind": fields.get("kind"),
            "file.ext": {"in": [name.lower().lstrip(".") for name in fields["ext"]]} if fields.get("ext") else None,
            "file.date": {sign: value for sign, value in dates.items() if value is not None},
            "file.size_bytes": {sign: value for sign, value in sizes.items() if value is not None},
            "photo.position": {"near": tuple(near)} if near else None,
        }
        tests = {name: test for name, test in tests.items() if test}
        return cls(tuple(fields.get("folders", ())), tests, tuple(fields.get("paths", ())))

    def where(self, below: str) -> dict[str, Any]:
        """The tests in a folder of which only the part ``below`` is served; empty: all of it."""
        tests: dict[str, Any] = {">=": f"{below}/", "<": f"{below}0"} if below else {}  # "0" comes next after "/"
        wanted = [pattern for pattern in self.paths if not pattern.startswith("!")]
        unwanted = [pattern[1:] for pattern in self.paths if pattern.startswith("!")]
        tests |= ({"glob": wanted} if wanted else {}) | ({"not glob": unwanted} if unwanted else {})
        return {**(self.tests or {}), **({"file.path": tests} if tests else {})}


@dataclass(frozen=True)
class Question:
    """A search; the fields are those of :meth:`Index.search`."""

    query: str
    filters: Filters = Filters()
    k: int = 10
    mode: Literal["hybrid", "vector", "keyword"] = "hybrid"
    min_score: float | Literal["auto"] | None = "auto"
    literal: bool = False
    exact: bool = False
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    """Ids of documents."""
    unlike: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: object) -> Question:
        """From JSON.

        Raises:
            SchemaError: it is not as :data:`SEARCH` says, or a date is none.
        """
        check(fields, SEARCH)
        assert isinstance(fields, dict)
        if not fields["query"].strip():
            raise SchemaError("query", "is empty; give some words to search for")
        own = {name: value for name, value in fields.items() if name not in FILTERS}
        lists = {name: tuple(own[name]) for name in ("plus", "minus", "like", "unlike") if name in own}
        return cls(**{**own, **lists, "filters": Filters.of(fields)})


def _moment(fields: Mapping[str, Any], name: str, *, end: bool = False) -> datetime | None:
    """A field as a moment, a day as its beginning or its end; ``None``: it is not there, or empty."""
    text = fields.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        reason = f"must be a date or a time such as 2024-05-01 or 2024-05-01T18:30, not {text!r:.60}"
        raise SchemaError(name, reason) from None
    try:
        date.fromisoformat(text)
        return moment + timedelta(days=1) if end else moment
    except (ValueError, OverflowError):
        return moment
