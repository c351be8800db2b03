"""The guard against requests that another site caused, for each proof of identity."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from starlette.requests import Request

from ossferry.errors import CrossSiteError
from ossferry.http.same_site import Ambient, Guard, always, never, with_cookie
from support.server_fakes import MakeSettings

HOST = "uploads.example.com"
OWN = f"https://{HOST}"
PUBLIC = "https://public.example.com"
APP = "https://app.example.com"

SAME, CROSS, NONE = (("sec-fetch-site", each) for each in ("same-origin", "cross-site", "none"))
BOTH = ("sec-fetch-site", "same-origin, cross-site")
FROM_OWN, FROM_APP, FROM_EVIL = (("origin", each) for each in (OWN, APP, "https://evil.example"))
COOKIE, BASIC = ("cookie", "a=b"), ("authorization", "Basic YTpi")
BEARER = ("authorization", "Bearer token")

ACCEPTED = [
    (never, []),
    (never, [NONE]),
    (never, [SAME, FROM_OWN]),
    (never, [("origin", PUBLIC)]),
    (never, [FROM_APP]),
    (never, [FROM_APP, CROSS]),
    (with_cookie, []),
    (with_cookie, [BEARER, FROM_APP, CROSS]),
    (with_cookie, [COOKIE, SAME]),
    (always, [SAME]),
    (always, [FROM_OWN]),
    (always, [FROM_OWN, SAME]),
    (always, [("origin", PUBLIC)]),
]
REFUSED = [
    (never, [CROSS]),
    (never, [("sec-fetch-site", "same-site")]),
    (never, [("sec-fetch-site", "")]),
    (never, [FROM_EVIL]),
    (never, [FROM_OWN, CROSS]),
    (never, [SAME, CROSS]),
    (never, [CROSS, SAME]),
    (never, [NONE, CROSS]),
    (never, [BOTH]),
    (never, [FROM_APP, FROM_APP]),
    (never, [FROM_APP, FROM_EVIL]),
    (never, [FROM_EVIL, FROM_APP]),
    (never, [FROM_OWN, FROM_EVIL]),
    (never, [FROM_EVIL, FROM_OWN]),
    (with_cookie, [COOKIE, FROM_APP]),
    (with_cookie, [COOKIE, FROM_APP, CROSS]),
    (with_cookie, [COOKIE, BEARER, FROM_APP]),
    (with_cookie, [BASIC, FROM_APP]),
    (with_cookie, [COOKIE]),
    (with_cookie, [BASIC]),
    (always, []),
    (always, [NONE]),
    (always, [FROM_APP]),
    (always, [FROM_APP, SAME]),
    (always, [FROM_OWN, CROSS]),
    (always, [SAME, CROSS]),
    (always, [CROSS, SAME]),
    (always, [SAME, NONE]),
    (always, [BOTH]),
]


@pytest.fixture
def make_guard(make_settings: MakeSettings, keys_file: Path) -> Callable[..., Guard]:
    """Return a function that creates the guard of a server that lets one application in."""
    settings = make_settings(auth="apikey", api_keys_file=keys_file, cors_origins=(APP,))
    settings = settings.model_copy(update={"public_url": PUBLIC})
    return lambda ambient=never: Guard(settings, ambient=ambient)


def request(headers: Sequence[tuple[str, str]]) -> Request:
    fields = [(name.encode(), value.encode()) for name, value in [("host", HOST), *headers]]
    return Request({"type": "http", "scheme": "https", "path": "/", "headers": fields})


def named(value: object) -> str:
    return getattr(value, "__name__", "") or " ".join(text for _, text in value)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("ambient", "headers"), ACCEPTED, ids=named)
def test_t03_our_page_a_program_and_a_listed_application_are_let_in(
    make_guard: Callable[..., Guard], ambient: Ambient, headers: Sequence[tuple[str, str]]
) -> None:
    make_guard(ambient).refuse_other_sites(request(headers))


@pytest.mark.parametrize(("ambient", "headers"), REFUSED, ids=named)
def test_t03_what_another_site_may_have_caused_is_refused(
    make_guard: Callable[..., Guard], ambient: Ambient, headers: Sequence[tuple[str, str]]
) -> None:
    with pytest.raises(CrossSiteError):
        make_guard(ambient).refuse_other_sites(request(headers))


@pytest.mark.parametrize("headers", [[], [SAME], [NONE], [SAME, FROM_EVIL]], ids=named)
def test_t03_a_page_is_opened_by_our_own_link_or_by_hand(
    make_guard: Callable[..., Guard], headers: Sequence[tuple[str, str]]
) -> None:
    make_guard().refuse_links_from_elsewhere(request(headers))


@pytest.mark.parametrize("headers", [[CROSS], [SAME, CROSS], [CROSS, NONE], [BOTH]], ids=named)
def test_t03_a_page_is_not_opened_by_a_link_of_another_site(
    make_guard: Callable[..., Guard], headers: Sequence[tuple[str, str]]
) -> None:
    with pytest.raises(CrossSiteError):
        make_guard().refuse_links_from_elsewhere(request(headers))
