"""Probes of `ossferry doctor` without a signature, with answers that the mock never gives."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import TypeAlias

import httpx
import pytest

from ossferry.app import create_app
from ossferry.clock import utc_now
from ossferry.diagnosis.findings import Finding
from ossferry.doctor import outside
from ossferry.doctor.server import Server
from ossferry.oss.cors_rule import EXPOSED_HEADERS, METHODS, REQUEST_HEADERS
from ossferry.settings.model import Settings
from support.server_fakes import MakeSettings

PAGE = "https://uploads.example.com"
OSS = {"x-oss-request-id": "1"}
Give: TypeAlias = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(public_url=PAGE, allowed_hosts=("uploads.example.com",))


async def asked(settings: Settings, probe: str, give: Give | httpx.Response) -> Finding:
    """Run a probe, after the one for addresses, with this answer to all requests."""
    handler = give if callable(give) else lambda _request: give
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        server = Server(settings, client, utc_now, create_app)
        found = await outside.probe_endpoint(server)
        return found if probe == "endpoint" else await getattr(outside, f"probe_{probe}")(server)


def fail(error: Exception) -> Give:
    def give(_request: httpx.Request) -> httpx.Response:
        raise error

    return give


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(200, html="<h1>Sign in</h1>"), "answers, but it is not OSS."),
        (fail(httpx.ConnectError("Name or service not known")), "(Name or service not known)."),
        (fail(httpx.ConnectTimeout("")), "(ConnectTimeout)."),
        (
            httpx.Response(403, headers=OSS, text="<Code>UserDisable</Code>"),
            "answers with the error UserDisable.",
        ),
        (
            httpx.Response(503, headers=OSS, text="<Code>ServiceUnavailable</Code>"),
            "answers with the error ServiceUnavailable.",
        ),
    ],
    ids=["login page", "no such name", "silence", "overdue account", "busy"],
)
async def test_an_address_without_a_usable_answer_is_told(
    settings: Settings, answer: Give | httpx.Response, told: str
) -> None:
    found = await asked(settings, "endpoint", answer)

    assert (found.outcome, told in found.reason) == ("fail", True)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(403, headers=OSS, text="<Code>AccessDenied</Code>"), "ok"),
        (httpx.Response(404, headers=OSS, text="<Code>NoSuchKey</Code>"), "fail"),
        (httpx.Response(404, headers=OSS, html="<h1>No such page</h1>"), "fail"),
        (httpx.Response(200, headers=OSS, text="found"), "fail"),
        (httpx.Response(404, headers=OSS, text="<Code>NoSuchUpload</Code>"), "fail"),
    ],
    ids=["private", "public", "public website", "an object", "public to write"],
)
async def test_public_is_what_a_stranger_may_read(
    settings: Settings, answer: httpx.Response, outcome: str
) -> None:
    assert (await asked(settings, "public_access", answer)).outcome == outcome


@pytest.mark.parametrize("has_date", [True, False])
async def test_a_clock_an_hour_behind_that_of_oss_is_told(
    settings: Settings, has_date: bool
) -> None:
    later = format_datetime(utc_now() + timedelta(hours=1), usegmt=True) if has_date else "soon"
    found = await asked(settings, "clock", httpx.Response(403, headers={**OSS, "date": later}))

    told = "behind that of OSS; OSS and STS refuse requests with a wrong time" in found.reason
    assert (found.outcome, told) == (("fail", True) if has_date else ("ok", False))


@pytest.mark.parametrize(
    ("allow_mock", "address"),
    [
        (False, "https://web-direct-upload.oss-cn-hangzhou.aliyuncs.com"),
        (True, "http://web-direct-upload.oss-cn-hangzhou.localhost"),
    ],
)
def test_the_public_endpoint_is_that_of_the_region(
    settings: Settings, allow_mock: bool, address: str
) -> None:
    assert (
        outside.public_endpoint(settings.model_copy(update={"allow_mock": allow_mock})) == address
    )


ALLOWED = {
    "access-control-allow-origin": PAGE,
    "access-control-allow-methods": ", ".join(METHODS),
    "access-control-allow-headers": ", ".join(REQUEST_HEADERS),
}


@pytest.mark.parametrize(
    ("changes", "status", "refused"),
    [
        ({}, 200, ()),
        ({"origin": "*", "methods": "*", "headers": "*, Authorization"}, 200, ()),
        ({"methods": "GET"}, 200, ("PUT", "DELETE")),
        ({"origin": "https://example.com"}, 200, METHODS),
        ({"headers": "*"}, 200, METHODS),
        ({"headers": ", ".join(REQUEST_HEADERS[:-1])}, 200, METHODS),
        ({}, 403, METHODS),
    ],
    ids=["named", "wildcards", "methods", "origin", "authorization", "header", "status"],
)
async def test_a_preflight_is_read_as_a_browser_reads_it(
    settings: Settings, changes: dict[str, str], status: int, refused: tuple[str, ...]
) -> None:
    headers = {**ALLOWED, **{f"access-control-allow-{k}": v for k, v in changes.items()}, **OSS}

    found = await asked(settings, "cors", httpx.Response(status, headers=headers))

    told = f"The bucket's CORS rules refuse {', '.join(refused)} to pages at {PAGE}."
    assert found.outcome == ("fail" if refused else "warn" if "origin" in changes else "ok")
    assert (found.reason == told) == bool(refused)


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [(", ".join(EXPOSED_HEADERS).lower(), "ok"), ("*", "ok"), ("ETag", "fail"), ("", "fail")],
    ids=["named", "wildcard", "some", "none"],
)
async def test_exposed_headers_are_read_as_a_browser_reads_them(
    settings: Settings, shown: str, outcome: str
) -> None:
    headers = {**OSS, "access-control-expose-headers": shown}

    found = await asked(settings, "exposed_headers", httpx.Response(403, headers=headers))

    assert found.outcome == outcome


APP = "https://app.example.com"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "hide ETag from pages at https://app.example.com."),
        (
            {"upload_hosts": ("https://files.example.com",)},
            "hide ETag from pages at https://app.example.com (upload address"
            " http://web-direct-upload.localhost:9000).",
        ),
    ],
    ids=["one address", "two addresses"],
)
async def test_the_headers_that_each_page_can_read_are_checked(
    settings: Settings, more: dict[str, object], told: str
) -> None:
    settings = settings.model_copy(update={"cors_origins": (APP,), **more})

    def give(request: httpx.Request) -> httpx.Response:
        hidden = "ETag" if request.headers["origin"] == APP else ""
        shown = ", ".join(name for name in EXPOSED_HEADERS if name != hidden)
        return httpx.Response(403, headers={**OSS, "access-control-expose-headers": shown})

    found = await asked(settings, "exposed_headers", give)

    assert (found.outcome, found.reason) == ("fail", f"The bucket's CORS rules {told}")


@pytest.mark.parametrize("echo", [False, True], ids=["asterisk", "echo"])
async def test_cors_rules_for_every_origin_are_a_warning(settings: Settings, echo: bool) -> None:
    def give(request: httpx.Request) -> httpx.Response:
        origin = request.headers["origin"] if echo else "*"
        return httpx.Response(
            200, headers={**ALLOWED, "access-control-allow-origin": origin, **OSS}
        )

    found = await asked(settings, "cors", give)

    assert (found.outcome, found.reason) == (
        "warn",
        "The bucket's CORS rules allow PUT, POST, GET, HEAD, DELETE to pages at every origin.",
    )
    assert found.fix == (
        f"Remove the origin `*` from the rules, and allow only {PAGE} with the rule that"
        f" `ossferry policy cors --origin {PAGE}` prints."
    )


@pytest.mark.parametrize(
    ("options", "origins"),
    [
        ({}, ("http://127.0.0.1:8000", "http://localhost:8000")),
        ({"behind_tls": True}, ("https://127.0.0.1", "https://localhost")),
        (
            {
                "public_url": PAGE,
                "allowed_hosts": ("uploads.example.com",),
                "auth": "jwt",
                "jwt_issuer": "https://id.example.com",
                "jwt_audience": "uploads",
                "jwt_jwks_url": "https://id.example.com/keys",
                "cors_origins": ("https://app.example.com",),
            },
            (PAGE, "https://app.example.com"),
        ),
    ],
    ids=["nothing known", "behind TLS", "with an application"],
)
def test_the_pages_that_upload_are_those_of_the_settings(
    make_settings: MakeSettings, options: dict[str, object], origins: tuple[str, ...]
) -> None:
    server = Server(make_settings(**options), httpx.AsyncClient(), utc_now, create_app)

    assert server.pages == origins
