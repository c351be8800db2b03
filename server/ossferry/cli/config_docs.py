"""Writes `docs/configuration.md` from the settings class, so that the two cannot differ."""

from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ossferry.settings.model import PREFIX, Settings
from ossferry.settings.secrets import is_secret

__all__ = ["configuration_page"]

HEAD = """\
# Configuration

Every option is an environment variable; a file called `.env` in the working directory is read too.
The server refuses to start when a value is unsafe or missing, and says which.
A misspelled option is refused too, with the nearest name.
This page is generated: `ossferry config-docs > docs/configuration.md`.

| option | default | meaning |
|---|---|---|
"""

TAIL = """
The server's own credentials are no option of ours.
`alibabacloud_credentials` finds them by its default chain,
from environment variables through OIDC (RRSA in a cluster) and profile files to the ECS RAM role.
A role of ECS or of the cluster is best, a long-term key in the environment is warned of.
The metadata service of ECS is asked with its token only;
`ALIBABA_CLOUD_IMDSV1_DISABLED=false` changes that.
The demo never looks there: it uses the mock's keys.
"""


def configuration_page() -> str:
    """Return the Markdown page."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {_meaning(name, field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(name: str, field: FieldInfo) -> str:
    words = field.description or ""
    if get_origin(field.annotation) is Literal:
        words += " One of: " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
        words += "."
    if is_secret(field):
        words += f" Never shown or logged; `{PREFIX}{name.upper()}_FILE` may name a file with it."
    return words
