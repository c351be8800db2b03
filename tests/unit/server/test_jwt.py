"""Bearer tokens: fixed algorithms, issuer and audience; keys from the configured address only."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias
from unittest.mock import patch

import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from ossferry.authentication.jwks import Jwks
from ossferry.authentication.tokens import ALGORITHMS, TokenVerifier
from ossferry.clock import utc_now
from ossferry.errors import IssuerLostError, NotIdentifiedError
from support.fake_issuer import CLIENT_ID, FakeIssuer
from support.forged_tokens import ISSUER, OTHER_KEY, signed_with
from support.rate_windows import Seconds

Claims: TypeAlias = Callable[[str], dict[str, object]]
"""Verifies a token."""

EARLIER = FakeIssuer(kid="k0")


class Source:
    """A source of keys that counts requests."""

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
def jwks(source: Source, seconds: Seconds) -> Jwks:
    return Jwks(source, monotonic=seconds)


@pytest.fixture
def claims(jwks: Jwks) -> Claims:
    """Return a function that verifies a token."""
    verifier = TokenVerifier(jwks, issuer=ISSUER.url, audience=CLIENT_ID, clock=utc_now)
    return lambda token: asyncio.run(verifier.claims(token))


@pytest.mark.parametrize(
    ("claim", "offset_s", "is_accepted"),
    [
        ("exp", -59, True),
        ("exp", -61, False),
        ("nbf", 60, True),
        ("nbf", 61, False),
        ("iat", 30, True),
    ],
)
def test_clocks_may_differ_by_a_minute_and_no_more(
    jwks: Jwks, claim: str, offset_s: int, is_accepted: bool
) -> None:
    moment = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    verifier = TokenVerifier(jwks, issuer=ISSUER.url, audience=CLIENT_ID, clock=lambda: moment)
    at_s = int(moment.timestamp())
    token = ISSUER.token(**{"iat": at_s, "exp": at_s + 300, claim: at_s + offset_s})

    if is_accepted:
        assert asyncio.run(verifier.claims(token))["sub"] == "carol-1"
    else:
        with pytest.raises(NotIdentifiedError):
            asyncio.run(verifier.claims(token))


KEYS: dict[str, Callable[[], Key]] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "RS384": lambda: RSAKey.generate_key(2048),
    "RS512": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # many issuers still use this name
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_works(jwks: Jwks, source: Source, algorithm: str) -> None:
    key = KEYS[algorithm]()
    source.document = {"keys": [{**key.as_dict(private=False), "kid": "k9"}]}
    verifier = TokenVerifier(jwks, issuer=ISSUER.url, audience=CLIENT_ID, clock=utc_now)
    token = signed_with(key, {"alg": algorithm, "kid": "k9"})

    assert asyncio.run(verifier.claims(token))["sub"] == "eve"


def test_t21_an_unknown_key_id_makes_us_look_again_once_a_minute(
    claims: Claims, source: Source, seconds: Seconds
) -> None:
    asked = []
    claims(ISSUER.token())
    for wait_s in (0, 60, 0.5, 0, 60, 0.5):
        seconds.now += wait_s
        with pytest.raises(NotIdentifiedError):
            claims(signed_with(OTHER_KEY, {"alg": "RS256", "kid": "unknown"}))
        asked.append(source.asked)

    assert asked == [1, 1, 2, 2, 2, 3]


def test_a_new_key_of_the_issuer_is_found(claims: Claims, source: Source, seconds: Seconds) -> None:
    source.document = EARLIER.jwks()
    with pytest.raises(NotIdentifiedError):
        claims(ISSUER.token())

    source.document = ISSUER.jwks()
    seconds.now += 61

    assert claims(ISSUER.token())["sub"] == "carol-1"


def test_keys_are_used_on_while_the_issuer_is_down(
    claims: Claims, source: Source, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    claims(ISSUER.token())
    source.error = IssuerLostError("no-answer")
    seconds.now += 3600

    assert claims(ISSUER.token())["sub"] == "carol-1"
    assert source.asked == 2
    assert '"reason": "no-answer"' in caplog.text
    assert '"event": "keys-not-fetched"' in caplog.text


@pytest.mark.parametrize(("age_s", "asked"), [(600, 1), (601, 2)])
def test_keys_are_fetched_again_after_ten_minutes(
    claims: Claims, source: Source, seconds: Seconds, age_s: int, asked: int
) -> None:
    claims(ISSUER.token())
    seconds.now += age_s
    claims(ISSUER.token())

    assert source.asked == asked


async def test_who_has_a_known_key_does_not_wait_while_the_issuer_is_asked_again(
    source: Source, seconds: Seconds
) -> None:
    answered = asyncio.Event()

    async def fetch() -> dict[str, object]:
        if source.asked:
            await answered.wait()
        return await source()

    jwks = Jwks(fetch, monotonic=seconds)
    first = await jwks.keys()
    seconds.now += 3600
    asking = asyncio.create_task(jwks.keys())
    await asyncio.sleep(0)
    meanwhile = await jwks.keys()
    answered.set()
    await asking

    assert meanwhile is first


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "RSA", "kid": "odd"},
        {"kty": "OKP", "crv": "Ed25519", "x": 1, "kid": "odd"},
        {"kty": "RSA", "n": "***", "e": "AQAB", "kid": "odd"},
        "odd",
    ],
    ids=["curve", "without a modulus", "number", "no base64", "no object"],
)
def test_a_key_that_we_do_not_understand_is_named_and_takes_no_other_away(
    claims: Claims, source: Source, caplog: pytest.LogCaptureFixture, odd: object
) -> None:
    source.document = {"keys": [odd, *ISSUER.jwks()["keys"]]}

    assert claims(ISSUER.token())["sub"] == "carol-1"
    assert ('"event": "key-not-understood"' in caplog.text) == isinstance(odd, dict)


def test_without_any_keys_the_issuer_is_missed(claims: Claims, source: Source) -> None:
    source.error = IssuerLostError("no-answer")

    for reason in ("no-answer", "no-keys"):
        with pytest.raises(IssuerLostError) as caught:
            claims(ISSUER.token())
        assert caught.value.reason == reason


def test_t51_who_waits_for_an_issuer_that_is_down_does_not_ask_it_one_after_the_other(
    source: Source, seconds: Seconds
) -> None:
    source.error = IssuerLostError("no-answer")

    async def fetch() -> dict[str, object]:
        seconds.now += 5
        return await source()

    jwks = Jwks(fetch, monotonic=seconds)

    async def play() -> list[object]:
        found = await asyncio.gather(*(jwks.keys() for _ in range(20)), return_exceptions=True)
        return list(found)

    refused = asyncio.run(play())
    asked = source.asked
    source.error = None
    seconds.now += 3

    assert [type(each) for each in refused] == [IssuerLostError] * 20
    assert asked == 1
    assert asyncio.run(jwks.keys()).keys


@pytest.mark.parametrize(
    "other",
    [
        OctKey.import_key("k" * 32, {"kid": "other"}).as_dict(private=True),
        {**OTHER_KEY.as_dict(private=False), "kid": "other", "use": "enc"},
    ],
    ids=["symmetric", "for encryption"],
)
def test_t21_a_key_that_is_not_for_public_signatures_is_not_taken(
    jwks: Jwks, source: Source, other: dict[str, object]
) -> None:
    source.document = {"keys": [other, *ISSUER.jwks()["keys"]]}
    taken = asyncio.run(jwks.keys()).keys

    assert [key.kid for key in taken] == ["k1"]


@patch("ossferry.authentication.tokens.ALGORITHMS", ["ES256"])
@pytest.mark.parametrize("keys_of", [ISSUER, EARLIER], ids=["known key", "unknown key"])
def test_t21_a_token_of_another_algorithm_is_refused_and_causes_no_fetch(
    jwks: Jwks, source: Source, seconds: Seconds, keys_of: FakeIssuer
) -> None:
    verifier = TokenVerifier(jwks, issuer=ISSUER.url, audience=CLIENT_ID, clock=utc_now)
    source.document = keys_of.jwks()
    asyncio.run(jwks.keys())
    source.document = ISSUER.jwks()
    seconds.now += 61

    with pytest.raises(NotIdentifiedError):
        asyncio.run(verifier.claims(ISSUER.token()))

    assert source.asked == 1


@pytest.mark.parametrize("document", [{}, {"keys": 1}, {"keys": [{"kty": "RSA", "n": 1}]}])
def test_a_key_set_that_is_none_is_said_to_be_lost(
    claims: Claims, source: Source, document: dict[str, object]
) -> None:
    source.document = document

    with pytest.raises(IssuerLostError) as caught:
        claims(ISSUER.token())
    assert caught.value.reason == "unreadable"
