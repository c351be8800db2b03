"""CORS of buckets: documents, matching of rules, response headers."""

from typing import Any

import pytest

from mock_oss.errors import RefusedError
from mock_oss.http.cors import (
    CorsConfiguration,
    CorsRule,
    answer_headers,
    parse_cors,
    preflight,
    render_cors,
)
from support.refusals import refusal

RULES = CorsConfiguration(
    rules=(
        CorsRule(
            origins=("https://app.example.com", "https://*.test"),
            methods=("PUT", "GET"),
            headers=("authorization", "x-oss-*"),
            expose=("ETag", "x-oss-request-id"),
            max_age_s=600,
        ),
        CorsRule(origins=("*",), methods=("GET",)),
    ),
    response_vary=True,
)
STORED = render_cors(RULES).decode()


def test_a_document_survives_a_round_trip() -> None:
    assert parse_cors(render_cors(RULES)) == RULES


@pytest.mark.parametrize(
    ("origin", "method", "requested"),
    [
        ("https://a.b.test", "PUT", "Authorization, x-oss-date"),
        ("https://elsewhere.org", "GET", ""),
    ],
)
def test_a_preflight_that_a_rule_allows_is_answered_with_its_headers(
    origin: str, method: str, requested: str | None
) -> None:
    headers = dict(preflight(STORED, origin, method, requested))

    assert headers["Access-Control-Allow-Origin"] in (origin, "*")
    assert method in headers["Access-Control-Allow-Methods"].split(", ")
    assert headers.get("Access-Control-Allow-Headers", "") == (requested or "")
    assert headers["Vary"] == "Origin"


NO_HEADER = "no rule for this origin and method allows the header content-type"


@pytest.mark.parametrize(
    ("stored", "origin", "method", "requested", "cause"),
    [
        (STORED, "https://elsewhere.org", "PUT", None, "no rule for this origin allows PUT"),
        (
            STORED,
            "https://app.example.com",
            "DELETE",
            None,
            "no rule for this origin allows DELETE",
        ),
        (STORED, "https://app.example.com", "PUT", "content-type", NO_HEADER),
        ("", "https://app.example.com", "PUT", None, "the bucket has no CORS rules"),
    ],
    ids=["origin", "method", "header", "no rules"],
)
def test_a_preflight_no_rule_allows_is_refused_with_the_cause(
    stored: str, origin: str, method: str, requested: str | None, cause: str
) -> None:
    refused = refusal(preflight, stored, origin, method, requested)

    assert (refused["status"], refused["Code"]) == (403, "AccessForbidden")
    assert refused["why"]["cause"] == cause


def test_no_rules_mean_that_cors_is_off() -> None:
    assert answer_headers("", "https://app.example.com", "PUT") == []


@pytest.mark.parametrize(("origin", "method"), [(None, "PUT"), ("https://a.test", None)])
def test_a_preflight_needs_origin_and_method(origin: str | None, method: str | None) -> None:
    refused = refusal(preflight, STORED, origin, method, None)

    assert (refused["status"], refused["Code"]) == (400, "BadRequest")


def test_an_actual_request_is_matched_by_origin_and_method_only() -> None:
    headers = dict(answer_headers(STORED, "https://app.example.com", "PUT"))

    assert headers == {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": "https://app.example.com",
        "Access-Control-Allow-Methods": "PUT, GET",
        "Access-Control-Expose-Headers": "ETag, x-oss-request-id",
        "Access-Control-Max-Age": "600",
    }


def test_without_a_match_only_vary_is_added() -> None:
    assert answer_headers(STORED, "https://elsewhere.org", "PUT") == [("Vary", "Origin")]


def rule(*elements: str) -> bytes:
    return (
        f"<CORSConfiguration><CORSRule>{''.join(elements)}</CORSRule></CORSConfiguration>".encode()
    )


ORIGIN, METHOD = "<AllowedOrigin>*</AllowedOrigin>", "<AllowedMethod>PUT</AllowedMethod>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<CORSConfiguration/>", "MalformedXML"),
        (b"<Other/>", "MalformedXML"),
        (b"<CORSConfiguration>", "MalformedXML"),
        (rule(ORIGIN), "MalformedXML"),
        (rule(METHOD), "MalformedXML"),
        (rule(ORIGIN, METHOD, "<MaxAgeSeconds>-1</MaxAgeSeconds>"), "InvalidArgument"),
        (rule(ORIGIN, "<AllowedMethod>OPTIONS</AllowedMethod>"), "InvalidArgument"),
        (rule("<AllowedOrigin>*.*</AllowedOrigin>", METHOD), "InvalidArgument"),
        (rule(ORIGIN, METHOD, "<ExposeHeader>*</ExposeHeader>"), "InvalidArgument"),
    ],
)
def test_a_document_against_the_schema_is_refused(body: bytes, code: str) -> None:
    assert refusal(parse_cors, body)["Code"] == code


def configured(origins: tuple[str, ...], **more: Any) -> str:
    """Return the document of one rule for PUT."""
    one = CorsRule(origins=origins, methods=("PUT",), **more)
    return render_cors(CorsConfiguration(rules=(one,))).decode()


