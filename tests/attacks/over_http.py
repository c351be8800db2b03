"""Attacks over HTTP: no credentials, unusual paths, other sites, spoofed headers."""

import json
from functools import partial
from urllib.parse import quote

from attacks.attempt import Attempt, Try, asks, attempts, with_key, with_session
from attacks.worlds import BASE, PROXY_SECRET, Headers, Worlds

PAGE: Headers = (("sec-fetch-site", "same-origin"), ("origin", BASE))
BOTH = (("POST", "/api/grant"), ("GET", "/get_sts_token"))
FORM = ("POST", "/api/form")
EVIL_ORIGINS = (
    "null",
    "https://evil.example",
    "http://uploads.example.com",
    "https://uploads.example.com:8443",
    "https://uploads.example.com.evil.example",
    "https://evil-uploads.example.com",
    "https://uploads.example.com.",
    "HTTPS://UPLOADS.EXAMPLE.COM",
    "https://sub.uploads.example.com",
    "https://user@uploads.example.com",
)
SITES = ("cross-site", "same-site", "none", "SAME-ORIGIN", "same-origin, cross-site", "")


signed_in = partial(with_session, "oidc")


def _variants(path: str) -> list[str]:
    """Return other spellings of a path, with and without percent-encoding."""
    encoded = [
        f"{path[:at]}%{ord(char):02x}{path[at + 1 :]}" for at, char in enumerate(path) if at > 0
    ]
    ends = "/ // ;x %00 %20 .json /. /.. %2f %2F. %0a %23 %3fx ~".split()  # noqa: SIM905 - a table, not code
    starts = "/ /. /x/.. /x/%2e%2e /api/objects/.. /%2e".split()  # noqa: SIM905
    return [
        *encoded,
        *(path + end for end in ends),
        *(begin + path for begin in starts),
        path.upper(),
        "%2f" + path[1:],
        path.replace("/", "\\"),
        path.replace("_", "%255f").replace("grant", "%2567rant"),
    ]


METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND")

ANONYMOUS = [
    (f"{kind}: {method} {path}", asks(kind, method, path, PAGE))
    for kind in ("apikey", "proxy", "oidc")
    for method, path in (*BOTH, FORM)
]
ROUTES = [
    *(
        (f"{method} {variant}", with_key("apikey", method, variant))
        for method, path in BOTH
        for variant in _variants(path)
    ),
    *(
        (f"{method} {path}", with_key("apikey", method, path))
        for path in ("/api/grant", "/api/form", "/get_sts_token")
        for method in METHODS
        if (method, path) not in BOTH
    ),
    *(
        (f"override {name}", with_key("apikey", "GET", "/api/grant", ((name, "POST"),)))
        for name in ("x-http-method-override", "x-method-override", "x-http-method")
    ),
    *(
        (f"rewrite {name}", with_key("apikey", "GET", "/nowhere", ((name, "/get_sts_token"),)))
        for name in ("x-original-url", "x-rewrite-url", "x-forwarded-prefix")
    ),
]
FORGERY = [
    *(
        (
            f"{method} {path} from site {site!r}",
            signed_in(method, path, (("sec-fetch-site", site),)),
        )
        for method, path in (*BOTH, FORM)
        for site in SITES
    ),
    *(
        (f"{method} {path} from {origin}", signed_in(method, path, (("origin", origin),)))
        for method, path in (*BOTH, FORM)
        for origin in EVIL_ORIGINS
    ),
    ("nothing but the cookie", signed_in()),
    ("two origins", signed_in(headers=(("origin", BASE), ("origin", "null")))),
    (
        "own origin, other site",
        signed_in(headers=(("origin", BASE), ("sec-fetch-site", "cross-site"))),
    ),
    ("form", signed_in(headers=(("content-type", "text/plain"), ("origin", "null")))),
    ("sign-out from elsewhere", signed_in("POST", "/logout", (("sec-fetch-site", "cross-site"),))),
]


