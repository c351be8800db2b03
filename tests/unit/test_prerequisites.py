"""Programs that the tests need are found, installed once, and reported if missing.

Fake programs that record their calls replace apt, sudo and Playwright.
"""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support import browsers, paths, prerequisites
from support.browsers import Browser
from support.config import ROOT

ADDED = """\
from pathlib import Path

from support.programs import browser, npm_packages, program

def test_redis(): program("redis-server")
def test_postgresql(): program("initdb")
def test_nginx(): program("nginx")
def test_chromium(): browser("chromium")
def test_firefox(): browser("firefox")
def test_webkit(): browser("webkit")
def test_npm(): npm_packages(Path("site"))
"""


PROGRAMS = (
    *("redis-server", "nginx", "initdb", "curl", "jq", "wrk", "logrotate", "systemd-analyze"),
    *("kustomize", "docker-compose", "shellcheck", "clamd"),
    *("chromium", "firefox-esr", "WebKitWebDriver", "Xvfb"),
)
MINI_BROWSER = "usr/lib/any/webkit2gtk-4.1/MiniBrowser"


class Machine:
    """A simulated machine without programs; `calls` are the executed commands."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = root / "usr" / "bin"
        self.bin.mkdir(parents=True)
        self._log = root / "calls"
        self._log.touch()
        self._root = root
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("HOME", str(root))
        monkeypatch.setenv("CI", "true")
        for name in ("OSSFERRY_E2E_BROWSER", "PLAYWRIGHT_BROWSERS_PATH"):
            monkeypatch.delenv(name, raising=False)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines()

    def add(self, path: str, script: str = "") -> Path:
        """Add a program, with a path relative to `/`, that records its call and then runs the
        script.
        """
        program = self._root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        lines = ["#!/bin/sh", f'echo "{program.name} $*" >> {self._log}', script]
        program.write_text("\n".join(lines))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    def add_everything(self, without: tuple[str, ...] = ()) -> None:
        """Add all programs and browsers but these."""
        for name in PROGRAMS:
            if name not in without:
                self.add(f"usr/bin/{name}")
        self.add(MINI_BROWSER)

    def add_apt(self, *puts: str) -> None:
        """Add an apt that creates these programs when it installs any package."""
        made = " && ".join(
            f"/bin/mkdir -p {path.parent} && : > {path} && /bin/chmod +x {path}"
            for path in (self._root / put for put in puts)
        )
        self.add("usr/bin/apt-get", f"[ $1 = update ] || {{ {made or ':'}; }}")
        self.add("usr/bin/apt-cache")
        self.add("usr/bin/env", f"PATH={self.bin} exec /usr/bin/env $*")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Playwright's downloads, which fail; each entry has the requested engines."""
    asked: list[list[str]] = []

    def download(engines: list[str]) -> bool:
        asked.append(list(engines))
        return False

    monkeypatch.setattr(browsers, "download", download)
    return asked


# ---- programs


@pytest.mark.parametrize("folder", ["usr/bin", "usr/sbin", "usr/lib/postgresql/17/bin"])
def test_a_program_is_found_in_the_path_and_beside_it(machine: Machine, folder: str) -> None:
    there = machine.add(f"{folder}/initdb")

    assert paths.find("initdb") == str(there)


# ---- browsers


@pytest.mark.parametrize(
    ("engine", "name"),
    [("chromium", "chromium"), ("chromium", "google-chrome"), ("firefox", "firefox-esr")],
)
def test_the_machines_own_browser_is_found(machine: Machine, engine: str, name: str) -> None:
    path = machine.add(f"usr/bin/{name}")

    assert browsers.find(engine) == Browser(engine=engine, path=str(path))


# ---- installing


def test_a_machine_that_has_everything_is_left_alone(
    machine: Machine, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt()
    machine.add_everything()

    assert prerequisites.main() == 0
    assert (machine.calls, asked, capsys.readouterr().err) == ([], [], "")


def test_only_what_is_missing_is_installed_at_once_and_no_service_is_left_running(
    machine: Machine, asked: list[list[str]]
) -> None:
    machine.add_apt("usr/sbin/nginx", "usr/bin/chromium")
    machine.add("usr/bin/service")
    machine.add("usr/bin/update-rc.d")
    machine.add_everything(without=("nginx", "chromium"))

    assert prerequisites.main() == 0

    assert asked == [["chromium"]]
    (update, install) = [call for call in machine.calls if call.startswith("apt-get")]
    assert update.startswith("apt-get update")
    assert "--no-install-recommends" in install
    fonts = "fonts-liberation fonts-noto-cjk fonts-noto-color-emoji"
    assert install.endswith(f"nginx chromium {fonts}")
    assert machine.calls[-2:] == ["service nginx stop", "update-rc.d nginx disable"]
    assert not any("redis-server" in call for call in machine.calls)


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("1", 1), ("", 0), ("false", 0)])
def test_what_cannot_be_installed_is_named_and_fails_on_ci(
    machine: Machine,
    asked: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str,
    status: int,
) -> None:
    monkeypatch.setenv("CI", ci)

    assert prerequisites.main() == status

    said = capsys.readouterr().err
    for each in prerequisites.ALL:
        assert prerequisites.explain(each) in said


# ---- a test whose program is missing


@pytest.mark.parametrize(("ci", "outcome"), [("true", "7 failed"), ("", "7 skipped")])
def test_a_missing_program_skips_a_test_and_fails_it_on_ci(
    machine: Machine, tmp_path: Path, ci: str, outcome: str
) -> None:
    (tmp_path / "test_added.py").write_text(ADDED)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfs", "test_added.py"],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )

    assert outcome in run.stdout.splitlines()[-1]
    for name in ("redis-server", "initdb", "nginx", *browsers.ENGINES):
        assert f"{name} is not installed: run `make prerequisites`" in run.stdout
    assert "npm packages are missing: run `npm ci` in site" in run.stdout


def test_no_other_place_decides_about_missing_programs() -> None:
    """Tests that skip themselves would go unnoticed on continuous integration."""
    skips = {
        path.relative_to(ROOT / "tests").as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if any(word in path.read_text("utf-8") for word in ("pytest.skip(", "importorskip("))
    } - {Path(__file__).relative_to(ROOT / "tests").as_posix()}

    of_engines = "support/webkitgtk/limits.py"  # never skips a core story
    of_environment = {"unit/server/test_audit_file.py", "contract/mock_oss/test_program.py"}
    assert skips == {"support/programs.py", of_engines} | of_environment
