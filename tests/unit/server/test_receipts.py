"""`POST /api/receipts`, and the same in batches: reports are not trusted, OSS is asked, and
differences are named.
"""

import asyncio
import json
from typing import Any, get_args
from unittest.mock import patch

import httpx
import pytest

from ossferry.errors import OssLostError, OssRefusedError
from ossferry.ledger.receipts import Outcome
from ossferry_checks.runner import Outcome as RunnerOutcome
from support.server_fakes import ALICE, BOB, OBJECTS, FakeStore, MakeApp, MakeClient

KEY = f"{ALICE.prefix}2026-03-14/r/x.txt"
CRC64 = "11051210869376104954"
CHECKS = {
    "version": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "ran": [
        {"check": "has_our_columns", "outcome": "passed", "says": ""},
        {"check": "strip_position", "outcome": "changed", "says": "位置情報を削除しました。"},
    ],
}
METRICS_TOKEN = "metrics-token-of-more-than-32-characters"


def report(key: object, **changes: object) -> dict[str, object]:
    return {
        "key": key,
        "size": 9,
        "crc64": CRC64,
        "request_id": "5C06A3B67B8B5A3DA422299D",
        **changes,
    }


def send(client: httpx.Client, document: object, path: str = "/api/receipts") -> httpx.Response:
    """Send a document with ASCII characters only, as `httpx` cannot encode half of a surrogate."""
    headers = {"content-type": "application/json"}
    return client.post(path, content=json.dumps(document), headers=headers)


def test_a_right_report_is_answered_with_what_oss_has(
    client: httpx.Client, store: FakeStore
) -> None:
    store.put(KEY, size=9, crc64=CRC64, metadata={"reference": "order-7"})

    answer = client.post("/api/receipts", json=report(KEY))

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "key": KEY,
            "size": 9,
            "crc64": CRC64,
            "etag": "5D41402ABC4B2A76B9719D911017C592",
            "last_modified": "2026-03-14T09:26:50Z",
            "stored": True,
            "name": "x.txt",
            "folder": "2026-03-14/r",
            "held": False,
            "recorded_at": "2026-03-14T09:26:53Z",
            "metadata": {"reference": "order-7"},
            "checks": None,
            "details": None,
            "details_errors": [],
            "quota": None,
        },
    )


@pytest.mark.parametrize(
    ("said", "differs"),
    [
        ({"size": 10}, ["size"]),
        ({"crc64": "1"}, ["crc64"]),
        ({"size": 0, "crc64": "0"}, ["size", "crc64"]),
    ],
    ids=["size", "crc64", "both"],
)
def test_a_wrong_report_is_told_what_differs(
    client: httpx.Client, store: FakeStore, said: dict[str, object], differs: list[str]
) -> None:
    store.put(KEY, size=9, crc64=CRC64)

    answer = client.post("/api/receipts", json=report(KEY, **said))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "receipt-mismatch")
    assert problem["differs"] == differs
    assert (problem["stored"]["size"], problem["stored"]["crc64"]) == (9, CRC64)


def test_anothers_object_is_refused_whether_it_is_there_or_not(
    client: httpx.Client, store: FakeStore
) -> None:
    bobs = f"{BOB.prefix}2026-03-14/r/x"
    store.put(bobs, size=9, crc64=CRC64)

    there = client.post("/api/receipts", json=report(bobs)).json()
    missing = client.post("/api/receipts", json=report(bobs + "y")).json()

    assert there["code"] == "foreign-key"
    assert {**there, "id": ""} == {**missing, "id": ""}


@pytest.mark.parametrize(
    "said",
    [
        {"key": f"{ALICE.prefix}../x"},
        {"key": None},
        {"size": -1},
        {"crc64": 1},
        {"crc64": "-1"},
        {"crc64": "01"},
        {"crc64": "1" * 21},
        {"crc64": "٣"},
        {"request_id": 5},
        {"request_id": "a b"},
    ],
    ids=str,
)
def test_a_malformed_report_is_refused_unasked(
    client: httpx.Client, store: FakeStore, said: dict[str, object]
) -> None:
    assert client.post("/api/receipts", json={**report(KEY), **said}).status_code == 400
    assert store.asked == []


def said(**changes: object) -> dict[str, Any]:
    """Return a claim about one check."""
    return {"version": "", "ran": [{"check": "a", "outcome": "passed", "says": "", **changes}]}


