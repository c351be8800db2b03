"""The code in docs/embedding.md and in the README, run unchanged against the mock's STS."""

import json
import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support import commands

ROOT = Path(__file__).parents[3]
ASK = """
import json
from support.app_client import app_client
me = {"authorization": "Bearer carols-token"}
with app_client(app) as client:
    answers = [
        client.get("/hello"),
        client.get("/uploads/"),
        client.post("/uploads/api/grant"),
        client.post("/uploads/api/grant", headers=me),
        client.post("/uploads/api/grant", headers={**me, "cookie": "a=b"}),
    ]
    prefix = answers[3].json()["prefix"]
print(json.dumps([[answer.status_code for answer in answers], prefix]))
"""


BELOW = """
app = Starlette(routes=[Mount("/files", uploads)], lifespan=lifespan)
"""
ASK_BELOW = """
import json
from support.app_client import app_client
me = {"authorization": "Bearer carols-token"}
paths = ["/files/get_sts_token", "/files//get_sts_token", "/get_sts_token", "//files/get_sts_token",
         "/files/%2e/get_sts_token", "/files/x/%2e%2e/get_sts_token", "/files/get_sts_token/",
         "/filesget_sts_token", "/files%5cget_sts_token", "/FILES/get_sts_token",
         "/files/get%5fsts_token", "/files%2fget_sts_token"]
with app_client(app) as client:
    answers = [client.request("GET", "http://127.0.0.1:8000" + path, headers=me) for path in paths]
print(json.dumps([[answer.status_code for answer in answers], ""]))
"""

ASK_AUTHORIZED = """
import json
from support.app_client import app_client
TOKENS["daves-token"] = "dave"
with app_client(app) as client:
    answers = [
        client.post("/files/api/grant", headers={"authorization": f"Bearer {token}"})
        for token in ("carols-token", "daves-token")
    ]
told = answers[0].json()["prefix"] + " " + answers[1].json()["code"]
print(json.dumps([[answer.status_code for answer in answers], told]))
"""

ASK_DESCRIPTION = """
import json
from fastapi import FastAPI
from support.app_client import app_client
titles = []
for given in ({}, {"docs_url": None, "redoc_url": None, "openapi_url": None}):
    app = FastAPI(lifespan=lifespan, **given)
    app.mount("/", uploads)
    with app_client(app) as client:
        answers = [client.get("/docs"), client.get("/openapi.json")]
        titles.append(answers[1].json()["info"]["title"])
print(json.dumps([[answer.status_code for answer in answers], " ".join(titles)]))
"""

ASK_README = """
import json
from support.app_client import app_client
from_page = {"sec-fetch-site": "same-origin"}
with app_client(app) as client:
    answers = [client.get("/"), client.post("/api/grant", headers=from_page)]
    client.cookies.set("session", "a-random-session-id")
    answers.append(client.post("/api/grant", headers=from_page))
print(json.dumps([[answer.status_code for answer in answers], answers[-1].json()["prefix"]]))
"""


def blocks() -> tuple[str, str]:
    """Return the page's code for Starlette, and the additional code for `authorize`."""
    text = (ROOT / "docs/embedding.md").read_text("utf-8")
    starlette, authorize = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return starlette, authorize


def environment(demo: Demo, web_dir: Path) -> dict[str, str]:
    """Return the environment that the pages describe, without a proxy."""
    return {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "OSSFERRY_AUTH": "app",
        "OSSFERRY_BUCKET": demo.settings.bucket,
        "OSSFERRY_REGION": demo.settings.region,
        "OSSFERRY_ENDPOINT": demo.settings.endpoint,
        "OSSFERRY_STS_ENDPOINT": str(demo.settings.sts_endpoint),
        "OSSFERRY_ROLE_ARN": demo.settings.role_arn,
        "OSSFERRY_SECRET": "a-text-of-more-than-32-characters",
        "OSSFERRY_WEB_DIR": str(web_dir),
        "OSSFERRY_ALLOW_MOCK": "1",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }


def run(code: str, demo: Demo, tmp_path: Path, web_dir: Path) -> tuple[list[int], str]:
    """Run code of a page in this process; return the statuses and the prefix."""
    out = StringIO()
    with (
        patch.dict(os.environ, environment(demo, web_dir), clear=True),
        commands.caller(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        chdir(tmp_path),
        redirect_stdout(out),
    ):
        exec(code, {"__name__": "application"})  # noqa: S102 - the page's own code
    statuses, prefix = json.loads(out.getvalue())
    return statuses, prefix


def run_as_program(code: str, demo: Demo, tmp_path: Path, web_dir: Path) -> tuple[list[int], str]:
    """Run code of a page in a process of its own, which imports only what the code imports."""
    result = subprocess.run(  # noqa: S603 - the page's own code
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment(demo, web_dir), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    statuses, prefix = json.loads(result.stdout)
    return statuses, prefix


def test_an_application_mounts_ours_and_says_who_is_asking(
    demo: Demo, tmp_path: Path, web_dir: Path
) -> None:
    statuses, prefix = run_as_program(blocks()[0] + ASK, demo, tmp_path, web_dir)

    assert statuses == [200, 200, 401, 200, 403]
    assert prefix.startswith("uploads/carol-")


def test_the_application_authorizes_as_the_page_says(
    demo: Demo, tmp_path: Path, web_dir: Path
) -> None:
    starlette, authorize = blocks()

    statuses, prefix = run(starlette + authorize + BELOW + ASK_AUTHORIZED, demo, tmp_path, web_dir)

    assert statuses == [200, 403]
    assert re.fullmatch(r"uploads/carol-[a-z0-9]+/course-7/ course-ended", prefix)


def test_t02_below_a_path_there_is_one_address_for_each_route(
    demo: Demo, tmp_path: Path, web_dir: Path
) -> None:
    statuses, _ = run(blocks()[0] + BELOW + ASK_BELOW, demo, tmp_path, web_dir)

    assert statuses[0] == 200
    assert set(statuses[1:]) == {404}


def test_fastapis_own_description_hides_ours_unless_it_is_switched_off(
    demo: Demo, tmp_path: Path, web_dir: Path
) -> None:
    statuses, titles = run(blocks()[0] + ASK_DESCRIPTION, demo, tmp_path, web_dir)

    assert titles == "FastAPI ossferry"
    assert statuses == [404, 200]


def test_the_application_of_the_readme_says_who_uploads(
    demo: Demo, tmp_path: Path, web_dir: Path
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code, *_ = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)

    statuses, prefix = run(code + ASK_README, demo, tmp_path, web_dir)

    assert statuses == [200, 401, 200]
    assert prefix.startswith("uploads/carol-")
