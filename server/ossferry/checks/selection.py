"""The checks that the settings switch on, in the order in which they run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import TypedDict

from ossferry.checks.source import Source, read_source
from ossferry.errors import SettingsError
from ossferry.settings.checks import CheckSettings, built_in_json
from ossferry.settings.choices import OnError
from ossferry_checks.builtin.selection import built_in_checks
from ossferry_checks.loading import Declared
from ossferry_checks.runner import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Declared):
    """A check that is on.

    Attributes:
        built_in: False for a check in the operator's module.
        replaces: as in `Check`.
    """

    built_in: bool
    replaces: tuple[str, ...]


class ListedCheck(TypedDict):
    """A check: the names of files that it looks at and often replaces, and its time limit."""

    name: str
    patterns: list[str]
    built_in: bool
    max_seconds: float
    seconds_per_mb: float
    replaces: list[str]


class RunJson(TypedDict):
    """What decides how checks run; `limits` are in bytes."""

    checks: list[ListedCheck]
    on_error: OnError
    built_in: dict[str, Any]
    limits: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All checks that are on, and the operator's module; None if there is no module."""

    checks: Sequence[Listed]
    source: Source | None

    @property
    def version(self) -> str:
        """The hash of the operator's module; empty if there is none."""
        return self.source.version if self.source else ""


def run_json(settings: CheckSettings, selection: Selection, limits: Limits) -> RunJson:
    """Return the configuration with which `ossferry_checks.in_browser` runs the checks."""
    return {
        "checks": [
            {
                "name": each.name,
                "patterns": list(each.patterns),
                "built_in": each.built_in,
                "max_seconds": each.max_seconds,
                "seconds_per_mb": each.seconds_per_mb,
                "replaces": list(each.replaces),
            }
            for each in selection.checks
        ],
        "on_error": settings.checks_on_error,
        "built_in": built_in_json(settings.checks_built_in),
        "limits": asdict(limits),
    }


def select_checks(settings: CheckSettings) -> Selection:
    """Return the checks that the settings switch on.

    Raises:
        SettingsError: the operator's module cannot be read, has neither a check nor the model of
            `table.model`, or has a check with the name of a built-in one.
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
    before, own, after = (
        [
            Listed(
                name=each.name,
                patterns=each.patterns,
                built_in=is_built_in,
                max_seconds=each.max_seconds,
                seconds_per_mb=each.seconds_per_mb,
                replaces=each.replaces,
            )
            for each in part
        ]
        for part, is_built_in in (
            (built_in.before, True),
            (source.checks if source else (), False),
            (built_in.after, True),
        )
    )
    return Selection(checks=[*before, *own, *after], source=source)
