"""File requests: what owners ask for, what guests get, and what ends both."""

import json
import runpy
from base64 import b64decode
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from attacks.in_policy import BUCKET, allows
from mock_oss.policies.evaluation import parse_policy
from ossferry.asking.api import NewRequest
from ossferry.errors import BadRequestError, SettingsError
from ossferry.hooks.calls import Event
from ossferry.http.body import parsed
from ossferry.ledger import people
from ossferry.uploads.refused import SETTLE
from support.app_client import app_client
from support.server_fakes import (
    ALICE,
    BOB,
    OBJECTS,
    FakeClock,
    FakeStore,
    FakeSts,
    MakeApp,
    MakeClient,
)

WISH = {"title": "Holiday pictures", "ends_at": "2026-03-21T09:26:53Z"}
HERE = {"origin": "http://127.0.0.1:8000"}
EXAMPLE = Path(__file__).parents[3] / "docs/examples/mail_hook.py"
CHOICE = {"name": "album", "label": "Album", "choices": ["A", "B"]}


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    return owner_at(make_client)


def owner_at(make_client: MakeClient, **changes: object) -> httpx.Client:
    """Return a client of a server with file requests, signed in as Alice."""
    client = make_client(requests=True, **{**OBJECTS, **changes})
    client.headers.update(HERE)
    return client


class Request:
    """A file request, and the guest who opened it last."""

    def __init__(self, client: httpx.Client, **wish: object) -> None:
        answer = client.post("/api/requests", json={**WISH, **wish})
        assert answer.status_code == 200, answer.text
        self.made: dict[str, Any] = answer.json()
        self.path = urlsplit(self.made["link"]).path
        self._client = client

    def enter(self, **entry: object) -> httpx.Response:
        """Open the link on another device."""
        self._client.cookies.clear()
        return self._client.post(f"{self.path}/enter", json={"name": "Gus", **entry})

    def grant(self) -> httpx.Response:
        return self._client.post(f"{self.path}/api/grant")

    def about(self) -> httpx.Response:
        return self._client.get(f"{self.path}/about")

    def change(self, **change: object) -> httpx.Response:
        return self._client.patch(f"/api/requests/{self.made['id']}", json=change)

    def send(self, store: FakeStore, name: str = "a.jpg", **object_: Any) -> httpx.Response:
        """Store a file of the guest, and report it."""
        key = f"{self.grant().json()['prefix']}2026-03-14/r/{name}"
        stored = store.put(key, **object_)
        report = {"key": key, "size": stored.size, "crc64": stored.crc64}
        return self._client.post(f"{self.path}/api/receipts", json=report)

    @property
    def sums(self) -> tuple[int, int, int]:
        [listed] = self._client.get("/api/requests").json()["requests"]
        return listed["guests"], listed["files"], listed["bytes"]


def test_a_request_is_made_listed_and_opened(client: httpx.Client) -> None:
    wish = {"text": "All of them,\nplease.", "fields": [CHOICE], "max_files": 3, "ask_email": True}

    asked = Request(client, **wish)

    assert client.get("/api/requests").json()["requests"] == [asked.made]
    assert asked.made["max_file_size"] == 5_367_660_544
    assert asked.made.keys().isdisjoint({"token_hash", "password_hash"})
    assert asked.about().json() == {
        "by": "Alice",
        "title": "Holiday pictures",
        "text": "All of them,\nplease.",
        "ends_at": "2026-03-21T09:26:53Z",
        "way": "form",
        "needs": {"password": False, "name": True, "email": True},
        "fields": [{**CHOICE, "required": True}],
        "limits": {"max_file_size": 5_367_660_544, "max_files": 3, "types": []},
        "guest": None,
    }
    assert "requests" in client.post("/api/grant").json()["features"]


