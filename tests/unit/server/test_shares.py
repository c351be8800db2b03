"""Share links: allowed requests, and the expiry time that clients see."""

import asyncio
import base64
import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ossferry.access.passwords import Passwords, hashed
from ossferry.access.rate_limits import Rates
from ossferry.errors import TooManyError
from ossferry.settings.model import Settings
from ossferry.sharing import visits
from ossferry.state.counter import Counter
from support.server_fakes import ALICE, BOB, OBJECTS, FakeClock, FakeStore, MakeClient

HOUR = 3600
JSON = {"content-type": "application/json"}


@pytest.fixture
def key(store: FakeStore) -> str:
    """The key of an image of Alice."""
    return store.put(f"{ALICE.prefix}2026-03-14/r/pic.png", content_type="image/png").key


def share(client: httpx.Client, key: object, **wishes: object) -> httpx.Response:
    return client.post("/api/share", json={"key": key, "expires_s": HOUR, **wishes})


@pytest.mark.parametrize(
    "wish",
    [
        {"expires_s": 59},
        {"expires_s": 31_536_001},
        {"expires_s": "3600"},
        {"expires_s": True},
        {"expires_s": 60.5},
        {"expires_s": None},
        {"expires_s": 1e308},
        {"disposition": "evil\r\nx: y"},
        {"disposition": None},
        {"note": "x" * 201},
        {"note": 5},
        {"note": "a\0b"},
        {"note": "\ud800"},
        {"process": {}},
        {"more_keys": "a"},
        {"more_keys": ["a"] * 50},
    ],
    ids=str,
)
def test_a_malformed_wish_is_refused_unasked(
    client: httpx.Client, store: FakeStore, key: str, wish: dict[str, object]
) -> None:
    content = json.dumps({"key": key, "expires_s": HOUR, **wish})

    answer = client.post("/api/share", content=content, headers=JSON)

    assert answer.status_code == 400
    assert store.asked == []


def test_the_true_end_is_told(client: httpx.Client, store: FakeStore, key: str) -> None:
    store.keys_live_s = 1800

    link = share(client, key).json()

    assert link["expires_at"] == "2026-03-14T09:56:53Z"
    assert client.get("/api/shares").json()["shares"][0]["expires_at"] == link["expires_at"]


def test_image_processing_is_written_as_oss_has_it(client: httpx.Client, key: str) -> None:
    wishes = {"resize": {"width": 800}, "watermark": "für/Käthe,a_b", "format": "webp"}

    url = share(client, key, process=wishes).json()["url"]

    params = parse_qs(urlsplit(url).query)
    (process,), (disposition,) = params["x-oss-process"], params["response-content-disposition"]
    mark = base64.urlsafe_b64encode("für/Käthe,a_b".encode()).decode().rstrip("=")
    assert process == (
        f"image/resize,m_lfit,w_800/watermark,text_{mark},size_30,g_se,t_70/format,webp"
    )
    assert disposition == "attachment; filename*=UTF-8''pic.webp"


@pytest.mark.parametrize(
    ("content_type", "size"), [("font/woff", 5), ("image/svg+xml", 5), ("image/png", 21 << 20)]
)
def test_what_is_no_image_is_not_processed_nor_previewed(
    client: httpx.Client, store: FakeStore, key: str, content_type: str, size: int
) -> None:
    store.put(key, content_type=content_type, size=size)

    shared = share(client, key, process={"format": "png"})
    preview = client.get(f"/api/objects/{key}/preview")

    assert [(each.status_code, each.json()["code"]) for each in (shared, preview)] == [
        (415, "no-preview")
    ] * 2


@pytest.mark.parametrize(
    ("changes", "has_picture"),
    [
        ({"content_type": "image/png"}, True),
        ({"content_type": "image/heic"}, False),
        ({"content_type": "text/plain"}, False),
        ({"content_type": "image/png", "size": (20 << 20) + 1}, False),
        ({"content_type": "image/png", "metadata": {"client-side-encryption-key": "x"}}, False),
        ({"content_type": "image/png", "is_symlink": True}, False),
    ],
    ids=["png", "heic", "text", "large", "encrypted", "symlink"],
)
def test_oss_makes_small_pictures_of_images_only(
    client: httpx.Client, store: FakeStore, key: str, changes: dict[str, Any], has_picture: bool
) -> None:
    other = store.put(f"{ALICE.prefix}other", **changes).key

    answer = client.post("/api/thumbnails", json={"keys": [other, key]})

    first, second = answer.json()["files"]
    assert [first["key"], second["key"], bool(first["url"])] == [other, key, has_picture]
    query = parse_qs(urlsplit(second["url"]).query)
    assert query["x-oss-process"] == ["image/auto-orient,1/resize,m_fill,w_160,h_160/format,webp"]
    assert query["response-cache-control"] == ["private, max-age=1800"]
    foreign = client.post("/api/thumbnails", json={"keys": [key, f"{BOB.prefix}x"]})
    assert foreign.status_code == 403


