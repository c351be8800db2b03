"""Secret options: which options are secret, their values for redaction, and secrets in files.

`OSSFERRY_SECRET_FILE=/run/secrets/x` replaces `OSSFERRY_SECRET`. A secret in a file appears neither
in the process list nor in the output of `docker inspect`.
"""

from pathlib import Path
from typing import get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from ossferry.errors import SettingsError
from ossferry.settings.files import read_file


def is_secret(field: FieldInfo) -> bool:
    """Return whether the value of an option is secret, judged by the type in the settings class.

    Args:
        field: pydantic's description of the option.
    """
    kinds = (field.annotation, *get_args(field.annotation))
    return any(getattr(kind, "__origin__", kind) is SecretStr for kind in kinds)


def secret_values(settings: BaseModel) -> tuple[str, ...]:
    """Return the values of all secret options that are set, as plain text."""
    given = (
        getattr(settings, name)
        for name, field in type(settings).model_fields.items()
        if is_secret(field)
    )
    return tuple(value.get_secret_value() for value in given if value is not None)


def file_secrets(
    settings_cls: type[BaseSettings], prefix: str, *sources: PydanticBaseSettingsSource
) -> dict[str, str]:
    """Return secrets that are read from files, as a mapping from option names to values.

    For the option `secret`, the variable `OSSFERRY_SECRET_FILE` contains the path of the file.

    Args:
        settings_cls: the settings class, which has the secret options.
        prefix: prefix of the variables, `OSSFERRY_`.
        sources: the sources of variables, in order of precedence: the environment and `.env`.

    Raises:
        SettingsError: an option is set in a variable and in a file, or a file cannot be read.
    """
    variables = [each.env_vars for each in sources if isinstance(each, EnvSettingsSource)]
    found = {}
    for name, field in settings_cls.model_fields.items():
        option = f"{prefix}{name.upper()}"
        paths = (each.get(f"{option}_FILE".lower()) for each in variables if is_secret(field))
        path = next(filter(None, paths), None)
        if path is None:
            continue
        if any(name in source() for source in sources):
            raise SettingsError(f"{option} and {option}_FILE are both set; keep one.")
        try:
            found[name] = read_file(f"{option}_FILE", Path(path)).decode().strip()
        except UnicodeDecodeError as error:
            raise SettingsError(f"{option}_FILE: {path} is not UTF-8 text.") from error
    return found
