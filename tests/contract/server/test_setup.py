"""`ossferry setup` and `ossferry teardown` against the mock: OSS, STS and RAM on one port."""

import fcntl
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import httpx
import oss2
import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException

from mock_oss import BucketSpec, MockOSS, User, World
from mock_oss.world.seeding import ensure_bucket
from support import commands
from support.certificates import make_certificate
from support.commands import Ran
from support.programs import free_port
from support.serve_command import SECRET, server_process, wait_until_up
from support.uploads import granted_bucket, put_with

KEY_VARIABLES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
KEY = ("LTAI5tMockAdmin", "MockAdminSecret0000000000001")
ADMIN = User(
    name="admin",
    user_id="200000000000000007",
    keys=dict([KEY]),
    policies=('{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',),
)
ACCOUNT = ADMIN.account_id
BUCKET = "uploads-of-example"
FOREIGN = BucketSpec(name="foreign", account_id="2000000000000000")
ORIGIN = "https://uploads.example.com"
DOMAIN = ("--domain", "files.example.com")
NAMES = ("--bucket", BUCKET, "--region", "cn-hangzhou", "--origin", ORIGIN)
FOR_USER = (*NAMES, "--identity", "user")
NOWHERE = "http://127.0.0.1:1"
READING = ("Get", "List", "Assume")
MADE_ROLE = ("CreateRole", "CreatePolicy", "AttachPolicyToRole")
MAKING = (
    *("CreateUser", "CreatePolicy", "AttachPolicyToUser", "CreatePolicy", "AttachPolicyToUser"),
    *("PutBucket", "PutBucketTags"),
    *("PutBucketPublicAccessBlock", "PutBucketCors", "PutBucketLifecycle"),
    *(*MADE_ROLE, *MADE_ROLE, "CreateAccessKey"),
)
REMOVED_ROLE = ("DetachPolicyFromRole", "DeleteRole", "DeletePolicy")
REMOVING = (
    *(*REMOVED_ROLE, *REMOVED_ROLE),
    *("DetachPolicyFromUser", "DetachPolicyFromUser", "DeleteAccessKey", "DeleteUser"),
    *("DeletePolicy", "DeletePolicy"),
    *("DeleteBucketCors", "DeleteBucket"),
)
RULES = ["ossferry-abort-parts", "ossferry-abort-incoming", "ossferry-trash"]
NOTHING: Mapping[str, object] = {"bucket": None, "user": None}
"""The `state` of an account without a set-up."""
FIRST_WARNINGS = {"credentials", "page-tls", "sign-in"}
"""The doctor warns of the user's long-term key, of a page that does not answer yet, and of API keys
as the only way to sign in.
"""


@pytest.fixture
def oss() -> Iterator[MockOSS]:
    with MockOSS(world=World(users=(ADMIN,), roles=(), buckets=(FOREIGN,))) as oss:
        yield oss


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The path of a plan that has not been written yet."""
    return tmp_path / "plan.json"


def run(oss: MockOSS, *arguments: str | Path, typed: str | None = None, **environment: str) -> Ran:
    """Run a command on the mock, as the administrator of the account.

    Args:
        typed: what a person types at a terminal, with a line break after each answer; None: the
            command has no terminal.
    """
    command, *more = map(str, arguments)
    options = {**dict(zip(KEY_VARIABLES, KEY, strict=True)), **environment}
    with ExitStack() as stack:
        if typed is not None:
            ours, theirs = pty.openpty()
            stack.callback(os.close, ours)
            os.write(ours, typed.encode())
            stack.enter_context(patch("sys.stdin", stack.enter_context(os.fdopen(theirs))))
        return commands.run(command, "--mock", oss.endpoint, *more, environment=options)


def setup(oss: MockOSS, *more: str | Path, **changed: Any) -> Ran:
    return run(oss, "setup", *FOR_USER, "--yes", *more, **changed)


def teardown(oss: MockOSS, *more: str | Path, **changed: Any) -> Ran:
    return run(oss, "teardown", *FOR_USER, "--yes", *more, **changed)


def changes(oss: MockOSS) -> list[str]:
    """Return the operations that have changed something since the last call; refusals, too."""
    found = [each.operation for each in oss.requests if not each.operation.startswith(READING)]
    oss.requests.clear()
    return found


def actions(done: Ran) -> tuple[str, ...]:
    """Return the actions of the calls in the JSON output of a command."""
    return tuple(each["action"] for each in json.loads(done.out)["calls"])


def directory(oss: MockOSS) -> Any:
    """Return the users, roles and policies of the mock."""
    return oss.service.identities.directory


def state(oss: MockOSS) -> dict[str, Any]:
    """Return everything that a set-up makes, without random ids, times and secrets."""

    def documents(of: Any) -> dict[str, str]:
        return {each.name: each.current.document for each in directory(oss).attached(of)}

    found: dict[str, Any] = {**NOTHING}
    if bucket := oss.store.buckets.get(BUCKET):
        found["bucket"] = bucket._replace(created_ms=0)
    if user := directory(oss).users.get((ACCOUNT, "ossferry-server")):
        found["user"] = (user.comments, len(user.user.keys), documents(user.user))
    for name in ("oss-web-upload", "oss-web-objects", "ossferry-server", "ossferry-server-doctor"):
        if role := directory(oss).roles.get(f"acs:ram::{ACCOUNT}:role/{name}"):
            found[name] = (role.description, role.role.trust_policy, documents(role.role))
        if policy := directory(oss).policies.get((ACCOUNT, name)):
            found[f"policy {name}"] = (policy.description, policy.current.document)
    return found


def bucket_of(oss: MockOSS) -> Any:
    return oss2.Bucket(oss2.AuthV4(*KEY), oss.endpoint, BUCKET, region="cn-hangzhou")


def options(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a server with the settings that `setup` printed."""
    (folder / "secret").write_text(SECRET)
    return {
        **settings,
        "OSSFERRY_AUTH": "apikey",
        "OSSFERRY_API_KEYS_FILE": str(folder / "keys.json"),
        "OSSFERRY_SECRET_FILE": str(folder / "secret"),
        "OSSFERRY_ALLOWED_HOSTS": '["uploads.example.com", "127.0.0.1"]',
        "OSSFERRY_BEHIND_TLS": "1",
        "OSSFERRY_TRUSTED_PROXIES": '["127.0.0.1/32"]',
        "OSSFERRY_DATABASE_URL": f"sqlite:///{folder}/ledger.db",
    }


