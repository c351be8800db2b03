"""Probes of the services that the server uses besides the cloud: Redis, database, audit file."""

import os
import pwd
from pathlib import Path

import sqlalchemy as sa

from ossferry.access.audit import Audit
from ossferry.diagnosis import probes
from ossferry.diagnosis.findings import Finding, failed, passed, skipped, unusable
from ossferry.doctor.server import Server
from ossferry.errors import LedgerLostError, MissingExtraError, SettingsError
from ossferry.ledger import Database
from ossferry.state.choice import make_storage


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
    url = sa.make_url(server.settings.ledger_url)
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if file is not None and (user := _other_user(file)):
        return _as_user(user)
    if file is not None and file.parent.is_dir() and not file.exists():
        return _new_file(file.absolute())
    try:
        ledger = Database(server.settings.ledger_url)
        try:
            return await _look(server, ledger)
        finally:
            await ledger.close()
    except MissingExtraError as error:
        return unusable(error)
    except SettingsError as error:
        return failed(str(error), "Create the folder, or correct OSSFERRY_DATABASE_URL.")
    except LedgerLostError as error:
        return probes.lost_ledger(error)


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
