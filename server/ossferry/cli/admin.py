"""The commands `ossferry admin …`: reports, quotas, revocation, reconciliation, kill switch.

The commands use the database and the cloud account in the settings, and work with or without a
running server. Each command imports its dependencies when it is called, so that the command line
starts quickly.
"""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from ossferry.cli.output import JsonOption, Rows, counted, json_line, note, progress
from ossferry.cli.tools import Tools, with_bucket, with_ledger
from ossferry.cli.values import day
from ossferry.clock import utc_now, utc_text

if TYPE_CHECKING:
    from ossferry.ledger import AsyncConnection, Database

MOST = 100_000

Principal: TypeAlias = Annotated[
    str, typer.Argument(help="The principal's hash, as `principals` prints it.")
]
Limit: TypeAlias = Annotated[int | None, typer.Option(min=0, max=2**63 - 1)]

admin_commands = typer.Typer(help="Manage uploads and principals.", no_args_is_help=True)


@admin_commands.command()
def principals(as_json: JsonOption = False) -> None:
    """List all principals: number and size of their uploads, and time of the last upload in UTC."""
    from ossferry.ledger.reports import principals_report

    names = ("hash", "name", "files", "bytes", "last_upload", "revoked_at")

    async def read(database: "Database") -> None:
        async with database.read() as connection:
            found = await principals_report(connection, limit=MOST)
        with Rows(*names, as_json=as_json) as rows:
            for row in found:
                rows.add(
                    row.hash, row.label, row.objects, row.bytes, row.last_upload, row.revoked_at
                )

    with_ledger(read)


