"""Loads the operator's module `checks.py`, and combines its checks with the built-in checks."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ossferry_checks.builtin.check_options import BuiltInOptions
from ossferry_checks.builtin.selection import built_in_checks
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check, checks_of

NAME = "checks.py"
TABLE = "table"
"""The built-in check that may need a model of the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A check in the operator's `checks.py`, as read from the source without running it.

    Attributes:
        name: the name of the function.
        patterns: patterns for names of files, such as `*.csv`.
        max_seconds: the time limit in seconds.
        seconds_per_mb: additional time for each megabyte of the file, in seconds.
    """

    name: str
    patterns: tuple[str, ...]
    max_seconds: float
    seconds_per_mb: float


def load_module(source: str) -> ModuleType:
    """Run the source of the operator's `checks.py`, and return the module.

    Raises:
        Exception: any exception that the module raises, such as `ModuleNotFoundError`.
    """
    module = ModuleType("checks")
    module.__file__ = NAME
    sys.modules[module.__name__] = module  # there pydantic looks up names in annotations
    exec(compile(source, NAME, "exec"), module.__dict__)  # noqa: S102 - the operator's own code
    return module


def all_checks(
    source: str | None, declared: Iterable[Declared], options: BuiltInOptions
) -> list[Check]:
    """Return the built-in checks and the operator's checks, in the order in which they run.

    If loading the operator's module fails, each declared check is replaced by a check that raises
    the same exception for every file. If the module has checks that are not declared, the exception
    is a `ValueError` with their names. The built-in check of tables is replaced in the same way, if
    it needs a model from the module.

    Args:
        source: the source of the operator's module; None if there is none.
        declared: the checks of the module, as read from its source.
        options: the options of the built-in checks.
    """
    if source is None:
        return built_in_checks(options).around([])
    declared = list(declared)
    try:
        module = load_module(source)
        own = checks_of(module)
        _refuse_unknown(own, declared)
    except (Exception, SystemExit) as error:
        needs_model = options.table is not None and options.table.model
        checks = built_in_checks(options).around([_failing(each, error) for each in declared])
        return [
            _failing(each, error) if needs_model and each.name == TABLE else each for each in checks
        ]
    return built_in_checks(options, module).around(own)


def _refuse_unknown(own: Iterable[Check], declared: Iterable[Declared]) -> None:
    """Refuse a module with checks that its source does not show, because the page ignores them.

    Raises:
        ValueError: there are such checks.
    """
    unknown = {each.name for each in own} - {each.name for each in declared}
    if unknown:
        raise ValueError(
            f"{NAME} defines {', '.join(sorted(unknown))} in a way that the server cannot read:"
            " write @check(...) above a function of this module"
        )


def _failing(declared: Declared | Check, error: BaseException) -> Check:
    def fail(_file: CheckedFile) -> Any:
        raise error

    return Check(
        name=declared.name,
        function=fail,
        patterns=declared.patterns,
        max_seconds=declared.max_seconds,
        seconds_per_mb=declared.seconds_per_mb,
    )
