"""The files for systemd and logrotate, checked by these programs."""

import configparser
import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from ossferry.access.audit import AuditFile
from ossferry.cli.processes.draining import LINGER_S
from ossferry.cli.processes.workers import GRACE_S
from ossferry.observability.redaction import Redactor
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.programs import program
from support.server_fakes import OPTIONS

DEPLOY = Path(__file__).parents[3] / "deploy"
UNIT = DEPLOY / "systemd/ossferry@.service"
SCAN_UNIT = DEPLOY / "systemd/ossferry-scan.service"
PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - programs of the distribution
        command, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("unit", "command", "instances"),
    [
        (UNIT, "serve", ["ossferry@8000.service", "ossferry@8001.service"]),
        (SCAN_UNIT, "scan", ["ossferry-scan.service"]),
    ],
    ids=["server", "scanner"],
)
def test_systemd_accepts_the_unit(
    tmp_path: Path, unit: Path, command: str, instances: list[str]
) -> None:
    analyze = program("systemd-analyze")
    text = unit.read_text()
    assert f"ExecStart=/opt/ossferry/bin/ossferry {command}\n" in text
    text = text.replace("/opt/ossferry/bin", str(PROGRAMS))
    (tmp_path / unit.name).write_text(text)

    for each in instances:
        found = run(analyze, "verify", f"{tmp_path}/{each}", folder=tmp_path)
        assert (found.returncode, found.stderr) == (0, "")


def test_the_units_differ_in_what_they_run_only() -> None:
    server, scanner = ({*each.read_text().splitlines()} for each in (UNIT, SCAN_UNIT))
    rights = {line for line in server if line.startswith(("Protect", "Restrict", "Private", "No"))}

    assert rights <= scanner
    assert "SystemCallFilter=@sandbox" in scanner  # for the checks


def test_systemd_notices_a_mistake_in_the_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    (tmp_path / UNIT.name).write_text(UNIT.read_text().replace("KillMode=mixed", "KillMode=mixd"))

    found = run(analyze, "verify", f"{tmp_path}/ossferry@8000.service", folder=tmp_path)

    assert "Failed to parse kill mode" in found.stderr


def test_the_unit_waits_longer_than_the_server_may_take_to_stop() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    longest = load_settings(ExplicitSettings, **{**OPTIONS, "drain_s": 60}).drain_s  # at most 60

    assert int(unit["Service"]["TimeoutStopSec"]) > longest + LINGER_S + GRACE_S


@pytest.fixture
def rotation(tmp_path: Path) -> Path:
    """The configuration of logrotate, for a file that belongs to the user of the tests."""
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    text = (DEPLOY / "logrotate/ossferry").read_text()
    assert "su ossferry ossferry" in text
    text = text.replace("su ossferry ossferry", f"su {user} {group}")
    path = tmp_path / "ossferry"
    path.write_text(text.replace("/var/lib/ossferry", str(tmp_path)))
    path.chmod(0o644)
    return path


def test_logrotate_accepts_its_file(rotation: Path, tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_text("a line\n")

    found = run(program("logrotate"), "--debug", rotation, folder=tmp_path)

    assert (found.returncode, "error" in found.stderr) == (0, False)
    assert f"considering log {tmp_path}/audit.log" in found.stdout + found.stderr


def test_the_server_goes_on_in_a_new_file_after_logrotate(rotation: Path, tmp_path: Path) -> None:
    logrotate = program("logrotate")
    file = tmp_path / "audit.log"
    write = AuditFile(file, Redactor())
    write({"outcome": "first"})

    found = run(logrotate, "--force", "--state", tmp_path / "state", rotation, folder=tmp_path)
    write({"outcome": "second"})
    write.close()

    assert (found.returncode, found.stderr) == (0, "")
    (old,) = tmp_path.glob("audit.log-*")
    assert old.read_text() == '{"outcome": "first"}\n'
    assert file.read_text() == '{"outcome": "second"}\n'
