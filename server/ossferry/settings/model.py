"""The settings of the server, read from `OSSFERRY_*` variables and `.env`.

No other package reads these variables. The module `options` validates each value alone, and the
module `rules` validates combinations of values. If a value is unsafe or missing, the server does
not start, and the error message names the option. This module opens no connection.
"""

from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from ossferry.settings.checks import PREFIX
from ossferry.settings.options import Options
from ossferry.settings.rules import broken_rules
from ossferry.settings.secrets import file_secrets

__all__ = ["PREFIX", "Settings"]


class Settings(Options):
    """The options of `ossferry serve`; single values and their combinations are validated.

    Each option is set by the environment variable `OSSFERRY_` + the option's name in capitals.
    """

    @model_validator(mode="after")
    def _combination_is_safe(self) -> Self:
        for sentence in broken_rules(self):
            raise ValueError(sentence)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings in order of precedence; pydantic calls this method.

        The order is: arguments of the constructor, `*_FILE` files, environment variables, `.env`.
        """
        found = file_secrets(settings_cls, PREFIX, env_settings, dotenv_settings)
        files = InitSettingsSource(settings_cls, found)
        return (init_settings, files, env_settings, dotenv_settings)
