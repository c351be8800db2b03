"""Access keys of OSS requests: finding the owner of a key and checking the security token."""

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
    """What checking a signature needs besides the request; ``region`` is the bucket's region.

    ``record`` receives the claimed access key, so that the journal shows it even for a refused
    request. ``journal`` provides earlier requests, which help to explain a refusal.
    """

    identities: Identities
    clock: Clock
    region: str
    record: RequestRecord
    journal: Journal


def find_caller(access_key_id: str, token: str | None, context: Context) -> Caller:
    """Return the owner of an access key, after checking the security token.

    Raises:
        RefusedError: InvalidAccessKeyId, InvalidSecurityToken or SecurityTokenExpired.
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
    """Check that the security token belongs to the access key and has not expired.

    Raises:
        RefusedError: InvalidAccessKeyId for a missing token, InvalidSecurityToken, or
            SecurityTokenExpired.
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
