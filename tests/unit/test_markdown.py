"""Pages in Markdown: links, images and anchors have targets, and the site's navigation is whole."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.docs_site import CONFIG, DOCS, GENERATED
from support.markdown import PAGES, ROOT, anchors, links, prose

SITE = [page for page in PAGES if page.is_relative_to(DOCS)]
PROJECT = tomllib.loads(CONFIG.read_text("utf-8"))["project"]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", PAGES, ids=name)
def test_links_and_images_lead_to_files_and_headings_that_exist(document: Path) -> None:
    broken = []
    for path, anchor in links(document):
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}" if anchor else path)

    assert broken == []


def in_navigation(items: list[Any]) -> Iterator[str]:
    """Yield the pages of a navigation, in order; entries are texts, or tables of one entry."""
    for item in items:
        (entry,) = item.values() if isinstance(item, dict) else (item,)
        if isinstance(entry, list):
            yield from in_navigation(entry)
        else:
            yield entry


def test_each_page_is_in_the_navigation_once() -> None:
    committed = [page.relative_to(DOCS).as_posix() for page in SITE]

    assert sorted(in_navigation(PROJECT["nav"])) == sorted([*committed, *GENERATED])


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_begins_with_its_title_and_has_sections(name: str) -> None:
    text = GENERATED[name]()

    assert re.match(r"# .+\n\n", text)
    assert len(re.findall(r"^##+ ", text, re.MULTILINE)) >= 3


@pytest.mark.parametrize("document", SITE, ids=name)
def test_each_page_has_one_title_at_its_beginning(document: Path) -> None:
    titles = re.findall(r"^# (.+)$", prose(document), re.MULTILINE)

    assert len(titles) == 1
    assert document.read_text("utf-8").startswith(f"# {titles[0]}\n")
    assert len(titles[0]) <= 64, "too long for the navigation"
