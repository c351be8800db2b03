"""Share links: allowed requests, and the expiry time that clients see."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from support.server_fakes import ALICE, FakeStore

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
        {"expires_s": 604801},
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
    ("content_type", "size"), [("text/plain", 5), ("image/svg+xml", 5), ("image/png", 21 << 20)]
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
