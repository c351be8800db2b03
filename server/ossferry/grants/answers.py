"""The JSON responses of `POST /api/grant`: a grant with credentials or with a signed form.

The field names must not change, because the page depends on them. With the setting
`OSSFERRY_GRANT=form`, the page gets a form in place of credentials. The form allows any number of
files below one key prefix. OSS checks the key, the size and the content type of each file against
the policy in the form.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import pydantic
from typing_extensions import TypedDict

from ossferry.clock import utc_text
from ossferry.grants.encryption import Encryption
from ossferry.grants.permission import Permission
from ossferry.grants.service import Grant
from ossferry.oss import post_object
from ossferry.settings.model import Settings
from ossferry.uploads.details import DetailsField
from ossferry.uploads.quotas import Left

UNFINISHED = "unfinished"
"""A feature for uploads in parts, which need credentials."""

CALLBACK_BODY = '{"bucket":${bucket},"object":${object},"reqId":${reqId}}'
"""What OSS sends to `/api/callback`; OSS replaces each variable by a JSON value."""

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


def largest_file(settings: Settings, permission: Permission) -> int:
    """Return the size in bytes of the largest file that a signed form may allow.

    This is the size in the permission, or else in the settings, but at most the limit of forms.
    """
    is_encrypted = settings.encrypt_public_key is not None
    most = MAX_ENCRYPTED_SIZE if is_encrypted else post_object.MAX_FILE_SIZE
    return min(permission.max_file_size or settings.max_file_size, most)


class Limits(TypedDict):
    """The limits that the page shows, and applies to each file before the upload.

    Sizes are in bytes. No file is sent before there are `min_files`; `max_total_size` is that of
    all files together, null for any. `replaced` contains patterns, such as `*.heic`, for names of
    files that a check in the page may replace by another file, such as a converted photo. For such
    a name, the page applies the limits of size and type to the file that results from the checks.
    """

    max_file_size: int
    min_file_size: int
    max_files: int
    min_files: int
    max_total_size: int | None
    types: list[str]
    replaced: list[str]
    quota: Left | None


class PrincipalName(TypedDict):
    """The field `principal` of a grant: the name that the page displays for the principal."""

    name: str


class _Answer(TypedDict):
    """The fields that both answers have.

    `held` is what the page puts before every object key in its requests to OSS; usually empty.
    `callback` is what the page sends with each upload, as the header `x-oss-callback` or the form
    field `callback`, so that OSS calls this server; usually empty.
    """

    access_key_id: str
    expiration: str
    bucket: str
    region: str
    endpoint: str
    cname: bool
    origins: Annotated[list[str], pydantic.Field(min_length=1)]
    prefix: str
    held: str
    callback: str
    server_time: str
    limits: Limits
    features: list[str]
    principal: PrincipalName
    details: list[DetailsField]
    encryption: Encryption | None


class StsGrant(_Answer):
    """The JSON response of `POST /api/grant` if `OSSFERRY_GRANT=sts`: it contains credentials."""

    access_key_secret: str
    security_token: str


class FormGrant(_Answer):
    """The JSON response of `POST /api/grant` if `OSSFERRY_GRANT=form`: it contains a signed form.

    `form` contains the names and values of the form's fields, except the key, the content type and
    the file.
    """

    form: Annotated[list[post_object.Field], pydantic.Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Builds the JSON responses of `POST /api/grant`.

    Attributes:
        features: names of the features that the page may offer, such as `share` or `sign-out`.
        replaced: patterns, such as `*.heic`, for names of files that a check in the page may
            replace by another file.
        details: the fields that describe a file; guests are asked for other fields.
        encryption: the public key with which pages encrypt files; None if files stay unencrypted.
    """

    settings: Settings
    features: Sequence[str]
    replaced: Sequence[str]
    encryption: Encryption | None
    details: Sequence[DetailsField] = ()

    def answer(self, grant: Grant, *, now: datetime, mount: str = "") -> StsGrant | FormGrant:
        """Return the JSON response for a grant.

        It contains a signed form if the setting `grant` is `form`, and otherwise credentials. A
        response with a form contains no secret. It contains only one upload address, because the
        page needs credentials to find the best of several addresses.

        Args:
            now: time of the response, and of the signature of a form.
            mount: the path of the mount, as `mount_path` returns it.
        """
        settings, credentials = self.settings, grant.credentials
        is_form, permission = settings.grant == "form", grant.permission
        expires_at = min(credentials.expires_at, now + VALID_FOR)
        size = permission.max_file_size or settings.max_file_size
        features = [each for each in self.features if each != UNFINISHED]
        common: _Answer = {
            "access_key_id": credentials.access_key_id,
            "expiration": utc_text(expires_at if is_form else credentials.expires_at),
            "bucket": settings.bucket,
            "region": settings.region,
            "endpoint": settings.endpoint,
            "cname": settings.cname,
            "origins": list(settings.upload_origins[: 1 if is_form else None]),
            "prefix": grant.prefix,
            "held": grant.held,
            "callback": callback_of(settings, mount),
            "server_time": utc_text(now, timespec="milliseconds"),
            "limits": {
                "max_file_size": largest_file(settings, permission) if is_form else size,
                "min_file_size": settings.limits.min_file_size,
                "max_files": settings.max_files,
                # a guest has the number of files of the request
                "min_files": 0 if grant.principal.guest else settings.limits.min_files,
                "max_total_size": settings.limits.max_total_size,
                "types": list(permission.types),
                "replaced": list(self.replaced),
                "quota": grant.left,
            },
            "features": features if is_form else list(self.features),
            "principal": {"name": grant.principal.label},
            "details": [] if grant.principal.guest else list(self.details),
            "encryption": self.encryption,
        }
        if is_form:
            return {**common, "form": _signed_form(settings, grant, now=now)}
        return {
            **common,
            "access_key_secret": credentials.access_key_secret,
            "security_token": credentials.security_token,
        }


def callback_of(settings: Settings, mount: str) -> str:
    """Return the parameters of the upload callback in Base64; empty if OSS is not to call us.

    OSS needs an address that is public, so the address of the client's request is not used.

    Source: OSS page "Callback".
    """
    if not (settings.callback and settings.public_url):
        return ""
    url = f"{settings.public_url}{mount}/api/callback"
    parameters = {
        "callbackUrl": url,
        "callbackBody": CALLBACK_BODY,
        "callbackBodyType": "application/json",
        "callbackSNI": url.startswith("https:"),
    }
    return b64encode(json.dumps(parameters, separators=(",", ":")).encode()).decode()


def _signed_form(settings: Settings, grant: Grant, *, now: datetime) -> list[post_object.Field]:
    """Return the fields of a form for uploads below the prefix of a grant.

    The form has all fields except the key, the content type and the file.
    """
    credentials, types = grant.credentials, grant.permission.types
    conditions: list[post_object.Condition] = [
        post_object.equals(*post_object.STORED),
        post_object.starts_with("key", grant.held + grant.prefix),
        [
            "content-length-range",
            settings.limits.min_file_size,
            largest_file(settings, grant.permission),
        ],
    ]
    if types:
        conditions.append(post_object.is_one_of(post_object.CONTENT_TYPE_FIELD, types))
    return post_object.signed_fields(
        bucket=settings.bucket,
        region=settings.region,
        credentials=replace(
            credentials, expires_at=min(credentials.expires_at, now + VALID_FOR + SLACK)
        ),
        at=now,
        fields=[post_object.STORED],
        conditions=conditions,
    )
