"""Builds the documentation site from `docs/` into `build/docs/site`; `make docs` runs this program.

The pages are written for a Git host, so the program changes copies of them: links to files that are
not on the site lead to the repository, links show the titles of pages in place of their file names,
the info string of a code block keeps only its language, and text in lists is indented by 4 spaces.
It makes the pages of `GENERATED`, to which no committed page can lead.
A translated page gets labels and navigation in its language, and the language switch leads to the
same page in another one.
Zensical then builds the site in strict mode: it fails on broken links and anchors between pages.
Each cell of a table gets the name of its column, which `site.css` shows on a phone.
`tests/unit/test_markdown.py` checks the rest: images, other files, and the navigation.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from support.commands_page import commands_page
from support.mock_operations import operations_page
from support.translations import LABELS, for_the_site

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = DOCS / "zensical.toml"
BUILD = ROOT / "build" / "docs"
ICON = ROOT / "web" / "page" / "favicon.svg"
ON_SITE = (".md", ".png")
"""Endings of the files in `docs` that are on the site."""

GENERATED: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "mock-oss-operations.md": operations_page,
}
"""Pages that only the site has, with the function that returns their text."""

LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)")
INFO = re.compile(r"^( *```\w+) .+$", re.MULTILINE)
INDENTED = re.compile(r"^( *)```.*?^\1```$|^ {2,3}(?=\S)", re.MULTILINE | re.DOTALL)
"""A code block, or the beginning of a line in a list."""

SWITCH = re.compile(r'href="([^"]*)index\.html"(?= hreflang=)')
"""A link to another language; it leads to the first page of this language."""

HINT = re.compile(r'<link rel="alternate" [^>]*hreflang[^>]*>\s*')
"""An element that makes the theme look for the same page in a sitemap, which fails in files."""

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
HEADING = re.compile(r"<th(?:\s[^>]*)?>(.*?)</th>", re.DOTALL)
CELL = re.compile(r"<td(?=[\s>])")


def build(docs: Path = DOCS, folder: Path = BUILD) -> Path:
    """Build the site in an empty folder, and return the folder of the site.

    Args:
        docs: the pages, in a folder of the repository.
        folder: deleted first, with everything in it.

    Raises:
        subprocess.CalledProcessError: a link or an anchor is broken; the reason is on stderr.
    """
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    shutil.copytree(docs / "images", pages / "images")
    shutil.copytree(docs / "theme", folder / "theme")
    for name in ("site.css", "iframe-worker.js"):
        shutil.copy(docs / name, pages)
    shutil.copy(ICON, pages)
    shutil.copy(docs / CONFIG.name, folder)
    texts = {page: page.read_text("utf-8") for page in docs.rglob("*.md")}
    texts |= {docs / name: text() for name, text in GENERATED.items()}
    for page, text in texts.items():
        copy = pages / page.relative_to(docs)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_for_the_site(page, for_the_site(page, text), docs), "utf-8")
    zensical = Path(sys.executable).with_name("zensical")
    subprocess.run([zensical, "build", "--strict"], cwd=folder, check=True)  # noqa: S603
    for built in (folder / "site").rglob("*.html"):
        text = TABLE.sub(_name_columns, built.read_text("utf-8"))
        for label, translation in LABELS.get(built.parent.name, {}).items():
            text = text.replace(f'"{label}"', f'"{translation}"')
        built.write_text(SWITCH.sub(partial(_switch, built), HINT.sub("", text)), "utf-8")
    return folder / "site"


def _for_the_site(page: Path, text: str, docs: Path) -> str:
    """Return the text of a page with links to the repository for files that are not on the site."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    repository = project["urls"]["Source"]

    def lead(link: re.Match[str]) -> str:
        words, path = link.groups()
        target = (page.parent / path).resolve()
        if target.is_relative_to(docs) and target.suffix in ON_SITE:
            return f"[{_title(target) if words == target.name else words}]({path}"
        kind = "tree" if target.is_dir() else "blob"
        return f"[{words}]({repository}/{kind}/HEAD/{target.relative_to(docs.parent)}"

    return LINK.sub(lead, INFO.sub(r"\1", INDENTED.sub(_indent, text)))


def _switch(built: Path, link: re.Match[str]) -> str:
    """Return a link to the same page in another language, if there is one."""
    same = f"{link[1]}{built.name}"
    return f'href="{same}"' if (built.parent / same).exists() else link[0]


def _name_columns(table: re.Match[str]) -> str:
    """Return a table whose cells have the name of their column in `data-column`."""
    texts = [re.sub("<[^>]+>", "", name).strip() for name in HEADING.findall(table[0])]
    names = [text.replace('"', "&quot;") for text in texts]

    def name_cells(row: re.Match[str]) -> str:
        columns = iter(names)
        return CELL.sub(lambda _: f'<td data-column="{next(columns)}"', row[0])

    return ROW.sub(name_cells, table[0])


def _title(page: Path) -> str:
    """Return the heading of a page."""
    return page.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def _indent(found: re.Match[str]) -> str:
    """Return the code block, or the beginning of a line, with 4 spaces in place of 2 or 3."""
    if found[1] is None:
        return "    "
    return re.sub(rf"^{found[1]}", "    ", found[0], flags=re.MULTILINE) if found[1] else found[0]


if __name__ == "__main__":
    try:
        site = build()
    except subprocess.CalledProcessError as error:
        sys.exit(f"The documentation site was not built: {error}")
    folder = site.relative_to(ROOT)
    print(  # noqa: T201
        f"Open {folder}/index.html, or serve the site:"
        f" python3 -m http.server --bind 127.0.0.1 --directory {folder}"
    )
