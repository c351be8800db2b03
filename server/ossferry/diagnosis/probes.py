"""Runs probes, which test a server's set-up; defines those that `/readyz` and the doctor share.

The shared probes test STS, the clock, the role for uploads, the shared storage, the ledger and the
audit trail. Each probe returns a `Finding`. The doctor is the command `ossferry doctor`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx

from ossferry import errors
from ossferry.access.audit import Audit
from ossferry.clock import Clock
from ossferry.diagnosis.findings import Finding, Outcome, failed, passed, skipped, unusable
from ossferry.diagnosis.policy_commands import caller_command, trust_command
from ossferry.ledger import Database, holds, leases
from ossferry.oss.sts import TIMEOUT_S
from ossferry.oss.sts_guard import GuardedSts
from ossferry.settings.model import Settings
from ossferry.state.choice import Storage

MAX_SKEW_S = 300
"""OSS refuses signatures with a clock skew of more than 15 minutes; the server is not ready with
more than a third of that.
"""

LEDGER_FAULT = (
    "The ledger does not answer, or cannot be written ({}).",
    "Start the database, free space on its disk, or correct OSSFERRY_DATABASE_URL.",
)
LEDGER_FAULTS: Mapping[str, tuple[str, str]] = {
    "InvalidPasswordError": (
        "The database refuses the user or the password ({}).",
        "Correct the user and the password in OSSFERRY_DATABASE_URL.",
    ),
    "InvalidAuthorizationSpecificationError": (
        "The database refuses the user ({}).",
        "Correct the user in OSSFERRY_DATABASE_URL, or allow it in pg_hba.conf.",
    ),
    "InvalidCatalogNameError": (
        "The database in OSSFERRY_DATABASE_URL does not exist ({}).",
        "Create the database, for example with createdb.",
    ),
    "InsufficientPrivilegeError": (
        "The database user may not create or write the ledger's tables ({}).",
        "Make this user the owner of the database.",
    ),
    "unable to open database file": (
        "The ledger's file cannot be opened ({}).",
        "Let the server's user write the folder of the file, by default the working directory, or"
        " correct OSSFERRY_DATABASE_URL.",
    ),
    "attempt to write a readonly database": (
        "The ledger cannot be written ({}).",
        "Let the server's user write the ledger's file and its folder.",
    ),
    "file is not a database": (
        "The file in OSSFERRY_DATABASE_URL is not a ledger ({}).",
        "Correct OSSFERRY_DATABASE_URL, or restore the file from a backup.",
    ),
}
"""Maps exceptions of PostgreSQL's driver, and texts of SQLite, to the reason and the fix."""

STORAGE_FAULT = ("Redis does not answer ({})", "Start Redis, or correct OSSFERRY_REDIS_URL.")
WRONG_PASSWORD = (
    "Redis refuses the user or the password ({})",
    "Correct the user and the password in OSSFERRY_REDIS_URL.",
)
STORAGE_FAULTS: Mapping[str, tuple[str, str]] = {
    "AuthenticationError": WRONG_PASSWORD,
    "AuthenticationWrongNumberOfArgsError": WRONG_PASSWORD,
    "NoPermissionError": (
        "Redis does not allow this user all commands and keys of ossferry ({})",
        "Give the user in OSSFERRY_REDIS_URL more rights, or name another one there.",
    ),
}
"""Maps exceptions of the package `redis` to the reason and the fix."""

StsDate: TypeAlias = Callable[[], Awaitable[datetime]]
"""Returns the current time according to STS, or raises `StsLostError`."""


NO_SERVER_CREDENTIALS = failed(
    "No source of the default chain has credentials for the server.",
    "Attach a RAM role to the ECS instance or to the service account, or set"
    " ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.",
)

Run: TypeAlias = Callable[[], Awaitable[Finding]]
"""Runs one probe."""

OnFound: TypeAlias = Callable[[str, Finding], None]
"""Receives the id of a probe and its finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A test of one part of a server's set-up.

    Attributes:
        id: the name of the probe, which stays the same in all releases.
        run: runs the probe, and returns a `Finding`.
        needs: ids of earlier probes; if one of them failed or was skipped, this one is skipped.
    """

    id: str
    run: Run
    needs: tuple[str, ...] = ()


