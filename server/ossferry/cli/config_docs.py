"""Generates the page `docs/configuration.md` from the options and their docstrings."""

from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ossferry.settings.checks import CheckSettings
from ossferry.settings.model import PREFIX, Settings
from ossferry.settings.secrets import is_secret

HEAD = """\
# Configuration

Which options does the server have? Every option is an environment variable, or a line of the file
`.env` in the working directory.
If a value is unsafe or missing, or a name is misspelled, the server does not start, and its message
names the option. An empty value means that the option is not set.

| in the tables | means |
|---|---|
| default `[…]` | a JSON list |
| a name that ends in `_S` | seconds |
| *Secret.* | never shown or logged; the name with `_FILE` can name a file that has it |

This page is generated: `ossferry config-docs > docs/configuration.md`.
"""

MINIMUM = (
    *("auth", "bucket", "region", "endpoint", "role_arn", "objects_role_arn", "secret"),
    *("public_url", "allowed_hosts", "behind_tls"),
)
"""The options that almost every server needs; they have the first table."""

GROUPS = {
    "cname": "OSS, STS and RAM",
    "share_access_key_id": "After the upload",
    "session_duration_s": "Credentials and forms",
    "api_keys_file": "Who may upload",
    "trusted_proxies": "Proxies and other sites",
    "rate_per_principal": "Rates",
    "max_file_size": "Files and the page",
    "host": "The process",
    "metrics_token": "Metrics and logs",
    "allow_mock": "The mock",
    "checks": "Checks of files",
}
"""The first option of each group -> its heading. A group ends where the next one begins."""

TABLE = """
## {heading}

| option | default | meaning |
|---|---|---|
"""

TAIL = """
## The server's own credentials

`alibabacloud_credentials` finds them with its default chain: environment variables, OIDC (RRSA in a
cluster), profile files, and the ECS RAM role, in this order.
A role of ECS or of the cluster is best; the server warns about a long-term key in the environment.
The server calls the ECS metadata service only with a token; `ALIBABA_CLOUD_IMDSV1_DISABLED=false`
also allows calls without one.
"""


def configuration_page() -> str:
    """Return the text of `docs/configuration.md`: all options in Markdown tables."""
    own = [name for name in Settings.model_fields if name not in CheckSettings.model_fields]
    page = HEAD + TABLE.format(heading="The minimum") + "".join(map(_row, MINIMUM))
    for name in (*own, *CheckSettings.model_fields):
        if name in GROUPS:
            page += TABLE.format(heading=GROUPS[name])
        if name not in MINIMUM:
            page += _row(name)
    return page + TAIL


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    text = f"{field.description}{' *Secret.*' if is_secret(field) else ''}"
    meaning = " ".join(text.split())
    return f"| `{PREFIX}{name.upper()}` | {_default(field)} | {meaning} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None:
        return "none"
    if is_dataclass(value) or isinstance(value, BaseModel):
        return "`{}`"
    if isinstance(value, tuple | dict):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
