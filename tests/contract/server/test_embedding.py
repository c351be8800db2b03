"""The code in docs/embedding.md, run unchanged against the mock's STS."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from fastapi import FastAPI

from ossferry.cli.demo import SERVER, Demo
from support import commands
from support.app_client import app_client

ROOT = Path(__file__).parents[3]
ME = {"authorization": "Bearer carols-token"}
BELOW = """
app = Starlette(routes=[Mount("/files", uploads)], lifespan=lifespan)
"""
Run = Callable[[str], dict[str, Any]]


def blocks() -> tuple[str, str]:
    """Return the page's code for Starlette, and the additional code for `authorize`."""
    text = (ROOT / "docs/embedding.md").read_text("utf-8")
    starlette, authorize = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return starlette, authorize


@pytest.fixture
def run(demo: Demo, tmp_path: Path, web_dir: Path) -> Iterator[Run]:
    """Return a function that runs code of the page, and returns its names."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    more = {"OSSFERRY_AUTH": "app", "OSSFERRY_WEB_DIR": str(web_dir)}
    ((key, secret),) = SERVER.keys.items()

    def call(code: str) -> dict[str, Any]:
        names = {"__name__": "application"}
        exec(code, names)  # noqa: S102 - the page's own code
        return names

    with (
        patch.dict(os.environ, {**kept, **commands.granting(demo), **more}, clear=True),
        commands.caller(key, secret),
        chdir(tmp_path),
    ):
        yield call


def test_an_application_mounts_ours_and_says_who_is_asking(run: Run) -> None:
    names = run(blocks()[0])

    with app_client(names["app"]) as client:
        answers = [
            client.get("/hello"),
            client.get("/uploads/"),
            client.post("/uploads/api/grant"),
            client.post("/uploads/api/grant", headers=ME),
            client.post("/uploads/api/grant", headers={**ME, "cookie": "a=b"}),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 403]
    assert answers[3].json()["prefix"].startswith("uploads/carol-")


def test_the_application_authorizes_as_the_page_says(run: Run) -> None:
    names = run("".join(blocks()) + BELOW)
    names["TOKENS"]["daves-token"] = "dave"

    with app_client(names["app"]) as client:
        carols, daves = (
            client.post("/files/api/grant", headers={"authorization": f"Bearer {name}s-token"})
            for name in ("carol", "dave")
        )

    assert re.fullmatch(r"uploads/carol-[a-z0-9]+/course-7/", carols.json()["prefix"])
    assert (daves.status_code, daves.json()["code"]) == (403, "course-ended")


@pytest.mark.parametrize(
    "path",
    [
        "/files//get_sts_token",
        "/get_sts_token",
        "//files/get_sts_token",
        "/files/%2e/get_sts_token",
        "/files/x/%2e%2e/get_sts_token",
        "/files/get_sts_token/",
        "/filesget_sts_token",
        "/files%5cget_sts_token",
        "/FILES/get_sts_token",
        "/files/get%5fsts_token",
        "/files%2fget_sts_token",
    ],
)
def test_t02_below_a_path_there_is_one_address_for_each_route(run: Run, path: str) -> None:
    with app_client(run(blocks()[0] + BELOW)["app"]) as client:
        right, other = (
            client.get(f"http://127.0.0.1:8000{each}", headers=ME)
            for each in ("/files/get_sts_token", path)
        )

    assert (right.status_code, other.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("given", "title"),
    [({}, "FastAPI"), ({"docs_url": None, "redoc_url": None, "openapi_url": None}, "ossferry")],
    ids=["its own", "switched off"],
)
def test_fastapis_own_description_hides_ours_unless_it_is_switched_off(
    run: Run, given: dict[str, Any], title: str
) -> None:
    names = run(blocks()[0])
    app = FastAPI(lifespan=names["lifespan"], **given)
    app.mount("/", names["uploads"])

    with app_client(app) as client:
        assert client.get("/openapi.json").json()["info"]["title"] == title
        assert (client.get("/docs").status_code == 200) == (title == "FastAPI")
