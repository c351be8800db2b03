"""deploy/mock/Dockerfile: it is free of known mistakes, and its command and health check work."""

import json
import re
import subprocess
import sys
import tomllib

from mock_oss import MockOSS
from mock_oss.cli import option_parser
from support.config import ROOT
from support.templates import BIN, DEPLOY, last_stage, run

DOCKERFILE = DEPLOY / "mock" / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "wheels/mock/pyproject.toml").read_text("utf-8"))["project"]


def instruction(name: str) -> str:
    (found,) = [line for line in last_stage("mock") if line.startswith(f"{name} ")]
    return found.removeprefix(f"{name} ")


def test_hadolint_finds_nothing() -> None:
    assert run(BIN / "hadolint", DOCKERFILE) == ""


def test_the_mock_runs_on_the_python_that_it_was_installed_with() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text("utf-8"), re.MULTILINE)

    assert len(stages) == 2
    assert all(re.fullmatch(r"[\w:.-]+@sha256:[0-9a-f]{64}", stage) for stage in stages)
    assert stages[0] == stages[1]  # the virtual environment refers to its interpreter


def test_the_image_runs_the_command_without_a_shell_and_without_root() -> None:
    program, *options = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
    given = option_parser().parse_args(options)

    assert program in PROJECT["scripts"]
    assert (given.host, given.override) == ("0.0.0.0", True)  # noqa: S104 - in the container
    assert str(given.port) == instruction("EXPOSE")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", instruction("USER"))
    assert f"useradd --uid {instruction('USER').partition(':')[0]} " in instruction("RUN")


def test_the_labels_agree_with_the_project() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', instruction("LABEL")))

    assert labels["title"] == PROJECT["name"]
    assert labels["documentation"] == PROJECT["urls"]["Documentation"]
    assert labels["licenses"] == PROJECT["license"]
    assert f"ARG VERSION={PROJECT['version']}" in last_stage("mock")


def test_the_health_check_asks_the_mock() -> None:
    program, option, code = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    assert (program, option) == ("python", "-c")

    def code_of(port: int) -> int:
        changed = code.replace(f":{instruction('EXPOSE')}/", f":{port}/")
        assert changed != code
        command = [sys.executable, "-c", changed]
        return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603

    with MockOSS() as oss:
        assert code_of(oss.port) == 0
    assert code_of(oss.port) == 1
