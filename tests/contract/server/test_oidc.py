"""Sign-in with an OpenID provider, against a small real provider over loopback.

The test acts as the browser: it keeps cookies and follows redirects one at a time.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ossferry.access.audit import Audit
from ossferry.app import create_app
from ossferry.identity.owner import principal_prefix
from ossferry.identity.principal import Principal
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.after_upload import impatient_ledgers, locked
from support.app_client import app_client
from support.cookies import is_signed_for
from support.fake_issuer import CLIENT_ID, CLIENT_SECRET, FakeIssuer
from support.rate_windows import Seconds
from support.server_fakes import OBJECTS, OPTIONS, FakeClock, FakeStore, FakeSts
from support.serving import serve

BASE = "https://uploads.example.com"
FROM_PAGE = {"sec-fetch-site": "same-origin", "origin": BASE}
SESSION = "__Host-ossferry_session"
LOGIN = "__Host-ossferry_login"


@pytest.fixture
def clock() -> FakeClock:
    """A clock that starts at the real time, as the provider's tokens do."""
    clock = FakeClock()
    clock.catch_up()
    return clock


def openid_options(issuer: FakeIssuer) -> dict[str, object]:
    return {
        "auth": "oidc",
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "public_url": BASE,
        "allowed_hosts": ("uploads.example.com",),
    }


@pytest.fixture
def settings(issuer: FakeIssuer, web_dir: Path) -> Settings:
    options = {**OPTIONS, **openid_options(issuer), "web_dir": web_dir}
    return load_settings(ExplicitSettings, **options)


At = Callable[..., httpx.Client]


@pytest.fixture
def at(settings: Settings, clock: FakeClock) -> At:
    """Return a function that creates a client of a server with these changes of the settings."""

    def make(monotonic: Callable[[], float] = time.monotonic, **changes: object) -> httpx.Client:
        changed = load_settings(ExplicitSettings, **{**settings.model_dump(), **changes})
        store = FakeStore() if changed.objects_role_arn else None
        sts = FakeSts(clock)
        app = create_app(changed, assume_role=sts, clock=clock, store=store, monotonic=monotonic)
        return app_client(app, BASE)

    return make


@pytest.fixture
def person(at: At) -> Iterator[httpx.Client]:
    with at() as client:
        yield client


def come_back(person: httpx.Client) -> str:
    """Begin to sign in, and return the URL to which the provider redirects the browser."""
    there = person.get("/login/start").headers["location"]
    return str(httpx.get(there, trust_env=False).headers["location"])


def sign_in(person: httpx.Client) -> httpx.Response:
    return person.get(come_back(person))


def grant(person: httpx.Client) -> httpx.Response:
    return person.post("/api/grant", headers=FROM_PAGE)


def test_a_person_signs_in_and_gets_a_grant(person: httpx.Client) -> None:
    sent_on = person.get("/")
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/login")
    assert '<a href="/login/start">' in person.get("/login").text
    assert grant(person).status_code == 401

    back = sign_in(person)

    assert (back.status_code, back.headers["location"]) == (303, "/")
    assert person.get("/").text.startswith("<html")
    assert grant(person).json()["principal"] == {"name": "Carol"}
    assert "sign-out" in grant(person).json()["features"]


def test_t03_the_session_cookie_is_for_this_host_and_no_script(person: httpx.Client) -> None:
    cookies = sign_in(person).headers.get_list("set-cookie")

    session = next(cookie for cookie in cookies if cookie.startswith(SESSION))
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(session.split("; "))
    assert "Domain" not in session
    attempt = next(cookie for cookie in cookies if cookie.startswith(LOGIN))
    assert attempt.startswith(f'{LOGIN}=""; HttpOnly; Max-Age=0;')


