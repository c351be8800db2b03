"""Attacks on authentication: forged tokens, guessed keys, foreign cookies."""

import asyncio
import base64

from attacks.attempt import Attempt, Try, attempts
from attacks.over_http import PAGE
from attacks.worlds import PROXY_SECRET, Worlds, session
from ossferry.authentication.apikey_format import new_key, parse_key
from ossferry.authentication.jwks import Jwks
from ossferry.authentication.sessions import SESSION_COOKIE
from ossferry.authentication.tokens import TokenVerifier
from ossferry.clock import monotonic, utc_now
from ossferry.errors import NotIdentifiedError
from support.fake_issuer import CLIENT_ID
from support.forged_tokens import FORGED, ISSUER


def verify(token: str) -> dict[str, object]:
    """Return the claims of a token, verified as the server does."""

    async def keys() -> dict[str, object]:
        return ISSUER.jwks()

    verifier = TokenVerifier(
        Jwks(keys, monotonic=monotonic), issuer=ISSUER.url, audience=CLIENT_ID, clock=utc_now
    )
    return asyncio.run(verifier.claims(token))


def _forged(name: str) -> Try:
    def attempt(_worlds: Worlds) -> bool:
        try:
            verify(FORGED[name]())
        except NotIdentifiedError:
            return True
        return False

    return attempt


LOOK_ALIKES = (
    "\uff45ve",  # full width
    "e\u0301ve",  # decomposed accent
    "\ufb01ona",  # a ligature
    "\u212bsa",  # the angstrom sign
    "ev\u1d49",  # superscript
    "\u2168",  # a Roman numeral
    "eve\u00a0",  # a no-break space
    "e\u200bve",  # a zero-width space
)


def _token_of(subject: str) -> Try:
    """Return an attempt to impersonate somebody by a token with a look-alike subject."""

    def attempt(_worlds: Worlds) -> bool:
        try:
            verify(ISSUER.token(sub=subject))
        except NotIdentifiedError:
            return True
        return False

    return attempt


def _behind_proxy(user: str) -> Try:
    """Return an attempt to impersonate somebody by a look-alike user id in the proxy's header."""
    named = ("x-forwarded-user", user.encode().decode("latin-1"))
    headers = (*PAGE, ("x-proxy-secret", PROXY_SECRET), named)
    return lambda worlds: worlds["proxy"].gets_nothing("POST", "/api/grant", headers)