def output_of(environment: Mapping[str, str], *arguments: str) -> str:
    """Return the stdout of a command that succeeds."""
    done = commands.run(*arguments, environment=environment)
    assert done.code == 0, done.out + done.err
    return done.out


def doctor(settings: Mapping[str, str], folder: Path) -> dict[str, set[str]]:
    """Return the ids of the checks of `ossferry doctor` by their outcome, with one API key."""
    environment = options(settings, folder)
    output_of(environment, "apikey", "create", "carol")
    result = json.loads(output_of(environment, "doctor", "--json"))
    found: dict[str, set[str]] = {}
    for check in result["checks"]:
        found.setdefault(check["outcome"], set()).add(check["id"])
    return found


def test_from_an_empty_account_to_an_upload_and_back(
    oss: MockOSS, tmp_path: Path, web_dir: Path
) -> None:
    made = setup(oss)
    assert made.code == 0, made.err
    assert tuple(changes(oss)) == MAKING

    with_page = {**made.variables, "OSSFERRY_WEB_DIR": str(web_dir)}
    found = doctor(with_page, tmp_path)
    assert found.keys() == {"ok", "warn"}
    assert found["warn"] == FIRST_WARNINGS

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**options(with_page, tmp_path), "OSSFERRY_PORT": str(port)}
    key = output_of(environment, "apikey", "create", "carol").strip()
    headers = {"authorization": f"Bearer {key}", "x-forwarded-proto": "https"}
    with (
        server_process(tmp_path, environment) as process,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as site,
    ):
        wait_until_up(url, process)
        grant = site.post("/api/grant").raise_for_status().json()
        upload = put_with(grant, oss.endpoint, b"hello")
        with pytest.raises(oss2.exceptions.AccessDenied):
            granted_bucket(grant, oss.endpoint).get_object(upload.key)
        receipt = site.post("/api/receipts", json=upload.report)
        assert receipt.status_code == 200, receipt.text
        assert [each["key"] for each in site.get("/api/objects").json()["objects"]] == [upload.key]
    oss.requests.clear()

    kept = teardown(oss)
    assert (kept.code, "stays with its objects" in kept.err) == (0, True)
    assert [each for each in changes(oss) if "Bucket" in each] == ["DeleteBucketCors"]
    assert [each.id for each in bucket_of(oss).get_bucket_lifecycle().rules] == RULES
    gone = teardown(oss, "--delete-objects")
    assert gone.code == 0, gone.err
    assert state(oss) == NOTHING
    assert [each for each in changes(oss) if not each.startswith("Head")] == [
        "DeleteMultipleObjects",
        "DeleteBucket",
    ]


def test_the_doctor_needs_no_right_that_a_setup_leaves_out(
    oss: MockOSS, tmp_path: Path, web_dir: Path
) -> None:
    made = setup(oss, "--no-doctor")
    assert "ossferry-server-doctor" not in str(state(oss))

    found = doctor({**made.variables, "OSSFERRY_WEB_DIR": str(web_dir)}, tmp_path)

    assert found["skipped"] == {"public-access-block", "lifecycle", "domains"}
    assert found["warn"] == FIRST_WARNINGS
    assert "fail" not in found
    setup(oss)
    kept = setup(oss, "--no-doctor")
    assert kept.code == 0
    assert "policy ossferry-server-doctor" in state(oss)
    assert teardown(oss).code == 0
    assert state(oss) == NOTHING


@pytest.mark.parametrize(
    ("command", "calls", "details"),
    [
        pytest.param(
            "setup",
            MAKING,
            (
                '"acs:oss:*:*:uploads-of-example/uploads/*"',
                '"oss:GetBucketLifecycle"',
                "<AllowedOrigin>https://uploads.example.com</AllowedOrigin>",
            ),
            id="setup",
        ),
        pytest.param("teardown", REMOVING, ("DeleteUser UserName=ossferry-server",), id="teardown"),
    ],
)
def test_all_calls_are_shown_and_none_is_made_in_a_dry_run_or_without_consent(
    oss: MockOSS, command: str, calls: tuple[str, ...], details: tuple[str, ...]
) -> None:
    if command == "teardown":
        setup(oss)
        changes(oss)

    dry = run(oss, command, *FOR_USER, "--dry-run")
    as_json = run(oss, command, *FOR_USER, "--dry-run", "--json")
    asked = run(oss, command, *FOR_USER)

    assert (dry.code, as_json.code, asked.code, changes(oss)) == (0, 0, 1, [])
    shown = [line.split()[1] for line in dry.out.splitlines() if line[:3] in ("RAM", "OSS")]
    assert tuple(shown) == actions(as_json) == calls
    for each in details:
        assert each in dry.out
        assert each in asked.err
    assert "give --yes" in asked.err


def test_with_yes_only_what_was_done_and_the_settings_are_printed(oss: MockOSS) -> None:
    oss.faults.add(
        "error", code="AccessDenied", operation="ListBuckets"
    )  # a right it does not need
    made = setup(oss)

    assert len(made.err.splitlines()) <= len(MAKING) + 3
    assert "<AllowedOrigin>" not in made.err
    assert {line.partition("=")[0] for line in made.out.splitlines()} == made.variables.keys()


