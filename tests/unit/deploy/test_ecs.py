"""The section about ECS in docs/deploy.md: its files and settings fit together.

`test_deployed_files.py` has systemd check the unit. Nobody has run the commands of `aliyun`.
"""

import re
import shlex
from pathlib import Path

import pytest

from mock_oss import MockOSS, User, World
from ossferry.settings.model import Settings
from support import commands as ossferry
from support.certificates import make_certificate
from support.nginx import SAMPLE
from support.programs import program
from support.templates import (
    DEPLOY,
    PAGE,
    commands,
    random_secret,
    read_env,
    run,
    secret_files,
    settings_from,
)

LINES = commands("ECS")
KEY = ("LTAI5tMockAdministrator", "MockAdministratorSecret0000001")
ADMIN = User(
    name="admin",
    keys=dict([KEY]),
    policies=('{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',),
)


def line(begin: str) -> str:
    """Return the command that begins with a text."""
    (found,) = (each for each in LINES if each.startswith(begin))
    return found


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the first command writes, and those of the page."""
    file = tmp_path / "ossferry.env"
    setup = shlex.split(line("ossferry setup"))[1:]
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    keys = dict(zip(names, KEY, strict=True))
    monkeypatch.chdir(tmp_path)
    with MockOSS(world=World(region="cn-hongkong", users=(ADMIN,), roles=(), buckets=())) as oss:
        done = ossferry.run(*setup, "--yes", "--mock", oss.endpoint, environment=keys)
        assert done.code == 0, done.err
        made = [each.params.get("RoleName") for each in oss.requests]
    assert re.findall(r"--RamRoleName (\S+)", line("aliyun ecs RunInstances"))[0] in made
    (more,) = re.findall(r"^   ```ini\n(.*?)^   ```", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    file.write_text(file.read_text() + re.sub("(?m)^ +", "", more))
    environment = read_env(file)
    secrets = {environment[name]: random_secret(name) for name in secret_files() & {*environment}}
    for path in secrets:
        assert f"> {path}" in line("openssl rand")
    return settings_from(environment, secrets, folder=tmp_path, monkeypatch=monkeypatch)


def test_the_server_accepts_the_settings_and_has_one_process_without_a_key(
    settings: Settings,
) -> None:
    assert settings.auth == ("oidc",)
    assert settings.ledger_url == "sqlite:////var/lib/ossferry/ledger.db"
    assert settings.workers == 1
    assert f"{settings.public_url}/login/callback" in PAGE.read_text("utf-8")


def test_the_files_that_are_copied_are_those_that_are_used() -> None:
    copied = {Path(each).name for each in line("scp").split()[1:-1]}
    on_the_instance = " ".join(LINES[LINES.index(line("ssh")) :])
    unit = (DEPLOY / "systemd/ossferry@.service").read_text("utf-8")

    assert {name for name in copied if name not in on_the_instance} == set()
    assert "ExecStart=/opt/ossferry/bin/ossferry serve" in unit
    assert "ReadWritePaths=/var/lib/ossferry" in unit
    assert "systemctl enable --now ossferry@8000" in on_the_instance
    assert "    server 127.0.0.1:8000 " in SAMPLE.read_text()


def test_nginx_accepts_its_file_also_if_it_is_older(tmp_path: Path) -> None:
    change = line("sed ").partition(" > ")[0].replace("ossferry.conf", str(SAMPLE))
    text = run("/bin/sh", "-c", change)
    assert "http2 on;" not in text  # nginx knows it since version 1.25.1; Ubuntu 24.04 has 1.24
    make_certificate(tmp_path, "uploads.example.com")
    (tmp_path / "conf").write_text(
        text.replace("/etc/letsencrypt/live/uploads.example.com/", f"{tmp_path}/"), "utf-8"
    )
    main = f"pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/conf; }}"
    (tmp_path / "main").write_text(main, "utf-8")

    run(program("nginx"), "-t", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "main")


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n" + "\n".join(LINES), "utf-8")

    assert run(program("shellcheck"), tmp_path / "script") == ""
