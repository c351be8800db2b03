"""All checks of `ossferry doctor` in their order, with what each of them needs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial

import httpx

from ossferry.clock import Clock, monotonic, utc_now
from ossferry.doctor.account import Account
from ossferry.doctor.machine import Machine
from ossferry.doctor.outside import Outside
from ossferry.observability.metrics import Metrics
from ossferry.observability.redaction import Redactor
from ossferry.operations.checks import Check, Finding, Outcome, StsTime, ask_sts_date, run_checks
from ossferry.oss.sdks.choice import open_sdk
from ossferry.oss.sts import StsClient, default_credentials, find_credentials, objects_sts
from ossferry.oss.sts_guard import Breaker, GuardedSts, Pace
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values
from ossferry.state.counter import Counter

__all__ = ["Row", "examine", "is_healthy", "opened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result.

    Attributes:
        about: the statement that the check tests.
    """

    id: str
    about: str
    outcome: Outcome
    reason: str
    fix: str


async def examine(settings: Settings, *, clock: Clock = utc_now) -> Sequence[Row]:
    """Run all checks, and return one row for each; no text contains a secret."""
    async with opened(settings, clock) as (checks, account):
        found = await run_checks(checks)
    hide = Redactor((*secret_values(settings), *account.secrets))
    return [_row(check, found[check.id], hide) for check in checks]


def is_healthy(rows: Sequence[Row]) -> bool:
    """Return whether no check failed."""
    return all(row.outcome is not Outcome.FAIL for row in rows)


def _row(check: Check, found: Finding, hide: Redactor) -> Row:
    return Row(
        id=check.id,
        about=check.about,
        outcome=found.outcome,
        reason=hide(found.reason),
        fix=hide(found.fix),
    )


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[tuple[list[Check], Account]]:
    """Yield all checks, and the server's account; close all connections at the end."""
    credentials = default_credentials()
    counter = Counter(settings.model_copy(update={"redis_url": None}))
    sts = StsClient(settings, credentials)
    guarded = GuardedSts(
        sts,
        pace=Pace(counter, calls_per_s=settings.sts_calls_per_s),
        breaker=Breaker(monotonic=monotonic),
        metrics=Metrics(),
        clock=clock,
    )
    with closing(open_sdk(settings)) as sdk:
        async with httpx.AsyncClient(timeout=settings.oss_timeout_s) as client:
            outside = Outside(settings, client, clock)
            account = Account(
                settings,
                sdk,
                find=partial(find_credentials, credentials),
                sts=sts,
                guarded=guarded,
                objects_sts=objects_sts(settings, credentials)
                if settings.objects_role_arn
                else None,
                outside=outside,
            )
            time = StsTime(ask_sts_date(settings), clock)
            yield _all_checks(time, outside, account, Machine(settings, clock)), account


def _all_checks(time: StsTime, outside: Outside, account: Account, machine: Machine) -> list[Check]:
    """Return all checks in their order."""
    rows = [
        ("sts", "STS answers", time.check_answer, ()),
        ("clock", "this machine's clock is right", time.check_clock, ("sts",)),
        (
            "credentials",
            "the server has credentials of its own, and STS accepts them",
            account.check_credentials,
            ("clock",),
        ),
        (
            "role",
            "STS issues credentials of the role for uploads",
            account.check_role,
            ("credentials",),
        ),
        ("tls", "browsers accept the certificates, and none ends soon", outside.check_tls, ()),
        (
            "endpoint",
            "every address of the bucket answers and serves this account",
            outside.check_endpoint,
            ("tls",),
        ),
        ("bucket", "the bucket exists", outside.check_bucket, ("endpoint",)),
        (
            "region",
            "the bucket is in the configured region",
            account.check_region,
            ("credentials", "bucket"),
        ),
        (
            "upload",
            "the credentials of a grant can upload; the test upload is removed",
            account.check_upload,
            ("role", "region"),
        ),
        (
            "session-policy",
            "the credentials of a grant cannot write below another prefix",
            account.check_session_policy,
            ("upload",),
        ),
        (
            "role-scope",
            "the role for uploads has no more rights than it needs",
            account.check_role_scope,
            ("upload",),
        ),
        (
            "objects-role",
            "the server's own role can list, read, copy and delete uploads",
            account.check_objects_role,
            ("upload",),
        ),
        (
            "cors",
            "the bucket's CORS rules allow the page's requests",
            outside.check_cors,
            ("bucket",),
        ),
        (
            "cors-headers",
            "the page can read the headers of the answers",
            outside.check_exposed_headers,
            ("cors",),
        ),
        (
            "public-access",
            "strangers cannot read objects",
            outside.check_public_access,
            ("bucket",),
        ),
        (
            "public-access-block",
            "Block Public Access is on",
            account.check_block_public_access,
            ("region",),
        ),
        (
            "lifecycle",
            "a lifecycle rule aborts old multipart uploads",
            account.check_lifecycle,
            ("region",),
        ),
        (
            "domains",
            "the custom domains in the settings are bound to the bucket",
            account.check_domains,
            ("region",),
        ),
        ("storage", "Redis answers", machine.check_storage, ()),
        (
            "ledger",
            "the database answers, has the newest tables, and can be written",
            machine.check_ledger,
            (),
        ),
        ("audit", "the audit trail can be written", machine.check_audit, ()),
    ]
    return [Check(id=id_, about=about, run=run, needs=needs) for id_, about, run, needs in rows]
