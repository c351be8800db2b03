"""The Makefile says in one sentence which program is missing, and checks both lock files."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE_FROM = ("Makefile", "pyproject.toml", "requirements.lock", "web/package-lock.json")
Make = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder in PATH; it has the programs of an empty machine."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "sed", "touch"):
        (folder / name).symlink_to(program_of_the_machine(name))
    return folder


def program_of_the_machine(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found


@pytest.fixture
def make(tmp_path: Path, programs: Path) -> Make:
    """Return a function that makes a target in a new clone on this machine."""
    clone = tmp_path / "clone"
    for name in MADE_FROM:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    command = program_of_the_machine("make")

    def run(target: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own Makefile
            [command, target],
            cwd=clone,
            env={**os.environ, "PATH": str(programs), "MAKEFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def write(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def write_node(programs: Path, version: str) -> None:
    """Write a program that is this machine's Node and says that it has another version."""
    real = program_of_the_machine("node")
    write(
        programs / "node",
        f"exec {real} -e \"Object.defineProperty(process.versions, 'node', "
        f"{{value: '{version}'}}); $2\"",
    )


@pytest.mark.parametrize("version", ["20.0.0", "22.11.0", "100.1.0"])
def test_a_node_that_is_new_enough_is_used(make: Make, programs: Path, version: str) -> None:
    write_node(programs, version)
    write(programs / "npm", f"{program_of_the_machine('mkdir')} -p node_modules")

    done = make("web/node_modules/.ready")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("target", ["demo", "wheel"])
@pytest.mark.parametrize("version", [None, "18.20.4"])
def test_a_missing_or_old_node_is_named_before_anything_is_installed(
    make: Make, programs: Path, tmp_path: Path, target: str, version: str | None
) -> None:
    if version:
        write_node(programs, version)
        write(programs / "npm", "exit 0")

    done = make(target)

    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first.startswith("make: Node 20 or newer, with npm, is not installed; install it from")
    assert not (tmp_path / "clone/.venv").exists()


@pytest.mark.parametrize("script", [None, "exit 1"], ids=["missing", "old"])
def test_a_missing_or_old_python_is_named(make: Make, programs: Path, script: str | None) -> None:
    if script:
        write(programs / "python3", script)

    done = make("mock-wheel")

    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("make: python3 is not Python 3.11 or newer")


@pytest.mark.parametrize(
    ("python", "npm"), [(0, 0), (1, 0), (0, 1), (1, 1)], ids=["none", "python", "npm", "both"]
)
def test_an_audit_reports_both_parts(
    make: Make, programs: Path, tmp_path: Path, python: int, npm: int
) -> None:
    venv = tmp_path / "clone/.venv"
    write(venv / "bin/uv", f"exit {python}")
    (venv / ".ready").touch()
    write(programs / "npm", f"echo found 0 vulnerabilities; exit {npm}")

    done = make("audit")

    assert "found 0 vulnerabilities" in done.stdout
    assert (done.returncode != 0) == bool(python or npm)
    assert ("the check of the Python packages failed" in done.stderr) == bool(python)
    assert ("the check of the npm packages failed" in done.stderr) == bool(npm)


@pytest.mark.parametrize(
    ("first", "second", "is_fine"),
    [(0, 0, True), (0, 5, True), (5, 0, True), (5, 5, False), (1, 0, False), (0, 1, False)],
)
def test_slow_tests_run_to_their_end_and_at_least_one_is_chosen(
    make: Make, programs: Path, tmp_path: Path, first: int, second: int, is_fine: bool
) -> None:
    clone = tmp_path / "clone"
    answers = f"*tests/unit*) exit {first} ;; *tests/e2e*) echo second; exit {second} ;;"
    write(clone / ".venv/bin/python", f'case "$*" in {answers} *) exit 0 ;; esac')
    locks = ("web", "tests/contract/mock_oss/node", "tests/e2e/sites")
    for folder in locks:
        (clone / folder / "node_modules").mkdir(parents=True)
        (clone / folder / "package-lock.json").touch()
        (clone / folder / "node_modules/.ready").touch()
    (clone / ".venv/.ready").touch()

    done = make("slow")

    assert (done.returncode == 0) is is_fine, done.stderr
    assert "second" in done.stdout
    assert ("no slow test" in done.stderr) == (first == second == 5)