def test_a_second_run_updates_the_file_of_settings_and_keeps_its_other_lines(
    oss: MockOSS, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    first = setup(oss, "--env-file", file, "--key-file", tmp_path / "key")
    mode = stat.S_IMODE(file.stat().st_mode)
    added = "# ours\nOSSFERRY_AUTH=oidc\n"
    file.write_text(added + file.read_text().replace("cn-hangzhou", "cn-beijing"))
    file.chmod(0o640)
    again = run(oss, "setup", *FOR_USER, "--yes", "--env-file", file)
    failed = run(oss, "setup", *FOR_USER, "--env-file", file, "--mock", NOWHERE)
    lines = file.read_text().splitlines()

    assert (first.code, first.out, again.code, again.out, failed.code) == (0, "", 0, "", 1)
    assert (mode, stat.S_IMODE(file.stat().st_mode)) == (0o600, 0o640)
    assert lines[:2] == added.splitlines()
    assert sorted(lines[2:]) == sorted(
        line for line in setup(oss).out.splitlines() if line.startswith("OSSFERRY")
    )
    assert again.err.endswith(f"The settings are in {file}.\n")


def test_a_plan_is_written_and_applied(oss: MockOSS, plan: Path) -> None:
    written = run(oss, "setup", *FOR_USER, "--plan", plan)
    assert (written.code, written.out, changes(oss)) == (0, "", [])
    assert written.err.endswith(f"The plan with {len(MAKING)} calls is in {plan}.\n")
    applied = run(oss, "setup", "--apply", plan, "--yes")
    assert tuple(changes(oss)) == MAKING
    again = run(oss, "setup", "--apply", plan, "--yes")

    assert (applied.code, again.code) == (0, 0)
    assert changes(oss) == []
    assert applied.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in plan.read_text()
    removed = run(oss, "teardown", "--from-plan", plan, "--yes")
    assert removed.code == 0
    assert state(oss) == NOTHING


def test_a_plan_makes_no_call_that_it_does_not_list(oss: MockOSS, plan: Path) -> None:
    setup(oss)
    bucket_of(oss).delete_bucket_lifecycle()
    run(oss, "setup", *FOR_USER, "--plan", plan)
    bucket_of(oss).delete_bucket_cors()
    changes(oss)

    done = run(oss, "setup", "--apply", plan, "--yes")

    assert (done.code, changes(oss)) == (1, [])
    assert "the plan has no PutBucketCors for CORS rule: the account has changed since" in done.err
    assert "or the plan was edited; write a new plan with --plan" in done.err


def test_a_plan_is_also_printed_as_json(oss: MockOSS, plan: Path) -> None:
    done = run(oss, "setup", *NAMES, "--plan", plan, "--json")
    dry = run(oss, "setup", *NAMES, "--dry-run", "--json")

    printed = {**json.loads(plan.read_text()), "notes": []}
    assert json.loads(done.out) == {**printed, "plan_file": str(plan)}
    assert json.loads(dry.out) == printed


def test_a_plan_for_another_account_is_refused(oss: MockOSS, plan: Path) -> None:
    run(oss, "setup", *NAMES, "--plan", plan)
    data = json.loads(plan.read_text())
    data["wanted"]["account"] = "2000000000000000"
    plan.write_text(json.dumps(data))

    done = run(oss, "setup", "--apply", plan, "--yes")

    assert done.code == 1
    assert "the plan is for the account 2000000000000000" in done.err


def test_a_plan_and_names_do_not_mix(oss: MockOSS, plan: Path) -> None:
    run(oss, "setup", *FOR_USER, "--plan", plan)
    more = ("--bucket", "other", "--identity", "ecs", "--versioning", "--server-name", "other")

    made = run(oss, "setup", "--apply", plan, *more, "--yes")
    removed = run(oss, "teardown", "--from-plan", plan, "--origin", ORIGIN, "--yes")

    assert (made.code, removed.code, changes(oss)) == (2, 2, [])
    assert made.err == (
        "ossferry: --bucket, --identity, --versioning, --server-name: --apply takes this from the"
        " plan; leave the option out, or write a new plan with `ossferry setup --plan`.\n"
    )
    assert removed.err.startswith("ossferry: --origin: --from-plan takes this from the plan;")


def test_the_adopt_of_a_plan_does_not_count_for_its_teardown(oss: MockOSS, plan: Path) -> None:
    setup(oss, "--bucket", "another")
    run(oss, "setup", *FOR_USER, "--adopt", "--plan", plan)
    run(oss, "setup", "--apply", plan, "--yes")

    done = run(oss, "teardown", "--from-plan", plan, "--yes")

    assert done.code == 0
    assert state(oss)["user"] is not None
    assert run(oss, "teardown", "--from-plan", plan, "--yes", "--adopt").code == 0
    assert state(oss)["user"] is None


TIMES = ("before", "before-answer")


@pytest.mark.parametrize("times", [TIMES, pytest.param(TIMES[::-1], marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("command", "calls"),
    [pytest.param(setup, MAKING, id="setup"), pytest.param(teardown, REMOVING, id="teardown")],
)
def test_a_command_that_is_interrupted_at_each_call_continues(
    oss: MockOSS, command: Callable[[MockOSS], Ran], calls: tuple[str, ...], times: tuple[str, str]
) -> None:
    setup(oss)
    wanted: Mapping[str, object] = NOTHING
    if command is setup:
        wanted = state(oss)
        oss.reset()
    changes(oss)

    repeated: list[str] = []  # the call that did not reach the mock in the run before
    for call, when in zip(calls, cycle(times), strict=False):
        number = [*repeated, call].count(call)
        oss.faults.add("reset", operation=call, nth=number, when=when)
        broken = command(oss)
        assert (broken.code, "does not answer" in broken.err) == (1, True), call
        assert changes(oss) == [*repeated, call]
        oss.faults.clear()
        repeated = [call] if when == "before" else []
    again = command(oss)

    assert again.code == 0, again.err
    assert state(oss) == wanted


def test_a_secret_is_shown_once(oss: MockOSS) -> None:
    first = setup(oss)
    secret = first.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    second = setup(oss)

    user = directory(oss).users[ACCOUNT, "ossferry-server"]
    assert list(user.user.keys.values()) == [secret]
    assert first.out.count(secret) == 1
    assert secret not in first.err + second.out + second.err
    assert "--key-file FILE writes it into a file that only you can read" in first.err
    assert "--new-key makes another one" in second.err


@pytest.mark.parametrize(
    ("is_left", "more"),
    [
        pytest.param(False, (), id="new file"),
        pytest.param(True, (), id="empty file of a killed command"),
        pytest.param(False, ("--json",), id="new file and JSON"),
    ],
)
def test_a_secret_goes_only_into_a_file_for_its_owner(
    oss: MockOSS, tmp_path: Path, *, is_left: bool, more: tuple[str, ...]
) -> None:
    path = tmp_path / "key"
    if is_left:
        path.touch(0o644)

    done = setup(oss, "--key-file", path, *more)

    assert done.code == 0, done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = dict(line.split("=") for line in path.read_text().splitlines())
    assert tuple(lines) == KEY_VARIABLES
    assert lines["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in done.out + done.err
    assert "--key-file FILE" not in done.err
    assert not more or json.loads(done.out)["access_key_file"] == str(path)
    again = setup(oss, "--key-file", tmp_path / "unused")
    assert (again.code, (tmp_path / "unused").exists()) == (0, False)


def test_another_key_is_made_on_request_until_ram_has_two(oss: MockOSS) -> None:
    first, second, third = setup(oss), setup(oss, "--new-key"), setup(oss, "--new-key")

    ids = [each.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] for each in (first, second)]
    assert len(set(ids)) == 2
    assert third.code == 1
    assert f"has 2 access keys already, {ids[0]} and {ids[1]}" in third.err


@pytest.mark.parametrize("make", ["locked", "link", "second name", "pipe", "folder"])
def test_an_empty_key_file_that_may_belong_to_others_is_refused(
    oss: MockOSS, tmp_path: Path, make: str
) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    other.touch()
    match make:
        case "locked":
            path.touch()
        case "link":
            path.symlink_to(other)
        case "second name":
            path.hardlink_to(other)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()

    with (path if make == "locked" else other).open() as used:
        if make == "locked":
            fcntl.flock(used, fcntl.LOCK_EX)
        done = setup(oss, "--key-file", path)

    assert (done.code, changes(oss)) == (1, [])
    assert done.complaint == (
        f"ossferry: --key-file: {path} exists already: choose another name, or delete it."
    )


@pytest.mark.parametrize(
    ("option", "file", "reason"),
    [
        ("--plan", "file", "exists already: choose another name, or delete it."),
        ("--env-file", "none/.env", "cannot be written (No such file or directory): choose"),
        ("--key-file", "file", "exists already: choose another name, or delete it."),
        ("--key-file", "none/key", "cannot be "),
        ("--key-file", "file/key", "cannot be "),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_first_call(
    oss: MockOSS, tmp_path: Path, option: str, file: str, reason: str
) -> None:
    (tmp_path / "file").write_text("kept")

    done = setup(oss, option, tmp_path / file)

    assert (done.code, changes(oss)) == (1, [])
    assert done.complaint.startswith(f"ossferry: {option}: {tmp_path / file} {reason}")
    assert (tmp_path / "file").read_text() == "kept"


def test_json_has_the_calls_the_settings_and_the_key(oss: MockOSS) -> None:
    done = setup(oss, "--json")

    found = json.loads(done.out)
    assert found["account"] == ACCOUNT
    assert actions(done) == MAKING
    assert found["settings"]["OSSFERRY_BUCKET"] == BUCKET
    assert found["access_key"].keys() == {"id", "secret"}
    again = setup(oss, "--json")
    assert (actions(again), "access_key" in json.loads(again.out)) == ((), False)
    assert actions(teardown(oss, "--json")) == REMOVING


def test_json_keeps_the_key_if_a_later_call_fails(oss: MockOSS) -> None:
    oss.faults.add("error", code="CnameDenied", operation="PutCname")

    done = setup(oss, "--json", *DOMAIN)

    found = json.loads(done.out)
    assert done.code == 1
    assert found["access_key"]["secret"]
    assert found["error"].startswith("files.example.com is bound to a bucket of another account")


@pytest.mark.parametrize(("command", "plan"), [("setup", "--apply"), ("teardown", "--from-plan")])
@pytest.mark.parametrize("more", ["--dry-run", "--yes"])
def test_json_has_the_error_of_every_failure(
    oss: MockOSS, monkeypatch: pytest.MonkeyPatch, command: str, plan: str, more: str
) -> None:
    monkeypatch.chdir("/")
    for code, names in (
        (2, []),
        (2, [*NAMES, "--region", "!"]),
        (1, [*NAMES, "--mock", NOWHERE]),
        (1, [plan, "none.json"]),
    ):
        done = run(oss, command, *names, more, "--json")
        assert (done.code, done.complaint) == (code, f"ossferry: {json.loads(done.out)['error']}")
    wrong = run(oss, command, *NAMES, more, "--json", **{KEY_VARIABLES[1]: "wrong"})
    failure = CredentialException("unable to load credentials")
    monkeypatch.setattr(Client, "get_credential", Mock(side_effect=failure))
    for done in (wrong, run(oss, command, *NAMES, more, "--json")):
        assert (done.code, done.complaint) == (1, f"ossferry: {json.loads(done.out)['error']}")


def test_a_server_in_the_cloud_gets_a_role_and_no_key(oss: MockOSS) -> None:
    done = run(oss, "setup", *NAMES, "--yes")

    assert done.code == 0, done.err
    found = state(oss)
    assert found["user"] is None
    (trust,) = json.loads(found["ossferry-server"][1])["Statement"]
    assert trust["Principal"].keys() == {"Service"}
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" not in done.out
    assert "ECS instance" in done.err
    gone = run(oss, "teardown", *NAMES, "--yes")
    assert (gone.code, state(oss)) == (0, NOTHING)


def test_another_identity_leaves_a_note_and_a_teardown_that_removes_both(oss: MockOSS) -> None:
    key = setup(oss).variables["ALIBABA_CLOUD_ACCESS_KEY_ID"]

    role = run(oss, "setup", *NAMES, "--identity", "ecs", "--yes")
    user = setup(oss)

    assert (role.code, user.code) == (0, 0)
    assert (
        "the user ossferry-server of an earlier set-up still exists, with long-term access keys"
        f" ({key}): delete it in the RAM console when no server uses it."
    ) in role.err
    assert "the role ossferry-server of an earlier set-up still exists" in user.err
    gone = run(oss, "teardown", *NAMES, "--yes")
    assert (gone.code, state(oss)) == (0, NOTHING), gone.err


@pytest.mark.parametrize("host", ["mock.example.com", "10.0.0.1", "localhost.example.com"])
def test_a_mock_on_another_machine_gets_no_signature(oss: MockOSS, host: str) -> None:
    done = run(oss, "setup", *NAMES, "--yes", "--mock", f"http://{host}:9000")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"ossferry: --mock: http://{host}:9000 is not on this machine")


@pytest.mark.parametrize(
    ("change", "calls", "others"),
    [
        ("nothing", [], []),
        ("other rule and no policy", ["PutBucketCors", "AttachPolicyToRole"], ["*"]),
        ("no Vary", ["PutBucketCors"], []),
        ("second place", ["PutBucketCors"], ["*"]),
        ("another age", ["PutBucketCors"], [ORIGIN]),
    ],
)
def test_a_second_run_changes_only_what_differs(
    oss: MockOSS, change: str, calls: list[str], others: list[str]
) -> None:
    setup(oss)
    made, bucket = state(oss), bucket_of(oss)
    (ours,) = bucket.get_bucket_cors().rules
    other = oss2.models.CorsRule(["*"], ["GET"])
    rules = {"other rule and no policy": [other], "second place": [other, ours]}.get(change, [ours])
    if change == "another age":
        ours.max_age_seconds = 1
    if change == "other rule and no policy":
        role = directory(oss).roles[f"acs:ram::{ACCOUNT}:role/oss-web-upload"]
        directory(oss).detach("oss-web-upload", role.role)
    if change != "nothing":
        bucket.put_bucket_cors(oss2.models.BucketCors(rules, response_vary=change != "no Vary"))
    changes(oss)

    done = setup(oss)

    assert (done.code, changes(oss)) == (0, calls)
    words = [line.split()[0] for line in done.err.splitlines()]
    assert (words.count("done"), words.count("unchanged")) == (len(calls), 9 - len(calls))
    assert ("other CORS rules of the bucket stay: 1." in done.err) == bool(others)
    first, *rest = bucket.get_bucket_cors().rules
    assert (first.allowed_origins, first.max_age_seconds) == ([ORIGIN], 600)
    assert [each.allowed_origins for each in rest] == [[each] for each in others]
    found = state(oss)
    assert others or found == made
    assert {**found, "bucket": None} == {**made, "bucket": None}
    teardown(oss)
    assert oss.store.buckets.get(BUCKET) is None


def test_a_changed_name_changes_the_documents_in_place(oss: MockOSS) -> None:
    setup(oss)
    changes(oss)

    done = setup(oss, "--objects-role", "another-objects")

    assert done.code == 0, done.err
    assert changes(oss) == ["CreatePolicyVersion", *MADE_ROLE]
    (statement,) = json.loads(state(oss)["policy ossferry-server"][1])["Statement"]
    assert statement["Resource"][1].endswith("role/another-objects")
    teardown(oss, "--objects-role", "another-objects")
    assert "policy ossferry-server" not in state(oss)


@pytest.mark.parametrize(
    "theirs",
    [
        "<Prefix>logs/</Prefix><Expiration><Days>30</Days></Expiration>",
        "<Prefix>uploads/</Prefix><Tag><Key>draft</Key><Value>yes</Value></Tag>"
        "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>",
    ],
    ids=["of logs", "of objects with a tag"],
)
def test_other_lifecycle_rules_are_not_touched(oss: MockOSS, theirs: str) -> None:
    setup(oss)
    record: Any = oss.store.buckets.get(BUCKET)
    rule = f"<Rule><ID>theirs</ID><Status>Enabled</Status>{theirs}</Rule>"
    document = f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>"
    oss.store.buckets.put(record._replace(lifecycle=document))
    changes(oss)

    done = setup(oss)

    assert changes(oss) == []
    assert "the bucket has lifecycle rules of its own; add this" in done.err


def test_t61_a_bucket_of_an_earlier_setup_gets_the_rule_for_the_trash(oss: MockOSS) -> None:
    setup(oss)
    (parts, _, trash) = bucket_of(oss).get_bucket_lifecycle().rules
    bucket_of(oss).put_bucket_lifecycle(oss2.models.BucketLifecycle([parts]))
    changes(oss)

    setup(oss)

    assert changes(oss) == ["PutBucketLifecycle"]
    assert (trash.prefix, trash.expiration.days) == ("trash/", 8)
    assert [each.id for each in bucket_of(oss).get_bucket_lifecycle().rules] == RULES


def test_what_another_person_has_made_is_refused_unless_adopted(oss: MockOSS) -> None:
    setup(oss, "--bucket", "another")
    changes(oss)

    refused = setup(oss)
    kept = changes(oss)
    named = setup(oss, "--server-name", "second", "--role", "up2", "--objects-role", "obj2")
    removed = teardown(oss)

    assert (refused.code, kept) == (1, [])
    assert "the user ossferry-server exists, and ossferry setup did not make it" in refused.err
    assert "--server-name" in refused.err
    assert named.code == 0
    assert removed.err.count("stays, because ossferry setup did not make it") == 7
    assert state(oss)["user"] is not None
    adopted = setup(oss, "--adopt")
    assert adopted.code == 0, adopted.err
    assert teardown(oss, "--adopt").code == 0
    assert state(oss)["user"] is None


def test_a_role_with_other_policies_stays(oss: MockOSS) -> None:
    setup(oss)
    policy = directory(oss).policies[ACCOUNT, "ossferry-server"]
    role = directory(oss).roles[f"acs:ram::{ACCOUNT}:role/oss-web-upload"].role
    directory(oss).attach(policy, role)

    done = teardown(oss)

    assert done.code == 0, done.err
    assert "the role oss-web-upload stays, because other policies are attached" in done.err
    assert "the policy ossferry-server stays, because it is attached elsewhere" in done.err


def test_a_bucket_that_was_made_public_later_is_made_private_only_if_adopted(oss: MockOSS) -> None:
    setup(oss)
    bucket = bucket_of(oss)
    bucket.delete_bucket_public_access_block()
    bucket.put_bucket_acl("public-read")
    changes(oss)

    refused = setup(oss)
    before = changes(oss)
    adopted = setup(oss, "--adopt")

    assert (refused.code, before, adopted.code) == (1, [], 0)
    assert f"the bucket {BUCKET} is public-read: give --adopt to make it private" in refused.err
    assert changes(oss) == ["PutBucketAcl", "PutBucketPublicAccessBlock"]
    assert bucket.get_bucket_acl().acl == "private"


@pytest.fixture(params=["empty", "an object", "a tag", "public"])
def archive(oss: MockOSS, request: pytest.FixtureRequest) -> Any:
    """A bucket with the wanted name that another person has made."""
    bucket = bucket_of(oss)
    bucket.create_bucket("public-read" if request.param == "public" else "private")
    if request.param == "an object":
        bucket.put_object("1999.zip", b"irreplaceable")
    elif request.param == "a tag":
        rule = oss2.models.TaggingRule()
        rule.add("made-by", "hand")
        bucket.put_bucket_tagging(oss2.models.Tagging(rule))
    oss.requests.clear()
    return bucket


def test_a_bucket_that_exists_stays_and_is_changed_only_if_adopted(
    oss: MockOSS, archive: Any
) -> None:
    before = oss.store.buckets.get(BUCKET)

    refused = setup(oss)
    kept = [teardown(oss, "--delete-objects").code, teardown(oss).code]

    assert (refused.code, refused.out, kept, changes(oss)) == (1, "", [1, 0], [])
    assert refused.err == (
        f"ossferry: the bucket {BUCKET} exists, and ossferry setup did not make it: choose another"
        " name with --bucket, or give --adopt to change its settings.\n"
    )
    assert oss.store.buckets.get(BUCKET) == before
    assert setup(oss, "--adopt").code == 0
    assert "PutBucketTags" not in changes(oss)
    assert archive.get_bucket_acl().acl == "private"
    assert setup(oss).code == 1
    assert setup(oss, "--adopt").code == 0
    assert changes(oss) == []


@pytest.mark.parametrize("more", [(), ("--adopt",)], ids=["teardown", "teardown --adopt"])
def test_a_teardown_keeps_a_bucket_that_was_adopted(
    oss: MockOSS, archive: Any, more: tuple[str, ...]
) -> None:
    objects = [each.key for each in archive.list_objects_v2().object_list]
    setup(oss, "--adopt")
    before = state(oss)

    refused = teardown(oss, "--delete-objects", *more)
    assert (refused.code, state(oss)) == (1, before)
    assert refused.err == (
        f"ossferry: ossferry setup did not make the bucket {BUCKET}, so its objects stay: run the"
        " command without --delete-objects to remove everything else.\n"
    )
    done = teardown(oss, *more)

    assert done.code == 0, done.err
    assert f"the bucket {BUCKET} stays with its objects" in done.err
    assert [each.key for each in archive.list_objects_v2().object_list] == objects
    assert archive.get_bucket_public_access_block().block_public_access
    assert [each.id for each in archive.get_bucket_lifecycle().rules] == RULES
    with pytest.raises(oss2.exceptions.NoSuchCors):
        archive.get_bucket_cors()
    assert {**state(oss), "bucket": None} == NOTHING


def test_a_teardown_after_an_interrupted_setup_removes_the_bucket(oss: MockOSS) -> None:
    oss.faults.add("reset", operation="PutBucketTags", when="before")
    assert setup(oss).code == 1
    assert oss.store.buckets.get(BUCKET) is not None

    done = teardown(oss)

    assert done.code == 0, done.err
    assert state(oss) == NOTHING


def test_a_bucket_that_is_older_than_the_interrupted_setup_is_not_taken_over(oss: MockOSS) -> None:
    bucket_of(oss).create_bucket("private")
    oss.clock.advance(60)
    oss.faults.add("reset", operation="PutBucketPublicAccessBlock", when="before")
    assert setup(oss, "--adopt").code == 1

    again = setup(oss)

    assert again.code == 1
    assert "ossferry setup did not make it" in again.err
    assert bucket_of(oss).get_bucket_tagging().tag_set.tagging_rule == {}


def test_a_bucket_with_nothing_but_an_unfinished_upload_stays_and_a_second_teardown_says_so(
    oss: MockOSS,
) -> None:
    setup(oss)
    bucket_of(oss).init_multipart_upload("uploads/x")
    teardown(oss)

    done = teardown(oss)

    assert (done.code, "--delete-objects deletes all" in done.err) == (0, True)
    assert "DeleteBucket" not in changes(oss)
    assert [line.split() for line in done.err.splitlines() if not line.startswith("note")] == [
        ["gone", "role", "oss-web-upload"],
        ["gone", "role", "oss-web-objects"],
        ["gone", "identity", "ossferry-server"],
        ["gone", "CORS", "rule"],
        ["kept", "bucket", BUCKET],
    ]


@patch("ossferry.setup.bucket.MANY", 3)
def test_old_versions_and_delete_markers_are_deleted_with_the_objects(oss: MockOSS) -> None:
    setup(oss)
    setup(oss, "--versioning")
    bucket = bucket_of(oss)
    for key in ("uploads/a b.txt", "uploads/a b.txt", "uploads/gone"):
        bucket.put_object(key, b"1")
    for key in ("uploads/a b.txt", "uploads/gone"):
        bucket.delete_object(key)

    done = teardown(oss, "--delete-objects")

    assert (done.code, state(oss)) == (0, NOTHING)
    assert "deleted   5 objects\n" in done.err


@pytest.mark.parametrize(
    ("domain", "is_noted"), [("files.example.com", True), ("files.localhost", False)]
)
def test_a_domain_is_bound_and_unbound_with_a_note_if_it_does_not_lead_to_the_mock(
    oss: MockOSS, domain: str, *, is_noted: bool
) -> None:
    done = setup(oss, "--domain", domain)

    assert done.code == 0, done.err
    assert oss.cnames == {domain: BUCKET}
    assert f'_dnsauth.{domain}. TXT "' in done.err
    assert f"{domain}. CNAME {BUCKET}.oss-cn-hangzhou.aliyuncs.com." in done.err
    for each in (f"{domain} does not lead to the mock", "such as files.localhost"):
        assert (each in done.err) == is_noted
    changes(oss)
    assert setup(oss, "--domain", domain).code == 0
    assert changes(oss) == []
    teardown(oss, "--domain", domain)
    assert oss.cnames == {}


def test_a_domain_gets_a_certificate_at_once_or_later(oss: MockOSS, tmp_path: Path) -> None:
    make_certificate(tmp_path, "files.example.com")
    chain, private_key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    files = (*DOMAIN, "--certificate", chain, "--private-key", private_key)
    first = setup(oss, *DOMAIN)
    changes(oss)

    wrong = setup(oss, *DOMAIN, "--certificate", "none.pem", "--private-key", "k.pem")
    second = setup(oss, *files)

    assert second.code == 0, second.err
    assert wrong.complaint.endswith("none.pem is not a readable PEM file.")
    assert changes(oss) == ["PutCname"]
    (bound,) = bucket_of(oss).list_bucket_cname().cname
    assert bound.certificate.status == "Enabled"
    assert "give files.example.com a certificate" in first.err
    assert "give files.example.com a certificate" not in second.err
    assert "PRIVATE KEY" not in second.out + second.err
    assert setup(oss, *files).code == 0
    assert changes(oss) == []


def test_a_domain_without_its_record_is_bound_by_a_later_run(oss: MockOSS) -> None:
    oss.faults.add("error", code="NeedVerifyDomainOwnership", operation="PutCname", times=1)

    early = setup(oss, *DOMAIN)
    assert early.code == 1
    assert "OSS does not find the TXT record of files.example.com yet" in early.err
    assert early.complaint.endswith("everything else is done.")
    later = setup(oss, *DOMAIN)

    assert later.code == 0
    assert oss.cnames == {"files.example.com": BUCKET}
    record = '_dnsauth.files.example.com. TXT "'
    assert early.err.partition(record)[2][:32] == later.err.partition(record)[2][:32]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            "--bucket foreign",
            "*the bucket foreign belongs to another account, or the caller may not"
            " oss:GetBucketInfo there: choose another name with --bucket*",
        ),
        (
            "--region cn-nowhere-1 --oss-endpoint http://oss-cn-nowhere-1.invalid",
            "*OSS does not answer at http://oss-cn-nowhere-1.invalid: if cn-nowhere-1 is the name"
            " of a region, check the network*",
        ),
        (f"--oss-endpoint {NOWHERE}", f"*OSS does not answer at {NOWHERE}*"),
        (
            "--bucket in-beijing",
            "*: give --region with the region of this endpoint and of the bucket.",
        ),
        (
            "--region cn-nowhere-1",
            "OSS does not accept the region cn-nowhere-1 at {oss.endpoint}: give --region with the"
            " region of this endpoint and of the bucket.",
        ),
        (
            f"--mock {NOWHERE}",
            f"--mock: no mock answers at {NOWHERE}: start one with `ossferry mock-oss*",
        ),
    ],
    ids=["foreign bucket", "region", "no network", "bucket elsewhere", "region of mock", "no mock"],
)
def test_a_wrong_place_is_one_sentence_before_any_change(
    oss: MockOSS, plan: Path, arguments: str, sentence: str
) -> None:
    ensure_bucket(oss.store, BucketSpec(name="in-beijing", region="cn-beijing"), oss.clock)

    for command in (
        *("setup --yes", "setup --dry-run", f"setup --plan {plan}"),
        *("teardown --yes", "teardown --dry-run"),
    ):
        done = run(oss, *command.split(), *FOR_USER, *arguments.split())

        assert (done.code, done.out, changes(oss)) == (1, "", []), command
        (line,) = done.err.splitlines()
        assert fnmatchcase(line, f"ossferry: {sentence.format(oss=oss)}")
    assert not plan.exists()
    assert setup(oss).code == 0


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("clock", "*clock differs by more than 15 minutes*timedatectl set-ntp true*"),
        ("bucket", "*region*"),
        ("rights", "RAM refused GetUser (NoPermission)*give the caller the right ram:GetUser*"),
        ("policy", "the policy ossferry-server-doctor exists*another name with --server-name*"),
    ],
    ids=["wrong clock", "bucket in another region", "missing right", "policy of another person"],
)
def test_an_unfit_account_is_refused_before_the_first_change(
    oss: MockOSS, account: str, sentence: str
) -> None:
    match account:
        case "clock":
            oss.clock.advance(3600)
        case "bucket":
            ensure_bucket(oss.store, BucketSpec(name=BUCKET, region="cn-shanghai"), oss.clock)
        case "rights":
            admin = directory(oss).users[ACCOUNT, "admin"]
            only_oss = ADMIN.policies[0].replace('"Action":"*"', '"Action":"oss:*"')
            directory(oss).put_user(replace(admin, user=replace(ADMIN, policies=(only_oss,))))
        case "policy":
            setup(oss)
            policy = directory(oss).policies[ACCOUNT, "ossferry-server-doctor"]
            directory(oss).put_policy(replace(policy, description="by hand"))
    changes(oss)

    done = setup(oss)

    assert (done.code, changes(oss)) == (1, [])
    assert fnmatchcase(done.complaint, f"ossferry: {sentence}")


