"""Probe of the start: runs the start-up code of `ossferry serve`, but serves nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import anyio.to_thread
from starlette.requests import Request

from ossferry.access.audit import Audit
from ossferry.clock import Clock
from ossferry.diagnosis.findings import Finding, passed, unusable
from ossferry.errors import SettingsError
from ossferry.identity.principal import Identify, Principal
from ossferry.oss.mock_check import refuse_mock
from ossferry.settings.model import Settings

CreateApp: TypeAlias = Callable[..., object]
"""Creates the application as `ossferry.app.create_app` does, without opening a connection."""


class Start:
    """Probe of the start; other probes test Redis, the ledger and the audit trail.

    Args:
        create_app: creates the application as the command `serve` does, or raises a
            `SettingsError` if the command refuses the settings.
    """

    def __init__(self, settings: Settings, clock: Clock, create_app: CreateApp) -> None:
        self._settings = settings
        self._clock = clock
        self._create_app = create_app

    async def probe(self) -> Finding:
        """Create the application as `ossferry serve` does, without opening a connection."""
        try:
            await anyio.to_thread.run_sync(refuse_mock, self._settings)
            self._create_app(
                self._settings,
                identify=self._applications_own(),
                audit=Audit(self._settings, clock=self._clock, sink=_drop),
                clock=self._clock,
            )
        except SettingsError as error:
            finding = unusable(error)
            return replace(finding, reason=f"The server refuses to start: {finding.reason}")
        return passed("The server starts with these settings.")

    def _applications_own(self) -> Identify | None:
        """Return a function in place of the one that an application gives to `create_app`."""
        return _identify_nobody if "app" in self._settings.auth else None


async def _identify_nobody(_request: Request) -> Principal:
    raise NotImplementedError


def _drop(_line: dict[str, str]) -> None:
    """Ignore a line of the audit trail."""
