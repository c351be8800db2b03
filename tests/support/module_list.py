"""Writes `docs/modules.md`, the list of all modules with their purpose, from their docstrings.

`make modules` runs this program; a test fails if the list is out of date.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PAGE", "modules_page"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/modules.md"
PARTS = {
    "server/ossferry": "The server",
    "server/mock_oss": "The mock",
    "server/ossferry_checks": "Checks of files, in the browser and on the server",
    "web/ossferry_uploader": "The uploader as a library",
    "web/upload_page": "The page's Python",
    "web": "The build of the page",
    "web/page": "The page's JavaScript",
    "web/bridge": "The JavaScript that the uploader needs",
    "web/worker": "The checksum worker",
    "web/storage": "The browser's storage",
}
HEAD = """# All modules

Each module with its purpose and the names that it exports.
[architecture.md](architecture.md) explains the folders.
`make modules` writes this page from the docstrings; `make docs` builds the site with all pages.
"""
COLUMNS = "| module | purpose | exports |\n|---|---|---|\n"
MIGRATIONS = "versions"  # their names are dates and numbers, and nobody imports them


def modules_page() -> str:
    """Return the text of the page."""
    text = HEAD
    for part, title in PARTS.items():
        text += f"\n## {title}, `{part}`\n"
        for folder in sorted({path.parent for path in _files(part)}):
            text += f"\n### `{folder.relative_to(ROOT)}`\n\n{COLUMNS}"
            for path in _files(part):
                if path.parent == folder:
                    text += f"| `{path.name}` | {_purpose(path)} | {_exports(path)} |\n"
    return text


def _files(part: str) -> list[Path]:
    walk = Path.glob if part == "web" else Path.rglob  # its folders are parts of their own
    found = [*walk(ROOT / part, "*.py"), *walk(ROOT / part, "*.js")]
    return sorted(
        path for path in found if path.name != "__init__.py" and path.parent.name != MIGRATIONS
    )


def _purpose(path: Path) -> str:
    """Return the first sentence of the docstring, or of the comment at the top of a script."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        doc = ast.get_docstring(ast.parse(text)) or ""
    else:
        doc = "\n".join(_comment(text))
    paragraph = " ".join(doc.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s|:\s+<", paragraph)[0]
    return sentence.replace("|", "\\|")


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("//"):
            return
        yield line.removeprefix("//").strip()


def _exports(path: Path) -> str:
    """Return the names in `__all__`; the others are private."""
    if path.suffix != ".py":
        return ""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ", ".join(f"`{each}`" for each in ast.literal_eval(node.value))
    return ""


if __name__ == "__main__":
    PAGE.write_text(modules_page(), "utf-8")
