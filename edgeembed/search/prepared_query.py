"""A query that is parsed and embedded, once, for a search or an explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..catalog.schema import KINDS
from ..catalog.where import Condition, word_condition
from ..index_models.meanings import Meaning, Weighted, is_words
from ..index_models.query_vectors import query_vectors
from ..text.terms import is_identifier
from .arguments import item_kind, listed
from .fusion import MinScore, Mode
from .query_syntax import literal_query, parse_query

if TYPE_CHECKING:
    from ..index_models.loaded import LoadedModels
    from ..segments.int8 import Floats

_ALL = Condition("")
_SIGNS = ".,;:!?()[]{}'\""


@dataclass(frozen=True)
class PreparedQuery:
    """A query, parsed and embedded."""

    kind: str
    """What it is made of: ``image`` if an image is part of it, else ``text``."""
    vectors: Mapping[str, Floats | None]
    """``(dim,)`` of length 1 for each kind of documents that is searched; ``None``: by words only, see
    :func:`query_vectors`."""
    words: str = ""
    """What to look up in the full text; empty: there are no words, as with an image."""
    phrases: tuple[str, ...] = ()
    """Those of its words that must occur as they stand."""
    condition: Condition = _ALL
    """What its phrases and excluded words ask of a document."""
    excludes: bool = False
    """Whether there are excluded words."""
    unusual: frozenset[str] = frozenset()
    """Those of its words that no language of the model has: its tokenizer knows them in pieces only, or identifiers."""


@dataclass(frozen=True)
class SearchRequest:
    """What to search for."""

    query: PreparedQuery
    k: int
    """Most hits."""
    condition: Condition
    """Only documents that fit it, that of the query included."""
    mode: Mode = "hybrid"
    min_score: MinScore = None
    exact: bool = False
    """Compare every vector instead of walking the graphs of large segments."""
    folds_copies: bool = False
    """One hit for all files with the same content."""

    @property
    def decided_by(self) -> Mode:
        """The mode; by keywords instead of by vectors where the model cannot read the query."""
        is_unread = (
            self.mode == "vector" and self.query.words and all(vector is None for vector in self.query.vectors.values())
        )
        return "keyword" if is_unread else self.mode


def prepare_query(
    models: LoadedModels,
    query: Meaning,
    plus: Iterable[Weighted] = (),
    minus: Iterable[Weighted] = (),
    *,
    kinds: Sequence[str],
    is_literal: Callable[[str, str], bool],
    syntax: bool = True,
) -> PreparedQuery:
    """Parse and embed a query.

    Args:
        models: of the index.
        query, plus, minus: as in :meth:`Index.search`.
        kinds: of documents to search in.
        is_literal: as in :func:`parse_query`.
        syntax: ``False`` takes every character of words as text.

    Raises:
        ValueError, TypeError: it is empty, or something in it is no meaning.
        UnsupportedInputError, ImageError: as :func:`query_vectors`.
    """
    added, removed = listed("plus", plus), listed("minus", minus)
    kind = item_kind([query, *added, *removed])
    if not is_words(query):
        return PreparedQuery(kind, query_vectors(models, query, added, removed, kinds=kinds))
    parsed = parse_query(query, is_literal) if syntax else literal_query(query)
    vectors = query_vectors(models, parsed.text, added, removed, kinds=kinds)
    return PreparedQuery(
        kind,
        vectors,
        parsed.text,
        parsed.phrases,
        word_condition(parsed.phrases, parsed.excluded),
        excludes=bool(parsed.excluded),
        unusual=_unusual(models, parsed.text),
    )


def _unusual(models: LoadedModels, text: str) -> frozenset[str]:
    words = list(dict.fromkeys(text.split()))
    embedder = next(filter(None, (models.query_embedder("text", kind) for kind in KINDS)), None)
    whole = [True] * len(words) if embedder is None else embedder.are_whole([word.strip(_SIGNS) for word in words])
    return frozenset(word for word, is_whole in zip(words, whole, strict=True) if not is_whole or is_identifier(word))