@pytest.mark.parametrize(
    "wish",
    [
        {"title": ""},
        {"title": "x" * 121},
        {"text": "x" * 2001},
        {"ends_at": "2026-03-21T09:26:53"},
        {"ends_at": 5},
        {"fields": [CHOICE, CHOICE]},
        {"fields": [{**CHOICE, "name": "Album"}]},
        {"fields": [{**CHOICE, "choices": [""]}]},
        {"max_file_size": 0},
        {"max_files": 0},
        {"max_guests": 1001},
        {"password": "1234567"},
        {"way": "post"},
        {"ask_name": 1},
    ],
    ids=str,
)
def test_a_malformed_request_is_refused(wish: dict[str, object]) -> None:
    with pytest.raises(BadRequestError, match=f"^{next(iter(wish))} must be"):
        parsed({**WISH, **wish}, NewRequest)


def test_a_request_that_the_server_cannot_serve_is_refused(client: httpx.Client) -> None:
    wishes: list[dict[str, object]] = [
        {"title": "\u202e\u0007"},
        {"ends_at": "2026-03-14T09:26:53Z"},
        {"ends_at": "2027-03-16T09:26:53Z"},
        {"types": ["image/*"]},
        {"types": ["*"]},
        {"checks": ["nothing"]},
    ]

    answers = [client.post("/api/requests", json={**WISH, **wish}).json() for wish in wishes]

    assert {each["code"] for each in answers} == {"bad-request"}
    assert [each["detail"].split(" ")[0] for each in answers] == [next(iter(w)) for w in wishes]


def test_an_operator_limits_what_is_asked_for(make_client: MakeClient) -> None:
    limits = {"max_file_size": 500, "allowed_types": ["image/png", "image/gif"], "grant": "form"}
    client = owner_at(make_client, **limits)

    made = Request(client, max_file_size=1000, types=["image/png"]).made

    assert (made["max_file_size"], made["types"]) == (500, ["image/png"])
    assert Request(client).made["types"] == ["image/png", "image/gif"]
    for wish in ({"types": ["text/csv"]}, {"way": "sts"}):
        assert client.post("/api/requests", json={**WISH, **wish}).status_code == 400
    assert client.get("/api/requests").json()["limits"] == {
        "longest_s": 366 * 86400,
        "max_file_size": {"form": 500},
        "max_files": 1000,
        "max_guests": 1000,
        "types": ["image/png", "image/gif"],
        "checks": [],
    }


def test_a_guest_tells_what_is_asked(client: httpx.Client) -> None:
    album: dict[str, object] = {"fields": [CHOICE]}
    free: dict[str, object] = {"fields": [{**CHOICE, "choices": []}]}
    email: dict[str, object] = {"ask_email": True}
    tries: list[tuple[dict[str, object], dict[str, object], str]] = [
        ({}, {"name": ""}, "name"),
        ({}, {"name": "\u202e"}, "name"),
        (email, {}, "email"),
        (email, {"email": "gus@example.com\nBcc: all@example.com"}, "email"),
        (album, {}, "fields.album"),
        (album, {"fields": {"album": "C"}}, "fields.album"),
        (free, {"fields": {"album": "x" * 501}}, "fields.album"),
        (free, {"fields": {"album": 5}}, "fields"),
    ]

    answers = [Request(client, **asks).enter(**entry).json() for asks, entry, _ in tries]

    said = [(each["code"], each["detail"].split(" must be ")[0]) for each in answers]
    assert said == [("bad-request", named) for _, _, named in tries]


def test_a_guest_comes_back_on_the_same_device_only(client: httpx.Client) -> None:
    asked = Request(client, fields=[{**CHOICE, "required": False}])
    entered = asked.enter(name="Gus <b>", fields={"album": ""})
    again = client.post(f"{asked.path}/enter", json={"name": "Other"})
    prefix = asked.grant().json()["prefix"]

    known = asked.about().json()["guest"]
    asked.enter()

    cookie = entered.headers["set-cookie"]
    assert (entered.json(), again.json()) == ({"name": "Gus <b>", "files": 0},) * 2
    assert known == {"name": "Gus <b>", "files": 0}
    assert f"HttpOnly; Max-Age=34560000; Path={asked.path}; SameSite=strict" in cookie
    assert asked.grant().json()["prefix"] != prefix
    assert asked.sums == (2, 0, 0)


