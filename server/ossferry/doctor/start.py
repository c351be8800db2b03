"""Probes of the start: run the start-up code of `ossferry serve`, and the operator's checks."""

from dataclasses import replace

import anyio.to_thread
from starlette.requests import Request

from ossferry.access.audit import Audit
from ossferry.checks.selection import select_checks
from ossferry.diagnosis.findings import Finding, failed, passed, skipped, unusable
from ossferry.doctor.server import Server
from ossferry.errors import SettingsError
from ossferry.identity.principal import Principal
from ossferry.oss.mock_check import refuse_mock
from ossferry.scanning.checking import find_fault


async def probe_start(server: Server) -> Finding:
    """Check that the application can be created as by `ossferry serve`, without any connection."""
    try:
        await anyio.to_thread.run_sync(refuse_mock, server.settings)
        server.create_app(
            server.settings,
            identify=_identify_nobody if "app" in server.settings.auth else None,
            audit=Audit(server.settings, clock=server.clock, sink=_drop),
            clock=server.clock,
        )
    except SettingsError as error:
        finding = unusable(error)
        return replace(finding, reason=f"The server refuses to start: {finding.reason}")
    return passed("The server starts with these settings.")


async def probe_checks(server: Server) -> Finding:
    """Check that `checks.py` can be run on this machine, and that its model can read tables."""
    settings = server.settings
    if not settings.has_checks:
        return passed("No checks are on.")
    try:
        fault = await find_fault(settings, select_checks(settings))
    except SettingsError as error:
        return unusable(error)
    if fault.startswith("ModuleNotFoundError"):
        return skipped(f"{settings.checks} cannot run here: {fault}.", "Install the module here.")
    if fault:
        where = f"{settings.checks} or " if settings.checks else ""
        fix = f"Correct {where}OSSFERRY_CHECKS_BUILT_IN."
        return failed(f"The checks do not work: {fault}.", fix)
    return passed("The checks can be loaded.")


async def _identify_nobody(_request: Request) -> Principal:
    raise NotImplementedError


def _drop(_line: dict[str, str]) -> None:
    """Ignore a line of the audit trail."""
