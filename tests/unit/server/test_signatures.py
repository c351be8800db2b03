"""Requests are read as browsers copy them, and their signatures are explained."""

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from ossferry.errors import BadRequestError
from ossferry.signatures.answers import OssAnswer, read_answer
from ossferry.signatures.differences import line_differences
from ossferry.signatures.explanation import explain, without_tokens
from ossferry.signatures.requests import HttpRequest, read_request
from ossferry.signatures.signed import SignedRequest, read_signature
from ossferry_uploader.oss.signing import Credentials, sign_headers
from support.vectors import load

V4_HEADERS = load("v4_header")["vectors"]
V4_URLS = load("v4_presign")["vectors"]
V1_HEADERS = load("v1_header")["vectors"]
V1_URLS = load("v1_presign")["vectors"]
NOW = datetime(2026, 3, 14, 9, 30, 0, tzinfo=UTC)
HOST = "web-direct-upload.oss-cn-hangzhou.aliyuncs.com"
KEY_ID, SECRET = "STS.NExample", "a-secret"
TOKEN = "CAIS+token/with=signs"
KEY = "uploads/alice-x/größe 1.txt"


def ids(vectors: list[dict[str, str]]) -> list[str]:
    return [each["id"] for each in vectors]


def curl(method: str, url: str, headers: list[tuple[str, str]]) -> str:
    """Return a command as Chrome copies it for POSIX shells."""
    options = "".join(f" \\\n  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers)
    return f"curl {shlex.quote(url)} \\\n  -X {method}{options} \\\n  --compressed"


def address(vector: dict[str, object], query: list[list[str]]) -> str:
    bucket, key = vector["bucket"], str(vector["key"] or "")
    host = f"{bucket}." if bucket else ""
    more = "&".join(
        quote(name, safe="") + (f"={quote(value, safe='')}" if value else "")
        for name, value in query
    )
    return f"https://{host}oss-cn-hangzhou.aliyuncs.com/{quote(key)}" + (more and f"?{more}")


@pytest.mark.parametrize("vector", V4_HEADERS, ids=ids(V4_HEADERS))
def test_v4_headers_give_the_texts_of_the_official_sdks(vector: dict) -> None:  # type: ignore[type-arg] # JSON
    authorization = next(iter(vector["authorization"].values()))
    headers = [*vector["request_headers"].items(), ("Authorization", authorization)]

    signed = read_signature(
        read_request(curl(vector["method"], address(vector, vector["query"]), headers))
    )

    assert signed.canonical_request() == vector["canonical_request"]
    assert signed.string_to_sign() == vector["string_to_sign"]
    assert signed.signature(vector["credentials"]["access_key_secret"]) == vector["signature"]
    assert signed.provided == vector["signature"]


@pytest.mark.parametrize("vector", V4_URLS, ids=ids(V4_URLS))
def test_v4_urls_give_the_texts_of_the_official_sdks(vector: dict) -> None:  # type: ignore[type-arg] # JSON
    url = next(iter(vector["url"].values()))
    signed = read_signature(read_request(curl(vector["method"], url, [*vector["headers"].items()])))

    assert signed.canonical_request() == vector["canonical_request"]
    assert signed.string_to_sign() == vector["string_to_sign"]
    assert signed.signature(vector["credentials"]["access_key_secret"]) == vector["signature"]


@pytest.mark.parametrize("form", ["with_date_header", "with_x_oss_date"])
@pytest.mark.parametrize("vector", V1_HEADERS, ids=ids(V1_HEADERS))
def test_v1_headers_give_the_texts_of_the_official_sdks(vector: dict, form: str) -> None:  # type: ignore[type-arg] # JSON
    of_form = vector[form]
    if of_form.get("date"):
        date = ("date", of_form["date"])
    else:
        date = ("x-oss-date", of_form["x_oss_date"])
    headers = [*vector["headers"].items(), date, ("authorization", of_form["authorization"])]
    token = vector["credentials"]["security_token"]
    headers += [("x-oss-security-token", token)] if token else []

    signed = read_signature(
        read_request(curl(vector["method"], address(vector, vector["query"]), headers))
    )

    assert signed.string_to_sign() == of_form["string_to_sign"]
    assert signed.signature(vector["credentials"]["access_key_secret"]) == signed.provided


@pytest.mark.parametrize("vector", V1_URLS, ids=ids(V1_URLS))
def test_v1_urls_give_the_texts_of_the_official_sdks(vector: dict) -> None:  # type: ignore[type-arg] # JSON
    url = next(iter(vector["url"].values()))
    signed = read_signature(read_request(curl(vector["method"], url, [*vector["headers"].items()])))

    assert signed.string_to_sign() == vector["string_to_sign"]
    assert signed.signature(vector["credentials"]["access_key_secret"]) == vector["signature"]


PUT = HttpRequest(
    method="PUT",
    host=HOST,
    path="/a b/c'd.txt",
    query=(("partNumber", "1"), ("uploadId", "A+B")),
    headers={"host": HOST, "x-oss-meta-a": "it's", "content-type": "text/plain"},
)
URL = f"https://{HOST}/a%20b/c%27d.txt?partNumber=1&uploadId=A%2BB"
FORMS = {
    "chrome": f"curl '{URL}' \\\n  -X 'PUT' \\\n  -H $'x-oss-meta-a: it\\'s' \\\n"
    "  -H 'content-type: text/plain' \\\n  --data-raw $'a\\u0021\\n' \\\n  --compressed ;",
    "chrome on windows": f'curl --request PUT ^"{URL.replace("%", "^%").replace("&", "^&")}^" ^\r\n'
    '  -H ^"x-oss-meta-a: it\'s^" ^\r\n  -H ^"content-type: text/plain^" ^\r\n  --insecure',
    "firefox": f"curl --compressed -XPUT -H \"x-oss-meta-a: it's\" -H 'Content-Type: text/plain'"
    f" '{URL}'",
    "http/1.1": "PUT /a%20b/c%27d.txt?partNumber=1&uploadId=A%2BB HTTP/1.1\r\n"
    f"Host: {HOST}\r\nX-Oss-Meta-A: it's\r\nContent-Type:text/plain\r\n\r\nbody: x\n",
    "http/2": f":method: PUT\n:authority: {HOST}\n:scheme: https\n"
    ":path: /a%20b/c%27d.txt?partNumber=1&uploadId=A%2BB\n"
    "x-oss-meta-a: it's\ncontent-type: text/plain\n",
    "a proxy": f"PUT {URL} HTTP/1.1\nx-oss-meta-a: it's\ncontent-type: text/plain",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_request_is_read_in_every_form(text: str) -> None:
    assert read_request(text) == PUT


def test_a_url_is_a_request_to_read() -> None:
    found = read_request(f"\n https://{HOST}:8443/a%252Fb?x=a+b&y \n")

    assert (found.method, found.host, found.path) == ("GET", HOST, "/a%2Fb")
    assert found.query == (("x", "a b"), ("y", ""))
    assert found.headers == {"host": f"{HOST}:8443"}


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ("", "GET"),
        ("-I", "HEAD"),
        ("-d a=b", "POST"),
        ("-T file", "PUT"),
        ("-d x -X PATCH", "PATCH"),
    ],
)
def test_curl_chooses_the_method(options: str, method: str) -> None:
    assert read_request(f"curl {options} {HOST}/a").method == method


