"""The signed form for all uploads of a page, for the setting `OSSFERRY_GRANT=form`.

The page gets this form in place of credentials. The form allows any number of files below one key
prefix. OSS checks the key, the size and the content type of each file against the policy in the
form.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ossferry.grants.permission import Allowed
from ossferry.grants.service import Grant
from ossferry.oss.post_object import (
    CONTENT_TYPE_FIELD,
    MAX_FILE_SIZE,
    STORED,
    Condition,
    Field,
    equals,
    is_one_of,
    signed_fields,
    starts_with,
)
from ossferry.settings.model import Settings

__all__ = ["FORM_ACTIONS", "largest_file", "sign_form"]

FORM_ACTIONS = ("oss:PutObject",)
"""The actions that the credentials of a form allow."""

VALID_FOR = timedelta(minutes=10)
"""The time for which the page may use a form."""

SLACK = timedelta(minutes=4)
"""OSS takes a form for longer, because the clocks of OSS and of this server may differ.

OSS may refuse a form more than 15 minutes after its date.
"""


MAX_ENCRYPTED_SIZE = 512 * 1024 * 1024
"""Bytes; the browser has encrypted all of a file before it sends a form, and holds the result."""


def largest_file(settings: Settings, allowed: Allowed) -> int:
    """Return the size of the largest file that a form may allow, in bytes."""
    is_encrypted = settings.encrypt_public_key is not None
    return min(allowed.max_file_size, MAX_ENCRYPTED_SIZE if is_encrypted else MAX_FILE_SIZE)


def sign_form(
    settings: Settings, grant: Grant, allowed: Allowed, *, now: datetime
) -> tuple[list[Field], datetime]:
    """Return a form for uploads below the prefix of a grant, and when the page needs a new one.

    The form has all fields except the key, the content type and the file.

    Args:
        grant: the credentials that sign the form.
        allowed: the size and the types that the form allows.
        now: time of the signature.
    """
    credentials = grant.credentials
    conditions: list[Condition] = [
        equals(*STORED),
        starts_with("key", grant.prefix),
        ["content-length-range", 0, largest_file(settings, allowed)],
    ]
    if allowed.types:
        conditions.append(is_one_of(CONTENT_TYPE_FIELD, allowed.types))
    fields = signed_fields(
        bucket=settings.bucket,
        region=settings.region,
        credentials=replace(
            credentials, expires_at=min(credentials.expires_at, now + VALID_FOR + SLACK)
        ),
        at=now,
        fields=[STORED],
        conditions=conditions,
    )
    return fields, min(credentials.expires_at, now + VALID_FOR)
