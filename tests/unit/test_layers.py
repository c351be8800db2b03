"""Which room may import which, and how much JavaScript there may be: all else fails here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JAVASCRIPT = {"js", "pyscript", "pyodide", "jsffi"}
PORTABLE = {"asyncio", "binascii", "functools", "hashlib", "hmac", "json", "sys", "time"}

# room: what it may import besides itself; longest name first wins
ROOMS = {
    "uploader.oss": {"binascii", "hashlib", "time"},
    "uploader.transfer": {"asyncio", "heapq", "json", "uploader.oss"},
    "uploader.browser": PORTABLE | JAVASCRIPT | {"gc", "uploader.oss", "uploader.transfer"},
    "uploader.view": {
        "asyncio",
        "functools",
        "sys",
        "uploader.browser",
        "uploader.dialogs",
        "uploader.oss",
        "uploader.transfer",
    },
    "uploader.dialogs": {
        "asyncio",
        "functools",
        "json",
        "uploader.browser",
        "uploader.oss",
        "uploader.transfer",
        "uploader.view",
    },
    "uploader.main": {"asyncio", "uploader"},
}
FOREIGN = {
    "ossferry": {"uploader", "mock_oss"},
    "mock_oss": {"uploader", "ossferry"},
}
MOST_LINES = 80  # of JavaScript in a file: what is longer belongs into Python, or apart
MOCK_USERS = [ROOT / "server/ossferry" / name for name in ("cli/demo.py", "cli/main.py")]


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports when it runs, not those for the type checker."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    for node in pending:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or "web" not in path.parts, f"{path}: relative import"
            found.add(node.module or "")
        pending += ast.iter_child_nodes(node)
    return found


def page_modules() -> list[Path]:
    return sorted(path for path in (ROOT / "web/uploader").rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "web").with_suffix("").parts).removesuffix(".__init__")


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


@pytest.mark.parametrize("path", page_modules(), ids=name_of)
def test_the_page_keeps_its_arrows(path: Path) -> None:
    room = next((room for room in ROOMS if within(name_of(path), room)), None)
    allowed = ROOMS[room] | {room} if room else set()

    strangers = [
        module for module in imports(path) if not any(within(module, other) for other in allowed)
    ]

    assert strangers == []


@pytest.mark.parametrize("package", FOREIGN)
def test_the_packages_do_not_know_each_other(package: str) -> None:
    arrows = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / "server" / package).rglob("*.py"))
        for module in imports(path) | typed_imports(path)
        if path not in MOCK_USERS and any(within(module, foreign) for foreign in FOREIGN[package])
    ]

    assert arrows == []


def typed_imports(path: Path) -> set[str]:
    """Return all modules named in a file, for the type checker too."""
    return {
        node.module or ""
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    }


def test_javascript_stays_small() -> None:
    folders = ("page", "storage", "worker")
    files = [path for each in folders for path in (ROOT / "web" / each).rglob("*.js")]
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in files}

    assert {"1-lock.js", "2-drop.js", "tabs.js"} <= set(lines)
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_an_arrow_that_is_not_allowed_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f():\n    import js\n", "utf-8")

    assert imports(path) == {"js"}
