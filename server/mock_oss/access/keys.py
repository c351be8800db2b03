"""Access keys in OSS requests: lookup of a key's owner, and check of the security token.

The owner of a key is a user or a role session.
"""

import hmac
from collections.abc import Mapping

from mock_oss.errors import RefusedError
from mock_oss.http.dates import iso_ms
from mock_oss.identities import Caller
from mock_oss.service import Call

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
