"""A RAM role that does not exist, or no longer exists: the server is not ready."""

import httpx
import pytest

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.app import create_app
from ossferry.cli.demo import Demo
from ossferry.oss.sts import StsClient, access_key
from support.app_client import app_client


@pytest.fixture
def seconds() -> list[float]:
    return [0.0]


def client_of(demo: Demo, role: str, seconds: list[float]) -> httpx.Client:
    account = demo.settings.role_arn.rpartition("/")[0]
    changes = {"role_arn": f"{account}/{role}", "objects_role_arn": None}
    settings = demo.settings.model_copy(update=changes)
    sts = StsClient(settings, access_key(ACCESS_KEY_ID, ACCESS_KEY_SECRET))
    return app_client(create_app(settings, assume_role=sts, monotonic=lambda: seconds[0]))


@pytest.mark.parametrize("asked_first", ["/readyz", "/api/grant"])
def test_a_server_whose_role_does_not_exist_is_not_ready(
    demo: Demo, seconds: list[float], asked_first: str
) -> None:
    with client_of(demo, "nobody", seconds) as client:
        if asked_first == "/api/grant":
            client.post("/api/grant")
        ready = client.get("/readyz")
        grant = client.post("/api/grant")

    assert (grant.status_code, grant.json()["code"]) == (502, "sts-refused")
    assert ready.status_code == 503
