"""A principal whose access was revoked is refused everywhere."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ossferry.ledger import people
from ossferry.settings.model import Settings
from support.ledgers import opened
from support.rate_windows import Seconds
from support.server_fakes import ALICE, OBJECTS, FakeClock, FakeStore, MakeClient

NOTICED_S = 2.1


@pytest.fixture
def site(make_client: MakeClient, seconds: Seconds) -> httpx.Client:
    """A client signed in as Alice, who is an administrator."""
    return make_client(**OBJECTS, admins=["alice"], monotonic=seconds)


@pytest.fixture
def revoke(settings: Settings, clock: FakeClock, seconds: Seconds) -> Callable[[bool], None]:
    """Return a function that revokes or restores Alice's access, as another process does.

    It then waits until the server has noticed the change.
    """

    async def write(shut: bool) -> None:
        async with opened(settings.ledger_url) as database, database.write() as connection:
            await people.set_revoked(connection, ALICE.hash, clock() if shut else None)

    def run(shut: bool) -> None:
        asyncio.run(write(shut))
        seconds.now += NOTICED_S

    return run


def everything(site: httpx.Client, key: str, undo: str) -> list[httpx.Response]:
    report = {"key": key, "size": 5, "crc64": "4041730234", "request_id": None}
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/api/grant", {}),
        ("GET", "/get_sts_token", None),
        ("POST", "/api/receipts", report),
        ("POST", "/api/receipts/batch", {"reports": [report]}),
        ("GET", "/api/objects", None),
        ("GET", "/api/objects?q=x", None),
        ("GET", "/api/objects/deleted", None),
        ("POST", "/api/objects/undo", {"id": undo}),
        ("POST", "/api/share", {"key": key, "expires_s": 604_800}),
        ("GET", "/api/shares", None),
        ("GET", "/api/unfinished", None),
        ("GET", "/admin", None),
        ("GET", "/admin/uploads.csv", None),
        ("GET", f"/api/objects/{key}/preview", None),
        ("DELETE", f"/api/objects/{key}", None),
    ]
    return [site.request(method, path, json=body) for method, path, body in asked]


def test_who_was_shut_out_is_refused_everywhere_until_let_in_again(
    site: httpx.Client, store: FakeStore, revoke: Callable[[bool], None]
) -> None:
    site.post("/api/grant")
    gone, kept = (
        store.put(f"{ALICE.prefix}2026-03-14/r/{name}.png", content_type="image/png").key
        for name in ("gone", "kept")
    )
    undo = site.delete(f"/api/objects/{gone}").json()["undo"]["id"]
    wish = {"key": kept, "expires_s": 600, "revocable": True}
    link = site.post("/api/share", json=wish).json()["url"]

    revoke(True)
    refused = everything(site, kept, undo)
    assert site.get(link).status_code == 410
    revoke(False)
    assert site.get(link).status_code == 303
    allowed = everything(site, kept, undo)

    assert {(each.status_code, each.json()["code"]) for each in refused} == {(403, "revoked")}
    assert {each.json()["detail"] for each in refused} == {
        "An administrator has revoked your access."
    }
    assert {each.status_code for each in allowed} == {200}


def test_others_are_not_shut_out_with_them(
    site: httpx.Client, revoke: Callable[[bool], None]
) -> None:
    site.post("/api/grant")
    revoke(True)

    site.post("/demo/user", json={"user": "bob"})

    assert site.get("/api/objects").status_code == 200
