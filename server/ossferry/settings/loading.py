"""Functions that load the settings; an invalid option raises an error that names the option."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings import SettingsError as UnreadableError

from ossferry.errors import SettingsError
from ossferry.observability.log_format import logger
from ossferry.settings.checks import PREFIX, CheckSettings
from ossferry.settings.model import Settings
from ossferry.settings.secrets import is_secret

LIST = 'should be a list in JSON, such as ["one", "two"]'
OBJECT = 'should be an object in JSON, such as {"file_type": true}'
BUILT_IN = "checks_built_in"
"""The only option that must be an object."""

ALIKE = 0.8
"""The similarity to an option from which an unknown name counts as a typing error."""

PLAIN_WORDS = (
    (r", (unable to|got) .*| after validation, not .*", ""),
    (r"^(Input|String|Tuple) should ", "must "),
    (r"^Input is not a valid ", "must be a valid "),
    (r"greater than or equal to", "at least"),
    (r"less than or equal to", "at most"),
    (r"a valid integer", "a whole number"),
    (r"a valid number", "a number"),
    (r"a valid boolean", "1 or 0"),
    (r"a valid tuple", "a list"),
    (r"a valid IPv4 network", "a network such as 192.0.2.0/24 or 192.0.2.7/32"),
)
"""Patterns in the messages of pydantic, and what people read instead."""

S = TypeVar("S", bound=CheckSettings)

log = logger("ossferry.settings")


class ExplicitSettings(Settings):
    """Settings that are set only in code; environment variables and `.env` are not read."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the only source of these settings: the arguments of the constructor.

        pydantic calls this method.
        """
        return (init_settings,)


def load_settings(cls: type[Settings] = Settings, /, **values: object) -> Settings:
    """Return the settings from the given values, environment variables and `.env`.

    Args:
        cls: the class of the settings; `ExplicitSettings` ignores the environment and `.env`.
        values: options that take precedence over environment variables.

    Raises:
        SettingsError: an option is missing, invalid or misspelled, and the message names the first
            such option; or `.env` cannot be read.
    """
    return _load(cls, values)


def load_check_settings() -> CheckSettings:
    """Return the options of checks from environment variables and `.env`.

    Other options are not validated, but a misspelled name of any option is an error.

    Raises:
        SettingsError: an option is invalid or misspelled, and the message names it; or `.env`
            cannot be read.
    """
    return _load(CheckSettings, {})


def _load(cls: type[S], values: Mapping[str, object]) -> S:
    if not issubclass(cls, ExplicitSettings):
        _refuse_typing_errors()
    try:
        return cls(**values)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise SettingsError(_sentence(cls, error)) from error
    except UnreadableError as error:  # only JSON can be unreadable
        found = re.search(r'field "(\w+)"', str(error))
        name = found[1] if found else ""
        option = PREFIX + name.upper() if name else "An option"
        raise SettingsError(f"{option}: {OBJECT if name == BUILT_IN else LIST}.") from error


def _refuse_typing_errors() -> None:
    """Raise an error for an environment variable that looks like a misspelled option.

    A misspelled option would have no effect, and nobody would notice. Other unknown variables with
    the prefix `OSSFERRY_` are only logged, because a cluster may set variables of its own.

    Raises:
        SettingsError: a variable is similar to an option, and the message names both; or `.env`
            cannot be read.
    """
    fields = Settings.model_fields
    options = [PREFIX + name.upper() for name in fields]
    options += [f"{PREFIX}{name.upper()}_FILE" for name in fields if is_secret(fields[name])]
    try:
        written = dotenv_values(str(Settings.model_config.get("env_file") or ""))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"The file .env cannot be read: {why}.") from error
    given = {*written, *os.environ}
    for name in sorted({each.upper() for each in given}.difference(options)):
        if name.startswith(PREFIX):
            if nearest := get_close_matches(name, options, 1, ALIKE):
                raise SettingsError(f"{name} is no option; the nearest is {nearest[0]}.")
            log.warning("unknown-option", option=name)


def _sentence(cls: type[CheckSettings], error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    words = _plain(first["msg"].removeprefix("Value error, "))
    if not first["loc"]:
        return f"{words}."
    option = PREFIX + str(first["loc"][0]).upper()
    if first["loc"][0] == BUILT_IN and len(first["loc"]) > 1:
        member = ".".join(map(str, first["loc"][1:]))
        return f"{option}: {member} {words[0].lower()}{words[1:]}."
    if first["type"] == "missing":
        return f"{option} is missing{_source(cls)}."
    if first["type"] == "tuple_type":
        return f"{option}: {LIST}."
    return f"{option}: {words[0].lower()}{words[1:]}."


def _plain(words: str) -> str:
    """Return a message of pydantic in plain words, such as `must be at least 900`."""
    for pattern, replacement in PLAIN_WORDS:
        words = re.sub(pattern, replacement, words)
    return words


def _source(cls: type[CheckSettings]) -> str:
    """Return the end of the message about a missing option: where it should be."""
    if issubclass(cls, ExplicitSettings):
        return ""
    if Path(str(cls.model_config.get("env_file") or "")).is_file():
        return ": add it to .env; `ossferry setup` prints the settings"
    return (
        ": this folder has no .env; run the command in the folder of the server's .env, or make"
        " one from the settings that `ossferry setup` prints"
    )
