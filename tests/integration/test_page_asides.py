"""What stands around the article of a page is found by its words, and takes no part in the search by meaning."""

from __future__ import annotations

from pathlib import Path

from edgeembed import Document, Folder, Index
from tests.support.old_files import write

ARTICLE = (
    "The lighthouse keeper walked down to the harbour every morning, looked at the boats that had come in overnight, "
    "and wrote their names and the hour of their arrival into a thick book with a leather cover."
)
PAGE = (
    "<title>Boats</title><div class=menu><a href=a>zucchini</a> <a href=b>imprint</a></div>"
    f"<main><p>{ARTICLE}</p><p>{ARTICLE[:150]}</p></main><footer>All about tomatoes</footer>"
)


def test_what_stands_around_an_article_is_found_by_its_words(tmp_path: Path, tiny_bundle: Path) -> None:
    write(tmp_path / "notes/page.html", PAGE)
    write(tmp_path / "notes/kitchen.txt", "Slice the zucchini and the tomatoes.\n")
    folder = Folder.open(tmp_path / "notes", model=tiny_bundle)
    embedded = folder.sync().embedded
    assert (folder.status().chunks, folder.status().unread) == (embedded + 1, 1)
    assert {hit.id for hit in folder.search("zucchini", mode="keyword")} == {"page.html", "kitchen.txt"}
    (page,) = folder.search("imprint", mode="keyword")
    assert page.snippet == "zucchini imprint All about tomatoes"
    (page,) = (hit for hit in folder.search("tomatoes", mode="vector", min_score=None) if hit.id == "page.html")
    assert all("tomatoes" not in (passage.text or "") for passage in page.passages)


def test_an_aside_has_no_vector_and_shares_no_chunk(tmp_path: Path, tiny_bundle: Path) -> None:
    text = "The boat leaves.\n\nAbout us, imprint.\n"
    at = text.index("About")
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([Document("whole", text=text), Document("parted", text=text, aside=at)])
        assert (index.status().chunks, index.status().unread) == (3, 1)  # one text, two contents
        hits = index.search("imprint", mode="keyword")
        found = {hit.id: [passage.text for passage in hit.passages] for hit in hits}
        assert found == {"whole": [text.strip()], "parted": ["About us, imprint."]}
        by_meaning = {hit.id: [passage.text for passage in hit.passages] for hit in index.search("boat", mode="vector")}
        assert by_meaning == {"whole": [text.strip()], "parted": ["The boat leaves."]}
        assert index.verify().ok
