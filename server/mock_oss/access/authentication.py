"""Authentication of OSS requests: checks the date, access key, security token and signature.

The package `mock_oss.signing` computes the expected signatures. This module compares them with the
signatures in the requests, and records in the journal why a request was refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from mock_oss.access.credentials import IN_HEADER, IN_URL, check_scope, find_caller, read_credential
from mock_oss.clock import Clock
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.dates import check_skew, iso_ms, parse_gmt, parse_v4_date
from mock_oss.http.request import number_of, whole_number
from mock_oss.identities import ANONYMOUS, Caller
from mock_oss.journal import Journal
from mock_oss.service import Call
from mock_oss.signing import v1, v2, v4
from mock_oss.signing.cases import Case, V1Case, V2Case, V4Case
from mock_oss.signing.explain import Evidence, explanation

MAX_EXPIRES_S = 604_800
_V1_URL = ("OSSAccessKeyId", "Expires", "Signature")
_V2_URL = ("x-oss-access-key-id", "x-oss-expires", "x-oss-signature")
_V4_URL = (
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-signature",
)


def authenticate(call: Call) -> Caller:
    """Return the authenticated caller of a request, or `ANONYMOUS` for an unsigned request.

    Raises:
        RefusedError: the date, access key, security token or signature of a signed request is
            missing, malformed, wrong or expired; or the request contains both a signed URL and an
            Authorization header.
    """
    authorization = call.request.headers.get("authorization")
    params = call.request.params
    version = params.get("x-oss-signature-version")
    in_v4_url = version is not None or "x-oss-signature" in params
    in_v1_url = any(name in params for name in _V1_URL)
    if authorization is None:
        if version == v2.ALGORITHM:
            _require(params, _V2_URL, 2)
            return _dated_url(call, _V2_URL, V2Case)
        if in_v4_url:
            return _v4_url(call)
        if in_v1_url:
            if not all(params.get(name) for name in _V1_URL):
                raise _denied(
                    "Query-string authentication requires the Signature, Expires and "
                    "OSSAccessKeyId parameters",
                    "0002-00000062",
                )
            return _dated_url(call, _V1_URL, V1Case)
        return ANONYMOUS
    if in_v4_url or in_v1_url:
        raise invalid_argument(
            "Authorization",
            "Authorization",
            "Only one auth mechanism allowed; only the X-Oss-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified.",
        )
    for prefix, parse, verify in (
        (f"{v4.ALGORITHM} ", v4.parse_authorization, _v4_header),
        (f"{v2.ALGORITHM} ", v2.parse_authorization, partial(_dated_header, V2Case)),
        ("OSS ", v1.parse_authorization, partial(_dated_header, V1Case)),
    ):
        if authorization.startswith(prefix):
            try:
                fields = parse(authorization)
            except ValueError as e:
                raise _bad_authorization(f"Invalid Authorization header: {e}.") from e
            return verify(call, fields)
    raise _bad_authorization("Unsupported authorization type.")


def _bad_authorization(message: str) -> RefusedError:
    return RefusedError(
        "InvalidArgument", message, ec="0002-00000225", ArgumentName="Authorization"
    )


def _denied(message: str, ec: str, why: Mapping[str, object] | None = None) -> RefusedError:
    return RefusedError("AccessDenied", message, ec=ec, why=why)


def _no_date(value: str) -> RefusedError:
    why = {"kind": "clock", "date": value}
    return _denied("OSS authentication requires a valid Date.", "0002-00000503", why)


def _read_date(headers: Mapping[str, str], *, has_gmt: bool = False) -> tuple[str, datetime]:
    """Return the date of a request with a signature in the header, as text and as datetime.

    The date is `x-oss-date` in the ISO 8601 format; without this header, it is `Date` in the
    GMT format. An official SDK sends `x-oss-date` of V1 requests in the GMT format, which
    `has_gmt` allows. Source: vendor pages of the error codes (EC) 0002-00000502 and -503.

    Raises:
        RefusedError: AccessDenied if the date is missing or has another format.
    """
    text = headers.get("x-oss-date")
    if text is None:
        text = headers.get("date", "")
        moment = parse_gmt(text)
    else:
        moment = parse_v4_date(text) or (parse_gmt(text) if has_gmt else None)
    if moment is None:
        raise _no_date(text)
    return text, moment


def _v4_header(call: Call, fields: Mapping[str, str]) -> Caller:
    credential = read_credential(fields["Credential"], IN_HEADER)
    _, moment = _read_date(call.request.headers)
    token = call.request.headers.get("x-oss-security-token")
    caller = find_caller(credential.access_key_id, token, call)
    check_skew(moment, call.clock)
    case = V4Case(
        **_common(call, fields["Signature"]),
        raw_query=call.request.raw_query,
        additional=fields.get("AdditionalHeaders", ""),
        date_time=f"{moment:%Y%m%dT%H%M%SZ}",
        credential=credential,
    )
    check_scope(credential, case.date_time, call.region, IN_HEADER)
    return _verify(call, caller, case)


def _v4_url(call: Call) -> Caller:
    params = call.request.params
    _require(params, _V4_URL, 4, ec="0002-00000215")
    version = params["x-oss-signature-version"]
    if version != v4.ALGORITHM:
        raise invalid_argument("x-oss-signature-version", version, "Invalid signature version.")
    credential = read_credential(params["x-oss-credential"], IN_URL)
    date_time = params["x-oss-date"]
    moment = parse_v4_date(date_time)
    if moment is None:
        raise _no_date(date_time)
    expires, message = (
        params["x-oss-expires"],
        "x-oss-expires must be between 1 and 604800 seconds.",
    )
    expires_s = number_of("x-oss-expires", expires, 1, MAX_EXPIRES_S, message, ec="0002-00000232")
    additional = params.get("x-oss-additional-headers")
    if additional == "":
        message = "x-oss-additional-headers is empty."
        raise RefusedError("InvalidArgument", message, ec="0002-00000209")
    caller = find_caller(credential.access_key_id, params.get("x-oss-security-token"), call)
    # The date of a presigned URL may be long ago, but not in the future.
    check_skew(max(moment, call.clock.now()), call.clock)
    if call.clock.timestamp() >= moment.timestamp() + expires_s:
        raise _expired(moment.timestamp() + expires_s, call.clock)
    check_scope(credential, date_time, call.region, IN_URL)
    case = V4Case(
        **_common(call, params["x-oss-signature"]),
        raw_query=call.request.raw_query,
        additional=additional or "",
        date_time=date_time,
        credential=credential,
    )
    return _verify(call, caller, case)


def _require(
    params: Mapping[str, str], names: tuple[str, ...], version: int, *, ec: str | None = None
) -> None:
    for name in names:
        if not params.get(name):
            message = f"Query-string authentication version {version} requires {name}."
            raise RefusedError("InvalidArgument", message, ec=ec, ArgumentName=name)


def _expired(at_s: float, clock: Clock) -> RefusedError:
    return RefusedError(
        "AccessDenied",
        "Request has expired.",
        ec="0002-00000069",
        Expires=iso_ms(at_s),
        ServerTime=iso_ms(clock.timestamp()),
        why={"kind": "clock", "expired_at": iso_ms(at_s)},
    )


def _common(call: Call, provided: str) -> dict[str, Any]:
    """Return the fields that a `Case` of each version has."""
    return {
        "method": call.request.method,
        "bucket": call.target.bucket,
        "key": call.key,
        "query": tuple(call.request.query),
        "headers": call.request.headers,
        "provided": provided,
    }


def _verify(call: Call, caller: Caller, case: Case) -> Caller:
    """Return the caller if the signature of the request is correct.

    Raises:
        RefusedError: SignatureDoesNotMatch.
    """
    text = case.text()
    if case.produces_signature(text, caller.secret):
        return caller
    evidence = Evidence(
        secret=caller.secret,
        other_secrets=call.service.identities.secrets(),
        earlier=_earlier(case, call.service.journal),
    )
    string_to_sign = case.texts(text)["string_to_sign"]
    refused = RefusedError(
        "SignatureDoesNotMatch",
        explain=partial(explanation, case, evidence),
        OSSAccessKeyId=caller.access_key_id,
        SignatureProvided=case.provided,
        StringToSign=string_to_sign,
        StringToSignBytes="".join(f"{byte:02X} " for byte in string_to_sign.encode()),
    )
    if isinstance(case, V4Case):
        refused.ec = "0002-00000201"
        refused.extras["CanonicalRequest"] = text
    raise refused


def _earlier(case: Case, journal: Journal) -> Iterator[Case]:
    """Yield earlier requests that contain the same signature as `case`, latest first.

    Requests that were refused with SignatureDoesNotMatch are omitted.
    """
    for record in reversed(list(journal)):
        texts = (
            record.params.get("x-oss-signature"),
            record.params.get("Signature"),
            record.headers.get("authorization"),
        )
        carried = any(text.endswith(case.provided) for text in filter(None, texts))
        if carried and record.code != "SignatureDoesNotMatch":
            yield replace(
                case,
                method=record.method,
                bucket=record.bucket,
                key=record.key,
                query=tuple(record.params.items()),
                headers=record.headers,
            )


def _dated_header(case: type[V1Case | V2Case], call: Call, fields: Mapping[str, str]) -> Caller:
    headers = call.request.headers
    date_line, moment = _read_date(headers, has_gmt=True)
    token = headers.get("x-oss-security-token")
    if not token and case is V1Case:
        # One official SDK sends the token of a V1 request in an unsigned header `security-token`.
        token = headers.get("security-token")
    caller = find_caller(fields["AccessKeyId"], token, call)
    check_skew(moment, call.clock)
    additional = fields.get("AdditionalHeaders", "")
    common = _common(call, fields["Signature"])
    return _verify(call, caller, case(**common, additional=additional, date_line=date_line))


def _dated_url(call: Call, names: tuple[str, str, str], case: type[V1Case | V2Case]) -> Caller:
    params = call.request.params
    access_key_id, expires, signature = (params[name] for name in names)
    _check_expires(expires, call.clock)
    caller = find_caller(access_key_id, params.get("security-token"), call)
    additional = params.get("x-oss-additional-headers", "")
    common = _common(call, signature)
    return _verify(call, caller, case(**common, additional=additional, date_line=expires))


def _check_expires(expires: str, clock: Clock) -> None:
    """Check the time in seconds since 1970 at which a presigned URL expires.

    Raises:
        RefusedError: AccessDenied if the URL has expired, or the text is no time.
    """
    at_s = whole_number(expires, 0, 10**15 - 1)
    if at_s is None:
        raise _denied("Invalid date (should be seconds since epoch).", "0002-00000064")
    if clock.timestamp() > at_s:
        raise _expired(at_s, clock)