@pytest.mark.parametrize(
    ("operation", "code", "status", "sentence"),
    [
        ("GetBucketInfo", "RequestTimeTooSkewed", None, "*this machine's clock differs*"),
        ("GetBucketInfo", "InvalidAccessKeyId", None, "*does not accept the credentials*"),
        ("GetBucketInfo", "SignatureDoesNotMatch", None, "*does not accept the credentials*"),
        ("PutBucket", "TooManyBuckets", None, "*the account may not have more buckets*"),
        (
            "PutBucket",
            "BucketAlreadyExists",
            None,
            f"the bucket name {BUCKET} is taken by another account: choose another name with"
            " --bucket.",
        ),
        ("PutBucketCors", "AccessDenied", None, "*give the caller the right oss:PutBucketCors*"),
        ("PutBucketCors", "MalformedXML", None, "*OSS refused PutBucketCors (MalformedXML: *"),
        ("CreateRole", "Throttling.User", 400, "*wait a minute and run the command again*"),
        ("CreateRole", "LimitExceeded.Role", 409, "*RAM refused CreateRole (LimitExceeded.Role).*"),
    ],
)
def test_a_refusal_is_one_sentence(
    oss: MockOSS, operation: str, code: str, status: int | None, sentence: str
) -> None:
    oss.faults.add("error", code=code, status=status, operation=operation)

    done = setup(oss)

    assert done.code == 1
    assert fnmatchcase(done.complaint, f"ossferry: {sentence}")


