"""`POST /api/form` and the pages below `/form`, with fake ports."""

import json
import re
from base64 import b64decode
from typing import Any

import httpx
import pytest

from ossferry.oss.post_object import MAX_FILE_SIZE
from support.forms import shown
from support.server_fakes import ALICE, BOB, OBJECTS, FakeStore, FakeSts, MakeClient

DIRECTORY = re.compile(rf"{re.escape(ALICE.prefix)}2026-03-14/[0-9a-f]{{32}}/")
HTML = {"accept": "text/html"}


def conditions(form: dict[str, Any]) -> list[Any]:
    policy = json.loads(b64decode(dict(form["fields"])["policy"]))
    found: list[Any] = policy["conditions"]
    return found


def upload_of(client: httpx.Client) -> str:
    """Return the upload in the redirect URL of a displayed form."""
    address = shown(client.get("/form").text)["success_action_redirect"]
    return str(httpx.URL(address).params["upload"])


def place_of(upload: str, prefix: str = ALICE.prefix) -> str:
    day, random, _ = upload.split(".")
    return f"{prefix}{day}/{random}/"


def arrived(client: httpx.Client, upload: str) -> httpx.Response:
    return client.get(f"/form/arrived?upload={upload}")


def test_a_form_for_a_file_fits_that_file_alone(client: httpx.Client) -> None:
    wish = {"name": "größe ${filename}.pdf", "size": 5, "type": "application/pdf"}

    form = client.post("/api/form", json=wish).json()

    fields = dict(form["fields"])
    assert form["url"] == "http://web-direct-upload.localhost:9000"
    assert DIRECTORY.fullmatch(form["directory"])
    assert form["key"] == fields["key"] == form["directory"] + "größe _{filename}.pdf"
    assert form["expires_at"] == "2026-03-14T09:41:53Z"
    assert form["server_time"] == "2026-03-14T09:26:53.123Z"
    assert form["limits"] == {"min_size": 5, "max_size": 5, "types": [], "quota": None}
    assert fields["x-oss-credential"] == ("STS.Fake0001/20260314/cn-hangzhou/oss/aliyun_v4_request")
    assert conditions(form) == [
        {"bucket": "web-direct-upload"},
        {"x-oss-signature-version": "OSS4-HMAC-SHA256"},
        {"x-oss-credential": fields["x-oss-credential"]},
        {"x-oss-date": "20260314T092653Z"},
        {"x-oss-security-token": "fake-security-token"},
        {"key": form["key"]},
        ["content-length-range", 5, 5],
        {"x-oss-forbid-overwrite": "true"},
        {"success_action_status": "200"},
        {"x-oss-content-type": "application/pdf"},
    ]


def test_every_field_but_policy_and_signature_has_a_condition(client: httpx.Client) -> None:
    for wish in ({}, {"name": "a"}, {"name": "a", "size": 1, "type": "a/b"}):
        form = client.post("/api/form", json=wish).json()

        named = set()
        for each in conditions(form):
            if isinstance(each, dict):
                named |= set(each)
            elif each[0] == "starts-with":
                named.add(each[1].removeprefix("$"))
        assert {name for name, _ in form["fields"]} - named == {"policy", "x-oss-signature"}


def test_a_form_without_redirect_asks_for_the_callback_of_a_grant(make_client: MakeClient) -> None:
    given: dict[str, Any] = {
        "callback": True,
        "allowed_hosts": ("uploads.example.com", "127.0.0.1"),
    }
    with make_client(**OBJECTS, **given, public_url="https://uploads.example.com") as client:
        form = client.post("/api/form").json()
        callback = client.post("/api/grant").json()["callback"]
        plain = shown(client.get("/form", headers=HTML).text)

    assert dict(form["fields"])["callback"] == callback
    assert {"callback": callback} in conditions(form)
    assert "uploads.example.com/api/callback" in b64decode(callback).decode()
    assert "callback" not in dict(plain.fields)


