"""CORS of buckets: documents, matching of rules, response headers."""

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
        ("https://app.example.com", "PUT", "Authorization, x-oss-date"),
        ("https://a.b.test", "PUT", "X-OSS-Meta-A"),
        ("https://app.example.com", "GET", None),
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


@pytest.mark.parametrize(
    ("origin", "method", "requested", "cause"),
    [
        ("https://elsewhere.org", "PUT", None, "no rule for this origin allows PUT"),
        ("https://app.example.com", "DELETE", None, "no rule for this origin allows DELETE"),
        (
            "https://app.example.com",
            "PUT",
            "content-type",
            "no rule for this origin and method allows the header content-type",
        ),
    ],
)
def test_a_preflight_no_rule_allows_is_refused_with_the_cause(
    origin: str, method: str, requested: str | None, cause: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        preflight(STORED, origin, method, requested)

    assert refused.value.code == "AccessForbidden"
    assert refused.value.status == 403
    assert refused.value.why["cause"] == cause


def test_no_rules_mean_that_cors_is_off() -> None:
    with pytest.raises(RefusedError) as refused:
        preflight("", "https://app.example.com", "PUT", None)

    assert refused.value.why["cause"] == "the bucket has no CORS rules"
    assert answer_headers("", "https://app.example.com", "PUT") == []


@pytest.mark.parametrize(("origin", "method"), [(None, "PUT"), ("https://a.test", None)])
def test_a_preflight_needs_origin_and_method(origin: str | None, method: str | None) -> None:
    with pytest.raises(RefusedError) as refused:
        preflight(STORED, origin, method, None)

    assert (refused.value.code, refused.value.status) == ("BadRequest", 400)


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
        (b"<CORSConfiguration>" + rule(ORIGIN, METHOD) * 21, "MalformedXML"),
        (b" " * 17_000, "MalformedXML"),
    ],
)
def test_a_document_against_the_schema_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_cors(body)

    assert refused.value.code == code
