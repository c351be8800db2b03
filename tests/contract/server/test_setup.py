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
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import oss2
import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config

from mock_oss import BucketSpec, MockOSS, Role, User, World
from mock_oss.world.seeding import ensure_bucket
from support import commands
from support.certificates import make_certificate
from support.commands import Ran
from support.programs import free_port
from support.serve_command import COMMAND, SECRET, server_process, wait_until_up

KEY = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
ADMIN = User(
    name="admin",
    user_id="200000000000000007",
    keys={"LTAI5tMockAdmin": "MockAdminSecret0000000000001"},
    policies=('{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',),
)
ACCOUNT = ADMIN.account_id
BUCKET = "uploads-of-example"
FOREIGN = BucketSpec(name="foreign", account_id="2000000000000000")
ORIGIN = "https://uploads.example.com"
NAMES = ("--bucket", BUCKET, "--region", "cn-hangzhou", "--origin", ORIGIN)
READING = ("Get", "List", "Assume")
MAKING = (
    "CreateUser",
    "CreatePolicy",
    "AttachPolicyToUser",
    "CreatePolicy",
    "AttachPolicyToUser",
    "PutBucket",
    "PutBucketTags",
    "PutBucketPublicAccessBlock",
    "PutBucketCors",
    "PutBucketLifecycle",
    "CreateRole",
    "CreatePolicy",
    "AttachPolicyToRole",
    "CreateRole",
    "CreatePolicy",
    "AttachPolicyToRole",
    "CreateAccessKey",
)
REMOVING = (
    "DetachPolicyFromRole",
    "DeleteRole",
    "DeletePolicy",
    "DetachPolicyFromRole",
    "DeleteRole",
    "DeletePolicy",
    "DetachPolicyFromUser",
    "DetachPolicyFromUser",
    "DeleteAccessKey",
    "DeleteUser",
    "DeletePolicy",
    "DeletePolicy",
    "DeleteBucketCors",
    "DeleteBucket",
)


SAID_BEFORE_THE_FIRST_START = {"credentials", "tls"}
"""The doctor warns of the user's long-term key, and of a page that does not answer yet."""


Run = Callable[..., Ran]


@pytest.fixture
def oss() -> Iterator[MockOSS]:
    with MockOSS(world=World(users=(ADMIN,), roles=(), buckets=(FOREIGN,))) as oss:
        yield oss


@pytest.fixture
def run(oss: MockOSS) -> Run:
    """Return a function that runs a command on the mock, as the administrator of the account."""
    ((id_, secret),) = ADMIN.keys.items()

    def call(
        *arguments: str,
        mock: str | None = None,
        typed: str | None = None,
        key: tuple[str, str] = (id_, secret),
        **environment: str,
    ) -> Ran:
        keys = dict(zip(KEY, key, strict=True))
        with nullcontext() if typed is None else at_a_terminal(typed):
            return commands.run(
                *arguments, "--mock", mock or oss.endpoint, environment={**environment, **keys}
            )

    return call


@contextmanager
def at_a_terminal(typed: str) -> Iterator[None]:
    """Let commands read from a terminal.

    Args:
        typed: what the person types, with a line break after each answer.
    """
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    with os.fdopen(theirs) as stdin, patch("sys.stdin", stdin):
        yield
    os.close(ours)


class WithoutCredentials(Client):  # type: ignore[misc]  # untyped
    """The vendor's chain on a machine without credentials."""

    def __init__(self) -> None:
        super().__init__(Config(type="access_key", access_key_id="x", access_key_secret="x"))

    def get_credential(self) -> None:
        """Fail as the vendor's chain does."""
        raise CredentialException("unable to load credentials")


def setup(run: Run, *more: str, **changes: Any) -> Ran:
    return run("setup", *NAMES, "--identity", "user", "--yes", *more, **changes)


def teardown(run: Run, *more: str, **changes: Any) -> Ran:
    return run("teardown", *NAMES, "--identity", "user", "--yes", *more, **changes)


def changes(oss: MockOSS) -> list[str]:
    """Return the operations that have changed something since the last call; refusals, too."""
    found = [each.operation for each in oss.requests if not each.operation.startswith(READING)]
    oss.requests.clear()
    return found


def state(oss: MockOSS) -> dict[str, object]:
    """Return everything that a set-up makes, without random ids, times and secrets."""
    directory = oss.service.identities.directory
    user = directory.user(ACCOUNT, "ossferry-server")
    found: dict[str, object] = {"bucket": None, "user": None}
    bucket = oss.store.buckets.get(BUCKET)
    if bucket is not None:
        found["bucket"] = bucket._replace(created_ms=0)
    if user is not None:
        policies = {each.name: each.current.document for each in directory.attached(user)}
        found["user"] = (user.comments, len(user.user.keys), policies)
    for name in ("oss-web-upload", "oss-web-objects", "ossferry-server", "ossferry-server-doctor"):
        role = directory.role(f"acs:ram::{ACCOUNT}:role/{name}")
        if role is not None:
            attached = {each.name: each.current.document for each in directory.attached(role)}
            found[name] = (role.description, role.role.trust_policy, attached)
        policy = directory.policy(ACCOUNT, name)
        if policy is not None:
            found[f"policy {name}"] = (policy.description, policy.current.document)
    return found


NOTHING: Mapping[str, object] = {"bucket": None, "user": None}


def bucket_of(oss: MockOSS, name: str = BUCKET) -> Any:
    ((key, secret),) = ADMIN.keys.items()
    return oss2.Bucket(oss2.AuthV4(key, secret), oss.endpoint, name, region="cn-hangzhou")


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
        "OSSFERRY_SETTLE_S": "0",
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


