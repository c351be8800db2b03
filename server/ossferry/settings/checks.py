"""The options of the checks that run before an upload, `OSSFERRY_CHECKS…`.

`ossferry check --file` needs only these options; the server's `Settings` include them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeAlias, get_args, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ossferry.settings.choices import OnError
from ossferry_checks.builtin.check_options import BuiltInOptions

PREFIX = "OSSFERRY_"
SHARES = ("quality",)
"""Options with a number from 0 to 1."""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_REQUIREMENT = re.compile(
    rf"{_NAME}\s*(?:\[\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\])?\s*(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?"
)


def _requirement(value: str) -> str:
    """Return a requirement. Markers, addresses and options of pip are refused."""
    if not _REQUIREMENT.fullmatch(value.strip()):
        raise ValueError(f"must list requirements such as phonenumbers>=8, not {value!r}")
    return value.strip()


def _spelled_out(given: object) -> object:
    """Return options in which `true` and `false` are replaced by the default options and None.

    Raises:
        ValueError: there is no such check or option.
    """
    if isinstance(given, BuiltInOptions):
        return asdict(given)
    if not isinstance(given, Mapping):
        raise ValueError('must be an object in JSON, such as {"file_type": true}')
    _refuse_unknown(given, BuiltInOptions, "there is no check {!r}")
    found: dict[str, object] = {}
    for name, value in given.items():
        kind = _options_class(name)
        if kind is None:
            found[name] = value or False
        elif value is None or isinstance(value, bool):
            found[name] = {} if value else None
        elif isinstance(value, Mapping):
            _refuse_unknown(value, kind, f"the check {name!r} has no option {{!r}}")
            found[name] = value
        else:
            raise ValueError(f"{name} must be true, false or an object with options")
    return found


def _options_class(check: str) -> type[Any] | None:
    """Return the class of the options of a check; None if the check is only switched on or off."""
    kinds: tuple[type[Any], ...] = get_args(get_type_hints(BuiltInOptions)[check])
    return next((kind for kind in kinds if kind is not type(None)), None)


def _refuse_unknown(given: Mapping[str, object], kind: type[Any], sentence: str) -> None:
    names = [each.name for each in fields(kind)]
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, 1)
            rest = f"the nearest is {near[0]!r}" if near else f"choose from {', '.join(names)}"
            raise ValueError(f"{sentence.format(name)}; {rest}")


def _numbers_are_possible(options: BuiltInOptions) -> BuiltInOptions:
    for each in fields(options):
        of_check = getattr(options, each.name)
        for option in fields(of_check) if is_dataclass(of_check) else ():
            value = getattr(of_check, option.name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            name, most = f"{each.name}.{option.name}", 1 if option.name in SHARES else math.inf
            if not (0 <= value <= most and math.isfinite(value)):
                raise ValueError(
                    f"{name} must be {'from 0 to 1' if most == 1 else 'a number from 0'}"
                )
    return options


def built_in_json(options: BuiltInOptions) -> dict[str, Any]:
    """Return the built-in checks that are on, as a dictionary for JSON.

    The dictionary maps the name of each check to a dictionary of all its options, or to True if the
    check has no options. The types of columns are a list of pairs, because their order counts, and
    MicroPython does not keep that of a dictionary.
    """
    found = {name: value for name, value in asdict(options).items() if value not in (None, False)}
    if table := found.get("table"):
        table["types"] = [*table["types"].items()]
    return found


Requirement: TypeAlias = Annotated[str, AfterValidator(_requirement)]
BuiltIn: TypeAlias = Annotated[
    BuiltInOptions, BeforeValidator(_spelled_out), AfterValidator(_numbers_are_possible)
]


class CheckSettings(BaseSettings):
    """The options of the checks that look at a file before its upload.

    They are read from `OSSFERRY_CHECKS…` variables and `.env`.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # for docs/configuration.md
    )

    checks: Path | None = None
    """The file `checks.py` with your own checks, which the page runs before an upload, see
    [checks.md](checks.md); needs the extra `pyodide`.
    """

    checks_built_in: BuiltIn = BuiltInOptions()
    """The built-in checks that are on, with their options: `{"file_type": true, "pdf":
    {"max_pages": 20}}`.
    """

    checks_on_error: OnError = "reject"
    """If a check does not work, `reject` the file, or `allow` it without the check. With `reject`,
    `/form` is off.
    """

    checks_packages: tuple[Requirement, ...] = ()
    """The Python packages that `OSSFERRY_CHECKS` imports: `["phonenumbers>=8"]`. `ossferry checks
    bundle` downloads them.
    """

    checks_dir: Path | None = None
    """The folder that `ossferry checks bundle` fills with their wheels, which the server sends to
    browsers.
    """

    checks_undo_s: int = Field(default=0, ge=0, le=3600)
    """How long a changed file waits before it is sent, so that the person can choose the original;
    0: not at all.
    """

    @model_validator(mode="after")
    def _checks_fit_together(self) -> Self:
        table = self.checks_built_in.table
        if table and table.model and self.checks is None:
            raise ValueError(
                "OSSFERRY_CHECKS_BUILT_IN: table.model needs OSSFERRY_CHECKS, which defines the"
                " model"
            )
        if self.checks_packages and self.checks is None:
            raise ValueError("OSSFERRY_CHECKS_PACKAGES needs OSSFERRY_CHECKS, which imports them")
        return self

    @property
    def has_checks(self) -> bool:
        """Whether the settings switch on any checks that the page runs before an upload."""
        return self.checks is not None or bool(built_in_json(self.checks_built_in))