def test_headers_that_curl_does_not_send_are_left_out() -> None:
    found = read_request(f"curl -H 'a:' -H 'b;' -H 'C: 1' -H 'c: 2' https://{HOST}/")

    assert found.headers == {"b": "", "c": "1,2", "host": HOST}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "curl",
        "curl 'https://x",
        "curl -H",
        "hello",
        "{}",
        "<Error/>",
        "GET",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\nno colon",
        "https://[::1/",
        "curl https:///a",
        "x: y",
    ],
)
def test_what_is_no_request_is_one_sentence(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"^[a-z].*\.$"):
        read_request(text)


def request(method: str = "PUT", url: str = f"https://{HOST}/a", **headers: str) -> HttpRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return read_request(curl(method, url, pairs))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (request(), "no signature"),
        (request(authorization="Bearer x"), "no signature"),
        (request(authorization="OSS x"), "malformed"),
        (request(authorization="OSS4-HMAC-SHA256 Signature=x"), "malformed"),
        (
            request(authorization="OSS4-HMAC-SHA256 Credential=a/b/c/oss/d,Signature=x"),
            "x-oss-date is missing",
        ),
        (request(url=f"https://{HOST}/a?Signature=x"), "Expires, OSSAccessKeyId is missing"),
    ],
    ids=["none", "bearer", "v1", "v4", "date", "v1 url"],
)
def test_what_is_no_signature_is_one_sentence(text: HttpRequest, words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        read_signature(text)


@pytest.mark.parametrize(
    ("url", "bucket", "key", "region"),
    [
        (f"https://{HOST}/a/b", "web-direct-upload", "a/b", "cn-hangzhou"),
        ("https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/a", "b-1", "a", "cn-hangzhou"),
        ("https://b-1.cn-hangzhou.oss.aliyuncs.com/a", "b-1", "a", "cn-hangzhou"),
        ("https://b-1.oss-accelerate.aliyuncs.com/a", "b-1", "a", ""),
        ("https://oss-cn-hangzhou.aliyuncs.com/", "", "", "cn-hangzhou"),
        ("http://127.0.0.1:9000/b-1/a/b", "b-1", "a/b", ""),
        ("http://b-1.localhost:9000/a", "b-1", "a", ""),
    ],
)
def test_bucket_and_key_come_from_host_and_path(
    url: str, bucket: str, key: str, region: str
) -> None:
    signed = read_signature(request(url=url, authorization="OSS a:b"))

    assert (signed.bucket, signed.key, signed.endpoint_region) == (bucket, key, region)


def test_a_custom_domain_needs_the_name_of_the_bucket() -> None:
    found = request(url="https://files.example.com/a", authorization="OSS a:b")

    with pytest.raises(BadRequestError, match="--bucket"):
        read_signature(found)

    assert read_signature(found, bucket="b-1").bucket == "b-1"


def sign(
    key: str = KEY,
    *,
    method: str = "PUT",
    secret: str = SECRET,
    region: str = "cn-hangzhou",
    bucket: str = "web-direct-upload",
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/plain"),),
    query: tuple[tuple[str, str], ...] = (),
    date: str = "20260314T092653Z",
) -> dict[str, str]:
    """Return the headers that the page's own signer makes."""
    credentials = Credentials(KEY_ID, secret, TOKEN)
    made = sign_headers(
        credentials, method, bucket, key, date=date, region=region, query=query, headers=headers
    )
    return {name.lower(): value for name, value in made}


def sent(
    headers: dict[str, str], *, key: str = KEY, method: str = "PUT", query: str = ""
) -> SignedRequest:
    """Return the request as a browser sends it."""
    url = f"https://{HOST}/{quote(key)}" + (query and f"?{query}")
    return read_signature(read_request(curl(method, url, list(headers.items()))))


def cause(signed: SignedRequest, *, secret: str = SECRET, answer: OssAnswer | None = None) -> str:
    return explain(signed, secret=secret, answer=answer, now=NOW).causes[0]


def oss_saw(signed: SignedRequest, **changes: str) -> OssAnswer:
    """Return OSS's answer to a request that was changed on its way."""
    canonical = changes.get("canonical", signed.canonical_request())
    return OssAnswer(
        code=changes.get("code", "SignatureDoesNotMatch"),
        message="…",
        request_id="5C06",
        canonical_request=canonical,
        string_to_sign=changes.get("string", signed.string_to_sign()),
        request_time=None,
        server_time=None,
    )


def test_a_right_signature_is_said_to_be_right() -> None:
    assert cause(sent(sign())).startswith("The signature is right for this request")


def test_without_a_secret_nothing_is_claimed() -> None:
    assert "cannot be checked without the secret" in cause(sent(sign()), secret="")


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        (
            sent({**sign(), "content-type": "text/plain;charset=UTF-8"}),
            "signed the Content-Type 'text/plain' and sent 'text/plain;charset=UTF-8'",
        ),
        (sent({**sign(), "x-oss-meta-a": "1"}), "did not sign the header x-oss-meta-a"),
        (
            sent(sign(query=()), query="uploads="),
            "did not sign the query parameter uploads",
        ),
        (sent(sign(method="POST")), "signed the method POST and sent PUT"),
        (
            sent(sign(quote(KEY))),
            "signed a path that is encoded once more than the path it sent",
        ),
        (sent(sign(), key=quote(KEY)), "signed a decoded key, and sent a path that is encoded twi"),
        (sent(sign(f"/{KEY}")), "signed the key with a slash before it"),
        (sent(sign(secret=f"{SECRET}\n")), "secret ends in a space or a line break"),
        (
            sent({**sign(), "x-oss-meta-a": "1", "content-type": "text/plain;charset=UTF-8"}),
            "did not sign the header x-oss-meta-a and signed the Content-Type 'text/plain'",
        ),
        (sent(sign(secret="another")), "No common mistake explains the signature"),
    ],
    ids=[
        "charset", "header", "parameter", "method", "encoded", "decoded", "slash", "newline", "two",
        "secret",
    ],
)  # fmt: skip
def test_a_mistake_of_the_client_is_found(signed: SignedRequest, words: str) -> None:
    assert words in cause(signed)


