"""Positive controls: the same requests as in the attacks, sent by authorized clients, must
succeed.
"""

from functools import partial
from urllib.parse import unquote

import pytest

from attacks import attempt
from attacks.at_sign_in import verify
from attacks.at_start import CLOUD, MOCK
from attacks.attempt import Try, asks, with_session
from attacks.in_policy import BUCKET, allows, issued, policy_for, prefix
from attacks.on_uploads import callback, eaten, shown_in_place
from attacks.over_http import GOOD_PROXY, PAGE
from attacks.worlds import Headers, World, Worlds
from mock_oss.policies.evaluation import parse_policy
from mock_oss.world.model import ACCESS_KEY_ID
from ossferry.oss.mock_check import refuse_mock_keys
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.forged_tokens import ISSUER, now

granted = partial(asks, gets=World.gets_credentials)
with_key = partial(attempt.with_key, gets=World.gets_credentials)
signed_in = partial(with_session, "signed in", gets=World.gets_credentials)


def may(action: str, **context: str) -> Try:
    key = f"{BUCKET}/{prefix('carol')}2026-03-14/x/y.txt"
    return lambda _worlds: allows(policy_for("carol"), action, key, **context)


def bound(address: str) -> Try:
    key = f"{BUCKET}/{prefix('carol')}x"
    policy = parse_policy(issued("carol", address)[1], "session")
    return lambda _worlds: allows(policy, "oss:PutObject", key, acs_SourceIp=address)


def reads(**claims: object) -> Try:
    return lambda _worlds: verify(ISSUER.token(**claims))["sub"] == "carol-1"


def starts(**changes: object) -> Try:
    return lambda _worlds: load_settings(ExplicitSettings, **{**CLOUD, **changes}) is not None


def _finds_object(worlds: Worlds, name: str) -> bool:
    """Return whether a request reaches the endpoint of an object, which answers `not-stored`."""
    world = worlds["uploads"]
    own = world.ask("POST", "/api/grant", (world.bearer,)).json()["prefix"]
    answer = world.ask("DELETE", f"/api/objects/{own}{name}", (world.bearer,))
    return answer.json()["code"] == "not-stored" and unquote(name) in world.store.asked[-1]


def _may_serve(key_id: str, **changes: object) -> bool:
    settings = load_settings(ExplicitSettings, **{**CLOUD, **changes})
    refuse_mock_keys(settings, {"ALIBABA_CLOUD_ACCESS_KEY_ID": key_id})
    return True


def _late(_worlds: Worlds) -> bool:
    return verify(ISSUER.token(exp=now() - 30))["sub"] == "carol-1"


def _shared(worlds: Worlds) -> bool:
    world = worlds["cors"]
    headers = (("origin", "https://app.example.com"), world.bearer)
    answer = world.ask("POST", "/api/grant", headers).headers
    return answer["access-control-allow-origin"] == "https://app.example.com"


def _preflight(worlds: Worlds) -> bool:
    headers = (
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    )
    return worlds["cors"].ask("OPTIONS", "/api/grant", headers).status_code == 200