def test_t04_what_goes_to_the_provider_is_bound_and_fresh(person: httpx.Client) -> None:
    answers = [person.get("/login/start") for _ in "12"]
    first, second = (parse_qs(urlsplit(each.headers["location"]).query) for each in answers)

    assert "Max-Age=600;" in answers[0].headers["set-cookie"]
    assert (first["client_id"], first["scope"]) == ([CLIENT_ID], ["openid profile"])
    assert first["redirect_uri"] == [f"{BASE}/login/callback"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["response_type"] == ["code"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 43


@pytest.mark.parametrize("forgets", [False, True], ids=["strict provider", "lax provider"])
def test_t04_a_callback_counts_once(
    person: httpx.Client, issuer: FakeIssuer, forgets: bool
) -> None:
    issuer.takes_codes_twice = forgets
    address = come_back(person)
    attempt = person.cookies[LOGIN]
    assert person.get(address).status_code == 303

    again = person.get(address, headers={"cookie": f"{LOGIN}={attempt}"})

    assert again.status_code == 400
    assert again.json()["detail"] == "This sign-in was already used. Please start again."
    assert "set-cookie" not in again.headers


NOT_STARTED = "This sign-in was not started here. Please start again."
REFUSED = "The provider refused the sign-in. Please start again."
NOT_ACCEPTED = "The provider did not accept the sign-in. Please start again."


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda address: address.replace("state=", "state=x"), NOT_STARTED),
        (lambda address: address.partition("&state")[0], REFUSED),
        (lambda address: address + "&state=x", REFUSED),
        (lambda address: address.replace("code=", "code=x"), NOT_ACCEPTED),
        (lambda address: address.replace("code=", f"code={'x' * 4074}"), NOT_ACCEPTED),
        (lambda address: address.replace("code=", f"code={'x' * 4075}"), REFUSED),
        (lambda address: address.replace("code=", "code=&kode="), REFUSED),
        (lambda address: address.replace("code=", "kode="), REFUSED),
        (lambda address: address.partition("?")[0] + "?error=access_denied&state=x", REFUSED),
    ],
    ids=[
        "foreign state",
        "no state",
        "two states",
        "foreign code",
        "longest code",
        "too long code",
        "empty code",
        "no code",
        "error",
    ],
)
def test_t04_a_callback_that_does_not_fit_opens_no_session(
    person: httpx.Client, change: Callable[[str], str], told: str
) -> None:
    answer = person.get(change(come_back(person)))

    assert (answer.status_code, answer.json()["detail"]) == (400, told)
    assert SESSION not in person.cookies


def asked_behind_proxy(person: httpx.Client, path: str, address: str) -> list[int]:
    """Send four requests through a trusted proxy, and return their statuses."""
    headers = {"x-forwarded-for": address, "x-forwarded-proto": "https"}
    return [person.get(path, headers=headers).status_code for _ in range(4)]


BEHIND_PROXY = {"behind_tls": True, "trusted_proxies": ("192.0.2.0/24",)}
UNKNOWN = "/login/callback?code=x&state=y"


@patch("ossferry.access.rate_limits.FAILURES", "3/minute")
def test_t22_failed_sign_ins_of_one_address_are_held_against_no_other(at: At) -> None:
    with at(**BEHIND_PROXY) as person:
        failed = asked_behind_proxy(person, UNKNOWN, "203.0.113.1")
        others = asked_behind_proxy(person, UNKNOWN, "203.0.113.2")
        started, refused = (
            asked_behind_proxy(person, "/login/start", f"203.0.113.{last}") for last in (3, 1)
        )

    assert failed == others == [400, 400, 400, 429]
    assert (started, refused) == ([303] * 4, [429] * 4)


@pytest.mark.parametrize("path", ["/login/start", UNKNOWN])
def test_t22_requests_of_one_address_to_sign_in_are_held_against_no_other(
    at: At, path: str
) -> None:
    with at(**BEHIND_PROXY, rate_per_address="3/minute") as person:
        found = [
            asked_behind_proxy(person, path, address) for address in ("203.0.113.1", "203.0.113.2")
        ]

    assert [[status == 429 for status in each] for each in found] == [[False] * 3 + [True]] * 2