def test_a_form_for_any_file_has_a_directory_of_its_own(client: httpx.Client) -> None:
    first, second = (client.post("/api/form").json() for _ in range(2))

    assert first["key"] is None
    assert dict(first["fields"])["key"] == first["directory"] + "${filename}"
    assert ["starts-with", "$key", first["directory"]] in conditions(first)
    assert first["limits"]["max_size"] == MAX_FILE_SIZE
    assert first["directory"] != second["directory"]


def test_the_credentials_behind_a_form_can_only_put_and_are_shared(
    client: httpx.Client, sts: FakeSts
) -> None:
    client.post("/api/form")
    client.post("/api/form", json={"name": "a"})
    client.get("/form")
    client.post("/api/grant")

    of_forms, of_grants = (json.loads(call["policy"])["Statement"][0] for call in sts.calls)
    assert of_forms["Action"] == ["oss:PutObject"]
    assert of_forms["Resource"] == [f"acs:oss:*:*:web-direct-upload/{ALICE.prefix}*"]
    assert "oss:ListParts" in of_grants["Action"]


def test_a_form_never_holds_the_secret(client: httpx.Client) -> None:
    for answer in (client.post("/api/form"), client.get("/form")):
        assert answer.status_code == 200
        assert "fake-access-key-secret" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wish",
    [
        {"name": 1},
        {"name": "a" * 1025},
        {"size": -1},
        {"size": "5"},
        {"size": 5.5},
        {"size": True},
        {"type": "text"},
        {"type": "text/${filename}"},
        {"type": "image/png,text/html"},
        {"type": "a/b\r\nx: y"},
        {"type": 1},
        {"refused_key_id": 1},
    ],
    ids=str,
)
def test_an_odd_wish_is_refused_and_costs_no_call(
    client: httpx.Client, sts: FakeSts, wish: dict[str, object]
) -> None:
    answer = client.post("/api/form", json=wish)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert sts.calls == []


def test_a_file_that_may_not_be_stored_gets_no_form(make_client: MakeClient, sts: FakeSts) -> None:
    with make_client(max_file_size=10, allowed_types=["image/*", ".csv"]) as client:
        fits = client.post("/api/form", json={"name": "a.csv", "size": 10})
        sts.calls.clear()
        large = client.post("/api/form", json={"name": "a.csv", "size": 11})
        other = client.post("/api/form", json={"name": "a.exe", "type": "text/plain"})
        unknown = client.post("/api/form")
        assert sts.calls == []
        image = client.post("/api/form", json={"name": "a", "type": "image/png"}).json()

    assert fits.status_code == 200
    assert (large.status_code, large.json()["code"]) == (413, "file-too-large")
    assert (other.status_code, other.json()["code"]) == (415, "type-not-taken")
    assert unknown.status_code == 415
    assert image["limits"]["max_size"] == 10
    assert {"x-oss-content-type": "image/png"} in conditions(image)


def test_a_form_holds_no_more_than_the_quota_has_left(
    make_client: MakeClient, store: FakeStore
) -> None:
    with make_client(**OBJECTS, quota_bytes_total=1000) as client:
        key = f"{ALICE.prefix}2026-03-14/{'0' * 32}/a"
        store.put(key, size=400)
        report = {"key": key, "size": 400, "crc64": store.objects[key].crc64}
        client.post("/api/receipts", json=report)

        left = client.post("/api/form").json()["limits"]
        fits = client.post("/api/form", json={"size": 600})
        exceeds = client.post("/api/form", json={"size": 601})

    assert (left["max_size"], left["quota"]["bytes_left"]) == (600, 600)
    assert fits.status_code == 200
    assert (exceeds.status_code, exceeds.json()["code"]) == (429, "quota-exceeded")


def test_each_form_is_one_audit_line(
    client: httpx.Client, audit_lines: list[dict[str, str]]
) -> None:
    client.post("/api/form")
    client.get("/form")
    client.post("/api/form", json={"size": -1})

    found = [(line["action"], line["outcome"]) for line in audit_lines]
    assert found == [("form", "issued"), ("form", "reused"), ("form", "bad-request")]
    assert audit_lines[0]["key_last4"] == "0001"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_t03_a_page_of_elsewhere_gets_no_form(
    client: httpx.Client, sts: FakeSts, site: str
) -> None:
    headers = {"sec-fetch-site": site}

    scripted = client.post("/api/form", headers=headers)
    opened = client.get("/form", headers=headers)

    assert (scripted.status_code, scripted.json()["code"]) == (403, "cross-site")
    assert opened.status_code == 403
    assert "policy" not in opened.text
    assert "refresh" not in opened.text
    assert 'href="/form"' in opened.text  # the user can continue with a click
    assert sts.calls == []


