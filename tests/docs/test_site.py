"""The site that `./scripts/docs` has built: its links, its search without a network, its widths."""

import functools
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.docs.blocks import ROOT

SITE = ROOT / "build" / "docs"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="no site here: ./scripts/docs builds it"
)


class Names(HTMLParser):
    """The links of a page, and the places in it that a link can lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {""}
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


def test_every_link_leads_somewhere() -> None:
    pages = {page: Names(page) for page in SITE.rglob("*.html")}
    broken = []
    for page, names in pages.items():
        for link in names.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                broken.append(f"{page.relative_to(SITE)}: {link}: no such file")
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                broken.append(f"{page.relative_to(SITE)}: {link}: no such place")
    assert broken == []


def test_pages_load_nothing_from_elsewhere() -> None:
    for page in SITE.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for word in ('src="http', 'rel="stylesheet" href="http', 'src="//'):
            assert word not in text, page


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site on this machine alone."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["desktop", "phone"])
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The front page; closing it checks that nothing was asked of another machine."""
    asked: list[str] = []
    errors: list[str] = []
    size = PHONE if request.param == "phone" else DESKTOP
    with browser.new_context(viewport=size) as context:
        page = context.new_page()
        page.on("request", lambda one: asked.append(one.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        yield page
        elsewhere = [url for url in asked if not url.startswith((address, "data:"))]
        assert elsewhere == []
        assert errors == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("recall", "metrics/pr.html"),
        ("transparency", "pictures.html"),
        ("Accumulator", "api.html"),
        ("slurm", "scale.html"),
        ("max-regress", "commands.html"),
    ],
)
def test_search_finds_the_page(page: Page, address: str, words: str, found: str) -> None:
    page.goto(f"{address}search.html?q={words}")
    page.get_by_text("Search finished").wait_for()
    links = page.locator("#search-results li a").all()
    places = [str(link.get_attribute("href")) for link in links]
    assert any(urlsplit(urljoin(address, place)).path == f"/{found}" for place in places)


def test_pages_fit(page: Page, address: str) -> None:
    for path in (
        "index.html",
        "score.html",
        "commands.html",
        "metrics.html",
        "metrics/kid.html",
        "api.html",
    ):
        page.goto(address + path)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, path


def test_a_page_fits_windows_of_every_width(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}statistics.html")
        for width in (320, 800, 1070, 1100, 1310, 1330, 1600, 1664, 1920):  # around each step
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_task_of_the_front_page_is_one_click_away(page: Page, address: str) -> None:
    rows = page.locator("table").first.locator("tbody tr")
    assert rows.count() == 20
    for row in rows.all():
        link = row.locator("a")
        assert link.count() == 1
        place = urljoin(address, str(link.get_attribute("href")))
        assert (SITE / unquote(urlsplit(place).path).lstrip("/")).is_file()
