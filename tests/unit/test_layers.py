"""Which module may import which: the tables below are the architecture, and all else fails here.

Each table lists the folders and modules of a package from top to bottom, with the ones that they
import; types count too. To add an arrow, add it here; it must point down. A new folder or top-level
module needs a line. A name that begins with `@` is a line of the library's table,
`ossferry_uploader`, which the page imports.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = "ossferry_uploader"
SOURCES = {
    "ossferry": ROOT / "server",
    "mock_oss": ROOT / "server",
    "ossferry_checks": ROOT / "server",
    "upload_page": ROOT / "web",
    LIBRARY: ROOT / "web",
}

ARROWS: dict[str, dict[str, str]] = {
    "ossferry": {
        "cli": (
            "app doctor setup operations diagnosis scanning sharing uploads authentication admin "
            "checks access ledger oss http settings observability identity extras errors clock"
        ),
        "app": (
            "routes background operations diagnosis asking sharing forms grants uploads hooks "
            "authentication admin checks pages access ledger oss state http settings observability "
            "identity errors clock"
        ),
        "setup": "oss settings identity errors",
        "doctor": (
            "diagnosis scanning authentication checks access ledger oss state http settings "
            "observability identity errors clock"
        ),
        "scanning": (
            "grants uploads checks ledger oss http settings observability identity errors clock"
        ),
        "routes": (
            "openapi operations asking sharing forms grants uploads admin checks pages access "
            "ledger oss http identity"
        ),
        "openapi": "http",
        "background": "uploads hooks ledger oss settings observability errors clock",
        "operations": (
            "diagnosis access ledger oss state http settings observability errors clock"
        ),
        "asking": (
            "forms grants uploads checks pages access ledger http mount settings identity errors "
            "clock"
        ),
        "sharing": (
            "forms uploads access ledger oss state http mount settings identity errors clock"
        ),
        "forms": "grants uploads access oss http mount settings identity errors clock",
        "admin": "uploads ledger oss http mount settings identity errors clock",
        "grants": (
            "uploads hooks access ledger oss state http mount settings observability "
            "identity errors clock"
        ),
        "uploads": "hooks access ledger oss http settings observability identity errors clock",
        "hooks": "ledger oss settings observability identity errors clock",
        "authentication": (
            "access ledger state http mount settings observability identity errors clock"
        ),
        "checks": "pages settings identity errors",
        "pages": "access http settings extras errors",
        "diagnosis": "access ledger oss state settings errors clock",
        "access": "oss state http settings observability identity errors clock",
        "ledger": "oss observability identity extras errors clock",
        "oss": "state settings observability identity errors clock",
        "state": "settings observability extras errors clock",
        "http": "mount settings observability errors clock",
        "settings": "observability errors",
        "observability": "mount clock",
        "identity": "errors",
        "extras": "errors",
        "errors": "",
        "mount": "",
        "clock": "",
    },
    "mock_oss": {
        "pytest_plugin": "patching server environment",
        "patching": "server environment http errors",
        "cli": "server environment faults world errors",
        "server": (
            "environment control app service faults identities journal world http store "
            "clock errors"
        ),
        "environment": "world http errors",
        "control": "service journal signing policies http store clock errors",
        "app": "operations sts access service faults journal http store clock errors",
        "operations": "access service identities world signing policies http store errors",
        "sts": "service identities journal world signing policies http store errors",
        "access": "service identities journal signing policies http store clock errors",
        "service": "faults identities journal world http store clock errors",
        "faults": "http store clock errors",
        "identities": "world policies store",
        "journal": "signing policies errors",
        "world": "policies http store clock errors",
        "signing": "http",
        "policies": "http errors",
        "http": "store clock errors",
        "store": "errors",
        "clock": "",
        "errors": "",
    },
    "ossferry_checks": {
        "in_browser": (
            "loading runner builtin.selection builtin.table tables registry files sentences"
        ),
        "loading": "builtin.selection builtin.check_options registry files",
        "builtin.selection": "builtin.table builtin photos builtin.check_options registry",
        "builtin.table": "tables builtin builtin.check_options registry files results sentences",
        "tables": "builtin builtin.check_options files results sentences",
        "builtin": "builtin.check_options registry files results sentences",
        "photos": "builtin.check_options registry files results sentences",
        "builtin.check_options": "",
        "runner": "registry files results sentences",
        "registry": "files results",
        "files": "",
        "results": "sentences",
        "sentences": "",
    },
    "upload_page": {
        "main": (
            "on_demand view.app view.adding view.taken_names view.actions view.words view.model "
            "view.grant_model "
            "view.signals browser @uploader @browser @transfer.queue @transfer.resuming "
            "@transfer.grants @transfer.pacing @transfer.options @transfer.errors"
        ),
        "on_demand": (
            "embedding details pictures recording other_devices repair requests my_uploads "
            "dialogs view.actions view.words view.model browser"
        ),
        "embedding": (
            "view.page view.adding view.actions view.words view.model view.grant_model "
            "view.signals browser @transfer.grants @transfer.upload @transfer.options "
            "@transfer.states @transfer.plan @transfer.errors @oss"
        ),
        "details": (
            "dialogs view.actions view.elements view.words view.model view.signals browser "
            "@transfer.options @transfer.errors @oss"
        ),
        "pictures": (
            "dialogs view.actions view.elements view.words view.model browser @transfer.errors"
        ),
        "recording": (
            "dialogs view.actions view.elements view.words view.signals browser @uploader "
            "@browser @transfer.sending @transfer.grants @transfer.journal @transfer.upload "
            "@transfer.plan @transfer.states @transfer.errors"
        ),
        "other_devices": (
            "receipts view.elements view.words view.model view.signals browser @browser "
            "@transfer.resuming @transfer.sending @transfer.journal @transfer.upload "
            "@transfer.files @transfer.options @transfer.errors @oss"
        ),
        "repair": (
            "dialogs view.actions view.elements view.words view.model view.signals browser "
            "@browser @transfer.checks @transfer.journal @transfer.ports @transfer.files "
            "@transfer.states @transfer.errors"
        ),
        "requests": (
            "dialogs receipts view.adding view.actions view.elements view.words view.model "
            "view.grant_model view.signals browser @browser @transfer.grants @transfer.pacing "
            "@transfer.errors @oss"
        ),
        "my_uploads": (
            "dialogs receipts view.actions view.elements view.words view.signals browser @browser "
            "@transfer.errors @oss"
        ),
        "dialogs": (
            "receipts view.actions view.taken_names view.elements view.words view.signals browser "
            "@browser @transfer.upload @transfer.timeline @transfer.files @transfer.errors @oss"
        ),
        "receipts": (
            "view.elements view.words view.signals browser @transfer.upload @transfer.checks @oss"
        ),
        "view.app": (
            "view.page view.list view.actions view.words view.model view.grant_model "
            "view.signals browser"
        ),
        "view.page": (
            "view.actions view.elements view.words view.model view.grant_model view.signals "
            "browser @browser @transfer.grants @transfer.pacing @transfer.states @oss"
        ),
        "view.list": (
            "view.actions view.elements view.words view.model view.signals browser "
            "@transfer.journal @transfer.states @oss"
        ),
        "view.adding": (
            "view.taken_names view.actions view.model view.signals @transfer.queue "
            "@transfer.upload @transfer.ports @transfer.files @transfer.states @transfer.errors "
            "@oss"
        ),
        "view.taken_names": (
            "@transfer.engine @transfer.queue @transfer.upload @transfer.sending @transfer.grants "
            "@transfer.pacing @transfer.options @transfer.states @transfer.errors @oss"
        ),
        "view.actions": (
            "view.words view.model view.grant_model view.signals browser @uploader "
            "@transfer.checks @transfer.files @transfer.resuming @transfer.journal "
            "@transfer.upload @transfer.ports @transfer.states @transfer.errors @oss"
        ),
        "view.elements": "view.words view.signals browser",
        "view.words": (
            "view.signals @transfer.grants @transfer.pacing @transfer.upload @transfer.errors @oss"
        ),
        "view.model": (
            "view.signals @transfer.journal @transfer.pacing @transfer.upload @transfer.ports "
            "@transfer.states"
        ),
        "view.grant_model": "view.signals @transfer.grants @transfer.pacing @transfer.states",
        "view.signals": "",
        "browser": "@browser.server @browser @transfer.errors",
    },
    LIBRARY: {
        "client": (
            "browser uploader transfer.queue transfer.sending transfer.upload transfer.files "
            "transfer.options transfer.states transfer.errors"
        ),
        "uploader": (
            "browser browser.server transfer.reporting transfer.queue transfer.engine "
            "transfer.journal transfer.grants transfer.pacing transfer.upload transfer.ports "
            "transfer.errors oss"
        ),
        "browser.server": (
            "browser transfer.checks transfer.grants transfer.target transfer.errors oss"
        ),
        "browser": "transfer.sending transfer.files transfer.plan transfer.errors oss",
        "transfer.reporting": (
            "transfer.pacing transfer.upload transfer.ports transfer.target transfer.errors oss"
        ),
        "transfer.queue": (
            "transfer.checks.checking transfer.resuming transfer.sending transfer.slots "
            "transfer.engine transfer.journal transfer.grants transfer.upload "
            "transfer.files transfer.options transfer.states transfer.plan transfer.errors "
            "oss"
        ),
        "transfer.slots": "transfer.engine transfer.upload transfer.states transfer.plan",
        "transfer.checks.checking": (
            "transfer.sending transfer.engine transfer.grants transfer.checks transfer.upload "
            "transfer.ports transfer.files transfer.states transfer.errors oss"
        ),
        "transfer.resuming": (
            "transfer.sending transfer.engine transfer.journal transfer.upload transfer.files "
            "transfer.options transfer.states transfer.errors oss"
        ),
        "transfer.sending": (
            "transfer.engine transfer.timeline transfer.grants transfer.pacing transfer.upload "
            "transfer.progress transfer.target transfer.ports transfer.files "
            "transfer.options transfer.states transfer.plan transfer.errors oss"
        ),
        "transfer.engine": (
            "transfer.timeline transfer.journal transfer.grants transfer.pacing transfer.ports "
            "transfer.files transfer.plan oss"
        ),
        "transfer.journal": (
            "transfer.grants transfer.upload transfer.ports transfer.files transfer.options "
            "transfer.states transfer.plan transfer.errors oss"
        ),
        "transfer.grants": (
            "transfer.pacing transfer.ports transfer.checks transfer.files transfer.states "
            "transfer.plan transfer.errors oss"
        ),
        "transfer.pacing": "transfer.states transfer.plan transfer.errors oss",
        "transfer.timeline": "transfer.upload oss",
        "transfer.upload": (
            "transfer.checks transfer.progress transfer.target transfer.files transfer.options "
            "transfer.states transfer.plan transfer.errors"
        ),
        "transfer.progress": "transfer.files oss",
        "transfer.ports": "transfer.checks transfer.target transfer.files oss",
        "transfer.checks": "transfer.files transfer.options",
        "transfer.target": "oss",
        "transfer.files": "transfer.errors",
        "transfer.options": "oss",
        "transfer.states": "transfer.errors",
        "transfer.plan": "",
        "transfer.errors": "",
        "oss": "",
    },
}

JAVASCRIPT = {"js", "pyscript", "pyodide", "jsffi"}
EVERYWHERE = {"asyncio", "collections", "functools", "json", "sys"}
# the standard library that MicroPython has too, and JavaScript in one folder only
OUTSIDE = {
    "oss": {"binascii", "hashlib", "json", "time"},
    "transfer": {"asyncio", "heapq", "json"},
    "browser": EVERYWHERE | JAVASCRIPT | {"binascii", "gc", "hashlib", "hmac", "time"},
    "client": {"asyncio", "js"},
    "view": EVERYWHERE,
    **dict.fromkeys(
        [
            "details",
            "dialogs",
            "embedding",
            "my_uploads",
            "other_devices",
            "pictures",
            "receipts",
            "recording",
            "repair",
            "requests",
        ],
        EVERYWHERE,
    ),
    "main": {"sys"},
}
# the only modules of the server that import another package
USERS = {
    "mock_oss": ("cli/demo.py", "cli/mock.py"),
    "ossferry_checks": ("checks/", "scanning/", "settings/checks.py", "cli/samples/checks.py"),
    "oss2": ("oss/sdk.py",),
}


@cache
def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by dotted name."""
    found = {}
    for path in sorted((SOURCES[package] / package).rglob("*.py")):
        parts = path.relative_to(SOURCES[package]).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports(path: Path, *, types: bool = True) -> set[str]:
    """Return the dotted names that a file imports, `a.b` and `a.b.c` for `from a.b import c`."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    for node in pending:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        pending += ast.iter_child_nodes(node)
    return found


@cache
def graph(package: str) -> dict[str, set[str]]:
    """Return the modules of a package, and those that each imports from it and the library."""
    files = modules(package)
    known = set(files) | (set(modules(LIBRARY)) if package == "upload_page" else set())
    found = {}
    for name, path in files.items():
        named = imports(path) & known
        # `from a import b` names the package `a` too, and imports only the module `a.b` of it
        found[name] = {
            each
            for each in named - {name}
            if not any(other.startswith(f"{each}.") for other in named)
        }
    return found


def line_of(name: str, package: str) -> str:
    """Return the line of the table that a module belongs to: the longest that fits."""
    if package != LIBRARY and name.startswith(f"{LIBRARY}."):
        return f"@{line_of(name, LIBRARY)}"
    inside = name.removeprefix(package).removeprefix(".")
    fits = [each for each in ARROWS[package] if inside == each or inside.startswith(f"{each}.")]
    return max(fits, key=len, default="")


def arrows(package: str) -> Iterator[tuple[str, str, str]]:
    """Yield (line, line, the import) for each import from one line of the table to another."""
    for name, targets in graph(package).items():
        for target in targets:
            lines = line_of(name, package), line_of(target, package)
            if all(lines) and lines[0] != lines[1]:
                yield (*lines, f"{name} imports {target}")


@pytest.mark.parametrize("package", ARROWS)
def test_every_module_has_a_line_in_the_table(package: str) -> None:
    parents = {each.rpartition(".")[0] for each in ARROWS[package]}
    missing = [
        name
        for name in modules(package)
        if not line_of(name, package)
        and name.removeprefix(package).removeprefix(".") not in parents
    ]

    assert missing == []


@pytest.mark.parametrize("package", ARROWS)
def test_imports_follow_the_table(package: str) -> None:
    table = ARROWS[package]

    assert [said for line, to, said in arrows(package) if to not in table[line].split()] == []


@pytest.mark.parametrize("package", ARROWS)
def test_the_table_has_no_arrow_that_nothing_uses(package: str) -> None:
    used = {(line, to) for line, to, _ in arrows(package)}
    drawn = {(line, to) for line, names in ARROWS[package].items() for to in names.split()}

    assert drawn - used == set()


@pytest.mark.parametrize("package", ARROWS)
def test_all_arrows_point_down(package: str) -> None:
    order = list(ARROWS[package])

    assert [
        f"{line} imports {to}"
        for line, names in ARROWS[package].items()
        for to in names.split()
        if not to.startswith("@") and order.index(to) <= order.index(line)
    ] == []


@pytest.mark.parametrize("package", ARROWS)
def test_no_module_imports_in_a_circle(package: str) -> None:
    TopologicalSorter(graph(package)).prepare()  # its error names the circle


@pytest.mark.parametrize("package", ["ossferry", "mock_oss", "ossferry_checks", LIBRARY])
def test_the_packages_do_not_import_each_other(package: str) -> None:
    others = (set(SOURCES) | set(USERS)) - {package}
    folder = SOURCES[package] / package

    assert [
        f"{path.relative_to(ROOT)} imports {each}"
        for path in modules(package).values()
        for each in imports(path)
        if (other := each.partition(".")[0]) in others
        and not (package == "ossferry" and _uses(path.relative_to(folder), other))
    ] == []


def _uses(module: Path, package: str) -> bool:
    """Return whether a module of the server may import another package."""
    return module.as_posix().startswith(USERS.get(package, ()) or "-")


def test_the_page_imports_only_what_both_interpreters_have() -> None:
    strangers = []
    for name, path in (modules("upload_page") | modules(LIBRARY)).items():
        room = name.partition(".")[2].partition(".")[0]
        allowed = OUTSIDE.get(room, set()) | {"upload_page", LIBRARY}
        found = {each.partition(".")[0] for each in imports(path, types=False)}
        strangers += [f"{name} imports {each}" for each in found - allowed]

    assert strangers == []


def test_every_import_is_seen_and_one_for_types_where_it_counts(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "from a.b import c\nif TYPE_CHECKING:\n    import d\ndef f():\n    import js\n", "utf-8"
    )

    assert imports(path) == {"a.b", "a.b.c", "d", "js"}
    assert imports(path, types=False) == {"a.b", "a.b.c", "js"}
