"""Bucket CORS: parsing the document, matching requests, and building response headers.

The first matching rule applies. Source: vendor pages PutBucketCors and Options.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import host_name, is_loopback
from mock_oss.http.documents import document, malformed_xml, parse
from mock_oss.http.request import number_of, one_of

METHODS = ("GET", "PUT", "DELETE", "POST", "HEAD")
MAX_RULES = 10
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a header name
MAX_BYTES = 16 * 1024
_LISTS = {
    "origins": "AllowedOrigin",
    "methods": "AllowedMethod",
    "headers": "AllowedHeader",
    "expose": "ExposeHeader",
}
"""Field of a rule -> element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """One CORS rule: the origins, methods and request headers that it allows.

    Each origin and each header may contain one `*`. `expose` contains the names of response headers
    that scripts may read. `max_age_s` is the value of Access-Control-Max-Age in seconds; None to
    omit this header.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsConfiguration:
    """The CORS rules of a bucket.

    If `response_vary` is true, every response for this bucket has the header `Vary: Origin`.
    """

    rules: tuple[CorsRule, ...]
    response_vary: bool = False


def parse_cors(body: bytes) -> CorsConfiguration:
    """Parse a CORSConfiguration document.

    Raises:
        RefusedError: MalformedXML or InvalidArgument if the document is not valid.
    """
    if len(body) > MAX_BYTES:
        raise malformed_xml(f"{len(body)} bytes, at most {MAX_BYTES}")
    root = parse(body, "CORSConfiguration")
    rules = []
    for element in root.all("CORSRule"):
        age = element.value("MaxAgeSeconds")
        max_age_s = None if age is None else number_of("MaxAgeSeconds", age, 0, 10**9 - 1)
        lists = {
            name: tuple((each.text or "").strip() for each in element.all(tag))
            for name, tag in _LISTS.items()
        }
        lists["headers"] = tuple(name.lower() for name in lists["headers"])
        rules.append(CorsRule(**lists, max_age_s=max_age_s))
    vary = root.flag("ResponseVary")
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml(f"{len(rules)} rules, 1 to {MAX_RULES}")
    for rule in rules:
        _check(rule)
    return CorsConfiguration(rules=tuple(rules), response_vary=vary)


def _check(rule: CorsRule) -> None:
    if not rule.origins or not rule.methods:
        raise malformed_xml("a rule needs an origin and a method")
    for method in rule.methods:
        one_of("AllowedMethod", method, METHODS)
    for value in (*rule.origins, *rule.headers):
        if not value or value.count("*") > 1:
            raise invalid_argument("wildcard", value)
    for value in rule.expose:
        if "*" in value or not _NAME.fullmatch(value):
            raise invalid_argument("ExposeHeader", value)


def render_cors(configuration: CorsConfiguration) -> bytes:
    """Return CORS rules as a CORSConfiguration document in XML."""
    rules = [
        {tag: list(getattr(rule, name)) for name, tag in _LISTS.items()}
        | {"MaxAgeSeconds": rule.max_age_s}
        for rule in configuration.rules
    ]
    contents = {"CORSRule": rules, "ResponseVary": configuration.response_vary}
    return document("CORSConfiguration", contents)


@lru_cache(maxsize=256)
def _load_cors(text: str) -> CorsConfiguration:
    """Parse a stored CORSConfiguration document; a cache holds recent results."""
    return parse_cors(text.encode())


@lru_cache(maxsize=1024)
def _pattern(wildcard: str) -> re.Pattern[str]:
    return re.compile(re.escape(wildcard).replace(r"\*", ".*"), re.IGNORECASE | re.DOTALL)


def _origin_matches(rule: CorsRule, origin: str) -> bool:
    return any(_pattern(wanted).fullmatch(origin) for wanted in rule.origins)


def _find(
    configuration: CorsConfiguration, origin: str, method: str, headers: Sequence[str] = ()
) -> CorsRule | None:
    for rule in configuration.rules:
        if (
            _origin_matches(rule, origin)
            and method in rule.methods
            and all(any(_pattern(w).fullmatch(h) for w in rule.headers) for h in headers)
        ):
            return rule
    return None


def _headers(rule: CorsRule, origin: str, requested: str | None) -> list[tuple[str, str]]:
    answer = [
        ("Access-Control-Allow-Origin", "*" if "*" in rule.origins else origin),
        ("Access-Control-Allow-Methods", ", ".join(rule.methods)),
    ]
    if requested:
        answer.append(("Access-Control-Allow-Headers", requested))
    if rule.expose:
        answer.append(("Access-Control-Expose-Headers", ", ".join(rule.expose)))
    if rule.max_age_s is not None:
        answer.append(("Access-Control-Max-Age", str(rule.max_age_s)))
    return answer


def answer_headers(stored: str, origin: str | None, method: str) -> list[tuple[str, str]]:
    """Return the CORS headers for the response to a request that is not a preflight request.

    Args:
        stored: the bucket's CORS document, empty if the bucket has no CORS rules.
        origin: the Origin header of the request, or None.
        method: the HTTP method of the request.

    Returns:
        (name, value) pairs. If no rule matches, the only possible header is `Vary`.
    """
    if not stored:
        return []
    configuration = _load_cors(stored)
    headers = [("Vary", "Origin")] if configuration.response_vary else []
    if origin:
        rule = _find(configuration, origin, method)
        if rule is not None:
            headers += _headers(rule, origin, None)
    return headers


def check_page(stored: str, origin: str | None) -> None:
    """Raise RefusedError if a POST request comes from a web page of a foreign origin.

    The error is AccessForbidden. Web pages on this machine may send POST requests, and also web
    pages whose origin a CORS rule allows. OSS has no such check, but the keys of the mock are
    public, so that every web page can sign a request. An HTML form needs no preflight request, and
    can make the mock send a callback.

    Args:
        stored: the bucket's CORS document, empty if the bucket has no CORS rules.
        origin: the Origin header of the POST request, or None; browsers always send it.
    """
    if not origin or is_loopback(host_name(origin)):
        return
    if not stored or _find(_load_cors(stored), origin, "POST") is None:
        raise RefusedError(
            "AccessForbidden",
            f"The mock refuses POST requests of pages of {origin}. It accepts those of pages on "
            "this machine, and of pages that a CORS rule of the bucket allows.",
            why={"kind": "cors", "cause": f"no rule allows POST for the origin {origin}"},
        )


def preflight(
    stored: str, origin: str | None, method: str | None, requested: str | None
) -> list[tuple[str, str]]:
    """Return the CORS headers for the response to a preflight request, as (name, value) pairs.

    Args:
        stored: the bucket's CORS document, empty if the bucket has no CORS rules.
        origin: the Origin header of the request, or None.
        method: the Access-Control-Request-Method header, or None.
        requested: the Access-Control-Request-Headers header, or None.

    Raises:
        RefusedError: BadRequest if `origin` or `method` is missing, AccessForbidden if no rule
            matches.
    """
    if not origin:
        raise RefusedError("BadRequest", "Insufficient information. Origin request header needed.")
    if not method:
        raise RefusedError(
            "BadRequest",
            "Insufficient information. Request Access-Control-Request-Method header needed.",
        )
    names = [name.strip() for name in (requested or "").split(",") if name.strip()]
    configuration = _load_cors(stored) if stored else CorsConfiguration(rules=())
    rule = _find(configuration, origin, method, names)
    if rule is None:
        vary = {"Vary": "Origin"} if configuration.response_vary else {}
        raise RefusedError(
            "AccessForbidden",
            headers=vary,
            why={"kind": "cors", **_why_no_rule(configuration, origin, method, names)},
        )
    headers = [("Vary", "Origin")] if configuration.response_vary else []
    return headers + _headers(rule, origin, requested)


def _why_no_rule(
    configuration: CorsConfiguration, origin: str, method: str, names: Sequence[str]
) -> dict[str, object]:
    if not configuration.rules:
        return {"cause": "the bucket has no CORS rules"}
    with_origin = [rule for rule in configuration.rules if _origin_matches(rule, origin)]
    if not with_origin:
        return {"cause": f"no rule allows the origin {origin}"}
    with_method = [rule for rule in with_origin if method in rule.methods]
    if not with_method:
        return {"cause": f"no rule for this origin allows {method}"}
    for name in names:
        if not any(_pattern(w).fullmatch(name) for rule in with_method for w in rule.headers):
            return {"cause": f"no rule for this origin and method allows the header {name}"}
    return {"cause": "no single rule allows all the headers asked for"}
