"""The operation PostObject: an upload of a file with an HTML form.

The form of a signed upload contains a policy and a V1 or V4 signature. The form of an anonymous
upload contains neither.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from mock_oss.access.authorization import authorize
from mock_oss.access.credentials import IN_FORM, check_scope, find_caller, read_credential
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import check_key
from mock_oss.http.body import MAX_OBJECT_BYTES, PIECE, Body, Digest
from mock_oss.http.dates import MAX_SKEW, parse_v4_date
from mock_oss.http.forms import FormReader
from mock_oss.http.request import header_text
from mock_oss.http.response import Response, xml_response
from mock_oss.identities import ANONYMOUS, Caller
from mock_oss.operations.callbacks import deliver, read_callback
from mock_oss.operations.object_headers import read_properties
from mock_oss.operations.objects import may_overwrite, new_object, traffic_limit
from mock_oss.policies.post_form import PostPolicy, check_fields, check_length, parse_post_policy
from mock_oss.service import Call
from mock_oss.signing import v1, v4
from mock_oss.store.blobs import BlobWriter
from mock_oss.store.records import ObjectRecord

MAX_AGE = timedelta(days=7)
_V1_FIELDS = ("ossaccesskeyid", "policy", "signature")
_V4_FIELDS = ("policy", "x-oss-credential", "x-oss-date", "x-oss-signature")
_V4_LISTED = ("x-oss-signature-version", "x-oss-credential", "x-oss-date")


async def key_in_form(content_type: str, body: Body) -> str:
    """Return the field `key` of a form upload; empty text if the form has no `key` before the file.

    The function reads only the beginning of the body; the caller can read the whole body
    afterwards.
    """
    read: list[bytes] = []
    key = ""
    with suppress(RefusedError):  # `post_object` raises it again
        form = FormReader(content_type)
        async for piece in body.pieces():
            read.append(piece)
            form.feed(piece)
            key = form.fields.get("key", "")
            if key or form.file_started:
                break
    body.unread(read)
    return key


async def post_object(call: Call) -> Response:
    """Store the file of a form upload as an object.

    The mock checks the form's signature, its policy and the caller's permission first. If the form
    has no access key id, no policy and no signature, the caller is anonymous. A form that has only
    some of these fields is refused.
    """
    form = FormReader(call.header("content-type") or "")
    pieces = call.body.pieces()
    if (call.body.announced or 0) > MAX_OBJECT_BYTES:
        raise RefusedError("EntityTooLarge", headers={"Connection": "close"})
    while not form.file_started:
        piece = await anext(pieces, None)
        if piece is None:
            form.finish()
            break
        form.feed(piece)
    policy = _check_access(call, form)
    if (rate := traffic_limit(call)) is not None:
        await call.body.limit(rate)
    callback = read_callback(call)
    allow = may_overwrite(call)
    properties = read_properties(_headers(form), call.bucket.storage_class)
    allow(call.store.objects.existing(call.bucket.name, call.key))
    with call.store.blobs.new() as blob:
        digest = await _store_file(call, form, blob, pieces)
        if policy is not None:
            check_length(policy, digest.size)
        record = new_object(call, call.key, properties, digest)
        record = call.store.put_object(record, blob=blob, allow=allow)
    if callback is not None:
        return await deliver(callback, call, record)
    return _success(call, form, record)


def _check_access(call: Call, form: FormReader) -> PostPolicy | None:
    """Check the signature, the policy and the permission of a form upload.

    This function also stores the caller, the key and the form fields in `call`.

    Returns:
        The policy of the form, or None for an anonymous upload.
    """
    fields = form.fields
    key = fields.get("key")
    if not key:
        raise _missing("key")
    caller, policy = _authenticate(call, form)
    if policy is not None:
        now = call.service.clock.now()
        check_fields(policy, {**fields, "bucket": call.bucket.name}, now)
    key = key.replace("${filename}", form.file_name)
    check_key(key)
    call.caller, call.fields = caller, fields
    call.target = call.target._replace(key=key)
    call.record.key = key
    authorize(call, "oss:PutObject")
    if "x-oss-tagging" in fields:
        authorize(call, "oss:PutObjectTagging")
    return policy


def _authenticate(call: Call, form: FormReader) -> tuple[Caller, PostPolicy | None]:
    fields = form.fields
    if "x-oss-signature-version" in fields or "x-oss-signature" in fields:
        return _v4(call, form)
    sent = [name for name in _V1_FIELDS if name in fields]
    if not sent:
        return ANONYMOUS, None
    if len(sent) < len(_V1_FIELDS):
        raise _missing(next(name for name in _V1_FIELDS if name not in fields))
    token = fields.get("x-oss-security-token")
    caller = find_caller(fields["ossaccesskeyid"], token, call)
    expected = v1.signature(caller.secret, fields["policy"])
    _compare(call, caller, expected, fields["signature"], fields["policy"])
    return caller, parse_post_policy(fields["policy"])


def _missing(name: str) -> RefusedError:
    message = f"Bucket POST must contain a field named '{name}'."
    return RefusedError("InvalidArgument", message, ArgumentName=name)


def _v4(call: Call, form: FormReader) -> tuple[Caller, PostPolicy]:
    fields = form.fields
    for name in (*_V4_FIELDS, "x-oss-signature-version"):
        if not fields.get(name):
            raise _missing(name)
    if fields["x-oss-signature-version"] != v4.ALGORITHM:
        raise RefusedError(
            "InvalidArgument", "Invalid signature version.", ArgumentName="x-oss-signature-version"
        )
    credential = read_credential(fields["x-oss-credential"], IN_FORM)
    moment = parse_v4_date(fields["x-oss-date"])
    if moment is None:
        raise invalid_argument("x-oss-date", fields["x-oss-date"], "Invalid signing date in form.")
    check_scope(credential, fields["x-oss-date"], call.bucket.region, IN_FORM)
    token = fields.get("x-oss-security-token")
    caller = find_caller(credential.access_key_id, token, call)
    key = v4.signing_key(caller.secret, credential.date, credential.region)
    expected = v4.signature(key, fields["policy"])
    _compare(call, caller, expected, fields["x-oss-signature"], fields["policy"])
    age = call.service.clock.now() - moment
    if age > MAX_AGE or age < -MAX_SKEW:
        raise RefusedError(
            "AccessDenied",
            "Invalid according to Policy: Policy expired.",
            why={"kind": "clock", "age_s": age.total_seconds()},
        )
    policy = parse_post_policy(fields["policy"])
    listed = (*_V4_LISTED, "x-oss-security-token") if token else _V4_LISTED
    if missing := [name for name in listed if name not in policy.names()]:
        raise RefusedError(
            "InvalidPolicyDocument",
            f"Invalid Policy: it has no condition for {missing[0]}.",
            why={"kind": "form policy", "missing": missing},
        )
    return caller, policy


def _compare(call: Call, caller: Caller, expected: str, provided: str, text: str) -> None:
    if hmac.compare_digest(expected.encode(), provided.encode()):
        return
    raise RefusedError(
        "SignatureDoesNotMatch",
        OSSAccessKeyId=caller.access_key_id,
        SignatureProvided=provided,
        StringToSign=text,
        why={
            "kind": "signature",
            "cause": "the secret or the policy text",
            "expected_string_to_sign": text,
        },
    )


def _headers(form: FormReader) -> dict[str, str]:
    """Convert the form fields to the headers of an equivalent PutObject request."""
    fields = form.fields
    kind = fields.get("x-oss-content-type") or fields.get("content-type") or form.file_type
    return {
        name: value if name == "x-oss-tagging" else header_text(value)
        for name, value in {**fields, "content-type": kind}.items()
    }


async def _store_file(
    call: Call, form: FormReader, blob: BlobWriter, pieces: AsyncIterator[bytes]
) -> Digest:
    digest = Digest()
    loop = asyncio.get_running_loop()

    def take(data: bytes) -> None:
        digest.update([data])
        blob.write([data])

    buffer = bytearray(form.take_file())
    async for piece in pieces:
        form.feed(piece)
        buffer += form.take_file()
        if len(buffer) >= PIECE:
            await loop.run_in_executor(call.service.executor, take, bytes(buffer))
            buffer.clear()
        if digest.size > MAX_OBJECT_BYTES:
            raise RefusedError("EntityTooLarge", headers={"Connection": "close"})
    take(bytes(buffer))
    form.finish()
    return digest


def _redirect(url: str) -> SplitResult | None:
    """Return the components of a redirect URL, or None if the text is not a URL."""
    if not url or not url.isascii() or not url.isprintable():
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _success(call: Call, form: FormReader, record: ObjectRecord) -> Response:
    where = call.location
    headers = [("Location", where), *call.stored(record), ("Content-MD5", record.md5)]
    parts = _redirect(form.fields.get("success_action_redirect", ""))
    if parts is not None:
        query = urlencode({"bucket": record.bucket, "etag": f'"{record.etag}"', "key": record.key})
        joined = f"{parts.query}&{query}" if parts.query else query
        headers[0] = ("Location", urlunsplit(parts._replace(query=joined)))
        return Response(303, headers)
    status = form.fields.get("success_action_status")
    if status != "201":
        return Response(200 if status == "200" else 204, headers)
    content = {
        "Bucket": record.bucket,
        "Key": record.key,
        "ETag": f'"{record.etag}"',
        "Location": where,
    }
    return xml_response("PostResponse", content, headers, status=201)
