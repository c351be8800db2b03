"""Attacks on uploads: forged callbacks, disguised HTML pages, false types, exceeded quotas."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attacks.attempt import Attempt, Try, attempts
from attacks.in_policy import BUCKET, allows, policy_for
from attacks.worlds import Headers, World, Worlds
from ossferry.identity.owner import principal_prefix
from ossferry.identity.principal import Principal
from ossferry.ledger import people
from ossferry.uploads.refused import SETTLE
from support.callbacks import HOSTILE_KEY_URLS, Caller, signing_key
from support.server_fakes import OPTIONS

SECRET = str(OPTIONS["secret"]).encode()
PREFIX = principal_prefix(Principal(id="carol", name="Carol"), secret=SECRET)
KEY = f"{PREFIX}2026-03-14/r/x"
PAGES = (
    "text/html", "TEXT/HTML", "text/html; charset=utf-7", " text/html", "application/xhtml+xml",
    "image/svg+xml", "image/svg", "text/xml", "application/xml", "application/rss+xml",
    "application/pdf", "text/javascript", "application/javascript", "text/css", "*/*", "",
    "application/x-shockwave-flash", "application/wasm", "text/cache-manifest", "message/rfc822",
    "multipart/x-mixed-replace", "application/octet-stream", "image/png, text/html",
    "image/png\ttext/html",
)  # fmt: skip


def bearer(world: World) -> Headers:
    return [world.bearer, ("content-type", "application/json")]


def ask(world: World, path: str, document: object, method: str = "POST") -> Any:
    body = json.dumps(document).encode()
    return world.ask(method, path, headers=bearer(world), body=body)


def callback(headers: dict[str, Any], *, forged: bool = True) -> Try:
    """Return an attempt with a callback for an existing upload; a forged one must not reach OSS."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        ask(world, "/api/grant", {})
        world.store.put(KEY)
        world.store.asked.clear()
        oss = Caller(world.client, signing_key()) if forged else world.oss
        answer = oss.call({"bucket": BUCKET, "object": KEY}, **headers)
        return answer.status_code >= 400 and world.store.asked == []

    return attempt


def named(url: str) -> dict[str, str]:
    return {"x_oss_pub_key_url": b64encode(url.encode()).decode()}


