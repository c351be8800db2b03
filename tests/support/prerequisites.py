"""Requirements of the tests that the lock files do not cover: servers and browsers.

`make prerequisites` runs this module as a program and installs missing ones: browsers from
Playwright or else from the distribution, servers from the distribution. Only Debian's packages are
known. With `CI=true`, the program fails if something is still missing; otherwise the affected tests
are skipped.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support import browsers, paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerequisite:
    """A program that tests run.

    Attributes:
        name: of the program, or of the browser's engine.
        packages: Debian packages that contain it.
        service: service that Debian starts after installation; it is stopped, because the tests run
            the program themselves.
        found: returns whether the machine has it.
    """

    name: str
    packages: tuple[str, ...]
    service: str | None = None
    found: Callable[[], object]


def _program(name: str, package: str, service: str | None = None) -> Prerequisite:
    return Prerequisite(
        name=name, packages=(package,), service=service, found=lambda: paths.find(name)
    )


def _browser(engine: str) -> Prerequisite:
    return Prerequisite(
        name=engine, packages=browsers.PACKAGES[engine], found=lambda: browsers.find(engine)
    )


ALL = (
    _program("redis-server", "redis-server", "redis-server"),
    _program("nginx", "nginx", "nginx"),
    _program("initdb", "postgresql", "postgresql"),
    _program("clamd", "clamav-daemon", "clamav-daemon"),
    _program("curl", "curl"),
    _program("jq", "jq"),
    _program("wrk", "wrk"),
    _program("kustomize", "kustomize"),
    _program("docker-compose", "docker-compose"),
    _program("shellcheck", "shellcheck"),
    _program("logrotate", "logrotate"),
    _program("systemd-analyze", "systemd"),
    *(_browser(engine) for engine in browsers.ENGINES),
)


def named(name: str) -> Prerequisite:
    """Return the prerequisite with this name."""
    return next(each for each in ALL if each.name == name)


def on_ci() -> bool:
    """Return whether a missing prerequisite is a failure."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def explain(missing: Prerequisite) -> str:
    """Return a sentence that names a missing prerequisite and the command that installs it."""
    packages = " ".join(missing.packages)
    return (
        f"{missing.name} is not installed: run `make prerequisites`"
        f" (on Debian: apt-get install {packages})"
    )


def install(missing: Sequence[Prerequisite]) -> None:
    """Install missing prerequisites, as far as this machine can."""
    engines = [each.name for each in missing if each.name in browsers.ENGINES]
    if engines:
        _say(f"Downloading {', '.join(engines)} from Playwright")
        downloaded = browsers.download(engines)
        if not downloaded:
            _say("Playwright's download failed; the distribution's packages take its place")
        own = [name for name in engines if (found := browsers.find(name)) and not found.path]
        if own and _has_apt():
            _run([sys.executable, "-m", "playwright", "install-deps", *own])
    _install_packages([each for each in missing if not each.found()])


def main() -> int:
    """Install missing prerequisites and return the program's exit status."""
    missing = [each for each in ALL if not each.found()]
    if missing:
        install(missing)
    still_missing = [each for each in missing if not each.found()]
    for each in still_missing:
        _say(explain(each))
    return int(bool(still_missing) and on_ci())


def _install_packages(missing: Sequence[Prerequisite]) -> None:
    """Install packages with apt, and stop the services that Debian starts with them."""
    wanted = list(dict.fromkeys(package for each in missing for package in each.packages))
    if not wanted or not _has_apt():
        return
    _run([*_root(), "apt-get", "update", "-qq"])
    known = [package for package in wanted if _is_known(package)]
    if not known:
        return
    _say(f"Installing {' '.join(known)}")
    options = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]  # sudo does not pass it on
    _run([*_root(), *environment, "apt-get", "install", *options, *known])
    for each in missing:
        if each.service and each.found():
            _run([*_root(), "service", each.service, "stop"])
            _run([*_root(), "update-rc.d", each.service, "disable"])


def _has_apt() -> bool:
    """Return whether packages can be installed here."""
    is_root = os.geteuid() == 0
    return bool(paths.find("apt-get")) and (is_root or bool(paths.find("sudo")))


def _root() -> list[str]:
    """Return the command prefix that runs a command as root."""
    return ["sudo"] if os.geteuid() else []


def _is_known(package: str) -> bool:
    """Return whether the distribution has a package; Ubuntu has no `firefox-esr`."""
    command = ["apt-cache", "show", "--quiet", package]
    return subprocess.run(command, capture_output=True).returncode == 0  # noqa: S603


def _run(command: list[str]) -> None:
    """Run a command, and print its output if it fails; `main` reports missing programs at the
    end.
    """
    done = subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if done.returncode:
        _say(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(main())
    except browsers.NoBrowserError as error:
        sys.exit(str(error))
