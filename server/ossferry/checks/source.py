"""Reads which checks the operator's `checks.py` declares, without running the module.

The page needs the names, patterns and time limits of the checks before it loads Python. The server
must not run the module: it may need packages that exist only in the browser.
"""

import ast
import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ossferry.errors import SettingsError
from ossferry.settings.files import read_file
from ossferry_checks.loading import Declared
from ossferry_checks.registry import MAX_SECONDS

PACKAGE = "ossferry_checks"
DECORATOR = "check"
NUMBERS = {"max_seconds": MAX_SECONDS, "seconds_per_mb": 0.0}
"""The numbers among the keyword arguments of the decorator, with their defaults."""

REPLACES = "replaces"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration(Declared):
    """A check that the operator's module declares with the decorator `check`.

    Attributes:
        line: the number of the line with `def`.
        replaces: patterns for names of files that the check may replace.
    """

    line: int
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The operator's module `checks.py`, as parsed without running it.

    Attributes:
        path: the path of the file.
        version: the hash of the content, `sha256-<base64>`.
        checks: the checks in the order in which they run.
        classes: the names of the classes; the option `table.model` may name one of them.
        imports: the names of the top-level modules that the module imports anywhere.
    """

    path: Path
    content: bytes
    version: str
    checks: tuple[Declaration, ...]
    classes: frozenset[str]
    imports: frozenset[str]

    @property
    def text(self) -> str:
        """The content of the module, decoded as UTF-8, as the browser decodes it.

        `read_source` has already refused a file that is not UTF-8.
        """
        return self.content.decode("utf-8-sig")


def read_source(path: Path) -> Source:
    """Parse the operator's module `checks.py`, and return its checks, classes and imports.

    Raises:
        SettingsError: the file cannot be read, is not Python, or declares checks in a way that can
            only be understood by running it. The message contains the number of the wrong line.
    """
    content = read_file("OSSFERRY_CHECKS", path)
    try:
        tree = ast.parse(content.decode("utf-8-sig"), str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        what = getattr(error, "msg", None) or str(error)
        raise SettingsError(f"OSSFERRY_CHECKS: {path}{where}: {what}.") from error
    try:
        checks = tuple(_checks(tree))
    except _WrongCheckError as error:
        raise SettingsError(f"OSSFERRY_CHECKS: {path}, line {error.line}: {error}.") from error
    return Source(
        path=path,
        content=content,
        version=integrity_of(content),
        checks=checks,
        classes=frozenset(each.name for each in tree.body if isinstance(each, ast.ClassDef)),
        imports=frozenset(name.partition(".")[0] for name, _ in _imports(tree)),
    )


def integrity_of(content: bytes) -> str:
    """Return the SHA-256 of a file as `sha256-<base64>`, the format of `integrity` attributes."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


class _WrongCheckError(Exception):
    """A check that cannot be read, and its line."""

    def __init__(self, node: ast.stmt | ast.expr, sentence: str) -> None:
        super().__init__(sentence)
        self.line = node.lineno


def _checks(tree: ast.Module) -> Iterator[Declaration]:
    """Yield the checks of a module.

    Raises:
        _WrongCheckError: a check cannot be read.
    """
    names = _names_of_decorator(tree)
    for node in ast.walk(tree):
        if _decorators(node, names) and node not in tree.body and isinstance(node, ast.stmt):
            raise _WrongCheckError(node, "a check must not be within another block")
    lines: dict[str, int] = {}
    checks = set()
    for node in tree.body:
        decorators = _decorators(node, names)
        for name in _defined(node):
            if name in lines and (decorators or name in checks):
                raise _WrongCheckError(
                    node, f"{name} exists since line {lines[name]}; choose another name"
                )
            lines[name] = node.lineno
        if decorators:
            declared = _declared(node, decorators)
            checks.add(declared.name)
            yield declared


def _names_of_decorator(tree: ast.Module) -> frozenset[str]:
    """Return the expressions that stand for the decorator, such as `check` and `oc.check`."""
    found = set()
    for name, bound in _imports(tree):
        if name.partition(".")[0] == PACKAGE:
            if name.endswith(f".{DECORATOR}"):
                found.add(bound)
            elif bound == "*":
                found.add(DECORATOR)
            else:
                found |= {f"{bound}.{DECORATOR}", f"{name}.{DECORATOR}"}
    return frozenset(found)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each imported name with its path, and the name by which the module knows it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.name, each.asname or each.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                yield f"{node.module}.{each.name}", each.asname or each.name


def _decorators(node: ast.AST, names: frozenset[str]) -> list[ast.expr]:
    """Return the decorators `check` of a function or class."""
    return [
        each
        for each in getattr(node, "decorator_list", ())
        if ast.unparse(each.func if isinstance(each, ast.Call) else each) in names
    ]


def _defined(node: ast.AST) -> list[str]:
    """Return the names that a statement defines or assigns."""
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [each.id for each in node.targets if isinstance(each, ast.Name)]
    return []


def _declared(node: ast.stmt, decorators: list[ast.expr]) -> Declaration:
    first, *more = decorators
    if not isinstance(node, Function):
        raise _WrongCheckError(node, "a check must be a function")
    if more:
        raise _WrongCheckError(
            node, f"{node.name} has the decorator twice; write all patterns into one"
        )
    if not isinstance(first, ast.Call):
        raise _WrongCheckError(first, f"write @{ast.unparse(first)}() with parentheses")
    given = node.args
    required = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    takes_one = bool(given.posonlyargs or given.args or given.vararg)
    if not takes_one or required > 1 or None in given.kw_defaults:
        raise _WrongCheckError(node, f"the check {node.name} must have one argument, the file")
    patterns = tuple(_pattern(each) for each in first.args)
    numbers = dict(NUMBERS)
    replaces = False
    for keyword in first.keywords:
        if keyword.arg == REPLACES:
            replaces = _flag(keyword.value)
            continue
        if keyword.arg not in NUMBERS:
            raise _WrongCheckError(
                keyword.value, f"the decorator has no argument {keyword.arg or '**'}"
            )
        numbers[keyword.arg] = _number(keyword.arg, keyword.value)
    patterns = patterns or ("*",)
    return Declaration(
        name=node.name,
        patterns=patterns,
        line=node.lineno,
        replaces=patterns if replaces else (),
        **numbers,
    )


def _pattern(node: ast.expr) -> str:
    value = _constant(node)
    if not isinstance(value, str) or not value:
        raise _WrongCheckError(
            node, f'a pattern must be a text such as "*.csv", not {ast.unparse(node)}'
        )
    return value


def _flag(node: ast.expr) -> bool:
    value = _constant(node)
    if not isinstance(value, bool):
        raise _WrongCheckError(node, f"{REPLACES} must be True or False, not {ast.unparse(node)}")
    return value


def _number(name: str, node: ast.expr) -> float:
    value = _constant(node)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _WrongCheckError(node, f"{name} must be a number such as 30, not {ast.unparse(node)}")
    least = "0 or more" if name == "seconds_per_mb" else "more than 0"
    if not math.isfinite(value) or value < 0 or (value == 0 and name == "max_seconds"):
        raise _WrongCheckError(node, f"{name} must be {least}")
    return float(value)


def _constant(node: ast.expr) -> object:
    """Return the value of a constant; None for other expressions."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return None
