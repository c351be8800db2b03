"""`OSSFERRY_GRANT=form`: the page gets signed forms for its prefix, and no credentials."""

import json
from base64 import b64decode
from typing import Any

import httpx
import pytest

from ossferry.oss.post_object import MAX_FILE_SIZE
from support.server_fakes import OBJECTS, FakeClock, FakeSts, MakeClient

BOUND_BY_ALL = [
    {"bucket": "web-direct-upload"},
    {"x-oss-signature-version": "OSS4-HMAC-SHA256"},
    {"x-oss-credential": "STS.Fake0001/20260314/cn-hangzhou/oss/aliyun_v4_request"},
    {"x-oss-date": "20260314T092653Z"},
    {"x-oss-security-token": "fake-security-token"},
    {"success_action_status": "200"},
]


def policy(grant: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b64decode(dict(grant["form"])["policy"]))
    return found


def granted(client: httpx.Client) -> dict[str, Any]:
    with client:
        found: dict[str, Any] = client.post("/api/grant").json()
    return found


def test_a_grant_with_forms_has_no_secret(make_client: MakeClient) -> None:
    grant = granted(make_client(grant="form"))

    assert "access_key_secret" not in grant
    assert "security_token" not in grant
    assert "fake-access-key-secret" not in str(grant)
    assert grant["access_key_id"] == "STS.Fake0001"


@pytest.mark.parametrize(
    ("changes", "size", "place"),
    [
        ({"max_file_size": 1000}, 1000, ""),
        ({}, MAX_FILE_SIZE, ""),
        ({**OBJECTS, "release": "checked", "clamd": "/c.ctl"}, MAX_FILE_SIZE, "incoming/"),
    ],
    ids=["own", "all", "held"],
)
def test_the_form_binds_prefix_size_and_every_field(
    make_client: MakeClient, changes: dict[str, object], size: int, place: str
) -> None:
    grant = granted(make_client(grant="form", **changes))

    assert policy(grant)["conditions"] == [
        *BOUND_BY_ALL,
        ["starts-with", "$key", place + grant["prefix"]],
        ["content-length-range", 0, size],
    ]
    assert grant["held"] == place
    assert grant["limits"]["max_file_size"] == size


def test_oss_refuses_files_below_the_smallest_size(make_client: MakeClient) -> None:
    limits = {"min_file_size": 7, "min_files": 2, "max_total_size": 100}
    grant = granted(make_client(grant="form", limits=limits, max_file_size=1000))
    client = make_client(limits=limits)
    small = client.post("/api/form", json={"name": "a", "size": 6})
    any_size = client.post("/api/form", json={"name": "a"}).json()

    assert ["content-length-range", 7, 1000] in policy(grant)["conditions"]
    assert limits.items() <= grant["limits"].items()
    assert (small.status_code, small.json()["code"]) == (400, "file-too-small")
    assert any_size["limits"]["min_size"] == 7


def test_the_form_is_for_exactly_the_allowed_types(make_client: MakeClient) -> None:
    grant = granted(make_client(grant="form", allowed_types=("image/png", "text/csv")))

    allowed = ["in", "$x-oss-content-type", ["image/png", "text/csv"]]
    assert policy(grant)["conditions"][-1] == allowed


def test_a_form_is_for_ten_minutes_and_some_more_but_not_longer_than_its_credentials(
    make_client: MakeClient, clock: FakeClock
) -> None:
    with make_client(grant="form") as client:
        early = client.post("/api/grant").json()
        clock.advance(7 * 60)  # less than half of the credentials' lifetime
        late = client.post("/api/grant").json()

    assert early["expiration"] == "2026-03-14T09:36:53Z"
    assert policy(early)["expiration"] == "2026-03-14T09:40:53.123Z"
    assert late["access_key_id"] == early["access_key_id"]
    assert late["expiration"] == "2026-03-14T09:41:53Z"
    assert policy(late)["expiration"] == "2026-03-14T09:41:53.000Z"


def test_the_credentials_behind_the_forms_can_only_put(
    make_client: MakeClient, sts: FakeSts
) -> None:
    granted(make_client(grant="form"))

    (asked,) = sts.calls
    assert json.loads(asked["policy"])["Statement"][0]["Action"] == ["oss:PutObject"]


def test_uploads_in_parts_are_not_offered(make_client: MakeClient) -> None:
    sts, form = (granted(make_client(grant=kind, **OBJECTS)) for kind in ("sts", "form"))

    assert set(sts["features"]) - set(form["features"]) == {"unfinished"}


def test_the_page_gets_the_preferred_origin_only(make_client: MakeClient) -> None:
    hosts = ("http://a.localhost:9000", "http://b.localhost:9000")

    sts, form = (granted(make_client(grant=kind, upload_hosts=hosts)) for kind in ("sts", "form"))

    assert len(sts["origins"]) == 3
    assert form["origins"] == sts["origins"][:1]


def test_the_route_of_the_tutorial_gives_no_credentials(
    make_client: MakeClient, sts: FakeSts
) -> None:
    with make_client(grant="form") as client:
        answer = client.get("/get_sts_token")

    assert (answer.status_code, answer.json()["code"]) == (403, "forms-only")
    assert sts.calls == []