async def run_probes(
    probes: Iterable[Probe], *, on_found: OnFound = lambda _id, _finding: None
) -> Mapping[str, Finding]:
    """Run probes concurrently; each starts as soon as all probes that it needs have ended.

    An `OssferryError` that a probe raises becomes a failed finding.

    Args:
        on_found: called with the id and the finding of each probe, in the order of `probes`, as
            soon as the finding is known.

    Returns:
        A mapping from the ids of probes to findings, in the order of `probes`.
    """
    running: dict[str, asyncio.Task[Finding]] = {}

    async def run(probe: Probe) -> Finding:
        for name in probe.needs:
            if (await running[name]).outcome in STOPS:
                return skipped(f"Needs the check {name}.")
        return await _run(probe)

    found: dict[str, Finding] = {}
    async with asyncio.TaskGroup() as group:
        for probe in probes:
            running[probe.id] = group.create_task(run(probe))
        for id_, task in running.items():
            found[id_] = await task
            on_found(id_, found[id_])
    return found


STOPS = (Outcome.FAIL, Outcome.SKIPPED)


async def _run(probe: Probe) -> Finding:
    """Run a probe; a service that fails meanwhile is a finding too."""
    try:
        return await probe.run()
    except errors.SettingsError as error:
        return unusable(error)
    except errors.OssferryError as error:
        return failed(
            f"The check could not finish: {error.code} ({', '.join(error.evidence.values())}).",
            "Check the network of this machine, and try again.",
            outage=isinstance(error, errors.UnavailableError),
        )


def ask_sts_date(settings: Settings) -> StsDate:
    """Return a function that asks STS for the time.

    The returned function sends a request to STS, and returns the time in the `Date` header of the
    response. It raises `StsLostError` if STS does not answer.
    """

    async def ask() -> datetime:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                return date_of(await client.get(settings.sts_address))
        except (httpx.HTTPError, ValueError) as error:
            raise errors.StsLostError("no-answer") from error

    return ask


def date_of(answer: httpx.Response) -> datetime:
    """Return the time in the `Date` header of a response.

    Raises:
        ValueError: the response has no valid date.
    """
    date = parsedate_to_datetime(answer.headers.get("date", ""))
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" means no zone


