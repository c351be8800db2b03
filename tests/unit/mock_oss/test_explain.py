"""The journal names what a client signed differently, down to the byte."""

from dataclasses import replace

import pytest

from mock_oss.signing import explain, v1, v4

CREDENTIAL = v4.Credential("AK", "20260314", "cn-hangzhou")
SECRET = "secret"
HEADERS = {
    "host": "b.localhost",
    "content-type": "text/plain",
    "x-oss-date": "20260314T092653Z",
    "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
    "x-oss-meta-a": "1",
}
CASE = explain.V4Case(
    method="PUT",
    bucket="b",
    key="dir/a b.txt",
    query=[("prefix", ""), ("x", "a b")],
    raw_query=b"x=a%20b&prefix=",
    headers=HEADERS,
    additional="",
    date_time="20260314T092653Z",
    credential=CREDENTIAL,
    provided="",
)


def signed(canonical: str, secret: str = SECRET) -> str:
    text = v4.string_to_sign(CASE.date_time, CREDENTIAL.scope, canonical)
    return v4.signature(v4.signing_key(secret, CREDENTIAL.date, CREDENTIAL.region), text)


OURS = CASE.canonical()


@pytest.mark.parametrize(
    ("theirs", "cause"),
    [
        (
            OURS.replace("x-oss-meta-a:1\n", ""),
            "the header x-oss-meta-a was sent and not signed",
        ),
        (OURS.replace("/b/dir", "/dir"), "the path was signed without the bucket"),
        (OURS.replace("/b/dir/a%20b.txt", "/b/dir/a b.txt"), "the path was signed unencoded"),
        (OURS.replace("a%20b.txt", "a%2520b.txt"), "the path was encoded twice"),
        (OURS.replace("prefix&", "prefix=&"), "an empty query value was signed with its '='"),
        (OURS.replace("x=a%20b", "x=a+b"), "a space of the query was signed as '+'"),
        (OURS.replace("PUT", "POST", 1), "the method was signed as POST"),
        (
            OURS.replace("content-type:text/plain\n", ""),
            "the header content-type was sent and not signed",
        ),
    ],
    ids=["header", "bucket", "raw path", "twice", "equals", "plus", "method", "content-type"],
)
def test_a_v4_mismatch_names_its_cause_and_the_first_differing_byte(
    theirs: str, cause: str
) -> None:
    case = replace(CASE, provided=signed(theirs))

    why = explain.v4_mismatch(case, OURS, secret=SECRET, other_secrets=[])

    assert why["cause"] == cause
    assert why["signed_text"] == theirs
    difference = why["first_difference"]
    assert isinstance(difference, dict)
    offset = difference["offset"]
    assert OURS.encode()[:offset] == theirs.encode()[:offset]
    assert OURS.encode()[offset : offset + 1] != theirs.encode()[offset : offset + 1]


def test_a_foreign_secret_is_named_by_its_key() -> None:
    case = replace(CASE, provided=signed(OURS, "another"))

    why = explain.v4_mismatch(
        case, OURS, secret=SECRET, other_secrets=[("AK", SECRET), ("AK2", "another")]
    )

    assert why["cause"] == "signed with the secret of AK2"


def test_what_cannot_be_explained_is_said_to_be_so() -> None:
    why = explain.v4_mismatch(
        replace(CASE, provided="0" * 64), OURS, secret=SECRET, other_secrets=[]
    )

    assert why["cause"] == "the secret is another one, or the client signed another request"
    assert "first_difference" not in why


def test_a_v1_mismatch_names_its_cause() -> None:
    case = explain.V1Case(
        method="GET",
        bucket="b",
        key="ä",
        query=[("x-oss-process", "image/info")],
        headers={},
        date_line="Sat, 14 Mar 2026 09:26:53 GMT",
        provided="",
    )
    ours = case.text()
    theirs = ours.partition("?")[0]

    why = explain.v1_mismatch(
        replace(case, provided=v1.signature(SECRET, theirs)), ours, secret=SECRET, other_secrets=[]
    )

    assert why["cause"] == "the sub-resource x-oss-process was not signed"
    assert why["first_difference"] == {
        "offset": len(theirs.encode()),
        "line": 5,
        "expected": "?x-oss-process=image/info",
        "signed": "",
    }
