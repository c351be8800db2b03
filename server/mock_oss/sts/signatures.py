"""STS requests: parsing, and verification of the two signature styles.

In RPC style (HMAC-SHA1), all parameters are in the query or in a form. In ACS3-HMAC-SHA256 style,
the action, the version and the signature are in headers. In both styles, each request has a nonce,
which may be used only once. Sources: vendor pages "Request syntax and structure" and "Signature
method V3".
"""

import hashlib
import hmac
import re
from collections import OrderedDict
from datetime import UTC, datetime
from functools import partial

from mock_oss.errors import STSRefusedError
from mock_oss.http.dates import MAX_SKEW
from mock_oss.http.request import Request, parse_query
from mock_oss.identities import Caller
from mock_oss.journal import RequestRecord
from mock_oss.service import Service
from mock_oss.signing import acs3, rpc

REMEMBERED_NONCES = 20_000
_refused = partial(STSRefusedError, 400)
_FRACTION = re.compile(r"\.\d{1,9}Z\Z", re.ASCII)


def is_form(request: Request) -> bool:
    """Return whether the body of a request is a URL-encoded form, according to its Content-Type."""
    kind = request.headers.get("content-type", "")
    return kind.startswith("application/x-www-form-urlencoded")


class Nonces:
    """The nonces of the latest requests; a nonce that is stored here cannot be used again."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def use(self, nonce: str) -> None:
        """Store the nonce of a request, so that a later request cannot use it again.

        Raises:
            STSRefusedError: SignatureNonceUsed if the nonce is stored already.
        """
        if nonce in self._seen:
            raise _refused("SignatureNonceUsed", "Specified signature nonce was used already.")
        self._seen[nonce] = None
        if len(self._seen) > REMEMBERED_NONCES:
            self._seen.popitem(last=False)


class STSCall:
    """One request to STS or RAM.

    `read` sets `params` (the parameters from the query and from a form in the body), `action` (the
    name of the action), and `wants_xml` (whether the response is XML instead of JSON). `lifetime_s`
    is the lifetime of new credentials in seconds if a test has planned the fault `short-lived`, and
    None otherwise. `ignores_policy` is true if a test has planned the fault `no-session-policy`:
    STS then ignores the session policy in the request.
    """

    def __init__(self, service: Service, request: Request, record: RequestRecord) -> None:
        self.service = service
        self.request = request
        self.record = record
        self.params: dict[str, str] = {}
        self.action = request.headers.get("x-acs-action", "")
        self.wants_xml = False
        self.lifetime_s: int | None = None
        self.ignores_policy = False

    def read(self, body: bytes) -> None:
        """Set `params`, `action` and `wants_xml` from the query, the headers and the body.

        Raises:
            RefusedError: InvalidArgument if the query or a form in the body is not UTF-8.
        """
        pairs = list(self.request.query)
        if body and is_form(self.request):
            pairs += parse_query(body)
        self.params = dict(pairs)
        self.action = self.action or self.params.get("Action", "")
        if "x-acs-action" in self.request.headers:
            accept = self.request.headers.get("accept", "application/json")
            self.wants_xml = "xml" in accept and "json" not in accept
        else:
            self.wants_xml = self.params.get("Format", "XML").upper() != "JSON"


def verify(call: STSCall, payload: bytes, nonces: Nonces) -> Caller:
    """Verify the signature of an STS or RAM request, and return the caller who signed it.

    Args:
        call: the request.
        payload: the body of the request.
        nonces: the nonces of earlier requests, to which the nonce of this request is added.

    Raises:
        STSRefusedError: a parameter is missing, or the signature, key, time or nonce is not valid.
    """
    authorization = call.request.headers.get("authorization", "")
    if authorization.startswith(acs3.ALGORITHM):
        return _acs3(call, authorization, payload, nonces)
    return _rpc(call, nonces)


def missing(name: str) -> STSRefusedError:
    """Return the error for an STS or RAM request that does not contain a mandatory parameter.

    Args:
        name: the name of the parameter.
    """
    return _refused(f"Missing{name}", f"{name} is mandatory for this action.")


def _check_time(call: STSCall, text: str) -> None:
    try:
        whole = _FRACTION.sub("Z", text)  # ali-oss sends fractions of a second
        moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as e:
        raise _refused(
            "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from e
    skew = moment - call.service.clock.now()
    if abs(skew) > MAX_SKEW:
        raise _refused(
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
            why={"kind": "clock", "client_minus_server_s": skew.total_seconds()},
        )


def _find(call: STSCall, access_key_id: str, token: str) -> Caller:
    call.record.access_key_id = access_key_id
    caller = call.service.identities.find(access_key_id)
    if caller is None:
        raise STSRefusedError(
            404,
            "InvalidAccessKeyId.NotFound",
            "Specified access key is not found.",
            why={"kind": "key", "unknown": access_key_id},
        )
    call.record.caller = caller.arn
    if not caller.enabled:
        raise _refused("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
    _check_token(call, caller, token)
    return caller


def _check_token(call: STSCall, caller: Caller, token: str) -> None:
    if not token:
        if caller.kind == "role":
            raise missing("SecurityToken")
        return
    if not call.service.identities.is_token(token):
        raise _refused("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
    if not hmac.compare_digest(token.encode(), caller.token.encode()):
        raise _refused(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )
    if call.service.now_ms() >= caller.expires_ms:
        raise _refused("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def _mismatch(text: str, provided: str) -> STSRefusedError:
    return _refused(
        "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. server string to sign is:" + text,
        why={"kind": "signature", "expected_string_to_sign": text, "provided": provided},
    )


def _rpc(call: STSCall, nonces: Nonces) -> Caller:
    params = call.params
    for name in ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp", "SignatureMethod"):
        if not params.get(name):
            raise missing(name)
    if params["SignatureMethod"] != "HMAC-SHA1" or params.get("SignatureVersion") != "1.0":
        raise _refused(
            "IncompleteSignature", "The mock takes SignatureMethod HMAC-SHA1, SignatureVersion 1.0."
        )
    _check_time(call, params["Timestamp"])
    caller = _find(call, params["AccessKeyId"], params.get("SecurityToken", ""))
    text = rpc.string_to_sign(call.request.method, params)
    provided = params["Signature"]
    if not hmac.compare_digest(rpc.signature(caller.secret, text).encode(), provided.encode()):
        raise _mismatch(text, provided)
    nonces.use(params["SignatureNonce"])
    return caller


def _acs3(call: STSCall, authorization: str, payload: bytes, nonces: Nonces) -> Caller:
    headers = call.request.headers
    try:
        access_key_id, signed, provided = acs3.parse_authorization(authorization)
    except ValueError as e:
        raise _refused("IncompleteSignature", f"{e}.") from e
    payload_hash = hashlib.sha256(payload).hexdigest()
    for name in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        if not headers.get(name) or name not in signed:
            raise _refused(
                "IncompleteSignature", f"The header {name} is mandatory and must be signed."
            )
    if headers["x-acs-content-sha256"] != payload_hash:
        raise _refused("IncompleteSignature", "x-acs-content-sha256 is not the hash of the body.")
    if unsigned := [n for n in headers if n.startswith("x-acs-") and n not in signed]:
        raise _refused("IncompleteSignature", f"The header {unsigned[0]} must be signed.")
    _check_time(call, headers["x-acs-date"])
    caller = _find(call, access_key_id, headers.get("x-acs-security-token", ""))
    canonical = acs3.canonical_request(
        call.request.method,
        "/",
        query=call.request.query,
        headers=headers,
        signed=signed,
        payload_hash=payload_hash,
    )
    text = acs3.string_to_sign(canonical)
    if not hmac.compare_digest(acs3.signature(caller.secret, text).encode(), provided.encode()):
        raise _mismatch(canonical, provided)
    nonces.use(headers["x-acs-signature-nonce"])
    return caller