def test_the_page_works_without_a_script_and_talks_to_the_bucket_alone(
    client: httpx.Client,
) -> None:
    answer = client.get("/form", headers=HTML)

    form = shown(answer.text)
    assert form.url == "http://web-direct-upload.localhost:9000"
    assert DIRECTORY.match(form["key"])
    assert form["success_action_redirect"].startswith("http://127.0.0.1:8000/form/back?upload=")
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'self' http://web-direct-upload.localhost:9000;"
        " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert "form-action 'none'" in client.get("/").headers["content-security-policy"]
    assert (
        "form-action 'none'"
        in client.get(f"/form/back?upload={upload_of(client)}").headers["content-security-policy"]
    )


def test_the_way_back_leads_to_where_browsers_find_the_server(make_client: MakeClient) -> None:
    hosts = ["127.0.0.1", "uploads.example.com"]
    with make_client(public_url="https://uploads.example.com", allowed_hosts=hosts) as client:
        answer = client.get("/form")

    address = shown(answer.text)["success_action_redirect"]
    assert address.startswith("https://uploads.example.com/form/back?")
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://uploads.example.com http://web-direct" in policy


def test_the_way_back_leads_on_by_a_page_of_our_own(client: httpx.Client) -> None:
    upload = upload_of(client)

    answer = client.get(f"/form/back?upload={upload}", headers={"sec-fetch-site": "cross-site"})

    assert f'url=/form/arrived?upload={upload}"' in answer.text
    for odd in ("", "x", upload + "'", upload[:-1] + "G", "../" + upload):
        assert client.get("/form/back", params={"upload": odd}).status_code == 404


def test_what_has_arrived_is_shown_and_recorded(client: httpx.Client, store: FakeStore) -> None:
    upload = upload_of(client)
    key = store.put(place_of(upload) + "<b>a.txt", size=1500, crc64="4041730234").key

    answer, again = (arrived(client, upload) for _ in range(2))
    listed = client.get("/api/objects", params={"sort": "newest"}).json()["objects"]

    assert answer.status_code == again.status_code == 200
    for text in ("&lt;b&gt;a.txt", "1.5 kB", "4041730234", "nobody has compared the two"):
        assert text in answer.text
    assert "<b>a" not in answer.text
    assert [(each["key"], each["crc64"]) for each in listed] == [(key, "4041730234")]


def test_an_odd_name_is_made_safe_before_it_is_recorded(
    client: httpx.Client, store: FakeStore
) -> None:
    upload = upload_of(client)
    store.put(place_of(upload) + "..\\../a\u202etxt.exe", size=5)

    assert arrived(client, upload).status_code == 200
    assert list(store.objects) == [place_of(upload) + "___.._a_txt.exe"]


def test_t59_a_file_that_is_replaced_while_its_name_is_made_safe_stays(
    client: httpx.Client, store: FakeStore
) -> None:
    upload = upload_of(client)
    key = store.put(place_of(upload) + "a\u202e.txt").key
    store.arrives["before"] = key

    assert arrived(client, upload).status_code == 404
    assert list(store.objects) == [key]


def test_a_file_of_another_type_is_removed_and_the_person_told(
    make_client: MakeClient, store: FakeStore
) -> None:
    with make_client(**OBJECTS, allowed_types=["image/*"]) as client:
        page = client.get("/form").text
        upload = upload_of(client)
        store.put(place_of(upload) + "a.exe", content_type="application/x-msdownload")
        good = store.put(place_of(upload) + "b.png", content_type="image/png").key

        answer = arrived(client, upload)
        listed = client.get("/api/objects", params={"sort": "newest"}).json()["objects"]

    assert 'accept="image/*"' in page
    assert answer.status_code == 415
    assert "image/*" in answer.text
    assert list(store.objects) == [each["key"] for each in listed] == [good]


