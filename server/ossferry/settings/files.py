"""Secrets read from files: `OSSFERRY_SECRET_FILE=/run/secrets/x` replaces `OSSFERRY_SECRET`.

A secret in a file appears neither in the process list nor in the output of `docker inspect`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ossferry.errors import SettingsError
from ossferry.settings.secrets import is_secret


class FileSecrets(PydanticBaseSettingsSource):
    """The pydantic settings source that reads secrets from files named in `*_FILE` variables.

    Args:
        prefix: prefix of the variables, `OSSFERRY_`.
        others: other settings sources; an option must not be set both there and in a file.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        prefix: str,
        others: tuple[PydanticBaseSettingsSource, ...],
    ) -> None:
        super().__init__(settings_cls)
        self._prefix = prefix
        self._others = others

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the secret from the file that a `*_FILE` variable names; see the base class.

        Raises:
            SettingsError: the option is set twice, or the file cannot be read.
        """
        option = f"{self._prefix}{field_name.upper()}"
        path = self._variables().get(f"{option}_FILE") if is_secret(field) else None
        if not path:
            return None, field_name, False
        if any(field_name in other() for other in self._others):
            raise SettingsError(f"{option} and {option}_FILE are both set; keep one.")
        try:
            return Path(path).read_text("utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(
                f"{option}_FILE: the file cannot be read ({why}); correct the path, or let the"
                " server's user read the file."
            ) from error

    def __call__(self) -> dict[str, Any]:
        """Return all secrets that are read from files, as a mapping from option names."""
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}

    def _variables(self) -> Mapping[str, str | None]:
        written = dotenv_values(str(self.config.get("env_file") or ""))
        given = {**written, **os.environ}
        return {name.upper(): value for name, value in given.items()}
