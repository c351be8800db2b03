"""The checks that the settings switch on, in the order in which they run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import TypedDict

from ossferry.checks.source import Declaration, Source, read_source
from ossferry.errors import SettingsError
from ossferry.settings.checks import CheckSettings, built_in_json
from ossferry.settings.choices import OnError
from ossferry_checks.builtin.selection import built_in_checks
from ossferry_checks.registry import Check
from ossferry_checks.runner import Limits


class ListedCheck(TypedDict):
    """The description of one check for the page.

    Attributes:
        name: the name of the check.
        patterns: patterns for names of files that the check looks at, such as `*.csv`.
        built_in: whether it is a check of ossferry; otherwise the operator's `checks.py` declares
            it.
        max_seconds: the time limit.
        seconds_per_mb: additional time for each megabyte of the file.
        replaces: patterns for names of files that the check may replace by another file.
    """

    name: str
    patterns: list[str]
    built_in: bool
    max_seconds: float
    seconds_per_mb: float
    replaces: list[str]


class RunJson(TypedDict):
    """The JSON configuration with which checks run.

    Attributes:
        checks: the checks, in the order in which they run.
        on_error: what happens to a file if a check does not work: `reject` or `allow`.
        built_in: the options of the built-in checks.
        limits: the limits for the checks of one file: `memory`, the largest memory, and
            `new_files`, the largest total size of files that the checks create; both in bytes.
    """

    checks: list[ListedCheck]
    on_error: OnError
    built_in: dict[str, Any]
    limits: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All checks that the settings switch on.

    Attributes:
        checks: the built-in checks and those of the operator, in the order in which they run.
        source: the operator's module `checks.py`; None if the settings name none.
    """

    checks: Sequence[ListedCheck]
    source: Source | None

    @property
    def version(self) -> str:
        """The hash of the operator's `checks.py` (`sha256-<base64>`); empty if there is none."""
        return self.source.version if self.source else ""


def run_json(settings: CheckSettings, selection: Selection, limits: Limits) -> RunJson:
    """Return the configuration with which `ossferry_checks.in_browser` runs the selected checks.

    Args:
        limits: the largest memory, and the largest total size of new files, for the checks of one
            file.
    """
    return {
        "checks": list(selection.checks),
        "on_error": settings.checks_on_error,
        "built_in": built_in_json(settings.checks_built_in),
        "limits": asdict(limits),
    }


def select_checks(settings: CheckSettings) -> Selection:
    """Read the operator's module `checks.py`, and return all checks that the settings switch on.

    The module may also contain the class that the option `table.model` names: a pydantic model,
    with which the built-in check `table` validates each row of a table.

    Raises:
        SettingsError: the module cannot be read, has a check with the name of a built-in check, or
            lacks the class for `table.model`. Or the module is useless: it declares no check, and
            `table.model` is not set.
    """
    source = read_source(settings.checks) if settings.checks else None
    built_in = built_in_checks(settings.checks_built_in)
    taken = {each.name for each in built_in.around([])}
    for each in source.checks if source else ():
        if each.name in taken:
            raise SettingsError(
                f"OSSFERRY_CHECKS: {settings.checks}, line {each.line}: there is a built-in check"
                f" {each.name}; choose another name."
            )
    table = settings.checks_built_in.table
    model = table.model if table else ""
    if source and not (source.checks or model):
        raise SettingsError(
            f"OSSFERRY_CHECKS: {source.path} has no check; write"
            ' `from ossferry_checks import check`, and `@check("*.csv")` above a function.'
        )
    if source and model and model not in source.classes:
        raise SettingsError(
            f"OSSFERRY_CHECKS_BUILT_IN: {source.path} has no class {model}, which"
            " table.model names."
        )
    checks = [
        *(_listed(each, built_in=True) for each in built_in.before),
        *(_listed(each, built_in=False) for each in (source.checks if source else ())),
        *(_listed(each, built_in=True) for each in built_in.after),
    ]
    return Selection(checks=checks, source=source)


def _listed(check: Check | Declaration, *, built_in: bool) -> ListedCheck:
    return {
        "name": check.name,
        "patterns": list(check.patterns),
        "built_in": built_in,
        "max_seconds": check.max_seconds,
        "seconds_per_mb": check.seconds_per_mb,
        "replaces": list(check.replaces),
    }