def test_a_type_with_a_parameter_is_the_type(make_client: MakeClient, store: FakeStore) -> None:
    with make_client(**OBJECTS, allowed_types=["text/csv", "image/*"]) as client:
        upload = upload_of(client)
        key = store.put(place_of(upload) + "a.x", content_type="Text/CSV; charset=utf-8").key

        assert arrived(client, upload).status_code == 200
    assert list(store.objects) == [key]


def test_nothing_arrived_is_said_as_such(client: httpx.Client) -> None:
    answer = arrived(client, upload_of(client))

    assert answer.status_code == 404
    assert "No file has arrived" in answer.text


def test_a_server_that_may_not_look_says_so(make_client: MakeClient) -> None:
    with make_client() as client:
        answer = arrived(client, upload_of(client))

    assert "cannot show what is stored there" in answer.text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"checks_built_in": {"zip": True}}, "Files are checked here before they are sent"),
        ({"grant": "form", "allowed_types": ["image/png"]}, "Only some types of files"),
    ],
)
def test_a_form_that_cannot_do_what_is_required_is_not_shown(
    make_client: MakeClient, sts: FakeSts, settings: dict[str, Any], reason: str
) -> None:
    with make_client(**settings) as client:
        answer = client.get("/form", headers=HTML)

    assert answer.status_code == 404
    assert reason in answer.text
    assert "<form" not in answer.text
    assert 'href="/form"' not in answer.text
    assert 'href="/"' in answer.text
    assert sts.calls == []


@pytest.mark.parametrize(
    "settings",
    [
        {"checks_built_in": {"zip": True}, "checks_on_error": "allow"},
        {"checks_on_error": "reject"},
        {"allowed_types": [".csv"]},
    ],
)
def test_a_form_that_may_do_without_the_page_is_shown(
    make_client: MakeClient, settings: dict[str, Any]
) -> None:
    with make_client(**settings) as client:
        answer = client.get("/form", headers=HTML)

    assert answer.status_code == 200
    assert "<form" in answer.text


@pytest.mark.parametrize(
    "change", ["another person", "another day", "another directory", "none", "the last digit"]
)
def test_t53_an_address_of_arrival_is_good_for_one_person_and_form(
    make_client: MakeClient, store: FakeStore, change: str
) -> None:
    with make_client(**OBJECTS, allowed_types=[".csv"]) as client:
        upload = upload_of(client)
        day, random, proof = upload.split(".")
        bent = {
            "another person": upload,
            "another day": f"2026-03-13.{random}.{proof}",
            "another directory": f"{day}.{'0' * 32}.{proof}",
            "none": f"{day}.{random}.{'0' * 32}",
            "the last digit": f"{day}.{random}.{proof[:-1]}{'0' if proof[-1] != '0' else '1'}",
        }[change]
        if change == "another person":
            client.post("/demo/user", json={"user": "bob"})
        for prefix in (ALICE.prefix, BOB.prefix):
            store.put(place_of(bent, prefix) + "a.exe")  # would be removed: its type is not allowed
        store.asked.clear()

        answer = arrived(client, bent)

    assert answer.status_code == 404
    assert store.asked == []
    assert len(store.objects) == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Upload one file"),
        ("ja", "ファイルを 1 つアップロード"),
        ("zh-CN", "上传一个文件"),
        ("zh-TW", "上傳一個檔案"),
        ("ar", "رفع ملف واحد"),
    ],
)
def test_the_pages_speak_the_persons_language(
    client: httpx.Client, language: str, words: str
) -> None:
    asked = client.get("/form", headers={"accept-language": language}).text
    chosen = client.get(f"/form?lang={language}").text

    assert f"<h1>{words}</h1>" in asked
    assert f"<h1>{words}</h1>" in chosen
    assert f"lang={language}" in shown(chosen)["success_action_redirect"]
    assert ('dir="rtl"' in asked) == (language == "ar")
