"""What stands around the article of a page is found by its words, and takes no part in the search by meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from edgeembed.search.fusion import Mode
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


FILLER = " ".join(f"Sentence {number} tells of boats, ropes, gulls and the tide." for number in range(9))


def order(folder: Folder, query: str, mode: Mode) -> list[str]:
    hits = folder.search(query, mode=mode, k=300, min_score=None)
    scores = [hit.score or 0.0 for hit in hits]
    assert scores == sorted(scores, reverse=True)
    return [hit.id for hit in hits]


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_what_stands_around_an_article_comes_after_passages_with_the_same_words(
    tmp_path: Path, tiny_bundle: Path, mode: Mode
) -> None:
    for number in range(3):
        write(tmp_path / f"notes/page{number}.html", PAGE.replace("Boats", f"Boats {number}"))
    write(tmp_path / "notes/long.txt", f"{FILLER} zucchini\n")  # once in a long passage: less BM25 than a menu
    write(tmp_path / "notes/both.txt", f"{FILLER} zucchini {FILLER} imprint\n")
    write(tmp_path / "notes/other.txt", FILLER)
    folder = Folder.open(tmp_path / "notes", model=tiny_bundle)
    folder.sync()
    pages = {f"page{number}.html" for number in range(3)}
    for query, ordinary in (("zucchini", {"long.txt", "both.txt"}), ("zucchini imprint", {"both.txt"})):
        ids = order(folder, query, mode)
        places = {id: place for place, id in enumerate(ids)}
        assert pages <= places.keys()
        assert max(places[id] for id in ordinary) < min(places[id] for id in pages), (query, ids)


def test_an_article_itself_is_shown_first_if_it_holds_a_word(tmp_path: Path, tiny_bundle: Path) -> None:
    text = f"{FILLER} zucchini"
    menu = "zucchini, imprint"
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([Document("page", text=text + "\n\n" + menu, aside=len(text) + 2, pages=(0,))])
        index.add([Document(f"note{number}", text=f"{FILLER} {number}") for number in range(5)])
        for mode in ("keyword", "hybrid"):
            (hit,) = index.search("zucchini imprint", mode=mode, min_score=None, k=1)
            assert (hit.id, hit.page) == ("page", 1)
            assert "zucchini" in (hit.snippet or "")
            shown = [(passage.text, passage.page) for passage in hit.passages]
            assert (menu, None) in shown  # it stands on no page
        assert index.verify().ok


def test_the_menus_of_many_pages_crowd_nothing_out(tmp_path: Path, tiny_bundle: Path) -> None:
    menu, numbers = "zucchini", range(1700)  # more than are ranked at first
    articles = [f"Boat {number}.\n\n" for number in numbers]
    pages = [Document(f"page{at}", text=articles[at] + menu, aside=len(articles[at])) for at in numbers]
    with Index.open(tmp_path / "index", model=tiny_bundle) as index:
        index.add([*pages, Document("recipe", text=f"{FILLER} zucchini")])
        hits = index.search(menu, mode="keyword", k=10)
        assert (hits[0].id, len(hits)) == ("recipe", 10)
