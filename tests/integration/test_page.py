"""The page in a real browser: the Chromium of the system, driven by Playwright."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from reportlab.pdfgen.canvas import Canvas

from tests.support.server import Server, serving

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
BUILT_IN = ("chrome-extension://", "chrome://", "blob:", "data:")
"""What the browser's own viewer of PDF consists of."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed in this system"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests.support.paths import SAMPLE

    folder = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("files") / "sample")
    (folder / "evil.html").write_text("<p>a page about zebras</p><script>document.title='evil'</script><img src=x>")
    (folder / "tags.txt").write_text(
        "zebras <script>document.title='evil'</script> & <b>bold</b> \U0001f993 zebras run\n"
    )
    canvas = Canvas(str(folder / "zebras.pdf"))
    for line in ("the first page says nothing", "zebras live in Africa"):
        canvas.drawString(100, 700, line)
        canvas.showPage()
    canvas.save()
    with serving(folder) as server:
        server.sync()
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """The page, opened by its link; what it asked and complained of is checked at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url + server.post("/local/link", {}).json["path"].lstrip("/"))
    page.wait_for_url(server.url)
    yield page
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((server.url, *BUILT_IN))] == []
    assert len(asked) > 5


def search(page: Any, words: str) -> None:
    page.fill("#query", words)
    until(page, f"new URLSearchParams(location.search).get('q') === {words!r}")
    until(page, "document.getElementById('results').ariaBusy === 'false'")
    page.wait_for_selector("a.hit")


def until(page: Any, expression: str, *, seconds: float = 20) -> None:
    """Wait until something is true in the page, whose policy lets nobody wait inside of it."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def names(page: Any) -> list[str]:
    return [str(text) for text in page.locator("a.hit .name").all_inner_texts()]


def test_words_are_marked_and_photos_have_thumbnails(page: Any) -> None:
    search(page, "a bicycle leaning on a wall")
    until(page, "[...document.querySelectorAll('.thumb img')].some(image => image.naturalWidth > 100)")
    search(page, "mountains thunderstorm")
    page.wait_for_selector("a.hit mark")
    assert "mountains" in page.locator("mark").all_inner_texts()
    assert page.locator("#summary").inner_text().endswith("files")


def test_the_address_is_a_link_to_what_is_shown(page: Any, server: Server) -> None:
    search(page, "renew my passport")
    page.click("#view-grid")
    page.locator("a.hit").first.click()
    page.wait_for_selector("dialog[open] .passage")
    address = parse_qs(urlsplit(page.url).query)
    assert (address["q"], address["view"]) == (["renew my passport"], ["grid"])
    name = page.locator("#preview-name").inner_text()
    page.reload()
    page.wait_for_selector("dialog[open] .passage")
    assert page.locator("#preview-name").inner_text() == name
    page.go_back()
    page.wait_for_selector("dialog", state="hidden")
    assert page.input_value("#query") == "renew my passport"
    assert name in names(page)


def test_the_keyboard_is_enough(page: Any) -> None:
    page.keyboard.type("photo of an animal")
    page.wait_for_selector("a.hit")
    page.wait_for_timeout(400)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    first = page.locator("#preview-name").inner_text()
    if page.locator("a.hit").count() > 1:
        page.keyboard.press("ArrowRight")
        until(page, f"document.getElementById('preview-name').textContent !== {first!r}")
        page.keyboard.press("ArrowLeft")
        until(page, f"document.getElementById('preview-name').textContent === {first!r}")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    assert page.evaluate("document.activeElement.className") == "hit"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"


def test_more_and_less_like_this(page: Any) -> None:
    search(page, "a cat")
    page.locator("a.hit").first.click()
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("m")
    page.wait_for_selector(".chip")
    page.wait_for_selector("a.hit")
    assert "like" in parse_qs(urlsplit(page.url).query)
    page.locator(".chip").click()
    page.wait_for_selector("#message")
    search(page, "a recipe with tomatoes")
    before = names(page)
    page.locator("a.hit").first.click()
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("l")
    page.wait_for_selector(".chip")
    until(page, f"document.querySelector('a.hit .name')?.textContent !== {before[0]!r}")


