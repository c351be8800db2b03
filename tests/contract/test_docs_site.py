"""The documentation site: the build refuses broken links, and the site needs no other host."""

import re
from pathlib import Path

from support.docs_site import DOCS, build

LOADED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\ssrc="([^"]+)|<link\b[^>]*\shref="([^"]+)"""
    r"""|url\(["']?([^"')]+)|@import ["']([^"']+)"""
)
"""A file that a page or a style sheet makes a browser load."""


def test_the_site_has_each_page_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    site = build(folder=tmp_path / "build")
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    loaded = {
        name
        for file in files
        for found in LOADED.findall(file.read_text("utf-8"))
        for name in found
    }

    pages = {each.relative_to(DOCS).with_suffix(".html") for each in DOCS.rglob("*.md")}
    assert pages <= {each.relative_to(site) for each in files}
    assert len(loaded) > 5
    assert [name for name in sorted(loaded) if re.match(r"(?!data:)\w+:|//", name)] == []
