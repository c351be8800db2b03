"""Attacks on authentication: forged tokens, guessed keys, foreign cookies."""

import asyncio
import base64
import re
from collections.abc import Callable

from attacks.attempt import Attempt, Try, asks, attempts, raises, with_session
from attacks.over_http import PAGE
from attacks.worlds import PROXY_SECRET, Worlds, session
from ossferry.authentication.apikey import new_key, parse_key
from ossferry.authentication.jwks import Jwks
from ossferry.authentication.sessions import SESSION_COOKIE
from ossferry.authentication.tokens import TokenVerifier
from ossferry.clock import monotonic, utc_now
from ossferry.errors import NotIdentifiedError
from support.fake_issuer import CLIENT_ID
from support.forged_tokens import FORGED, ISSUER


async def keys_of_the_issuer() -> dict[str, object]:
    return ISSUER.jwks()


def verifier() -> TokenVerifier:
    """Return a verifier of the issuer's tokens, as the server has it."""
    keys = Jwks(keys_of_the_issuer, monotonic=monotonic)
    return TokenVerifier(keys, issuer=ISSUER.url, audience=CLIENT_ID, clock=utc_now)


def verify(token: str) -> dict[str, object]:
    """Return the claims of a token, verified as the server does."""
    return asyncio.run(verifier().claims(token))


def _token_of(subject: str) -> str:
    return ISSUER.token(sub=subject)


def _not_verified(make: Callable[..., str], *subject: str) -> Try:
    return raises(NotIdentifiedError, lambda: verify(make(*subject)))


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


def _behind_proxy(user: str) -> Try:
    """Return an attempt to impersonate somebody by a look-alike user id in the proxy's header."""
    named = ("x-forwarded-user", user.encode().decode("latin-1"))
    return asks("proxy", headers=(*PAGE, ("x-proxy-secret", PROXY_SECRET), named))


KEYS: dict[str, Callable[[str], str]] = {
    "another": lambda _key: new_key().text,
    "shorter": lambda key: key[:-1],
    "longer": lambda key: key + "a",
    "upper": str.upper,
    "id only": lambda key: key[:12],
    "other checksum": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "own id, other key": lambda key: key[:13] + new_key().text[13:],
    "own id, other key, good checksum": lambda key: with_own_id(key),
    "quoted": lambda key: f'"{key}"',
    "two": lambda key: f"{key} {key}",
    "list": lambda key: f"{key},{key}",
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "hash": lambda _key: "0" * 64,
    "empty": lambda _key: "",
}
"""Description of a wrong API key -> function from a valid one to the wrong one."""


def _placed(header: str, form: str, changed: Callable[[str], str] = str) -> Try:
    """Return an attempt with a header that is made of a valid API key."""
    return asks("apikey", own=lambda world: ((header, form.format(changed(world.key))),))


def with_own_id(key: str) -> str:
    """Return another API key with the same id and a valid checksum."""
    id_bytes = base64.b32decode(key[4:12].upper())
    chance = iter((id_bytes, b"\x01" * 16))
    made = new_key(lambda _count: next(chance)).text
    assert parse_key(made) is not None
    return made


def _in_query(worlds: Worlds) -> bool:
    world = worlds["apikey"]
    return world.gets_nothing("POST", f"/api/grant?access_token={world.key}&key={world.key}")


SOMEBODY = base64.urlsafe_b64encode(b'["x",0,"root","Root"]').decode()
COOKIES: dict[str, Callable[[str], str]] = {
    "empty": lambda _good: "",
    "cut": lambda good: good[:-1],
    "other signature": lambda good: good[:-4] + "AAAA",
    "other payload": lambda good: re.sub(r"..\.", "AA.", good, count=1),
    "payload of another": lambda good: f"{SOMEBODY}.{good.partition('.')[2]}",
    "no signature": lambda good: good.partition(".")[0],
    "twice": lambda good: f"{good}.{good}",
    "long": lambda good: good * 100,
    "null": lambda _good: "null",
}
"""Description of a wrong session cookie -> function from a valid one to the wrong one."""


def _cookie(changed: Callable[[str], str], name: str = SESSION_COOKIE) -> Try:
    return asks(
        "oidc", headers=PAGE, own=lambda world: (("cookie", f"{name}={changed(world.cookie)}"),)
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
    return with_session("people and programs", headers=headers)


def _through_proxy(*headers: tuple[str, str]) -> Try:
    """Return an attempt to use a proxy's sign-in on a server that also accepts API keys."""
    return asks("proxy and programs", headers=headers)


ATTEMPTS: list[Attempt] = [
    *attempts(
        "T12",
        [
            *((f"token of {who!a}", _not_verified(_token_of, who)) for who in LOOK_ALIKES),
            *((f"proxy names {who!a}", _behind_proxy(who)) for who in LOOK_ALIKES),
        ],
    ),
    *attempts("T21", [(name, _not_verified(make)) for name, make in FORGED.items()]),
    *attempts(
        "T20",
        [
            *(
                (what, _placed("authorization", "Bearer {}", changed))
                for what, changed in KEYS.items()
            ),
            ("guesses", _guesses),
        ],
    ),
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
    *attempts("T18", [(what, _cookie(changed)) for what, changed in COOKIES.items()]),
    *attempts("T04", [(query or "nothing", _callback(query)) for query in CALLBACKS]),
    *attempts(
        "T18",
        [
            ("sign-in cookie", _cookie(str, "__Host-ossferry_login")),
            ("copy of a cookie after sign-out", _after_sign_out),
        ],
    ),
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
