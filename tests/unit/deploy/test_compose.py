"""deploy/compose.yaml: Compose accepts it, and its parts, secrets and addresses agree."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ossferry.cli.processes.workers import GRACE_S
from ossferry.settings.model import Settings
from support.certificates import make_certificate
from support.programs import program
from support.templates import (
    DEPLOY,
    commands,
    last_stage,
    read_env,
    run,
    secret_files,
    settings_from,
    unknown_options,
)

FILE = DEPLOY / "compose.yaml"
OPTIONS = read_env(DEPLOY / "compose" / "ossferry.env")
REPLICAS = ("ossferry-1", "ossferry-2")
RESERVE_S = 15
"""Seconds to drain, to close connections and to end, in addition to the running requests."""


@cache
def project(*more: Path) -> dict[str, Any]:
    """Return the file, with additions, as Compose understands it."""
    files = [word for each in (FILE, *more) for word in ("-f", each)]
    text = run(program("docker-compose"), *files, "config", "--format", "json")
    found: dict[str, Any] = json.loads(text)
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = project()["services"]
    return found


def secrets_of(name: str) -> dict[str, Path]:
    """Return the files of a service's secrets, by their path in the container."""
    sources = project()["secrets"]
    names = [each["source"] for each in services()[name]["secrets"]]
    return {f"/run/secrets/{each}": Path(sources[each]["file"]) for each in names}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in place of `deploy/compose`, with the files that the commands of the page make."""
    for line in commands("Compose"):
        own = line.replace("deploy/compose/", f"{tmp_path}/")
        if own != line:
            run("/bin/sh", "-c", own)
    return tmp_path


@pytest.fixture
def settings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    own = services()["ossferry-1"]["environment"]
    texts = {
        inside: (folder / "secrets" / path.name).read_text("utf-8")
        for inside, path in secrets_of("ossferry-1").items()
    }
    image = dict(re.findall(r"(OSSFERRY_\w+)=(\S+)", " ".join(last_stage())))
    return settings_from({**image, **own}, texts, folder=tmp_path, monkeypatch=monkeypatch)


def test_compose_accepts_the_file() -> None:
    assert services().keys() == {"nginx", *REPLICAS, "redis", "postgres"}


def test_the_scanner_and_clamd_are_an_addition(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = project(DEPLOY / "compose.scan.yaml")["services"]
    scanner, new = found["scanner"], {"scanner", "clamd", "freshclam"}
    texts = {
        inside: (folder / "secrets" / path.name).read_text("utf-8")
        for inside, path in secrets_of("ossferry-1").items()
    }
    image = dict(re.findall(r"(OSSFERRY_\w+)=(\S+)", " ".join(last_stage())))
    variables = {**image, **scanner["environment"]}
    options = settings_from(variables, texts, folder=tmp_path, monkeypatch=monkeypatch)

    assert found.keys() == services().keys() | new
    assert (options.release, options.clamd) == ("checked", "clamd:3310")
    for name in REPLICAS:  # all have the same options
        own = found[name]["environment"]
        assert own == {key: scanner["environment"][key] for key in own}
    assert "EXPOSE 3310" in last_stage("clamd")
    assert scanner["command"] == ["scan", "--port", str(options.port)]  # of the health check
    (room,) = scanner["volumes"]
    assert (room["target"], room["source"]) == (scanner["environment"]["TMPDIR"], "scan")
    networks = {name: set(found[name]["networks"]) for name in new}
    assert networks == {"scanner": {"front", "back"}, "clamd": {"back"}, "freshclam": {"front"}}
    for name in new:
        assert found[name]["read_only"] is True
        assert found[name]["cap_drop"] == ["ALL"]
        assert found[name]["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in found[name]
    assert "USER 10001:10001" in last_stage("clamd")


def test_compose_would_find_a_wrong_name(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8").replace("stop_grace_period", "stop_grace")
    command = [program("docker-compose"), "-f", "-", "config", "--quiet"]

    done = subprocess.run(  # noqa: S603 - a program of the tests
        command, cwd=DEPLOY, input=text, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "stop_grace" in done.stderr


def test_the_servers_accept_the_options(settings: Settings) -> None:
    assert unknown_options(OPTIONS) == []
    assert OPTIONS.items() <= services()["ossferry-1"]["environment"].items()
    assert settings.bucket == "web-direct-upload"
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)  # noqa: S104 - in a container


def test_both_servers_are_the_same_except_for_their_address() -> None:
    first, second = (services()[name] for name in REPLICAS)

    assert {**first, "networks": None} == {**second, "networks": None}
    assert address("ossferry-1") != address("ossferry-2")


def address(name: str) -> str:
    found: str = services()[name]["networks"]["front"]["ipv4_address"]
    return found


def test_only_nginx_is_reachable_and_only_nginx_is_trusted(settings: Settings) -> None:
    nginx = services()["nginx"]

    assert [name for name, each in services().items() if "ports" in each] == ["nginx"]
    assert {each["target"] for each in nginx["ports"]} == {80, 443}
    assert int(nginx["sysctls"]["net.ipv4.ip_unprivileged_port_start"]) <= 80  # it is not root
    assert [str(each) for each in settings.trusted_proxies] == [f"{address('nginx')}/32"]
    for name in ("redis", "postgres"):
        assert services()[name]["networks"].keys() == {"back"}
    assert project()["networks"]["back"]["internal"] is True


def test_the_servers_know_the_addresses_of_redis_and_the_ledger(
    settings: Settings, folder: Path
) -> None:
    redis, ledger = (
        urlsplit(url.get_secret_value())
        for url in (settings.redis_url, settings.database_url)
        if url is not None
    )
    postgres = services()["postgres"]["environment"]
    (password,) = secrets_of("postgres")
    secrets = folder / "secrets"

    assert redis.hostname == "redis"
    assert (secrets / "redis.conf").read_text().split() == ["requirepass", redis.password]
    assert "/run/secrets/redis.conf" in services()["redis"]["command"]
    assert ledger.hostname == "postgres"
    assert (ledger.username, ledger.path) == (postgres["POSTGRES_USER"], "/ossferry")
    assert postgres["POSTGRES_DB"] == "ossferry"
    assert postgres["POSTGRES_PASSWORD_FILE"] == password
    assert (secrets / "postgres-password").read_text().strip() == ledger.password


def test_nginx_sends_requests_to_both_servers(settings: Settings, folder: Path) -> None:
    text = (folder / "nginx.conf").read_text("utf-8")
    upstream = text.partition("upstream ossferry {")[2].partition("}")[0]
    servers = re.findall(r"^ +server (\S+) (.*);$", upstream, re.MULTILINE)
    mounts = {each["target"]: Path(each["source"]) for each in services()["nginx"]["volumes"]}

    assert [where for where, _ in servers] == [
        f"{address(name)}:{settings.port}" for name in REPLICAS
    ]
    assert {limits for _, limits in servers} == {"max_fails=1 fail_timeout=1s"}
    assert mounts == {
        "/etc/nginx/conf.d/default.conf": DEPLOY / "compose" / "nginx.conf",
        "/etc/ssl/ossferry": DEPLOY / "compose" / "certificates",
    }


def test_nginx_accepts_its_file(folder: Path, tmp_path: Path) -> None:
    make_certificate(tmp_path, "uploads.example.com")
    text = (folder / "nginx.conf").read_text("utf-8")
    assert "/etc/ssl/ossferry/" in text
    (folder / "nginx.conf").write_text(text.replace("/etc/ssl/ossferry/", f"{tmp_path}/"), "utf-8")
    main = f"pid {tmp_path}/pid; events {{}} http {{ include {folder}/nginx.conf; }}"
    (tmp_path / "main.conf").write_text(main, "utf-8")

    run(program("nginx"), "-t", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "main.conf")


def test_secrets_are_files_that_only_their_services_get() -> None:
    needed = {value for name, value in OPTIONS.items() if name in secret_files()}

    assert secrets_of("ossferry-1").keys() == needed
    assert [path.name for path in secrets_of("redis").values()] == ["redis.conf"]
    assert [path.name for path in secrets_of("postgres").values()] == ["postgres-password"]
    assert {path.parent for path in secrets_of("ossferry-1").values()} == {
        DEPLOY / "compose" / "secrets"
    }
    assert "/secrets/" in (DEPLOY / "compose" / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", ["nginx", *REPLICAS, "redis", "postgres"])
def test_no_container_can_change_its_files_or_gain_rights(name: str) -> None:
    each = services()[name]

    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert all("mode=1777" in mount for mount in each["tmpfs"])  # root owns a tmpfs
    assert "cap_add" not in each
    assert "privileged" not in each
    assert name in REPLICAS or each["user"] not in ("", "root", "0")  # the image has its own user


@pytest.mark.parametrize("name", ["nginx", *REPLICAS, "redis", "postgres"])
def test_each_image_has_a_version_and_a_health_check(name: str) -> None:
    each = services()[name]

    if name in REPLICAS:
        assert any(line.startswith("HEALTHCHECK ") for line in last_stage())
        assert each["build"]["dockerfile"] == "deploy/container/Dockerfile"
        assert Path(each["build"]["context"]) == DEPLOY.parent
        assert each["pull_policy"] == "build"  # otherwise a new version would never be built
    else:
        assert re.fullmatch(r"\w+:\d+(\.\d+)?-alpine@sha256:[0-9a-f]{64}", each["image"])
        assert each["healthcheck"]["test"][0].startswith("CMD")


def test_the_audit_trail_outlives_the_containers(settings: Settings) -> None:
    (volume,) = services()["ossferry-1"]["volumes"]
    image = " ".join(last_stage())

    assert volume["type"] == "volume"
    assert str(settings.audit_file) == f"{volume['target']}/audit.log"
    assert f"install -d -m 700 -o ossferry -g ossferry {volume['target']}" in image  # its owner


def test_the_servers_wait_for_redis_and_the_ledger_and_stop_slowly() -> None:
    each = services()["ossferry-1"]

    assert {name: wait["condition"] for name, wait in each["depends_on"].items()} == {
        "redis": "service_healthy",
        "postgres": "service_healthy",
    }
    assert re.fullmatch(r"\d+s", each["stop_grace_period"])
    assert int(each["stop_grace_period"][:-1]) >= GRACE_S + RESERVE_S
