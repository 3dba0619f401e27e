"""The exceptions: one tree, and messages that say what happened, to which path, and what to type next."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgeembed
from edgeembed import errors

EXAMPLES: list[tuple[errors.EdgeEmbedError, str]] = [
    (errors.BundleError("m", "is damaged", "copy it again"), "m: is damaged (copy it again)"),
    (errors.BundleError("m", "is damaged"), "m: is damaged"),
    (errors.ImageError(None, "is damaged", which="images[5]"), "picture: is damaged (images[5])"),
    (errors.ImageError(Path("a.png"), "is damaged"), "a.png: is damaged"),
    (errors.IndexNotFoundError("i", "`edgeembed index FOLDER` makes one"), "`edgeembed index FOLDER`"),
    (errors.NotAnIndexError("i", "holds other files"), "name an empty or a new folder"),
    (errors.IndexLockedError("i", "process 7"), "i: process 7 is writing"),
    (errors.IndexNotWritableError("i", "read-only"), "--no-sync"),
    (errors.IndexCorruptError("i", "cut short"), "`edgeembed repair` mends it"),
    (errors.FolderMismatchError(Path("i"), None, Path("f"), 1200, 1100), "of its 1,200 files 1,100 are not in f"),
    (errors.ModelMismatchError("i", "a", "b", option="--model"), "`edgeembed index --rebuild`"),
]


@pytest.mark.parametrize(("error", "words"), EXAMPLES)
def test_a_message_names_the_path_and_what_to_do(error: errors.EdgeEmbedError, words: str) -> None:
    assert words in str(error)
    assert "\n" not in str(error)
    path = getattr(error, "path")  # noqa: B009
    assert str(error).startswith(f"{'picture' if path is None else path}: ")
    assert path is None or isinstance(path, Path)


def test_every_public_error_is_of_the_tree() -> None:
    public = [getattr(edgeembed, name) for name in edgeembed.__all__ if name.endswith("Error")]
    assert len(public) >= 9
    assert all(issubclass(error, errors.EdgeEmbedError) for error in public)


def test_an_error_of_a_builtin_kind_knows_path_and_reason() -> None:
    error = errors.path_error("a.txt", ValueError, "is empty")
    assert (type(error), str(error)) == (ValueError, "a.txt: is empty")
    assert vars(error) == {"path": "a.txt", "reason": "is empty"}
