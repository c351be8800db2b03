"""Authentication of requests: the caller of an accepted request, and all details of a refusal."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from mock_oss import Clock, Role, User, World
from mock_oss.access.authentication import authenticate
from mock_oss.errors import RefusedError
from mock_oss.identities import ANONYMOUS, Caller
from mock_oss.journal import Journal, RequestRecord
from mock_oss.signing import v1, v4
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, SessionRecord
from support.mock_calls import NONE_SENT, NOW, mock_call, mock_request
from support.refusals import refusal
from support.vectors import load

NOW_S = 1_773_480_413
DATE_TIME = "20260314T092653Z"
GMT = "Sat, 14 Mar 2026 09:26:53 GMT"
REGION = "cn-hangzhou"
SCOPE = f"20260314/{REGION}/oss/aliyun_v4_request"
BUCKET = "examplebucket"
KEY_ID = "LTAI5tEXAMPLEKEYID00001"
SECRET = "EXAMPLEsecret0123456789abcdEFGH"
OTHER_KEY_ID, OTHER_SECRET = "LTAI5tEXAMPLEKEYID00002", "another secret"
ROLE = Role(name="uploader")
SESSION = SessionRecord(
    access_key_id="STS.EXAMPLEKEYID00000002",
    access_key_secret="EXAMPLEstsSecret0123456789abcdefgh",
    security_token="CAIS+EXAMPLE/token==EXAMPLEtoken0123456789",
    role_arn=ROLE.arn,
    session_name="alice",
    policy="",
    expires_ms=(NOW_S + 900) * 1000,
)
WORLD = World(
    users=(
        User(name="alice", keys={KEY_ID: SECRET}),
        User(name="bob", keys={OTHER_KEY_ID: OTHER_SECRET}),
    ),
    roles=(ROLE,),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("store"))
    store.sessions.put(SESSION)
    yield store
    store.close()


class Gate:
    """Authenticates requests, one after the other, and records them in a journal."""

    def __init__(self, store: Store) -> None:
        self.clock = Clock(NOW, frozen=True)
        self.journal = Journal()
        self._store = store

    @property
    def record(self) -> RequestRecord:
        """The record of the last request."""
        return self.journal[-1]

    def send(
        self,
        method: str = "GET",
        key: str = "a",
        query: str = "",
        *,
        headers: Mapping[str, str] = NONE_SENT,
        bucket: str = BUCKET,
        region: str = REGION,
    ) -> Caller:
        """Authenticate one request of a client, and return its caller."""
        sent = {"host": f"{bucket}.localhost", **headers}
        request = mock_request(method, quote(f"/{key}"), query, sent)
        call = mock_call(
            self._store,
            f"{bucket}/{key}",
            request,
            world=WORLD,
            clock=self.clock,
            journal=self.journal,
        )
        call.bucket_or_none = BucketRecord(bucket, "1", region, "", "", "", 0, "", "")
        try:
            return authenticate(call)
        except RefusedError as error:
            call.record.code = error.code
            call.record.why = error.explain or error.why
            raise

    def refusal(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the refusal of one request, without the explanation of its signature."""
        return refusal(self.send, *args, **kwargs)


@pytest.fixture
def gate(store: Store) -> Gate:
    return Gate(store)


# Requests of the official SDKs


