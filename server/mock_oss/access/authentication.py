"""Authentication of OSS requests: checks the date, access key, security token and signature.

The `signing` package computes the expected signatures. This module compares them with the
signatures in the requests, and records details about refused requests.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from mock_oss.access.identities import ANONYMOUS, Caller
from mock_oss.access.keys import Context, find_caller
from mock_oss.access.network_limits import check_network, limit_ec, signed_query
from mock_oss.access.scope import IN_HEADER, IN_URL, check_scope, read_credential
from mock_oss.clock import Clock
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import Target
from mock_oss.http.dates import check_skew, iso_ms, parse_gmt, parse_v4_date
from mock_oss.http.request import Request
from mock_oss.journal import Journal
from mock_oss.signing import v1, v2, v4
from mock_oss.signing.cases import Case, V1Case, V2Case, V4Case
from mock_oss.signing.explain import Evidence, mismatch

MAX_EXPIRES_S = 604_800
SEEN_REQUESTS = 500
_V1_URL = ("OSSAccessKeyId", "Expires", "Signature")
_V2_URL = ("x-oss-access-key-id", "x-oss-expires", "x-oss-signature")
_V4_URL = (
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-signature",
)


def authenticate(request: Request, target: Target, context: Context) -> Caller:
    """Return the authenticated caller of a request, or `ANONYMOUS` for an unsigned request.

    Args:
        request: the request line and headers.
        target: the addressed bucket and key.
        context: the access keys, the clock and the journal.

    Raises:
        RefusedError: the date, access key, security token or signature is missing, malformed,
            wrong or expired, or the request contains both a signed URL and an Authorization
            header.
    """
    authorization = request.headers.get("authorization")
    params = request.params
    version = params.get("x-oss-signature-version")
    in_v4_url = version is not None or "x-oss-signature" in params
    in_v1_url = any(name in params for name in _V1_URL)
    if authorization is None:
        if version == v2.ALGORITHM:
            caller, signed_with = _v2_url(request, target, context), "v2"
        elif in_v4_url:
            caller, signed_with = _v4_url(request, target, context), "v4"
        elif in_v1_url:
            caller, signed_with = _v1_url(request, target, context), "v1"
        else:
            return ANONYMOUS
        check_network(request, signed_with)
        return caller
    if in_v4_url or in_v1_url:
        raise RefusedError(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Oss-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified.",
            ArgumentName="Authorization",
            ArgumentValue="Authorization",
        )
    if authorization.startswith(v4.ALGORITHM + " "):
        return _v4_header(request, target, context, authorization)
    if authorization.startswith(v2.ALGORITHM + " "):
        return _v2_header(request, target, context, authorization)
    if authorization.startswith("OSS "):
        return _v1_header(request, target, context, authorization)
    raise _bad_authorization("Unsupported authorization type.")


def _bad_authorization(message: str) -> RefusedError:
    return RefusedError(
        "InvalidArgument", message, ec="0002-00000225", ArgumentName="Authorization"
    )


def _no_date(value: str) -> RefusedError:
    return RefusedError(
        "AccessDenied",
        "OSS authentication requires a valid Date.",
        ec="0002-00000503",
        why={"kind": "clock", "date": value},
    )


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


def _v4_header(request: Request, target: Target, context: Context, authorization: str) -> Caller:
    try:
        fields = v4.parse_authorization(authorization)
    except ValueError as e:
        raise _bad_authorization(f"Invalid Authorization header: {e}.") from e
    credential = read_credential(fields["Credential"], IN_HEADER)
    _, moment = _read_date(request.headers)
    date_time = f"{moment:%Y%m%dT%H%M%SZ}"
    token = request.headers.get("x-oss-security-token")
    caller = find_caller(credential.access_key_id, token, context)
    check_skew(moment, context.clock)
    check_scope(credential, date_time, context.region, IN_HEADER)
    _verify_v4(
        request,
        target,
        context,
        caller=caller,
        credential=credential,
        date_time=date_time,
        additional=fields.get("AdditionalHeaders", ""),
        provided=fields["Signature"],
    )
    return caller


def _v4_url(request: Request, target: Target, context: Context) -> Caller:
    params = request.params
    for name in _V4_URL:
        if not params.get(name):
            raise RefusedError(
                "InvalidArgument",
                f"Query-string authentication version 4 requires {name}.",
                ec="0002-00000215",
                ArgumentName=name,
            )
    if params["x-oss-signature-version"] != v4.ALGORITHM:
        raise RefusedError(
            "InvalidArgument",
            "Invalid signature version.",
            ArgumentName="x-oss-signature-version",
            ArgumentValue=params["x-oss-signature-version"],
        )
    credential = read_credential(params["x-oss-credential"], IN_URL)
    date_time = params["x-oss-date"]
    moment = parse_v4_date(date_time)
    if moment is None:
        raise _no_date(date_time)
    expires_s = _expires(params["x-oss-expires"])
    additional = params.get("x-oss-additional-headers", "")
    if "x-oss-additional-headers" in params and not additional:
        raise RefusedError(
            "InvalidArgument", "x-oss-additional-headers is empty.", ec="0002-00000209"
        )
    caller = find_caller(credential.access_key_id, params.get("x-oss-security-token"), context)
    # The date of a presigned URL may be long ago, but not in the future.
    check_skew(max(moment, context.clock.now()), context.clock)
    if context.clock.timestamp() >= moment.timestamp() + expires_s:
        raise _expired(moment.timestamp() + expires_s, context.clock)
    check_scope(credential, date_time, context.region, IN_URL)
    _verify_v4(
        request,
        target,
        context,
        caller=caller,
        credential=credential,
        date_time=date_time,
        additional=additional,
        provided=params["x-oss-signature"],
    )
    return caller


def _expires(text: str) -> int:
    readable = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_EXPIRES_S))
    expires_s = int(text) if readable else 0
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise RefusedError(
            "InvalidArgument",
            "x-oss-expires must be between 1 and 604800 seconds.",
            ec="0002-00000232",
            ArgumentName="x-oss-expires",
            ArgumentValue=text,
        )
    return expires_s


def _expired(at_s: float, clock: Clock) -> RefusedError:
    return RefusedError(
        "AccessDenied",
        "Request has expired.",
        ec="0002-00000069",
        Expires=iso_ms(at_s),
        ServerTime=iso_ms(clock.timestamp()),
        why={"kind": "clock", "expired_at": iso_ms(at_s)},
    )


def _verify_v4(
    request: Request,
    target: Target,
    context: Context,
    *,
    caller: Caller,
    credential: v4.Credential,
    date_time: str,
    additional: str,
    provided: str,
) -> None:
    canonical = v4.canonical_request(
        request.method,
        target.bucket,
        target.key,
        query=signed_query(request),
        headers=request.headers,
        additional=additional,
    )
    text = v4.string_to_sign(date_time, credential.scope, canonical)
    key = v4.signing_key(caller.secret, credential.date, credential.region)
    if hmac.compare_digest(v4.signature(key, text).encode(), provided.encode()):
        return
    case = V4Case(
        method=request.method,
        bucket=target.bucket,
        key=target.key,
        query=tuple(signed_query(request)),
        raw_query=request.raw_query,
        headers=request.headers,
        additional=additional,
        date_time=date_time,
        credential=credential,
        provided=provided,
    )
    refused = _mismatch(case, caller, context, text)
    refused.ec = limit_ec(request, "v4") or "0002-00000201"
    refused.extras["CanonicalRequest"] = canonical
    raise refused


def _mismatch(case: Case, caller: Caller, context: Context, text: str) -> RefusedError:
    evidence = Evidence(
        secret=caller.secret,
        other_secrets=context.identities.secrets(),
        earlier=_earlier(case, context.journal),
        seen=_seen(context.journal),
    )
    return RefusedError(
        "SignatureDoesNotMatch",
        explain=mismatch(case, evidence),
        OSSAccessKeyId=caller.access_key_id,
        SignatureProvided=case.provided,
        StringToSign=text,
        StringToSignBytes="".join(f"{byte:02X} " for byte in text.encode()),
    )


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


def _seen(journal: Journal) -> Iterator[tuple[str, str]]:
    """Yield Content-Type and metadata headers of recent requests, as (name, value) pairs."""
    for record in reversed(list(journal)[-SEEN_REQUESTS:]):
        for name, value in record.headers.items():
            if name.startswith("x-oss-meta-") or name == "content-type":
                yield name, value


def _v2_header(request: Request, target: Target, context: Context, authorization: str) -> Caller:
    try:
        fields = v2.parse_authorization(authorization)
    except ValueError as e:
        raise _bad_authorization(f"Invalid Authorization header: {e}.") from e
    date_line, moment = _read_date(request.headers, has_gmt=True)
    token = request.headers.get("x-oss-security-token")
    caller = find_caller(fields["AccessKeyId"], token, context)
    check_skew(moment, context.clock)
    _verify_v2(
        request,
        target,
        context,
        caller=caller,
        date_line=date_line,
        additional=fields.get("AdditionalHeaders", ""),
        provided=fields["Signature"],
    )
    return caller


def _v2_url(request: Request, target: Target, context: Context) -> Caller:
    params = request.params
    for name in _V2_URL:
        if not params.get(name):
            raise RefusedError(
                "InvalidArgument",
                f"Query-string authentication version 2 requires {name}.",
                ArgumentName=name,
            )
    _check_expires(params["x-oss-expires"], context.clock)
    token = params.get("security-token")
    caller = find_caller(params["x-oss-access-key-id"], token, context)
    _verify_v2(
        request,
        target,
        context,
        caller=caller,
        date_line=params["x-oss-expires"],
        additional=params.get("x-oss-additional-headers", ""),
        provided=params["x-oss-signature"],
    )
    return caller


def _verify_v2(
    request: Request,
    target: Target,
    context: Context,
    *,
    caller: Caller,
    date_line: str,
    additional: str,
    provided: str,
) -> None:
    case = V2Case(
        method=request.method,
        bucket=target.bucket,
        key=target.key,
        query=tuple(signed_query(request)),
        headers=request.headers,
        additional=additional,
        date_line=date_line,
        provided=provided,
    )
    text = case.text()
    if not case.produces_signature(text, caller.secret):
        refused = _mismatch(case, caller, context, text)
        refused.ec = limit_ec(request, "v2") or refused.ec
        raise refused


def _check_expires(expires: str, clock: Clock) -> None:
    """Check the time in seconds since 1970 at which a presigned URL expires.

    Raises:
        RefusedError: AccessDenied if the URL has expired, or the text is no time.
    """
    if not (expires.isascii() and expires.isdigit() and len(expires) < 16):
        raise RefusedError(
            "AccessDenied", "Invalid date (should be seconds since epoch).", ec="0002-00000064"
        )
    if clock.timestamp() > int(expires):
        raise _expired(int(expires), clock)


def _v1_header(request: Request, target: Target, context: Context, authorization: str) -> Caller:
    try:
        access_key_id, provided = v1.parse_authorization(authorization)
    except ValueError as e:
        raise _bad_authorization(f"Invalid Authorization header: {e}.") from e
    date_line, moment = _read_date(request.headers, has_gmt=True)
    # One official SDK sends the token of a V1 request in an unsigned header `security-token`.
    token = request.headers.get("x-oss-security-token") or request.headers.get("security-token")
    caller = find_caller(access_key_id, token, context)
    check_skew(moment, context.clock)
    _verify_v1(request, target, context, caller=caller, date_line=date_line, provided=provided)
    return caller


def _v1_url(request: Request, target: Target, context: Context) -> Caller:
    params = request.params
    if not all(params.get(name) for name in _V1_URL):
        raise RefusedError(
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and OSSAccessKeyId "
            "parameters",
            ec="0002-00000062",
        )
    expires = params["Expires"]
    _check_expires(expires, context.clock)
    caller = find_caller(params["OSSAccessKeyId"], params.get("security-token"), context)
    _verify_v1(
        request, target, context, caller=caller, date_line=expires, provided=params["Signature"]
    )
    return caller


def _verify_v1(
    request: Request,
    target: Target,
    context: Context,
    *,
    caller: Caller,
    date_line: str,
    provided: str,
) -> None:
    text = v1.string_to_sign(
        request.method,
        target.bucket,
        target.key,
        query=signed_query(request),
        headers=request.headers,
        date_line=date_line,
    )
    if hmac.compare_digest(v1.signature(caller.secret, text).encode(), provided.encode()):
        return
    case = V1Case(
        method=request.method,
        bucket=target.bucket,
        key=target.key,
        query=tuple(signed_query(request)),
        headers=request.headers,
        date_line=date_line,
        provided=provided,
    )
    refused = _mismatch(case, caller, context, text)
    refused.ec = limit_ec(request, "v1") or refused.ec
    raise refused
