"""What stands around the article of a page comes last, as an aside; pages without an article stay as they are."""

from __future__ import annotations

import time

import pytest

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.readers import read
from edgeembed.reading.readers.web.html import html_text
from tests.support.documents import zipped

PARAGRAPHS = [
    "The lighthouse keeper walked down to the harbour every morning, looked at the boats that had come in overnight, "
    "and wrote their names and the hour of their arrival into a thick book with a leather cover.",
    "Nobody in the village knew why he did so, for the harbour master kept a book of his own, in which the very same "
    "boats could be found, with their cargo and the names of their owners, year after year.",
    "When the old man died, they found forty volumes in his attic, and between their pages lay pressed flowers, "
    "letters that had never been posted, and drawings of all the ships that he had ever seen.",
]
MENU = "<ul><li><a href=a>Home</a></li><li><a href=b>Subscribe</a></li><li><a href=c>Imprint</a></li></ul>"
AROUND = ("Home", "Subscribe", "Imprint", "Readers also liked", "Cookies and conditions")


def page(body: str) -> ExtractedText:
    return read("html", f"<html><head><title>Ships</title></head><body>{body}</body></html>".encode())


def split(extracted: ExtractedText) -> tuple[str, str]:
    assert extracted.aside is not None
    return extracted.text[: extracted.aside], extracted.text[extracted.aside :]


@pytest.mark.parametrize(
    "body",
    [
        "<header class=site-menu>{menu}</header><article><h1>Books</h1>{paragraphs}</article>"
        "<aside>Readers also liked</aside><footer>Cookies and conditions</footer>",
        "<div id=nav>{menu}</div><div class=content><h1>Books</h1>{paragraphs}<div class=related>Readers also liked "
        "<a href=d>Another story about the sea</a></div></div><div id=footer>Cookies and conditions</div>",
        "<nav>{menu}</nav><table><tr><td>{menu}</td><td><h1>Books</h1>{paragraphs}</td></tr></table>"
        "<p>Readers also liked</p><p>Cookies and conditions</p>",
        "<nav>{menu}</nav><main><h1>Books</h1>{paragraphs}</main><div>Readers also liked</div>"
        "<div>Cookies and conditions",
    ],
)
def test_menus_and_footers_come_behind_the_article(body: str) -> None:
    paragraphs = "".join(f"<p>{words}</p>" for words in PARAGRAPHS)
    article, aside = split(page(body.format(menu=MENU, paragraphs=paragraphs)))
    assert article == "# Ships\n\n# Books\n\n" + "\n\n".join(PARAGRAPHS) + "\n\n"
    for words in AROUND:
        assert words in aside


def test_tables_of_contents_and_lists_beside_paragraphs_are_the_articles() -> None:
    links = "".join(f"<li><a href=#{n}>Chapter {n} of the book of ships</a></li>" for n in range(9))
    paragraphs = "".join(f"<p>{words}</p>" for words in PARAGRAPHS)
    for body in (f"<div id=toc><ul>{links}</ul></div>{paragraphs}", f"{paragraphs}<ul>{links}</ul>"):
        assert page(f"<main>{body}</main>").aside is None


@pytest.mark.parametrize(
    "body",
    [
        f"<nav>{MENU}</nav><p>Milk, bread and apples.</p><footer>Imprint</footer>",
        f"<div class=menu>{MENU}</div><table><tr><td>Berlin<td>3.7<tr><td>Paris<td>2.1</table>",
        "<dl>" + "".join(f"<dt><a href=a{n}>bookmark {n}</a><dd>a note about it" for n in range(40)) + "</dl>",
        "<footer><p>" + "<p>".join(PARAGRAPHS) + "</footer>",
        "",
    ],
)
def test_pages_without_an_article_stay_as_they_are(body: str) -> None:
    markup = f"<html><title>Ships</title><body>{body}</body></html>"
    extracted = read("html", markup.encode())
    if "<footer><p>" not in body:
        assert extracted == html_text(markup)
    assert all(words in extracted.text for words in PARAGRAPHS if words in markup)


def test_how_words_are_read_is_an_aside() -> None:
    ruby = (
        "<p><ruby>山路<rp>(</rp><rt>やまみち</rt><rp>)</rp></ruby>を<ruby>登<rt>のぼ</ruby>りながら、こう考えた。</p>"
    )
    article, aside = split(read("html", f"<meta charset=utf-8>{ruby}".encode()))
    assert article == "山路を登りながら、こう考えた。\n\n"
    assert aside == "やまみち のぼ\n"
    assert html_text(ruby).text == "山路を登りながら、こう考えた。\n\n"  # a chapter of a book, a feed, a mail


@pytest.mark.parametrize("unit", ["<div>", "<div><p>word word ", "</div>", "<ul><li>", "<a href=x>", "<svg>", "<nav>"])
def test_no_nesting_takes_long(unit: str) -> None:
    paragraphs = "".join(f"<p>{words}</p>" for words in PARAGRAPHS)
    begin = time.process_time()
    extracted = read("html", (paragraphs + unit * 30_000 + paragraphs).encode())
    assert time.process_time() - begin < 5
    assert PARAGRAPHS[0] in extracted.text


BODY = f"<header>{MENU}</header><article>{''.join(f'<p>{words}</p>' for words in PARAGRAPHS)}</article><p>End</p>"
ADDRESS = "<link rel='canonical' href='https://example.org/books'>"


def markup(head: str = "") -> str:
    return f"<html><head>{head}</head><body>{BODY}</body></html>"


def mail(head: str, *lines: str) -> ExtractedText:
    headers = ("Subject: Ships", "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8", *lines)
    return read("mail", ("\r\n".join(headers) + "\r\n\r\n" + markup(head)).encode())


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ("", ["Content-Location: https://example.org/books"]),
        ("", ['Content-Disposition: attachment; filename="books.html"']),
        (ADDRESS, []),
        ('<META content="x" property="og:url">', []),
    ],
)
def test_pages_in_mails_and_packed_pages(head: str, lines: list[str]) -> None:
    article, aside = split(mail(head, *lines))
    assert all(words in article for words in PARAGRAPHS)
    assert "Ships" in article
    assert "Imprint" in aside
    assert "Imprint" not in article


def test_a_formatted_mail_is_no_page() -> None:
    extracted = mail("<style>p { color: red }</style>")
    assert extracted.aside is None
    assert "Imprint" in extracted.text


def test_pages_in_books() -> None:
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    items = "".join(f'<item id="i{number}" href="{number}.xhtml"/>' for number in (1, 2))
    spine = "".join(f'<itemref idref="i{number}"/>' for number in (1, 2))
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF__container.xml": container,
        "book.opf": f"<package><metadata><title>Ships</title></metadata>{items}<spine>{spine}</spine></package>",
        "1.xhtml": markup(ADDRESS),
        "2.xhtml": markup().replace("Imprint", "Footnote"),
    }
    article, aside = split(read("zip", zipped(**parts)))
    assert article.count(PARAGRAPHS[0]) == 2
    assert "Footnote" in article  # of a chapter that is no page
    assert ("Imprint" in article, "Imprint" in aside) == (False, True)
