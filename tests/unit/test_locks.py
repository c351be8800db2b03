"""Lock files pin all dependencies by hash, and installations use them. Threat T46."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from support.wheels import FOLDERS, requirements

ROOT = Path(__file__).parents[2]
INSTALLS = re.compile(r"\b(pip|npm) (install|ci)\b")
NPM_LOCKS = [path for path in ROOT.rglob("package-lock.json") if "node_modules" not in path.parts]


def commands(target: str) -> list[str]:
    """Return the commands that make runs for a target if nothing is built yet."""
    make: list[str | Path] = ["make", "--dry-run", "--always-make", "--directory", ROOT, target]
    lines = subprocess.run(make, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return re.split(r"\n|\|\|", lines)


def test_t46_every_lock_pins_by_hash_and_every_install_obeys_it() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+", lock, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    installs = [each for each in commands("test") + commands("lock") if INSTALLS.search(each)]

    assert len(pins) > 50
    assert [block for block in blocks if "==" in block and "--hash=sha256:" not in block] == []
    assert len(installs) >= 6
    obedient = (
        r"--require-hashes|--no-deps --no-build-isolation --editable|npm ci|--package-lock-only"
    )
    assert [each for each in installs if not re.search(obedient, each)] == []


def test_the_constraints_for_operators_have_the_versions_of_the_lock() -> None:
    direct = {canonicalize_name(each.name) for wheel in FOLDERS for each in requirements(wheel)}
    locked, constraints = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "constraints.txt")
    )

    assert direct < constraints.keys()
    assert constraints.items() < locked.items()
    assert not {"pytest", "hatchling", "mypy"} & constraints.keys()


@pytest.mark.parametrize("path", NPM_LOCKS, ids=lambda path: str(path.relative_to(ROOT).parent))
def test_t46_every_npm_package_has_a_hash_and_no_address_of_its_own(path: Path) -> None:
    packages: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["packages"]
    installed = {name: about for name, about in packages.items() if name and "link" not in about}

    assert installed
    for name, about in installed.items():
        bundled = about.get("inBundle", False)
        assert bundled or str(about["integrity"]).startswith("sha512-"), name
        assert not str(about.get("resolved", "")).startswith(("git", "http:", "file:")), name
