"""The documentation site: the build refuses broken links, and the site needs no other host."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from support.docs_site import DOCS, GENERATED, build
from support.markdown import blocks
from support.translations import NOTICES, ORIGINALS

SOURCES = sorted(DOCS.rglob("*.md"))

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}
"""Elements that make a browser load a file, with the attribute that names it."""


class Reader(HTMLParser):
    """Collects the files that a page loads, its links, its anchors, and its broken lists."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.continued = 0
        """Ordered lists that do not begin with 1, because something ended the list before."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if LOADED.get(tag) in given:
            self.loaded.append(given[LOADED[tag]])
        if tag == "ol" and "start" in given:
            self.continued += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@cache
def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text("utf-8"))
    return reader


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    return build(folder=tmp_path_factory.mktemp("build"))


def of_pages(site: Path) -> Iterator[tuple[Path, Reader]]:
    """Yield each page that has a source in `docs`, and each generated page."""
    for source in [*SOURCES, *map(DOCS.joinpath, GENERATED)]:
        page = site / source.relative_to(DOCS).with_suffix(".html")
        yield page, read(page)


def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    loaded = {name for _, page in of_pages(site) for name in page.loaded}
    for style in site.rglob("*.css"):
        loaded |= set(re.findall(r"""(?:url\(|@import )["']?([^"')]+)""", style.read_text("utf-8")))

    assert loaded
    assert [name for name in sorted(loaded) if re.match(r"(?!data:)\w+:|//", name)] == []


def test_links_to_files_that_are_not_on_the_site_lead_to_the_repository(site: Path) -> None:
    repository = "https://github.com/ossferry/ossferry"
    production, gallery = (read(site / f"{name}.html") for name in ("production", "after-upload"))

    assert f"{repository}/blob/HEAD/deploy/nginx/ossferry.conf" in production.links
    assert f"{repository}/tree/HEAD/deploy/ram" in production.links
    assert f"{repository}/blob/HEAD/docs/examples/gallery.py" in gallery.links


def test_code_does_not_interrupt_a_list(site: Path) -> None:
    assert [page.name for page, content in of_pages(site) if content.continued] == []


def test_each_code_block_of_a_page_is_one_on_the_site(site: Path) -> None:
    pages = {source: site / source.relative_to(DOCS).with_suffix(".html") for source in SOURCES}

    assert {name: page.read_text("utf-8").count("<pre>") for name, page in pages.items()} == {
        source: len(list(blocks(source))) for source in SOURCES
    }


@pytest.mark.parametrize("language", NOTICES)
def test_a_translated_page_has_navigation_and_labels_in_its_language(
    site: Path, language: str
) -> None:
    text = (site / language / "page.html").read_text("utf-8")
    tabs = re.findall(r'href="([^"]+)" class="md-tabs__link">\s*(.+?)\s*</a>', text)
    drawer = re.findall(r'href="([^"]+)" class="md-nav__link[^"]*">\s*<span[^>]*>\s*(.+)', text)

    assert {Path(to).name for to, _ in tabs[:-1]} == {
        Path(name).with_suffix(".html").name for name in ORIGINALS
    }
    assert [label for _, label in tabs if label.isascii()] == ["English"]
    assert (tabs[-1][0], set(tabs) - set(drawer)) == ("../index.html", set())
    assert "Switch to" not in text


@pytest.mark.slow  # builds the site again
def test_a_broken_link_fails_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    with (docs / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[broken](nothing.md) [broken](production.md#nothing)\n")

    with pytest.raises(subprocess.CalledProcessError):
        build(docs, tmp_path / "build")

    said = capfd.readouterr().err
    assert "page does not exist" in said
    assert "anchor does not exist" in said
