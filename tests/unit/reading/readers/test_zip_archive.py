"""ZIP archives that are no document, or damaged, or an attack."""

from __future__ import annotations

import pytest

from tests.support.documents import reason, word_document, zipped


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zipped(**{"a.txt": "words"}), "not text: an archive (archives are not opened)"),
        (zipped(mimetype="application/x-krita"), "not text: an archive (archives are not opened)"),
        (zipped(**{"[Content_Types].xml": "<Types/>"}), "not text: an archive (archives are not opened)"),
        (b"PK\x03\x04 and nothing more", "damaged: not a whole archive"),
        (zipped(mimetype="application/epub+zip"), "damaged: META-INF/container.xml is missing"),
        (word_document("<w:p><w:r><w:t>words"), "damaged: not whole XML"),
        (word_document("<w:p></w:p>"), "no text in it"),
    ],
)
def test_archives_that_are_no_whole_document(data: bytes, expected: str) -> None:
    assert reason("zip", data) == expected


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a><p>&d;</p></a>'
    data = zipped(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": bomb})
    assert reason("zip", data) == "damaged: it defines XML entities, as attacks do"