def test_the_claim_of_the_page_about_its_checks_is_in_the_receipt_and_stays(
    client: httpx.Client, store: FakeStore
) -> None:
    store.put(KEY, size=9, crc64=CRC64)
    longer = {**CHECKS, "seconds": 1, "ran": [{**each, "line": 7} for each in said()["ran"]]}

    first = client.post("/api/receipts", json=report(KEY)).json()
    answers = [
        client.post("/api/receipts", json=report(KEY, checks=checks)).json()
        for checks in (CHECKS, longer, None)
    ]

    assert first["checks"] is None
    assert [each["checks"] for each in answers] == [CHECKS] * 3
    assert {each["recorded_at"] for each in answers} == {first["recorded_at"]}


def test_each_upload_of_a_batch_has_its_own_claim_without_unknown_fields(
    client: httpx.Client, store: FakeStore
) -> None:
    for name in "abc":
        store.put(KEY + name, size=9, crc64=CRC64)
    longer = {**said(says="é", line=7), "seconds": 1}

    answer = batch(
        client,
        report(KEY + "b", checks=CHECKS),
        report(KEY + "c"),
        report(KEY + "a", checks=longer),
    )

    assert [each["checks"] for each in answer.json()["receipts"]] == [CHECKS, None, said(says="é")]


@pytest.mark.parametrize(
    "checks",
    [
        [],
        "passed",
        {},
        {"version": ""},
        {"version": "", "ran": []},
        {"version": "", "ran": said()["ran"] * 51},
        {"version": "md5-1", "ran": said()["ran"]},
        {"version": "sha256-", "ran": said()["ran"]},
        {"version": None, "ran": said()["ran"]},
        {"version": "", "ran": ["passed"]},
        said(check=""),
        said(check="a" * 101),
        said(check=5),
        said(check="a\0"),
        said(outcome="verified"),
        said(outcome=None),
        said(says="a" * 501),
        said(says=None),
        said(says="a\0b"),
        said(says="\ud800"),
        {"version": "", "ran": [{"check": "a", "outcome": "passed"}]},
        {"version": "", "ran": said(says="a" * 120)["ran"] * 50},
    ],
    ids=lambda each: ascii(each)[:60],
)
def test_a_claim_that_is_malformed_or_too_long_is_refused_unasked(
    client: httpx.Client, store: FakeStore, checks: object
) -> None:
    answer = send(client, report(KEY, checks=checks))

    assert (answer.status_code, store.asked) == (400, [])
    assert answer.json()["detail"].startswith("checks must be null, or the claim of the page")


def test_the_longest_claim_fits_into_a_report_with_the_longest_key(
    client: httpx.Client, store: FakeStore
) -> None:
    longest = KEY + "é" * ((1023 - len(KEY)) // 2)
    store.put(longest, size=9, crc64=CRC64)
    checks = {"version": CHECKS["version"], "ran": said(says="a" * 115)["ran"] * 50}
    assert 7950 < len(json.dumps(checks, separators=(",", ":"))) <= 8000

    answer = send(client, report(longest, request_id="A" * 64, checks=checks))

    assert answer.json()["checks"] == checks


def test_a_claim_has_the_outcomes_of_the_checks() -> None:
    assert get_args(Outcome) == get_args(RunnerOutcome)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OssLostError("no-answer"), 503, "oss-unavailable"),
        (OssRefusedError("AccessDenied", "5C06"), 502, "oss-refused"),
    ],
    ids=["lost", "refused"],
)
def test_what_oss_does_wrong_is_a_problem(
    client: httpx.Client, store: FakeStore, error: Exception, status: int, code: str
) -> None:
    store.error = error

    answer = client.post("/api/receipts", json=report(KEY))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "AccessDenied" not in answer.text


@pytest.mark.parametrize("path", ["/api/receipts", "/api/receipts/batch"])
def test_other_sites_and_strangers_get_nothing(
    client: httpx.Client, store: FakeStore, path: str
) -> None:
    store.put(KEY, size=9, crc64=CRC64)
    body = {"reports": [report(KEY)], **report(KEY)}

    elsewhere = client.post(path, json=body, headers={"origin": "https://evil.example.com"})
    client.cookies["ossferry_demo_user"] = "mallory"
    stranger = client.post(path, json=body)

    assert (elsewhere.status_code, stranger.status_code) == (403, 401)
    assert store.asked == []


def test_each_receipt_is_in_the_audit_trail(
    client: httpx.Client, store: FakeStore, audit_lines: list[dict[str, str]]
) -> None:
    client.post("/api/receipts", json=report(KEY))
    store.put(KEY, size=9, crc64=CRC64)
    client.post("/api/receipts", json=report(KEY))

    assert [(line["action"], line["outcome"]) for line in audit_lines] == [
        ("receipt", "not-stored"),
        ("receipt", "done"),
    ]


