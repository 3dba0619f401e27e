"""The exceptions: one tree, and messages that say what happened, to which path, and what to type next."""

from __future__ import annotations

import copy
import importlib
import multiprocessing
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import edgeembed
from edgeembed import errors
from edgeembed.catalog.database import SnapshotLostError
from edgeembed.catalog.schema import OutdatedLayoutError
from edgeembed.cli.from_server import NotAnsweredError
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.sandbox.process import WorkerCancelled, _Ended
from edgeembed.server.client import ServerGoneError
from edgeembed.server.http.errors import Refusal
from edgeembed.server.json_schema import SchemaError
from edgeembed.server.library import UnknownDocumentError
from edgeembed.server.wire import NotOnWireError
from edgeembed.watching.events import EventsLostError, EventsUnavailableError
from edgeembed.watching.watched_folder import _AwayError

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
    (errors.ForkedError("i"), "'spawn' or 'forkserver'"),
]


def exception_classes() -> set[type[Exception]]:
    """All that the runtime defines, public or not."""
    classes: set[type[Exception]] = {errors.EdgeEmbedError}
    for module in pkgutil.walk_packages(edgeembed.__path__, "edgeembed."):
        if not module.name.endswith("__main__"):
            members = vars(importlib.import_module(module.name)).values()
            classes |= {item for item in members if isinstance(item, type) and issubclass(item, Exception)}
    return {item for item in classes if item.__module__.startswith("edgeembed.")}


OTHERS: list[Exception] = [
    errors.EdgeEmbedError("something"),
    errors.UnsupportedInputError("no pictures"),
    errors.path_error(Path("i"), OutdatedLayoutError, "is old"),
    errors.path_error("a.txt", ValueError, "is empty"),
    errors.path_error(Path("a"), FileNotFoundError, "no such folder"),
    SnapshotLostError("changed"),
    Unreadable("encrypted"),
    WorkerCancelled(),
    _Ended(late=True, status=3),
    NotAnsweredError(),
    NotOnWireError("a picture"),
    Refusal(400, "is empty", closes=True, param="input"),
    SchemaError("plus[2]", "must be a string"),
    ServerGoneError(),
    UnknownDocumentError(),
    EventsLostError(),
    EventsUnavailableError("too many"),
    _AwayError(),
]


@pytest.mark.parametrize("error", [*(error for error, _ in EXAMPLES), *OTHERS], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["pickle-4", "pickle-5", "copy", "deepcopy"])
def test_an_error_comes_whole_out_of_another_process_and_out_of_a_copy(error: Exception, way: str) -> None:
    error.add_note("while adding")
    if way.startswith("pickle"):
        again = pickle.loads(pickle.dumps(error, protocol=int(way[-1])))
    else:
        again = getattr(copy, way)(error)
    assert type(again) is type(error)
    assert again is not error
    assert (str(again), again.args) == (str(error), error.args)
    assert vars(again) == vars(error)


def test_every_exception_of_the_package_is_among_those_tried() -> None:
    assert exception_classes() - {type(error) for error in (*OTHERS, *(error for error, _ in EXAMPLES))} == set()


def test_an_error_crosses_a_process_pool() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(errors.IndexNotFoundError, match="no index here") as caught,
    ):
        pool.submit(edgeembed.Index.open, "no/such/index", read_only=True).result(60)
    assert caught.value.path == Path("no/such/index")


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
