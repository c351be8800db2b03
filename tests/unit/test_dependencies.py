"""Each wheel declares the packages that its Python package imports, and no others."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support.wheels import requirements

ROOT = Path(__file__).parents[2]
PACKAGES = {"ossferry": ("ossferry", "ossferry_checks"), "mock_oss": ("mock_oss",)}
"""The Python packages in the wheel of each main package."""

OURS = [each for packages in PACKAGES.values() for each in packages]

IN_BROWSER = ("js", "pyodide")
"""Modules of Pyodide, which `ossferry_checks` imports only in the browser."""

NOT_IMPORTED = {
    "ossferry": {
        "httptools": "uvicorn parses HTTP with it, and we extend uvicorn's class for it",
        "uvloop": "uvicorn selects it as the event loop where it is installed",
    },
    "mock_oss": {"httptools": "as in ossferry"},
}
NOT_DECLARED = {
    "ossferry": {"pydantic-core": "pydantic requires exactly one version of it"},
    "mock_oss": {"pytest": "only pytest itself imports the plugin of the mock"},
}


installed = cache(packages_distributions)


@cache
def declared(ours: str) -> set[str]:
    return {canonicalize_name(each.name) for each in requirements(ours)}


def modules(source: str) -> Iterator[str]:
    """Yield the names of the modules that a source file imports from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def distributions(module: str) -> set[str]:
    """Return the installed distributions that contain a module.

    Several distributions can share a namespace package, such as `opentelemetry`. Then only those
    are returned that contain the module itself.
    """
    found = set(installed().get(module.partition(".")[0], ()))
    if len(found) > 1:
        path = module.replace(".", "/")
        files = {f"{path}.py", f"{path}/__init__.py"}
        found = {each for each in found if files & {str(f) for f in distribution(each).files or ()}}
    return {canonicalize_name(each) for each in found}


@cache
def imported(ours: str) -> dict[str, str]:
    """Return the imported distributions, each with one file that imports it."""
    found: dict[str, str] = {}
    folders = [ROOT / "server" / each for each in PACKAGES[ours]]
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for module in modules(path.read_text("utf-8")):
            if module.partition(".")[0] not in (*sys.stdlib_module_names, *OURS, *IN_BROWSER):
                names = distributions(module)
                assert names, f"no distribution has {module}, which {path} imports"
                found |= dict.fromkeys(names, str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("ours", PACKAGES)
def test_every_imported_package_is_declared(ours: str) -> None:
    assert {
        name: path
        for name, path in imported(ours).items()
        if name not in declared(ours) and name not in NOT_DECLARED[ours]
    } == {}


@pytest.mark.parametrize("ours", PACKAGES)
def test_every_declared_package_is_imported(ours: str) -> None:
    assert declared(ours) - imported(ours).keys() == NOT_IMPORTED[ours].keys()
    assert NOT_DECLARED[ours].keys() <= imported(ours).keys()


def test_a_package_of_both_wheels_has_the_same_bounds() -> None:
    server, mock = ({each.name: each for each in requirements(ours)} for ours in PACKAGES)

    assert {name: server[name] for name in server.keys() & mock.keys()} == {
        name: mock[name] for name in server.keys() & mock.keys()
    }


@pytest.mark.parametrize(
    "requirement",
    {str(each): each for ours in PACKAGES for each in requirements(ours)}.values(),
    ids=str,
)
def test_every_dependency_has_a_lower_bound_and_the_lock_obeys_it(requirement: Requirement) -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line[:60])

    pin = pins[canonicalize_name(requirement.name)]

    assert any(each.operator == ">=" for each in requirement.specifier)
    assert Version(pin) in requirement.specifier
