"""The decorator `check`, which marks functions as checks of files, and the class `Check`."""

import fnmatch
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TypeAlias, TypeVar

from ossferry_checks.files import CheckedFile
from ossferry_checks.results import Reject, Result

Answer: TypeAlias = Result | Reject | list[Result] | list[Result | Reject] | None
Function: TypeAlias = Callable[[CheckedFile], Answer | Awaitable[Answer]]
F = TypeVar("F", bound=Function)

MARK = "__ossferry_check__"
MAX_SECONDS = 60.0
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of files: a function, the files for which it runs, and its time limit.

    Attributes:
        name: the name of the function, or of the built-in check.
        function: called with the `CheckedFile`; its result tells what happens to the file.
        patterns: patterns for names of files, such as `*.csv`; case is ignored. By default, the
            check runs for all files.
        max_seconds: the time limit in seconds.
        seconds_per_mb: additional time for each megabyte (1,000,000 bytes) of the file, in seconds.
        replaces: patterns for names of files that the check often replaces. For such a file, the
            page applies its limits of size and type to the file that it sends after the checks,
            not to the original file.
    """

    name: str
    function: Function
    patterns: tuple[str, ...] = ("*",)
    max_seconds: float = MAX_SECONDS
    seconds_per_mb: float = 0.0
    replaces: tuple[str, ...] = ()

    def matches(self, name: str) -> bool:
        """Return whether the check runs for files with this name."""
        return any(fnmatch.fnmatchcase(name.lower(), each.lower()) for each in self.patterns)

    def limit_s(self, size: int) -> float:
        """Return the time limit in seconds for a file of `size` bytes."""
        return self.max_seconds + self.seconds_per_mb * size / MB


def check(
    *patterns: str,
    max_seconds: float = MAX_SECONDS,
    seconds_per_mb: float = 0.0,
    replaces: bool = False,
) -> Callable[[F], F]:
    """Mark a function as a check of files; the decorator returns the same function.

    The server reads the arguments from the source without running the module, so they must be
    constants.

    Args:
        patterns: patterns for names of files, such as `"*.csv"`; without a pattern, the check runs
            for all files.
        max_seconds: the time limit in seconds. After this time, the page ends the check.
        seconds_per_mb: additional time for each megabyte of the file, in seconds.
        replaces: whether the check returns `Replace` for most of its files. The page then applies
            its limits of size and type to the new file only.
    """

    def mark(function: F) -> F:
        made = Check(
            name=function.__name__,
            function=function,
            patterns=patterns or ("*",),
            max_seconds=max_seconds,
            seconds_per_mb=seconds_per_mb,
            replaces=(patterns or ("*",)) if replaces else (),
        )
        setattr(function, MARK, made)
        return function

    return mark


def checks_of(module: ModuleType) -> list[Check]:
    """Return the checks in a module: its functions with the decorator `check`, in their order."""
    found = (getattr(each, MARK, None) for each in vars(module).values())
    return [each for each in found if isinstance(each, Check)]