def test_a_signature_for_another_region_than_the_endpoints_is_told() -> None:
    signed = sent(sign(region="cn-shanghai"))

    assert cause(signed).startswith(
        "The request is signed for the region cn-shanghai and sent to cn-hangzhou"
    )
    assert "without `oss-`" in cause(sent(sign(region="oss-cn-hangzhou")))


def test_names_of_additional_headers_may_have_capitals() -> None:
    (vector,) = [each for each in V4_HEADERS if each["id"] == "v4-header/get-additional-range"]
    authorization = next(iter(vector["authorization"].values()))
    headers = [
        *vector["request_headers"].items(),
        (
            "Authorization",
            authorization.replace("AdditionalHeaders=range", "AdditionalHeaders=Range"),
        ),
    ]

    signed = read_signature(
        read_request(curl(vector["method"], address(vector, vector["query"]), headers))
    )

    assert signed.canonical_request() == vector["canonical_request"]


def test_a_credential_of_another_day_is_told() -> None:
    headers = sign()
    headers["authorization"] = headers["authorization"].replace("/20260314/", "/20260313/")

    assert cause(sent(headers)).startswith("The credential names the day 20260313")


CANONICAL = {
    "method": (("PUT\n", "POST\n"), "The method differs: the request is PUT, and OSS received PO"),
    "bucket": (("/web-direct-upload/", "/other/"), "The bucket differs"),
    "space encoded twice": (("%20", "%2520"), "The key differs"),
    "key": (("alice-x", "bob-x"), "The key differs: the request has"),
    "header": (("text/plain", "text/html"), "The header content-type differs: the request has 'te"),
    "header removed": (
        ("content-type:text/plain\n", ""),
        "OSS did not receive it; a proxy removed",
    ),
    "header added": (
        ("\nx-oss-date", "\nx-oss-a:1\nx-oss-date"),
        "a proxy or the browser added it",
    ),
    "query": (("uploadId=A", "uploadId=B"), "The query parameter uploadId differs"),
    "additional": (("\n\n\n", "\n\nhost\n"), "The additional headers differ"),
    "payload": (("\nUNSIGNED-PAYLOAD", "\ne3b0"), "The payload differs"),
}


