"""Text that databases cannot store, and invalid numbers: refused on each ledger, never a 5xx."""

import httpx
import pytest

from ossferry.cli.demo import Demo

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "a\\udfffb"])
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/api/objects/undo", '{"id": "ODD"}'),
        ("/api/share", '{"key": "OWNx", "expires_s": 60, "note": "ODD"}'),
        ("/api/share", '{"key": "OWNODD", "expires_s": 60}'),
        ("/api/receipts", '{"key": "OWNODD", "size": 1, "crc64": "1"}'),
        ("/api/receipts", '{"key": "OWNx", "size": 1, "crc64": "1", "request_id": "ODD"}'),
        ("/api/grant", '{"refused_key_id": "ODD"}'),
    ],
)
def test_odd_text_in_a_body_is_a_bad_request(
    after: Demo, site: httpx.Client, path: str, document: str, odd: str
) -> None:
    prefix = site.post("/api/grant").json()["prefix"]
    body = document.replace("ODD", odd).replace("OWN", prefix)

    answer = site.post(path, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_what_is_no_number_is_a_bad_request(after: Demo, site: httpx.Client, number: str) -> None:
    body = '{"key": "x", "size": NUMBER, "crc64": "1", "expires_s": NUMBER}'
    body = body.replace("NUMBER", number)

    statuses = [
        site.post(route, content=body, headers=JSON).status_code
        for route in ("/api/share", "/api/receipts")
    ]

    assert statuses == [400, 400]


@pytest.mark.parametrize(
    "path",
    [
        "/api/shares?after=%00",
        "/api/objects?q=a%00",
        "/api/objects?sort=name&after=%00",
        "/api/objects/deleted?after=%00",
        "/admin?principal=%00",
        "/admin/uploads.csv?principal=a%00b",
    ],
)
def test_odd_text_in_an_address_is_a_bad_request(
    after: Demo, site: httpx.Client, path: str
) -> None:
    answer = site.get(path)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


def test_text_that_only_looks_odd_is_text(after: Demo, site: httpx.Client) -> None:
    answer = site.post("/api/objects/undo", json={"id": "\\u0000 \U0001f600"})

    assert (answer.status_code, answer.json()["code"]) == (404, "nothing-to-undo")
    assert site.get("/api/objects?q=%2500").status_code == 200
