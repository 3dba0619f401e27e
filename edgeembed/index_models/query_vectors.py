"""What one can search with: words, images, weighted sums of both, and whole documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..catalog.schema import KINDS
from ..errors import ImageError, UnsupportedInputError, path_error
from ..text.chunker import split
from .meanings import Meaning, Weighted, is_words, kind_of, weighted

if TYPE_CHECKING:
    from ..document import Document
    from ..embedder import Embedder
    from ..segments.int8 import Floats
    from .loaded import LoadedModels

UNREAD = "the model does not know most of its words, so it is found by them only, and cannot be compared"


def query_vectors(
    models: LoadedModels,
    query: Meaning,
    plus: Iterable[Weighted] = (),
    minus: Iterable[Weighted] = (),
    *,
    kinds: Sequence[str] = KINDS,
) -> dict[str, Floats | None]:
    """The vector ``(dim,)`` of length 1 of a query, other meanings added and subtracted, for each kind of documents.

    ``None``: it is words that the model cannot read, and such documents can only be found by them as they stand.

    Args:
        models: the models.
        query, plus, minus: as in :meth:`Index.search`.
        kinds: of documents to search in; those that cannot be compared with all parts of the query are left out.

    Raises:
        ValueError: what is added and subtracted leaves nothing.
        UnsupportedInputError: an image, and no model embeds images.
        ImageError: an image that cannot be read.
    """
    parts = [(1.0, query), *map(weighted, plus), *((-weight, item) for weight, item in map(weighted, minus))]
    item_kinds = {kind_of(item) for _, item in parts}
    if "image" in item_kinds:
        models.embedder("image")  # or it says why there is none
    by_embedder: dict[tuple[Embedder, ...], Floats | None] = {}  # one space for both kinds: embedded once
    vectors: dict[str, Floats | None] = {}
    for kind in kinds:
        embedders = {item: models.query_embedder(item, kind) for item in sorted(item_kinds)}
        able = {item: embedder for item, embedder in embedders.items() if embedder is not None}
        if len(able) == len(item_kinds):
            key = tuple(able.values())
            if key not in by_embedder:
                by_embedder[key] = _sum(able, parts)
            vectors[kind] = by_embedder[key]
    if not vectors:
        raise UnsupportedInputError("texts and pictures of this index are in two vector spaces; ask for one at a time")
    return vectors


def document_vectors(models: LoadedModels, document: Document) -> Mapping[str, Floats | None]:
    """For a whole document, the mean of its chunks' vectors, for each kind that it can be compared with.

    Raises:
        ValueError: it holds no text, or none that the model can read.
        UnsupportedInputError, ImageError: as :func:`query_vectors`.
    """
    if document.text is None:
        image = Path(document.image) if isinstance(document.image, str) else document.image  # a query's str is words
        return query_vectors(models, image or b"")
    embedder = models.embedder("text")
    chunks = split(document.text, limit=embedder.content_tokens, count_tokens=embedder.count_tokens)
    texts = [chunk.text for chunk in chunks]
    if not texts:
        raise ValueError(f"{document.id}: holds no text to compare")
    vectors = embedder.embed_readable(texts)
    readable = vectors[vectors.any(axis=1)]
    if not len(readable):
        raise path_error(document.id, ValueError, UNREAD)
    return dict.fromkeys(models.kinds_like("text"), unit(readable.mean(axis=0)))


def unit(vector: Floats) -> Floats:
    """A vector of length 1 in the same direction."""
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        raise ValueError("what is added and subtracted leaves nothing to search for")
    return np.asarray(vector / length, dtype=np.float32)


def _sum(embedders: Mapping[str, Embedder], parts: Sequence[tuple[float, Meaning]]) -> Floats | None:
    """The weighted sum of the vectors of all parts that can be read, of length 1; a single one as it is."""
    dim = next(iter(embedders.values())).dim
    vectors = np.empty((len(parts), dim), np.float32)
    text_rows = [i for i, (_, item) in enumerate(parts) if is_words(item)]
    image_rows: list[Any] = [i for i, (_, item) in enumerate(parts) if not is_words(item)]
    if text_rows:
        vectors[text_rows] = embedders["text"].embed_readable([str(parts[i][1]) for i in text_rows], role="query")
    if image_rows:
        images = [cast("Any", parts[i][1]) for i in image_rows]
        try:
            vectors[image_rows] = embedders["image"].embed_images(images, reduced=True)
        except ImageError as error:  # its place in this list means nothing to whoever searches
            raise ImageError(error.path, error.reason) from error
    readable = vectors.any(axis=1)
    if not readable.any():
        return None
    if len(parts) == 1:
        return np.asarray(vectors[0], dtype=np.float32)
    return unit(np.array([weight for weight, _ in parts], np.float32) @ vectors)