@pytest.mark.parametrize(("change", "words"), CANONICAL.values(), ids=CANONICAL)
def test_what_changed_on_the_way_to_oss_is_named(change: tuple[str, str], words: str) -> None:
    signed = sent(sign(query=(("uploadId", "A"),)), query="uploadId=A")
    ours = signed.canonical_request()
    head, _, tail = ours.rpartition(change[0])
    theirs = f"{head}{change[1]}{tail}" if change[0] != "%20" else ours.replace(*change)
    assert theirs != ours

    assert words in cause(signed, answer=oss_saw(signed, canonical=theirs))


def test_a_path_that_was_encoded_twice_is_named() -> None:
    signed = sent(sign())
    path = signed.canonical_request().split("\n")[1]
    theirs = signed.canonical_request().replace(path, quote(path))

    found = cause(signed, answer=oss_saw(signed, canonical=theirs))
    back = cause(signed, answer=oss_saw(signed, canonical=theirs.replace(quote(path), KEY, 1)))

    assert found.startswith("The path was encoded twice")
    assert back.startswith("The bucket differs")


def test_a_path_that_a_proxy_decoded_is_named() -> None:
    signed = sent(sign())
    path = signed.canonical_request().split("\n")[1]
    theirs = signed.canonical_request().replace(path, f"/web-direct-upload/{KEY}")

    assert cause(signed, answer=oss_saw(signed, canonical=theirs)).startswith(
        "The path was decoded"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("/cn-hangzhou/", "/cn-shanghai/"),
            "The region differs: the request is signed for cn-han",
        ),
        (("\n20260314/", "\n20260315/"), "The day of the credential differs"),
        (("T092653Z", "T102653Z"), "The date differs: the request has 20260314T092653Z"),
    ],
    ids=["region", "day", "date"],
)
def test_a_different_string_to_sign_is_named(change: tuple[str, str], words: str) -> None:
    signed = sent(sign())
    answer = oss_saw(signed, string=signed.string_to_sign().replace(*change))

    assert words in cause(signed, answer=answer)


def test_equal_texts_and_a_right_signature_mean_another_secret_at_oss() -> None:
    signed = sent(sign())

    assert cause(signed, answer=oss_saw(signed)).endswith(
        f"OSS has another secret for the access key {KEY_ID}."
    )
    assert "OSS signed the same text" in cause(signed, secret="", answer=oss_saw(signed))


def test_a_mistake_is_found_although_oss_signed_the_text_of_the_request() -> None:
    signed = sent({**sign(), "x-oss-meta-a": "1"})

    assert "did not sign the header x-oss-meta-a" in cause(signed, answer=oss_saw(signed))


