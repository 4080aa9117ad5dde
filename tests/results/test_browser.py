"""The HTML report in a real browser: it loads nothing, draws everything, and fits on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.results.pages import full_report

_DESKTOP, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    full_report().save(path)
    return path


@pytest.fixture(params=["desktop", "phone"])
def page(browser: Browser, file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The open report; closing it checks that it asked for nothing and reported no error."""
    size = _PHONE if request.param == "phone" else _DESKTOP
    requests: list[str] = []
    errors: list[str] = []
    with browser.new_context(viewport=size, offline=True) as context:
        page = context.new_page()
        page.on("request", lambda asked: requests.append(asked.url))
        page.on("console", lambda said: errors.append(said.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        yield page
        page.wait_for_load_state("networkidle")
        assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
        assert errors == []


def values(table: Locator, column: int) -> list[str]:
    cells = f"rows => rows.map(row => row.cells[{column}].dataset.value)"
    shown: list[str] = table.locator("tbody tr").evaluate_all(cells)
    return shown


def test_every_plot_is_drawn(page: Page) -> None:
    plots = page.locator("#plots ~ .plots svg")
    assert plots.count() == 9
    for plot in plots.all():
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] > 80
        marks = plot.evaluate(
            "svg => [...svg.querySelectorAll('path, use')]"
            ".filter(mark => mark.getBoundingClientRect().width * 1 > 3).length"
        )
        assert marks > 3
        assert plot.get_attribute("role") == "img"
        title, description = (plot.locator(name).first.text_content() for name in ("title", "desc"))
        assert title
        assert description is not None
        assert "fair" in description


def test_every_picture_is_decoded(page: Page) -> None:
    widths = page.eval_on_selector_all("img", "all => all.map(img => img.naturalWidth)")
    assert len(widths) == 3 * (24 + 8 + 8 + 8 * 4)
    assert set(widths) == {12}
    assert page.eval_on_selector_all("img", "all => all.filter(img => !img.alt).length") == 0


@pytest.mark.parametrize(("number", "num_columns"), [(0, 10), (1, 5)])
def test_tables_sort_by_every_column_in_both_directions(
    page: Page, number: int, num_columns: int
) -> None:
    assert page.locator("table").count() == 2
    table = page.locator("table").nth(number)
    headers = table.locator("thead th")
    assert headers.count() == num_columns
    for column in range(num_columns):
        header = headers.nth(column)
        key = float if header.get_attribute("data-kind") == "number" else str
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "ascending"
        ascending = values(table, column)
        assert len(ascending) == 3
        assert ascending == sorted(ascending, key=key)
        header.locator("button").press("Enter")
        assert header.get_attribute("aria-sort") == "descending"
        assert values(table, column) == sorted(ascending, key=key, reverse=True)
        assert table.locator("th[aria-sort]").count() == 1


def test_nothing_is_wider_than_the_page(page: Page) -> None:
    width = page.evaluate("document.documentElement.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width > 1000:  # a phone has the scores below each other
        table = page.locator("table").first.bounding_box()
        assert table is not None
        assert table["x"] + table["width"] <= width


def test_details_are_folded_until_asked_for(page: Page) -> None:
    for part in page.locator("details").all():
        content = part.locator("pre")
        assert not content.is_visible()
        part.locator("summary").click()
        assert content.is_visible()
    assert r"\toprule" in page.locator("details pre").first.text_content()


def test_the_page_reads_without_script(browser: Browser, file: Path) -> None:
    with browser.new_context(viewport=_PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.locator("table tbody tr").count() == 6
        assert page.get_by_text("Nearest pictures of the reference").first.is_visible()


def test_print_is_dark_on_white_and_fits_the_sheet(browser: Browser, file: Path) -> None:
    # An A4 sheet without its margins, at 96 pixels per inch.
    with browser.new_context(
        viewport={"width": 718, "height": 1000}, color_scheme="dark"
    ) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        page.emulate_media(media="print", color_scheme="dark")
        colours = page.locator("body").evaluate(
            "body => [getComputedStyle(body).color, getComputedStyle(body).backgroundColor]"
        )
        assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert not page.locator("nav").is_visible()
        table = page.locator("table").first.bounding_box()
        assert table is not None
        assert table["width"] <= 718
        assert page.pdf(format="A4")[:5] == b"%PDF-"
