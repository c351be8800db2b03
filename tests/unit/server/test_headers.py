"""Security headers on all responses; the page may connect only to our server and its bucket."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ossferry.http.security_headers import SecurityHeaders, page_policy
from support.app_client import app_client
from support.server_fakes import OBJECTS, MakeSettings


def test_t36_the_page_may_reach_us_and_the_bucket_only(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]

    assert policy == (
        "default-src 'none'; script-src 'self' 'sha256-AAAA' 'wasm-unsafe-eval';"
        " style-src 'self' 'sha256-BBBB';"
        " img-src 'self' data: blob:; media-src blob:; frame-src 'none'; font-src 'self';"
        " connect-src 'self' http://web-direct-upload.localhost:9000; worker-src blob:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types default"
    )


def test_the_pages_policy_names_every_address_of_the_bucket(make_settings: MakeSettings) -> None:
    settings = make_settings(
        **OBJECTS,
        endpoint="http://files.localhost:9000",
        cname=True,
        upload_hosts=("http://oss-accelerate.localhost:9000",),
    )

    policy = page_policy(settings, {})

    assert (
        "connect-src 'self' http://files.localhost:9000"
        " http://web-direct-upload.oss-accelerate.localhost:9000;"
    ) in policy
    assert "img-src 'self' data: blob: http://files.localhost:9000;" in policy
    assert "frame-src 'none';" in policy


def test_only_previews_of_pdf_have_a_frame(make_settings: MakeSettings) -> None:
    settings = make_settings(
        **OBJECTS, link_origin="http://a.localhost", allowed_hosts=["127.0.0.1"]
    )

    assert "frame-src http://a.localhost;" in page_policy(settings, {})


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
        ("DELETE", "/api/grant", "localhost"),
        ("GET", "/get_sts_token", "localhost"),
        ("GET", "/healthz", "localhost"),
        ("GET", "/openapi.json", "localhost"),
        ("GET", "/", "evil.example"),
    ],
)
def test_t06_t24_t34_every_answer_is_guarded_and_not_cached(
    client: httpx.Client, method: str, path: str, host: str
) -> None:
    headers = client.request(method, path, headers={"host": host}).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    is_html = headers["content-type"].startswith("text/html")
    assert headers.get("cross-origin-opener-policy") == ("same-origin" if is_html else None)
    assert headers.get("permissions-policy", "").startswith("camera=(), ") == is_html
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "expires" not in headers


def test_t79_only_what_the_operator_allows_may_be_recorded(make_settings: MakeSettings) -> None:
    async def some_html(_request: Request) -> HTMLResponse:
        return HTMLResponse("<p>")

    paths = ("/", "/admin", "/form", "/s/0")
    app = Starlette(routes=[Route(path, some_html) for path in paths])
    with app_client(SecurityHeaders(app, make_settings(record=["camera", "screen"]), {})) as client:
        allowed = [client.get(path).headers["permissions-policy"] for path in paths]

    own = "camera=(self), display-capture=(self), geolocation=(), microphone=(), "
    none = "camera=(), display-capture=(), geolocation=(), microphone=(), "
    assert allowed == [f"{each}payment=(), usb=()" for each in (own, none, none, none)]


def test_t30_browsers_are_told_to_stay_with_https(client: httpx.Client) -> None:
    answer = client.get("https://127.0.0.1/healthz")

    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


def test_t34_other_sites_may_embed_the_page_and_no_other_html(make_settings: MakeSettings) -> None:
    site = "https://school.example"

    async def some_html(_request: Request) -> HTMLResponse:
        return HTMLResponse("<p>Sign in")

    app = Starlette(routes=[Route("/", some_html), Route("/login", some_html)])
    guarded = SecurityHeaders(app, make_settings(frame_origins=[site]), inline={})
    with app_client(guarded) as client:
        page, login = client.get("/").headers, client.get("/login").headers

    assert f"frame-ancestors {site};" in page["content-security-policy"]
    assert "x-frame-options" not in page
    assert "frame-ancestors 'none';" in login["content-security-policy"]
    assert login["x-frame-options"] == "DENY"
