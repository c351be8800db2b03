"""The commands `ossferry apikey …`: make keys, list them, close them.

A key is shown once, on stdout, and kept nowhere but as a keyed hash. As in `cli`, a command loads
what it needs when it is called.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ossferry.clock import utc_now
from ossferry.errors import SettingsError

if TYPE_CHECKING:
    from ossferry.authentication.apikey_file import ApiKeyFile, KeyRecord
    from ossferry.settings.model import Settings

__all__ = ["key_commands"]

key_commands = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@key_commands.command()
def create(
    user: Annotated[str, typer.Argument(help="The principal that the key stands for.")],
    days: Annotated[int, typer.Option(min=0, help="Life of the key; 0 for no end.")] = 0,
    address: Annotated[
        list[str] | None, typer.Option(help="A network that may use the key; repeatable.")
    ] = None,
) -> None:
    """Make a key and print it, once."""
    from ossferry.authentication.apikey_text import new_key

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
    typer.echo(key.text)


@key_commands.command("list")
def list_keys() -> None:
    """Print what is known of each key: id, user, made, ends, revoked."""
    _, file = _opened()
    for record in file.records().values():
        fields = (record.id, record.user, record.created, record.expires, record.revoked)
        typer.echo("\t".join(field or "-" for field in fields))


@key_commands.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `list` shows it.")]) -> None:
    """Close a key for ever."""
    settings, file = _opened()
    _note(settings, file.revoke(key_id, utc_now()), "apikey-revoke")


def _note(settings: "Settings", record: "KeyRecord", action: str) -> None:
    """Write the audit line, where those of the server go."""
    from ossferry.access.audit import Audit
    from ossferry.identity.owner import principal_hash
    from ossferry.identity.principal import Principal
    from ossferry.observability.logs import configure
    from ossferry.settings.secrets import secret_values

    configure(settings.log_level, secrets=secret_values(settings))
    audit = Audit(settings, clock=utc_now)
    principal = Principal(id=record.user, name=record.user)
    hash_ = principal_hash(principal, secret=settings.secret_bytes)
    audit.managed(hash_, action=action, key_id=record.id)
    audit.close()


def _opened() -> "tuple[Settings, ApiKeyFile]":
    from ossferry.authentication.apikey_file import ApiKeyFile
    from ossferry.settings.loading import load_settings

    settings = load_settings()
    if settings.api_keys_file is None:
        raise SettingsError("OSSFERRY_API_KEYS_FILE is missing.")
    return settings, ApiKeyFile(settings.api_keys_file)
