"""The documentation site: the build refuses broken links, and the site needs no other host."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