TLS: Headers = (("x-forwarded-proto", "https"), ("x-forwarded-for", "203.0.113.9"))
JSON: Headers = (("content-type", "application/json"),)
CONTROLS: dict[str, Try] = {
    "T01 demo": granted("demo"),
    "T01 key": with_key("apikey"),
    "T02 tutorial": granted("demo", "GET", "/get_sts_token"),
    "T02 tutorial, with a key": with_key("apikey", path="/get_sts_token", method="GET"),
    "T02 key of an object, as it is encoded": lambda worlds: _finds_object(worlds, "a%20b%2fc"),
    "T02 query that means nothing": with_key("apikey", path="/api/grant?x=1"),
    "T03 page": signed_in(headers=PAGE),
    "T03 page, tutorial's route": signed_in("GET", "/get_sts_token", PAGE[:1]),
    "T03 old browser": signed_in(headers=PAGE[1:]),
    "T03 key of a program on any site": with_key("apikey", headers=(("sec-fetch-site", "none"),)),
    "T03 session, beside API keys": with_session(
        "people and programs", headers=PAGE, gets=World.gets_credentials
    ),
    "T03 key of a program, beside sessions": with_key("people and programs"),
    "T03 key of a program, beside a proxy": with_key("proxy and programs"),
    "T50 person behind a proxy, beside API keys": granted(
        "proxy and programs", headers=(*GOOD_PROXY, ("x-forwarded-user", "eve"))
    ),
    "T05 configured origin": _shared,
    "T05 preflight": _preflight,
    "T07 own prefix": may("oss:PutObject"),
    "T08 parts": may("oss:ListParts"),
    "T08 abort": may("oss:AbortMultipartUpload"),
    "T29 good callback": lambda worlds: not callback({}, forged=False)(worlds),
    "T38 image in place": lambda worlds: not shown_in_place("image/png")(worlds),
    "T38 image with parameters in place": lambda worlds: (
        not shown_in_place("IMAGE/PNG; x=1")(worlds)
    ),
    "T41 within the quota": lambda worlds: not eaten([999])(worlds),
    "T40 private object": may("oss:PutObject", **{"oss_x-oss-object-acl": "private"}),
    "T12 token of a name in one form": lambda _worlds: (
        verify(ISSUER.token(sub="\u00c9ve"))["sub"] == "\u00c9ve"
    ),
    "T12 proxy names somebody in one form": granted(
        "proxy", headers=(*GOOD_PROXY, ("x-forwarded-user", "\u00c9ve".encode().decode("latin-1")))
    ),
    "T17 body with a key id": with_key("apikey", headers=JSON, body=b'{"refused_key_id":""}'),
    "T17 empty object": with_key("apikey", headers=JSON, body=b"{}"),
    "T18 again": signed_in(headers=PAGE),
    "T19 own address": bound("192.0.2.7"),
    "T19 own IPv6 address": bound("2001:db8::7"),
    "T21 good token": reads(),
    "T21 half a minute late": _late,
    "T21 audience list": reads(aud=["x", "ossferry-client"]),
    "T28 cloud": starts(),
    "T28 custom domain": starts(cname=True, endpoint="https://files.example.com"),
    "T28 upload hosts": starts(
        upload_hosts=("https://files.example.com", "https://oss-accelerate.aliyuncs.com")
    ),
    "T28 VPC endpoint": starts(sts_endpoint="https://sts-vpc.cn-hangzhou.aliyuncs.com"),
    "T30 https through the proxy": granted("tls", headers=TLS),
    "T30 public with TLS in front": starts(host="0.0.0.0", behind_tls=True),  # noqa: S104
    "T31 one secret each": starts(metrics_token="9f86d081884c7d659a2feaa0c55ad015"),
    "T32 host with port": granted("demo", headers=(("host", "uploads.example.com:443"),)),
    "T47 mock where it is allowed": starts(**MOCK, auth="demo"),
    "T47 key of the cloud": lambda _worlds: _may_serve("LTAI5tRealKeyOfSomebody1"),
    "T47 key of the mock with the mock": lambda _worlds: _may_serve(ACCESS_KEY_ID, **MOCK),
    "T47 tokens at a mock": starts(**MOCK),
    "T47 demo for other machines": starts(**MOCK, auth="demo", host="0.0.0.0"),  # noqa: S104
    "T23 private networks": starts(trusted_proxies=["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]),
    "T05 page of this machine": starts(cors_origins=("http://localhost:5173",)),
    "T23 workers with Redis": starts(workers=4, redis_url="rediss://redis.example.com/0"),
    "T50 proxy": granted("proxy", headers=(*GOOD_PROXY, ("x-forwarded-user", "carol"))),
    "T49 health": lambda worlds: worlds["apikey"].ask("GET", "/healthz").status_code == 200,
}


@pytest.mark.parametrize("what", CONTROLS)
def test_what_is_allowed_works(worlds: Worlds, what: str) -> None:
    assert CONTROLS[what](worlds)


def test_there_are_enough_controls() -> None:
    assert len(CONTROLS) >= 30
