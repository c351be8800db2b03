"""Generates the page `docs/configuration.md` from the settings class."""

from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ossferry.settings.checks import CheckSettings
from ossferry.settings.model import PREFIX, Settings
from ossferry.settings.secrets import is_secret

__all__ = ["configuration_page"]

HEAD = """\
# Configuration

Every option is an environment variable; the server also reads the file `.env` in the working
directory.
If a value is unsafe or missing, the server does not start, and its message names the option.
An empty value means that the option is not set.
It also refuses a misspelled option and suggests the nearest name.
This page is generated: `ossferry config-docs > docs/configuration.md`.

| option | default | meaning |
|---|---|---|
"""

TAIL = """
ossferry has no option for the server's own cloud credentials.
`alibabacloud_credentials` finds them with its default chain:
environment variables, OIDC (RRSA in a cluster), profile files, and the ECS RAM role, in this order.
A role of ECS or of the cluster is best; the server warns about a long-term key in the environment.
The server calls the ECS metadata service only with a token;
`ALIBABA_CLOUD_IMDSV1_DISABLED=false` also allows calls without a token.
The demo does not use this chain: it uses the mock's keys.
"""


def configuration_page() -> str:
    """Return the text of `docs/configuration.md`: all options in a Markdown table."""
    own = [name for name in Settings.model_fields if name not in CheckSettings.model_fields]
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {_meaning(name, field)} |"
        for name in (*own, *CheckSettings.model_fields)
        for field in (Settings.model_fields[name],)
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None:
        return "none"
    if is_dataclass(value):
        return "`{}`"
    if isinstance(value, tuple | dict):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(name: str, field: FieldInfo) -> str:
    words = field.description or ""
    if get_origin(field.annotation) is Literal:
        words += " One of: " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
        words += "."
    if is_secret(field):
        words += (
            f" Never shown or logged; `{PREFIX}{name.upper()}_FILE` can name a file that holds it."
        )
    return words
