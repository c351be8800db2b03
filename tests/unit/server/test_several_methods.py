"""Several methods of authentication on one server: each request is handled by one of them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.authenticator import Authenticator
from ossferry.authentication.apikey import ApiKeyFile, new_key
from ossferry.authentication.choice import several
from ossferry.authentication.sessions import SESSION_COOKIE, Sessions, SignOuts
from ossferry.errors import NotIdentifiedError, SettingsError
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage
from support.server_fakes import FakeClock, MakeClient, MakeSettings

BASE = "https://uploads.example.com"
PAGE = {"sec-fetch-site": "same-origin", "origin": BASE}
PAGE_HERE = {"sec-fetch-site": "same-origin"}
ISSUER = "http://127.0.0.1:9"
PROVIDER = {
    "oidc_issuer": ISSUER,
    "oidc_client_id": "client",
    "oidc_client_secret": "the-client-secret-at-the-provider",
    "public_url": BASE,
    "allowed_hosts": ("uploads.example.com",),
}
TOKENS = {"jwt_issuer": ISSUER, "jwt_audience": "ossferry", "jwt_jwks_url": f"{ISSUER}/jwks"}
PROXY = {"proxy_secret": "what-only-the-proxy-and-we-know-about"}


@pytest.fixture
def site_settings(make_settings: MakeSettings, keys_file: Path) -> Settings:
    return make_settings(auth=["oidc", "apikey"], api_keys_file=keys_file, **PROVIDER)


@pytest.fixture
def key(site_settings: Settings, keys_file: Path, clock: FakeClock) -> str:
    """The API key of the program `reports`."""
    key = new_key()
    made = ApiKeyFile(keys_file)
    made.add(key, secret=site_settings.secret_bytes, user="reports", created=clock())
    return key.text


@pytest.fixture
def sign_outs(clock: FakeClock) -> SignOuts:
    return SignOuts(MemoryStorage(), None, clock=clock)


@pytest.fixture
def client(make_client: MakeClient, keys_file: Path, sign_outs: SignOuts) -> httpx.Client:
    options = {"auth": ["oidc", "apikey"], "api_keys_file": keys_file, **PROVIDER}
    return make_client(**options, sign_outs=sign_outs, base_url=BASE)


@pytest.fixture
def cookie(site_settings: Settings, sign_outs: SignOuts, clock: FakeClock) -> dict[str, str]:
    """The header with the session cookie of the person Carol."""
    response, carol = Response(), Principal(id="carol", name="Carol")
    asyncio.run(Sessions(site_settings, sign_outs, clock=clock).begin(carol, response))
    return {"cookie": response.headers["set-cookie"].partition(";")[0]}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_key_comes_before_the_session_of_the_browser(
    client: httpx.Client, cookie: dict[str, str], key: str
) -> None:
    answer = client.post("/api/grant", headers={**cookie, **bearer(key)})

    assert answer.json()["principal"] == {"name": "reports"}
    assert "set-cookie" not in answer.headers


def test_who_shows_nothing_is_told_so_and_counts_as_no_guess(client: httpx.Client) -> None:
    answers = [client.post("/api/grant") for _ in range(40)]

    assert {(each.status_code, each.json()["detail"]) for each in answers} == {
        (401, "Please sign in, or send a bearer token.")
    }


def test_the_page_offers_the_sign_in_page(
    client: httpx.Client, cookie: dict[str, str], clock: FakeClock
) -> None:
    stranger = client.get("/")

    assert (stranger.status_code, stranger.headers["location"]) == (303, "/login")
    assert client.get("/login").status_code == 200
    assert client.get("/", headers=cookie).text.startswith("<html")
    clock.advance(3601)
    assert client.get("/", headers=cookie).headers["location"] == "/login"


def test_another_page_leads_to_the_sign_in_page_only_without_a_key(client: httpx.Client) -> None:
    html = {"accept": "text/html"}
    stranger = client.get("/form/arrived", headers=html)
    program = client.get("/form/arrived", headers={**html, **bearer("a.b.c")})
    script = client.get("/form/arrived")

    assert (stranger.status_code, stranger.headers["location"]) == (303, "/login")
    assert (program.status_code, script.status_code) == (401, 401)


def test_a_session_is_renewed_and_ended_as_usual(
    client: httpx.Client, cookie: dict[str, str], clock: FakeClock
) -> None:
    clock.advance(1000)
    renewed = [
        client.request(method, path, headers={**cookie, **PAGE})
        for method, path in (
            ("POST", "/api/grant"),
            ("GET", "/get_sts_token"),
            ("POST", "/api/form"),
            ("GET", "/form"),
            ("GET", "/"),
        )
    ]
    out = client.post("/logout", headers={**cookie, **PAGE})

    assert all(SESSION_COOKIE in each.headers["set-cookie"] for each in renewed)
    assert out.status_code == 204
    assert client.post("/api/grant", headers={**cookie, **PAGE}).status_code == 401


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        ("apikey", ("apikey",)),
        ('["apikey"]', ("apikey",)),
        ('["oidc", "apikey"]', ("oidc", "apikey")),
    ],
)
def test_one_word_or_a_list_names_the_methods(
    make_settings: MakeSettings, keys_file: Path, text: str, methods: tuple[str, ...]
) -> None:
    settings = make_settings(auth=text, api_keys_file=keys_file, **PROVIDER)

    assert settings.auth == methods


@pytest.mark.parametrize(
    ("auth", "changes", "sentence"),
    [
        ("nobody", {}, "OSSFERRY_AUTH: must be 'demo', 'apikey', 'jwt', 'oidc', 'proxy' or 'app'."),
        ("[]", {}, "OSSFERRY_AUTH: must have at least 1 item."),
        (
            "[oidc]",
            {},
            'OSSFERRY_AUTH: must be one word, or a list in JSON such as ["oidc", "apikey"].',
        ),
        ('["jwt", "jwt"]', TOKENS, "OSSFERRY_AUTH: must name each method once."),
        (
            '["demo", "apikey"]',
            {},
            "OSSFERRY_AUTH must not combine demo with others: it lets anyone in.",
        ),
        (
            '["app", "apikey"]',
            {},
            "OSSFERRY_AUTH must not combine app with others: the application identifies everybody.",
        ),
        (
            '["apikey", "proxy"]',
            {"proxy_secret": None},
            "OSSFERRY_PROXY_SECRET is missing: OSSFERRY_AUTH=proxy needs it.",
        ),
        (
            '["oidc", "apikey"]',
            {"cors_origins": ("https://app.example.com",)},
            "OSSFERRY_CORS_ORIGINS needs OSSFERRY_AUTH=apikey or jwt: other ways rest on what a"
            " browser sends by itself.",
        ),
    ],
    ids=["unknown", "empty", "no JSON", "twice", "demo", "app", "option missing", "other sites"],
)
def test_methods_that_cannot_be_used_are_one_sentence(
    make_settings: MakeSettings,
    keys_file: Path,
    auth: str,
    changes: dict[str, object],
    sentence: str,
) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(auth=auth, api_keys_file=keys_file, **{**PROVIDER, **PROXY, **changes})

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("auth", "other_issuer", "may"),
    [
        (["oidc", "jwt"], False, True),
        (["oidc", "jwt"], True, False),
        (["oidc", "proxy"], False, False),
        (["jwt", "proxy"], False, False),
        (["jwt", "oidc", "proxy"], False, False),
        (["apikey", "proxy"], False, True),
        (["apikey", "jwt", "oidc"], False, True),
    ],
    ids=str,
)
def test_t12_two_sources_of_ids_may_not_share_the_folders(
    make_settings: MakeSettings, keys_file: Path, auth: list[str], other_issuer: bool, may: bool
) -> None:
    tokens = {**TOKENS, **({"jwt_issuer": "https://other.example.com"} if other_issuer else {})}

    def load() -> Settings:
        return make_settings(auth=auth, api_keys_file=keys_file, **PROVIDER, **PROXY, **tokens)

    if may:
        assert load().auth == tuple(auth)
    else:
        with pytest.raises(SettingsError, match="two people could have the same id"):
            load()


def test_a_key_is_told_from_a_token_by_its_first_letters(
    make_client: MakeClient, keys_file: Path, key: str
) -> None:
    with make_client(auth=["apikey", "jwt"], api_keys_file=keys_file, **TOKENS) as client:
        program = client.post("/api/grant", headers=bearer(key))
        token = client.post("/api/grant", headers=bearer("a.b.c"))

    assert program.json()["principal"] == {"name": "reports"}
    assert (token.status_code, token.json()["code"]) == (503, "issuer-unavailable")
    assert json.loads(keys_file.read_text())["keys"][0]["user"] == "reports"


def test_a_person_is_known_beside_programs_with_tokens(
    make_client: MakeClient, sign_outs: SignOuts, cookie: dict[str, str]
) -> None:
    options = {"auth": ["oidc", "jwt"], **PROVIDER, **TOKENS}
    client = make_client(**options, sign_outs=sign_outs, base_url=BASE)
    answer = client.post("/api/grant", headers={**cookie, **PAGE})

    assert answer.json()["principal"] == {"name": "Carol"}


@pytest.mark.parametrize(
    ("headers", "status", "detail"),
    [
        ({"x-forwarded-user": "", "x-proxy-secret": ""}, 401, "Please sign in"),
        ({"x-forwarded-for": "192.0.2.1"}, 401, "Please sign in"),
        ({"x-forwarded-user": "carol"}, 401, "The reverse proxy did not identify the user."),
        ({"x_forwarded_user": "carol"}, 400, "A header of the reverse proxy occurs more than"),
        ({"x-proxy_secret": "guess"}, 400, "A header of the reverse proxy occurs more than"),
    ],
    ids=["signed out", "other headers", "no secret", "underscores", "mixed"],
)
def test_the_proxy_handles_requests_with_its_headers_in_any_spelling(
    make_client: MakeClient, keys_file: Path, headers: dict[str, str], status: int, detail: str
) -> None:
    with make_client(auth=["apikey", "proxy"], api_keys_file=keys_file, **PROXY) as client:
        answer = client.post("/api/grant", headers={**headers, **PAGE_HERE})

    assert (answer.status_code, answer.json()["detail"][: len(detail)]) == (status, detail)


REQUEST = Request({"type": "http", "headers": []})


def method(name: str, *, carries: bool = False, **options: Any) -> Authenticator:
    """Return a method that identifies nobody, and offers a sign-in page named after it."""

    async def identify(_request: Request) -> Principal:
        raise NotIdentifiedError(name)

    return Authenticator(
        identify=identify,
        ambient=lambda request: request is REQUEST,
        carries=lambda request: carries and request is REQUEST,
        sign_in=lambda _request: Response(name),
        **options,
    )


@pytest.mark.parametrize(("carries", "sign_in_page"), [(False, b"first"), (True, b"second")])
async def test_the_method_of_a_proof_offers_its_own_sign_in_page(
    carries: bool, sign_in_page: bytes
) -> None:
    both = several([method("first"), method("second", carries=carries)])

    offered = await both.welcome(REQUEST)

    assert offered is not None
    assert offered.body == sign_in_page
    assert both.ambient(REQUEST) is carries


@pytest.mark.parametrize("option", ["expensive", "signs_out"])
@pytest.mark.parametrize("value", [False, True])
def test_one_method_is_enough_to_be_expensive_or_to_sign_out(option: str, value: bool) -> None:
    both = several([method("first"), method("second", **{option: value})])

    assert getattr(both, option) is value


async def test_all_methods_are_closed_even_if_one_cannot_be() -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("one")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await several([method(name, close=close) for name in ("first", "second")]).close()

    assert closed == ["one", "one"]


async def test_a_method_that_does_not_say_what_it_carries_handles_every_request() -> None:
    plain = method("plain")
    every = Authenticator(identify=plain.identify, ambient=plain.ambient)

    with pytest.raises(NotIdentifiedError, match="plain"):
        await several([every, method("other", carries=True)]).identify(REQUEST)
