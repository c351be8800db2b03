"""Probes of what the server and `ossferry scan` use besides the cloud.

These are Redis, the database, the audit file, the locked process of the checks, clamd, and a
scanner.
"""

import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from ossferry.access.audit import Audit
from ossferry.diagnosis import probes
from ossferry.diagnosis.findings import Finding, failed, passed, skipped, unusable, warned
from ossferry.doctor.server import Server
from ossferry.errors import LedgerLostError, MissingExtraError, SettingsError
from ossferry.ledger import Database
from ossferry.scanning.checking import find_locks
from ossferry.scanning.clamd import Clamd
from ossferry.state.choice import make_storage

CONTAINER = (
    "Use Linux 5.13 or newer on x86_64 or aarch64; in a container, use the default seccomp profile"
    " of a current Docker or containerd."
)


async def probe_storage(server: Server) -> Finding:
    """Check that Redis answers, if the settings have a Redis URL."""
    if server.settings.redis_url is None:
        return passed("No Redis is configured: limits and sessions are in memory.")
    storage = make_storage(server.settings)
    try:
        return await probes.probe_storage(storage)
    finally:
        await storage.close()


async def probe_ledger(server: Server) -> Finding:
    """Check that the ledger answers, has the newest tables, and can be written.

    The probe does not migrate the tables, because a running server may still use the old ones.
    """
    if server.settings.objects_role_arn is None:
        return passed("The server has no role for objects, and therefore no ledger.")
    file = _sqlite_file(server)
    if file is not None and (user := _other_user(file)):
        return _as_user(user)
    if file is not None and file.parent.is_dir() and not file.exists():
        return _new_file(file.absolute())
    try:
        async with _ledger(server) as ledger:
            return await _look(server, ledger)
    except MissingExtraError as error:
        return unusable(error)
    except SettingsError as error:
        return failed(str(error), "Create the folder, or correct OSSFERRY_DATABASE_URL.")
    except LedgerLostError as error:
        return probes.lost_ledger(error)


def _sqlite_file(server: Server) -> Path | None:
    url = sa.make_url(server.settings.ledger_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


@asynccontextmanager
async def _ledger(server: Server) -> AsyncIterator[Database]:
    ledger = Database(server.settings.ledger_url)
    try:
        yield ledger
    finally:
        await ledger.close()


async def _look(server: Server, ledger: Database) -> Finding:
    tables = await ledger.look()
    if tables.found == tables.newest:
        return await probes.probe_ledger(ledger, server.clock)
    if tables.found is None:
        return passed("The database is empty; the server creates its tables when it starts.")
    if tables.found < tables.newest:
        return failed(
            "The ledger has the tables of an older release.",
            "Back up the ledger, and start the previous release of ossferry once: it updates"
            " the tables.",
        )
    return failed("A newer version of ossferry has migrated the ledger.", "Update ossferry.")


async def probe_audit(server: Server) -> Finding:
    """Check that the audit trail can be written."""
    file = server.settings.audit_file
    if file is None:
        return passed("The audit trail goes to the log.")
    if user := _other_user(file):
        return _as_user(user)
    try:
        audit = Audit(server.settings, clock=server.clock)
    except SettingsError as error:
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        return failed(
            f"The audit file {file} cannot be opened ({why}).",
            "Let the server's user write this file and its folder, or correct OSSFERRY_AUDIT_FILE.",
        )
    try:
        return await probes.probe_audit(audit)
    finally:
        audit.close()


def _new_file(file: Path) -> Finding:
    """Return the finding for a SQLite file that does not exist yet, without creating it."""
    if os.access(file.parent, os.W_OK | os.X_OK):
        return passed(f"The server creates the ledger {file} when it starts.")
    return failed(
        f"The ledger {file} cannot be created.", "Let the server's user write this folder."
    )


def _other_user(file: Path) -> str:
    """Return the user to whom a file or its folder belongs, if this process runs as root.

    Root could create files that the server's user then cannot write.
    """
    existing = file if file.exists() else file.parent
    if os.geteuid() != 0 or not existing.exists():
        return ""
    owner = existing.stat().st_uid
    return pwd.getpwuid(owner).pw_name if owner != 0 else ""


def _as_user(user: str) -> Finding:
    return skipped(
        f"Needs the user {user}; root would create files that the server cannot write.",
        f"Run `runuser -u {user} -- ossferry doctor`.",
    )


async def probe_sandbox(server: Server) -> Finding:
    """Check how well this machine can isolate the process that checks files."""
    settings = server.settings
    if settings.release != "checked" and not settings.has_checks:
        return passed("No checks are on.")
    locks = await find_locks()
    if not locks.calls:
        say = failed if settings.release == "checked" else warned
        return say(
            "The kernel does not filter system calls (seccomp), so `ossferry scan` and `ossferry"
            " check KEY` run no checks: they could use the network.",
            CONTAINER,
        )
    if not locks.files:
        return warned(
            "The kernel has no Landlock, so the checks could read the files of this user, such as"
            " keys.",
            CONTAINER,
        )
    return passed("The checks run with limits, a filter of system calls, and Landlock.")


async def probe_clamd(server: Server) -> Finding:
    """Test clamd as `ossferry scan` does."""
    address = server.settings.clamd
    if not address:
        return passed("OSSFERRY_CLAMD is not set.")
    if complaint := await Clamd(address, clock=server.clock).probe():
        return failed(
            complaint,
            f"Start clamd at {address} with deploy/clamd/clamd.conf, and freshclam beside it.",
        )
    return passed("clamd finds the EICAR test file, and says what it cannot look into.")


async def probe_scanner(server: Server) -> Finding:
    """Check that a scanner works while uploads wait, without creating or changing tables."""
    if server.settings.release != "checked":
        return passed("Uploads wait for no scanner: OSSFERRY_RELEASE=uploaded.")
    file = _sqlite_file(server)
    if file is not None and not file.exists():
        return passed("The ledger does not exist yet, so no upload waits.")
    async with _ledger(server) as ledger:
        tables = await ledger.look()
        if tables.found != tables.newest:
            return passed("The ledger does not have the newest tables yet.")
        return await probes.probe_scanner(ledger, server.clock)
