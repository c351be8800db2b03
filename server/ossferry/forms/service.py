"""Signed forms, with which a browser stores one file without running the upload page.

The server signs and keeps the secret: whoever has a form can store one file, or a few of one
directory, until its credentials end. OSS itself holds the form to its key, size and type.

Where the name of the file is known the whole key is signed. Where it is not, as in a page without
scripts, the key ends in ``${filename}``: OSS puts the browser's name there, below a directory that
nothing else has, and `form_pages` gives an odd name a safe one.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.access.authenticator import Authenticator
from ossferry.clock import Clock, utc_text
from ossferry.errors import BadRequestError, FileTooLargeError, TypeNotTakenError
from ossferry.grants.endpoints import Granted, GrantPurpose, TokenApi
from ossferry.grants.file_types import CONTENT_TYPE, takes
from ossferry.http.body import Document
from ossferry.identity.object_keys import directory, form_name
from ossferry.oss.post_object import (
    MAX_FILE_SIZE,
    Condition,
    Field,
    equals,
    signed_fields,
    starts_with,
)
from ossferry.settings.model import Settings
from ossferry.uploads.receipts import read_size

__all__ = ["ACTIONS", "MAX_NAME", "FormApi", "FormRequest", "Forms", "SignedForm"]

ACTIONS = ("oss:PutObject",)
MAX_NAME = 1024
"""Characters of a file's name in a request; the key has fewer."""

ANY_NAME = "${filename}"
STATUS: Field = ("success_action_status", "200")
NewRandom: TypeAlias = Callable[[], str]

_CONTENT_TYPE = re.compile(CONTENT_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """A request for a form: the client's description of the file, which OSS checks.

    Attributes:
        name: empty if it is not known.
        size: bytes; None if it is not known.
        content_type: empty if it is not known.
    """

    name: str = ""
    size: int | None = None
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """A form without its file.

    Attributes:
        url: where it goes.
        fields: in this order, before the field ``file``.
        directory: what it stores lies below it; ends in ``/``.
        key: of the object; None if OSS makes it of the directory and the browser's file name.
        max_size: bytes.
    """

    url: str
    fields: list[Field]
    directory: str
    key: str | None
    min_size: int
    max_size: int
    expires_at: datetime


class Forms:
    """Signs forms for grants."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        new_random: NewRandom = lambda: secrets.token_hex(16),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._new_random = new_random
        self._max_size = min(settings.max_file_size, MAX_FILE_SIZE)

    def check(self, wanted: FormRequest, *, any_type: bool = False) -> None:
        """Raise an error if the settings do not allow the file.

        Args:
            any_type: whether the type is looked at later.

        Raises:
            FileTooLargeError, TypeNotTakenError: it may not.
        """
        if wanted.size is not None and wanted.size > self._max_size:
            raise FileTooLargeError(f"A form takes files of up to {self._max_size} bytes.")
        types = self._settings.allowed_types
        if not any_type and not takes(types, wanted.name, wanted.content_type):
            raise TypeNotTakenError(f"Name and type have to fit one of: {', '.join(types)}.")

    def sign(
        self,
        granted: Granted,
        wanted: FormRequest,
        *,
        success: Callable[[str], Field] = lambda _: STATUS,
    ) -> SignedForm:
        """Return a form that stores such a file.

        Args:
            success: makes of the directory the field that says what OSS answers in the end.
        """
        settings, now, grant = self._settings, self._clock(), granted.issued.grant
        where = directory(grant.prefix, now, self._new_random())
        key = where + form_name(wanted.name) if wanted.name else None
        low, high = self._sizes(granted, wanted)
        pinned = [
            ("x-oss-forbid-overwrite", "true"),
            success(where),
            *([("Content-Type", wanted.content_type)] if wanted.content_type else []),
        ]
        conditions: list[Condition] = [
            equals("key", key) if key else starts_with("key", where),
            ["content-length-range", low, high],
            *(equals(name, value) for name, value in pinned),
        ]
        fields = signed_fields(
            bucket=settings.bucket,
            region=settings.region,
            credentials=grant.credentials,
            at=now,
            fields=[("key", key or where + ANY_NAME), *pinned],
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

    def _sizes(self, granted: Granted, wanted: FormRequest) -> tuple[int, int]:
        if wanted.size is not None:
            return wanted.size, wanted.size
        left = (granted.left or {}).get("bytes_left")
        return 0, self._max_size if left is None else min(self._max_size, left)


class FormApi:
    """The route `POST /api/form`."""

    def __init__(
        self,
        settings: Settings,
        forms: Forms,
        *,
        token: TokenApi,
        authenticator: Authenticator,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._forms = forms
        self._token = token
        self._authenticator = authenticator
        self._clock = clock

    async def create(self, request: Request) -> Response:
        """Answer with a form for one file.

        The body may be empty, or say of the file what is known:
        ``{"name": "a.pdf", "size": 5, "type": "application/pdf"}``; the form then fits that alone.
        """
        purpose = GrantPurpose(action="form", actions=ACTIONS, size=self._size)
        granted = await self._token.obtain(request, purpose)
        form = self._forms.sign(granted, read_form_request(granted.document))
        response = JSONResponse(
            {
                "url": form.url,
                "fields": form.fields,
                "key": form.key,
                "directory": form.directory,
                "expires_at": utc_text(form.expires_at),
                "server_time": utc_text(self._clock(), timespec="milliseconds"),
                "limits": {
                    "min_size": form.min_size,
                    "max_size": form.max_size,
                    "types": list(self._settings.allowed_types),
                    "quota": granted.left,
                },
            }
        )
        self._authenticator.renew(request, response)
        return response

    def _size(self, document: Document) -> int:
        wanted = read_form_request(document)
        self._forms.check(wanted)
        return wanted.size or 0


def read_form_request(document: Document) -> FormRequest:
    """Return the description of the file in a request.

    Raises:
        BadRequestError: a field is malformed.
    """
    name, content_type = document.get("name", ""), document.get("type", "")
    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise BadRequestError(f"name must be text of at most {MAX_NAME} characters.")
    if not isinstance(content_type, str) or not _CONTENT_TYPE.fullmatch(content_type or "a/b"):
        raise BadRequestError("type must be a content type, such as image/png.")
    size = read_size(document) if document.get("size") is not None else None
    return FormRequest(name=name, size=size, content_type=content_type)
