"""Draw the top of a report's page, as README and the pages show it.

    .venv/bin/python scripts/report_picture.py report.html docs/report.png

The system's Chromium opens the page; the picture ends above the notes, or at 900 pixels.
"""

import shutil
from pathlib import Path

import click
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1200, 900  # of the picture in pixels, at most
MARGIN = 12  # above the heading of the notes, in pixels


@click.command()
@click.argument("page", type=click.Path(path_type=Path, exists=True))
@click.argument("picture", type=click.Path(path_type=Path))
def report_picture(page: Path, picture: Path) -> None:
    """Draw the top of PAGE, an HTML report, into PICTURE, a PNG."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        window.goto(page.resolve().as_uri())
        notes = window.get_by_role("heading", name="Notes").all()
        tops = [box["y"] - MARGIN for box in (one.bounding_box() for one in notes) if box]
        height = int(min([*tops, HEIGHT]))
        window.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        browser.close()


if __name__ == "__main__":
    report_picture()