@patch("ossferry.access.rate_limits.OBJECTS", "3/minute")
def test_receipts_have_a_limit_of_their_own(make_client: MakeClient) -> None:
    with make_client(**OBJECTS, rate_per_principal="1/minute") as client:
        statuses = [client.post("/api/receipts", json=report(KEY)).status_code for _ in range(4)]
        client.post("/demo/user", json={"user": "bob"})
        bobs = client.get("/api/objects")

    assert (statuses, bobs.status_code) == ([404, 404, 404, 429], 200)


def test_without_a_role_there_are_no_receipts(make_client: MakeClient) -> None:
    with make_client() as client:
        assert client.post("/api/receipts", json=report(KEY)).status_code == 404


def batch(client: httpx.Client, *reports: object) -> httpx.Response:
    return client.post("/api/receipts/batch", json={"reports": reports})


def test_a_batch_has_a_result_for_each_report_in_order(
    client: httpx.Client, store: FakeStore
) -> None:
    for name in ("b", "a", "d"):
        store.put(KEY + name, size=9, crc64=CRC64)

    answer = batch(client, *(report(KEY + name) for name in "bc"), report(KEY + "a", size=7))

    stored = {
        "size": 9,
        "crc64": CRC64,
        "etag": "5D41402ABC4B2A76B9719D911017C592",
        "last_modified": "2026-03-14T09:26:50Z",
    }
    good = {
        "stored": True,
        "name": "x.txtb",
        "folder": "2026-03-14/r",
        "held": False,
        "recorded_at": "2026-03-14T09:26:53Z",
        "metadata": {},
        "checks": None,
        "details": None,
        "details_errors": [],
    }
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "receipts": [
                {"key": KEY + "b", **stored, **good},
                {
                    "key": KEY + "c",
                    "stored": False,
                    "code": "not-stored",
                    "detail": "OSS has no object under this key.",
                },
                {
                    "key": KEY + "a",
                    "stored": False,
                    "code": "receipt-mismatch",
                    "detail": "OSS has an object under this key, but not the reported one.",
                    "differs": ["size"],
                    "found": {"key": KEY + "a", **stored},
                },
            ],
            "quota": None,
        },
    )


def test_a_batch_is_recorded_and_counted_once_however_often_it_comes(
    make_client: MakeClient, store: FakeStore
) -> None:
    options = {**OBJECTS, "metrics_token": METRICS_TOKEN, "quota_objects_total": 500}
    reports = [report(f"{KEY}{number}") for number in range(200)]
    for each in reports:
        store.put(str(each["key"]), size=9, crc64=CRC64)
    with make_client(**options) as client:
        client.post("/api/receipts", json=reports[3])
        first, second = batch(client, *reports), batch(client, *reversed(reports))
        bearer = {"authorization": f"Bearer {METRICS_TOKEN}"}
        figures = client.get("/metrics", headers=bearer).text.splitlines()
        listed = client.get("/api/objects?limit=1000&sort=name").json()["objects"]

    assert [each.json()["quota"]["objects_left"] for each in (first, second)] == [300, 300]
    assert [each["key"] for each in first.json()["receipts"]] == [each["key"] for each in reports]
    assert {each["stored"] for each in second.json()["receipts"]} == {True}
    assert {each["key"] for each in listed} == {each["key"] for each in reports}
    assert 'ossferry_receipts_total{source="page"} 200.0' in figures
    assert "ossferry_recorded_bytes_total 1800.0" in figures


def test_the_same_key_twice_in_a_batch_is_one_upload(
    client: httpx.Client, store: FakeStore
) -> None:
    store.put(KEY, size=9, crc64=CRC64)

    answer = batch(client, report(KEY), report(KEY, size=8), report(KEY)).json()

    assert [each["stored"] for each in answer["receipts"]] == [True, False, True]
    assert store.asked == [KEY]


def test_one_foreign_key_refuses_the_whole_batch_unasked(
    client: httpx.Client, store: FakeStore
) -> None:
    bobs = f"{BOB.prefix}2026-03-14/r/x"
    store.put(KEY, size=9, crc64=CRC64)
    store.put(bobs, size=9, crc64=CRC64)

    answer = batch(client, report(KEY), report(bobs))

    assert (answer.status_code, answer.json()["code"]) == (403, "foreign-key")
    assert store.asked == []
    assert client.get("/api/objects?sort=name").json()["objects"] == []


@pytest.mark.parametrize(
    "reports",
    [[], None, "x", {}, [{}], [None], [1], [{"key": "x", "size": -1, "crc64": "1"}]],
    ids=str,
)
def test_a_malformed_batch_is_refused(
    client: httpx.Client, store: FakeStore, reports: object
) -> None:
    several = [report(KEY), *reports] if isinstance(reports, list) and reports else reports

    answer = client.post("/api/receipts/batch", json={"reports": several})

    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "reports must be an array of 1 to 200 reports.",
    )
    assert store.asked == []


