"""Reading the Markdown pages of the repository: code blocks, links and anchors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# The first heading of the changelog names the version that is next or latest.
IS_RELEASED = "(not released yet)" not in next(
    line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line[:3] == "## "
)

FENCED = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block.

    Attributes:
        page: path of the page in the repository.
        line: line number of the first fence.
        language: first word of the info string; empty if there is none.
    """

    page: str
    line: int
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page."""
    text = page.read_text("utf-8")
    for found in FENCED.finditer(text):
        indent, info, code = found.groups()
        yield Block(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, found.start()) + 1,
            language=info.partition(" ")[0],
            text=re.sub(rf"^{indent}", "", code, flags=re.MULTILINE),
        )


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return FENCED.sub("", page.read_text("utf-8"))


def links(page: Path) -> list[tuple[str, str]]:
    """Return path and anchor of each link and image that leads into the repository."""
    return re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as Git hosts make them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return set(found)
