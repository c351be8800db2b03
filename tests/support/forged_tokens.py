"""Forged tokens that a careless server would accept, one per kind of forgery."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from ossferry.clock import utc_now
from support.fake_issuer import CLIENT_ID, FakeIssuer

ISSUER = FakeIssuer()
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})


def now() -> int:
    """Return the current time in whole seconds, as in tokens."""
    return int(utc_now().timestamp())


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
    payload = {"iss": ISSUER.url, "aud": CLIENT_ID, "sub": "eve", "exp": now() + 300, **changes}
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
    "PS384 is not allowed": lambda: ISSUER.token({"alg": "PS384"}),
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
    "expired": lambda: ISSUER.token(exp=now() - 61),
    "no expiry": lambda: ISSUER.token(exp=None),
    "expiry is text": lambda: ISSUER.token(exp="tomorrow"),
    "not yet": lambda: ISSUER.token(nbf=now() + 120),
    "from the future": lambda: ISSUER.token(iat=now() + 120),
    "no subject": lambda: ISSUER.token(sub=None),
    "empty subject": lambda: ISSUER.token(sub=""),
    "subject is a number": lambda: ISSUER.token(sub=7),
    "subject with a newline": lambda: ISSUER.token(sub="eve\nroot"),
}
