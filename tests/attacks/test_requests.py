"""Threats T71 to T74: strangers with the link of a file request, or without it.

The mock's PostObject and its evaluation of policies decide what a grant can store.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx
import oss2
import pytest

from attacks.test_forms import empty_page
from attacks.worlds import KINDS, PROXY_SECRET
from ossferry.access import rate_limits
from ossferry.access.passwords import hashed, is_right
from ossferry.app import create_app
from ossferry.asking.folder import seal
from ossferry.cli.demo import Demo
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.app_client import app_client
from support.forms import Form, code_of, send
from support.rate_windows import Seconds
from support.server_fakes import ALICE, OBJECTS, OPTIONS, SECRET, FakeClock, FakeStore, FakeSts
from support.uploads import granted_bucket

BASE = "http://127.0.0.1:8000"
ENDS = "2026-03-21T00:00:00Z"
EVIL = "<img src=x onerror=alert(1)>\u202egpj.exe\u0007"
PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_page(tmp_path_factory)


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    with Demo(web_dir=folder) as running:
        yield running


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def site_with(
    folder: Path, tmp_path: Path, store: FakeStore, seconds: Seconds
) -> Iterator[Callable[..., httpx.Client]]:
    """Return a function that starts a server with these settings, and returns its client."""
    with ExitStack() as made:

        def make(**changes: object) -> httpx.Client:
            own = {"web_dir": folder, "database_url": f"sqlite:///{tmp_path}/ledger.db"}
            options = {**OPTIONS, **OBJECTS, **own, "requests": True, **changes}
            clock = FakeClock()
            app = create_app(
                load_settings(ExplicitSettings, **options),
                assume_role=FakeSts(clock),
                clock=clock,
                monotonic=seconds,
                store=store,
            )
            client = made.enter_context(app_client(app, BASE))
            client.headers["origin"] = BASE
            return client

        yield make


@pytest.fixture
def site(site_with: Callable[..., httpx.Client]) -> httpx.Client:
    return site_with()


def ask(site: httpx.Client, **wish: object) -> tuple[dict[str, Any], str]:
    """Return a new request, and the path of its link."""
    made = site.post("/api/requests", json={"title": "x", "ends_at": ENDS, **wish}).json()
    return made, urlsplit(made["link"]).path


def enter(site: httpx.Client, path: str, **entry: object) -> httpx.Response:
    """Open a link on another device."""
    site.cookies.clear()
    return site.post(f"{path}/enter", json={"name": "Gus", **entry})


def sums(site: httpx.Client) -> tuple[int, int]:
    found = site.get("/api/requests").json()["requests"]
    return sum(each["guests"] for each in found), sum(each["files"] for each in found)


def test_t71_no_guess_at_a_link_or_cookie_opens_anything(site: httpx.Client) -> None:
    (made, path), (other, _) = ask(site), ask(site)
    enter(site, path)
    prefix = site.post(f"{path}/api/grant").json()["prefix"]
    guest = prefix.split("/")[4]  # as the owner and the cloud's logs know it
    near = f"{path[:-1]}{'0' if path[-1] != '0' else '1'}"

    paths = [near, f"/r/{made['id']}", f"/r/{'0' * 32}", path.upper().replace("/R/", "/r/")]
    wrong = [site.get(f"{each}/about") for each in paths]
    forged = [guest, f"{guest}.", f"{guest}.{'0' * 32}", "", ".", "é"]
    forged += [seal(other["id"], guest, secret=SECRET), seal(made["id"], guest, secret=b"x" * 32)]
    answers = []
    for cookie in forged:
        headers = {b"cookie": f"ossferry_guest={cookie}".encode()}
        answers.append(site.post(f"{path}/api/grant", headers=headers))

    assert {(each.status_code, each.json()["code"]) for each in wrong} == {(404, "unknown-request")}
    assert {(each.status_code, each.json()["code"]) for each in answers} == {
        (401, "not-identified")
    }


def test_t71_passwords_are_tried_ten_times_a_minute(site: httpx.Client, seconds: Seconds) -> None:
    _, path = ask(site, password=PASSWORD)

    tries = [enter(site, path, password=f"open sesame{n}").status_code for n in range(12)]
    right = enter(site, path, password=PASSWORD).status_code
    seconds.now += 61

    assert tries == [403] * 10 + [429] * 2
    assert right == 429
    assert enter(site, path, password=PASSWORD).status_code == 200
    assert sums(site) == (1, 0)


def test_t71_a_try_costs_the_same_whatever_is_wrong_with_it() -> None:
    async def costs() -> dict[str, float]:
        hash_ = await hashed(PASSWORD)
        assert PASSWORD not in hash_
        times: dict[str, list[float]] = {PASSWORD: [], "": [], "open sesamf": [], "x" * 200: []}
        for password in [*times] * 5:
            started = time.process_time()
            assert await is_right(password, hash_) is (password == PASSWORD)
            times[password].append(time.process_time() - started)
        return {password: statistics.median(each) for password, each in times.items()}

    found = asyncio.run(costs())

    assert max(found.values()) < 2 * min(found.values())


def test_t72_who_only_opens_a_link_changes_nothing(site: httpx.Client, store: FakeStore) -> None:
    _, path = ask(site)

    for _ in range(3):
        for end in ("", "/", "/about", "/form", "/form?again=1", "/api/checks", "/healthz"):
            assert site.get(f"{path}{end}").headers.get("set-cookie") is None
            site.head(f"{path}{end}")

    assert sums(site) == (0, 0)
    assert store.asked == []


def test_t72_a_flood_of_a_link_ends_at_its_limits(site_with: Callable[..., httpx.Client]) -> None:
    with patch.object(rate_limits, "LINK", "6/minute"):
        site = site_with(rate_per_principal="2/minute")
    (_, path), (_, other) = ask(site, max_guests=2), ask(site)

    entered = [enter(site, path) for _ in range(3)]
    flood = [enter(site, path) for _ in range(9)]

    assert [each.status_code for each in entered] == [200, 200, 410]
    assert entered[2].json()["reason"] == "full"
    assert [each.status_code for each in flood] == [410] * 3 + [429] * 6
    assert enter(site, other).status_code == 200
    grants = [site.post(f"{other}/api/grant").status_code for _ in range(3)]
    assert grants == [200, 200, 429]
    assert site.post("/api/grant").status_code == 200  # the owner has limits of their own


def test_t72_a_guest_cannot_use_more_than_the_quota_of_the_owner(
    site_with: Callable[..., httpx.Client], store: FakeStore
) -> None:
    site = site_with(quota_objects_total=1)
    _, path = ask(site)
    enter(site, path)
    grant = site.post(f"{path}/api/grant").json()
    stored = store.put(f"{grant['prefix']}a.txt")

    report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64}
    site.post(f"{path}/api/receipts", json=report)

    assert grant["limits"]["quota"] == {"bytes_left": None, "objects_left": 1}
    assert site.post(f"{path}/api/grant").json()["reason"] == "no-room"
    assert enter(site, path).status_code == 200
    assert site.post(f"{path}/api/grant").json()["reason"] == "no-room"
    assert site.post("/api/grant").json()["code"] == "quota-exceeded"


@pytest.fixture
def guest(demo: Demo) -> Iterator[httpx.Client]:
    """A client of the demo; the clock is reset after the test."""
    headers = {"origin": demo.url}
    with httpx.Client(base_url=demo.url, trust_env=False, headers=headers) as client:
        yield client
    demo.oss.clock.reset()


def grant_for(demo: Demo, guest: httpx.Client, *, lasts_s: int = 3600, **wish: object) -> Any:
    """Return the grant of a guest of a new request."""
    ends_at = demo.oss.clock.now() + timedelta(seconds=lasts_s)
    _, path = ask(guest, ends_at=ends_at.isoformat(), **wish)
    enter(guest, path)
    return guest.post(f"{path}/api/grant").json()


def form_of(grant: dict[str, Any], key: str, type_: str = "image/png") -> Form:
    fields = [("key", key), ("x-oss-content-type", type_), *map(tuple, grant["form"])]
    return Form(grant["origins"][0], fields)


def test_t73_a_form_stores_what_was_asked_for_and_nothing_else(
    demo: Demo, guest: httpx.Client
) -> None:
    grant = grant_for(demo, guest, types=["image/png"], max_file_size=10)
    prefix = grant["prefix"]
    folder_of_request = prefix[: prefix.rstrip("/").rindex("/") + 1]

    taken = send(demo, form_of(grant, f"{prefix}a.png"))
    refused = [
        send(demo, form_of(grant, f"{folder_of_request}{'0' * 32}/a.png")),
        send(demo, form_of(grant, f"{ALICE.prefix}a.png")),
        send(demo, form_of(grant, f"{prefix}a.html", "text/html")),
        send(demo, form_of(grant, f"{prefix}a.png"), b"x" * 11),
    ]
    demo.oss.clock.advance(14 * 60 + 1)
    late = send(demo, form_of(grant, f"{prefix}b.png"))

    assert taken.status_code == 200
    said = [code_of(each) for each in refused]
    assert said == ["AccessDenied", "AccessDenied", "AccessDenied", "EntityTooLarge"]
    assert code_of(late) == "AccessDenied"


def test_t73_credentials_write_into_one_guests_folder_until_the_end(
    demo: Demo, guest: httpx.Client
) -> None:
    grant = grant_for(demo, guest, way="sts", lasts_s=180)
    bucket, prefix = granted_bucket(grant, demo), grant["prefix"]

    bucket.put_object(f"{prefix}a.txt", b"hello")
    attempts: list[Callable[[], object]] = [
        lambda: bucket.put_object(f"{prefix[:-33]}{'0' * 32}/a.txt", b"hello"),
        lambda: bucket.put_object(f"{ALICE.prefix}a.txt", b"hello"),
        lambda: bucket.get_object(f"{prefix}a.txt"),
        lambda: bucket.list_objects(prefix),
    ]
    for attempt in attempts:
        with pytest.raises(oss2.exceptions.AccessDenied):
            attempt()
    demo.oss.clock.advance(181)
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.put_object(f"{prefix}late.txt", b"hello")


def test_t73_a_shared_link_shows_nobody_what_others_sent(
    site_with: Callable[..., httpx.Client], store: FakeStore
) -> None:
    proxies = ["192.0.2.0/24"]
    site = site_with(auth="proxy", proxy_secret=PROXY_SECRET, trusted_proxies=proxies)
    owner = {"x-proxy-secret": PROXY_SECRET, "x-forwarded-user": "carol"}
    site.headers.update(owner)
    _, path = ask(site)
    for name in owner:
        del site.headers[name]
    first = enter(site, path)
    stored = store.put(f"{site.post(f'{path}/api/grant').json()['prefix']}a.txt")
    report = {"key": stored.key, "size": stored.size, "crc64": stored.crc64}
    theirs = site.post(f"{path}/api/receipts", json=report)

    enter(site, path)

    assert (first.status_code, theirs.status_code) == (200, 200)
    for end in ("receipts", "receipts/refused"):
        answer = site.post(f"{path}/api/{end}", json=report)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign-key")
    for end in ("objects", "shares", "unfinished", "requests"):
        assert site.get(f"{path}/api/{end}").status_code == 404
        assert site.get(f"/api/{end}").status_code in (401, 403)
    assert "a.txt" not in site.get(f"{path}/about").text


def test_t73_a_guest_without_a_cookie_is_not_sent_to_the_sign_in(
    site_with: Callable[..., httpx.Client],
) -> None:
    _, path = ask(site_with())
    others = {
        "allowed_hosts": ("uploads.example.com",),
        "public_url": "https://uploads.example.com",
    }
    site = site_with(**KINDS["oidc"], **others)
    site.headers["host"] = "uploads.example.com"

    answers = [
        site.get(f"{start}/form/arrived", headers={"accept": "text/html"}) for start in ("", path)
    ]

    assert [each.status_code for each in answers] == [303, 401]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=str,
)
def test_t03_t73_no_other_site_makes_a_guest_act(
    site: httpx.Client, headers: dict[str, str]
) -> None:
    _, path = ask(site)
    enter(site, path)

    answers = [
        site.post(f"{path}/enter", json={"name": "x"}, headers=headers),
        site.post(f"{path}/enter", data={"name": "x"}, headers=headers),
        site.post(f"{path}/api/grant", headers=headers),
        site.post(f"{path}/api/receipts", json={}, headers=headers),
    ]

    assert {(each.status_code, each.json()["code"]) for each in answers} == {(403, "cross-site")}


def test_t74_titles_and_names_are_plain_text_with_the_owners_name(
    site: httpx.Client, store: FakeStore
) -> None:
    made, path = ask(site, title=EVIL, text=f"{EVIL}\r\nTwo", fields=[{"name": "a", "label": EVIL}])
    entered = enter(site, path, name=EVIL, fields={"a": EVIL})
    prefix = site.post(f"{path}/api/grant").json()["prefix"]
    store.put(f"{prefix}2026-03-14/{'0' * 32}/{EVIL[:-1]}")
    plain = EVIL.replace("\u202e", "").replace("\u0007", "")

    about, page = site.get(f"{path}/about"), site.get(f"{path}/")
    files = site.get(f"/api/requests/{made['id']}/files")

    told = about.json()
    assert (told["by"], told["title"], told["text"]) == ("Alice", plain, f"{plain}\nTwo")
    assert told["fields"][0]["label"] == entered.json()["name"] == plain
    assert [*files.json()["guests"].values()] == [
        {"name": plain, "email": "", "fields": {"a": plain}}
    ]
    for answer in (about, files):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert plain not in page.text
