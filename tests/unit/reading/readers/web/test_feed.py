"""RSS and Atom feeds to text."""

from __future__ import annotations

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