@pytest.mark.parametrize(("count", "status"), [(200, 200), (201, 400)])
def test_a_batch_has_at_most_200_reports_with_the_longest_keys(
    client: httpx.Client, store: FakeStore, count: int, status: int
) -> None:
    longest = KEY + "\U0001f600" * ((1023 - len(KEY) - 3) // 4)
    changes = {"size": 48_800_000_000_000, "crc64": "1" * 20, "request_id": "A" * 64}
    reports = [report(f"{longest}{number:03}", **changes) for number in range(count)]

    answer = send(client, {"reports": reports}, "/api/receipts/batch")

    assert answer.status_code == status
    assert len(store.asked) == (200 if status == 200 else 0)


def test_only_a_batch_may_be_longer_than_16_kb(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}

    def status(path: str, size: int) -> int:
        content = json.dumps(report(KEY)) + " " * size
        return client.post(path, content=content, headers=headers).status_code

    assert status("/api/receipts", 17_000) == 413
    assert status("/api/receipts/refused", 17_000) == 413
    assert status("/api/receipts/batch", 17_000) == 400
    assert status("/api/receipts/batch", 1024 * 1024) == 413


def test_a_batch_fails_as_a_whole_if_oss_does_and_may_be_repeated(
    client: httpx.Client, store: FakeStore
) -> None:
    reports = [report(f"{KEY}{number}") for number in range(40)]
    for each in reports:
        store.put(str(each["key"]), size=9, crc64=CRC64)

    store.error = OssLostError("no-answer")
    failed = batch(client, *reports)
    store.error = None
    again = batch(client, *reports)

    assert (failed.status_code, "retry-after" in failed.headers) == (503, True)
    assert {each["stored"] for each in again.json()["receipts"]} == {True}


def test_batches_ask_oss_for_16_objects_at_a_time(client: httpx.Client, store: FakeStore) -> None:
    running, found = [], []

    async def head(key: str) -> None:
        running.append(key)
        found.append(len(running))
        await asyncio.sleep(0)
        running.remove(key)

    with patch.object(store, "head", head):
        batch(client, *(report(f"{KEY}{number}") for number in range(50)))

    assert (len(found), max(found)) == (50, 16)


@patch("ossferry.access.rate_limits.OBJECTS", "5/minute")
def test_t62_a_batch_counts_as_its_reports(
    make_client: MakeClient, store: FakeStore, audit_lines: list[dict[str, str]]
) -> None:
    with make_client(**OBJECTS) as client:
        foreign = batch(client, report(KEY), report("uploads/x")).status_code
        asked_at_first = len(store.asked)
        sizes = (2, 2, 2, 1)
        answers = [batch(client, *[report(KEY)] * size).status_code for size in sizes]

    assert (foreign, asked_at_first) == (403, 0)
    assert answers == [200, 200, 429, 200]
    assert [(line["action"], line["outcome"]) for line in audit_lines] == [
        ("receipt", "foreign-key"),
        ("receipt", "done"),
        ("receipt", "done"),
        ("receipt", "too-many"),
        ("receipt", "done"),
    ]


@patch("ossferry.access.rate_limits.OBJECTS", "3/minute")
def test_t62_a_batch_above_the_limit_passes_alone_and_leaves_the_list_usable(
    make_client: MakeClient,
) -> None:
    with make_client(**OBJECTS) as client:
        answers = [batch(client, *[report(KEY)] * 4).status_code for _ in range(2)]
        listed = client.get("/api/objects").status_code

    assert (answers, listed) == ([200, 429], 200)


@pytest.mark.parametrize(("most", "share"), [(20, 2), (5, 1)])
async def test_t62_one_person_has_a_tenth_of_all_requests_that_run(
    make_app: MakeApp, store: FakeStore, most: int, share: int
) -> None:
    answers, body = asyncio.Event(), {"reports": [report(KEY)]}

    async def head(_key: str) -> None:
        await answers.wait()

    app = make_app(store=store)
    transport = httpx.ASGITransport(app)
    async with (
        asyncio.timeout(5),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        with patch("ossferry.access.gate.MAX_REQUESTS", most), patch.object(store, "head", head):
            sent = [client.post("/api/receipts/batch", json=body) for _ in range(most - 1)]
            alice = asyncio.as_completed(sent)
            refused = [(await next(alice)).status_code for _ in range(most - 1 - share)]
            bob = await client.get("/api/objects", headers={"cookie": "ossferry_demo_user=bob"})
            answers.set()
            done = [(await each).status_code for each in alice]
            again = await client.post("/api/receipts/batch", json=body)

    assert (refused, bob.status_code) == ([429] * (most - 1 - share), 200)
    assert [*done, again.status_code] == [200] * (share + 1)
