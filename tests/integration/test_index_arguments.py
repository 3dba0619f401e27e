"""Wrong use of an index is refused with what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgeembed
from edgeembed import Document, Index

MAILS = [
    Document("mail-1", text="the boat leaves the harbour at dawn", metadata={"from": "ann", "year": 2023}),
    Document("mail-2", text="tomato seedlings for the garden", metadata={"from": "bob", "year": 2024}),
    Document("mail-3", text="an invoice for painting the fence", metadata={"from": "ann", "year": 2024}),
]


@pytest.fixture
def index(tmp_path: Path, tiny_bundle: Path) -> Index:
    return Index.open(tmp_path / "index", model=tiny_bundle)


def test_wrong_use(index: Index) -> None:
    with pytest.raises(ValueError, match="query is empty"):
        index.search("  ")
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        index.search("x", k=0)
    with pytest.raises(ValueError, match="needs either text or image"):
        Document("x")
    with pytest.raises(edgeembed.UnsupportedInputError, match="tiny embeds text only"):
        index.add([Document("photo", image=b"...")])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": 5, "text": "x"}, "id must be a string, not int"),
        ({"id": "a", "text": b"x"}, "text must be a string; decode bytes first, not bytes"),
        ({"id": "a", "image": 5}, "image must be a path, bytes, or a Pillow image, not int"),
        ({"id": "a", "text": "x", "metadata": "y"}, "metadata must be a mapping"),
        ({"id": "a", "text": "x", "pages": 5}, "pages must be a tuple"),
    ],
)
def test_a_document_of_wrong_types(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"document .*: {message}"):
        Document(**fields)


def test_a_document_needs_a_name_and_its_image_a_path() -> None:
    with pytest.raises(ValueError, match="document '': id must not be empty"):
        Document("", text="x")
    with pytest.raises(ValueError, match="document 'a': image must not be empty"):
        Document("a", image="")
    assert Document("a", text="").text == ""


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (MAILS[0], r"must be a sequence of Documents, not one Document: \[document\]"),
        ("abc", "must be a sequence of Documents, not one str"),
        (5, "must be a sequence of Documents, not one int"),
        ([MAILS[0], "abc"], "must hold Documents, not str: 'abc'"),
    ],
)
def test_what_is_added_must_be_documents(index: Index, documents: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"documents {message}"):
        index.add(documents)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": "5"}, TypeError, "k must be a whole number, at least 1, not '5'"),
        ({"k": 1.5}, TypeError, "k must be a whole number"),
        ({"where": "abc"}, TypeError, "where must be a mapping .* not 'abc'"),
        ({"where": []}, TypeError, "where must be a mapping"),
        ({"min_score": "foo"}, ValueError, "min_score must be a number from 0 to 1, 'auto', or None .* not 'foo'"),
        ({"min_score": 2}, ValueError, "min_score must be .* not 2"),
        ({"min_score": float("nan")}, ValueError, "min_score must be .* not nan"),
        (
            {"plus": [(float("inf"), "cat")]},
            ValueError,
            "plus: the weight of 'cat' must be a number from .* to 1000000, not inf",
        ),
        ({"minus": [(float("nan"), "cat")]}, ValueError, "minus: the weight of 'cat' must be a number"),
        ({"plus": [(1e300, "cat")]}, ValueError, "plus: the weight of 'cat' must be .* not 1e\\+300"),
        ({"minus": [(-(10**400), "cat")]}, ValueError, "minus: the weight of 'cat' must be"),
        ({"plus": {"dog": 2}}, TypeError, r"plus must be a sequence .* such as \[\(2, 'dog'\)\], not a dict"),
        ({"plus": (2, "dog")}, TypeError, r"plus must be a sequence of meanings .* or pairs .*; 2 is no meaning"),
        ({"plus": [[2, "dog"]]}, TypeError, r"plus must be .* pairs .*; \[2, 'dog'\] is no meaning"),
        ({"plus": ["dog", " "]}, ValueError, "plus: ' ' is empty"),
        ({"minus": [(2, "")]}, ValueError, "minus: .* is empty"),
        ({"plus": [("2", "dog")]}, TypeError, "plus: .* is no pair of a weight and a meaning"),
        ({"plus": [(1, 2, 3)]}, TypeError, "plus: .* is no pair"),
        ({"plus": 5}, TypeError, "plus must be a sequence"),
        ({"plus": [5]}, TypeError, "plus must be .*; 5 is no meaning"),
    ],
)
def test_wrong_options_of_a_search(index: Index, options: dict[str, Any], error: type[Exception], message: str) -> None:
    index.add(MAILS)
    with pytest.raises(error, match=message):
        index.search("boat", **options)


def test_a_closed_index_says_so(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("the boat")
    folder = edgeembed.Folder.open(tmp_path / "notes", model=tiny_bundle)
    folder.sync()
    index = folder.index
    index.search("boat")
    folder.close()
    folder.close()
    closed: list[Callable[[], object]] = [
        lambda: index.add(MAILS),
        lambda: index.add([]),
        lambda: index.remove(["a.txt"]),
        lambda: index.search("boat"),
        lambda: index.similar("a.txt"),
        lambda: index.similar(MAILS[0]),
        lambda: index.explain("boat", "a.txt"),
        lambda: index.lines("a.txt", 1, 1),
        lambda: index.embedder,
        index.status,
        index.verify,
        index.compact,
        folder.plan,
        folder.sync,
        folder.status,
        lambda: folder.search("boat"),
        lambda: folder.similar(tmp_path / "notes" / "a.txt"),
        lambda: folder.explain("boat", tmp_path / "notes" / "a.txt"),
    ]
    for ask in closed:
        with pytest.raises(ValueError, match=r"notes.\.edgeembed: this index is closed"):
            ask()


def test_a_file_where_the_index_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="an index is a folder"):
        Index.open(tmp_path / "file")
