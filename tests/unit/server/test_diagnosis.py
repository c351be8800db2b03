"""How probes run, and what the operator is told about common faults."""

import asyncio
import re

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as RedisConnectionError

from ossferry.diagnosis.findings import Finding, Outcome, failed, passed, warned
from ossferry.diagnosis.probes import Probe, lost_ledger, probe_storage, refused_role, run_probes
from ossferry.errors import (
    LedgerLostError,
    MissingExtraError,
    OssLostError,
    SettingsError,
    StorageLostError,
)
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage
from support.server_fakes import OBJECTS, MakeSettings

ROLE = "acs:ram::1:role/r"


def fixed(finding: Finding | Exception, id_: str, *needs: str) -> Probe:
    """Return a probe with this result."""

    async def run() -> Finding:
        if isinstance(finding, Exception):
            raise finding
        return finding

    return Probe(id=id_, run=run, needs=needs)


async def test_probes_that_do_not_need_each_other_run_at_once_and_are_told_in_their_order() -> None:
    both = asyncio.Barrier(2)
    told: list[str] = []

    async def meet() -> Finding:
        await asyncio.wait_for(both.wait(), timeout=5)
        return passed("")

    probes = [
        Probe(id="a", run=meet),
        fixed(passed(""), "b", "a"),
        fixed(passed(""), "c"),
        Probe(id="d", run=meet),
    ]
    found = await run_probes(probes, on_found=lambda id_, _finding: told.append(id_))

    assert told == list(found) == ["a", "b", "c", "d"]


async def test_a_probe_is_skipped_if_one_that_it_needs_failed_or_was_skipped() -> None:
    probes = [
        fixed(failed("a", "do"), "a"),
        fixed(warned("b", "do"), "b"),
        fixed(passed("c"), "c", "b"),
        fixed(passed("d"), "d", "c", "a"),
        fixed(passed("e"), "e", "d"),
    ]
    found = await run_probes(probes)

    assert {id_: (each.outcome, each.reason) for id_, each in found.items()} == {
        "a": (Outcome.FAIL, "a"),
        "b": (Outcome.WARN, "b"),
        "c": (Outcome.OK, "c"),
        "d": (Outcome.SKIPPED, "Needs the check a."),
        "e": (Outcome.SKIPPED, "Needs the check d."),
    }


async def test_a_service_that_fails_during_a_probe_is_a_finding_and_the_others_run() -> None:
    lost = fixed(OssLostError("no-answer"), "a")
    found = await run_probes([lost, fixed(passed("b"), "b"), fixed(passed("c"), "c", "a")])

    assert found["a"] == failed(
        "The check could not finish: oss-unavailable (no-answer).",
        "Check the network of this machine, and try again.",
        outage=True,
    )
    assert [found[id_].outcome for id_ in "bc"] == [Outcome.OK, Outcome.SKIPPED]


UNREADABLE = "OSSFERRY_X cannot be read; choose another."
HOOK = "the hook x cannot be loaded: repair or remove it."
AGAIN = "Repair this, and run `ossferry doctor` again."


@pytest.mark.parametrize(
    ("error", "reason", "fix"),
    [
        (
            MissingExtraError("OSSFERRY_X", "pip install x"),
            "OSSFERRY_X needs a package that is not installed.",
            "Run `pip install x`.",
        ),
        (
            SettingsError("OSSFERRY_X: there is no such file; `ossferry x` makes it."),
            "OSSFERRY_X: there is no such file.",
            "`ossferry x` makes it.",
        ),
        (SettingsError(UNREADABLE), UNREADABLE, "Correct OSSFERRY_X."),
        (SettingsError(HOOK), HOOK, AGAIN),
    ],
    ids=["package", "command", "setting", "neither"],
)
async def test_the_fix_for_unusable_settings_is_a_command_or_a_setting(
    error: SettingsError, reason: str, fix: str
) -> None:
    found = await run_probes([fixed(error, "a")])

    assert found == {"a": failed(reason, fix)}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("EntityNotExist.Role", "does not exist"),
        ("NoPermission", "the role does not trust the-caller"),
        ("SomethingNew", "STS refuses the role acs:ram::1:role/r (SomethingNew)."),
    ],
)
def test_a_refused_role_is_explained_by_the_code(settings: Settings, code: str, told: str) -> None:
    found = refused_role(code, ROLE, settings, caller="the-caller")

    assert told in found.reason
    assert ROLE in found.reason
    assert code in found.reason


def test_the_fix_for_a_refused_role_names_its_own_setting(make_settings: MakeSettings) -> None:
    settings = make_settings(**OBJECTS)
    roles = (settings.role_arn, settings.objects_role_arn or "")

    code = "EntityNotExist.Role"
    fixes = [refused_role(code, role, settings, caller="the-caller").fix for role in roles]

    assert [re.findall("OSSFERRY_[A-Z_]+", fix) for fix in fixes] == [
        ["OSSFERRY_ROLE_ARN"],
        ["OSSFERRY_OBJECTS_ROLE_ARN"],
    ]


AWAY = "The ledger does not answer, or cannot be written"
USER = "The database refuses the user or the password"
START, CORRECT = "Start the database, free space on its disk,", "Correct the user and the password"


@pytest.mark.parametrize(
    ("reason", "cause", "told", "fix"),
    [
        ("InvalidPasswordError", "", USER, CORRECT),
        ("InvalidPasswordError", 'password authentication failed for user "x"', USER, CORRECT),
        ("ConnectionRefusedError", "", AWAY, START),
        ("OperationalError", "database or disk is full", AWAY, START),
        (
            "OperationalError",
            "unable to open database file",
            "The ledger's file cannot be opened",
            "Let the server's user write the folder of the file,",
        ),
    ],
)
def test_a_lost_ledger_is_explained_by_the_driver_or_in_the_words_of_the_database(
    reason: str, cause: str, told: str, fix: str
) -> None:
    found = lost_ledger(LedgerLostError(reason, cause=cause))

    assert found.reason == f"{told} ({cause or reason})."
    assert found.fix.startswith(fix)
    assert found.outage == (told == AWAY)


class LostStorage(MemoryStorage):
    """A storage whose answer is this error of the package `redis`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self._cause = cause

    async def ping(self) -> None:
        raise StorageLostError("no-answer") from self._cause


@pytest.mark.parametrize(
    ("cause", "reason", "fix"),
    [
        (
            AuthenticationError("invalid username-password pair"),
            "Redis refuses the user or the password (AuthenticationError)",
            "Correct the user and the password in OSSFERRY_REDIS_URL.",
        ),
        (
            NoPermissionError("no permissions"),
            "Redis does not allow this user all commands and keys of ossferry (NoPermissionError)",
            "Give the user in OSSFERRY_REDIS_URL more rights, or name another one there.",
        ),
        (
            RedisConnectionError("refused"),
            "Redis does not answer (ConnectionError)",
            "Start Redis, or correct OSSFERRY_REDIS_URL.",
        ),
    ],
    ids=["password", "rights", "down"],
)
async def test_a_lost_storage_is_explained_by_the_error(
    cause: Exception, reason: str, fix: str
) -> None:
    found = await probe_storage(LostStorage(cause))

    assert found.reason.startswith(f"{reason}: limits are stricter")
    assert found.fix == fix
