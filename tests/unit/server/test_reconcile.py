"""Reconciliation of all principals' uploads."""

from datetime import timedelta

import pytest

from ossferry.errors import LedgerLostError, OssferryError, OssRefusedError
from ossferry.hooks.calls import Hooks
from ossferry.ledger import Database, people, receipts
from ossferry.observability.metrics import Metrics
from ossferry.settings.model import Settings
from ossferry.uploads.quarantine import Quarantine
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder
from ossferry.uploads.reconcile import Reconciler
from support.ledgers import owner
from support.server_fakes import FakeClock, FakeStore, UnexpectedError

OWNERS = [owner(name) for name in ("alice", "bob", "carol")]


class StoreWithFaults(FakeStore):
    """Raises an error for one principal's uploads."""

    def __init__(self, faults: dict[str, Exception]) -> None:
        super().__init__()
        self.faults = faults

    def _note(self, key: str) -> None:
        super()._note(key)
        if key in self.faults:
            raise self.faults[key]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OssRefusedError("AccessDenied", "5C06"), '"oss_code": "AccessDenied"'),
        (UnexpectedError("canary-secret"), '"error": "UnexpectedError"'),
    ],
    ids=["refused", "unexpected"],
)
async def test_who_cannot_be_looked_through_keeps_nobody_waiting_and_is_named(
    settings: Settings,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    reason: str,
) -> None:
    store = StoreWithFaults({OWNERS[0].prefix: error})

    done, known = await a_round(settings, store, clock)

    assert (done, known) == (2, ["uploads/bob-x/x.txt", "uploads/carol-x/x.txt"])
    noted = [record.getMessage() for record in caplog.records]
    assert ["not-reconciled" in each and OWNERS[0].hash in each for each in noted] == [True]
    assert reason in noted[0]
    assert "canary" not in caplog.text
    is_ours = isinstance(error, OssferryError)
    assert [" look_through" in each for each in noted] == [not is_ours]  # location of the error


async def test_a_ledger_that_is_lost_ends_the_round(settings: Settings, clock: FakeClock) -> None:
    store = StoreWithFaults({OWNERS[0].prefix: LedgerLostError("gone")})

    with pytest.raises(LedgerLostError):
        await a_round(settings, store, clock)


async def a_round(settings: Settings, store: FakeStore, clock: FakeClock) -> tuple[int, list[str]]:
    """Return the number of reconciled principals, and the keys that the ledger has afterwards."""
    database, hooks = Database(settings.ledger_url), Hooks(settings, {})
    quotas = Quotas(settings, database, clock=clock, monotonic=lambda: 0.0)
    recorder = Recorder(database, hooks, quotas, metrics=Metrics(), clock=clock)
    try:
        for each in OWNERS:
            store.put(f"{each.prefix}x.txt")
            until = clock() + timedelta(minutes=15)
            async with database.write() as connection:
                await people.remember(connection, each, clock(), granted_until=until)
        metrics = Metrics()
        quarantine = Quarantine(
            settings, store, database, hooks, quotas, metrics=metrics, clock=clock
        )
        reconciler = Reconciler(
            store,
            database,
            recorder,
            hooks,
            quotas,
            quarantine=quarantine,
            settle_s=0,
            clock=clock,
        )
        done = await reconciler.run()
        async with database.read() as connection:
            keys = [f"{each.prefix}x.txt" for each in OWNERS]
            return done, sorted(await receipts.of_keys(connection, keys))
    finally:
        await database.close()