@admin_commands.command()
def uploads(
    principal: Annotated[str, typer.Option(help="Only uploads of this principal (a hash).")] = "",
    since: Annotated[
        datetime | None,
        typer.Option(parser=day, metavar="DAY", help="Only uploads since this day in UTC."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the receipts of uploads as CSV or JSON, newest first, including deleted uploads."""
    from ossferry.admin.endpoints import csv_pieces
    from ossferry.ledger.reports import UploadRow, upload_pages

    async def print_csv(database: "Database") -> None:
        async for piece in csv_pieces(database, principal=principal, since=since):
            typer.echo(piece, nl=False)

    async def print_json(database: "Database") -> None:
        names = [each.name for each in fields(UploadRow)]
        with Rows(*names, as_json=True) as rows:
            async for page in upload_pages(database, principal=principal, since=since):
                for row in page:
                    rows.add(*(getattr(row, name) for name in names))

    with_ledger(print_json if as_json else print_csv)


@admin_commands.command()
def requests(as_json: JsonOption = False) -> None:
    """List open file requests: number and size of what guests have sent, newest request first."""
    from ossferry.ledger.file_requests import open_requests

    names = ("id", "owner", "name", "title", "ends_at", "guests", "files", "bytes", "last_file")

    async def read(database: "Database") -> None:
        async with database.read() as connection:
            found = await open_requests(connection, utc_now())
        with Rows(*names, as_json=as_json) as rows:
            for asked, owner, _ in found:
                who = (asked.id, owner.hash, owner.label, asked.terms["title"], asked.ends_at)
                rows.add(*who, asked.guests, asked.files, asked.bytes, asked.last_at)

    with_ledger(read)


@admin_commands.command()
def revoke(principal: Principal, as_json: JsonOption = False) -> None:
    """Revoke a principal's access; credentials and links already issued stay valid until they
    expire.
    """
    _set_revoked(principal, utc_now(), as_json=as_json)


@admin_commands.command()
def restore(principal: Principal, as_json: JsonOption = False) -> None:
    """Restore the access of a principal whose access was revoked."""
    _set_revoked(principal, None, as_json=as_json)


@admin_commands.command()
def forget(principal: Principal, as_json: JsonOption = False) -> None:
    """Remove a principal's id and name from the ledger, and events that contain them.

    Events whose delivery is not finished stay. The next grant to this principal adds the id and the
    name again. Uploads and receipts stay.
    """
    from ossferry.ledger import people

    _change(principal, partial(people.forget, hash_=principal))
    if as_json:
        json_line({"hash": principal, "label": principal})


@admin_commands.command()
def quota(
    principal: Principal,
    bytes_day: Limit = None,
    objects_day: Limit = None,
    bytes_total: Limit = None,
    objects_total: Limit = None,
    clear: Annotated[bool, typer.Option(help="Remove the principal's own limits.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Set limits for one principal; without options, print the principal's limits.

    Limits of a day count every upload since midnight UTC, even if it is deleted later; the others
    count stored uploads. 0 allows no upload. If any option is given, all other limits are reset to
    the limits in the settings.
    """
    from ossferry.ledger import people
    from ossferry.ledger.standing import Quota, set_quota
    from ossferry.uploads.scope import nobody

    own = Quota(
        bytes_day=bytes_day,
        objects_day=objects_day,
        bytes_total=bytes_total,
        objects_total=objects_total,
    )

    async def write(database: "Database") -> None:
        async with database.write() as connection:
            if await people.owner_by_hash(connection, principal) is None:
                raise nobody(principal)
            if clear or own != Quota():
                await set_quota(connection, principal, own)
        await _print_quota(database, principal, as_json=as_json)

    with_ledger(write)


async def _print_quota(database: "Database", principal: str, *, as_json: bool) -> None:
    """Print each limit of a principal, with the usage and who has set the limit."""
    from ossferry.ledger.standing import NAMES, standing
    from ossferry.settings.loading import load_settings

    settings = load_settings()
    async with database.read() as connection:
        found = await standing(connection, principal, utc_now())
    with Rows("limit", "used", "allowed", "set_by", as_json=as_json) as rows:
        for name in NAMES:
            own, common = getattr(found.own, name), getattr(settings, f"quota_{name}")
            limit = (common, "settings") if own is None else (own, "admin")
            rows.add(name, found.used[name], *limit)


@admin_commands.command()
def reconcile(
    principal: Annotated[str, typer.Argument(help="Only this principal (a hash).")] = "",
    as_json: JsonOption = False,
) -> None:
    """Compare the bucket with the ledger, correct the ledger, and print the differences."""
    from ossferry.ledger import people
    from ossferry.ledger.reports import principals_report
    from ossferry.uploads.reconcile import reconciler
    from ossferry.uploads.refused import SETTLE
    from ossferry.uploads.scope import nobody

    async def compare(tools: Tools) -> None:
        async with tools.database.read() as connection:
            known = [principal] if principal else []
            if not known:
                known = [row.hash for row in await principals_report(connection, limit=MOST)]
            owners = [await people.owner_by_hash(connection, each) for each in known]
        looking = reconciler(tools.settings, tools.store, tools.database)
        count, waiting = 0, list[datetime]()
        with (
            progress("Comparing principals", total=len(owners)) as done,
            Rows("difference", "key", as_json=as_json, has_heading=False) as rows,
        ):
            for owner in owners:
                if owner is None:
                    raise nobody(principal)
                differences = await looking.look_through(owner)
                for kind in ("found", "changed", "gone"):
                    for key in getattr(differences, kind):
                        rows.add(kind, key)
                        count += 1
                waiting += differences.waiting.values()
                done(1)
        told = f"{counted(len(owners), 'principal')} compared, {counted(count, 'difference')}"
        if waiting:
            until = utc_text(max(waiting) + SETTLE)
            told += (
                f"; {counted(len(waiting), 'new or changed object')} may still get a receipt from"
                f" the page until {until}; after that the server looks at them, or this command if"
                " you run it again"
            )
        note(told)

    with_bucket(compare)


@admin_commands.command("kill-switch")
def kill_switch(
    state: Annotated[Literal["on", "off", "status"], typer.Argument()], as_json: JsonOption = False
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
    found = "on" if switch.is_on() else "off"
    if as_json:
        json_line({"kill_switch": found})
    else:
        typer.echo(found)


def _set_revoked(principal: str, at: datetime | None, *, as_json: bool) -> None:
    from ossferry.ledger import people

    _change(principal, partial(people.set_revoked, hash_=principal, at=at))
    if as_json:
        json_line({"hash": principal, "revoked_at": utc_text(at) if at else None})


def _change(principal: str, change: "Callable[[AsyncConnection], Awaitable[bool]]") -> None:
    """Change a principal in the ledger.

    Raises:
        SettingsError: `change` returns False, because the ledger has no such principal.
    """
    from ossferry.uploads.scope import nobody

    async def write(database: "Database") -> None:
        async with database.write() as connection:
            if not await change(connection):
                raise nobody(principal)

    with_ledger(write)
