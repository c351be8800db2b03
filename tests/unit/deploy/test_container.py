"""deploy/container: the Dockerfile is free of known mistakes, and its health check works."""

import json
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.config import ROOT
from support.serving import serve
from support.templates import BIN, DEPLOY, last_stage, run

DOCKERFILE = DEPLOY / "container" / "Dockerfile"
CHECK = DEPLOY / "container" / "healthcheck.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def instruction(name: str) -> str:
    (found,) = [line for line in last_stage() if line.startswith(f"{name} ")]
    return found.removeprefix(f"{name} ")


def test_hadolint_finds_nothing() -> None:
    assert run(BIN / "hadolint", DOCKERFILE) == ""


def test_hadolint_would_find_a_base_image_without_a_version(tmp_path: Path) -> None:
    text = re.sub(r"FROM python:\S+", "FROM python", DOCKERFILE.read_text("utf-8"))
    (tmp_path / "Dockerfile").write_text(text, "utf-8")

    done = subprocess.run(  # noqa: S603 - a program of the tests
        [BIN / "hadolint", tmp_path / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, "DL3006" in done.stdout) == (1, True)


def test_the_server_runs_on_the_python_that_it_was_installed_with() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text("utf-8"), re.MULTILINE)

    assert len(stages) == 3
    assert all(re.fullmatch(r"[\w:.-]+@sha256:[0-9a-f]{64}", stage) for stage in stages)
    assert stages[1] == stages[2]  # the virtual environment refers to its interpreter


def test_the_image_runs_the_command_without_a_shell_and_without_root() -> None:
    user = f"useradd --uid {instruction('USER').partition(':')[0]} "

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", instruction("USER"))
    assert user in " ".join(last_stage())
    assert json.loads(instruction("ENTRYPOINT")) == ["ossferry"]
    assert json.loads(instruction("CMD")) == ["serve"]
    assert last_stage()[-1].startswith("CMD")
    assert last_stage().index(f"USER {instruction('USER')}") > max(
        number for number, line in enumerate(last_stage()) if line.startswith(("RUN", "COPY"))
    )


def test_the_labels_agree_with_the_project() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', instruction("LABEL")))

    assert labels["title"] == PROJECT["name"]
    assert labels["source"] == PROJECT["urls"]["Source"]
    assert f"ARG VERSION={PROJECT['version']}" in last_stage()
    assert labels["version"] == "${VERSION}"
    assert labels["documentation"].endswith("/docs/deploy.md")
    assert labels["licenses"] == PROJECT["license"]


def test_the_build_gets_every_file_that_it_copies_or_builds_from() -> None:
    """`.dockerignore` excludes everything except some names; a new file of the build needs one."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    given = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    named = {name for line in copied for name in line.split() if name != "."}
    built = {"hatch_build.py", "pyproject.toml", "README.md", "server", "web", "wheels"}
    for pattern in PROJECT["license-files"]:
        built |= {path.relative_to(ROOT).parts[0] for path in ROOT.glob(pattern)}

    assert lines[1] == "*"
    assert [name for name in named | built if not is_given(name, given)] == []
    assert [name for name in given if not (ROOT / name).exists()] == []


def is_given(name: str, given: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}/") for each in given)


# ---- the health check


@pytest.fixture
def answers() -> Iterator[tuple[list[str], list[int], int]]:
    """A server: the requested paths, its next statuses, and its port."""
    asked: list[str] = []
    statuses: list[int] = []

    async def answer(request: Request) -> Response:
        asked.append(f"{request.method} {request.url.path}")
        return Response(status_code=statuses.pop(0))

    with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield asked, statuses, int(url.rpartition(":")[2])


def check(port: int) -> subprocess.CompletedProcess[str]:
    environment = {"OSSFERRY_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", CHECK], env=environment, capture_output=True, text=True, check=False
    )


def test_the_health_check_asks_the_server_in_the_container(
    answers: tuple[list[str], list[int], int],
) -> None:
    asked, statuses, port = answers
    statuses += [200, 503]

    assert [check(port).returncode for _ in range(2)] == [0, 1]
    assert asked == ["GET /healthz"] * 2
    assert json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])[1] in " ".join(last_stage())


def test_the_health_check_fails_if_nothing_answers() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # does not listen
        done = check(sock.getsockname()[1])

    assert done.returncode == 1
    assert done.stderr.startswith("Nothing answers on port")
