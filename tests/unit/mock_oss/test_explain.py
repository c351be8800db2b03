"""The journal shows what a client signed differently, down to the byte."""

from dataclasses import replace
from typing import Any

import pytest

from mock_oss.signing import v1, v4
from mock_oss.signing.cases import Case, V1Case, V4Case
from mock_oss.signing.explain import Evidence, explanation, first_difference

CREDENTIAL = v4.Credential("AK", "20260314", "cn-hangzhou")
SECRET = "secret"
HEADERS = {
    "host": "b.localhost",
    "content-type": "text/plain",
    "x-oss-date": "20260314T092653Z",
    "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
    "x-oss-meta-a": "1",
}
CASE = V4Case(
    method="PUT",
    bucket="b",
    key="dir/a b.txt",
    query=(("prefix", ""), ("x", "a b")),
    raw_query=b"x=a%20b&prefix=",
    headers=HEADERS,
    additional="",
    date_time="20260314T092653Z",
    credential=CREDENTIAL,
    provided="",
)


V1_CASE = V1Case(
    method="GET",
    bucket="b",
    key="ä",
    query=(("x-oss-process", "image/info"),),
    headers={},
    date_line="Sat, 14 Mar 2026 09:26:53 GMT",
    provided="",
)
UNKNOWN = (
    "no common mistake explains this signature: the client used another secret, or signed a value "
    "that cannot be guessed; compare() finds the difference if you give it the text that the "
    "client signed"
)


def explained(case: Case, **evidence: Any) -> dict[str, Any]:
    return explanation(case, Evidence(secret=SECRET, **evidence))


def string_to_sign(canonical: str) -> str:
    return v4.string_to_sign(CASE.date_time, CREDENTIAL.scope, canonical)


def signed(canonical: str, secret: str = SECRET) -> str:
    key = v4.signing_key(secret, CREDENTIAL.date, CREDENTIAL.region)
    return v4.signature(key, string_to_sign(canonical))


OURS = CASE.text()
EXPECTED = {
    "kind": "signature",
    "expected_canonical_request": OURS,
    "expected_string_to_sign": string_to_sign(OURS),
}


FOUND = {  # the kind of search that finds the cause: the signed text, and the cause
    "a mistake": (OURS.replace("/b/dir", "/dir"), "the path was signed without the bucket"),
    "two mistakes": (
        OURS.replace("text/plain", "image/png").replace("prefix&", "prefix=&"),
        "Content-Type was sent as 'text/plain' and signed as 'image/png', and "
        "an empty query value was signed with its '='",
    ),
}


@pytest.mark.parametrize(("theirs", "cause"), FOUND.values(), ids=FOUND)
def test_a_v4_mismatch_names_its_cause_and_the_first_differing_byte(
    theirs: str, cause: str
) -> None:
    case = replace(CASE, provided=signed(theirs))

    why = explained(case)

    difference = why.pop("first_difference")
    assert why == {
        **EXPECTED,
        "cause": cause,
        "signed_canonical_request": theirs,
        "signed_string_to_sign": string_to_sign(theirs),
    }
    offset = difference["offset"]
    assert OURS.encode()[:offset] == theirs.encode()[:offset]
    assert OURS.encode()[offset : offset + 1] != theirs.encode()[offset : offset + 1]


def test_what_cannot_be_explained_is_said_to_be_so() -> None:
    why = explained(replace(CASE, provided="0" * 64), other_secrets=[("AK2", "another")])

    assert why == {**EXPECTED, "cause": UNKNOWN}


TWO_OF_MANY = replace(CASE, query=tuple((f"p{number}", "") for number in range(100, 180)))


def test_the_search_ends_after_4000_pairs() -> None:
    theirs = replace(TWO_OF_MANY, query=TWO_OF_MANY.query[:-2]).text()

    assert explained(replace(TWO_OF_MANY, provided=signed(theirs)))["cause"] == UNKNOWN


META = {"x-oss-meta-a": "\xc3\xa4 b", "content-type": "text/plain"}


