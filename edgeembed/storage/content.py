"""Contents: what documents are about, told apart by a hash, so that what is known already is not embedded again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..document import Document
from ..errors import ImageError
from ..reading.images import ImageSource, translated

_PART = 1 << 20
"""Characters that are hashed at a time."""


@dataclass(frozen=True)
class Content:
    """What a document is about, apart from its name and metadata."""

    digest: bytes
    """Contents with the same one are the same."""
    kind: str
    """``text`` or ``image``."""
    text: str = ""
    pages: tuple[int, ...] = ()
    lines: bool = True
    aside: int | None = None
    image: ImageSource | None = None


def content_of(document: Document) -> Content:
    """The content of a document; the file of an image is read here, once.

    Raises:
        OSError: the file of an image cannot be read; names the document.
        ImageError: a Pillow image was closed, or its file is damaged; likewise.
    """
    digest = hashlib.blake2b(digest_size=16)
    if document.text is not None:
        lines = b"" if document.lines else b" no lines"
        # "aside" was the word while what stands there was not marked as such in the index: it is to be indexed anew.
        aside = b"" if document.aside is None else b" around %d" % document.aside
        digest.update(b"text\0" + ",".join(map(str, document.pages)).encode() + lines + aside + b"\0")
        for start in range(0, len(document.text), _PART):  # a large text is not copied as a whole
            digest.update(document.text[start : start + _PART].encode("utf-8", "surrogatepass"))
        return Content(digest.digest(), "text", document.text, document.pages, document.lines, document.aside)
    image, which = document.image, f"document {document.id!r}"
    digest.update(b"image\0")
    if isinstance(image, (str, os.PathLike)):
        try:
            image = Path(image).read_bytes()
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror} ({which})", error.filename) from error
    if isinstance(image, bytes):
        digest.update(image)
    elif image is not None:
        try:
            with translated(image):  # it may not be loaded yet
                digest.update(f"{image.mode} {image.size}\0".encode() + image.tobytes())
        except ImageError as error:
            raise ImageError(error.path, error.reason, which=which) from error
    return Content(digest.digest(), "image", image=image)
