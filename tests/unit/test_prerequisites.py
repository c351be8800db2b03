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
    *("kustomize", "docker-compose", "shellcheck"),
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


def playwrights(own: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "somewhere")
    monkeypatch.setattr(browsers, "_plan", lambda: own)


# ---- programs


@pytest.mark.parametrize("folder", ["usr/bin", "usr/sbin", "usr/lib/postgresql/17/bin"])
def test_a_program_is_found_in_the_path_and_beside_it(machine: Machine, folder: str) -> None:
    there = machine.add(f"{folder}/initdb")

    assert paths.find("initdb") == str(there)


def test_the_newest_postgresql_is_taken(machine: Machine) -> None:
    for version in ("9.6", "17", "15"):
        machine.add(f"usr/lib/postgresql/{version}/bin/initdb")

    assert "/17/" in str(paths.find("initdb"))


def test_a_file_that_cannot_be_run_is_no_program(machine: Machine) -> None:
    (machine.bin / "nginx").write_text("")

    assert paths.find("nginx") is None


# ---- browsers


@pytest.mark.parametrize(
    ("engine", "name"),
    [("chromium", "chromium"), ("chromium", "google-chrome"), ("firefox", "firefox-esr")],
)
def test_the_machines_own_browser_is_found(machine: Machine, engine: str, name: str) -> None:
    path = machine.add(f"usr/bin/{name}")

    assert browsers.find(engine) == Browser(engine=engine, path=str(path))


def test_webkitgtk_is_a_browser_a_driver_and_a_display(machine: Machine) -> None:
    browser = machine.add("usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser")
    driver = machine.add("usr/bin/WebKitWebDriver")
    assert browsers.find("webkit") is None
    display = machine.add("usr/bin/Xvfb")

    assert browsers.find("webkit") == Browser(
        engine="webkit", path=str(browser), driver=str(driver), display=str(display)
    )


@pytest.mark.parametrize("engine", browsers.ENGINES)
def test_playwrights_own_comes_before_the_machines(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str
) -> None:
    machine.add("usr/bin/chromium")
    machine.add("usr/bin/firefox-esr")
    parts = browsers.PARTS.get(engine, (engine,))
    playwrights({part: tmp_path / part for part in parts}, monkeypatch)
    for part in parts:
        found = browsers.find(engine)
        assert found is None or not found.is_playwrights_own
        (tmp_path / part).mkdir()
        (tmp_path / part / "INSTALLATION_COMPLETE").touch()

    assert browsers.find(engine) == Browser(engine=engine)


def test_the_chromium_that_the_environment_names_comes_first(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("usr/bin/chromium")
    named = machine.add("opt/chrome")
    monkeypatch.setenv("OSSFERRY_E2E_BROWSER", str(named))

    assert browsers.executable() == str(named)
    assert browsers.find("firefox") is None

    named.unlink()
    with pytest.raises(browsers.NoBrowserError, match="opt/chrome"):
        browsers.find("chromium")


def test_without_a_chromium_the_command_is_named(machine: Machine) -> None:
    with pytest.raises(browsers.NoBrowserError, match="make prerequisites"):
        browsers.executable()


def test_playwright_says_where_it_puts_every_part() -> None:
    parts = {part for engine in browsers.ENGINES for part in browsers.PARTS.get(engine, (engine,))}

    assert parts <= browsers._plan().keys()


@pytest.mark.parametrize(
    ("end", "complete"),
    [(0, True), (1, False), (subprocess.TimeoutExpired("playwright", 900), False)],
)
def test_a_download_that_fails_or_hangs_is_incomplete(
    monkeypatch: pytest.MonkeyPatch, end: int | Exception, complete: bool
) -> None:
    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        if isinstance(end, Exception):
            raise end
        return subprocess.CompletedProcess(command, end)

    monkeypatch.setattr(subprocess, "run", run)

    assert browsers.download(browsers.ENGINES) is complete


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


def test_a_package_that_the_distribution_lacks_does_not_stop_the_others(
    machine: Machine, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt("usr/bin/curl")
    machine.add("usr/bin/apt-cache", '[ "$3" != firefox-esr ]')

    assert prerequisites.main() == 1

    (install,) = (call for call in machine.calls if call.startswith("apt-get install"))
    assert "firefox-esr" not in install
    assert " curl " in install
    said = capsys.readouterr().err
    assert "curl is not installed" not in said
    assert "firefox is not installed: run `make prerequisites`" in said


def test_libraries_come_with_playwrights_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[list[str]] = []
    for engine in browsers.ENGINES:
        (tmp_path / engine).mkdir()

    def download(engines: list[str]) -> bool:
        for part in ("firefox", "webkit"):
            (tmp_path / part / "INSTALLATION_COMPLETE").touch()
        return False

    playwrights({engine: tmp_path / engine for engine in browsers.ENGINES}, monkeypatch)
    monkeypatch.setattr(browsers, "download", download)
    monkeypatch.setattr(prerequisites, "_run", ran.append)
    machine.add_apt()

    prerequisites.main()

    assert ran[0][2:] == ["playwright", "install-deps", "firefox", "webkit"]
    assert "chromium" in ran[-1]
    assert "firefox-esr" not in ran[-1]


def test_who_is_not_root_asks_sudo(
    machine: Machine, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.add_apt("usr/bin/curl")
    assert prerequisites.main() == 1
    assert machine.calls == []

    machine.add("usr/bin/sudo", "exec $*")
    prerequisites.main()

    assert machine.calls[0].startswith("sudo apt-get update")
    assert paths.find("curl")


def test_what_apt_says_is_shown_when_it_fails(
    machine: Machine, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt()
    machine.add("usr/bin/apt-get", "echo out of space; exit 100")

    assert prerequisites.main() == 1
    assert "status 100\nout of space" in capsys.readouterr().err


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