@pytest.mark.parametrize("way", ["form", "sts"])
def test_a_grant_is_bounded_by_the_request(
    client: httpx.Client, sts: FakeSts, clock: FakeClock, way: str
) -> None:
    asked = Request(client, way=way, types=["image/png"], max_file_size=500, max_files=2)
    asked.enter()

    grant = asked.grant().json()

    policy = parse_policy(sts.calls[-1]["policy"], "session")
    start = f"{ALICE.prefix}requests/{asked.made['id']}/"
    assert grant["prefix"].startswith(start)
    assert grant["limits"]["max_file_size"] == 500
    assert grant["limits"]["types"] == ["image/png"]
    assert grant["limits"]["quota"] == {"bytes_left": None, "objects_left": 2}
    assert grant["principal"] == {"name": "Gus"}
    assert grant["features"] == ["receipts", "receipt-batches", "refusals"]

    def may(key: str, at: str = "2026-03-14T09:40:59+00:00") -> bool:
        return allows(policy, "oss:PutObject", f"{BUCKET}/{key}", acs_CurrentTime=at)

    assert may(f"{grant['prefix']}x")
    assert not may(f"{start}x")
    assert not may(f"{ALICE.prefix}x")
    assert not may(f"{grant['prefix']}x", at="2026-03-14T09:41:00+00:00")
    if way == "form":
        fields = dict(grant["form"])
        signed = json.loads(b64decode(fields["policy"]))
        assert "access_key_secret" not in grant
        assert signed["expiration"] == "2026-03-14T09:40:53.123Z"
        assert ["content-length-range", 0, 500] in signed["conditions"]
        assert ["in", "$x-oss-content-type", ["image/png"]] in signed["conditions"]
        assert ["starts-with", "$key", grant["prefix"]] in signed["conditions"]
    else:
        assert grant["expiration"] == "2026-03-14T09:41:00Z"


@pytest.mark.parametrize("way", ["form", "sts"])
def test_no_grant_outlives_the_request(
    make_client: MakeClient, clock: FakeClock, sts: FakeSts, way: str
) -> None:
    client = owner_at(make_client, session_duration_s=3600)
    sts.lives_s = [3600]
    asked = Request(client, way=way, ends_at="2026-03-14T11:30:00+02:00")
    asked.enter()

    ends = asked.grant().json()["expiration"]
    clock.advance(187)

    assert ends == "2026-03-14T09:30:00Z"
    for answer in (asked.grant(), asked.about(), asked.enter()):
        assert (answer.status_code, answer.json()["reason"]) == (410, "ended")


def test_a_request_is_closed_at_once_opened_and_extended(
    client: httpx.Client, store: FakeStore, clock: FakeClock
) -> None:
    asked = Request(client)
    asked.enter()
    prefix = asked.grant().json()["prefix"]

    closed = asked.change(closed=True).json()

    assert closed["closed_at"] == "2026-03-14T09:26:53Z"
    assert (asked.grant().status_code, asked.grant().json()["reason"]) == (410, "closed")
    stored = store.put(f"{prefix}late.txt")  # with the grant that still lives
    report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64}
    assert client.post(f"{asked.path}/api/receipts", json=report).status_code == 200
    clock.advance(8 * 86400)
    opened = asked.change(closed=False, ends_at="2026-03-24T00:00:00Z").json()
    assert (opened["closed_at"], opened["ends_at"]) == (None, "2026-03-24T00:00:00Z")
    assert asked.grant().status_code == 200
    assert asked.change(ends_at="2026-03-01T00:00:00Z").status_code == 400
    assert client.patch(f"/api/requests/{'0' * 32}", json={}).status_code == 404


