"""Doctor's probes of the machine on which `ossferry scan` runs."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ossferry.clock import utc_now
from ossferry.diagnosis.findings import Outcome
from ossferry.doctor import machine
from ossferry.scanning.sandbox import Locks
from support.server_fakes import OBJECTS, MakeSettings


class FakeServer:
    """What the probes need of the doctor's server."""

    clock = staticmethod(utc_now)

    def __init__(self, settings: Any) -> None:
        self.settings = settings


@pytest.mark.parametrize(
    ("locks", "checked", "outcome"),
    [
        (Locks(calls=True, files=True), True, Outcome.OK),
        (Locks(calls=True, files=False), True, Outcome.WARN),
        (Locks(calls=False, files=False), True, Outcome.FAIL),
        (Locks(calls=False, files=False), False, Outcome.WARN),
    ],
)
def test_t69_missing_locks_are_told(
    make_settings: MakeSettings, locks: Locks, checked: bool, outcome: Outcome
) -> None:
    async def find_locks() -> Locks:
        return locks

    release = {"release": "checked", **OBJECTS} if checked else {}
    settings = make_settings(checks_built_in={"file_type": True}, **release)
    with patch.object(machine, "find_locks", find_locks):
        found = asyncio.run(machine.probe_sandbox(FakeServer(settings)))  # type: ignore[arg-type]

    assert found.outcome is outcome
    assert bool(found.fix) == (outcome is not Outcome.OK)


def test_without_checks_and_scanner_nothing_is_looked_at(make_settings: MakeSettings) -> None:
    server: Any = FakeServer(make_settings())

    for probe in (machine.probe_sandbox, machine.probe_clamd, machine.probe_scanner):
        assert asyncio.run(probe(server)).outcome is Outcome.OK


def test_the_ledger_is_not_created_for_a_look(make_settings: MakeSettings, tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    options = {"release": "checked", "clamd": "/x", "database_url": f"sqlite:///{file}", **OBJECTS}
    server: Any = FakeServer(make_settings(**options))

    assert asyncio.run(machine.probe_scanner(server)).outcome is Outcome.OK
    assert not file.exists()
