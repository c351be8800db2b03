"""The commands `ossferry apikey …`: create, list and revoke API keys.

A key is printed once, on stdout; only its keyed hash is stored. Each command imports its
dependencies when it is called, so that the command line starts quickly.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ossferry.cli.output import JsonOption, Rows, json_line
from ossferry.clock import utc_now
from ossferry.errors import SettingsError

if TYPE_CHECKING:
    from ossferry.authentication.apikey import ApiKeyFile, KeyRecord
    from ossferry.settings.model import Settings

COLUMNS = ("id", "user", "created", "expires", "revoked", "addresses")

key_commands = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@key_commands.command()
def create(
    user: Annotated[str, typer.Argument(help="The id of the principal that uses the key.")],
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Days until the key expires; 0 for never.")
    ] = 0,
    address: Annotated[
        list[str] | None, typer.Option(help="A network that may use the key; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create an API key and print it. It cannot be shown again."""
    from ossferry.authentication.apikey import new_key

    settings, file = _opened()
    now = utc_now()
    expires = (now + timedelta(days=days)).isoformat(timespec="seconds") if days else ""
    key = new_key()
    record = file.add(
        key,
        secret=settings.secret_bytes,
        user=user,
        created=now,
        expires=expires,
        addresses=tuple(address or ()),
    )
    _note(settings, record, "apikey-create")
    if as_json:
        json_line({"key": key.text, **_columns(record)})
    else:
        typer.echo(key.text)


@key_commands.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """List all API keys: id, user, creation, expiry and revocation time, and allowed networks."""
    _, file = _opened()
    with Rows(*COLUMNS, as_json=as_json) as rows:
        for record in file.records().values():
            rows.add(*_columns(record).values())


@key_commands.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `list` prints it.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke an API key permanently."""
    settings, file = _opened()
    record = file.revoke(key_id, utc_now())
    _note(settings, record, "apikey-revoke")
    if as_json:
        json_line(_columns(record))


def _columns(record: "KeyRecord") -> dict[str, str | None]:
    values = {**asdict(record), "addresses": ", ".join(record.addresses)}
    return {name: values[name] or None for name in COLUMNS}


def _note(settings: "Settings", record: "KeyRecord", action: str) -> None:
    """Record the change of an API key in the file of the audit trail, if there is one.

    Args:
        action: `apikey-create` or `apikey-revoke`.
    """
    from ossferry.access.audit import Audit
    from ossferry.identity.owner import principal_hash
    from ossferry.identity.principal import Principal

    audit = Audit(settings, clock=utc_now)
    principal = Principal(id=record.user, name=record.user)
    hash_ = principal_hash(principal, secret=settings.secret_bytes)
    audit.managed(hash_, action=action, key_id=record.id)
    audit.close()


def _opened() -> "tuple[Settings, ApiKeyFile]":
    from ossferry.authentication.apikey import ApiKeyFile
    from ossferry.settings.loading import load_settings

    settings = load_settings()
    if settings.api_keys_file is None:
        raise SettingsError("OSSFERRY_API_KEYS_FILE is missing.")
    return settings, ApiKeyFile(settings.api_keys_file)