def test_files_are_the_owners_with_their_senders(client: httpx.Client, store: FakeStore) -> None:
    asked = Request(client, fields=[CHOICE], ask_email=True)
    asked.enter(email="gus@example.com", fields={"album": "A"})

    receipt = asked.send(store)

    key = receipt.json()["key"]
    guest = key.split("/")[4]
    assert receipt.json()["quota"] == {"bytes_left": None, "objects_left": 99}
    answer = client.get(f"/api/requests/{asked.made['id']}/files").json()
    [file] = answer["files"]
    assert (file["guest"], file["key"], file["name"], file["size"]) == (guest, key, "a.jpg", 5)
    told = {"name": "Gus", "email": "gus@example.com", "fields": {"album": "A"}}
    assert answer["guests"] == {guest: told}
    assert [each["key"] for each in client.get("/api/objects").json()["objects"]] == [key]
    assert client.post("/api/share", json={"key": key, "expires_s": 60}).status_code == 200
    assert asked.sums == (1, 1, 5)
    client.post("/demo/user", json={"user": "bob"})
    assert client.get("/api/requests").json()["requests"] == []
    assert client.get(f"/api/requests/{asked.made['id']}/files").status_code == 404
    assert asked.change(closed=True).status_code == 404


def test_files_above_the_number_are_removed_and_said(
    client: httpx.Client, store: FakeStore
) -> None:
    asked = Request(client, max_files=2)
    asked.enter()
    prefix = asked.grant().json()["prefix"]
    stored = [store.put(f"{prefix}{name}.txt") for name in "abcd"]
    reports = [{"key": each.key, "size": 5, "crc64": each.crc64} for each in stored]

    batch = client.post(f"{asked.path}/api/receipts/batch", json={"reports": reports[:3]}).json()
    one = client.post(f"{asked.path}/api/receipts", json=reports[3])
    again = client.post(f"{asked.path}/api/receipts", json=reports[0])

    said = [each.get("code") for each in batch["receipts"]]
    assert said == [None, None, "too-many-files"]
    assert batch["quota"] == {"bytes_left": None, "objects_left": 0}
    assert (one.status_code, one.json()["code"]) == (409, "too-many-files")
    assert again.status_code == 200
    assert (asked.grant().status_code, asked.grant().json()["code"]) == (409, "too-many-files")
    assert asked.sums == (1, 2, 10)
    look_through(client)
    assert set(store.objects) == {stored[0].key, stored[1].key}
    listed = client.get(f"/api/requests/{asked.made['id']}/files").json()["files"]
    assert {each["key"] for each in listed} == set(store.objects)


def look_through(client: httpx.Client) -> None:
    """Compare Alice's folder with the ledger, as the server does every minute."""
    app: Any = client._transport
    app._runner.run(app._app.state.uploads.reconciler.look_through(ALICE))


def test_a_file_above_the_number_that_nobody_reports_is_removed_too(
    client: httpx.Client, store: FakeStore, clock: FakeClock
) -> None:
    asked = Request(client, max_files=1)
    asked.enter()
    prefix = asked.grant().json()["prefix"]
    for name in "ab":
        store.put(f"{prefix}{name}.txt")
    clock.advance(SETTLE.total_seconds() + 1)

    look_through(client)
    look_through(client)

    assert set(store.objects) == {f"{prefix}a.txt"}
    assert asked.sums == (1, 1, 5)


def test_a_damaged_file_takes_no_place(
    client: httpx.Client, store: FakeStore, clock: FakeClock
) -> None:
    asked = Request(client, max_files=1)
    asked.enter()
    stored = store.put(f"{asked.grant().json()['prefix']}a.txt", last_modified=clock())
    app: Any = client._transport
    record = app._app.state.uploads.recorder.record(ALICE, stored, source="callback")
    app._runner.run(record)
    full = asked.sums

    refusal = {"key": stored.key, "size": 5, "crc64": "1", "etag": stored.etag}
    answer = client.post(f"{asked.path}/api/receipts/refused", json=refusal)

    assert (full, answer.json()["outcome"], asked.sums) == ((1, 1, 5), "removed", (1, 0, 0))


