"""Probe of the start: runs the start-up code of `ossferry serve`, but serves nothing."""

from dataclasses import replace

import anyio.to_thread
from starlette.requests import Request

from ossferry.access.audit import Audit
from ossferry.diagnosis.findings import Finding, passed, unusable
from ossferry.doctor.server import Server
from ossferry.errors import SettingsError
from ossferry.identity.principal import Principal
from ossferry.oss.mock_check import refuse_mock


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


async def _identify_nobody(_request: Request) -> Principal:
    raise NotImplementedError


def _drop(_line: dict[str, str]) -> None:
    """Ignore a line of the audit trail."""