def _key(change: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        world = worlds["apikey"]
        text = {
            "another": new_key().text,
            "shorter": world.key[:-1],
            "longer": world.key + "a",
            "upper": world.key.upper(),
            "id only": world.key[:12],
            "other checksum": world.key[:-1] + ("a" if world.key[-1] != "a" else "b"),
            "own id, other key": world.key[:13] + new_key().text[13:],
            "own id, other key, good checksum": with_own_id(world.key),
            "quoted": f'"{world.key}"',
            "two": f"{world.key} {world.key}",
            "list": f"{world.key},{world.key}",
            "base64": base64.b64encode(world.key.encode()).decode(),
            "hash": "0" * 64,
            "empty": "",
        }[change]
        return world.gets_nothing("POST", "/api/grant", (("authorization", f"Bearer {text}"),))

    return attempt


KEY_CHANGES = (
    "another",
    "shorter",
    "longer",
    "upper",
    "id only",
    "other checksum",
    "own id, other key",
    "own id, other key, good checksum",
    "quoted",
    "two",
    "list",
    "base64",
    "hash",
    "empty",
)


def with_own_id(key: str) -> str:
    """Return another API key with the same id and a valid checksum."""
    id_bytes = base64.b32decode(key[4:12].upper())
    chance = iter((id_bytes, b"\x01" * 16))
    made = new_key(lambda _count: next(chance)).text
    assert parse_key(made) is not None
    return made


def _placed(header: str, form: str) -> Try:
    """Return an attempt to use a valid API key in the wrong header."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["apikey"]
        return world.gets_nothing("POST", "/api/grant", ((header, form.format(world.key)),))

    return attempt


def _in_query(worlds: Worlds) -> bool:
    world = worlds["apikey"]
    return world.gets_nothing("POST", f"/api/grant?access_token={world.key}&key={world.key}")


def _cookie(change: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        world = worlds["oidc"]
        good = world.cookie
        payload, _, rest = good.partition(".")
        text = {
            "empty": "",
            "cut": good[:-1],
            "other signature": good[:-4] + "AAAA",
            "other payload": f"{payload[:-2]}AA.{rest}",
            "payload of another": base64.urlsafe_b64encode(b'["x",0,"root","Root"]').decode()
            + f".{rest}",
            "no signature": payload,
            "twice": f"{good}.{good}",
            "long": good * 100,
            "null": "null",
            "sign-in cookie": "",
        }[change]
        name = "__Host-ossferry_login" if change == "sign-in cookie" else SESSION_COOKIE
        value = good if change == "sign-in cookie" else text
        return world.gets_nothing("POST", "/api/grant", (*PAGE, ("cookie", f"{name}={value}")))

    return attempt


COOKIE_CHANGES = (
    "empty",
    "cut",
    "other signature",
    "other payload",
    "payload of another",
    "no signature",
    "twice",
    "long",
    "null",
    "sign-in cookie",
)


def _after_sign_out(worlds: Worlds) -> bool:
    world = worlds["oidc"]
    copy = (session(world), *PAGE)
    return (
        world.ask("POST", "/logout", copy).status_code == 204
        and world.gets_nothing("POST", "/api/grant", copy)
        and world.gets_nothing("GET", "/get_sts_token", copy)
    )


def _callback(query: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        world = worlds["oidc"]
        answer = world.ask("GET", f"/login/callback{query}", (session(world),))
        return answer.status_code >= 400 and SESSION_COOKIE not in str(answer.headers)

    return attempt


def _guesses(worlds: Worlds) -> bool:
    world = worlds["slow down"]
    wrong = (("authorization", f"Bearer {new_key().text}"),)
    statuses = [world.ask("POST", "/api/grant", wrong).status_code for _ in range(12)]
    return statuses[:5] == [401] * 5 and set(statuses[5:]) == {429}


CALLBACKS = (
    "",
    "?code=x",
    "?state=x",
    "?code=x&state=y",
    "?code=&state=",
    "?code=x&state=y&state=z",
    "?error=access_denied",
    "?code=x&code=y&state=z",
    "?id_token=x&state=y",
)

BAD_KEY = ("authorization", f"Bearer {new_key().text}")
BASIC = ("authorization", "Basic YTpi")
ELSEWHERE = (("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"))
PROXIED = (("x-forwarded-user", "carol"), ("x-proxy-secret", PROXY_SECRET))


def _with_session(*headers: tuple[str, str]) -> Try:
    """Return an attempt to use a session on a server that also accepts API keys."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["people and programs"]
        return world.gets_nothing("POST", "/api/grant", (session(world), *headers))

    return attempt


def _through_proxy(*headers: tuple[str, str]) -> Try:
    """Return an attempt to use a proxy's sign-in on a server that also accepts API keys."""
    return lambda worlds: worlds["proxy and programs"].gets_nothing("POST", "/api/grant", headers)


ATTEMPTS: list[Attempt] = [
    *attempts(
        "T12",
        [
            *((f"token of {who!a}", _token_of(who)) for who in LOOK_ALIKES),
            *((f"proxy names {who!a}", _behind_proxy(who)) for who in LOOK_ALIKES),
        ],
    ),
    *attempts("T21", [(name, _forged(name)) for name in FORGED]),
    *attempts("T20", [*((change, _key(change)) for change in KEY_CHANGES), ("guesses", _guesses)]),
    *attempts(
        "T01",
        [
            ("key in the query", _in_query),
            ("basic", _placed("authorization", "Basic {}")),
            ("token", _placed("authorization", "Token {}")),
            ("bare", _placed("authorization", "{}")),
            ("x-api-key", _placed("x-api-key", "{}")),
            ("proxy-authorization", _placed("proxy-authorization", "Bearer {}")),
            ("cookie", _placed("cookie", "authorization=Bearer {}")),
        ],
    ),
    *attempts("T18", [*((change, _cookie(change)) for change in COOKIE_CHANGES)]),
    *attempts("T04", [(query or "nothing", _callback(query)) for query in CALLBACKS]),
    *attempts("T18", [("copy of a cookie after sign-out", _after_sign_out)]),
    *attempts(
        "T03",
        [
            ("session and API keys: another site", _with_session(*ELSEWHERE)),
            ("session and API keys: nothing shows the site", _with_session()),
            ("session and API keys: another site, basic", _with_session(BASIC, *ELSEWHERE)),
            ("session and API keys: nothing shows the site, basic", _with_session(BASIC)),
            ("session and API keys: another site, a wrong key", _with_session(BAD_KEY, *ELSEWHERE)),
            ("proxy and API keys: another site", _through_proxy(*PROXIED, *ELSEWHERE)),
            ("proxy and API keys: nothing shows the site", _through_proxy(*PROXIED)),
            ("proxy and API keys: basic", _through_proxy(*PROXIED, BASIC)),
        ],
    ),
    *attempts(
        "T20",
        [
            ("a wrong key with a session", _with_session(BAD_KEY, *PAGE)),
            ("a wrong key and basic, with a session", _with_session(BASIC, BAD_KEY, *PAGE)),
            ("an empty key with a session", _with_session(("authorization", "Bearer "), *PAGE)),
            ("a wrong key through the proxy", _through_proxy(BAD_KEY, *PROXIED, *PAGE)),
        ],
    ),
    *attempts(
        "T50",
        [
            ("beside API keys: no secret", _through_proxy(PROXIED[0], *PAGE)),
            (
                "beside API keys: another spelling",
                _through_proxy(("x_forwarded_user", "root"), PROXIED[1], *PAGE),
            ),
        ],
    ),
]
