"""The link, the cookie and the folder of a file request.

The token of a link is an HMAC of the request's id, so that its owner can read the link again, and
the ledger has no secret. A guest's cookie is bound to the request.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from ossferry.grants.permission import Permission
from ossferry.identity.object_keys import REQUESTS
from ossferry.identity.owner import Owner
from ossferry.ledger.file_requests import FileRequest

LIFE = timedelta(minutes=15)
"""How long the grant of a guest lasts at most, whatever the settings say."""


def token_of(request_id: str, *, secret: bytes) -> str:
    """Return the token in the link of a request: 128 bits as hexadecimal digits."""
    return _mac(f"ossferry/request\0{request_id}", secret)


def token_hash(token: str) -> str:
    """Return the hash by which the ledger finds the request of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(request_id: str, guest_id: str, *, secret: bytes) -> str:
    """Return the value of a guest's cookie."""
    return f"{guest_id}.{_mac(f'ossferry/guest{chr(0)}{request_id}{chr(0)}{guest_id}', secret)}"


def unseal(cookie: str, request_id: str, *, secret: bytes) -> str:
    """Return the id of the guest in a cookie; empty if the cookie is not valid for this request."""
    guest_id = cookie.partition(".")[0]
    good = seal(request_id, guest_id, secret=secret)
    return guest_id if hmac.compare_digest(cookie.encode(), good.encode()) else ""


def folder_of_request(owner: Owner, request_id: str) -> str:
    """Return the prefix of all files of a request, `{prefix}requests/{request_id}/`."""
    return f"{owner.prefix}{REQUESTS}{request_id}/"


def acting_for(owner: Owner, request_id: str, guest_id: str) -> Owner:
    """Return the owner of a file request, limited to the folder of one guest who acts for them."""
    prefix = f"{folder_of_request(owner, request_id)}{guest_id}/"
    return replace(owner, prefix=prefix, guest=guest_id)


def bounds(request: FileRequest, now: datetime) -> Permission:
    """Return the limits of a guest's grant: size and types of files, and the end of the grant.

    Its end is in whole minutes, so that requests within a minute share one call to STS.
    """
    terms, soon = request.terms, now.replace(second=0, microsecond=0) + LIFE
    size, types = terms["max_file_size"], terms["types"]
    return Permission(max_file_size=size, types=types, until=min(request.ends_at, soon))


def _mac(text: str, secret: bytes) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]