@patch("ossferry.access.rate_limits.FAILURES", "3/minute")
def test_t22_after_failed_sign_ins_the_provider_is_not_asked(at: At, issuer: FakeIssuer) -> None:
    with at() as person:
        valid = come_back(person)
        attempt = dict(person.cookies)
        person.cookies.clear()
        failed = [person.get(UNKNOWN).status_code for _ in range(3)]
        person.cookies.update(attempt)
        issuer.asked.clear()
        refused = person.get(valid)

    assert (failed, refused.status_code) == ([400] * 3, 429)
    assert issuer.asked == []


def test_t04_a_callback_in_another_browser_opens_no_session(person: httpx.Client) -> None:
    address = come_back(person)
    person.cookies.clear()

    answer = person.get(address)

    assert (answer.status_code, answer.json()["detail"]) == (400, NOT_STARTED)


def test_t18_the_cookie_of_an_attempt_is_signed_for_sign_ins_only(
    person: httpx.Client, settings: Settings
) -> None:
    come_back(person)

    assert is_signed_for("login", person.cookies[LOGIN], secret=settings.secret_bytes)


def test_t04_an_attempt_waits_ten_minutes_and_no_longer(
    person: httpx.Client, clock: FakeClock
) -> None:
    address = come_back(person)
    clock.advance(601)

    assert person.get(address).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": "änother"},
        {"nonce": "\ud800"},
        {"nonce": 5},
        {"aud": "another"},
        {"sub": ""},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_t04_t21_a_token_for_something_else_opens_no_session(
    person: httpx.Client, issuer: FakeIssuer, changes: dict[str, Any]
) -> None:
    issuer.changes = changes

    answer = sign_in(person)

    assert answer.status_code == 401
    assert answer.json()["detail"] in {
        "The ID token belongs to another sign-in.",
        "The token is not valid.",
        "The token has no valid subject.",
    }
    assert SESSION not in person.cookies


def test_a_token_without_a_name_shows_its_subject(person: httpx.Client, issuer: FakeIssuer) -> None:
    issuer.changes = {"name": None}
    sign_in(person)

    assert grant(person).json()["principal"] == {"name": "carol-1"}


def test_t18_signing_in_begins_a_new_session(person: httpx.Client) -> None:
    sign_in(person)
    first = person.cookies[SESSION]
    sign_in(person)

    assert person.cookies[SESSION] != first