class StsTime:
    """Two probes with one request to STS: whether STS answers, and whether the clocks agree.

    Args:
        ask: returns the time at STS, or raises `StsLostError`.
        clock: returns the time on this machine.
    """

    def __init__(self, ask: StsDate, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._skew_s = 0.0

    async def probe_answer(self) -> Finding:
        """Check that STS answers; store by how much the clocks differ, for `probe_clock`."""
        try:
            self._skew_s = (self._clock() - await self._ask()).total_seconds()
        except errors.StsLostError as error:
            cause = type(error.__cause__).__name__ if error.__cause__ else error.reason
            return failed(
                f"STS does not answer ({cause}).",
                "Check the network of this machine, and OSSFERRY_STS_ENDPOINT.",
                outage=True,
            )
        return passed("STS answers.")

    async def probe_clock(self) -> Finding:
        """Check that this machine's clock differs from that of STS by at most `MAX_SKEW_S` seconds.

        Call `probe_answer` first.
        """
        return probe_skew(self._skew_s, "STS")


def probe_skew(skew_s: float, service: str) -> Finding:
    """Return the finding for the difference between this machine's clock and that of a service.

    The finding is a failure if the difference is more than `MAX_SKEW_S` seconds.

    Args:
        skew_s: seconds by which this machine's clock is ahead of that of the service.
        service: name of the service, `STS` or `OSS`.
    """
    off_s = f"{abs(skew_s):.0f} s"
    if abs(skew_s) > MAX_SKEW_S:
        side = "ahead of" if skew_s > 0 else "behind"
        return failed(
            f"This machine's clock is {off_s} {side} that of {service}; OSS and STS refuse"
            " requests with a wrong time.",
            "Synchronize the clock, for example with chrony.",
        )
    return passed(f"This machine's clock differs from that of {service} by {off_s}.")


async def probe_role(
    sts: GuardedSts, settings: Settings, *, caller: str = "the server's identity"
) -> Finding:
    """Check that STS issues credentials of the role for uploads.

    The probe requests credentials only if the last request of `sts` failed, or there was none yet.

    Args:
        caller: the ARN of the server's identity, for the text of the finding.
    """
    try:
        await sts.check()
    except errors.StsRefusedError as error:
        return refused_role(error.sts_code, settings.role_arn, settings, caller=caller)
    except errors.StsLostError as error:
        if error.reason == "no-server-credentials":
            return NO_SERVER_CREDENTIALS
        raise
    return passed(f"STS issues credentials of {settings.role_arn}.")


def refused_role(code: str, role_arn: str, settings: Settings, *, caller: str) -> Finding:
    """Return the finding for a role whose credentials STS refuses to issue to the server.

    Args:
        code: the error code of STS.
        role_arn: the ARN of the role.
        caller: the ARN of the identity that requested the credentials.
    """
    is_for_objects = role_arn == settings.objects_role_arn
    if code.startswith("EntityNotExist.Role"):
        option = "OSSFERRY_OBJECTS_ROLE_ARN" if is_for_objects else "OSSFERRY_ROLE_ARN"
        return failed(
            f"The role {role_arn} does not exist ({code}).",
            f"Correct {option}, or create the role with `ossferry setup`.",
        )
    if code.startswith("NoPermission"):
        return failed(
            f"STS refuses the role {role_arn} ({code}): the role does not trust {caller}, or this"
            " identity does not have the right sts:AssumeRole.",
            f"Give the role the trust policy that {trust_command(role_arn, caller)} prints, and the"
            " identity the policy that"
            f" {caller_command(settings.role_arn, settings.objects_role_arn)} prints.",
        )
    return failed(
        f"STS refuses the role {role_arn} ({code}).",
        f"Look up the code at https://api.aliyun.com/troubleshoot?q={code}&product=Sts.",
    )


async def probe_storage(storage: Storage) -> Finding:
    """Check that the shared storage (Redis) answers."""
    try:
        await storage.ping()
    except errors.StorageLostError as error:
        cause = type(error.__cause__).__name__ if error.__cause__ else error.reason
        reason, fix = STORAGE_FAULTS.get(cause, STORAGE_FAULT)
        return failed(
            f"{reason.format(cause)}: limits are stricter, and nobody can sign in with OpenID.",
            fix,
            outage=True,
        )
    return passed("The storage for limits and sessions answers.")


async def probe_scanner(ledger: Database, clock: Clock) -> Finding:
    """Check that a scanner works while uploads wait for one.

    Raises:
        LedgerLostError: the ledger does not answer.
    """
    now = clock()
    async with ledger.read() as connection:
        oldest = await holds.oldest(connection)
        works = await leases.is_held(connection, leases.SCANNER, now)
    if oldest is None or works:
        return passed("No upload waits for a scanner that does not work.")
    return failed(
        f"Uploads wait for a scanner, the oldest for {(now - oldest).total_seconds():.0f} s.",
        "Start `ossferry scan`; its log says what is wrong.",
        outage=True,
    )


async def probe_ledger(ledger: Database, clock: Clock) -> Finding:
    """Check that the ledger can be written.

    Each grant writes to the ledger. Reading alone is not sufficient, because a database on
    a full disk can still be read.
    """
    try:
        async with ledger.write() as connection:
            await leases.take(connection, "readiness", holder="any", now=clock(), hold_s=0)
    except errors.LedgerLostError as error:
        return lost_ledger(error)
    return passed("The ledger can be written.")


def lost_ledger(error: errors.LedgerLostError) -> Finding:
    """Return the finding for a ledger that does not answer or cannot be written."""
    words = error.cause or error.reason
    refused = LEDGER_FAULTS.get(words) or LEDGER_FAULTS.get(error.reason)
    reason, fix = refused or LEDGER_FAULT
    return failed(reason.format(words), fix, outage=refused is None)


async def probe_audit(audit: Audit) -> Finding:
    """Check that the audit trail can be written."""
    try:
        audit.check()
    except errors.AuditLostError as error:
        cause = error.__cause__
        why = cause.strerror if isinstance(cause, OSError) else error.reason
        return failed(
            f"The audit trail cannot be written ({why}).",
            "Free space on the disk, or let the server's user write OSSFERRY_AUDIT_FILE.",
        )
    return passed("The audit trail can be written.")
