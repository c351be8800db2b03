"""Hooks and webhooks: each event is delivered once, and again until it is accepted."""

import base64
import hashlib
import hmac
import json
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import httpx
import pytest
from starlette.applications import Starlette

from ossferry.errors import LedgerLostError, SettingsError
from ossferry.hooks.calls import SERVER, Event, Hooks, deleted, load_hooks
from ossferry.hooks.delivery import HOLD_S, MAX_ATTEMPTS, webhook_signature
from ossferry.identity.owner import Owner
from ossferry.ledger import people
from ossferry.settings.types import webhook_key
from support.app_client import app_client
from support.server_fakes import ALICE, OBJECTS, FakeClock, FakeStore, MakeApp, MakeSettings

SECRET = "a-webhook-key-of-more-than-32-characters"
NO_METADATA: Mapping[str, str] = MappingProxyType({})
URL = "https://hooks.example.com/uploads"
WEBHOOK = {**OBJECTS, "webhook_url": URL, "webhook_secret": SECRET}


class Receiver:
    """A webhook; answers with `status`."""

    def __init__(self) -> None:
        self.status = 204
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.status == 0:
            raise httpx.ConnectError("nobody there")
        return httpx.Response(self.status)


@dataclass
class Gallery:
    """A Python hook that can be set to fail several times."""

    events: list[Event] = field(default_factory=list)
    failures: int = 0

    async def on_uploaded(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the gallery is closed")
        self.events.append(event)

    def on_deleted(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class World:
    """A server with hooks."""

    app: Starlette
    client: httpx.Client
    clock: FakeClock
    store: FakeStore
    gallery: Gallery
    receiver: Receiver

    def upload(
        self,
        name: str = "x.txt",
        *,
        metadata: Mapping[str, str] = NO_METADATA,
        checks: object = None,
    ) -> str:
        stored = self.store.put(f"{ALICE.prefix}2026-03-14/r/{name}", metadata=metadata)
        report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64, "checks": checks}
        assert self.client.post("/api/receipts", json=report).status_code == 200
        return stored.key

    def deliver(self) -> int:
        """Deliver the events that are due now."""
        after = self.app.state.uploads
        return sum(self.run(after.delivery.deliver(target)) for target in after.hooks.targets)

    def deliver_all(self) -> None:
        """Deliver the events, and the events that the deliveries make due."""
        while self.deliver():
            pass

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the server's event loop."""
        transport: Any = self.client._transport
        return transport._runner.run(work)


@pytest.fixture
def world(make_app: MakeApp, clock: FakeClock, store: FakeStore) -> Iterator[World]:
    """A server with a hook and a webhook; events are delivered only when the test requests it."""
    gallery, receiver = Gallery(), Receiver()
    outbound = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    app = make_app(**WEBHOOK, hooks={"gallery": gallery}, outbound=outbound)
    app.state.uploads.start = lambda: None  # no background tasks
    with app_client(app) as client:
        yield World(app, client, clock, store, gallery, receiver)


def test_a_hook_is_told_what_was_uploaded_and_deleted(world: World) -> None:
    key = world.upload()
    world.client.delete(f"/api/objects/{key}")

    world.deliver_all()

    uploaded, gone = world.gallery.events
    assert (uploaded.type, uploaded.data["key"], uploaded.data["size"]) == ("uploaded", key, 5)
    assert uploaded.principal == {
        "id": "alice",
        "hash": ALICE.hash,
        "label": "Alice",
        "prefix": ALICE.prefix,
    }
    assert (gone.type, dict(gone.data)) == ("deleted", {"key": key})


def test_a_hook_learns_the_metadata_that_the_page_has_sent(world: World) -> None:
    key = world.upload(metadata={"reference": "Bestellung 7", "name": "größe.txt"})

    world.deliver()

    (uploaded,) = world.gallery.events
    assert uploaded.data["key"] == key
    assert uploaded.data["metadata"] == {"reference": "Bestellung 7", "name": "größe.txt"}
    (sent,) = world.receiver.requests
    assert json.loads(sent.content)["data"] == uploaded.data


def test_a_hook_learns_the_claim_of_the_page_about_its_checks(world: World) -> None:
    ran = {"check": "strip_position", "outcome": "changed", "says": "4.2 MB -> 4.1 MB"}
    checks = {"version": "", "ran": [ran]}
    key = world.upload(checks=checks)
    undo = world.client.delete(f"/api/objects/{key}").json()["undo"]["id"]
    world.client.post("/api/objects/undo", json={"id": undo})
    world.upload("other.txt")

    world.deliver_all()

    told = [event for event in world.gallery.events if event.type == "uploaded"]
    assert [event.data["checks"] for event in told] == [checks, checks, None]


def test_an_upload_that_the_server_finds_itself_has_the_id_too(world: World) -> None:
    world.client.post("/api/grant")
    after = world.app.state.uploads

    async def known() -> Owner | None:
        async with after.database.read() as connection:
            return await people.owner_by_hash(connection, ALICE.hash)

    found = world.run(known())
    assert found.id == "alice"


def test_a_hook_is_told_of_each_new_upload_of_a_batch(world: World) -> None:
    known = world.upload("known.txt")
    stored = [world.store.put(f"{ALICE.prefix}2026-03-14/r/{name}") for name in "ab"]
    keys = [known, *(each.key for each in stored)]
    reports = [{"key": key, "size": 5, "crc64": stored[0].crc64} for key in keys]

    answer = world.client.post("/api/receipts/batch", json={"reports": reports})
    world.deliver_all()

    assert answer.status_code == 200
    assert sorted(event.data["key"] for event in world.gallery.events) == sorted(keys)


def test_a_hook_is_told_that_an_upload_is_back(world: World) -> None:
    key = world.upload()
    world.deliver()
    undo = world.client.delete(f"/api/objects/{key}").json()["undo"]["id"]
    world.deliver()

    for _ in range(2):
        world.client.post("/api/objects/undo", json={"id": undo})
    world.deliver()

    told = [(event.type, event.data["key"]) for event in world.gallery.events]
    assert told == [("uploaded", key), ("deleted", key), ("uploaded", key)]
    assert world.gallery.events[2].data == world.gallery.events[0].data


def test_a_webhook_is_signed_as_the_standard_says(world: World) -> None:
    world.client.post("/api/grant")
    key = world.upload()

    world.deliver_all()

    granted, uploaded = (json.loads(each.content) for each in world.receiver.requests)
    assert (granted["type"], uploaded["type"]) == ("granted", "uploaded")
    assert uploaded["data"]["key"] == key
    assert "security_token" not in str(granted)
    for request in world.receiver.requests:
        headers = request.headers
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        digest = hmac.digest(SECRET.encode(), signed + request.content, hashlib.sha256)
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert str(request.url) == URL


def test_a_secret_of_the_standard_signs_as_its_own_libraries_do() -> None:
    key = webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = webhook_signature(
        key, id_="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_hook_that_fails_is_told_again_later_and_the_others_go_on(world: World) -> None:
    world.gallery.failures = 1
    key = world.upload()
    world.deliver()
    told_at_first = list(world.gallery.events)

    at_once = world.deliver()
    world.clock.advance(6)
    later = world.deliver()

    assert (told_at_first, at_once, later) == ([], 0, 1)
    assert [event.data["key"] for event in world.gallery.events] == [key]
    assert len(world.receiver.requests) == 1


def test_a_delivery_whose_end_cannot_be_noted_stops_no_other_and_is_made_again(
    world: World,
) -> None:
    world.upload("one.txt")
    world.upload("two.txt")
    courier, database = world.app.state.uploads.delivery, world.app.state.uploads.database
    writes = [database.write(), LedgerLostError("gone"), *(database.write() for _ in range(9))]

    with patch.object(database, "write", side_effect=writes), pytest.raises(LedgerLostError):
        world.run(courier.deliver("gallery"))
    told_at_first = len(world.gallery.events)
    world.clock.advance(HOLD_S + 1)
    again = world.run(courier.deliver("gallery"))

    assert (told_at_first, again, len(world.gallery.events)) == (2, 1, 3)


@pytest.mark.parametrize("status", [0, 301, 400, 500])
def test_a_webhook_is_tried_for_hours_then_given_up(world: World, status: int) -> None:
    world.receiver.status = status
    world.upload()

    for _ in range(MAX_ATTEMPTS + 5):
        world.deliver()
        world.clock.advance(3601)

    sent = world.receiver.requests
    assert len(sent) == MAX_ATTEMPTS
    assert len({each.headers["webhook-id"] for each in sent}) == 1


def test_what_was_for_a_hook_that_is_installed_no_more_is_passed_over(
    world: World, make_settings: MakeSettings
) -> None:
    world.upload()  # the ledger still has an event for the gallery
    after = world.app.state.uploads
    after.delivery.hooks = Hooks(make_settings(**WEBHOOK), {})

    world.run(after.delivery.forget_old())
    world.deliver()

    assert world.gallery.events == []
    assert len(world.receiver.requests) == 1


def test_an_event_of_another_process_reaches_each_hook_once(
    world: World, make_settings: MakeSettings
) -> None:
    scanner, database = Hooks(make_settings(**WEBHOOK), None), world.app.state.uploads.database

    async def announce() -> None:
        async with database.write() as connection:
            await scanner.announce(connection, deleted(ALICE, "key", world.clock()))

    world.run(announce())
    world.deliver_all()

    assert [each.type for each in world.gallery.events] == ["deleted"]
    assert len(world.receiver.requests) == 1


def test_a_server_without_hooks_passes_over_events_of_other_processes(
    world: World, make_settings: MakeSettings
) -> None:
    scanner, after = Hooks(make_settings(), None), world.app.state.uploads
    after.delivery.hooks = Hooks(make_settings(), {})

    async def announce() -> int:
        async with after.database.write() as connection:
            await scanner.announce(connection, deleted(ALICE, "key", world.clock()))
        await after.delivery.forget_old()
        delivered: int = await after.delivery.deliver(SERVER)
        return delivered

    assert after.delivery.hooks.targets == ()
    assert world.run(announce()) == 0


def test_hooks_of_installed_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery()

    entry = SimpleNamespace(name="gallery", load=lambda: gallery)
    entry_points = Mock(return_value=[entry])
    monkeypatch.setattr("ossferry.hooks.calls.entry_points", entry_points)

    assert load_hooks({"own": 1}) == {"own": 1, "gallery": gallery}
    entry_points.assert_called_once_with(group="ossferry.hooks")


@pytest.mark.parametrize("given", [{"gallery": Gallery()}, {}], ids=["given", "installed"])
def test_hooks_that_would_never_be_called_stop_the_start(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, given: dict[str, object]
) -> None:
    installed = [] if given else [SimpleNamespace(name="gallery")]
    monkeypatch.setattr("ossferry.hooks.calls.entry_points", lambda group: installed)

    with pytest.raises(
        SettingsError, match=r"OSSFERRY_OBJECTS_ROLE_ARN is not set, .+ \(gallery\): set it"
    ):
        make_app(hooks=given)


@pytest.mark.parametrize("name", ["webhook", "server"])
def test_a_hook_with_a_reserved_name_stops_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match="rename the hook"):
        load_hooks({name: Gallery()})


def test_a_hook_that_cannot_be_loaded_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Mock(value="nowhere:hook", load=Mock(side_effect=ImportError))
    entry.name = "broken"
    monkeypatch.setattr("ossferry.hooks.calls.entry_points", lambda group: [entry])

    with pytest.raises(SettingsError, match=r"the hook broken \(nowhere:hook\) cannot be loaded"):
        load_hooks({})