def kind_and_key_id(vector: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and access key id of the caller of a vector's requests."""
    key_id = vector["credentials"]["access_key_id"]
    return ("role" if key_id.startswith("STS.") else "user"), key_id


def query_of(vector: Mapping[str, Any]) -> str:
    return urlencode([(name, value or "") for name, value in vector["query"]])


def v4_header_requests(vector: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for authorization in vector["authorization"].values():
        yield query_of(vector), {**vector["request_headers"], "Authorization": authorization}


def v1_header_requests(vector: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    token = vector["credentials"]["security_token"]
    headers = {**vector["headers"], **({"x-oss-security-token": token} if token else {})}
    for date, name in (("Date", "with_date_header"), ("x-oss-date", "with_x_oss_date")):
        authorization = vector[name]["authorization"]
        yield query_of(vector), {**headers, date: GMT, "Authorization": authorization}


def url_requests(vector: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for url in vector["url"].values():
        yield urlsplit(url).query, vector["headers"]


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("v4_header", v4_header_requests),
        ("v4_presign", url_requests),
        ("v1_header", v1_header_requests),
        ("v1_presign", url_requests),
    ],
)
def test_every_request_that_an_sdk_signs_is_accepted(gate: Gate, name: str, requests: Any) -> None:
    for vector in load(name)["vectors"]:
        place = {"bucket": vector["bucket"] or "", "region": vector.get("region", REGION)}
        for query, headers in requests(vector):
            caller = gate.send(vector["method"], vector["key"], query, headers=headers, **place)

            assert (caller.kind, caller.access_key_id) == kind_and_key_id(vector), vector["id"]
            assert gate.record.access_key_id == caller.access_key_id
            assert gate.record.caller == caller.arn


def vector_of(name: str, vector_id: str) -> Any:
    return next(v for v in load(name)["vectors"] if v["id"] == vector_id)


def test_the_unsigned_token_header_of_an_sdk_is_read(gate: Gate) -> None:
    vector = vector_of("v1_header", "v1-header/put-sts-token")
    headers = {
        **vector["headers"],
        "Date": GMT,
        "security-token": SESSION.security_token,
        "Authorization": "OSS STS.EXAMPLEKEYID00000002:6muMlB8fW6CyMOapreHhREGAaXY=",
    }

    caller = gate.send("PUT", vector["key"], headers=headers)

    assert caller.arn == f"{ROLE.arn}/alice"
    headers["Authorization"] = f"OSS2 AccessKeyId:{SESSION.access_key_id},Signature:s"
    assert gate.refusal("PUT", vector["key"], headers=headers)["EC"] == "0002-00000003"


@pytest.mark.parametrize("query", ["", "uploads", "x-oss-date=1&x-oss-credential=2", "list-type=2"])
def test_a_request_without_a_signature_is_anonymous(gate: Gate, query: str) -> None:
    assert gate.send("GET", "a", query) == ANONYMOUS


# Times


def refused(
    status: int, code: str, message: str, ec: str, *, why: object = None, **extras: object
) -> dict[str, Any]:
    told = {"status": status, "Code": code, "Message": message, "EC": ec}
    return {**told, **extras, "why": why or {}}


def skewed(by_s: int) -> dict[str, Any]:
    return refused(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        "0002-00000504",
        MaxAllowedSkewMilliseconds=900_000,
        RequestTime="2026-03-14T09:26:53.000Z",
        ServerTime=f"{NOW - timedelta(seconds=by_s):%Y-%m-%dT%H:%M:%S}.000Z",
        why={"kind": "clock", "client_minus_server_s": by_s},
    )


def denied(message: str, ec: str, **more: object) -> dict[str, Any]:
    return refused(403, "AccessDenied", message, ec, **more)


def expired(at: str, now: str) -> dict[str, Any]:
    why = {"kind": "clock", "expired_at": at}
    return denied("Request has expired.", "0002-00000069", why=why, Expires=at, ServerTime=now)


def no_date(text: str) -> dict[str, Any]:
    why = {"kind": "clock", "date": text}
    return denied("OSS authentication requires a valid Date.", "0002-00000503", why=why)


@pytest.mark.parametrize("name", ["v4_header", "v1_header"])
def test_a_signature_in_the_header_may_be_15_minutes_old_or_early(gate: Gate, name: str) -> None:
    vector = vector_of(name, f"{name.replace('_', '-')}/put-plain")
    requests = v4_header_requests if name == "v4_header" else v1_header_requests
    _, headers = next(requests(vector))
    for skew_s in (-900, 900):
        gate.clock.set(NOW - timedelta(seconds=skew_s))
        assert gate.send("PUT", vector["key"], headers=headers).name == "alice"

    for skew_s in (-901, 901):
        gate.clock.set(NOW - timedelta(seconds=skew_s))
        assert gate.refusal("PUT", vector["key"], headers=headers) == skewed(skew_s)


def test_a_v4_url_is_valid_from_15_minutes_before_its_date_until_it_expires(gate: Gate) -> None:
    vector = vector_of("v4_presign", "v4-presign/get")
    query = urlsplit(vector["url"]["oss2"]).query
    for age_s in (-900, 3599):
        gate.clock.set(NOW + timedelta(seconds=age_s))
        assert gate.send("GET", vector["key"], query).name == "alice"

    gate.clock.set(NOW - timedelta(seconds=901))
    assert gate.refusal("GET", vector["key"], query) == skewed(901)

    end = "2026-03-14T10:26:53.000Z"
    gate.clock.set(NOW + timedelta(seconds=3600))
    assert gate.refusal("GET", vector["key"], query) == expired(end, end)


def test_a_v1_url_is_valid_up_to_its_last_second(gate: Gate) -> None:
    vector = vector_of("v1_presign", "v1-presign/get")
    query = urlsplit(vector["url"]["oss2"]).query
    gate.clock.set(NOW + timedelta(seconds=3600))
    assert gate.send("GET", vector["key"], query).name == "alice"

    gate.clock.set(NOW + timedelta(seconds=3601))
    end, now = "2026-03-14T10:26:53.000Z", "2026-03-14T10:26:54.000Z"
    assert gate.refusal("GET", vector["key"], query) == expired(end, now)


def v4_authorization(canonical: str, *, additional: str = "") -> str:
    listed = f"AdditionalHeaders={additional}," if additional else ""
    return (
        f"OSS4-HMAC-SHA256 Credential={KEY_ID}/{SCOPE},{listed}Signature={v4_signature(canonical)}"
    )


def v4_signature(canonical: str) -> str:
    key = v4.signing_key(SECRET, DATE_TIME[:8], REGION)
    return v4.signature(key, v4.string_to_sign(DATE_TIME, SCOPE, canonical))


NO_HEADERS = f"PUT\n/{BUCKET}/a\n\n\n\nUNSIGNED-PAYLOAD"


def test_a_v4_request_without_x_oss_date_is_dated_by_its_date(gate: Gate) -> None:
    headers = {"Date": GMT, "Authorization": v4_authorization(NO_HEADERS)}

    assert gate.send("PUT", headers=headers).name == "alice"


def test_x_oss_date_of_a_v1_request_may_be_iso_8601(gate: Gate) -> None:
    text = f"PUT\n\n\n{DATE_TIME}\nx-oss-date:{DATE_TIME}\n/{BUCKET}/a"
    signed = f"OSS {KEY_ID}:{v1.signature(SECRET, text)}"

    caller = gate.send("PUT", headers={"x-oss-date": DATE_TIME, "Authorization": signed})

    assert caller.name == "alice"


# Refusals before the signature


V4_WRONG = f"OSS4-HMAC-SHA256 Credential={KEY_ID}/{SCOPE},Signature={'0' * 64}"
V1_WRONG = f"OSS {KEY_ID}:AAAA"
V4_URL = {
    "x-oss-signature-version": "OSS4-HMAC-SHA256",
    "x-oss-credential": f"{KEY_ID}/{SCOPE}",
    "x-oss-date": DATE_TIME,
    "x-oss-expires": "60",
    "x-oss-signature": "0" * 64,
}
V2_URL = {"x-oss-access-key-id": KEY_ID, "x-oss-expires": "60", "x-oss-signature": "AAAA"}
V1_URL = {"OSSAccessKeyId": KEY_ID, "Expires": str(NOW_S + 60), "Signature": "AAAA"}
AFTER_THE_LAST_YEAR = "Fri, 31 Dec 9999 23:59:59 -0100"  # in UTC
DATES: list[tuple[str, dict[str, str], str]] = [
    # Authorization, the headers with a date, and the date that is read
    *((signed, {}, "") for signed in (V4_WRONG, V1_WRONG)),
    *(
        (signed, {"x-oss-date": "yesterday", "Date": GMT}, "yesterday")
        for signed in (V4_WRONG, V1_WRONG)
    ),
    *((signed, {"Date": DATE_TIME}, DATE_TIME) for signed in (V4_WRONG, V1_WRONG)),
    (V4_WRONG, {"x-oss-date": GMT}, GMT),
    (V4_WRONG, {"x-oss-date": "", "Date": GMT}, ""),
    (V4_WRONG, {"Date": AFTER_THE_LAST_YEAR}, AFTER_THE_LAST_YEAR),
]
DEFAULT_EC = "0002-00000229"
AT_FAULT = "Invalid Authorization header: "
AUTHORIZATIONS = {
    "OSS3 AccessKeyId:a": "Unsupported authorization type.",
    "OSS2 AccessKeyId:a": f"{AT_FAULT}the Authorization header lacks Signature.",
    "OSS4-HMAC-SHA256": "Unsupported authorization type.",
    "Basic OSS a:b": "Unsupported authorization type.",
    "OSS4-HMAC-SHA256 nonsense": f"{AT_FAULT}cannot read 'nonsense' in the Authorization header.",
    "OSS nonsense": f"{AT_FAULT}the Authorization header is not 'OSS AccessKeyId:Signature'.",
}
BOTH = "x-oss-signature-version x-oss-signature OSSAccessKeyId Expires Signature".split()  # noqa: SIM905
NOT_7_DAYS = ["0", "604801", "-1", "60.0", "1e3", "9" * 5000, "\uff16\uff10", "\u00b2"]
NO_SECONDS = ["soon", "-1", "1e9", "1" * 16, "\uff19" * 10]


def invalid(message: str, ec: str, **extras: str) -> dict[str, Any]:
    return refused(400, "InvalidArgument", message, ec, **extras)


def signed_by(authorization: str, **dates: str) -> dict[str, str]:
    return {"Authorization": authorization, **(dates or {"x-oss-date": DATE_TIME})}


def incomplete(url: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name, and the query without the parameter or with an empty one."""
    for name in url:
        yield name, urlencode({n: v for n, v in url.items() if n != name})
        yield name, urlencode({**url, name: ""})


NOBODY = refused(
    403,
    "InvalidAccessKeyId",
    "The OSS Access Key Id you provided does not exist in our records.",
    "0002-00000902",
    why={"kind": "key", "unknown": "LTAInone"},
    OSSAccessKeyId="LTAInone",
)
REFUSED: list[tuple[str, Mapping[str, str], dict[str, Any]]] = [
    # query, headers, and the refusal
    *(("", {"Authorization": by, **dates}, no_date(text)) for by, dates, text in DATES),
    (urlencode({**V4_URL, "x-oss-date": GMT}), {}, no_date(GMT)),
    *(
        (
            f"{name}=1",
            signed_by(authorization),
            invalid(
                "Only one auth mechanism allowed; only the X-Oss-Algorithm query parameter, "
                "Signature query string parameter or the Authorization header should be specified.",
                DEFAULT_EC,
                ArgumentName="Authorization",
                ArgumentValue="Authorization",
            ),
        )
        for name in BOTH
        for authorization in (V4_WRONG, V1_WRONG, "nonsense")
    ),
    *(
        ("", signed_by(text), invalid(message, "0002-00000225", ArgumentName="Authorization"))
        for text, message in AUTHORIZATIONS.items()
    ),
    *(
        (
            query,
            {},
            invalid(
                f"Query-string authentication version 4 requires {name}.",
                "0002-00000215",
                ArgumentName=name,
            ),
        )
        for name, query in incomplete(V4_URL)
    ),
    *(
        (
            f"x-oss-signature-version=OSS2&{query}",
            {},
            invalid(
                f"Query-string authentication version 2 requires {name}.",
                DEFAULT_EC,
                ArgumentName=name,
            ),
        )
        for name, query in incomplete(V2_URL)
    ),
    (
        urlencode({**V4_URL, "x-oss-signature-version": "OSS5"}),
        {},
        invalid(
            "Invalid signature version.",
            DEFAULT_EC,
            ArgumentName="x-oss-signature-version",
            ArgumentValue="OSS5",
        ),
    ),
    (
        urlencode({**V4_URL, "x-oss-additional-headers": ""}),
        {},
        invalid("x-oss-additional-headers is empty.", "0002-00000209"),
    ),
    *(
        (
            urlencode({**V4_URL, "x-oss-expires": text}),
            {},
            invalid(
                "x-oss-expires must be between 1 and 604800 seconds.",
                "0002-00000232",
                ArgumentName="x-oss-expires",
                ArgumentValue=text,
            ),
        )
        for text in NOT_7_DAYS
    ),
    *(
        (
            query,
            {},
            denied(
                "Query-string authentication requires the Signature, Expires and OSSAccessKeyId "
                "parameters",
                "0002-00000062",
            ),
        )
        for _, query in incomplete(V1_URL)
    ),
    *(
        (query, {}, denied("Invalid date (should be seconds since epoch).", "0002-00000064"))
        for text in NO_SECONDS
        for query in (
            urlencode({**V1_URL, "Expires": text}),
            urlencode({"x-oss-signature-version": "OSS2", **V2_URL, "x-oss-expires": text}),
        )
    ),
    (
        urlencode({"x-oss-signature-version": "OSS2", **V2_URL}),
        {},
        expired("1970-01-01T00:01:00.000Z", "2026-03-14T09:26:53.000Z"),
    ),
    ("", signed_by(V4_WRONG.replace(KEY_ID, "LTAInone")), NOBODY),
    ("", signed_by(V1_WRONG.replace(KEY_ID, "LTAInone"), Date=GMT), NOBODY),
    *((urlencode(url).replace(KEY_ID, "LTAInone"), {}, NOBODY) for url in (V4_URL, V1_URL)),
]


@pytest.mark.parametrize(
    ("query", "headers", "document"),
    [
        pytest.param(*row, id=f"{number} {row[2]['Message'][:50]}")
        for number, row in enumerate(REFUSED, 1)
    ],
)
def test_a_request_that_is_not_signed_as_oss_requires_is_refused_with_the_reason(
    gate: Gate, query: str, headers: Mapping[str, str], document: dict[str, Any]
) -> None:
    assert gate.refusal("GET", "a", query, headers=headers) == document
    if document is NOBODY:
        assert gate.record.access_key_id == "LTAInone"


@pytest.mark.parametrize(
    ("credential", "of_header", "of_url"),
    [
        ("a", "0002-00000213", "0002-00000224"),
        (f"{KEY_ID}/20260313/{REGION}/oss/aliyun_v4_request", "0002-00000212", "0002-00000223"),
        (f"{KEY_ID}/20260314/cn-beijing/oss/aliyun_v4_request", "0002-00000226", "0002-00000228"),
    ],
    ids=["format", "date", "region"],
)
def test_a_credential_belongs_to_the_request(
    gate: Gate, credential: str, of_header: str, of_url: str
) -> None:
    authorization = f"OSS4-HMAC-SHA256 Credential={credential},Signature={'0' * 64}"
    headers = {"Authorization": authorization, "x-oss-date": DATE_TIME}
    query = urlencode({**V4_URL, "x-oss-credential": credential})

    assert gate.refusal(headers=headers)["EC"] == of_header
    assert gate.refusal("GET", "a", query)["EC"] == of_url


@pytest.mark.parametrize("expires", ["1", "604800"])
def test_the_limits_of_a_v4_url_belong_to_the_range(gate: Gate, expires: str) -> None:
    query = urlencode({**V4_URL, "x-oss-expires": expires})

    assert gate.refusal("GET", "a", query)["Code"] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("expires", [str(NOW_S), "1" * 15])
def test_a_v1_url_may_expire_at_any_time_in_the_future(gate: Gate, expires: str) -> None:
    text = f"GET\n\n\n{expires}\n/{BUCKET}/a"
    signed = {**V1_URL, "Expires": expires, "Signature": v1.signature(SECRET, text)}

    assert gate.send("GET", "a", urlencode(signed)).name == "alice"


# Signatures


URL = {n: v for n, v in V4_URL.items() if n != "x-oss-signature"}
WITH_HOST = {**URL, "x-oss-additional-headers": "host"}
V4_HEADER_TEXT = (
    f"PUT\n/{BUCKET}/dir/%C3%A4.txt\nprefix&x=a%20b\ncontent-type:text/plain\n"
    f"host:{BUCKET}.localhost\nx-oss-date:{DATE_TIME}\n\nhost\nUNSIGNED-PAYLOAD"
)
V4_URL_TEXT = (
    f"PUT\n/{BUCKET}/a\n{urlencode(sorted(WITH_HOST.items()))}\n"
    f"host:{BUCKET}.localhost\n\nhost\nUNSIGNED-PAYLOAD"
)
NO_HOST_TEXT = f"PUT\n/{BUCKET}/a\n\nx-oss-date:{DATE_TIME}\n\n\nUNSIGNED-PAYLOAD"
V1_HEADER_TEXT = (
    f"PUT\n\ntext/plain\n{GMT}\nx-oss-meta-a:1\n/{BUCKET}/dir/ä.txt?x-oss-process=image/info"
)
V1_URL_TEXT = f"PUT\n\n\n{V1_URL['Expires']}\n/{BUCKET}/a"
AS_POST = "the method was signed as POST"
TYPED = {"Content-Type": "text/plain", "x-oss-date": DATE_TIME}
WRONG = {
    # key, query, headers, the expected text, the signed text, and the cause
    "v4 header": (
        "dir/ä.txt",
        "x=a%20b&prefix=",
        {**TYPED, "Authorization": "?Host"},
        V4_HEADER_TEXT,
        V4_HEADER_TEXT.replace("prefix&x=a%20b", "x=a%20b&prefix="),
        "the query was signed in the order sent",
    ),
    "v4 header without host": (
        "a",
        "",
        {"x-oss-date": DATE_TIME, "Authorization": "?"},
        NO_HOST_TEXT,
        NO_HOST_TEXT.replace("x-oss-", f"host:{BUCKET}.localhost\nx-oss-").replace(
            "\n\n\nUN", "\n\nhost\nUN"
        ),
        "host was signed and not named in AdditionalHeaders",
    ),
    "v4 url": (
        "a",
        f"{urlencode(WITH_HOST)}&x-oss-signature=?",
        {},
        V4_URL_TEXT,
        V4_URL_TEXT.replace("PUT", "POST", 1),
        AS_POST,
    ),
    "v1 header": (
        "dir/ä.txt",
        "x-oss-process=image/info",
        {"Content-Type": "text/plain", "Date": GMT, "x-oss-meta-a": "1", "Authorization": "?"},
        V1_HEADER_TEXT,
        V1_HEADER_TEXT.partition("?")[0],
        "the sub-resource x-oss-process was sent and not signed",
    ),
    "v1 url": (
        "a",
        urlencode({**V1_URL, "Signature": ""}) + "?",
        {},
        V1_URL_TEXT,
        V1_URL_TEXT.replace("PUT", "POST", 1),
        AS_POST,
    ),
}


@pytest.mark.parametrize("form", WRONG)
def test_a_wrong_signature_is_refused_with_the_expected_text_and_explained(
    gate: Gate, form: str
) -> None:
    key, query, headers, ours, theirs, cause = WRONG[form]
    is_v4 = form.startswith("v4")
    made = v4_signature(theirs) if is_v4 else v1.signature(SECRET, theirs)
    signed = dict(headers)
    if "Authorization" in headers:
        additional = headers["Authorization"][1:]
        v1_header = f"OSS {KEY_ID}:{made}"
        signed["Authorization"] = (
            v4_authorization(theirs, additional=additional) if is_v4 else v1_header
        )

    found = gate.refusal(
        "PUT", key, query.replace("=?", f"={quote(made, safe='')}"), headers=signed
    )

    text = v4.string_to_sign(DATE_TIME, SCOPE, ours) if is_v4 else ours
    assert found == refused(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        "0002-00000201" if is_v4 else "0002-00000040",
        OSSAccessKeyId=KEY_ID,
        SignatureProvided=made,
        StringToSign=text,
        StringToSignBytes=text.encode().hex(" ").upper() + " ",
        **({"CanonicalRequest": ours} if is_v4 else {}),
    )
    kind = "canonical_request" if is_v4 else "string_to_sign"
    why = gate.record.why
    assert (why["kind"], why["cause"]) == ("signature", cause)
    assert (why[f"expected_{kind}"], why[f"signed_{kind}"]) == (ours, theirs)


def test_the_secret_of_another_key_is_recognized(gate: Gate) -> None:
    text = f"PUT\n\n\n{GMT}\n/{BUCKET}/a"
    signed = f"OSS {KEY_ID}:{v1.signature(OTHER_SECRET, text)}"

    gate.refusal("PUT", headers={"Date": GMT, "Authorization": signed})

    assert gate.record.why == {
        "kind": "signature",
        "cause": f"signed with the secret of {OTHER_KEY_ID}",
        "expected_string_to_sign": text,
    }


def v1_headers(text: str, date: str, *, key_id: str = KEY_ID, secret: str = SECRET) -> Any:
    """Return the headers of a V1 request with this date, and with the signature of `text`."""
    return {"Date": date, "Authorization": f"OSS {key_id}:{v1.signature(secret, text)}"}


PUT_A = f"PUT\n\n\n{GMT}\n/{BUCKET}/a"


@pytest.mark.parametrize(
    "headers",
    [v1_headers(PUT_A, GMT), {"Date": GMT, "Authorization": v4_authorization(NO_HEADERS)}],
    ids=["v1", "v4"],
)
def test_an_accepted_signature_on_another_request_is_explained_by_the_accepted_request(
    gate: Gate, headers: dict[str, str]
) -> None:
    assert gate.send("PUT", headers=headers).name == "alice"
    gate.send("GET", "unsigned")

    assert gate.refusal("GET", headers=headers)["Code"] == "SignatureDoesNotMatch"

    assert gate.record.why["cause"] == (
        "this signature was accepted before, for another request: the method was 'PUT' and is 'GET'"
    )


def test_a_refused_signature_was_not_accepted_before(gate: Gate) -> None:
    gate.refusal(headers=v1_headers(PUT_A, GMT.replace(":53", ":54")), method="PUT")

    gate.refusal(headers=v1_headers(PUT_A, GMT), method="GET")

    assert gate.record.why["cause"] == "the method was signed as PUT"


def test_the_signature_of_another_key_is_another_signature(gate: Gate) -> None:
    bob = v1_headers(PUT_A, GMT, key_id=OTHER_KEY_ID, secret=OTHER_SECRET)
    assert gate.send("PUT", headers=bob).name == "bob"

    gate.refusal("GET", headers=v1_headers(PUT_A, GMT))

    assert gate.record.why["cause"] == "the method was signed as PUT"