@contextmanager
def server(settings: Mapping[str, str], folder: Path) -> Iterator[httpx.Client]:
    """Run `ossferry serve` with the settings that `setup` printed; yield a program with a key."""
    port = free_port()
    environment = {**options(settings, folder), "OSSFERRY_PORT": str(port)}
    key = output_of(environment, "apikey", "create", "carol").strip()
    with server_process(folder, environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        headers = {"authorization": f"Bearer {key}", "x-forwarded-proto": "https"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as site:
            yield site


def test_from_an_empty_account_to_an_upload_and_back(
    oss: MockOSS, run: Run, tmp_path: Path, web_dir: Path
) -> None:
    made = setup(run)
    assert made.code == 0, made.err
    assert tuple(changes(oss)) == MAKING

    with_page = {**made.variables, "OSSFERRY_WEB_DIR": str(web_dir)}
    found = doctor(with_page, tmp_path)
    assert found.keys() == {"ok", "warn"}
    assert found["warn"] == SAID_BEFORE_THE_FIRST_START

    with server(with_page, tmp_path) as site:
        grant = site.post("/api/grant").raise_for_status().json()
        token = (grant["access_key_id"], grant["access_key_secret"], grant["security_token"])
        auth = oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider(*token))
        bucket = oss2.Bucket(auth, oss.endpoint, BUCKET, region="cn-hangzhou")
        name = f"{grant['prefix']}2026-03-14/{'0' * 32}/hello.txt"
        stored = bucket.put_object(name, b"hello")
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.get_object(name)
        report = {"key": name, "size": 5, "crc64": str(stored.crc), "request_id": stored.request_id}
        receipt = site.post("/api/receipts", json=report)
        assert receipt.status_code == 200, receipt.text
        assert [each["key"] for each in site.get("/api/objects").json()["objects"]] == [name]
    oss.requests.clear()

    kept = teardown(run)
    assert (kept.code, "stays with its objects" in kept.err) == (0, True)
    assert [each for each in changes(oss) if "Bucket" in each] == ["DeleteBucketCors"]
    (rule,) = bucket_of(oss).get_bucket_lifecycle().rules
    assert rule.id == "ossferry-abort-parts"
    gone = teardown(run, "--delete-objects")
    assert gone.code == 0, gone.err
    assert state(oss) == NOTHING
    assert [each for each in changes(oss) if not each.startswith("Head")] == [
        "DeleteMultipleObjects",
        "DeleteBucket",
    ]


def test_the_doctor_needs_no_right_that_a_setup_leaves_out(
    oss: MockOSS, run: Run, tmp_path: Path, web_dir: Path
) -> None:
    made = setup(run, "--no-doctor")
    assert "ossferry-server-doctor" not in str(state(oss))

    found = doctor({**made.variables, "OSSFERRY_WEB_DIR": str(web_dir)}, tmp_path)

    assert found["skipped"] == {"public-access-block", "lifecycle", "domains"}
    assert found["warn"] == SAID_BEFORE_THE_FIRST_START
    assert "fail" not in found
    setup(run)
    kept = setup(run, "--no-doctor")
    assert kept.code == 0
    assert "policy ossferry-server-doctor" in state(oss)
    assert teardown(run).code == 0
    assert state(oss) == NOTHING


def test_a_second_run_changes_nothing(oss: MockOSS, run: Run) -> None:
    first = setup(run)
    before = state(oss)
    changes(oss)

    second = setup(run)

    assert (first.code, second.code) == (0, 0)
    assert changes(oss) == []
    assert state(oss) == before
    assert second.err.count("unchanged") == 9
    assert "done" not in second.err


def test_a_dry_run_prints_each_call_and_makes_none(oss: MockOSS, run: Run) -> None:
    done = run("setup", *NAMES, "--identity", "user", "--dry-run")

    assert done.code == 0
    assert changes(oss) == []
    shown = [line.split()[1] for line in done.out.splitlines() if line[:3] in ("RAM", "OSS")]
    assert tuple(shown) == MAKING
    assert '"acs:oss:*:*:uploads-of-example/uploads/*"' in done.out
    assert '"oss:GetBucketLifecycle"' in done.out
    assert "<AllowedOrigin>https://uploads.example.com</AllowedOrigin>" in done.out


def test_a_dry_run_in_json_is_the_plan(oss: MockOSS, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("setup", *NAMES, "--identity", "user", "--plan", str(plan))

    making = run("setup", *NAMES, "--identity", "user", "--dry-run", "--json")
    setup(run)
    changes(oss)
    removing = run("teardown", *NAMES, "--identity", "user", "--dry-run", "--json")

    assert json.loads(making.out) == {**json.loads(plan.read_text()), "notes": []}
    assert [each["action"] for each in json.loads(removing.out)["calls"]] == list(REMOVING)
    assert changes(oss) == []
    removed = json.loads(teardown(run, "--json").out)
    assert [each["action"] for each in removed["calls"]] == list(REMOVING)


def test_a_plan_is_written_and_applied(oss: MockOSS, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"

    written = run("setup", *NAMES, "--identity", "user", "--plan", str(plan))
    assert (written.code, written.out, changes(oss)) == (0, "", [])
    assert written.err.endswith(f"The plan with {len(MAKING)} calls is in {plan}.\n")
    applied = run("setup", "--apply", str(plan), "--yes")
    assert tuple(changes(oss)) == MAKING
    again = run("setup", "--apply", str(plan), "--yes")

    assert (applied.code, again.code) == (0, 0)
    assert changes(oss) == []
    assert applied.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in plan.read_text()
    removed = run("teardown", "--from-plan", str(plan), "--yes")
    assert removed.code == 0
    assert state(oss) == NOTHING


def test_a_plan_makes_no_call_that_it_does_not_list(oss: MockOSS, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    setup(run)
    run("setup", *NAMES, "--identity", "user", "--plan", str(plan))
    bucket_of(oss).delete_bucket_cors()
    changes(oss)

    done = run("setup", "--apply", str(plan), "--yes")

    assert (done.code, changes(oss)) == (1, [])
    assert "the plan has no PutBucketCors for CORS rule: the account has changed since" in done.err
    assert "or the plan was edited; write a new plan with --plan" in done.err


def test_a_plan_is_not_written_over_a_file(oss: MockOSS, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("kept")

    done = run("setup", *NAMES, "--plan", str(plan))

    assert (done.code, len(oss.requests), plan.read_text()) == (1, 0, "kept")
    assert done.err == (
        f"ossferry: --plan: {plan} exists already: choose another name, or delete it.\n"
    )


def test_a_written_plan_is_also_printed_as_json(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"

    done = run("setup", *NAMES, "--plan", str(plan), "--json")

    written = json.loads(plan.read_text())
    assert json.loads(done.out) == {**written, "notes": [], "plan_file": str(plan)}


def test_a_plan_for_another_account_is_refused(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("setup", *NAMES, "--plan", str(plan))
    data = json.loads(plan.read_text())
    data["wanted"]["account"] = "2000000000000000"
    plan.write_text(json.dumps(data))

    done = run("setup", "--apply", str(plan), "--yes")

    assert done.code == 1
    assert "the plan is for the account 2000000000000000" in done.err


@pytest.fixture(params=["before", "before-answer"])
def interrupt(oss: MockOSS, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that runs a command again and again, and breaks one call of each run.

    The first run is interrupted at the first call, the second run at the second call, and so on.
    """

    def run_each(command: Callable[[], Ran], calls: tuple[str, ...]) -> None:
        repeated: list[str] = []  # the call that did not reach the mock in the run before
        for call in calls:
            number = [*repeated, call].count(call)
            oss.faults.add("reset", operation=call, nth=number, when=request.param)
            broken = command()
            assert (broken.code, "does not answer" in broken.err) == (1, True), call
            assert changes(oss) == [*repeated, call]
            oss.faults.clear()
            repeated = [call] if request.param == "before" else []

    return run_each


def test_an_interrupted_setup_continues(
    oss: MockOSS, run: Run, interrupt: Callable[..., None]
) -> None:
    interrupt(lambda: setup(run), MAKING)
    again = setup(run)

    assert again.code == 0, again.err
    interrupted = state(oss)
    oss.reset()
    setup(run)
    assert interrupted == state(oss)


def test_an_interrupted_teardown_continues(
    oss: MockOSS, run: Run, interrupt: Callable[..., None]
) -> None:
    setup(run)
    changes(oss)

    interrupt(lambda: teardown(run), REMOVING)
    again = teardown(run)

    assert again.code == 0, again.err
    assert state(oss) == NOTHING


def test_a_secret_is_shown_once(oss: MockOSS, run: Run) -> None:
    first = setup(run)
    secret = first.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    second = setup(run)
    user = oss.service.identities.directory.user(ACCOUNT, "ossferry-server")

    assert user is not None
    assert list(user.user.keys.values()) == [secret]
    assert first.out.count(secret) == 1
    assert secret not in first.err + second.out + second.err
    assert "--new-key makes another one" in second.err


def test_a_secret_goes_into_a_file_for_its_owner(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "key"

    done = setup(run, "--key-file", str(path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = dict(line.split("=") for line in path.read_text().splitlines())
    assert list(lines) == ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    assert lines["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in done.out + done.err
    again = setup(run, "--key-file", str(tmp_path / "unused"))
    assert (again.code, (tmp_path / "unused").exists()) == (0, False)


def test_json_does_not_repeat_a_secret_that_is_in_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "key"

    done = setup(run, "--key-file", str(path), "--json")

    lines = dict(line.split("=") for line in path.read_text().splitlines())
    assert json.loads(done.out)["access_key_file"] == str(path)
    assert lines["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in done.out + done.err


def test_another_key_is_made_on_request_until_ram_has_two(oss: MockOSS, run: Run) -> None:
    first, second, third = setup(run), setup(run, "--new-key"), setup(run, "--new-key")

    ids = [each.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] for each in (first, second)]
    assert len(set(ids)) == 2
    assert third.code == 1
    assert f"has 2 access keys already, {ids[0]} and {ids[1]}" in third.err


def test_a_secret_on_stdout_is_noted_with_the_option_for_a_file(run: Run, tmp_path: Path) -> None:
    shown = setup(run)
    hidden = setup(run, "--new-key", "--key-file", str(tmp_path / "key"))

    assert "--key-file FILE writes it into a file that only you can read" in shown.err
    assert "--key-file FILE" not in hidden.err


def test_an_empty_key_file_of_a_command_that_was_killed_is_used(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o644)

    done = setup(run, "--key-file", str(path))

    assert done.code == 0, done.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("ALIBABA_CLOUD_ACCESS_KEY_ID=")


@pytest.mark.parametrize("make", ["locked", "link", "second name", "pipe", "folder"])
def test_an_empty_key_file_that_may_belong_to_others_is_refused(
    oss: MockOSS, run: Run, tmp_path: Path, make: str
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
        done = setup(run, "--key-file", str(path))

    assert (done.code, changes(oss)) == (1, [])
    assert done.err.splitlines()[-1] == (
        f"ossferry: --key-file: {path} exists already: choose another name, or delete it."
    )


@pytest.mark.parametrize("make", ["exists", "no folder", "file as folder"])
def test_a_key_file_that_cannot_be_written_is_told_before_the_first_call(
    oss: MockOSS, run: Run, tmp_path: Path, make: str
) -> None:
    (tmp_path / "file").write_text("kept")
    path = {"exists": "file", "no folder": "none/key", "file as folder": "file/key"}[make]

    done = setup(run, "--key-file", str(tmp_path / path))

    assert (done.code, changes(oss)) == (1, [])
    assert done.err.splitlines()[-1].startswith("ossferry: --key-file: ")
    assert (tmp_path / "file").read_text() == "kept"


def test_json_has_the_calls_the_settings_and_the_key(oss: MockOSS, run: Run) -> None:
    done = setup(run, "--json")
    found = json.loads(done.out)

    assert found["account"] == ACCOUNT
    assert [each["action"] for each in found["calls"]] == list(MAKING)
    assert found["settings"]["OSSFERRY_BUCKET"] == BUCKET
    assert found["access_key"].keys() == {"id", "secret"}
    again = json.loads(setup(run, "--json").out)
    assert (again["calls"], "access_key" in again) == ([], False)


def test_json_keeps_the_key_if_a_later_call_fails(oss: MockOSS, run: Run) -> None:
    oss.faults.add("error", code="CnameDenied", operation="PutCname")

    done = setup(run, "--json", "--domain", "files.example.com")
    found = json.loads(done.out)

    assert done.code == 1
    assert found["access_key"]["secret"]
    assert found["error"].startswith("files.example.com is bound to a bucket of another account")


@pytest.mark.parametrize("command", ["setup", "teardown"])
@pytest.mark.parametrize("more", ["--dry-run", "--yes"])
@pytest.mark.parametrize(
    ("cause", "code"),
    [("credentials", 1), ("secret", 1), ("region", 2), ("mock", 1), ("names", 2), ("plan", 1)],
)
def test_json_has_the_error_of_every_failure(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    command: str,
    more: str,
    cause: str,
    code: int,
) -> None:
    names, changed = [*NAMES], dict[str, Any]()
    match cause:
        case "credentials":
            monkeypatch.setattr("ossferry.oss.sts.default_credentials", WithoutCredentials)
        case "secret":
            changed = {"key": (next(iter(ADMIN.keys)), "wrong")}
        case "region":
            names += ["--region", "!"]
        case "mock":
            changed = {"mock": "http://127.0.0.1:1"}
        case "names":
            names = []
        case "plan":
            option = "--apply" if command == "setup" else "--from-plan"
            names = [option, str(tmp_path / "none")]

    done = run(command, *names, more, "--json", **changed)

    found = json.loads(done.out)
    assert (done.code, done.err.splitlines()[-1]) == (code, f"ossferry: {found['error']}")


def test_json_has_the_error_if_nobody_can_be_asked(oss: MockOSS, run: Run) -> None:
    done = run("setup", *NAMES, "--json")

    assert (done.code, changes(oss)) == (1, [])
    assert json.loads(done.out)["error"].startswith("nobody can be asked here")


@pytest.mark.parametrize("identity", ["ecs", "rrsa"])
def test_a_server_in_the_cloud_gets_a_role_and_no_key(
    oss: MockOSS, run: Run, identity: str
) -> None:
    rrsa = ("--provider", "ack-rrsa-c1", "--issuer", "https://oidc.example.com")
    more = (*rrsa, "--service-account", "uploads:ossferry") if identity == "rrsa" else ()

    done = run("setup", *NAMES, "--identity", identity, *more, "--yes")

    assert done.code == 0, done.err
    found = state(oss)
    assert found["user"] is None
    trust = json.loads(str(found["ossferry-server"][1]))["Statement"][0]["Principal"]  # type: ignore[index]
    assert trust.keys() == {"Service" if identity == "ecs" else "Federated"}
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" not in done.out
    assert ("ECS instance" if identity == "ecs" else "service account") in done.err
    gone = run("teardown", *NAMES, "--identity", identity, "--yes")
    assert (gone.code, state(oss)) == (0, NOTHING)


def test_another_identity_leaves_a_note_and_a_teardown_that_removes_both(
    oss: MockOSS, run: Run
) -> None:
    key = setup(run).variables["ALIBABA_CLOUD_ACCESS_KEY_ID"]

    role = run("setup", *NAMES, "--identity", "ecs", "--yes")
    user = setup(run)

    assert (role.code, user.code) == (0, 0)
    assert (
        "the user ossferry-server of an earlier set-up still exists, with long-term access keys"
        f" ({key}): delete it in the RAM console when no server uses it."
    ) in role.err
    assert "the role ossferry-server of an earlier set-up still exists" in user.err
    gone = run("teardown", *NAMES, "--yes")
    assert (gone.code, state(oss)) == (0, NOTHING), gone.err


@pytest.mark.parametrize("host", ["mock.example.com", "10.0.0.1", "localhost.example.com"])
def test_a_mock_on_another_machine_gets_no_signature(run: Run, host: str) -> None:
    done = run("setup", *NAMES, "--yes", mock=f"http://{host}:9000")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"ossferry: --mock: http://{host}:9000 is not on this machine")


def test_a_plan_and_names_do_not_mix(oss: MockOSS, run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("setup", *NAMES, "--identity", "user", "--plan", str(plan))
    more = ("--bucket", "other", "--identity", "ecs", "--versioning", "--server-name", "other")

    made = run("setup", "--apply", str(plan), *more, "--yes")
    removed = run("teardown", "--from-plan", str(plan), "--origin", ORIGIN, "--yes")

    assert (made.code, removed.code, changes(oss)) == (2, 2, [])
    assert made.err == (
        "ossferry: --bucket, --identity, --versioning, --server-name: --apply takes this from the"
        " plan; leave the option out, or write a new plan with `ossferry setup --plan`.\n"
    )
    assert removed.err.startswith("ossferry: --origin: --from-plan takes this from the plan;")


def test_only_what_differs_is_changed(oss: MockOSS, run: Run) -> None:
    setup(run)
    made = state(oss)
    changes(oss)
    directory = oss.service.identities.directory
    role = directory.role(f"acs:ram::{ACCOUNT}:role/oss-web-upload")
    assert role is not None
    directory.detach("oss-web-upload", role)
    bucket_of(oss).put_bucket_cors(oss2.models.BucketCors([oss2.models.CorsRule(["*"], ["GET"])]))
    changes(oss)

    done = setup(run)

    assert done.code == 0
    assert changes(oss) == ["PutBucketCors", "AttachPolicyToRole"]
    cors = bucket_of(oss).get_bucket_cors()
    assert [each.allowed_origins for each in cors.rules] == [[ORIGIN], ["*"]]
    assert "other CORS rules of the bucket stay: 1." in done.err
    assert {**state(oss), "bucket": None} == {**made, "bucket": None}
    teardown(run)
    assert oss.store.buckets.get(BUCKET) is None


@pytest.mark.parametrize("change", ["no Vary", "second place", "another age"])
def test_a_cors_rule_that_is_not_quite_right_is_put_again(
    oss: MockOSS, run: Run, change: str
) -> None:
    setup(run)
    bucket = bucket_of(oss)
    wanted = oss.store.buckets.get(BUCKET)
    found = bucket.get_bucket_cors()
    rules, vary = list(found.rules), True
    if change == "no Vary":
        vary = False
    elif change == "second place":
        rules.insert(0, oss2.models.CorsRule(["https://other.example"], ["GET"]))
    else:
        rules[0].max_age_seconds = 1
    bucket.put_bucket_cors(oss2.models.BucketCors(rules, response_vary=vary))
    changes(oss)

    done = setup(run)

    assert done.code == 0
    assert changes(oss) == ["PutBucketCors"]
    assert bucket.get_bucket_cors().rules[0].max_age_seconds == 600
    if change == "no Vary":
        assert oss.store.buckets.get(BUCKET) == wanted


def test_a_changed_name_changes_the_documents_in_place(oss: MockOSS, run: Run) -> None:
    setup(run)
    changes(oss)

    done = setup(run, "--objects-role", "another-objects")

    assert done.code == 0, done.err
    assert changes(oss) == [
        "CreatePolicyVersion",
        "CreateRole",
        "CreatePolicy",
        "AttachPolicyToRole",
    ]
    caller = json.loads(str(state(oss)["policy ossferry-server"][1]))  # type: ignore[index]
    assert caller["Statement"][0]["Resource"][1].endswith("role/another-objects")
    teardown(run, "--objects-role", "another-objects")
    assert oss.service.identities.directory.policy(ACCOUNT, "ossferry-server") is None


def test_other_lifecycle_rules_are_not_touched(oss: MockOSS, run: Run) -> None:
    setup(run)
    rule = oss2.models.LifecycleRule(
        "theirs",
        "logs/",
        status="Enabled",
        expiration=oss2.models.LifecycleExpiration(days=30),
    )
    bucket_of(oss).put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))
    changes(oss)

    done = setup(run)

    assert changes(oss) == []
    assert "the bucket has lifecycle rules of its own; add this one" in done.err
    teardown(run, "--delete-objects")


def test_what_another_person_has_made_is_refused_unless_adopted(run: Run, oss: MockOSS) -> None:
    directory = oss.service.identities.directory
    run("setup", "--bucket", "another", *NAMES[2:], "--identity", "user", "--yes")
    changes(oss)

    refused = setup(run)
    kept = changes(oss)
    named = setup(run, "--server-name", "second", "--role", "up2", "--objects-role", "obj2")
    removed = teardown(run)

    assert (refused.code, kept) == (1, [])
    assert "the user ossferry-server exists, and ossferry setup did not make it" in refused.err
    assert "--server-name" in refused.err
    assert named.code == 0
    assert removed.err.count("stays, because ossferry setup did not make it") == 7
    assert directory.user(ACCOUNT, "ossferry-server") is not None
    adopted = setup(run, "--adopt")
    assert adopted.code == 0, adopted.err
    assert teardown(run, "--adopt").code == 0
    assert directory.user(ACCOUNT, "ossferry-server") is None


def test_a_role_with_other_policies_stays(oss: MockOSS, run: Run) -> None:
    setup(run)
    directory = oss.service.identities.directory
    role = directory.role(f"acs:ram::{ACCOUNT}:role/oss-web-upload")
    policy = directory.policy(ACCOUNT, "ossferry-server")
    assert role is not None
    assert policy is not None
    directory.attach(policy, role)

    done = teardown(run)

    assert done.code == 0, done.err
    assert "the role oss-web-upload stays, because other policies are attached" in done.err
    assert "the policy ossferry-server stays, because it is attached elsewhere" in done.err


def test_a_public_bucket_is_made_private_only_if_adopted(oss: MockOSS, run: Run) -> None:
    bucket_of(oss).create_bucket("public-read")
    changes(oss)

    refused = setup(run)
    before = changes(oss)
    adopted = setup(run, "--adopt")

    assert (refused.code, before, adopted.code) == (1, [], 0)
    assert f"the bucket {BUCKET} exists, and ossferry setup did not make it" in refused.err
    assert "PutBucketAcl" in changes(oss)
    assert bucket_of(oss).get_bucket_acl().acl == "private"


def test_a_bucket_that_was_made_public_later_is_made_private_only_if_adopted(
    oss: MockOSS, run: Run
) -> None:
    setup(run)
    bucket_of(oss).delete_bucket_public_access_block()
    bucket_of(oss).put_bucket_acl("public-read")
    changes(oss)

    refused = setup(run)
    before = changes(oss)
    adopted = setup(run, "--adopt")

    assert (refused.code, before, adopted.code) == (1, [], 0)
    assert "is public-read: give --adopt to make it private" in refused.err
    assert changes(oss) == ["PutBucketAcl", "PutBucketPublicAccessBlock"]


@pytest.fixture(params=["empty", "an object", "a tag"])
def archive(oss: MockOSS, request: pytest.FixtureRequest) -> Any:
    """A bucket with the wanted name that another person has made."""
    bucket = bucket_of(oss)
    bucket.create_bucket("private")
    if request.param == "an object":
        bucket.put_object("1999.zip", b"irreplaceable")
    elif request.param == "a tag":
        rule = oss2.models.TaggingRule()
        rule.add("made-by", "hand")
        bucket.put_bucket_tagging(oss2.models.Tagging(rule))
    oss.requests.clear()
    return bucket


def test_a_bucket_that_exists_is_changed_only_if_adopted(
    oss: MockOSS, run: Run, archive: Any
) -> None:
    before = oss.store.buckets.get(BUCKET)

    refused = setup(run)

    assert (refused.code, refused.out, changes(oss)) == (1, "", [])
    assert refused.err == (
        f"ossferry: the bucket {BUCKET} exists, and ossferry setup did not make it: choose another"
        " name with --bucket, or give --adopt to change its settings.\n"
    )
    assert oss.store.buckets.get(BUCKET) == before
    assert setup(run, "--adopt").code == 0
    assert "PutBucketTags" not in changes(oss)
    assert setup(run).code == 1
    assert setup(run, "--adopt").code == 0
    assert changes(oss) == []


@pytest.mark.parametrize("more", [(), ("--adopt",)], ids=["teardown", "teardown --adopt"])
def test_a_teardown_keeps_a_bucket_that_was_adopted(
    oss: MockOSS, run: Run, archive: Any, more: tuple[str, ...]
) -> None:
    objects = [each.key for each in archive.list_objects_v2().object_list]
    setup(run, "--adopt")
    before = state(oss)

    refused = teardown(run, "--delete-objects", *more)
    assert (refused.code, state(oss)) == (1, before)
    assert refused.err == (
        f"ossferry: ossferry setup did not make the bucket {BUCKET}, so its objects stay: run the"
        " command without --delete-objects to remove everything else.\n"
    )
    done = teardown(run, *more)

    assert done.code == 0, done.err
    assert f"the bucket {BUCKET} stays with its objects" in done.err
    assert [each.key for each in archive.list_objects_v2().object_list] == objects
    assert archive.get_bucket_public_access_block().block_public_access
    assert [each.id for each in archive.get_bucket_lifecycle().rules] == ["ossferry-abort-parts"]
    with pytest.raises(oss2.exceptions.NoSuchCors):
        archive.get_bucket_cors()
    assert {**state(oss), "bucket": None} == NOTHING


def test_a_teardown_keeps_a_bucket_that_was_never_set_up(
    oss: MockOSS, run: Run, archive: Any
) -> None:
    before = oss.store.buckets.get(BUCKET)

    refused, done = teardown(run, "--delete-objects"), teardown(run)

    assert (refused.code, done.code, changes(oss)) == (1, 0, [])
    assert oss.store.buckets.get(BUCKET) == before


def test_the_adopt_of_a_plan_does_not_count_for_its_teardown(
    oss: MockOSS, run: Run, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    run("setup", "--bucket", "another", *NAMES[2:], "--identity", "user", "--yes")
    run("setup", *NAMES, "--identity", "user", "--adopt", "--plan", str(plan))
    run("setup", "--apply", str(plan), "--yes")

    done = run("teardown", "--from-plan", str(plan), "--yes")

    assert done.code == 0
    assert oss.service.identities.directory.user(ACCOUNT, "ossferry-server") is not None
    assert run("teardown", "--from-plan", str(plan), "--yes", "--adopt").code == 0
    assert oss.service.identities.directory.user(ACCOUNT, "ossferry-server") is None


def test_a_teardown_after_an_interrupted_setup_removes_the_bucket(oss: MockOSS, run: Run) -> None:
    oss.faults.add("reset", operation="PutBucketTags", when="before")
    assert setup(run).code == 1
    assert oss.store.buckets.get(BUCKET) is not None

    done = teardown(run)

    assert done.code == 0, done.err
    assert state(oss) == NOTHING


def test_a_bucket_that_is_older_than_the_interrupted_setup_is_not_taken_over(
    oss: MockOSS, run: Run
) -> None:
    bucket_of(oss).create_bucket("private")
    oss.clock.advance(60)
    oss.faults.add("reset", operation="PutBucketPublicAccessBlock", when="before")
    assert setup(run, "--adopt").code == 1

    again = setup(run)

    assert again.code == 1
    assert "ossferry setup did not make it" in again.err
    assert bucket_of(oss).get_bucket_tagging().tag_set.tagging_rule == {}


def test_a_second_teardown_says_what_is_gone_and_what_is_kept(oss: MockOSS, run: Run) -> None:
    setup(run)
    bucket_of(oss).put_object("uploads/a", b"1")
    teardown(run)

    done = teardown(run)

    assert done.code == 0
    assert [line.split() for line in done.err.splitlines() if not line.startswith("note")] == [
        ["gone", "role", "oss-web-upload"],
        ["gone", "role", "oss-web-objects"],
        ["gone", "identity", "ossferry-server"],
        ["gone", "CORS", "rule"],
        ["kept", "bucket", BUCKET],
    ]


def test_versioning_is_asked_for_on_request(oss: MockOSS, run: Run) -> None:
    without, wanted = setup(run), setup(run, "--versioning")

    assert (without.code, wanted.code) == (0, 0)
    assert bucket_of(oss).get_bucket_versioning().status == "Enabled"
    bucket_of(oss).put_object("uploads/a", b"1")
    gone = teardown(run, "--delete-objects")
    assert (gone.code, state(oss)) == (0, NOTHING)


def test_a_custom_domain_is_bound_and_unbound(oss: MockOSS, run: Run) -> None:
    done = setup(run, "--domain", "files.example.com")

    assert done.code == 0, done.err
    assert oss.cnames == {"files.example.com": BUCKET}
    assert '_dnsauth.files.example.com. TXT "' in done.err
    assert f"files.example.com. CNAME {BUCKET}.oss-cn-hangzhou.aliyuncs.com." in done.err
    changes(oss)
    assert setup(run, "--domain", "files.example.com").code == 0
    assert changes(oss) == []
    teardown(run, "--domain", "files.example.com")
    assert oss.cnames == {}


def test_a_domain_that_does_not_lead_to_the_mock_is_noted(run: Run) -> None:
    public = setup(run, "--domain", "files.example.com")
    local = setup(run, "--domain", "files.localhost")

    assert "files.example.com does not lead to the mock" in public.err
    assert "such as files.localhost" in public.err
    assert local.code == 0, local.err
    assert "does not lead to the mock" not in local.err


def test_a_domain_gets_a_certificate_at_once_or_later(
    oss: MockOSS, run: Run, tmp_path: Path
) -> None:
    make_certificate(tmp_path, "files.example.com")
    files = (
        "--certificate",
        str(tmp_path / "fullchain.pem"),
        "--private-key",
        str(tmp_path / "privkey.pem"),
    )
    domain = ("--domain", "files.example.com")
    first = setup(run, *domain)
    changes(oss)

    second = setup(run, *domain, *files)

    assert second.code == 0, second.err
    assert changes(oss) == ["PutCname"]
    (bound,) = bucket_of(oss).list_bucket_cname().cname
    assert bound.certificate.status == "Enabled"
    assert "give files.example.com a certificate" in first.err
    assert "give files.example.com a certificate" not in second.err
    assert "PRIVATE KEY" not in second.out + second.err
    assert setup(run, *domain, *files).code == 0
    assert changes(oss) == []


def test_a_certificate_that_cannot_be_read_is_one_sentence(run: Run, tmp_path: Path) -> None:
    files = ("--certificate", str(tmp_path / "none.pem"), "--private-key", str(tmp_path / "k.pem"))

    done = setup(run, "--domain", "files.example.com", *files)

    assert done.code == 1
    assert done.err.splitlines()[-1].endswith("none.pem is not a readable PEM file.")


def test_a_domain_without_its_record_is_bound_by_a_later_run(oss: MockOSS, run: Run) -> None:
    oss.faults.add("error", code="NeedVerifyDomainOwnership", operation="PutCname", times=1)

    early = setup(run, "--domain", "files.example.com")
    assert early.code == 1
    assert "OSS does not find the TXT record of files.example.com yet" in early.err
    assert early.err.splitlines()[-1].endswith("everything else is done.")
    later = setup(run, "--domain", "files.example.com")

    assert later.code == 0
    assert oss.cnames == {"files.example.com": BUCKET}
    record = '_dnsauth.files.example.com. TXT "'
    assert early.err.partition(record)[2][:32] == later.err.partition(record)[2][:32]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--bucket", "foreign"),
            "the bucket foreign belongs to another account, or the caller may not"
            " oss:GetBucketInfo there: choose another name with --bucket",
        ),
        (
            ("--region", "cn-nowhere-1", "--oss-endpoint", "http://oss-cn-nowhere-1.invalid"),
            "OSS does not answer at http://oss-cn-nowhere-1.invalid: if cn-nowhere-1 is the name"
            " of a region, check the network",
        ),
        (("--oss-endpoint", "http://127.0.0.1:1"), "OSS does not answer at http://127.0.0.1:1"),
        (
            ("--bucket", "in-beijing"),
            ": give --region with the region of this endpoint and of the bucket.",
        ),
    ],
    ids=["foreign bucket", "region", "no network", "bucket in another region"],
)
def test_a_wrong_place_is_one_sentence(
    oss: MockOSS, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    ensure_bucket(oss.store, BucketSpec(name="in-beijing", region="cn-beijing"), oss.clock)

    done = setup(run, *arguments)

    assert (done.code, done.out, changes(oss)) == (1, "", [])
    (line,) = done.err.splitlines()
    assert line.startswith("ossferry: ")
    assert sentence in line


def test_a_region_that_the_mock_does_not_have_is_one_sentence(oss: MockOSS, run: Run) -> None:
    done = setup(run, "--region", "cn-nowhere-1")

    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        f"ossferry: OSS does not accept the region cn-nowhere-1 at {oss.endpoint}: give --region"
        " with the region of this endpoint and of the bucket."
    )
    assert setup(run).code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("setup", "--dry-run"),
        ("setup", "--plan", "plan.json"),
        ("setup", "--yes"),
        ("teardown", "--dry-run"),
        ("teardown", "--yes"),
    ],
    ids=" ".join,
)
def test_a_region_is_checked_before_any_change(
    oss: MockOSS,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(*arguments, *NAMES, "--region", "cn-nowhere")

    assert (done.code, done.out, changes(oss)) == (1, "", [])
    assert "OSS does not accept the region cn-nowhere" in done.err
    assert not (tmp_path / "plan.json").exists()


def test_a_caller_who_may_not_list_buckets_can_set_up(oss: MockOSS, run: Run) -> None:
    oss.faults.add("error", code="AccessDenied", operation="ListBuckets")

    assert setup(run).code == 0


def test_a_policy_for_the_doctor_that_another_person_has_made_is_refused(
    oss: MockOSS, run: Run
) -> None:
    setup(run)
    policy = oss.service.identities.directory.policy(ACCOUNT, "ossferry-server-doctor")
    assert policy is not None
    oss.service.identities.directory.put_policy(replace(policy, description="by hand"))
    changes(oss)

    done = setup(run)

    assert (done.code, changes(oss)) == (1, [])
    assert "the policy ossferry-server-doctor exists" in done.err
    assert "choose another name with --server-name" in done.err


def test_a_name_that_is_taken_meanwhile_is_one_sentence(oss: MockOSS, run: Run) -> None:
    oss.faults.add("error", code="BucketAlreadyExists", operation="PutBucket")

    done = setup(run)

    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        f"ossferry: the bucket name {BUCKET} is taken by another account: choose another name with"
        " --bucket."
    )


@pytest.mark.parametrize(
    ("operation", "code", "status", "sentence"),
    [
        ("GetBucketInfo", "RequestTimeTooSkewed", None, "this machine's clock differs"),
        ("GetBucketInfo", "InvalidAccessKeyId", None, "does not accept the credentials"),
        ("PutBucket", "TooManyBuckets", None, "the account may not have more buckets"),
        ("PutBucketCors", "AccessDenied", None, "give the caller the right oss:PutBucketCors"),
        ("PutBucketCors", "MalformedXML", None, "OSS refused PutBucketCors (MalformedXML: "),
        ("CreateRole", "Throttling.User", 400, "wait a minute and run the command again"),
        ("CreateRole", "LimitExceeded.Role", 409, "RAM refused CreateRole (LimitExceeded.Role)."),
    ],
)
def test_a_refusal_is_one_sentence(
    oss: MockOSS, run: Run, operation: str, code: str, status: int | None, sentence: str
) -> None:
    oss.faults.add("error", code=code, status=status, operation=operation)

    done = setup(run)

    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith("ossferry: ")
    assert sentence in line


def test_a_bucket_that_is_not_empty_after_all_stays(oss: MockOSS, run: Run) -> None:
    setup(run)
    oss.faults.add("error", code="BucketNotEmpty", operation="DeleteBucket")

    done = teardown(run, "--delete-objects")

    assert done.code == 1
    assert "--delete-objects, which also deletes old versions of objects" in done.err


def test_a_bucket_in_another_region_is_named_with_its_region(oss: MockOSS, run: Run) -> None:
    ensure_bucket(oss.store, BucketSpec(name=BUCKET, region="cn-shanghai"), oss.clock)

    done = setup(run)

    assert (done.code, changes(oss)) == (1, [])
    assert "region" in done.err


def test_a_clock_that_is_an_hour_wrong_is_one_sentence(oss: MockOSS, run: Run) -> None:
    oss.clock.advance(3600)

    done = setup(run)

    assert (done.code, changes(oss)) == (1, [])
    assert "this machine's clock differs by more than 15 minutes" in done.err
    assert "timedatectl set-ntp true" in done.err


@pytest.mark.parametrize("key", ["LTAInobody", *ADMIN.keys])
def test_wrong_credentials_are_one_sentence(run: Run, key: str) -> None:
    done = setup(run, key=(key, "wrong"))

    assert done.code == 1
    assert done.err.startswith("ossferry: Alibaba Cloud does not accept the credentials (")


def test_a_caller_without_rights_is_told_which_right_is_missing(oss: MockOSS, run: Run) -> None:
    directory = oss.service.identities.directory
    entry = directory.user(ACCOUNT, "admin")
    assert entry is not None
    only_oss = ADMIN.policies[0].replace('"Action":"*"', '"Action":"oss:*"')
    directory.put_user(replace(entry, user=replace(ADMIN, policies=(only_oss,))))

    done = setup(run)

    assert (done.code, changes(oss)) == (1, [])
    assert "RAM refused GetUser (NoPermission)" in done.err
    assert "give the caller the right ram:GetUser" in done.err


def test_no_network_is_one_sentence(run: Run) -> None:
    done = run("setup", *NAMES, "--yes", mock="http://127.0.0.1:1")

    assert done.code == 1
    (line,) = done.err.splitlines()
    assert line.startswith(
        "ossferry: --mock: no mock answers at http://127.0.0.1:1: start one with `ossferry mock-oss"
    )


def test_no_credentials_are_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [str(COMMAND), "setup", *NAMES, "--yes", "--mock", "http://127.0.0.1:1"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ossferry: no credentials were found")


def test_a_new_account_is_set_up_and_emptied_through_its_domain(oss: MockOSS, run: Run) -> None:
    oss.refuse_public_endpoints = True
    proxy = {"http_proxy": oss.endpoint}
    domain = ("--domain", "files.example.com")
    public = ("--oss-endpoint", "http://oss-cn-hangzhou.aliyuncs.com")
    made = setup(run, *domain, *public, **proxy)
    assert made.code == 0, made.err
    for name in ("a", "b"):
        bucket_of(oss).put_object(f"uploads/{name}", b"1")
    bucket_of(oss).init_multipart_upload("uploads/c")

    gone = teardown(run, "--delete-objects", *domain, *public, **proxy)

    assert gone.code == 0, gone.err
    assert "deleted   2 objects" in gone.err
    assert state(oss) == NOTHING
    hosts = {each.host for each in oss.requests if each.operation == "DeleteMultipleObjects"}
    assert hosts == {"files.example.com"}


def test_one_call_and_one_object_are_told_in_the_singular(
    oss: MockOSS, run: Run, tmp_path: Path
) -> None:
    setup(run)
    bucket_of(oss).put_object("uploads/a", b"1")
    bucket_of(oss).delete_bucket_cors()

    asked = run("setup", *NAMES, "--identity", "user", typed="n\n")
    plan = run("setup", *NAMES, "--identity", "user", "--plan", str(tmp_path / "plan.json"))
    gone = teardown(run, "--delete-objects")

    assert "Make this call?" in asked.err
    assert "The plan with 1 call is in " in plan.err
    assert "deleted   1 object\n" in gone.err


def test_a_new_account_without_a_domain_is_told_where_objects_can_be_deleted(
    oss: MockOSS, run: Run
) -> None:
    setup(run)
    oss.faults.add("error", code="PublicEndpointForbidden", operation="ListObjects")

    done = teardown(run, "--delete-objects")

    assert done.code == 1
    assert "--oss-endpoint https://oss-cn-hangzhou-internal.aliyuncs.com" in done.err
    assert oss.store.buckets.get(BUCKET) is not None


def test_a_person_is_asked_for_missing_names_and_before_the_first_call(
    oss: MockOSS, run: Run
) -> None:
    names = f"{BUCKET}\ncn-hangzhou\n{ORIGIN}\n\n\n"

    no = run("setup", typed=names + "n\n")
    assert (no.code, no.out, changes(oss)) == (1, "", [])
    assert "Make these 16 calls?" in no.err
    assert no.err.endswith("nothing was changed\n")
    yes = run("setup", typed=names + "y\n")

    assert yes.code == 0, yes.err
    assert f"OSSFERRY_BUCKET={BUCKET}\n" in yes.out
    assert bucket_of(oss).get_bucket_versioning().status is None
    assert len(changes(oss)) == 16


def test_a_person_who_is_asked_chooses_the_identity_and_versioning(oss: MockOSS, run: Run) -> None:
    done = run("setup", "--yes", typed=f"{BUCKET}\ncn-hangzhou\n{ORIGIN}\nuser\ny\n")

    assert done.code == 0, done.err
    assert oss.service.identities.directory.user(ACCOUNT, "ossferry-server") is not None
    assert bucket_of(oss).get_bucket_versioning().status == "Enabled"


def test_a_person_is_not_asked_for_what_was_given(run: Run) -> None:
    given = ("--region", "cn-hangzhou", "--origin", ORIGIN, "--identity", "user", "--no-versioning")

    asked = run("setup", *given, "--yes", typed=f"{BUCKET}\n")
    all_given = run("setup", *NAMES, "--identity", "user", "--yes", typed="")

    assert (asked.code, all_given.code) == (0, 0)
    assert "Identity of the server" not in asked.err + all_given.err
    assert "old versions" not in asked.err + all_given.err


WITH_CTRL_C = """
import signal
from ossferry.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_one_sentence_and_the_next_run_continues(
    oss: MockOSS, run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "key"
    ((key, secret),) = ADMIN.keys.items()
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
    oss.faults.add("delay", operation="PutBucketCors", seconds=20)
    mine = ("--identity", "user", "--yes", "--key-file", str(path), "--json")
    arguments = ("setup", *NAMES, *mine, "--mock", oss.endpoint)

    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", WITH_CTRL_C, *arguments],
        env={**os.environ, **keys},
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
    assert setup(run, "--key-file", str(path)).code == 0
    assert path.exists()


def test_a_person_says_when_the_record_is_there(oss: MockOSS, run: Run) -> None:
    oss.faults.add("error", code="NeedVerifyDomainOwnership", operation="PutCname", times=2)

    done = run("setup", *NAMES, "--domain", "files.example.com", "--yes", typed="y\ny\n")

    assert done.code == 0, done.err
    assert done.err.count("OSS does not see the record yet. Try again?") == 2
    assert oss.cnames == {"files.example.com": BUCKET}


def test_nobody_to_ask_means_no_call(oss: MockOSS, run: Run) -> None:
    done = run("setup", *NAMES)
    missing = run("setup", "--yes")

    assert (done.code, missing.code, changes(oss)) == (1, 2, [])
    assert "give --yes to make these calls" in done.err
    assert missing.err == "ossferry: --bucket is missing.\n"


def test_a_teardown_lists_its_calls_and_asks(oss: MockOSS, run: Run) -> None:
    setup(run)
    changes(oss)

    dry = run("teardown", *NAMES, "--identity", "user", "--dry-run")
    asked = run("teardown", *NAMES, "--identity", "user")

    assert (dry.code, asked.code, changes(oss)) == (0, 1, [])
    shown = [line.split()[1] for line in dry.out.splitlines() if line[:3] in ("RAM", "OSS")]
    assert tuple(shown) == REMOVING
    assert "DeleteUser UserName=ossferry-server" in asked.err
    assert "give --yes" in asked.err


def test_the_roles_can_be_assumed_by_the_server_only(oss: MockOSS, run: Run) -> None:
    made = setup(run)
    key = made.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    server = oss.service.identities.find(key)
    assert server is not None
    assert server.arn == f"acs:ram::{ACCOUNT}:user/ossferry-server"
    role: Role | None = oss.service.identities.role(made.variables["OSSFERRY_ROLE_ARN"])
    assert role is not None
    trust = json.loads(role.trust_policy)["Statement"]

    assert [each["Principal"] for each in trust] == [{"RAM": [server.arn]}]
