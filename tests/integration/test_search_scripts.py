"""Words of every script, signs, identifiers, phrases over borders, and what the model cannot read, through an index."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeembed import Document, Folder, Index
from tests.support.old_files import write
from tests.support.search_texts import ids

TEXTS = {
    "ru": "Новый чайник стоит на столе, отчёт за май готов",
    "uk": "Українська мова та їжа",
    "el": "παρακαλώ, ταξίδι στην Αθήνα",
    "th": "วันนี้ไปกินข้าวที่ร้านอาหารใกล้บ้าน",
    "km": "ខ្ញុំចូលចិត្តភាសាខ្មែរ",
    "my": "မြန်မာစာ ဖတ်သည်",
    "ja": unicodedata.normalize("NFD", "東京ガイドブックで読んだ"),
    "ko": "오늘 학교에서 공부했다",
    "ar": "مُحَمَّد في المدرسة",
    "de": "die Stra\u00dfe nach Zu\u0308rich",
    "pl": "piękna Łódź nad rzeką",
    "cpp": "C++ templates and lambdas",
    "csharp": "C# properties and .NET",
    "done": "all done ✅",
    "code": "def fetchGitHubRepos(user_name): e-mail",
    "en": "a plain note about the kettle",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("scripts") / "index", model=tiny_bundle) as opened:
        opened.add(Document(id, text=text) for id, text in TEXTS.items())
        yield opened


@pytest.mark.parametrize(
    ("query", "id"),
    [
        *[("ОТЧЕТ", "ru"), ("новый", "ru"), ("їжа", "uk"), ("ΑΘΗΝΑ", "el"), ("παρακαλω", "el"), ("ข้าว", "th")],
        *[("ร้านอาหาร", "th"), ("ភាសា", "km"), ("ဖတ်", "my"), ("ガイド", "ja"), ("京", "ja"), ("학교", "ko")],
        *[("محمد", "ar"), ("zürich", "de"), ("STRASSE", "de"), ("lodz", "pl"), ("c++", "cpp"), ("C#", "csharp")],
        *[(".net", "csharp"), ("✅", "done"), ("github", "code"), ("username", "code"), ("email", "code")],
    ],
)
def test_a_word_is_found_with_and_without_quotes(index: Index, query: str, id: str) -> None:
    assert ids(index.search(query, mode="keyword"))[0] == id
    if query.isascii() and query.isalpha():
        return  # parts of names are no phrases
    assert ids(index.search(f'"{query}"')) == [id]
    assert id not in ids(index.search(f"kettle -{query}"))


def test_other_letters_are_other_words(index: Index) -> None:
    assert index.search('"новыи"') == []
    assert index.search('"іжа"') == []
    assert ids(index.search('"C++"')) == ["cpp"]


def test_an_index_of_many_scripts_verifies(index: Index) -> None:
    assert index.verify().ok


def test_a_phrase_over_the_border_of_passages_is_found(tmp_path: Path, tiny_bundle: Path) -> None:
    words = [f"word{i}" for i in range(400)]
    with Index.open(tmp_path / "index", model=tiny_bundle) as opened:
        opened.add([Document("long", text=" ".join(words)), Document("other", text="word7 word9")])
        assert opened.status().chunks > 4
        for first in range(390):
            assert ids(opened.search(f'"{" ".join(words[first : first + 5])}"', k=1)) == ["long"], first
        assert opened.search('"word7 word9"')[0].id == "other"
        assert opened.search('"word99 word101"') == []
        assert ids(opened.search(f'word7 -"{" ".join(words[200:230])}"')) == ["other"]


def test_what_the_model_cannot_read_is_found_by_its_words_only(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as opened:
        opened.add(Document(id, text=TEXTS[id]) for id in ("en", "th", "km"))
        opened.add([Document("junk", text="ꙮꙮꙮ")])
        assert opened.status().unread == 3
        (hit,) = opened.search("ข้าว", min_score="auto")
        assert (hit.id, hit.similarity, hit.matched) == ("th", None, ("keyword",))
        assert hit.score is not None
        assert 0 < hit.score < 1  # of its words
        assert ids(opened.search("ข้าว", mode="vector")) == ["th"]
        assert opened.search("ລາວ") == []
        assert {hit.id for hit in opened.search("kettle")} == {"en"}
        with pytest.raises(ValueError, match="does not know most"):
            opened.similar("th")
        with pytest.raises(ValueError, match="does not know most"):
            opened.explain("kettle", "th")
        assert opened.verify().ok
        opened.remove(["th"])
        opened.compact()
        assert opened.verify().ok


def test_names_are_found_however_their_letters_are_composed(tmp_path: Path, tiny_bundle: Path) -> None:
    apart = unicodedata.normalize("NFD", "Zürich")
    write(tmp_path / "notes" / apart / "été.txt", "a train ticket")
    write(tmp_path / "notes" / "boat.txt", "a boat")
    with Folder.open(tmp_path / "notes", model=tiny_bundle) as folder:
        folder.sync()
        name = f"{apart}/été.txt"
        assert ids(folder.search("train", where={"file.path": {"glob": "Zürich/*"}})) == [name]
        assert ids(folder.search("train", where={"file.path": "Zürich/été.txt"})) == [name]
        assert ids(folder.search('"zurich"')) == [name]
        assert ids(folder.similar(tmp_path / "notes" / "Zürich" / "été.txt")) == ["boat.txt"]
        assert ids(folder.similar("Zürich/été.txt")) == ["boat.txt"]
        assert folder.explain("train", tmp_path / "notes" / "Zürich" / "été.txt").id == name


def test_a_minus_that_a_text_has_is_a_part_of_the_word(tmp_path: Path, tiny_bundle: Path) -> None:
    with Index.open(tmp_path / "index", model=tiny_bundle) as opened:
        opened.add(
            [
                Document("rm", text="type rm -rf folder"),
                Document("pie", text="apple pie"),
                Document("18", text="it is -18"),
            ]
        )
        assert "rm" in ids(opened.search("rm -rf", mode="keyword"))
        assert ids(opened.search("apple -pie", mode="keyword")) == []
        assert ids(opened.search("-18", mode="keyword")) == ["18"]
