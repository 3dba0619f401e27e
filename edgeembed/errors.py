"""The exceptions that edgeembed raises on purpose.

::

    EdgeEmbedError
    ├─ BundleError            .path .reason     a model bundle that must not be used
    ├─ UnsupportedInputError                    an image for a text bundle, or the reverse
    ├─ ImageError             .path .reason     an image that cannot be read
    ├─ IndexNotFoundError     .path             there is no index where one was expected
    ├─ NotAnIndexError        .path .reason     a folder named for an index holds other files
    ├─ IndexLockedError       .path             another process is writing
    ├─ IndexNotWritableError  .path .reason     the index lies where nothing can be written
    ├─ IndexCorruptError      .path .reason     the index contradicts itself
    ├─ FolderMismatchError    .path .made_from  the index holds the files of another folder
    ├─ ModelMismatchError     .path .expected .found  the index was made with another model
    └─ ForkedError            .path             the index was in use while this process was forked

Every message says what happened, to which path, and what to type next. Wrong use of a function stays
``ValueError`` or ``TypeError`` with the value in it; a path that is missing or of the wrong kind stays
the built-in ``FileNotFoundError`` or ``NotADirectoryError``. Those that are about one file or folder have
``path`` and ``reason`` as well (see :func:`path_error`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

_Error = TypeVar("_Error", bound=Exception)


class EdgeEmbedError(Exception):
    """Root of the tree: catch this to catch every error that edgeembed raises on purpose.

    Errors of the tree can be pickled and copied with all their attributes, so that they reach another process.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class, whose arguments are other ones than the message.
        return _restored, (type(self), self.args, vars(self))


class BundleError(EdgeEmbedError):
    """A bundle that is damaged, incomplete, or written in a newer format.

    Attributes:
        path: the bundle folder, or the file in it that is wrong.
        reason: what is wrong, without the path.
    """

    def __init__(self, path: Path | str, reason: str, advice: str = "") -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}" + (f" ({advice})" if advice else ""))


class UnsupportedInputError(EdgeEmbedError):
    """The bundle has no encoder for this kind of input."""


class ImageError(EdgeEmbedError):
    """An image that cannot be read: damaged, in no known format, or too large.

    Attributes:
        path: the file; ``None`` for an image given as bytes or as a Pillow image.
        reason: what is wrong, without the path.
    """

    def __init__(self, path: Path | None, reason: str, *, which: str | None = None) -> None:
        """``which`` tells it from other images: its document, or its place among several; for the message only."""
        self.path = path
        self.reason = reason
        super().__init__(f"{'picture' if path is None else path}: {reason}" + (f" ({which})" if which else ""))


class IndexNotFoundError(EdgeEmbedError):
    """There is no index at ``path``."""

    def __init__(self, path: Path | str, advice: str) -> None:
        self.path = Path(path)
        super().__init__(f"{path}: no index here; {advice}")


class NotAnIndexError(EdgeEmbedError):
    """The folder at ``path``, named for an index, holds something else, which is left alone."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(
            f"{path}: {reason}; nothing in it was changed: name an empty or a new folder for the index, or move the "
            "other files out of it"
        )


class IndexLockedError(EdgeEmbedError):
    """Another process is writing to the index at ``path``; ``owner`` says which."""

    def __init__(self, path: Path | str, owner: str) -> None:
        self.path = Path(path)
        self.owner = owner
        super().__init__(
            f"{path}: {owner} is writing to this index; wait for it to end, or search meanwhile "
            "what was there before (--no-sync, read_only=True)"
        )


class IndexNotWritableError(EdgeEmbedError):
    """The index at ``path`` can be searched at most, or not be made: nothing can be written there."""

    def __init__(
        self,
        path: Path | str,
        reason: str,
        advice: str = "check that you may write there, or search it as it is (--no-sync, read_only=True)",
    ) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}; {advice}")


class IndexCorruptError(EdgeEmbedError):
    """The files of the index at ``path`` contradict each other or cannot be read."""

    def __init__(
        self,
        path: Path | str,
        reason: str,
        advice: str = "`edgeembed verify` lists what is wrong, `edgeembed repair` mends it",
    ) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}; {advice}")


class FolderMismatchError(EdgeEmbedError):
    """The index at ``path`` holds the files of another folder, which a sync would drop.

    Attributes:
        path: the index.
        made_from: that folder; ``None``: an older edgeembed made the index, and did not say.
    """

    def __init__(self, path: Path, made_from: Path | None, folder: Path, known: int, missing: int) -> None:
        self.path = path
        self.made_from = made_from
        super().__init__(
            f"{path}: was made from {made_from or 'another folder'}, and of its {known:,} files {missing:,} are not in "
            f"{folder}; nothing was changed: name another folder for the index (--index), or make this one anew with "
            f"`edgeembed index {folder} --index {path} --rebuild`"
        )


class ModelMismatchError(EdgeEmbedError):
    """The index was made with another model than the one that was asked for.

    Attributes:
        path: the index.
        expected: name and encoder of the model that the index was made with.
        found: name and encoder of the model that was given.
    """

    def __init__(self, path: Path | str, expected: str, found: str, *, option: str) -> None:
        """``option`` says how such a model is named."""
        self.path = Path(path)
        self.expected = expected
        self.found = found
        super().__init__(
            f"{path}: this index was made with {expected}, not with {found}; leave out {option} "
            "to go on with its own, or make it anew with `edgeembed index --rebuild` (Folder.rebuild)"
        )


class ForkedError(EdgeEmbedError):
    """The index at ``path`` was in use while this process was forked from another, which alone can go on with that."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(
            f"{path}: was in use in another thread while this process was forked; open the index after the fork, or "
            "start processes by 'spawn' or 'forkserver' (multiprocessing.get_context)"
        )


def _restored(kind: type[EdgeEmbedError], args: tuple[Any, ...], attributes: dict[str, Any]) -> EdgeEmbedError:
    """An error as it was when it was pickled."""
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


def path_error(path: str | os.PathLike[str], kind: type[_Error], reason: str) -> _Error:
    """An error of a kind that has no attributes of its own; ``path`` and ``reason`` are told apart in JSON."""
    error = kind(f"{path}: {reason}")
    vars(error).update(path=path, reason=reason)
    return error
