"""Attacks on responses: framing, caches, cross-origin reads, error pages."""

import re
from collections.abc import Iterator

from attacks.attempt import Attempt, Try, attempts
from attacks.worlds import Worlds
from ossferry.errors import OssferryError, StsLostError, StsRefusedError
from ossferry.http.security_headers import page_policy
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.server_fakes import OPTIONS, UnexpectedError

PATHS = (
    ("GET", "/"),
    ("POST", "/api/grant"),
    ("GET", "/get_sts_token"),
    ("GET", "/nowhere"),
    ("GET", "/healthz"),
    ("GET", "/openapi.json"),
    ("DELETE", "/api/grant"),
)


NO_SNIFFING = ("x-content-type-options", "nosniff")
SAME_ORIGIN = ("cross-origin-resource-policy", "same-origin")
NO_ANCESTORS = ("content-security-policy", "frame-ancestors 'none'")


def protected(header: tuple[str, str]) -> Iterator[tuple[str, Try]]:
    """Yield for each path an attempt that is refused if the response has a protecting header."""
    name, value = header
    for method, path in PATHS:

        def attempt(worlds: Worlds, method: str = method, path: str = path) -> bool:
            return value in worlds["demo"].ask(method, path).headers.get(name, "")

        yield f"{method} {path} without {name}", attempt


def _not_stored(method: str, path: str) -> Try:
    def attempt(worlds: Worlds) -> bool:
        headers = worlds["demo"].ask(method, path).headers
        return headers["cache-control"] in ("no-store", "no-cache") and "expires" not in headers

    return attempt


def _says_nothing(error: Exception) -> Try:
    def attempt(worlds: Worlds) -> bool:
        world = worlds["demo"]
        world.clock.advance(900)
        world.sts.error = error
        answer = world.ask("POST", "/api/grant")
        world.sts.error = None
        words = ("canary", "Traceback", ".py", "acs:ram", "NoPermission", "REQUEST", "role/")
        return answer.status_code >= 500 and not any(word in answer.text for word in words)

    return attempt


def _alike(worlds: Worlds) -> bool:
    world = worlds["apikey"]
    tokens = ("osf_x", "x", f"{world.key}x", "eyJhbGciOiJub25lIn0.e30.")
    answers = [world.ask(headers=(("authorization", f"Bearer {token}"),)) for token in tokens]
    shapes = {(each.status_code, len(each.content), tuple(sorted(each.json()))) for each in answers}
    return len(shapes) == 1


def _policy_has_no(pattern: str) -> Try:
    def attempt(_worlds: Worlds) -> bool:
        settings = load_settings(ExplicitSettings, **OPTIONS)
        return re.search(pattern, page_policy(settings)) is None

    return attempt


ERRORS: list[tuple[str, Exception]] = [
    ("unforeseen", UnexpectedError("canary /srv/app.py")),
    ("ours", OssferryError("canary acs:ram::1:role/x")),
    ("refused", StsRefusedError("NoPermission", "REQUEST-ID")),
    ("lost", StsLostError("canary")),
    ("key", KeyError("canary")),
    ("recursion", RecursionError("canary")),
    ("memory", MemoryError("canary")),
]

ATTEMPTS: list[Attempt] = [
    *attempts("T06", [*protected(NO_SNIFFING), *protected(SAME_ORIGIN)]),
    *attempts("T06", [("tell refusals apart", _alike)]),
    *attempts("T24", [(f"{m} {p} from a cache", _not_stored(m, p)) for m, p in PATHS]),
    *attempts("T27", [(f"{what} error", _says_nothing(error)) for what, error in ERRORS]),
    *attempts("T34", [*protected(("x-frame-options", "DENY")), *protected(NO_ANCESTORS)]),
    *attempts(
        "T36",
        [
            ("script of a CDN", _policy_has_no(r"cdn|jsdelivr|unpkg|pyscript\.net")),
            ("inline script", _policy_has_no("unsafe-inline")),
            ("any host", _policy_has_no(r"(?<![\w.])\*")),
            ("any https", _policy_has_no(r" https:(?!//)")),
            ("blob script", _policy_has_no(r"script-src[^;]*(blob|data):")),
            ("form to elsewhere", _policy_has_no(r"form-action (?!'none')")),
            ("another base", _policy_has_no(r"base-uri (?!'none')")),
            ("another policy", _policy_has_no(r"trusted-types (?!default)")),
        ],
    ),
    *attempts("T45", [("worker of elsewhere", _policy_has_no(r"worker-src (?!blob:;)"))]),
]
