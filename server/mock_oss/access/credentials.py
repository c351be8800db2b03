"""Credentials in OSS requests: the owner of an access key, and the scope of a V4 credential.

The owner of a key is a user or a role session. The scope (date, region and product) must match the
request; it is in the Authorization header, in a presigned URL or in a form. Source: vendor pages of
the error codes (EC) 0002-00000212, -213, -223, -224 and -709. The messages and EC for a wrong
region come from the vendor's tests and from recorded responses. The vendor pages of the EC -226 and
-228 contradict them: the example of each page shows the message of the other EC.
"""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.dates import iso_ms
from mock_oss.identities import Caller
from mock_oss.service import Call
from mock_oss.signing import v4


class Place(NamedTuple):
    """A part of a request that can contain the V4 credential, and the errors for a wrong one.

    The parts are the Authorization header, the URL and the form. Error messages contain `name`, the
    name of the part. Error responses have `argument` in the element ArgumentName. `format_ec`,
    `date_ec` and `region_ec` are the EC (numeric error codes) for a malformed credential, a wrong
    date and a wrong region; None if the vendor documents no EC. `region_text` is the message for a
    wrong region.
    """

    name: str
    argument: str
    format_ec: str | None
    date_ec: str
    region_ec: str | None
    region_text: str


IN_HEADER = Place(
    *("Authorization header", "Authorization", "0002-00000213", "0002-00000212", "0002-00000226"),
    "Invalid signing region in Authorization header.",
)
IN_URL = Place(
    *("credential", "x-oss-credential", "0002-00000224", "0002-00000223", "0002-00000228"),
    "The signing region in credential is invalid.",
)
IN_FORM = Place(
    *("form", "x-oss-credential", None, "0002-00000709", None), "Invalid signing region in form."
)


def read_credential(text: str, place: Place) -> v4.Credential:
    """Parse the V4 credential of a request: `AccessKeyId/yyyymmdd/region/oss/aliyun_v4_request`.

    Args:
        text: the credential.
        place: where the request contains the credential; determines the error message and EC.

    Raises:
        RefusedError: InvalidArgument if the text has another format, or names another product.
    """
    try:
        return v4.parse_credential(text)
    except ValueError as e:
        message = f"Invalid {place.name}: {e}."
        raise invalid_argument(place.argument, text, message, ec=place.format_ec) from e


def check_scope(credential: v4.Credential, date_time: str, region: str, place: Place) -> None:
    """Check that a V4 credential contains the date of the request and the region of the bucket.

    Args:
        credential: the credential of the request.
        date_time: the time of the request, `yyyymmddTHHMMSSZ`.
        region: the region of the bucket.
        place: where the request contains the credential; determines the error message and EC.

    Raises:
        RefusedError: InvalidArgument if the date or the region differs.
    """
    if credential.date != date_time[:8]:
        message = f"Invalid signing date in {place.name}."
        raise invalid_argument(place.argument, credential.date, message, ec=place.date_ec)
    if credential.region != region:
        raise RefusedError(
            "InvalidArgument",
            place.region_text,
            ec=place.region_ec,
            ArgumentName="region",
            ArgumentValue=credential.region,
            why={"kind": "region", "bucket": region, "signed": credential.region},
        )


# Fine-grained error codes (EC) of InvalidAccessKeyId.
_EC_NOT_TEMPORARY = "0002-00000002"
_EC_INCOMPLETE = "0002-00000003"


def find_caller(access_key_id: str, token: str | None, call: Call) -> Caller:
    """Return the user or role session that owns an access key, after a check of the security token.

    The access key id is stored in the journal record of the request, even if the request is
    refused. Only temporary keys, which are the keys of role sessions, have a security token.
    Source: vendor pages of the error codes (EC) 0002-00000002, -3, -4, -6 and -7.

    Args:
        access_key_id: the access key id in the request.
        token: the security token in the request, or None for a request without a token.
        call: the request.

    Raises:
        RefusedError: InvalidAccessKeyId if the key is unknown or disabled, if a temporary key comes
            without its token, or if a long-term key comes with a token;
            AccessKeyIdAndSecurityTokenNotMatch if the token belongs to another key;
            InvalidSecurityToken if the token belongs to no key; SecurityTokenExpired if the token
            has expired.
    """
    call.record.access_key_id = access_key_id
    caller = call.service.identities.find(access_key_id)
    if caller is None:
        raise _no_key(
            access_key_id,
            ec=_EC_NOT_TEMPORARY if token else None,
            why={"kind": "key", "unknown": access_key_id},
        )
    call.record.caller = caller.arn
    if not caller.enabled:
        raise RefusedError(
            "InvalidAccessKeyId",
            "The OSS Access Key Id you provided is disabled.",
            OSSAccessKeyId=access_key_id,
            why={"kind": "key", "disabled": access_key_id},
        )
    _check_token(caller, token, call)
    return caller


def _no_key(access_key_id: str, *, ec: str | None, why: Mapping[str, object]) -> RefusedError:
    return RefusedError("InvalidAccessKeyId", ec=ec, OSSAccessKeyId=access_key_id, why=why)


def _check_token(caller: Caller, token: str | None, call: Call) -> None:
    if not token:
        if caller.kind == "role":
            why = {"kind": "token", "missing": "a temporary key needs its security token"}
            raise _no_key(caller.access_key_id, ec=_EC_INCOMPLETE, why=why)
        return
    if caller.kind != "role":
        why = {"kind": "token", "key": "is not temporary"}
        raise _no_key(caller.access_key_id, ec=_EC_NOT_TEMPORARY, why=why)
    if not hmac.compare_digest(token.encode(), caller.token.encode()):
        if call.service.identities.is_token(token):
            raise RefusedError(
                "AccessKeyIdAndSecurityTokenNotMatch",
                why={"kind": "token", "token": "of another key"},
            )
        raise RefusedError("InvalidSecurityToken", why={"kind": "token", "token": "of no key"})
    if call.clock.timestamp() * 1000 >= caller.expires_ms:
        raise RefusedError(
            "SecurityTokenExpired",
            why={"kind": "token", "expired_at": iso_ms(caller.expires_ms / 1000)},
        )
