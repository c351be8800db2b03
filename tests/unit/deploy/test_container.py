"""The images of the server and of the mock: no known mistakes, and health checks that work."""

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

from mock_oss import MockOSS
from mock_oss.cli import option_parser
from support.config import ROOT
from support.serving import serve
from support.templates import BIN, DEPLOY, last_stage, run

CHECK = DEPLOY / "container" / "healthcheck.py"
PROJECTS = {
    folder: tomllib.loads((ROOT / path / "pyproject.toml").read_text("utf-8"))["project"]
    for folder, path in (("container", "."), ("mock", "wheels/mock"))
}
"""Folder of an image in `deploy` -> the project that is in it."""


def dockerfile(folder: str) -> Path:
    return DEPLOY / folder / "Dockerfile"


def instruction(name: str, folder: str = "container") -> str:
    (found,) = [line for line in last_stage(folder) if line.startswith(f"{name} ")]
    return found.removeprefix(f"{name} ")


@pytest.mark.parametrize("folder", [*PROJECTS, "clamd"])
def test_hadolint_finds_nothing(folder: str) -> None:
    assert run(BIN / "hadolint", dockerfile(folder)) == ""


def test_hadolint_would_find_a_base_image_without_a_version(tmp_path: Path) -> None:
    text = re.sub(r"FROM python:\S+", "FROM python", dockerfile("container").read_text("utf-8"))
    (tmp_path / "Dockerfile").write_text(text, "utf-8")

    done = subprocess.run(  # noqa: S603 - a program of the tests
        [BIN / "hadolint", tmp_path / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, "DL3006" in done.stdout) == (1, True)


@pytest.mark.parametrize(("folder", "count"), [("container", 3), ("mock", 2)])
def test_the_image_has_the_python_that_the_packages_were_installed_with(
    folder: str, count: int
) -> None:
    stages = re.findall(r"^FROM (\S+)", dockerfile(folder).read_text("utf-8"), re.MULTILINE)

    assert len(stages) == count
    assert all(re.fullmatch(r"[\w:.-]+@sha256:[0-9a-f]{64}", stage) for stage in stages)
    assert stages[-2] == stages[-1]  # the virtual environment refers to its interpreter


@pytest.mark.parametrize("folder", PROJECTS)
def test_the_image_runs_without_root(folder: str) -> None:
    user = instruction("USER", folder)

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert f"useradd --uid {user.partition(':')[0]} " in " ".join(last_stage(folder))


def test_the_server_runs_without_a_shell_and_nothing_is_installed_as_its_user() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["ossferry"]
    assert json.loads(instruction("CMD")) == ["serve"]
    assert last_stage()[-1].startswith("CMD")
    assert last_stage().index(f"USER {instruction('USER')}") > max(
        number for number, line in enumerate(last_stage()) if line.startswith(("RUN", "COPY"))
    )


def test_the_mock_runs_without_a_shell_with_options_that_it_knows() -> None:
    program, *options = (
        part for name in ("ENTRYPOINT", "CMD") for part in json.loads(instruction(name, "mock"))
    )
    given = option_parser().parse_args(options)

    assert program in PROJECTS["mock"]["scripts"]
    assert (given.host, given.override) == ("0.0.0.0", True)  # noqa: S104 - in the container
    assert str(given.port) == instruction("EXPOSE", "mock")


@pytest.mark.parametrize("folder", PROJECTS)
def test_the_labels_agree_with_the_project(folder: str) -> None:
    pattern = r'org\.opencontainers\.image\.(\w+)="([^"]+)"'
    labels, project = dict(re.findall(pattern, instruction("LABEL", folder))), PROJECTS[folder]
    source = PROJECTS["container"]["urls"]["Source"]
    pages = {
        "container": f"{source}/blob/HEAD/docs/deploy.md",
        "mock": PROJECTS["mock"]["urls"]["Documentation"],
    }

    assert labels["title"] == project["name"]
    assert (labels["source"], labels["documentation"]) == (source, pages[folder])
    assert f"ARG VERSION={project['version']}" in last_stage(folder)
    assert labels["licenses"] == project["license"]
    assert labels["version"] == "${VERSION}"


def test_the_build_gets_every_file_that_it_copies_or_builds_from() -> None:
    """`.dockerignore` excludes everything except some names; a new file of the build needs one."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    given = {line[1:] for line in lines if line.startswith("!")}
    text = dockerfile("container").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    named = {name for line in copied for name in line.split() if name != "."}
    built = {"hatch_build.py", "pyproject.toml", "README.md", "server", "web", "wheels"}
    for pattern in PROJECTS["container"]["license-files"]:
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


def test_the_health_check_of_the_mock_asks_it() -> None:
    program, option, code = json.loads(instruction("HEALTHCHECK", "mock").partition("CMD ")[2])
    assert (program, option) == ("python", "-c")

    def code_of(port: int) -> int:
        changed = code.replace(f":{instruction('EXPOSE', 'mock')}/", f":{port}/")
        assert changed != code
        command = [sys.executable, "-c", changed]
        return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603

    with MockOSS() as oss:
        assert code_of(oss.port) == 0
    assert code_of(oss.port) == 1
