"""The code in docs/embedding.md, run as it stands, against the mock's STS."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mock_oss.world import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.demo import Demo

ROOT = Path(__file__).parents[3]
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from support.app_client import app_client
with app_client(app) as client:
    answers = [
        client.get("/hello"),
        client.get("/"),
        client.post("/api/grant"),
        client.post("/api/grant", headers={"x-token": "carols-token"}),
        client.post("/api/grant", headers={"x-token": "carols-token", "cookie": "a=b"}),
    ]
    prefix = answers[3].json()["prefix"]
print(json.dumps([[answer.status_code for answer in answers], prefix]))
"""


@pytest.fixture
def code() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/embedding.md").read_text(), re.S)
    return str(block)


def test_an_application_mounts_ours_and_says_who_is_asking(
    demo: Demo, code: str, tmp_path: Path, web_dir: Path
) -> None:
    options = {
        "OSSFERRY_AUTH": "apikey",
        "OSSFERRY_API_KEYS_FILE": str(tmp_path / "keys.json"),
        "OSSFERRY_BUCKET": demo.settings.bucket,
        "OSSFERRY_REGION": demo.settings.region,
        "OSSFERRY_ENDPOINT": demo.settings.endpoint,
        "OSSFERRY_STS_ENDPOINT": str(demo.settings.sts_endpoint),
        "OSSFERRY_ROLE_ARN": demo.settings.role_arn,
        "OSSFERRY_SECRET": "a-secret-of-more-than-32-characters",
        "OSSFERRY_WEB_DIR": str(web_dir),
        "OSSFERRY_ALLOW_MOCK": "1",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}

    result = subprocess.run(  # noqa: S603 - the page's own code
        [sys.executable, "-c", code + ASK, str(ROOT / "tests")],
        cwd=tmp_path,
        env={**environment, **options},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    statuses, prefix = json.loads(result.stdout)
    assert statuses == [200, 200, 401, 200, 403]
    assert prefix.startswith("uploads/carol-")