@pytest.mark.parametrize(
    ("content_type", "kind", "life"),
    [
        ("text/csv", "text", "31"),
        ("application/vnd.ms-excel", "text", "31"),
        ("audio/mpeg", "audio", "26"),
        ("video/mp4", "video", "26"),
    ],
)
def test_a_preview_of_text_sound_or_video_is_the_upload_itself(
    client: httpx.Client, store: FakeStore, key: str, content_type: str, kind: str, life: str
) -> None:
    if content_type == "application/vnd.ms-excel":  # as Windows calls CSV
        key = key.replace("pic.png", "sums.CSV")
    store.put(key, content_type=content_type)

    preview = client.get(f"/api/objects/{key}/preview").json()

    assert preview["kind"] == kind
    assert preview["expires_at"][14:16] == life
    assert "response-content-disposition=attachment" in preview["url"]


@pytest.mark.parametrize("origin", ["http://files.localhost", None])
def test_pdf_is_shown_in_place_only_at_an_origin_of_its_own(
    make_client: MakeClient, store: FakeStore, key: str, origin: str | None
) -> None:
    client = make_client(
        **OBJECTS, link_origin=origin, allowed_hosts=("127.0.0.1",), base_url="http://127.0.0.1"
    )
    store.put(key, content_type="Application/PDF")

    answer = client.get(f"/api/objects/{key}/preview")

    if not origin:
        assert (answer.status_code, answer.json()["code"]) == (415, "no-preview")
        return
    assert answer.json()["kind"] == "pdf"
    query = parse_qs(urlsplit(answer.json()["url"]).query)
    assert query["response-content-type"] == ["application/pdf"]
    assert query["response-content-disposition"] == ["inline"]


def test_an_encrypted_image_is_neither_processed_nor_shown_in_place(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    store.put(key, content_type="image/png", metadata={"client-side-encryption-key": "//4="})

    answers = [
        share(client, key, process={"format": "png"}),
        client.get(f"/api/objects/{key}/preview"),
        share(client, key, disposition="inline"),
    ]

    assert [each.status_code for each in answers] == [415, 415, 409]
    assert share(client, key).status_code == 200


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Image/PNG; name=x", "image/png"),
        ("Text/Plain;charset=utf-16", "text/plain; charset=utf-8"),
    ],
)
def test_a_type_is_known_in_capitals_and_with_a_parameter(
    client: httpx.Client, store: FakeStore, key: str, stored: str, shown: str
) -> None:
    store.put(key, content_type=stored)

    link = share(client, key, disposition="inline").json()["url"]

    assert parse_qs(urlsplit(link).query)["response-content-type"] == [shown]


def test_a_preview_is_a_link_for_minutes(client: httpx.Client, key: str) -> None:
    answer = client.get(f"/api/objects/{key}/preview", params={"preset": "thumbnail"}).json()

    assert answer["expires_at"] == "2026-03-14T09:31:53Z"
    assert "resize%2Cm_fill" in answer["url"]
    assert client.get(f"/api/objects/{key}/preview", params={"preset": "x"}).status_code == 400