def test_t18_every_page_that_is_used_prolongs_a_session(
    at: At, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    with at(**OBJECTS, database_url=f"sqlite:///{tmp_path}/ledger.db") as person:
        sign_in(person)
        first = person.cookies[SESSION]
        clock.advance(settings.login_idle_s // 2)
        answer = person.get("/api/objects", headers=FROM_PAGE)

        assert answer.status_code == 200
        assert person.cookies[SESSION] != first


def test_t18_after_signing_out_a_copy_of_the_cookie_is_void(person: httpx.Client) -> None:
    sign_in(person)
    copy = person.cookies[SESSION]

    answer = person.post("/logout", headers=FROM_PAGE)

    assert (answer.status_code, answer.headers["clear-site-data"]) == (204, '"cache"')
    assert SESSION not in person.cookies
    stolen = person.post("/api/grant", headers={**FROM_PAGE, "cookie": f"{SESSION}={copy}"})
    assert stolen.status_code == 401


@pytest.fixture
def serve_anew(at: At) -> Callable[..., httpx.Client]:
    """Return a function that starts another server with the same secret; `ledger` is optional."""

    def start(ledger: Path | None = None) -> httpx.Client:
        return at(**OBJECTS, database_url=f"sqlite:///{ledger}") if ledger else at()

    return start


def with_cookie(client: httpx.Client, cookie: str) -> int:
    """Request a grant with a copy of a cookie, and return the status."""
    client.cookies.clear()
    headers = {**FROM_PAGE, "cookie": f"{SESSION}={cookie}"}
    return client.post("/api/grant", headers=headers).status_code


@pytest.mark.parametrize("has_ledger", [True, False], ids=["ledger", "no ledger"])
def test_t18_a_sign_out_lasts_over_a_restart(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path, has_ledger: bool
) -> None:
    ledger = tmp_path / "ledger.db" if has_ledger else None
    with serve_anew(ledger) as person:
        sign_in(person)
        copy = person.cookies[SESSION]
        assert person.post("/logout", headers=FROM_PAGE).status_code == 204

    with serve_anew(ledger) as person:
        assert with_cookie(person, copy) == 401


@pytest.mark.parametrize("has_ledger", [True, False], ids=["ledger", "no ledger"])
def test_t18_a_sign_out_outlasts_later_ones(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path, clock: FakeClock, has_ledger: bool
) -> None:
    with serve_anew(tmp_path / "ledger.db" if has_ledger else None) as person:
        sign_in(person)
        copy = person.cookies[SESSION]
        for _ in range(3):
            assert person.post("/logout", headers=FROM_PAGE).status_code == 204
            clock.advance(10)
            sign_in(person)

        assert with_cookie(person, copy) == 401


def test_with_a_ledger_sessions_outlive_a_restart_and_without_one_they_do_not(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    statuses = []
    for ledger in (tmp_path / "ledger.db", None):
        with serve_anew(ledger) as person:
            sign_in(person)
            cookie = person.cookies[SESSION]
        with serve_anew(ledger) as person:
            statuses.append(with_cookie(person, cookie))

    assert statuses == [200, 401]


def test_sessions_of_a_process_that_is_gone_are_no_guesses(
    serve_anew: Callable[..., httpx.Client],
) -> None:
    with serve_anew() as person:
        sign_in(person)
        cookie = person.cookies[SESSION]

    with serve_anew() as person:
        assert {with_cookie(person, cookie) for _ in range(40)} == {401}
        assert sign_in(person).status_code == 303


def test_t18_a_sign_out_in_one_process_counts_in_another(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    with serve_anew(ledger) as one, serve_anew(ledger) as another:
        sign_in(one)
        copy = one.cookies[SESSION]
        assert with_cookie(another, copy) == 200
        one.post("/logout", headers=FROM_PAGE)

        assert with_cookie(another, copy) == 401


def test_a_sign_out_that_cannot_be_remembered_is_none(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    with impatient_ledgers(), serve_anew(ledger) as person:
        sign_in(person)
        person.post("/api/grant", headers=FROM_PAGE)  # opens the ledger, which needs its lock once
        with locked(f"sqlite:///{ledger}"):
            answer = person.post("/logout", headers=FROM_PAGE)

        assert (answer.status_code, answer.json()["code"]) == (503, "ledger-unavailable")
        assert "set-cookie" not in answer.headers
        assert person.post("/logout", headers=FROM_PAGE).status_code == 204


def test_while_the_ledger_is_away_the_page_is_shown_and_nothing_handed_out(
    serve_anew: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    with serve_anew(ledger) as person:
        sign_in(person)
        cookie = person.cookies[SESSION]
    ledger.write_bytes(b"no database" * 1000)

    with serve_anew(ledger) as person:
        person.cookies.clear()
        page = person.get("/", headers={"cookie": f"{SESSION}={cookie}"})
        status = with_cookie(person, cookie)

    assert (page.status_code, page.text[:5], status) == (200, "<html", 503)


def test_a_provider_that_is_down_is_told_as_such(at: At) -> None:
    with at(oidc_issuer="http://127.0.0.1:9") as client:
        answer = client.get("/login/start")

    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
    assert answer.headers["retry-after"] == "2"


def test_an_issuer_that_calls_itself_otherwise_is_told_before_anybody_leaves_for_it(
    at: At, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    with at(oidc_issuer=f"{issuer.url}/") as client:
        answer = client.get("/login/start")

    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
    assert '"reason": "other-issuer"' in caplog.text


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url", [None, "https://127.0.0.1:9/", "javascript:", "http://", "http://[::1", "http://x:port/"]
)
def test_an_endpoint_that_is_missing_or_invalid_or_of_another_scheme_is_not_used(
    person: httpx.Client,
    issuer: FakeIssuer,
    caplog: pytest.LogCaptureFixture,
    name: str,
    url: str | None,
) -> None:
    issuer.discovered = {name: url}

    answer = person.get("/login/start")

    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
    assert '"reason": "unreadable"' in caplog.text


@pytest.mark.parametrize("status", [500, 503, 302])
def test_a_token_endpoint_that_fails_is_told_as_such(
    person: httpx.Client, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    issuer.token_status = status

    answer = sign_in(person)

    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
    assert f'"reason": "status-{status}"' in caplog.text


def test_an_issuer_may_end_with_a_slash(at: At) -> None:
    issuer = FakeIssuer()
    with serve(issuer.app()) as url:
        issuer.url = f"{url}/"
        with at(oidc_issuer=issuer.url) as person:
            assert sign_in(person).status_code == 303


def test_t25_signing_in_and_out_leaves_a_line_each_and_so_do_failures(
    settings: Settings, clock: FakeClock
) -> None:
    lines: list[dict[str, str]] = []
    audit = Audit(settings, clock=clock, sink=lines.append)
    app = create_app(settings, assume_role=FakeSts(clock), clock=clock, audit=audit)
    with app_client(app, BASE) as person:
        person.get("/login/callback?code=x&state=y")
        sign_in(person)
        person.post("/logout", headers={"sec-fetch-site": "cross-site"})
        person.post("/logout", headers=FROM_PAGE)
        person.post("/logout", headers=FROM_PAGE)

    assert [(line["action"], line["outcome"], bool(line["principal"])) for line in lines] == [
        ("sign-in", "bad-request", False),
        ("sign-in", "done", True),
        ("sign-out", "cross-site", False),
        ("sign-out", "done", True),
        ("sign-out", "not-identified", False),
    ]
    assert "carol" not in str(lines).lower()


# Bearer tokens of an issuer, whose keys the server fetches


@pytest.fixture
def ticks() -> Seconds:
    """The monotonic clock of the server."""
    return Seconds()


@pytest.fixture
def program(at: At, issuer: FakeIssuer, ticks: Seconds) -> Iterator[httpx.Client]:
    """A client without cookies, for a server that takes tokens of the issuer."""
    options = {"jwt_issuer": issuer.url, "jwt_audience": CLIENT_ID}
    with at(auth="jwt", jwt_jwks_url=f"{issuer.url}/jwks", monotonic=ticks, **options) as client:
        yield client


def granted_for(token: str, program: httpx.Client) -> httpx.Response:
    return program.post("/api/grant", headers={"authorization": f"Bearer {token}"})


def test_a_token_of_the_issuer_gets_a_grant_for_its_subject(
    program: httpx.Client, issuer: FakeIssuer, settings: Settings
) -> None:
    answer = granted_for(issuer.token(), program)

    carol = Principal(id="carol-1", name="Carol")
    assert answer.status_code == 200
    assert answer.json()["principal"] == {"name": "Carol"}
    assert answer.json()["prefix"] == principal_prefix(carol, secret=settings.secret_bytes)
    assert issuer.asked == ["/jwks"]


def test_a_token_ends_by_the_clock_of_the_server(
    program: httpx.Client, issuer: FakeIssuer, clock: FakeClock
) -> None:
    token = issuer.token()
    assert granted_for(token, program).status_code == 200

    clock.advance(600)

    assert granted_for(token, program).status_code == 401


def test_keys_are_fetched_again_by_the_monotonic_clock(
    program: httpx.Client, issuer: FakeIssuer, ticks: Seconds
) -> None:
    for wait_s in (0, 60, 3600):
        ticks.now += wait_s
        assert granted_for(issuer.token(), program).status_code == 200

    assert issuer.asked == ["/jwks"] * 2