def test_v1_texts_are_compared_too() -> None:
    url = f"https://{HOST}/{quote(KEY)}?acl&x-oss-process=a"
    signed = read_signature(
        request(
            url=url, authorization="OSS a:b", date="Sat, 14 Mar 2026 09:26:53 GMT", x_oss_meta_a="1"
        )
    )
    ours = signed.string_to_sign()

    assert ours.endswith(f"x-oss-meta-a:1\n/web-direct-upload/{KEY}?acl&x-oss-process=a")
    for change, words in (
        (("09:26", "09:27"), "The header date differs"),
        (("meta-a:1", "meta-a:2"), "The header x-oss-meta-a differs"),
        (("?acl&", "?"), "The query parameter acl differs"),
        (("PUT", "GET"), "The method differs"),
    ):
        answer = oss_saw(signed, canonical="", string=ours.replace(*change))
        assert words in cause(signed, secret="", answer=answer)


def link(lives_s: object, *, at: datetime = NOW) -> SignedRequest:
    query = {
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{KEY_ID}/{at:%Y%m%d}/cn-hangzhou/oss/aliyun_v4_request",
        "x-oss-date": f"{at:%Y%m%dT%H%M%SZ}",
        "x-oss-expires": lives_s,
        "x-oss-signature": "0" * 64,
    }
    return read_signature(read_request(f"https://{HOST}/a?{urlencode(query)}"))


def test_a_link_that_has_expired_or_never_worked_is_told() -> None:
    late = link(60, at=NOW - timedelta(minutes=2))
    old = f"https://{HOST}/a?OSSAccessKeyId=a&Signature=b&Expires="

    assert cause(late).startswith("The link expired at 2026-03-14 09:29:00 UTC")
    assert cause(link(604_801)).startswith("The link is signed for 604801 seconds; OSS allows")
    assert cause(link("soon")).startswith("The link has no valid expiry time")
    assert cause(read_signature(read_request(f"{old}1"))).startswith("The link expired at 1970-01")
    assert cause(read_signature(read_request(old + "9" * 12))).startswith("No common mistake")


def test_a_wrong_clock_is_told_from_oss_answer() -> None:
    answer = read_answer(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>RequestTimeTooSkewed</Code>"
        "<Message>late</Message><RequestId>5C06</RequestId>"
        "<RequestTime>2026-03-14T08:26:53.000Z</RequestTime>"
        "<ServerTime>2026-03-14T09:26:53.000Z</ServerTime></Error>"
    )

    assert cause(sent(sign()), answer=answer).startswith(
        "The client's clock is 60 minutes behind OSS's clock"
    )


def test_a_refusal_for_another_reason_is_told() -> None:
    signed = sent(sign())
    answer = OssAnswer(
        code="AccessDenied", message="", request_id="", canonical_request="", string_to_sign="",
        request_time=None, server_time=None,
    )  # fmt: skip

    assert cause(signed, answer=answer).startswith("OSS accepted the signature")
    late = link(60, at=NOW - timedelta(minutes=2))
    expired = replace(answer, message="Request has expired.")
    assert cause(late, answer=expired).startswith("The link expired")


def test_the_answer_of_oss_is_read() -> None:
    found = read_answer(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\n\r\n"
        "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>a\nb</StringToSign>"
        "<CanonicalRequest>PUT\n/b/a\n\n\n\nUNSIGNED-PAYLOAD</CanonicalRequest></Error>"
    )

    assert (found.code, found.string_to_sign) == ("SignatureDoesNotMatch", "a\nb")
    assert found.canonical_request == "PUT\n/b/a\n\n\n\nUNSIGNED-PAYLOAD"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<Error>",
        "<html/>",
        "<Error/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><Error>&b;</Error>",
    ],
)
def test_an_answer_that_is_not_of_oss_is_one_sentence(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"^--response: .*\.$"):
        read_answer(text)


def test_lines_have_marks() -> None:
    assert line_differences("PUT\n/a%20b", "PUT\n/a%2520b") == [
        "  PUT",
        "- /a%20b",
        "+ /a%2520b",
        "?     ++",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x-oss-security-token:{}\nx",
        "?x-oss-security-token={}&a",
        "?security-token={}",
        "token%3D{}",
    ],
)
def test_a_token_is_never_shown(text: str) -> None:
    text = text.replace("token%3D", "security-token%3D")

    shown = without_tokens(text.format(TOKEN))

    assert TOKEN not in shown
    assert shown.startswith(text.partition("{")[0])
    assert shown != without_tokens(text.format(TOKEN + "x"))
