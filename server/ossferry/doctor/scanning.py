"""Probes of what `ossferry scan` needs: a locked process for the checks, clamd, and a scanner."""

from pathlib import Path

import sqlalchemy as sa

from ossferry.diagnosis import probes
from ossferry.diagnosis.findings import Finding, failed, passed, warned
from ossferry.doctor.server import Server
from ossferry.ledger import Database
from ossferry.scanning.checking import find_locks
from ossferry.scanning.clamd import Clamd

CONTAINER = (
    "Use Linux 5.13 or newer on x86_64 or aarch64; in a container, use the default seccomp profile"
    " of a current Docker or containerd."
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
    url = sa.make_url(server.settings.ledger_url)
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if file is not None and not file.exists():
        return passed("The ledger does not exist yet, so no upload waits.")
    ledger = Database(server.settings.ledger_url)
    try:
        tables = await ledger.look()
        if tables.found != tables.newest:
            return passed("The ledger does not have the newest tables yet.")
        return await probes.probe_scanner(ledger, server.clock)
    finally:
        await ledger.close()
