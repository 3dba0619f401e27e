"""Hits as fields."""

from __future__ import annotations

from edgeembed.catalog.rows import FileDocumentId
from edgeembed.document import PART
from edgeembed.output.hit_fields import hit_fields
from edgeembed.search.hits import Hit, Passage

PASSAGE = Passage(0.5, 0, 3, 1, 1, None, "abc", ((0, 3),), "abc")


def test_a_hit_is_named_by_the_path_that_is_shown() -> None:
    copies = (FileDocumentId("b.md", None),)
    hit = Hit.of("a.md", "text", (PASSAGE, PASSAGE), {"x": 1}, score=0.9, matched=("vector",), copies=copies)
    fields = hit_fields(hit, lambda id: f"notes/{id}")
    assert (fields["path"], fields["path_bytes"], fields["copies"]) == ("notes/a.md", None, ["notes/b.md"])
    assert {"id", "part", "copy_parts"}.isdisjoint(fields)
    assert "same_content" not in fields
    assert [passage["text"] for passage in fields["passages"]] == [None, None]


def test_the_best_passage_alone_gets_a_text() -> None:
    hit = Hit.of("a.md", "text", (PASSAGE, PASSAGE), {}, score=None, matched=("vector",))
    fields = hit_fields(hit, str, text="all of it")
    assert [passage["text"] for passage in fields["passages"]] == ["all of it", None]
    assert "copies" not in fields


def test_a_message_is_named_by_its_mailbox_and_its_number() -> None:
    copies = (FileDocumentId("b.mbox/7", 7), FileDocumentId("c.eml", None))
    hit = Hit.of("a.mbox/12", "text", (PASSAGE,), {PART: 12}, score=None, matched=("keyword",), copies=copies)
    fields = hit_fields(hit, lambda file: f"mail/{file}")
    assert (fields["path"], fields["part"], fields["metadata"]) == ("mail/a.mbox", 12, {})
    assert (fields["copies"], fields["copy_parts"]) == (["mail/b.mbox", "mail/c.eml"], (7, None))
