"""Access keys of OSS requests: lookup of the key's owner, and check of the security token."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from mock_oss.access.identities import Caller, Identities
from mock_oss.clock import Clock
from mock_oss.errors import RefusedError
from mock_oss.http.dates import iso_ms
from mock_oss.journal import Journal, RequestRecord

__all__ = ["Context", "check_token", "find_caller"]


class Context(NamedTuple):
    """The data that the mock uses to authenticate one request.

    ``region`` is the bucket's region. ``record`` is the journal record of the request.
    ``journal`` contains earlier requests, which are used to explain wrong signatures.
    """

    identities: Identities
    clock: Clock
    region: str
    record: RequestRecord
    journal: Journal


def find_caller(access_key_id: str, token: str | None, context: Context) -> Caller:
    """Return the owner of an access key, after a check of the security token.

    The access key id is stored in the journal record, even if the request is refused.

    Args:
        access_key_id: the access key id in the request.
        token: the security token in the request, if any.
        context: the access keys, the clock and the journal record.

    Raises:
        RefusedError: the access key is unknown or disabled, or ``check_token`` refuses the
            security token.
    """
    context.record.access_key_id = access_key_id
    caller = context.identities.find(access_key_id)
    if caller is None:
        if access_key_id.startswith("STS.") and token:
            raise RefusedError(
                "InvalidSecurityToken", why={"kind": "key", "unknown": access_key_id}
            )
        raise RefusedError(
            "InvalidAccessKeyId",
            OSSAccessKeyId=access_key_id,
            why={"kind": "key", "unknown": access_key_id},
        )
    context.record.caller = caller.arn
    if not caller.enabled:
        raise RefusedError(
            "InvalidAccessKeyId",
            "The OSS Access Key Id you provided is disabled.",
            OSSAccessKeyId=access_key_id,
            why={"kind": "key", "disabled": access_key_id},
        )
    check_token(caller, token, context.clock)
    return caller


def check_token(caller: Caller, token: str | None, clock: Clock) -> None:
    """Check that the security token belongs to the caller's access key and has not expired.

    Args:
        caller: the owner of the access key.
        token: the security token in the request, if any.
        clock: the mock's clock.

    Raises:
        RefusedError: InvalidAccessKeyId if the token of a role session is missing,
            InvalidSecurityToken if the token does not belong to the key, SecurityTokenExpired if
            the token has expired.
    """
    if caller.kind != "role":
        if token:
            raise RefusedError(
                "InvalidSecurityToken", why={"kind": "token", "key": "is not temporary"}
            )
        return
    if not token:
        raise RefusedError(
            "InvalidAccessKeyId",
            OSSAccessKeyId=caller.access_key_id,
            why={"kind": "token", "missing": "a temporary key needs its security token"},
        )
    if not hmac.compare_digest(token.encode(), caller.token.encode()):
        raise RefusedError(
            "InvalidSecurityToken", why={"kind": "token", "token": "not of this key"}
        )
    if clock.timestamp() * 1000 >= caller.expires_ms:
        raise RefusedError(
            "SecurityTokenExpired",
            why={"kind": "token", "expired_at": iso_ms(caller.expires_ms / 1000)},
        )
