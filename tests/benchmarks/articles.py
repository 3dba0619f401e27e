"""How well the articles of web pages are told from what stands around them.

``python -m tests.benchmarks.articles FOLDER`` takes the folder ``test/test-pages`` of
https://github.com/mozilla/readability: pages, each with the article that a browser's reading view takes out of it.
Words of the article should stand in the text before the aside, other words of the page should not.

| 130 pages | words of articles in ordinary passages | other words in ordinary passages |
|---|---|---|
| as it was, all of a page but ``nav`` | 100.0 % | 88.6 % |
| now, without the aside | 99.8 % | 27.8 % |
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from edgeembed.reading.readers.web.html import decode_html, html_text, read_html

_WORD = re.compile(r"\w+")
_MENU = re.compile(r"<(/?)nav\b", re.IGNORECASE)


def words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def measure(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Words of articles and other words: all, in ordinary passages, and in what was one passage like any other."""
    article, around = Counter[str](), Counter[str]()
    source = (folder / "source.html").read_bytes()
    extracted = read_html(source)
    ordinary = words(extracted.text[: extracted.aside])
    wanted = words(html_text(decode_html((folder / "expected.html").read_bytes())).text)
    whole = words(html_text(decode_html(source)).text)
    others = words(html_text(_MENU.sub(r"<\1div", decode_html(source))).text) - wanted
    for kind, counts in (("ordinary", ordinary), ("before", whole)):
        article[kind] = (wanted & counts).total()
        around[kind] = (others & (counts - wanted)).total()
    article["all"], around["all"] = wanted.total(), others.total()
    return article, around


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--verbose", action="store_true", help="name each page")
    options = parser.parse_args()
    totals = Counter[str](), Counter[str]()
    for folder in sorted(path.parent for path in options.pages.glob("*/source.html")):
        found = measure(folder)
        for total, counts in zip(totals, found, strict=True):
            total.update(counts)
        if options.verbose:
            print(f"{folder.name:40}", *(f"{counts['ordinary']:6}/{counts['all']:6}" for counts in found))
    for name, total in zip(("of articles", "around"), totals, strict=True):
        shares = (f"{kind} {100 * total[kind] / total['all']:.2f} %" for kind in ("before", "ordinary"))
        print(f"words {name}: {total['all']},", ", ".join(shares))


if __name__ == "__main__":
    main()