@pytest.mark.parametrize(
    ("operation", "code", "advice"),
    [
        ("DeleteBucket", "BucketNotEmpty", "--delete-objects, which also deletes old versions of"),
        ("ListObjects", "PublicEndpointForbidden", "https://oss-cn-hangzhou-internal.aliyuncs.com"),
    ],
    ids=["not empty after all", "new account without a domain"],
)
def test_a_bucket_that_oss_does_not_empty_stays_with_advice(
    oss: MockOSS, operation: str, code: str, advice: str
) -> None:
    setup(oss)
    oss.faults.add("error", code=code, operation=operation)

    done = teardown(oss, "--delete-objects")

    assert done.code == 1
    assert advice in done.err
    assert oss.store.buckets.get(BUCKET) is not None


def test_a_new_account_is_set_up_and_emptied_through_its_domain(oss: MockOSS) -> None:
    oss.refuse_public_endpoints = True
    public = (*DOMAIN, "--oss-endpoint", "http://oss-cn-hangzhou.aliyuncs.com")
    made = setup(oss, *public, http_proxy=oss.endpoint)
    assert made.code == 0, made.err
    for name in ("a", "b"):
        bucket_of(oss).put_object(f"uploads/{name}", b"1")
    bucket_of(oss).init_multipart_upload("uploads/c")

    gone = teardown(oss, "--delete-objects", *public, http_proxy=oss.endpoint)

    assert gone.code == 0, gone.err
    assert "deleted   2 objects" in gone.err
    assert state(oss) == NOTHING
    hosts = {each.host for each in oss.requests if each.operation == "DeleteMultipleObjects"}
    assert hosts == {"files.example.com"}


