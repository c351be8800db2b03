"""ali-oss (Node) through every operation, in every way it can reach the mock."""

import json
import subprocess
from pathlib import Path
from shutil import which

import pytest

from contract.mock_oss.matrix import CASES, Case, check, mock_for
from contract.mock_oss.operation_table import ALI_OSS_LACKS

NODE = Path(__file__).with_name("node")


def test_the_node_packages_are_installed() -> None:
    assert which("node"), "node is needed: see `make build`"
    assert (NODE / "node_modules" / "ali-oss").is_dir(), (
        "run `npm ci` in tests/contract/mock_oss/node"
    )


@pytest.mark.parametrize("case", CASES)
def test_ali_oss_does_everything(case: Case) -> None:
    with mock_for(case) as (oss, credentials):
        settings = {
            "port": oss.port,
            "version": case.version,
            "style": case.style,
            "credentials": credentials,
        }

        run = subprocess.run(  # noqa: S603 - our own script
            [which("node") or "node", "tour.mjs", json.dumps(settings)],
            cwd=NODE,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert run.returncode == 0, run.stderr + repr([r for r in oss.requests if r.refused])
        check(oss, lacks=ALI_OSS_LACKS)