def test_filters_count_and_can_be_cleared(page: Any) -> None:
    search(page, "passport")
    page.select_option("[name=kind]", "image")
    page.wait_for_url(re.compile("kind=image"))
    page.select_option("[name=folder]", label="travel")
    page.wait_for_url(re.compile("folder="))
    assert page.locator("#filter-count").inner_text() == "2"
    page.wait_for_selector("#message:not([hidden])")
    page.click("#clear")
    page.wait_for_selector("a.hit")
    page.select_option("[name=folder]", label="home")
    page.wait_for_timeout(400)
    assert names(page)
    assert {text.split("/")[-1].split(" ")[0] for text in page.locator("a.hit .path").all_inner_texts()} == {"home"}


def test_what_does_not_fit_can_be_shown_all_the_same(page: Any) -> None:
    page.fill("#query", "zzqqxx vvbb")
    page.wait_for_selector("#message h2:has-text('Nothing here fits')")
    page.click("#message button")
    page.wait_for_selector("a.hit")


def test_more_is_shown_on_demand(page: Any) -> None:
    page.goto(page.url + "?q=a+trip&all=1")
    page.wait_for_selector("a.hit")
    first = names(page)
    assert len(first) == 24
    page.click("#show-more")
    until(page, "document.querySelectorAll('a.hit').length === 48")
    assert names(page)[:24] == first
    assert "n=48" in page.url


def test_what_stands_in_files_is_text_and_no_more(page: Any) -> None:
    search(page, "zebras")
    assert {"evil.html", "tags.txt", "zebras.pdf"} <= set(names(page))
    snippet = page.locator("a.hit:has-text('tags.txt') .snippet")
    assert "<script>" in snippet.inner_text()
    assert snippet.locator("mark").all_inner_texts() == ["zebras", "zebras"]
    for name in ("tags.txt", "evil.html"):
        page.locator(f"a.hit:has-text('{name}')").click()
        page.wait_for_selector("dialog[open] .passage")
        assert page.locator(".passage mark").first.inner_text() == "zebras"
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="hidden")
    assert page.title() == "zebras – edgeembed"


def test_a_pdf_opens_at_its_page(page: Any) -> None:
    search(page, "zebras live in Africa")
    page.locator("a.hit:has-text('zebras.pdf')").click()
    page.wait_for_selector("iframe.pdf")
    assert page.get_attribute("iframe.pdf", "src").endswith("/pdf#page=2")
    assert "zebras live in Africa" in page.locator(".passage").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_narrow_screen(page: Any, scheme: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    for view in ("#view-list", "#view-grid"):
        page.click(view)
        search(page, "travel")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("a.hit").first.click()
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 360


def test_every_control_has_a_name(page: Any) -> None:
    search(page, "travel")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select, a, img, progress')]"
        ".filter(one => !(one.textContent.trim() || one.ariaLabel || one.alt || one.closest('label')))"
        ".map(one => one.outerHTML)"
    )
    assert unnamed == []
    assert page.evaluate("[...document.querySelectorAll('[data-t]')].filter(one => !one.textContent).length") == 0


def test_indexing_is_shown_with_how_far_it_is(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(400):
        (folder / f"{i}.txt").write_text(f"note {i}\n\n" + f"words about boat {i} and harbour. " * 200)
    with serving(folder, "--threads", "1") as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.link)
        page.wait_for_selector("#indexing:not([hidden])")
        until(page, "/Indexing: [0-9,]+ of 400 files/.test(document.getElementById('indexing-text').textContent)")
        until(page, "/B\\/s · about/.test(document.getElementById('indexing-text').textContent)", seconds=60)
        context.close()
        assert server.end() == 0


def test_a_folder_that_went_away_is_said(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("a boat\n")
    with serving(folder, "--index", tmp_path / "index") as server:
        server.sync()
        folder.rename(tmp_path / "moved")
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.link)
        page.wait_for_selector("#trouble:not([hidden])")
        assert "notes is not up to date" in page.inner_text("#trouble")
        page.fill("#query", "boat")
        page.wait_for_selector("a.hit")
        context.close()


def test_a_server_that_ended_is_said(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a boat\n")
    with serving(tmp_path) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.link)
        page.wait_for_selector("#message")
        server.end()
        page.fill("#query", "boat")
        page.wait_for_selector("#message.error")
        assert "The server does not answer" in page.locator("#message").inner_text()
        context.close()


def test_a_page_without_its_link_says_how_to_get_one(browser: Any, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    assert "edgeembed serve --open" in page.inner_text("main")
    assert page.locator("#query").count() == 0
    context.close()
