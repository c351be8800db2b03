"""Signed forms: a browser can store one file without running the upload page.

The server signs the form; the access key secret stays on the server. A form is valid until the
credentials that signed it expire. OSS enforces the key, size and type in the form's policy.

If the server knows the file name, the form contains the complete key. On a page without scripts,
the server does not know the file name. The key then ends in `${filename}`, and OSS inserts the
file name from the browser. Such a form can store several files, but only in one directory, which no
other upload uses.
"""

import secrets
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import pydantic
from typing_extensions import TypedDict

from ossferry.clock import Clock
from ossferry.errors import FileTooLargeError, FileTooSmallError, NowhereError, TypeNotTakenError
from ossferry.grants.answers import largest_file
from ossferry.grants.endpoints import CredentialsRequest
from ossferry.grants.file_types import CONTENT_TYPE, takes
from ossferry.grants.permission import Permission, Wanted
from ossferry.grants.service import Grant
from ossferry.http.body import Text
from ossferry.identity.object_keys import directory, form_name
from ossferry.oss.post_object import (
    CONTENT_TYPE_FIELD,
    MAX_FILE_SIZE,
    STORED,
    Condition,
    Field,
    equals,
    signed_fields,
    starts_with,
)
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Left
from ossferry.uploads.receipts import Size

MAX_NAME = 1024
"""Maximum length of a file name in a request, in characters; the key's name is shorter."""

ANY_NAME = "${filename}"
NewRandom: TypeAlias = Callable[[], str]


class FormWish(CredentialsRequest):
    """A client's request for a signed form, with a description of the file.

    If the client gives the name, the size or the type, OSS accepts only a file with this name, size
    or type.
    """

    name: Text = pydantic.Field(
        default="", max_length=MAX_NAME, description=f"text of at most {MAX_NAME} characters"
    )
    # a larger file is described well, and the answer says that it is too large
    size: Size | None = pydantic.Field(
        default=None,
        json_schema_extra={"maximum": MAX_FILE_SIZE},
        description="a number of bytes, or null",
    )
    type: str = pydantic.Field(
        default="", pattern=f"^({CONTENT_TYPE})?$", description="a content type, such as image/png"
    )

    def wanted(self, kind: Literal["credentials", "form"]) -> Wanted:
        """Return this request as the host application's `authorize` function receives it.

        Args:
            kind: what the server will return to the client.
        """
        return Wanted(kind=kind, name=self.name, size=self.size, content_type=self.type)


class FormLimits(TypedDict):
    """The sizes in bytes and the types that a signed form allows, and the remaining quota."""

    min_size: int
    max_size: int
    types: list[str]
    quota: Left | None


class Form(TypedDict):
    """The JSON response of `POST /api/form`: a signed form.

    The fields `url` to `expires_at` are those of `SignedForm`. `server_time` is the time at the
    server.
    """

    url: str
    fields: list[Field]
    key: str | None
    directory: str
    expires_at: str
    server_time: str
    limits: FormLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """A signed form: the URL, the form fields without the file, and the allowed sizes.

    Attributes:
        url: URL to which the browser sends the form.
        fields: name and value of each form field, to be sent in this order before the field `file`.
        directory: part of the object's key before the file name; ends in `/`.
        key: the object's key; None if OSS appends the browser's file name to the directory. If
            uploads are held until they are checked, the form's field has `INCOMING` before it.
        min_size, max_size: smallest and largest allowed size in bytes.
        expires_at: time when the form becomes invalid.
    """

    url: str
    fields: list[Field]
    directory: str
    key: str | None
    min_size: int
    max_size: int
    expires_at: datetime


@dataclass(slots=True, eq=False, repr=False)
class Forms:
    """Creates signed forms from STS credentials."""

    settings: Settings
    _: KW_ONLY
    clock: Clock
    new_random: NewRandom = lambda: secrets.token_hex(16)

    def check(self, wanted: FormWish, permission: Permission) -> None:
        """Raise an error if no form can be issued for the described file.

        Args:
            wanted: the client's description of the file.
            permission: the size and the types that the principal may upload.

        Raises:
            NowhereError: the settings require encrypted files, which a form cannot send.
            FileTooLargeError: the file is larger than a form may allow.
            FileTooSmallError: the file is smaller than the settings allow.
            TypeNotTakenError: the type of the file is not allowed.
        """
        if self.settings.encrypt_public_key is not None:
            raise NowhereError(
                "Files are encrypted here before they are sent; a form cannot do that."
            )
        largest = largest_file(self.settings, permission)
        if wanted.size is not None and wanted.size > largest:
            raise FileTooLargeError(f"A form takes files of up to {largest} bytes.")
        least = self.settings.limits.min_file_size
        if wanted.size is not None and wanted.size < least:
            raise FileTooSmallError(f"Files have at least {least} bytes.")
        types = permission.types
        if not takes(types, wanted.name, wanted.type):
            raise TypeNotTakenError(f"Name and type must match one of: {', '.join(types)}.")

    def sign(
        self,
        grant: Grant,
        wanted: FormWish,
        *,
        callback: str = "",
        success: Callable[[str], Field] = lambda _: STORED,
    ) -> SignedForm:
        """Return a signed form for the described file.

        Args:
            grant: the credentials that sign the form, the allowed size, and the remaining quota.
            wanted: the client's description of the file.
            callback: parameters of the upload callback, as `callback_of` returns them.
            success: gets the directory of the object, and returns the form field (name and value)
                that tells OSS how to respond to a successful upload.
        """
        settings, now = self.settings, self.clock()
        where = directory(grant.prefix, now, self.new_random())
        key = where + form_name(wanted.name) if wanted.name else None
        low, high = self._sizes(grant, wanted)
        pinned = [
            ("x-oss-forbid-overwrite", "true"),
            success(where),
            *([("callback", callback)] if callback else []),
            *([(CONTENT_TYPE_FIELD, wanted.type)] if wanted.type else []),
        ]
        conditions: list[Condition] = [
            equals("key", grant.held + key) if key else starts_with("key", grant.held + where),
            ["content-length-range", low, high],
            *(equals(name, value) for name, value in pinned),
        ]
        fields = signed_fields(
            bucket=settings.bucket,
            region=settings.region,
            credentials=grant.credentials,
            at=now,
            fields=[("key", grant.held + (key or where + ANY_NAME)), *pinned],
            conditions=conditions,
        )
        return SignedForm(
            url=settings.form_address,
            fields=fields,
            directory=where,
            key=key,
            min_size=low,
            max_size=high,
            expires_at=grant.credentials.expires_at,
        )

    def _sizes(self, grant: Grant, wanted: FormWish) -> tuple[int, int]:
        if wanted.size is not None:
            return wanted.size, wanted.size
        left = grant.left["bytes_left"] if grant.left else None
        largest = largest_file(self.settings, grant.permission)
        return self.settings.limits.min_file_size, largest if left is None else min(largest, left)