ORIGINS = [
    ("https://a.example", "https://a.example", True),
    ("https://a.example", "https://axexample", False),
    ("https://a.example", "https://a.example:8443", False),
    ("https://a.example", "xhttps://a.example", False),
    ("https://*.example", "https://c.b.example", True),
    ("https://*.example", "https://bexample", False),
    ("https://*.example", "https://b.example.org", False),
    ("https://a.exampl?", "https://a.example", False),
    ("https://a+.example", "https://aa.example", False),
    ("*", "null", True),
]


HEADERS = [
    ("X-OSS-Date", "x-oss-date", True),
    ("x-oss-date", "x-oss-date2", False),
    ("x-oss-date", "ax-oss-date", False),
    ("x-oss-*", "X-Oss-Meta-A", True),
    ("x-oss-*", "ax-oss-meta-a", False),
    ("x.y", "x-y", False),
    ("*", "authorization", True),
]


@pytest.mark.parametrize(("allowed", "origin", "matches"), ORIGINS)
def test_only_a_star_in_an_allowed_origin_stands_for_other_characters(
    allowed: str, origin: str, matches: bool
) -> None:
    stored = configured((allowed,))

    assert bool(answer_headers(stored, origin, "PUT")) is matches
    assert is_allowed(stored, origin, None) is matches


@pytest.mark.parametrize(("allowed", "name", "matches"), HEADERS)
def test_only_a_star_in_an_allowed_header_stands_for_other_characters(
    allowed: str, name: str, matches: bool
) -> None:
    stored = configured(("*",), headers=(allowed,))

    assert is_allowed(stored, "null", name) is matches


def is_allowed(stored: str, origin: str, requested: str | None) -> bool:
    """Return whether a preflight request for PUT is allowed, also the requested header."""
    try:
        headers = dict(preflight(stored, origin, "PUT", requested))
    except RefusedError as refused:
        return refused.code != "AccessForbidden"
    return headers.get("Access-Control-Allow-Headers") == requested


def test_every_requested_header_must_be_allowed_by_one_rule() -> None:
    stored = configured(("*",), headers=("a", "b"))
    rules = (
        CorsRule(origins=("*",), methods=("PUT",), headers=("a",)),
        CorsRule(origins=("*",), methods=("PUT",), headers=("b",)),
    )
    apart = render_cors(CorsConfiguration(rules=rules)).decode()

    assert preflight(stored, "null", "PUT", "a, b")
    refused = refusal(preflight, apart, "null", "PUT", "a, b")
    assert refused["why"]["cause"] == "no single rule allows all the headers asked for"


ORIGIN_HEADERS = [
    (("*",), "*"),
    (("https://a.example", "*"), "*"),
    (("https://a.example",), "https://a.example"),
    (("https://*.example",), "https://a.example"),
    (("https://*",), "https://a.example"),
]


@pytest.mark.parametrize(("origins", "answered"), ORIGIN_HEADERS)
def test_a_rule_for_all_origins_is_answered_with_a_star_and_another_with_the_origin(
    origins: tuple[str, ...], answered: str
) -> None:
    stored = configured(origins)
    expected = [("Access-Control-Allow-Origin", answered), ("Access-Control-Allow-Methods", "PUT")]

    assert answer_headers(stored, "https://a.example", "PUT") == expected
    assert preflight(stored, "https://a.example", "PUT", None) == expected


@pytest.mark.parametrize("vary", [True, False])
def test_vary_is_added_to_every_response_or_to_none(vary: bool) -> None:
    rules = (CorsRule(origins=("https://a.example",), methods=("PUT",)),)
    stored = render_cors(CorsConfiguration(rules=rules, response_vary=vary)).decode()
    with pytest.raises(RefusedError) as refused:
        preflight(stored, "https://b.example", "PUT", None)
    responses = {
        "match": answer_headers(stored, "https://a.example", "PUT"),
        "no match": answer_headers(stored, "https://b.example", "PUT"),
        "no origin": answer_headers(stored, None, "PUT"),
        "preflight": preflight(stored, "https://a.example", "PUT", None),
        "refused": list(refused.value.headers.items()),
    }

    with_vary = {name for name, found in responses.items() if ("Vary", "Origin") in found}
    assert with_vary == (set(responses) if vary else set())


def test_the_first_rule_that_matches_decides() -> None:
    rules = (
        CorsRule(origins=("https://a.example",), methods=("GET",), max_age_s=1),
        CorsRule(origins=("https://*.example",), methods=("PUT",), max_age_s=2),
        CorsRule(origins=("*",), methods=("PUT",), max_age_s=0),
    )
    stored = render_cors(CorsConfiguration(rules=rules)).decode()

    for origin, age in (("https://a.example", "2"), ("https://b.test", "0")):
        assert ("Access-Control-Max-Age", age) in answer_headers(stored, origin, "PUT")


def test_a_document_may_have_ten_rules_and_sixteen_kilobytes() -> None:
    one = rule(ORIGIN, METHOD).replace(b"<CORSConfiguration>", b"")
    one = one.replace(b"</CORSConfiguration>", b"")
    body = b"<CORSConfiguration>" + one * 10 + b"</CORSConfiguration>"
    padded = body + b" " * (16 * 1024 - len(body))

    assert len(parse_cors(padded).rules) == 10
    with pytest.raises(RefusedError, match="MalformedXML"):
        parse_cors(padded + b" ")
    with pytest.raises(RefusedError, match="MalformedXML"):
        parse_cors(body.replace(one, one * 2, 1))
