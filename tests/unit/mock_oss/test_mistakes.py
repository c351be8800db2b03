"""The mistakes that the mock tries when it explains a wrong signature."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mock_oss.signing import v4
from mock_oss.signing.cases import Case, V1Case, V4Case
from mock_oss.signing.mistakes import COMMON_TYPES, likely

TEXTS = {"x-oss-meta-a": '"ä B%2FX"', "x-oss-meta-b": "b", "range": "bytes=0-"}
V4 = V4Case(
    method="PUT",
    bucket="b",
    key="dir/ä +.csv",
    query=(("x", "a /"), ("acl", ""), ("x-oss-signature", "1")),
    raw_query="x=a%20/&&acl&ä&x-oss-signature=1".encode(),
    headers={
        "host": "h",
        "content-type": "text/html ; charset=GBK; a=B",
        **TEXTS,
        "x-oss-meta-b": " b ",
        "x-oss-meta-a": '"\xc3\xa4 B%2FX"',
    },
    additional="Range",
    date_time="20260314T092653Z",
    credential=v4.Credential("AK", "20260314", "cn-hangzhou"),
    provided="",
)
V1 = V1Case(
    method="GET",
    bucket="b",
    key="ä",
    query=(("acl", ""), ("debug", "1"), ("versionId", "2")),
    headers={"host": "h", "content-md5": "m==", "x-oss-date": "D"},
    date_line="D",
    provided="",
)
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

Edit = tuple[Sequence[str], Sequence[str]]
"""Lines that are only in the expected text, and lines that are only in the signed text."""


def edits(case: Case) -> Mapping[str, Edit]:
    """Return what each likely mistake changes in the text to sign."""
    ours = Counter(case.text().split("\n"))
    found = {}
    for cause, change in likely(case):
        assert cause not in found
        theirs = Counter(change(case).text().split("\n"))
        found[cause] = ([*(ours - theirs).elements()], [*(theirs - ours).elements()])
    return found


def rewritten(name: str, sent: str, forms: Iterable[str]) -> Mapping[str, Edit]:
    label = "Content-Type" if name == "content-type" else name
    return {
        f"{label} was sent as {sent!r} and signed as {form!r}": (
            [f"{name}:{sent}"],
            [f"{name}:{form}"],
        )
        for form in forms
    }


def test_likely_mistakes_of_a_v4_request() -> None:
    uri, query = "/b/dir/%C3%A4%20%2B.csv", "acl&x=a%20%2F"
    kind, meta = "text/html ; charset=GBK; a=B", TEXTS["x-oss-meta-a"]

    assert edits(V4) == {
        "the query parameter x was sent and not signed": ([query], ["acl"]),
        "the query parameter acl was sent and not signed": ([query], ["x=a%20%2F"]),
        "the header content-type was sent and not signed": ([f"content-type:{kind}"], []),
        "the header x-oss-meta-a was sent and not signed": ([f"x-oss-meta-a:{meta}"], []),
        "the header x-oss-meta-b was sent and not signed": (["x-oss-meta-b:b"], []),
        "the header range was sent and not signed": (["range:bytes=0-"], []),
        **rewritten(
            "content-type",
            kind,
            (
                *("text/html", "text/csv", *COMMON_TYPES),
                "text%2Fhtml%20%3B%20charset%3DGBK%3B%20a%3DB",
                "text/html ; charset=gbk; a=b",
                '"text/html ; charset=GBK; a=B"',
                "text/html+;+charset=GBK;+a=B",
                *("", meta, "b"),
            ),
        ),
        **rewritten(
            "x-oss-meta-a",
            meta,
            (
                '"ä B/X"',
                "%22%C3%A4%20B%252FX%22",
                '"ä b%2fx"',
                "ä B%2FX",
                '""ä B%2FX""',
                '"ä+B%2FX"',
                *("", "b"),
            ),
        ),
        **rewritten("x-oss-meta-b", "b", ('"b"', "", meta)),
        **rewritten("range", "bytes=0-", ("bytes%3D0-", '"bytes=0-"', "", meta, "b")),
        "the path was signed without the bucket": ([uri], ["/dir/%C3%A4%20%2B.csv"]),
        "the path was signed unencoded": ([uri], ["/b/dir/ä +.csv"]),
        "the path was encoded twice": ([uri], ["/b/dir/%25C3%25A4%2520%252B.csv"]),
        "the slashes of the key were signed as %2F": ([uri], ["/b/dir%2F%C3%A4%20%2B.csv"]),
        "an empty query value was signed with its '='": ([query], ["acl=&x=a%20%2F"]),
        "a space of the query was signed as '+'": ([query], ["acl&x=a+%2F"]),
        "the query was signed in the order sent": ([query], ["x=a%20/&acl&ä"]),
        "the query was signed unencoded": ([query], ["acl&x=a /"]),
        "the query was not signed": ([query], [""]),
        "the payload was signed as a hash": (["UNSIGNED-PAYLOAD"], [EMPTY_SHA256]),
        "host was signed and not named in AdditionalHeaders": (["range"], ["host:h", "host;range"]),
        "the method was signed as GET": (["PUT"], ["GET"]),
        "the method was signed as POST": (["PUT"], ["POST"]),
        "the method was signed as HEAD": (["PUT"], ["HEAD"]),
        "the method was signed as DELETE": (["PUT"], ["DELETE"]),
    }


def test_likely_mistakes_of_a_v1_request() -> None:
    resource = "/b/ä?acl&versionId=2"

    assert edits(V1) == {
        "the sub-resource acl was sent and not signed": ([resource], ["/b/ä?versionId=2"]),
        "the sub-resource versionId was sent and not signed": ([resource], ["/b/ä?acl"]),
        "the header content-md5 was sent and not signed": (["m=="], [""]),
        "the header x-oss-date was sent and not signed": (["x-oss-date:D"], []),
        **{
            f"Content-Type was not sent and signed as {kind!r}": ([""], [kind])
            for kind in COMMON_TYPES
        },
        **{
            f"content-md5 was sent as 'm==' and signed as {form!r}": (["m=="], [form])
            for form in ("m%3D%3D", '"m=="', "")
        },
        **rewritten("x-oss-date", "D", ("d", '"D"', "")),
        "the path was signed without the bucket": ([resource], ["/ä?acl&versionId=2"]),
        "the key was signed percent-encoded": ([resource], ["/b/%C3%A4?acl&versionId=2"]),
        "the date line was signed empty": (["D"], [""]),
        "the method was signed as PUT": (["GET"], ["PUT"]),
        "the method was signed as POST": (["GET"], ["POST"]),
        "the method was signed as HEAD": (["GET"], ["HEAD"]),
        "the method was signed as DELETE": (["GET"], ["DELETE"]),
    }


def test_only_the_caller_s_parameters_of_a_presigned_url_may_be_unsigned() -> None:
    names = (
        *("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires"),
        *("x-oss-additional-headers", "x-oss-signature", "x-oss-process", "partNumber"),
    )
    case = replace(V4, query=tuple((name, "1") for name in names), headers={})

    assert [cause for cause in edits(case) if cause.endswith("was sent and not signed")] == [
        "the query parameter x-oss-process was sent and not signed",
        "the query parameter partNumber was sent and not signed",
    ]


def test_a_half_encoded_query_is_read_as_far_as_it_is_utf_8() -> None:
    case = replace(V4, query=(("a", "ä"),), raw_query=b"a=%C3\xa4")

    assert edits(case)["the query was signed in the order sent"] == (
        ["a=%C3%A4"],
        ["a=%C3\N{REPLACEMENT CHARACTER}"],
    )
