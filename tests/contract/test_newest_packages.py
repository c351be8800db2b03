"""The newest releases of packages with bounds in `pyproject.toml`, or in whose classes we reach.

Each release is installed into a folder of its own, without its dependencies, and shadows the locked
one. Needs the package index.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run Python with the packages in a folder before all others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, *command],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "module", "tests"),
    [
        (
            "uvicorn",
            "uvicorn",
            (
                "tests/contract/server/test_wire.py",
                "tests/contract/server/test_workers.py",
                "tests/contract/mock_oss/test_rude_clients.py",
                "tests/contract/mock_oss/test_bad_input.py",
                "tests/contract/mock_oss/test_faults.py",
                "tests/attacks/test_floods.py",
            ),
        ),
        ("starlette", "starlette", ("tests/unit/server", "tests/contract/server/test_demo.py")),
        (
            "oss2",
            "oss2",
            ("tests/contract/server/test_oss_sdk.py", "tests/contract/server/test_odd_oss.py"),
        ),
    ],
    ids=["uvicorn", "starlette", "oss2"],
)
def test_the_newest_release_works(
    tmp_path: Path, package: str, module: str, tests: tuple[str, ...]
) -> None:
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), package)
    installed = run(*install, folder=tmp_path)
    assert installed.returncode == 0, installed.stdout
    loaded = run("-c", f"import {module}; print({module}.__file__)", folder=tmp_path)
    assert Path(loaded.stdout.strip()).is_relative_to(tmp_path)

    tested = run("-m", "pytest", "-q", "-n", "0", "--tb", "short", *tests, folder=tmp_path)

    releases = [each.name for each in tmp_path.glob("*.dist-info")]
    assert tested.returncode == 0, f"{releases}\n{tested.stdout}"