def shown_in_place(content_type: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        world.store.put(KEY, content_type=content_type)
        wish = {"key": KEY, "expires_s": 60, "disposition": "inline"}
        return bool(ask(world, "/api/share", wish).status_code == 409)

    return attempt


def downloaded_as(content_type: str) -> Try:
    """Return an attempt to share an HTML page as a download; the browser must not display it."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        world.store.put(KEY, content_type=content_type)
        answer = ask(world, "/api/share", {"key": KEY, "expires_s": 60})
        query = parse_qs(urlsplit(answer.json()["url"]).query)
        return (
            query["response-content-disposition"][0].startswith("attachment; ")
            and query["response-content-type"] == ["application/octet-stream"]
            and "x-oss-process" not in query
        )

    return attempt


def lied(name: str, content_type: str) -> Try:
    """Return an attempt to share an HTML page inline under a false type; the link forces a safe
    type.
    """

    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        key = f"{PREFIX}2026-03-14/r/{name}"
        world.store.put(key, content_type=content_type)
        wish = {"key": key, "expires_s": 60, "disposition": "inline"}
        query = parse_qs(urlsplit(ask(world, "/api/share", wish).json()["url"]).query)
        return bool(query["response-content-type"][0].partition(";")[0] == content_type)

    return attempt


def discarded(key: str, upload_id: str = "A1", *, method: str = "DELETE") -> Try:
    """Return an attempt to remove an unfinished upload of a user with a similar prefix."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        others = world.store.begin(f"{PREFIX[:-1]}x/a.bin", "A1", [5])
        own = world.store.begin(f"{PREFIX}a.bin", "B1", [5])
        query = f"key={key.replace('OTHERS', others[0]).replace('OWN', PREFIX)}"
        path = f"/api/unfinished?{query}&upload_id={upload_id}"
        answer = world.ask(method, path, headers=bearer(world))
        left = set(world.store.uploads)
        world.store.uploads.clear()
        return answer.status_code >= 400 and left == {others, own}

    return attempt


def public(acl: str, action: str = "oss:PutObject") -> Try:
    key = f"{BUCKET}/{PREFIX}2026-03-14/x/y.txt"
    context = {"oss_x-oss-object-acl": acl}
    return lambda _worlds: not allows(policy_for("carol"), action, key, **context)


def eaten(sizes: list[int], *, path: str = "/api/grant", method: str = "POST") -> Try:
    """Return an attempt to exceed the quota by uploading without receipts."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["uploads"]
        transport: Any = world.client._transport
        after = world.app.state.uploads
        ask(world, "/api/grant", {})
        world.store.objects.clear()
        for number, size in enumerate(sizes):
            key = f"{PREFIX}2026-03-14/r/{number}"
            world.store.put(key, size=size, last_modified=world.clock())
        world.clock.advance(SETTLE.total_seconds() + 1)
        _look_through(transport, after)
        refused = world.ask(method, path, headers=bearer(world), body=b"")
        world.store.objects.clear()  # reset for the next attempt
        world.clock.advance(86400)
        _look_through(transport, after)
        return bool(refused.status_code == 429 and refused.json()["code"] == "quota-exceeded")

    return attempt


def _look_through(transport: Any, after: Any) -> None:
    async def look() -> None:
        async with after.database.read() as connection:
            owner = await people.owner_of_key(connection, KEY)
        await after.reconciler.look_through(owner)
        after.quotas.forget(owner)

    transport._runner.run(look())


ATTEMPTS: list[Attempt] = [
    *attempts("T29", [(f"key at {url!r}", callback(named(url))) for url in HOSTILE_KEY_URLS]),
    *attempts(
        "T29",
        [
            ("a key of one's own", callback({})),
            ("no key", callback({"x_oss_pub_key_url": ""}, forged=False)),
            ("no signature", callback({"authorization": ""}, forged=False)),
            ("a signature of nothing", callback({"authorization": "AAAA"}, forged=False)),
            ("a bearer", callback({"authorization": "Bearer x"}, forged=False)),
        ],
    ),
    *attempts(
        "T09",
        [
            ("another's unfinished upload", discarded("OTHERS")),
            ("with its id at an own key", discarded("OWNa.bin")),
            ("by way of one's own prefix", discarded("OWN../OTHERS")),
            ("the same, encoded", discarded("OWN%2e%2e/OTHERS")),
            ("its key twice", discarded("OWNb.bin&key=OTHERS")),
            ("its key encoded twice", discarded("OWN%252e%252e/OTHERS")),
            ("all below one's own prefix", discarded("OWN")),
            ("whatever has this id", discarded("")),
            ("one part of it", discarded("OWNa.bin", "B1%26partNumber=1")),
            ("ids with a wildcard", discarded("OWNa.bin", "*")),
            ("by another method", discarded("OWNa.bin", "B1", method="POST")),
        ],
    ),
    *attempts("T38", [(f"{kind!r} in place", shown_in_place(kind)) for kind in PAGES]),
    *attempts("T38", [(f"{kind!r} to keep", downloaded_as(kind)) for kind in PAGES]),
    *attempts(
        "T39",
        [
            ("a page called an image", lied("evil.html", "image/png")),
            ("a drawing called an image", lied("evil.svg", "image/jpeg")),
            ("a page called text", lied("evil.html", "text/plain")),
            ("a program called a film", lied("evil.exe", "video/mp4")),
            ("a document called a sound", lied("evil.pdf", "audio/mpeg")),
        ],
    ),
    *attempts(
        "T40",
        [
            ("public to read", public("public-read")),
            ("public to write", public("public-read-write")),
            ("in capitals", public("PUBLIC-READ")),
            ("with a space", public("public-read ")),
            ("made public later", public("public-read", "oss:PutObjectAcl")),
            ("private, later", public("private", "oss:PutObjectAcl")),
        ],
    ),
    *attempts(
        "T41",
        [
            ("one large object", eaten([1001])),
            ("as much as allowed", eaten([1000])),
            ("many small ones", eaten([1] * 51)),
            ("many empty ones", eaten([0] * 50)),
            ("five terabytes", eaten([5 << 40])),
            ("and the tutorial's route", eaten([2000], path="/get_sts_token", method="GET")),
        ],
    ),
]