def test_a_person_is_asked_for_missing_names_and_before_the_first_call(oss: MockOSS) -> None:
    typed = f"{BUCKET}\ncn-hangzhou\n{ORIGIN}\n"

    no = run(oss, "setup", typed=f"{typed}n\n")
    assert (no.code, no.out, changes(oss)) == (1, "", [])
    assert f"Make these {len(MAKING) - 1} calls?" in no.err
    assert no.err.endswith("nothing was changed\n")
    yes = run(oss, "setup", typed=f"{typed}y\n")

    assert yes.code == 0, yes.err
    assert f"OSSFERRY_BUCKET={BUCKET}\n" in yes.out
    assert len(changes(oss)) == len(MAKING) - 1  # a role needs no access key
    bucket_of(oss).delete_bucket_cors()
    assert "Make this call?" in run(oss, "setup", *NAMES, typed="n\n").err


def test_nobody_to_ask_means_no_call(oss: MockOSS) -> None:
    done, missing = run(oss, "setup", *NAMES, "--json"), run(oss, "setup", "--yes")

    assert (done.code, missing.code, changes(oss)) == (1, 2, [])
    assert json.loads(done.out)["error"].startswith("nobody can be asked here")
    assert "give --yes to make these calls" in done.err
    assert missing.err == "ossferry: --bucket is missing.\n"


WITH_CTRL_C = """
import signal
from ossferry.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_one_sentence_and_the_next_run_continues(
    oss: MockOSS, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "key"
    oss.faults.add("delay", operation="PutBucketCors", seconds=20)
    arguments = ("setup", *FOR_USER, "--yes", "--key-file", path, "--json", "--mock", oss.endpoint)

    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", WITH_CTRL_C, *arguments],
        env={**os.environ, **dict(zip(KEY_VARIABLES, KEY, strict=True))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "PutBucketPublicAccessBlock" in line and "done" in line:
                break
        process.send_signal(number)
        printed, said = process.communicate()

    assert process.returncode == 130
    assert said == "ossferry: interrupted; run the same command again: it continues.\n"
    assert json.loads(printed)["error"] == said.removeprefix("ossferry: ").rstrip()
    assert not path.exists()
    oss.faults.clear()
    assert setup(oss, "--key-file", path).code == 0
    assert path.exists()
