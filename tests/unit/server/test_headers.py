"""Security headers: on every answer; the page may talk to us and to the one bucket only."""

import httpx
import pytest


def test_t36_the_page_may_reach_us_and_the_bucket_only(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]

    assert policy == (
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self';"
        " img-src 'self' data: blob:; font-src 'self';"
        " connect-src 'self' http://web-direct-upload.localhost:9000; worker-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types default"
    )


def test_a_worker_file_has_a_policy_of_its_own(client: httpx.Client) -> None:
    policy = client.get("/assets/app-1a2b/boot.js", headers={"accept-encoding": "identity"})

    assert policy.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    )


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("GET", "/", "localhost"),
        ("POST", "/api/grant", "localhost"),
        ("GET", "/nowhere", "localhost"),
        ("GET", "/api/grant", "localhost"),
        ("GET", "/", "evil.example"),
    ],
)
def test_t06_t34_every_answer_is_guarded(
    client: httpx.Client, method: str, path: str, host: str
) -> None:
    headers = client.request(method, path, headers={"host": host}).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


def test_t30_browsers_are_told_to_stay_with_https(client: httpx.Client) -> None:
    answer = client.get("https://127.0.0.1/healthz")

    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