def test_a_v1_mismatch_names_its_cause() -> None:
    case = replace(V1_CASE, headers={**META, "x-oss-meta-b": "1"})
    theirs = replace(case, headers={**META, "content-type": "image/png"}).text()

    why = explained(replace(case, provided=v1.signature(SECRET, theirs)))

    assert why == {
        "kind": "signature",
        "cause": "the header x-oss-meta-b was sent and not signed, and "
        "Content-Type was sent as 'text/plain' and signed as 'image/png'",
        "expected_string_to_sign": case.text(),
        "signed_string_to_sign": theirs,
        "first_difference": first_difference(case.text(), theirs),
    }


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [
        ("a\nä\n", "a\nä\n", None),
        ("a", "b", (0, 1, "a", "b")),
        ("a\nbc\nd\ne", "a\nbx\ny\nz", (3, 2, "c", "x")),
        ("ab", "ab\ncd", (2, 1, "", "")),
        ("abc\nd", "ab", (2, 1, "c", "")),
        ("ä-1", "ä-2", (3, 1, "1", "2")),
        ("ä", "ö", (1, 1, "\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}")),
        ("a" * 121, "b" * 121, (0, 1, "a" * 120, "b" * 120)),
        ("a" * 119 + "ä", "b", (0, 1, "a" * 119 + "\N{REPLACEMENT CHARACTER}", "b")),
    ],
    ids=[
        *("equal", "first byte", "second line", "ours ends", "theirs ends"),
        *("bytes", "inside a character", "long", "long, inside a character"),
    ],
)
def test_the_first_difference_is_counted_in_bytes_and_ends_with_its_line(
    ours: str, theirs: str, difference: tuple[int, int, str, str] | None
) -> None:
    names = ("offset", "line", "expected", "signed")

    found = first_difference(ours, theirs)

    assert found == (dict(zip(names, difference, strict=True)) if difference else {})


def reused(earlier: V4Case, later: V4Case) -> str:
    """Return the cause found for `later`, which carries the signature of `earlier`."""
    provided = signed(earlier.text())
    why = explained(replace(later, provided=provided), earlier=[earlier])
    assert why["signed_canonical_request"] == earlier.text()
    cause: str = why["cause"]
    return cause.removeprefix("this signature was accepted before, for another request: ")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"method": "POST", "bucket": "a", "key": "c"},
            "the method was 'POST' and is 'PUT'; the bucket was 'a' and is 'b'; "
            "the key was 'c' and is 'dir/a b.txt'",
        ),
        (
            {"headers": {**HEADERS, "content-type": "text/a", "content-md5": "m", "range": "r"}},
            "the header content-type was 'text/a' and is 'text/plain'; "
            "the header content-md5 was 'm' and is not sent",
        ),
        (
            {"headers": {**HEADERS, "host": "a", "accept": "b"}, "additional": "Host;Range"},
            "the header host was 'a' and is 'b.localhost'",
        ),
        (
            {"query": (("x", "1"), ("x", "2"), ("y", "2"), ("x-oss-signature", "1"))},
            "the query parameter x was '1', '2' and is 'a b'; "
            "the query parameter y was '2' and is not sent; "
            "the query parameter prefix was not sent and is ''",
        ),
    ],
    ids=["path", "content", "additional", "query"],
)
def test_a_v4_signature_used_again_for_another_request_tells_what_changed(
    changes: dict[str, Any], cause: str
) -> None:
    earlier = replace(CASE, **changes)

    assert reused(earlier, replace(CASE, additional=earlier.additional)) == cause


def test_a_v1_signature_used_again_tells_only_changes_of_signed_values() -> None:
    later = replace(
        V1_CASE,
        query=(("acl", ""), ("debug", "1")),
        headers={"host": "h", "content-type": "text/plain", "x-oss-meta-a": "1"},
    )
    earlier = replace(
        later,
        query=(("acl", "a"), ("debug", "2")),
        headers={"host": "i", "content-type": "text/plain", "x-oss-meta-b": "1"},
    )

    why = explained(
        replace(later, provided=v1.signature(SECRET, earlier.text())), earlier=[earlier]
    )

    assert why["cause"] == (
        "this signature was accepted before, for another request: "
        "the header x-oss-meta-b was '1' and is not sent; "
        "the query parameter acl was 'a' and is ''; "
        "the header x-oss-meta-a was not sent and is '1'"
    )
