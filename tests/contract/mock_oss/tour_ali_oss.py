"""Calls every operation of the mock through ali-oss, by running `node/tour.mjs` with Node."""

import json
import subprocess
from pathlib import Path
from shutil import which

from contract.mock_oss.clients import Credentials
from contract.mock_oss.matrix import ADMIN, Case
from contract.mock_oss.receiver import receiving
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, MockOSS
from support.programs import npm_packages


def node_folder() -> Path:
    """Return the folder of the scripts for Node; skip or fail the test without ali-oss."""
    return npm_packages(Path(__file__).with_name("node")).parent


def run_script(*arguments: str, **settings: object) -> str:
    """Run a script for Node with these settings; return its errors, empty if it succeeded."""
    run = subprocess.run(  # noqa: S603 - our own script
        [which("node") or "node", *arguments, json.dumps(settings)],
        cwd=node_folder(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.stderr if run.returncode else ""


def tour(oss: MockOSS, case: Case, credentials: Credentials) -> None:
    """Call every operation once."""
    with receiving() as receiver:
        errors = run_script(
            "tour.mjs",
            port=oss.port,
            version=case.version,
            style=case.style,
            credentials=credentials,
            receiver=receiver.url,
            owner=(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
            role=ADMIN.arn,
        )
        assert not errors, errors + repr([r for r in oss.requests if r.refused])
        assert [body for _, _, body in receiver.calls] == [b"key=told"]
