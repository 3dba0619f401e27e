"""What the fields of a search mean."""

from __future__ import annotations

from datetime import datetime

import pytest

from edgeembed.server.json_schema import SchemaError
from edgeembed.server.question import Filters, Question


def test_fields_become_a_question() -> None:
    question = Question.of({"query": "boat", "k": 3, "plus": ["dog"], "like": ["id"], "ext": [".MD"], "kind": "text"})
    assert (question.query, question.k, question.plus, question.like) == ("boat", 3, ("dog",), ("id",))
    assert question.min_score == "auto"
    assert question.filters.where("") == {"document.kind": "text", "file.ext": {"in": ["md"]}}


def test_a_day_ends_with_its_end() -> None:
    filters = Filters.of({"since": "2024-05-01", "until": "2024-05-01"})
    assert filters.where("") == {"file.date": {">=": datetime(2024, 5, 1), "<": datetime(2024, 5, 2)}}
    moment = Filters.of({"until": "2024-05-01T18:30"}).where("")
    assert moment == {"file.date": {"<": datetime(2024, 5, 1, 18, 30)}}


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "2024-05-01T99:00", "\ud83d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match="since: must be a date or a time"):
        Filters.of({"since": text})


def test_a_part_of_a_folder_stays_that_part() -> None:
    where = Filters.of({"paths": ["*.md", "!drafts/"]}).where("notes/garden")
    assert where["file.path"] == {
        ">=": "notes/garden/",
        "<": "notes/garden0",
        "glob": ["*.md"],
        "not glob": ["drafts/"],
    }


@pytest.mark.parametrize("query", [" ", "\n\t"])
def test_an_empty_query_is_refused(query: str) -> None:
    with pytest.raises(SchemaError, match="query: is empty"):
        Question.of({"query": query})
