"""The commands `ossferry admin …`: reports, quotas, revocation, reconciliation, kill switch.

The commands use the database and the cloud account in the settings, and work with or without a
running server. Each command imports its dependencies when it is called, so that the command line
starts quickly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

import typer

from ossferry.clock import utc_now, utc_text
from ossferry.errors import SettingsError

if TYPE_CHECKING:
    from ossferry.ledger import Database

__all__ = ["admin_commands"]

MOST = 100_000

T = TypeVar("T")
Principal: TypeAlias = Annotated[
    str, typer.Argument(help="The principal's hash, as `principals` prints it.")
]
Limit: TypeAlias = Annotated[int | None, typer.Option(min=0)]

admin_commands = typer.Typer(help="Manage uploads and principals.", no_args_is_help=True)


@admin_commands.command()
def principals() -> None:
    """Print a table of all principals; the columns are separated by tabs, and times are in UTC."""
    from ossferry.ledger.reports import principals_report

    async def read(database: "Database") -> None:
        typer.echo("hash\tname\tfiles\tbytes\tlast upload\tshut out")
        async with database.read() as connection:
            for row in await principals_report(connection, limit=MOST):
                times = [
                    utc_text(each) if each else "-" for each in (row.last_upload, row.revoked_at)
                ]
                typer.echo(
                    "\t".join([row.hash, row.label, str(row.objects), str(row.bytes), *times])
                )

    _run(read)


@admin_commands.command()
def uploads(
    principal: Annotated[str, typer.Option(help="Only uploads of this principal (a hash).")] = "",
    since: Annotated[
        datetime | None,
        typer.Option(help="Only uploads since this day in UTC.", formats=["%Y-%m-%d"]),
    ] = None,
) -> None:
    """Print uploads as CSV, newest first."""
    from ossferry.admin.endpoints import csv_pieces

    async def read(database: "Database") -> None:
        after = since.replace(tzinfo=UTC) if since else None
        async for piece in csv_pieces(database, principal=principal, since=after):
            typer.echo(piece, nl=False)

    _run(read)


@admin_commands.command()
def revoke(principal: Principal) -> None:
    """Revoke a principal's access; credentials and links already issued stay valid until they
    expire.
    """
    _set_revoked(principal, utc_now())


@admin_commands.command()
def restore(principal: Principal) -> None:
    """Restore the access of a principal whose access was revoked."""
    _set_revoked(principal, None)


@admin_commands.command()
def quota(
    principal: Principal,
    bytes_day: Limit = None,
    objects_day: Limit = None,
    bytes_total: Limit = None,
    objects_total: Limit = None,
    clear: Annotated[bool, typer.Option(help="Remove the principal's own limits.")] = False,
) -> None:
    """Set limits for one principal; without options, print the principal's limits.

    If any option is given, all other limits are reset to the limits in the settings.
    """
    from ossferry.ledger import people
    from ossferry.ledger.standing import Quota, set_quota

    own = Quota(
        bytes_day=bytes_day,
        objects_day=objects_day,
        bytes_total=bytes_total,
        objects_total=objects_total,
    )

    async def write(database: "Database") -> None:
        async with database.write() as connection:
            if await people.owner_by_hash(connection, principal) is None:
                raise _nobody(principal)
            if clear or own != Quota():
                await set_quota(connection, principal, own)
        await _print_quota(database, principal)

    _run(write)


async def _print_quota(database: "Database", principal: str) -> None:
    """Print each limit of a principal, with the usage and who has set the limit."""
    from ossferry.ledger.standing import NAMES, standing
    from ossferry.settings.loading import load_settings

    settings = load_settings()
    async with database.read() as connection:
        found = await standing(connection, principal, utc_now())
    typer.echo("limit\tused\tallowed\tset by")
    for name in NAMES:
        own, common = getattr(found.own, name), getattr(settings, f"quota_{name}")
        allowed = common if own is None else own
        shown = "-" if allowed is None else str(allowed)
        by = "settings" if own is None else "admin"
        typer.echo(f"{name}\t{found.used[name] + found.kept[name]}\t{shown}\t{by}")


@admin_commands.command()
def reconcile(
    principal: Annotated[str, typer.Argument(help="Only this principal (a hash).")] = "",
) -> None:
    """Compare the bucket with the ledger, correct the ledger, and print the differences."""
    from ossferry.ledger import people
    from ossferry.ledger.reports import principals_report
    from ossferry.uploads.reconcile import reconciler

    async def compare(database: "Database") -> None:
        async with database.read() as connection:
            known = [principal] if principal else []
            if not known:
                known = [row.hash for row in await principals_report(connection, limit=MOST)]
            owners = [await people.owner_by_hash(connection, each) for each in known]
        async with reconciler(database) as looking:
            for owner in owners:
                if owner is None:
                    raise _nobody(principal)
                differences = await looking.look_through(owner)
                for kind in ("found", "changed", "gone"):
                    for key in getattr(differences, kind):
                        typer.echo(f"{kind}\t{key}")

    _run(compare)


@admin_commands.command("kill-switch")
def kill_switch(
    state: Annotated[Literal["on", "off", "status"], typer.Argument()],
) -> None:
    """Turn the kill switch on or off, or print its status.

    While the kill switch is on, OSS denies all access with upload credentials, including
    credentials already issued. The command calls RAM with the rights of the person who runs it,
    because the server does not have these rights.
    """
    from ossferry.oss.kill_switch import KillSwitch
    from ossferry.oss.sts import default_credentials
    from ossferry.settings.loading import load_settings

    settings = load_settings()
    switch = KillSwitch(settings, default_credentials(), settings.role_arn)
    if state == "on":
        switch.on()
    elif state == "off":
        switch.off()
    typer.echo("on" if switch.is_on() else "off")


def _set_revoked(principal: str, at: datetime | None) -> None:
    from ossferry.ledger import people

    async def write(database: "Database") -> None:
        async with database.write() as connection:
            if not await people.set_revoked(connection, principal, at):
                raise _nobody(principal)

    _run(write)


def _nobody(principal: str) -> SettingsError:
    return SettingsError(
        f"there is no principal {principal}; `ossferry admin principals` lists all."
    )


def _run(work: Callable[["Database"], Awaitable[T]]) -> T:
    from ossferry.ledger import Database
    from ossferry.settings.loading import load_settings

    settings = load_settings()

    async def main() -> T:
        database = Database(settings.ledger_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(main())
