"""The documentation site in a browser: its search, other hosts, and narrow screens.

Only `make slow` runs these tests, because nobody installs the site.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, ViewportSize
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from e2e.conftest import Console
from support.docs_site import DOCS, GENERATED, build
from support.expecting import expect
from support.serving import serve

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.only_browser("chromium")]

PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    return build(folder=tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """The address of the built site."""
    with serve(Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])) as url:
        yield url


@pytest.mark.parametrize(
    ("place", "start", "query"),
    [
        ("server", "index.html", "Keyboard shortcuts"),
        ("file", "ja/index.html", "ドメイン名をバインドする"),
    ],
)
def test_the_search_finds_a_page(
    page: Page, site: str, folder: Path, console: Console, place: str, start: str, query: str
) -> None:
    page.goto(f"{site if place == 'server' else folder.as_uri()}/{start}")
    page.get_by_role("button", name=re.compile("Search|查找|検索")).first.click()
    page.get_by_role("combobox").fill(query.lower())
    page.get_by_role("option").first.click()

    expect(page.get_by_role("heading", name=query)).to_be_visible()


def test_a_phone_shows_the_name_of_the_column_in_each_cell(
    page: Page, site: str, console: Console
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/tutorial.html")
    names = (
        page.locator("table")
        .first.locator("tr:has(td)")
        .nth(1)
        .locator("td")
        .evaluate_all("cells => cells.map(cell => getComputedStyle(cell, '::before').content)")
    )

    assert names == ["none", '"with an account"', '"rehearsal"']


def test_each_page_fits_a_phone_and_asks_no_other_host(
    page: Page, site: str, console: Console
) -> None:
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((site, "data:", "blob:")):
            elsewhere.append(request.url)

    page.on("request", note)
    page.set_viewport_size(PHONE)
    too_wide = []
    for source in [*DOCS.rglob("*.md"), *map(DOCS.joinpath, GENERATED)]:
        name = source.relative_to(DOCS).with_suffix(".html").as_posix()
        page.goto(f"{site}/{name}")
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            too_wide.append(name)

    assert too_wide == []
    assert elsewhere == []
