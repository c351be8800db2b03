"""The commands `ossferry ls`, `share` and `verify` for stored uploads.

The commands use the server's ledger, and access stored objects with the server's RAM role. Each
command imports its dependencies when it is called, so that the command line starts quickly.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from ossferry.cli.output import JsonOption, Rows, counted, json_line, note, progress
from ossferry.cli.tools import Tools, with_bucket
from ossferry.cli.values import day, whole_number
from ossferry.clock import utc_now
from ossferry.errors import NotStoredError, OssferryError, SettingsError, UsageError

if TYPE_CHECKING:
    from ossferry.oss.objects import Stored
    from ossferry.settings.model import Settings
    from ossferry.uploads.inventory import Outcome

upload_commands = typer.Typer()

READ_SIZE = 1 << 20
TITLES = {"owner_hash": "owner's hash", "crc64": "CRC-64"}
ENDS_EARLY = (
    "because it was signed with temporary credentials; up to 7 days need"
    " OSSFERRY_SHARE_ACCESS_KEY_ID and a bucket that keeps versions."
)
VERIFIED_TITLES = {"crc64": "CRC-64", "stored_crc64": "stored CRC-64"}

Which: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="PREFIX|PRINCIPAL",
        help="Only these uploads: the beginning of their keys, such as uploads/alice-, or a"
        " principal's hash, as `ossferry admin principals` prints it.",
    ),
]
Days: TypeAlias = Annotated[
    int,
    typer.Option(
        parser=whole_number(most=7), metavar="DAYS", help="Days until the link expires, 0 to 7."
    ),
]
Hours: TypeAlias = Annotated[
    int,
    typer.Option(
        parser=whole_number(most=168),
        metavar="HOURS",
        help="Hours until the link expires, 0 to 168; added to the days.",
    ),
]
Resize: TypeAlias = Annotated[
    int,
    typer.Option(
        parser=whole_number(most=4096),
        metavar="PIXELS",
        help="Width and height of an image are at most this.",
    ),
]
Watermark: TypeAlias = Annotated[
    str, typer.Option(help="A text to write on an image, at most 64 bytes.")
]
Format: TypeAlias = Annotated[
    Literal["jpg", "png", "webp"] | None,
    typer.Option("--format", help="Convert an image to this format."),
]


@upload_commands.command("ls")
def list_uploads(which: Which = "", as_json: JsonOption = False) -> None:
    """List the stored uploads with size, time, owner and CRC-64, sorted by key.

    The list comes from the bucket, so it contains every stored object. Owner and CRC-64 come from
    the ledger; the CRC-64 is missing until the server has recorded the object. The column `type`
    contains `symlink` for a symlink, and is empty for other objects. The column `held` contains
    `waiting` for an upload that waits for the scanner, and `held` for one that it found bad.
    """
    from ossferry.uploads.inventory import stored_uploads
    from ossferry.uploads.scope import read_scope

    names = ("key", "bytes", "stored_at", "owner", "owner_hash", "crc64", "type", "held")

    async def show(tools: Tools) -> None:
        async with tools.database.read() as connection:
            scope = await read_scope(connection, which)
        with Rows(*names, as_json=as_json, titles=TITLES) as rows:
            async for each in stored_uploads(tools.places, tools.database, scope):
                listed, owner, receipt = each.listed, each.owner, each.receipt
                rows.add(
                    *(listed.key, listed.size, listed.last_modified),
                    *((owner.label, owner.hash) if owner else (None, None)),
                    (receipt and receipt.crc64) or None,
                    "symlink" if listed.is_symlink else None,
                    each.held or None,
                )

    with_bucket(show)


@upload_commands.command()
def share(
    key: Annotated[str, typer.Argument(help="The key of the upload, as `ls` prints it.")],
    days: Days = 0,
    hours: Hours = 0,
    inline: Annotated[
        bool, typer.Option("--inline", help="Let the browser display the file.")
    ] = False,
    comment: Annotated[
        str, typer.Option("--note", help="A note for the list of links, at most 200 characters.")
    ] = "",
    resize: Resize = 0,
    watermark: Watermark = "",
    format_: Format = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link to one upload, which is valid for an hour, or for the given time up to 7 days.

    Options such as --resize make OSS change the image when somebody opens the link; the stored
    image stays as it is. As for a link from the page, --inline is refused for types that are unsafe
    in a browser. The link is recorded in the ledger and in the audit trail. Nobody can revoke it.
    """
    from ossferry.http.body import parsed
    from ossferry.ledger import people
    from ossferry.sharing.links import MAX_DIRECT_S, MAX_NOTE, Wish, make_link
    from ossferry.uploads.scope import read_key

    read_key(key)
    lives = timedelta(days=days, hours=hours) or timedelta(hours=1)
    lives_s = int(lives.total_seconds())
    if lives_s > MAX_DIRECT_S:
        raise UsageError("--days and --hours: a link lasts 7 days at most.")
    if len(comment) > MAX_NOTE:
        raise UsageError(f"--note: at most {MAX_NOTE} characters.")
    wish = parsed(
        {
            "key": key,
            "expires_s": lives_s,
            "disposition": "inline" if inline else "attachment",
            "note": comment,
            "process": _process(resize, watermark, format_),
        },
        Wish,
    )

    async def make(tools: Tools) -> None:
        async with tools.database.read() as connection:
            owner = await people.owner_of_key(connection, key)
        if owner is None:
            raise NotStoredError("the ledger knows no owner of this key; `ossferry ls` lists keys.")
        with audited(tools.settings, owner.hash, "share"):
            link = await make_link(tools.places, tools.database, owner, wish, clock=utc_now)
        _print_link(link["url"], link["expires_at"], as_json=as_json)
        if datetime.fromisoformat(link["expires_at"]) < utc_now() + lives - timedelta(minutes=1):
            note(f"The link expires at {link['expires_at']}, earlier than requested, {ENDS_EARLY}")

    with_bucket(make)


