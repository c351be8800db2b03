"""Signed forms for all uploads of a page, for the setting `OSSFERRY_GRANT=form`.

The page gets forms in place of credentials. A form allows any number of files below one key prefix.
OSS checks the key, the size and the content type of each file against the policy in the form.

A policy cannot say "one of these conditions". So there is one form for all exact content types, and
one form for each wildcard such as ``image/*``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from typing_extensions import TypedDict

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
from ossferry.uploads.quotas import Left

__all__ = ["FORM_ACTIONS", "PageForm", "largest_file", "sign_forms"]

FORM_ACTIONS = ("oss:PutObject",)
"""The actions that the credentials of a form allow."""

VALID_FOR = timedelta(minutes=10)
"""The time for which the page may use a form."""

SLACK = timedelta(minutes=4)
"""OSS takes a form for longer, because the clocks of OSS and of this server may differ.

OSS takes no form more than 15 minutes after its date.
"""


class PageForm(TypedDict):
    """A form for all files of some types: the content types, and the fields without key and file.

    If `types` is empty, the form is for files of any type.
    """

    types: list[str]
    fields: list[Field]


def largest_file(settings: Settings, left: Left | None) -> int:
    """Return the size of the largest file that a form may allow, in bytes.

    Args:
        left: remaining quota of the owner; None if there is no limit.
    """
    bytes_left = left["bytes_left"] if left else None
    most = min(settings.max_file_size, MAX_FILE_SIZE)
    return most if bytes_left is None else min(most, bytes_left)


def sign_forms(
    settings: Settings, grant: Grant, *, left: Left | None, now: datetime
) -> tuple[list[PageForm], datetime]:
    """Return forms for uploads below the prefix of a grant, and when the page needs new ones.

    Args:
        grant: the credentials that sign the forms.
        left: remaining quota of the owner; None if there is no limit.
        now: time of the signature.
    """
    credentials = grant.credentials
    policy_ends = min(credentials.expires_at, now + VALID_FOR + SLACK)
    forms: list[PageForm] = []
    for types, allowed in _groups(settings.allowed_types):
        fields = signed_fields(
            bucket=settings.bucket,
            region=settings.region,
            credentials=replace(credentials, expires_at=policy_ends),
            at=now,
            fields=[STORED],
            conditions=[
                equals(*STORED),
                starts_with("key", grant.prefix),
                ["content-length-range", 0, largest_file(settings, left)],
                *allowed,
            ],
        )
        forms.append({"types": types, "fields": fields})
    return forms, min(credentials.expires_at, now + VALID_FOR)


def _groups(types: Sequence[str]) -> Iterator[tuple[list[str], list[Condition]]]:
    """Yield lists of types that one form can allow, each with the conditions for these types."""
    if not types:
        yield [], []
    exact = [each for each in types if not each.endswith("/*")]
    if exact:
        yield exact, [is_one_of(CONTENT_TYPE_FIELD, exact)]
    for each in types:
        if each.endswith("/*"):
            yield [each], [starts_with(CONTENT_TYPE_FIELD, each[:-1])]
