"""Bearer tokens: fixed algorithms, issuer and audience; keys from the configured address only."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from ossferry.auth.jwks import Jwks
from ossferry.auth.tokens import TokenVerifier
from ossferry.clock import utc_now
from ossferry.errors import IssuerLostError, NotIdentifiedError
from support.fake_issuer import CLIENT_ID, FakeIssuer

ISSUER = FakeIssuer()
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})
NOW = int(utc_now().timestamp())


class Source:
    """Where keys come from; counts how often it was asked."""

    def __init__(self) -> None:
        self.document: dict[str, object] = ISSUER.jwks()
        self.error: IssuerLostError | None = None
        self.asked = 0

    async def __call__(self) -> dict[str, object]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.document


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def seconds() -> list[float]:
    """The monotonic clock: its only element."""
    return [1000.0]


@pytest.fixture
def jwks(source: Source, seconds: list[float]) -> Jwks:
    return Jwks(source, monotonic=lambda: seconds[0])


@pytest.fixture
def claims(jwks: Jwks) -> Callable[[str], dict[str, object]]:
    """Verifies a token."""
    verifier = TokenVerifier(
        jwks,
        issuer=ISSUER.url,
        audience=CLIENT_ID,
        algorithms=("RS256", "ES256"),
        clock=utc_now,
    )
    return lambda token: asyncio.run(verifier.claims(token))


def unsigned(header: dict[str, object], payload: object) -> str:
    parts = (json.dumps(part).encode() for part in (header, payload))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def public_pem() -> bytes:
    return ISSUER.key.as_pem(private=False)


def hs256_with_public_key() -> str:
    head = unsigned({"alg": "HS256", "kid": "k1"}, {"sub": "eve", "iss": ISSUER.url})
    mac = hmac.new(public_pem(), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def tampered() -> str:
    head, _, signature = ISSUER.token().split(".")
    return f"{head}.{unsigned({}, {'sub': 'eve'}).split('.')[1]}.{signature}"


def signed_with(key: object, header: dict[str, object], **changes: object) -> str:
    payload = {"iss": ISSUER.url, "aud": CLIENT_ID, "sub": "eve", "exp": NOW + 300, **changes}
    return jwt.encode(header, payload, key, algorithms=[str(header["alg"])])  # type: ignore[arg-type]


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned({"alg": "none"}, {"sub": "eve", "iss": ISSUER.url}) + ".",
    "alg NONE": lambda: unsigned({"alg": "NONE"}, {"sub": "eve"}) + ".",
    "no alg": lambda: unsigned({"kid": "k1"}, {"sub": "eve"}) + ".AAAA",
    "alg is a list": lambda: unsigned({"alg": ["RS256"]}, {"sub": "eve"}) + ".AAAA",
    "HS256 with the public key": hs256_with_public_key,
    "HS256 with an empty key": lambda: signed_with(
        OctKey.import_key("0" * 32), {"alg": "HS256", "kid": "k1"}
    ),
    "another key": lambda: signed_with(OTHER_KEY, {"alg": "RS256", "kid": "k1"}),
    "RS384 is not allowed": lambda: ISSUER.token({"alg": "RS384"}),
    "kid traversal": lambda: signed_with(
        OTHER_KEY, {"alg": "RS256", "kid": "../../../../dev/null"}
    ),
    "kid injection": lambda: signed_with(OTHER_KEY, {"alg": "RS256", "kid": "k1' OR '1'='1"}),
    "kid is a number": lambda: unsigned({"alg": "RS256", "kid": 1}, {"sub": "eve"}) + ".AAAA",
    "jku": lambda: signed_with(
        OTHER_KEY, {"alg": "RS256", "kid": "e", "jku": "https://evil.example/jwks"}
    ),
    "x5u": lambda: signed_with(
        OTHER_KEY, {"alg": "RS256", "kid": "e", "x5u": "https://evil.example/x"}
    ),
    "own jwk": lambda: (
        unsigned({"alg": "RS256", "jwk": OTHER_KEY.as_dict(private=False)}, {"sub": "eve"})
        + ".AAAA"
    ),
    "crit": lambda: unsigned({"alg": "RS256", "kid": "k1", "crit": ["x"] * 900}, {}) + ".AAAA",
    "tampered": tampered,
    "no signature": lambda: ISSUER.token().rpartition(".")[0] + ".",
    "two parts": lambda: ISSUER.token().rpartition(".")[0],
    "four parts": lambda: ISSUER.token() + ".AAAA",
    "not base64": lambda: "%%%.%%%.%%%",
    "not ascii": lambda: "é.é.é",
    "deep header": lambda: base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.AAAA",
    "nested": lambda: ISSUER.token({"cty": "JWT"}, sub=ISSUER.token().encode().hex()),
    "wrong issuer": lambda: ISSUER.token(iss="https://issuer.example.com.evil.example"),
    "no issuer": lambda: ISSUER.token(iss=None),
    "wrong audience": lambda: ISSUER.token(aud="another"),
    "audience list without us": lambda: ISSUER.token(aud=["another", "third"]),
    "no audience": lambda: ISSUER.token(aud=None),
    "expired": lambda: ISSUER.token(exp=NOW - 61),
    "no expiry": lambda: ISSUER.token(exp=None),
    "expiry is text": lambda: ISSUER.token(exp="tomorrow"),
    "not yet": lambda: ISSUER.token(nbf=NOW + 120),
    "from the future": lambda: ISSUER.token(iat=NOW + 120),
    "no subject": lambda: ISSUER.token(sub=None),
    "empty subject": lambda: ISSUER.token(sub=""),
    "subject is a number": lambda: ISSUER.token(sub=7),
    "subject with a newline": lambda: ISSUER.token(sub="eve\nroot"),
}


def test_a_good_token_says_who(claims: Callable[[str], dict[str, object]]) -> None:
    assert claims(ISSUER.token())["sub"] == "carol-1"


@pytest.mark.parametrize("changes", [{"exp": NOW - 30}, {"nbf": NOW + 30}, {"aud": [CLIENT_ID]}])
def test_clocks_may_differ_by_a_minute(
    claims: Callable[[str], dict[str, object]], changes: dict[str, Any]
) -> None:
    assert claims(ISSUER.token(**changes))["sub"] == "carol-1"


@pytest.mark.parametrize("name", FORGED)
def test_t21_a_forged_token_is_refused(
    claims: Callable[[str], dict[str, object]], name: str
) -> None:
    with pytest.raises(NotIdentifiedError):
        claims(FORGED[name]())


def test_t21_an_unknown_key_id_makes_us_look_again_once_a_minute(
    claims: Callable[[str], dict[str, object]], source: Source, seconds: list[float]
) -> None:
    claims(ISSUER.token())
    seconds[0] += 61
    for _ in range(5):
        with pytest.raises(NotIdentifiedError):
            claims(signed_with(OTHER_KEY, {"alg": "RS256", "kid": "unknown"}))

    assert source.asked == 2


def test_a_new_key_of_the_issuer_is_found(
    claims: Callable[[str], dict[str, object]], source: Source, seconds: list[float]
) -> None:
    source.document = FakeIssuer(kid="k0").jwks()
    with pytest.raises(NotIdentifiedError):
        claims(ISSUER.token())

    source.document = ISSUER.jwks()
    seconds[0] += 61

    assert claims(ISSUER.token())["sub"] == "carol-1"


def test_keys_are_used_on_while_the_issuer_is_down(
    claims: Callable[[str], dict[str, object]], source: Source, seconds: list[float]
) -> None:
    claims(ISSUER.token())
    source.error = IssuerLostError("no-answer")
    seconds[0] += 3600

    assert claims(ISSUER.token())["sub"] == "carol-1"
    assert source.asked == 2


def test_without_any_keys_the_issuer_is_missed(
    claims: Callable[[str], dict[str, object]], source: Source
) -> None:
    source.error = IssuerLostError("no-answer")

    with pytest.raises(IssuerLostError):
        claims(ISSUER.token())


def test_t21_a_symmetric_key_in_the_key_set_is_not_taken(
    claims: Callable[[str], dict[str, object]], source: Source
) -> None:
    key = OctKey.import_key("k" * 32, {"kid": "sym"})
    source.document = {"keys": [key.as_dict(private=True), *ISSUER.jwks()["keys"]]}

    with pytest.raises(NotIdentifiedError):
        claims(signed_with(key, {"alg": "HS256", "kid": "sym"}))
    assert claims(ISSUER.token())["sub"] == "carol-1"


@pytest.mark.parametrize("document", [{}, {"keys": 1}, {"keys": [{"kty": "RSA", "n": 1}]}])
def test_a_key_set_that_is_none_is_said_to_be_lost(
    claims: Callable[[str], dict[str, object]], source: Source, document: dict[str, object]
) -> None:
    source.document = document

    with pytest.raises(IssuerLostError):
        claims(ISSUER.token())
