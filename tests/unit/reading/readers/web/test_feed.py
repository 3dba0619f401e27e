"""RSS and Atom feeds to text."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read
from tests.support.documents import reason


def test_feeds() -> None:
    rss = """<rss xmlns:content="x"><channel><title>News</title><item><title>One &amp; two</title>
    <description>short</description><content:encoded><![CDATA[<p>The <b>long</b> text</p>]]></content:encoded></item>
    </channel></rss>"""
    assert read("feed", rss.encode()).text == "# News\n\n## One & two\n\nThe long text\n"
    atom = "<feed><title>F</title><entry><title>E</title><summary>s</summary></entry></feed>"
    assert read("feed", atom.encode()).text == "# F\n\n## E\n\ns\n"
    assert reason("feed", b"<rss><channel>") == "damaged: not a whole XML file"


ITEM = "<channel><title>{}</title><item><title>{}</title><description>{}</description></item></channel>"


@pytest.mark.parametrize(
    ("encoding", "codec", "words"),
    [
        ("Shift_JIS", "cp932", "新製品①のご案内"),
        ("EUC-JP", "euc_jp", "新製品のご案内"),
        ("gb2312", "gb18030", "新闻和文章"),
        ("big5", "big5", "新聞和文章"),
        ("ks_c_5601-1987", "cp949", "새로운 소식"),
        ("windows-1251", "cp1251", "Новости дня"),
        ("utf-16", "utf-16", "Grüße aus 東京"),
    ],
)
def test_feeds_in_any_encoding(encoding: str, codec: str, words: str) -> None:
    feed = f"<?xml version='1.0' encoding='{encoding}'?>\n<rss>{ITEM.format(words, words, words)}</rss>"
    assert read("feed", feed.encode(codec)).text == f"# {words}\n\n## {words}\n\n{words}\n"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("fish & chips", "fish & chips"),
        ("AT&T, Q&A; caf&eacute;&nbsp;&hellip;", "AT&T, Q&A; café …"),
        ("caf&#233; &#x1F; &amp;lt;", "café <"),
        ("a \x07control", "a control"),
        ("<![CDATA[<p>fish &amp; chips & more</p>]]>", "fish & chips & more"),
    ],
)
def test_what_feeds_get_wrong_is_mended(markup: str, words: str) -> None:
    for doctype in ("", '<!DOCTYPE rss [<!ENTITY nbsp "&#160;">]>'):
        feed = f"<?xml version='1.0'?>{doctype}<rss>{ITEM.format('News &bull; today', 'One', markup)}</rss>"
        assert read("feed", feed.encode()).text == f"# News • today\n\n## One\n\n{words}\n"


def test_a_feed_that_is_no_xml_gives_its_words() -> None:
    feed = "<rss><channel><title>News</title><item><title>One</title><description>cut <br> off"
    assert read("feed", feed.encode()).text.split() == ["News", "One", "cut", "off"]
    expanding = (
        "<!DOCTYPE rss ["
        + '<!ENTITY a "aaaa">'
        + '<!ENTITY b "&a;&a;&a;">'
        + "]><rss><channel><title>&b;</title></channel></rss>"
    )
    assert len(read("feed", expanding.encode()).text) < 20
