"""docs/production.md, and the commands of the two pages that follow it: they work as described."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_oss import MockOSS, User, World
from ossferry.settings.model import Settings
from support import commands
from support.programs import free_port, program, running

ROOT = Path(__file__).parents[3]
PAGE, MONITORING, OPERATING = (
    (ROOT / f"docs/{name}.md").read_text() for name in ("production", "monitoring", "operating")
)
ADMIN = User(
    name="admin",
    keys={"LTAI5tMockAdministrator": "MockAdministratorSecret0000001"},
    policies=('{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',),
)
PROGRAMS = Path(sys.executable).parent
SECRETS = {
    "secret": "6b1f0d6a7c5e4f3b9a8d7c6b5a493827",
    "metrics-token": "8fd3a1c05be94726d07c2b93e15a6f48",
}


AS_THE_USER = "cd /etc/ossferry && runuser -u ossferry -- "


def console(text: str) -> list[str]:
    """Return the commands, without the change of the folder and of the user."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line.removeprefix(AS_THE_USER) for line in lines]


Run = Callable[[str], str]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def here(tmp_path: Path, web_dir: Path, port: int, redis_port: int) -> Path:
    """A folder that replaces both folders of the page, with its settings; the cloud is
    unreachable.
    """
    (settings,) = re.findall(r"```ini\n(OSSFERRY_.*?)```", PAGE, re.DOTALL)
    for theirs, ours in (
        ("/etc/ossferry", str(tmp_path)),
        ("/var/lib/ossferry", str(tmp_path)),
        ("127.0.0.1:6379", f"127.0.0.1:{redis_port}"),
        ("oss-cn-hangzhou.", "oss-cn-hangzhou.invalid."),
    ):
        assert theirs in settings
        settings = settings.replace(theirs, ours)
    mine = {"PORT": port, "WEB_DIR": web_dir, "STS_ENDPOINT": "https://sts.invalid.aliyuncs.com"}
    settings += "".join(f"OSSFERRY_{name}={value}\n" for name, value in mine.items())
    (tmp_path / ".env").write_text(settings)
    (tmp_path / "ledger").write_text(f"sqlite:///{tmp_path}/ledger.db")
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(f"{value}\n")
    return tmp_path


@pytest.fixture
def run(here: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command of the page in that folder and returns its output."""
    monkeypatch.chdir(here)
    return ossferry


def ossferry(line: str, **environment: str) -> str:
    """Run our command in this process, and write its output into the file that the line names."""
    (name, *arguments), file = shlex.split(line.partition(" > ")[0]), line.partition(" > ")[2]
    done = commands.run(*arguments, environment=environment)
    assert (name, done.code) == ("ossferry", 0), done.err
    if file:
        Path(file).write_text(done.out)
    return done.out


def curl(line: str) -> str:
    """Return the answer to a request of the page, without a proxy."""
    done = subprocess.run(  # noqa: S603 - a line of our own documentation
        ["/bin/sh", "-c", f"{line} --silent --noproxy '*'"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_option_in_the_page_is_one() -> None:
    pages = PAGE + MONITORING + OPERATING
    named = set(re.findall(r"OSSFERRY_([A-Z_]+[A-Z])\b", pages)) - {"PROXY_SECRET_FILE"}
    known = {name.upper() for name in Settings.model_fields}

    assert {name.removesuffix("_FILE") if name not in known else name for name in named} <= known


def test_the_first_key_is_made_before_the_server_starts() -> None:
    lines = console(PAGE)
    (key,) = (line for line in lines if line.startswith("ossferry apikey create"))
    (start,) = (line for line in lines if "systemctl enable --now" in line)

    assert "OSSFERRY_AUTH=apikey" in PAGE.partition(key)[0]
    assert lines.index(key) < lines.index(start)


def test_an_upgrade_installs_what_the_installation_installs() -> None:
    both = console(PAGE) + console(OPERATING)
    install, upgrade = (line for line in both if "/opt/ossferry/bin/pip" in line)

    assert install == upgrade


def test_the_command_is_in_the_path() -> None:
    (link,) = (line for line in console(PAGE) if line.startswith("ln -s "))
    program, target = link.split()[2:]

    assert f"ExecStart={program} serve" in (ROOT / "deploy/systemd/ossferry@.service").read_text()
    assert target == "/usr/local/bin/ossferry"


def test_the_unit_reads_the_key_file_where_the_page_puts_it() -> None:
    (name,) = re.findall(r"`--key-file (\S+)`, and copy this file to `/etc/ossferry`", PAGE)
    unit = (ROOT / "deploy/systemd/ossferry@.service").read_text()

    assert f"\nEnvironmentFile=-/etc/ossferry/{name}\n" in unit  # `-`: it need not exist


def test_its_settings_serve_and_its_probes_are_answered(here: Path, run: Run, port: int) -> None:
    program("curl")
    lines = [
        line.replace("/etc/ossferry", str(here)).replace("8000", str(port))
        for line in console(MONITORING)
    ]
    run(next(line for line in console(PAGE) if "apikey create" in line))
    one = {"OSSFERRY_WORKERS": "1"}
    with running([str(PROGRAMS / "ossferry"), "serve"], here, port, **one):
        alive, ready, figures = map(curl, lines)

    assert json.loads(alive) == {"status": "ok"}
    assert json.loads(ready) == {"status": "not-ready"}
    assert "ossferry_request_seconds" in figures


def test_its_commands_make_list_and_end_a_key(run: Run, here: Path) -> None:
    create, show, revoke = (line for line in console(PAGE) if line.startswith("ossferry apikey"))
    key = run(create).strip()
    id_ = key.split("_")[1]
    before = run(show).splitlines()[-1].split("\t")
    run(revoke.replace("KEY_ID", id_))
    after = run(show).splitlines()[-1].split("\t")

    assert before[:2] == after[:2] == [id_, "reports"]
    assert (before[-2], after[-2] != "-") == ("-", True)
    assert before[-1] == "203.0.113.0/24"
    actions = [json.loads(line)["action"] for line in (here / "audit.log").read_text().splitlines()]
    assert actions == ["apikey-create", "apikey-revoke"]


def test_its_cloud_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((key, secret),) = ADMIN.keys.items()
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
    starts = ("ossferry setup", "ossferry teardown")
    lines = [line for line in console(PAGE) if line.startswith(starts)]
    assert len(lines) == 3

    with MockOSS(world=World(users=(ADMIN,), roles=(), buckets=())) as oss:
        printed = [ossferry(f"{line} --yes --mock {oss.endpoint}", **keys) for line in lines]
        made = [each.operation for each in oss.requests if each.operation.startswith("Create")]

    assert made == [
        "CreateRole",
        "CreatePolicy",
        "CreatePolicy",
        *["CreateRole", "CreatePolicy"] * 2,
    ]
    assert "OSSFERRY_BUCKET=web-direct-upload\n" in printed[1]
    assert "DeleteBucket" in printed[2]