def _not_shared(origin: str) -> Try:
    """Return an attempt of another origin to read the response."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["cors"]
        allowed = world.ask(headers=(("origin", origin), world.bearer)).headers
        return "access-control-allow-origin" not in allowed

    return attempt


def _no_preflight(origin: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        headers = (("origin", origin), ("access-control-request-method", "POST"))
        answer = worlds["cors"].ask("OPTIONS", "/api/grant", headers)
        return answer.status_code >= 400 and "access-control-allow-origin" not in answer.headers

    return attempt


OTHER_APPS = (*EVIL_ORIGINS, "http://app.example.com", "https://app.example.com.", "*")
CORS = [
    *((f"read from {origin}", _not_shared(origin)) for origin in OTHER_APPS),
    *((f"preflight from {origin}", _no_preflight(origin)) for origin in OTHER_APPS),
]
WIDER = {
    "DurationSeconds": "43200",
    "duration": "43200",
    "RoleArn": "acs:ram::1:role/admin",
    "Policy": '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    "RoleSessionName": "root",
    "bucket": "another",
    "region": "cn-beijing",
    "endpoint": "https://evil.example",
    "origins": "https://evil.example",
    "cname": "true",
    "prefix": "",
    "user": "alice",
}


def _changes_nothing(name: str, value: str, where: str) -> Try:
    """Return an attempt to change the request to STS by a parameter of the client's request."""

    def attempt(worlds: Worlds) -> bool:
        world = worlds["apikey"]
        world.clock.advance(900)
        before = len(world.sts.calls)
        headers = [world.bearer]
        path, body = "/api/grant", b""
        if where == "query":
            path = f"/api/grant?{name}={quote(value)}"
        elif where == "header":
            headers.append((f"x-{name.lower()}", value))
        else:
            headers.append(("content-type", "application/json"))
            body = json.dumps({name: value}).encode()
        answer = world.ask("POST", path, headers, body).json()
        (call,) = world.sts.calls[before:]
        policy = call["policy"]
        same_place = answer["bucket"] == "web-direct-upload" and "uploads/carol-" in policy
        return same_place and len(policy) < 400 and not call["session_name"].startswith("root")

    return attempt


STS_PARAMETERS = [
    (f"{name} in the {where}", _changes_nothing(name, value, where))
    for name, value in WIDER.items()
    for where in ("query", "header", "body")
]
HOSTS = (
    "evil.example",
    "",
    "uploads.example.com.evil.example",
    "a@uploads.example.com",
    "localhost",
    "uploads.example.com:x",
    "uploads.example.com:1:2",
    "[::1]",
    "uploads.example.com.",
    "*",
    "uploads.example.com/",
    "uploads.example.com%00",
)
OUR_HOST = ("host", "uploads.example.com")
FRAMES = [
    *((f"host {host!r}", with_key("apikey", headers=(("host", host),))) for host in HOSTS),
    ("two hosts", with_key("apikey", headers=(OUR_HOST, OUR_HOST))),
]
GOOD_PROXY: Headers = (*PAGE, ("x-proxy-secret", PROXY_SECRET))
USER_A = ("x-forwarded-user", "a")
IDENTITY = [
    *(
        (what, asks("distant proxy", headers=(*GOOD_PROXY, *more)))
        for what, more in (
            ("another peer", (USER_A,)),
            ("another peer that forwards", (USER_A, ("x-forwarded-for", "198.51.100.1"))),
        )
    )
]
PLAIN = [
    (f"forwarded as {proto!r}", asks("tls", headers=(("x-forwarded-proto", proto),)))
    for proto in ("http", "", "HTTP", "http,https", "https,http", "wss")
]


def _http_only(worlds: Worlds) -> bool:
    return worlds["tls"].gets_nothing(base="http://uploads.example.com")


PRIVATE = [
    (f"{path} with {what}", asks("apikey", "GET", path, headers))
    for path in ("/metrics", "/docs", "/redoc", "/admin", "/debug", "/.env", "/console")
    for what, headers in (("nothing", ()), ("a guess", (("authorization", "Bearer guess"),)))
]
WORKERS = [
    (path, asks("apikey", "GET", path))
    for path in (
        "/sw.js",
        "/service-worker.js",
        "/mini-coi.js",
        "/assets/sw.js",
        "/assets/../sw.js",
    )
]
ATTEMPTS: list[Attempt] = [
    *attempts("T01", ANONYMOUS),
    *attempts("T02", ROUTES),
    *attempts("T03", FORGERY),
    *attempts("T05", CORS),
    *attempts("T17", STS_PARAMETERS),
    *attempts("T30", [*PLAIN, ("plain http", _http_only)]),
    *attempts("T32", FRAMES),
    *attempts("T45", WORKERS),
    *attempts("T49", PRIVATE),
    *attempts("T50", IDENTITY),
]