def test_a_hostile_name_stays_within_its_header(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    odd = store.put(key.removesuffix("pic.png") + 'x"; filename=evil.html; é').key

    url = share(client, odd).json()["url"]

    (disposition,) = parse_qs(urlsplit(url).query)["response-content-disposition"]
    name = "x%22%3B%20filename%3Devil.html%3B%20%C3%A9"
    assert disposition == f"attachment; filename*=UTF-8''{name}"


@pytest.mark.parametrize(
    "limit", ["0", "1001", "-1", "x", "٣", "²", "1e3", "", "1" * 5000], ids=len
)
@pytest.mark.parametrize("path", ["/api/objects", "/api/shares"])
def test_a_page_has_1_to_1000_entries(client: httpx.Client, path: str, limit: str) -> None:
    assert client.get(path, params={"limit": limit}).status_code == 400


def test_uploads_are_saved_without_links_that_a_list_would_show(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    gone = f"{ALICE.prefix}gone.txt"

    answer = client.post("/api/downloads", json={"keys": [key, gone]}).json()

    urls = {each["key"]: each["url"] for each in answer["files"]}
    assert list(urls) == [key, gone]
    assert urls[gone] is None
    assert "attachment" in parse_qs(urlsplit(urls[key]).query)["response-content-disposition"][0]
    assert client.get("/api/shares").json()["shares"] == []


@pytest.mark.parametrize(
    ("keys", "status"), [([], 400), (["a"] * 21, 400), ("a", 400), (["uploads/bob-x/a"], 403)]
)
def test_other_downloads_are_refused_unasked(
    client: httpx.Client, store: FakeStore, keys: object, status: int
) -> None:
    assert client.post("/api/downloads", json={"keys": keys}).status_code == status
    assert store.asked == []


BROWSER = {"accept": "text/html", "user-agent": "Mozilla/5.0"}
ROBOTS = ("Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "facebookexternalhit/1.1")


def path_of(link: httpx.Response) -> str:
    return str(urlsplit(link.raise_for_status().json()["url"]).path)


def listed(client: httpx.Client) -> dict[str, object]:
    found: dict[str, object] = client.get("/api/shares").json()["shares"][0]
    return found


def test_a_link_of_this_server_leads_to_a_short_presigned_url_and_counts_visitors(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    store.put(key, content_type="image/png", size=1_000_000_000)
    path = path_of(share(client, key, revocable=True, expires_s=30 * 24 * HOUR))

    first = client.get(path, headers=BROWSER)
    again = client.get(path, headers=BROWSER)

    assert (first.status_code, again.status_code) == (303, 303)
    assert urlsplit(first.headers["location"]).path == f"/{key}"
    assert store.lives_s[1:] == [8000, 8000]
    assert (listed(client)["opens"], listed(client)["opened_at"]) == (1, "2026-03-14T09:26:53Z")
    assert first.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("robot", ROBOTS)
def test_t76_a_preview_of_a_link_is_no_visit_and_gets_no_file(
    client: httpx.Client, key: str, robot: str
) -> None:
    path = path_of(share(client, key, revocable=True))

    shown = client.get(path, headers={"user-agent": robot})
    head = client.head(path)

    assert (shown.status_code, head.status_code) == (200, 200)
    assert "Alice shares a file with you" in html.unescape(re.sub("<[^>]+>", "", shown.text))
    assert "pic.png" not in shown.text
    assert listed(client)["opens"] == 0
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in shown.headers["x-robots-tag"]


@pytest.mark.parametrize("end", ["revoked", "expired", "gone", "wrong", "opened"])
def test_t75_a_link_that_has_ended_opens_nothing(
    client: httpx.Client,
    store: FakeStore,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    end: str,
) -> None:
    path = path_of(share(client, key, revocable=True, max_opens=1))
    if end == "revoked":
        assert client.delete(f"/api/shares/{listed(client)['id']}").json() == {"revoked": True}
        assert listed(client)["revoked_at"] == "2026-03-14T09:26:53Z"
    elif end == "expired":
        clock.advance(HOUR + 1)
    elif end == "gone":
        store.objects.clear()
    elif end == "wrong":
        path = f"/s/{'0' * 32}"
    else:
        client.get(path, headers=BROWSER)
        monkeypatch.setattr(visits, "address_of", lambda _request: "203.0.113.9")
    answer = client.get(path, headers=BROWSER)

    assert answer.status_code == 410
    assert "This link does not work" in answer.text


def test_t75_a_password_opens_a_link_and_wrong_ones_are_limited(
    make_client: MakeClient, store: FakeStore, key: str
) -> None:
    client = make_client(store=store, **OBJECTS)
    path = path_of(share(client, key, revocable=True, password="open sesame"))

    shown = client.get(path, headers=BROWSER)
    wrong = client.post(path, data={"password": "guess"})
    right = client.post(path, data={"password": "open sesame"})
    for _ in range(9):
        client.post(path, data={"password": "guess"})
    blocked = client.post(path, data={"password": "open sesame"})

    assert (shown.status_code, wrong.status_code, right.status_code) == (200, 403, 303)
    assert 'type="password"' in shown.text
    assert blocked.status_code == 429
    assert "form-action 'self' http" in shown.headers["content-security-policy"]


def test_t75_passwords_that_are_tried_at_once_are_limited_too(settings: Settings) -> None:
    async def tried() -> list[bool | BaseException]:
        passwords = Passwords(Rates(settings, Counter(settings)))
        right = await hashed("open sesame")
        words = [*["guess"] * 12, "open sesame"]
        tries = (passwords.is_right(word, right, link="a") for word in words)
        return await asyncio.gather(*tries, return_exceptions=True)

    assert isinstance(asyncio.run(tried())[-1], TooManyError)


@pytest.fixture
def several(client: httpx.Client, store: FakeStore, key: str) -> str:
    """The path of a link to three images of Alice; three visitors may open it."""
    others = [store.put(f"{ALICE.prefix}2026-03-14/r/{name}", size=1500).key for name in "bc"]
    return path_of(share(client, key, more_keys=[*others, key], max_opens=3))


def said(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", "", answer.text)).split())


def test_a_link_to_several_files_lists_them_and_counts_a_visitor_once(
    client: httpx.Client, several: str, key: str
) -> None:
    robot = client.get(several, headers={"user-agent": ROBOTS[0]})
    head = client.head(several)
    shown = client.get(several, headers=BROWSER)
    saved = [client.post(several, data={"file": str(number)}) for number in range(3)]

    assert (robot.status_code, head.status_code, shown.status_code) == (200, 200, 200)
    assert "pic.png" not in robot.text
    assert "Alice shares files with you pic.png 5 B Download b 1.5 kB Download" in said(shown)
    assert [urlsplit(each.headers["location"]).path for each in saved] == [
        f"/{key}",
        *(f"/{ALICE.prefix}2026-03-14/r/{name}" for name in "bc"),
    ]
    assert all("attachment" in each.headers["location"] for each in saved)
    assert (listed(client)["opens"], listed(client)["files"]) == (1, 3)


def test_a_link_to_several_files_says_which_are_gone_and_ends_with_the_last(
    client: httpx.Client, store: FakeStore, several: str, key: str
) -> None:
    store.objects.pop(key)
    gone = client.post(several, data={"file": "0"})
    strange = client.post(several, data={"file": "7"})
    store.objects.clear()
    ended = client.post(several)

    assert (gone.status_code, strange.status_code, ended.status_code) == (200, 200, 410)
    assert "pic.png No longer available b 1.5 kB Download" in said(gone) == said(strange)


def test_t78_each_download_of_several_files_is_checked(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, several: str
) -> None:
    for visitor in range(4):
        monkeypatch.setattr(visits, "address_of", lambda _, n=visitor: f"203.0.113.{n}")
        answers = [client.post(several, data=data) for data in ({}, {"file": "0"})]
        statuses = [each.status_code for each in answers]
        assert statuses == ([200, 303] if visitor < 3 else [410, 410])
    monkeypatch.undo()
    client.delete(f"/api/shares/{listed(client)['id']}").raise_for_status()

    assert client.post(several, data={"file": "0"}).status_code == 410


def test_t78_the_password_of_several_files_is_asked_once_per_visit(
    make_client: MakeClient, store: FakeStore, clock: FakeClock, key: str
) -> None:
    client = make_client(store=store, **OBJECTS)
    other = store.put(f"{ALICE.prefix}2026-03-14/r/b").key
    links = [
        path_of(share(client, key, more_keys=[other], password=word))
        for word in ("open sesame", "open barley")
    ]

    locked = client.post(links[0], data={"file": "0"})
    shown = client.post(links[0], data={"password": "open sesame"})
    (ticket,) = re.findall(r'name="ticket" value="(\w{32})"', shown.text)
    saved = client.post(links[0], data={"ticket": ticket, "file": "1"})
    elsewhere = client.post(links[1], data={"ticket": ticket, "file": "1"})

    assert (locked.status_code, shown.status_code, saved.status_code) == (403, 200, 303)
    assert "pic.png" not in locked.text
    assert "wrong" not in locked.text
    assert elsewhere.status_code == 403


def test_others_files_are_not_shared_with_ones_own(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    gone, foreign = f"{ALICE.prefix}gone", store.put(f"{BOB.prefix}a").key

    refused = [share(client, key, more_keys=[each]).status_code for each in (gone, foreign)]

    assert refused == [404, 403]
    assert client.get("/api/shares").json()["shares"] == []


def test_nobody_ends_a_link_of_another_person_or_a_presigned_url(
    client: httpx.Client, key: str
) -> None:
    for other in (False, True):
        id_ = share(client, key, revocable=other).json()["id"]
        if other:
            client.post("/demo/user", json={"user": "bob"})
        assert client.delete(f"/api/shares/{id_}").status_code == 404


@pytest.mark.parametrize("wish", [{"password": "open sesame"}, {"max_opens": 2.0}], ids=str)
def test_what_only_this_server_can_enforce_makes_a_link_of_this_server(
    client: httpx.Client, key: str, wish: dict[str, object]
) -> None:
    assert path_of(share(client, key, **wish)).startswith("/s/")


def test_a_presigned_url_lasts_seven_days_at_most(client: httpx.Client, key: str) -> None:
    link = share(client, key, expires_s=30 * 24 * HOUR).json()

    assert (link["expires_at"], link["opens"]) == ("2026-03-21T09:26:53Z", None)
