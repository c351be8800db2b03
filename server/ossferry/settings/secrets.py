"""Secret options: which options are secret, and their values for redaction."""

from typing import get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo


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
