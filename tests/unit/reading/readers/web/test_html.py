"""Web pages to text: markup, entities, encodings."""

from __future__ import annotations

import pytest

from edgeembed.reading.readers import read


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<title>T</title><p>a <b>bold</b>\n word<p>next", "# T\n\na bold word\n\nnext\n"),
        ("<h2>Head<br>line</h2>x<script>var a='<p>no'</script><style>p{}</style>", "## Head\nline\n\nx\n"),
        ("<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter\n"),
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a | b\n1 | 2\n\n"),
        ("<pre>def f():\n    return 1\n</pre>", "def f():\n    return 1\n\n"),
        ("<nav><a>Home</a></nav><main>text</main>", "text\n\n"),
        ("<nav>only this</nav>", "only this\n\n"),
        ("caf&eacute; &#8364; &amp;lt;", "café € &lt;\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ('<img alt="a red boat"> sails', "a red boat sails\n"),
        ("<![if !IE]>seen<![endif]><![weird[x]]><!-- not --> <!DOCTYPE odd> too", "seen<![weird[x]]> too\n"),
        ("<svg><title>no</title><path/><text>a</text><text>b <tspan>c</tspan></text></svg>yes", "a b c yes\n"),
        ("<svg><rect/></svg>yes<select><option>no</select>", "yes\n"),
        ("<svg/>yes <svg><style>no</style><foreignObject><div>in it</div></foreignObject></svg>too", "yes in it too\n"),
        ("1 < 2 && 3 > 2 <", "1 < 2 && 3 > 2 <\n"),
    ],
)
def test_html(markup: str, expected: str) -> None:
    assert read("html", markup.encode()).text == expected


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="utf-8">', "utf-8"),
        ("<meta charset=windows-1251>", "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">', "cp932"),
        ('<?xml version="1.0" encoding="euc-jp"?>', "euc_jp"),
        ("<meta charset='nonsense'>", "utf-8"),
        ("", "utf-8"),
        ("\ufeff", "utf-16-le"),
    ],
)
def test_html_encodings(head: str, encoding: str) -> None:
    words = "Привет, мир" if encoding == "cp1251" else "日本語の文章"
    assert read("html", f"{head}<p>{words}</p>".encode(encoding)).text.strip() == words
