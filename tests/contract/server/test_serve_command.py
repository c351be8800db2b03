"""`ossferry serve` and `ossferry apikey` as an operator runs them, with settings for the cloud."""

import json
import re
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from mock_oss.world.model import ACCESS_KEY_ID
from ossferry.extras import install_command
from support import commands
from support.programs import free_port
from support.serve_command import SECRET, cloud_options, server_process, wait_until_up


@pytest.fixture
def options(tmp_path: Path, web_dir: Path) -> dict[str, str]:
    """Settings for the cloud, with a minimal page and an unreachable STS."""
    return {**cloud_options(tmp_path), "OSSFERRY_WEB_DIR": str(web_dir)}


Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in this process; it returns exit code, stdout and
    stderr.
    """
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **changes: str) -> tuple[object, str, str]:
        ran = commands.run(*arguments, environment={**options, **changes})
        return ran.code, ran.out, ran.err

    return call


def test_t33_the_server_runs_with_a_clouds_settings_and_raises_the_limit_of_open_files(
    tmp_path: Path, options: dict[str, str], run: Run
) -> None:
    port = free_port()
    key = run("apikey", "create", "carol")[1].strip()
    few_files = ("/bin/sh", "-c", 'ulimit -Sn 128; exec "$@"', "sh")
    options |= {
        "OSSFERRY_PORT": str(port),
        "OSSFERRY_ALLOWED_HOSTS": '["uploads.example.com", "127.0.0.1"]',
    }
    with server_process(tmp_path, options, *few_files) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        headers = {"authorization": f"Bearer {key}"}
        granted = httpx.post(f"{url}/api/grant", headers=headers, trust_env=False, timeout=20)
        anonymous = httpx.post(f"{url}/api/grant", trust_env=False)
        with ExitStack() as crowd:
            for _ in range(200):
                crowd.enter_context(socket.create_connection(("127.0.0.1", port)))
            wait_until_up(url, process)
        process.send_signal(signal.SIGTERM)
        said, log = process.communicate(timeout=20)

    assert (granted.status_code, granted.json()["code"]) == (503, "sts-unavailable")
    assert anonymous.status_code == 401
    assert (process.returncode, said) == (0, "")
    lines = [json.loads(line) for line in log.splitlines()]
    (start,) = (line for line in lines if line["event"] == "starting")
    assert start["address"] == f"http://uploads.example.com:{port}"  # it answers others with 421
    assert (start["listens"], start["workers"]) == (f"127.0.0.1:{port}", 1)
    warnings = [line["event"] for line in lines if line["logger"] == "ossferry.sts"]
    assert warnings == ["long-term-key-in-environment"]
    decisions = [line for line in lines if line["logger"] == "ossferry.audit"]
    assert [line["outcome"] for line in decisions] == ["sts-unavailable", "not-identified"]
    for secret in ("canary", key, SECRET):
        assert secret not in log


def test_keys_are_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    trail = {"OSSFERRY_AUDIT_FILE": str(tmp_path / "audit.log")}
    networks = ("--address", "192.0.2.0/24", "--address", "198.51.100.7")
    _, key, quiet = run("apikey", "create", "carol", "--days", "30", *networks, **trail)
    id_ = key.split("_")[1]
    ended = run("apikey", "revoke", id_, **trail)
    made = (tmp_path / "audit.log").read_text()
    _, listed, _ = run("apikey", "list")
    _, as_json, _ = run("apikey", "list", "--json")

    assert re.fullmatch(r"osf_[a-z2-7]{8}_[a-z2-7]{33}\n", key)
    assert (quiet, ended) == ("", (0, "", ""))
    lines = [json.loads(line) for line in made.splitlines()]
    assert [line["action"] for line in lines] == ["apikey-create", "apikey-revoke"]
    assert [line["key_id"] for line in lines] == [id_, id_]
    assert lines[0]["principal"] == lines[1]["principal"] != ""
    assert key.strip() not in made
    assert "carol" not in made
    titles, fields = (line.split("\t") for line in listed.splitlines())
    assert titles == ["id", "user", "created", "expires", "revoked", "addresses"]
    assert (fields[:2], fields[-1]) == ([id_, "carol"], "192.0.2.0/24, 198.51.100.7")
    assert "-" not in fields
    assert key.strip() not in listed + as_json
    assert list(json.loads(as_json).values()) == fields


def test_keys_are_made_and_revoked_in_json(run: Run) -> None:
    made = json.loads(run("apikey", "create", "carol", "--json")[1])
    ended = json.loads(run("apikey", "revoke", made["id"], "--json")[1])

    key = made.pop("key")
    assert key.startswith(f"osf_{made['id']}_")
    assert made == {
        "id": made["id"],
        "user": "carol",
        "created": made["created"],
        "expires": None,
        "revoked": None,
        "addresses": None,
    }
    assert ended == made | {"revoked": ended["revoked"]}
    assert ended["revoked"] is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "Carol"), "ossferry: Write the user id as 'carol', its canonical form.\n"),
        (("revoke", "nothing"), "ossferry: There is no key nothing.\n"),
    ],
)
def test_what_cannot_be_done_with_keys_is_one_sentence(
    run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    assert run("apikey", *arguments) == (1, "", sentence)


@pytest.mark.parametrize(
    "arguments",
    [
        ("apikey", "create", "carol", "--days", "99999999"),
        ("admin", "quota", "x", "--bytes-day", str(2**63)),
    ],
    ids=["no such date", "more than a database can store"],
)
def test_a_number_that_is_too_large_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    code, said, complaint = run(*arguments)

    assert (code, said) == (2, "")
    assert "Invalid value for" in complaint


def test_the_reason_why_a_file_cannot_be_opened_is_printed(run: Run) -> None:
    free = {"OSSFERRY_PORT": str(free_port()), "OSSFERRY_AUDIT_FILE": "/nowhere/audit.log"}
    code, _, log = run("serve", **free)

    assert (code, log.splitlines()[-1]) == (
        1,
        "ossferry: OSSFERRY_AUDIT_FILE cannot be opened (No such file or directory); correct the"
        " path, or the rights of the file and its folder.",
    )


def test_t31_a_secret_is_never_an_argument(run: Run) -> None:
    code, said, complaint = run("serve", "--secret", SECRET)

    assert (code, said) == (2, "")
    assert "No such option" in complaint


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"OSSFERRY_SECRET": SECRET},
            "OSSFERRY_SECRET and OSSFERRY_SECRET_FILE are both set; keep one.",
        ),
        (
            {"OSSFERRY_SECRET_FILE": "/nowhere"},
            "OSSFERRY_SECRET_FILE: /nowhere cannot be read (No such file or directory); correct"
            " the path, or let the server's user read the file.",
        ),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID},
            "ALIBABA_CLOUD_ACCESS_KEY_ID is a key of the mock;"
            " only OSSFERRY_ALLOW_MOCK=1 accepts one.",
        ),
    ],
)
def test_t31_t47_an_unsafe_start_is_refused_in_one_sentence(
    run: Run, changes: dict[str, str], sentence: str
) -> None:
    assert run("serve", **changes) == (1, "", f"ossferry: {sentence}\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_keys_that_are_not_there_stop_the_start_however_many_processes(
    run: Run, workers: str
) -> None:
    shared = {"OSSFERRY_WORKERS": workers, "OSSFERRY_REDIS_URL": "redis://127.0.0.1:9/0"}

    code, said, complaint = run("serve", OSSFERRY_PORT=str(free_port()), **shared)

    assert (code, said) == (1, "")
    assert complaint.splitlines()[-1] == (
        "ossferry: OSSFERRY_API_KEYS_FILE: there is no such file;"
        " `ossferry apikey create USER` makes it."
    )
    assert "Traceback" not in complaint


def test_a_method_for_applications_that_mount_the_server_stops_the_start(run: Run) -> None:
    code, said, complaint = run("serve", OSSFERRY_PORT=str(free_port()), OSSFERRY_AUTH="app")

    assert (code, said) == (1, "")
    assert complaint.splitlines()[-1] == (
        "ossferry: OSSFERRY_AUTH=app is for applications that give `identify` to `create_app`:"
        " choose another method for a server of its own."
    )


DEMO_SIGN_IN = {
    "OSSFERRY_AUTH": "demo",
    "OSSFERRY_ALLOW_MOCK": "1",
    "OSSFERRY_ENDPOINT": "http://localhost:9",
    "OSSFERRY_STS_ENDPOINT": "http://127.0.0.1:9",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tMockOssAccessKey01",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OSSFERRY_HOST": "0.0.0.0"}, "OSSFERRY_HOST 0.0.0.0 is reachable"),  # noqa: S104 - refused
        ({"APP_ENV": "prod-eu"}, "APP_ENV=prod-eu"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tQf7sGk2NpZ0aXyWvUt"}, "holds a real access key"),
    ],
    ids=["network", "stage", "key"],
)
def test_t47_a_server_with_a_mock_refuses_to_start_where_it_could_be_taken_for_the_cloud(
    run: Run, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], words: str
) -> None:
    for name in ("ENV", "APP_ENV"):
        monkeypatch.delenv(name, raising=False)

    with socket.create_server(("127.0.0.1", 0)) as busy:  # a server that starts would end at once
        more = {"OSSFERRY_PORT": str(busy.getsockname()[1]), "OSSFERRY_API_KEYS_FILE": ""}
        code, out, said = run("serve", **{**DEMO_SIGN_IN, **more, **changes})

    assert (code, out) == (1, "")
    assert words in said
    assert "--i-know-this-is-a-mock" in said


def test_a_server_may_use_a_mock_only_if_the_mock_is_installed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mock_oss", None)

    code, out, said = run("serve", **DEMO_SIGN_IN, OSSFERRY_API_KEYS_FILE="")

    assert (code, out) == (1, "")
    assert said == f"ossferry: OSSFERRY_ALLOW_MOCK=1 needs `{install_command('demo')}`.\n"