def _print_link(url: str, expires_at: str, *, as_json: bool) -> None:
    if as_json:
        json_line({"url": url, "expires_at": expires_at})
    else:
        typer.echo(url)


def _process(resize: int, watermark: str, format_: str | None) -> dict[str, object] | None:
    """Return the field `process` of a link's request; None if the image stays as it is.

    Raises:
        UsageError: OSS cannot write this watermark.
    """
    from ossferry.oss.image_processing import MAX_WATERMARK_BYTES

    if len(watermark.encode()) > MAX_WATERMARK_BYTES or not watermark.isprintable():
        raise UsageError(f"--watermark: at most {MAX_WATERMARK_BYTES} bytes of printable text.")
    sides = {"width": resize, "height": resize} if resize else None
    wishes = {"resize": sides, "watermark": watermark, "format": format_}
    return {name: value for name, value in wishes.items() if value} or None


@upload_commands.command()
def verify(
    which: Annotated[
        str,
        typer.Argument(
            metavar="KEY|PREFIX|PRINCIPAL",
            help="Only these uploads: a key, the beginning of keys, or a principal's hash.",
        ),
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=day, metavar="DAY", help="Only uploads recorded since this day in UTC."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Compare this local file with the stored object KEY instead."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the stored objects with their receipts: size, and CRC-64 as OSS computed it.

    Print the uploads that differ, are missing, are symlinks, cannot be read, or have no CRC-64 in
    OSS. The exit code is 1 if there are any. Objects without a receipt are only counted, not
    checked; `ossferry admin reconcile` records them.
    """
    from ossferry.uploads.scope import read_key

    if file is not None:
        if since is not None:
            raise UsageError("--since and --file cannot be used together.")
        if not which:
            raise UsageError(
                "--file needs the key of the stored object: `ossferry verify KEY --file FILE`."
            )
        differs = _verify_file(file, read_key(which), as_json=as_json)
    else:
        differs = _verify_receipts(which, since, as_json=as_json)
    if differs:
        raise typer.Exit(1)


VERIFIED = ("key", "outcome", "bytes", "stored_bytes", "crc64", "stored_crc64")


def _verify_receipts(which: str, since: datetime | None, *, as_json: bool) -> bool:
    """Print the receipts that differ from the bucket; return whether there are any.

    Raises:
        NotStoredError: no receipt has this key or prefix.
    """
    from ossferry.ledger.reports import count_uploads
    from ossferry.uploads.inventory import check_receipts, count_unrecorded
    from ossferry.uploads.scope import read_scope

    async def check(tools: Tools) -> bool:
        async with tools.database.read() as connection:
            scope = await read_scope(connection, which)
            principal = scope.owner.hash if scope.owner else ""
            total = await count_uploads(connection, principal=principal, since=since)
        checked, differ = 0, 0
        with (
            progress("Verifying", total=total if scope.is_whole else None) as done,
            Rows(*VERIFIED, as_json=as_json, titles=VERIFIED_TITLES) as rows,
        ):
            async for each in check_receipts(tools.store, tools.database, scope, since=since):
                done(1)
                checked += 1
                if each.outcome != "same":
                    differ += 1
                    row = each.receipt
                    _add(rows, row.key, each.outcome, row.size, row.crc64, each.stored)
        if not checked and since is None and not scope.is_whole:
            raise NotStoredError("no receipt of a stored upload matches; `ossferry ls` lists keys.")
        unrecorded = await count_unrecorded(tools.store, tools.database, scope, since=since)
        note(_summary(checked, differ, unrecorded))
        return bool(differ)

    return with_bucket(check)


def _summary(checked: int, differ: int, unrecorded: int) -> str:
    """Return the sentence about the uploads that were compared, and about those that were not."""
    text = (
        f"{counted(checked, 'upload')} checked, {differ} {'differs' if differ == 1 else 'differ'}"
    )
    if not unrecorded:
        return text
    have = "has no receipt and was" if unrecorded == 1 else "have no receipt and were"
    return (
        f"{text}; {counted(unrecorded, 'stored object')} {have} not checked: run `ossferry admin"
        " reconcile`, which records the objects of known principals"
    )


def _verify_file(path: Path, key: str, *, as_json: bool) -> bool:
    """Compare a local file with a stored object; return whether they differ.

    Raises:
        SettingsError: the file cannot be read.
        NotStoredError: OSS has no object with this key, or only a symlink.
    """
    from ossferry.uploads.inventory import find_upload, outcome_of

    stored = with_bucket(lambda tools: find_upload(tools.places, key))
    size, crc64 = _checksum(path)
    outcome = outcome_of(stored, size=size, crc64=crc64)
    with Rows(*VERIFIED, as_json=as_json, titles=VERIFIED_TITLES) as rows:
        _add(rows, key, outcome, size, crc64, stored)
    return outcome != "same"


def _add(
    rows: Rows, key: str, outcome: "Outcome", size: int, crc64: str, stored: "Stored | None"
) -> None:
    there = (stored.size, stored.crc64 or None) if stored else (None, None)
    rows.add(key, outcome, size, there[0], crc64 or None, there[1])


def _checksum(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the CRC-64/ECMA (decimal text) of a file.

    Raises:
        SettingsError: the file cannot be read.
    """
    from fastcrc import crc64

    size = crc = 0
    try:
        total = path.stat().st_size
        with (
            path.open("rb") as file,
            progress(f"Reading {path.name}", total=total, in_bytes=True) as done,
        ):
            while piece := file.read(READ_SIZE):
                crc = crc64.xz(piece, crc)
                size += len(piece)
                done(len(piece))
    except OSError as error:
        raise SettingsError(f"--file: {path} cannot be read ({error.strerror}).") from error
    return size, str(crc)


@contextmanager
def audited(settings: "Settings", principal: str, action: str) -> Iterator[None]:
    """Record an action in the file of the audit trail, if there is one.

    The line is written after the action was done or refused.
    """
    from ossferry.access.audit import Audit

    audit = Audit(settings, clock=utc_now)
    try:
        yield
    except OssferryError as error:
        audit.managed(principal, action=action, outcome=error.code)
        raise
    else:
        audit.managed(principal, action=action)
    finally:
        audit.close()