def test_a_link_ends_with_the_access_of_its_owner(client: httpx.Client, clock: FakeClock) -> None:
    asked = Request(client)
    asked.enter()
    app: Any = client._transport

    async def revoke() -> None:
        async with app._app.state.uploads.database.write() as connection:
            assert await people.set_revoked(connection, ALICE.hash, clock())

    app._runner.run(revoke())

    answers = [asked.about(), asked.grant(), client.post(f"{asked.path}/api/receipts", json={})]
    assert [each.json().get("reason") for each in answers] == ["closed"] * 3


def test_a_batch_of_a_guest_may_be_as_long_as_any(client: httpx.Client) -> None:
    asked = Request(client)
    asked.enter()
    prefix = asked.grant().json()["prefix"]
    reports = [{"key": f"{prefix}{n}/{'x' * 200}", "size": 5, "crc64": "1"} for n in range(200)]

    answer = client.post(f"{asked.path}/api/receipts/batch", json={"reports": reports})

    assert {each["code"] for each in answer.json()["receipts"]} == {"not-stored"}


def test_a_hook_hears_who_sent_a_file_and_mails_the_owner(
    make_app: MakeApp, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails: list[EmailMessage] = []
    events: list[Event] = []

    class Smtp(ExitStack):
        def __init__(self, host: str, timeout: float) -> None:
            super().__init__()
            self.send_message = mails.append

    monkeypatch.setattr("smtplib.SMTP", Smtp)
    monkeypatch.setenv("SMTP_HOST", "mail.example.com")
    monkeypatch.setenv("MAIL_FROM", "uploads@example.com")
    hooks = {"mail": runpy.run_path(str(EXAMPLE))["hook"], "seen": Seen(events)}
    app = make_app(requests=True, hooks=hooks, **OBJECTS)
    app.state.uploads.start = lambda: None  # no background tasks
    with app_client(app) as client:
        client.headers.update(HERE)
        own = store.put(f"{ALICE.prefix}own.txt")
        client.post("/api/receipts", json={"key": own.key, "size": 5, "crc64": own.crc64})
        asked = Request(client, title="Pictures", ask_email=True)
        asked.enter(email="gus@example.com")
        key = asked.send(store).json()["key"]
        client.post("/demo/user", json={"user": "bob"})
        bobs = Request(client).made["id"]
        forged = f"{BOB.prefix}requests/{bobs}/{key.split('/')[4]}/x"
        theirs = store.put(forged)
        client.post("/api/receipts", json={"key": forged, "size": 5, "crc64": theirs.crc64})
        listed = client.get(f"/api/requests/{bobs}/files").json()
        transport: Any = client._transport
        for target in hooks:
            while transport._runner.run(app.state.uploads.delivery.deliver(target)):
                pass

    [mail] = mails
    assert (mail["To"], mail["Subject"]) == ("alice", "A file for “Pictures”")
    assert mail.get_content() == "Gus has sent 'a.jpg'.\n"
    mine, of_guest, of_forger = events
    guest = {"id": key.split("/")[4], "name": "Gus", "email": "gus@example.com"}
    for event in (mine, of_forger):
        assert event.data.keys().isdisjoint({"guest", "request"})
    assert of_guest.data["request"] == {"id": asked.made["id"], "title": "Pictures"}
    assert (of_guest.data["guest"], of_guest.principal) == (guest, mine.principal)
    assert ([each["key"] for each in listed["files"]], listed["guests"]) == ([forged], {})


class Seen:
    """A hook that keeps all events about uploads."""

    def __init__(self, events: list[Event]) -> None:
        self.on_uploaded = events.append


def test_a_guest_learns_nothing_of_the_owners_quota_but_its_end(
    make_client: MakeClient, store: FakeStore
) -> None:
    client = owner_at(make_client, quota_bytes_total=7)
    asked = Request(client)
    asked.enter()

    asked.send(store, size=7)

    answer = asked.grant().json()
    assert (answer["status"], answer["code"], answer["reason"]) == (410, "request-over", "no-room")
    assert answer.keys().isdisjoint({"quota", "prefix"})


def test_the_checks_are_those_that_the_owner_chose(make_client: MakeClient) -> None:
    built_in = {"file_type": True, "pdf": True, "photos": {"max_side": 100}}
    client = owner_at(make_client, checks_built_in=built_in)
    told = client.get("/api/requests").json()["limits"]["checks"]

    def chosen(checks: list[str] | None) -> tuple[bool, list[str], list[str]]:
        asked = Request(client, checks=checks)
        asked.enter()
        answer = client.get(f"{asked.path}/api/checks").json()
        is_on = "checks" in asked.grant().json()["features"]
        return is_on, [each["name"] for each in answer["checks"]], sorted(answer["built_in"])

    assert told == ["file_type", "pdf", "photos"]
    assert chosen(["pdf"]) == (True, ["pdf"], ["pdf"])
    assert chosen(["photos"])[2] == ["photos"]
    assert chosen([])[:2] == (False, [])
    assert len(chosen(None)[1]) > 3


def test_the_page_of_a_guest_is_the_page_below_another_address(client: httpx.Client) -> None:
    asked = Request(client)

    moved, page = client.get(asked.path), client.get(f"{asked.path}/")

    assert (moved.status_code, moved.headers["location"]) == (307, f"{asked.path}/")
    assert page.content == client.get("/").content
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    plain = {"accept-encoding": "identity"}
    for path in ("assets/app-1a2b/boot.js", "healthz"):
        assert client.get(f"{asked.path}/{path}", headers=plain).status_code == 200
    assert client.get("/r/../x").status_code == 404


def test_a_guest_without_scripts_fills_in_a_form(client: httpx.Client) -> None:
    asked = Request(client, title="<b>&", fields=[CHOICE], password="open sesame")
    typed = {"name": "Gus", "password": "open sesame", "fields.album": "B"}

    shown = client.get(f"{asked.path}/form")
    wrong = client.post(f"{asked.path}/enter", data={**typed, "password": "x"})
    right = client.post(f"{asked.path}/enter", data=typed)
    form = client.get(right.headers["location"])

    assert "<bdi>&lt;b&gt;&amp;</bdi>" in shown.text
    assert f'action="{asked.path}/enter"' in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert (wrong.status_code, wrong.headers["location"]) == (303, f"{asked.path}/form?again=1")
    assert 'role="alert"' in client.get(wrong.headers["location"]).text
    assert (right.status_code, right.headers["location"]) == (303, f"{asked.path}/form")
    assert f"{ALICE.prefix}requests/{asked.made['id']}/" in form.text
    assert f"http://127.0.0.1:8000{asked.path}/form/back?upload=" in form.text


def test_requests_need_a_role_a_switch_and_no_own_authorize(make_app: MakeApp) -> None:
    with pytest.raises(SettingsError, match="OSSFERRY_REQUESTS needs OSSFERRY_OBJECTS_ROLE_ARN"):
        make_app(requests=True)
    with pytest.raises(SettingsError, match="`authorize` cannot limit guests"):
        make_app(requests=True, authorize=lambda *_: None, **OBJECTS)


def test_without_the_switch_there_is_nothing(make_client: MakeClient) -> None:
    client = make_client(**OBJECTS)
    token = "0" * 32

    paths = ["/api/requests", f"/r/{token}/", f"/r/{token}/about", f"/r/{token}/assets/boot.js"]

    assert {client.get(path).json()["code"] for path in paths} == {"http-404"}
    assert "requests" not in client.post("/api/grant").json()["features"]
