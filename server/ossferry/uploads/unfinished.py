"""Endpoints that list and discard unfinished multipart uploads.

The lists include uploads from other devices. Every request asks OSS; nothing is cached. To discard
an upload, the server repeats the abort until OSS has no part of the upload. One abort is not
enough, because OSS may still store a part that was being sent during the abort.
"""

import asyncio
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.clock import utc_text
from ossferry.errors import BadRequestError, NoUploadError, OssLostError
from ossferry.identity.object_keys import check_own_key, name_of
from ossferry.identity.owner import Owner
from ossferry.oss.objects import Begun, ObjectStore, Part

UPLOAD_ID = "[A-Za-z0-9._~-]{1,128}"
MAX_SHOWN = 50
"""Number of uploads in one answer, latest first; each costs one request to OSS per 1,000 parts."""

AT_ONCE = 8
"""How many of these requests run at the same time for all clients together, so that uploads with
very many parts do not slow down other routes.
"""

ABORTS = 4
PAUSE_S = 0.2


class UnfinishedUpload(TypedDict):
    """An unfinished multipart upload in a JSON response; sizes are in bytes.

    Attributes:
        size: the bytes that OSS already has.
        part_size: size of the first part; null if OSS does not have this part.
        last_at: time when the last part was stored; `began_at` if there is none.
    """

    key: str
    name: str
    upload_id: str
    size: int
    part_size: int | None
    began_at: str
    last_at: str


class Unfinished(TypedDict):
    """The JSON response of `GET /api/unfinished`.

    `more` says whether older uploads were left out, because there are more than `MAX_SHOWN`.
    """

    uploads: list[UnfinishedUpload]
    more: bool


class Discarded(TypedDict):
    """The JSON response of `DELETE /api/unfinished`: the upload that was discarded."""

    key: str
    upload_id: str


class UnfinishedApi:
    """The handlers of `/api/unfinished`: list and abort a principal's unfinished multipart uploads.

    An unfinished upload was begun in OSS, and was neither completed nor aborted.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def list(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/unfinished?key=`: return the principal's latest unfinished uploads.

        With `key`, return only the unfinished uploads to this object key.

        Raises:
            BadRequestError: the key is malformed.
            ForeignKeyError: the key is not below the principal's prefix.
        """
        key = request.query_params.get("key", "")
        if key:
            check_own_key(key, principal.prefix)
        return JSONResponse(await self._look(principal, key))

    async def discard(self, request: Request, principal: Owner) -> Response:
        """Handle `DELETE /api/unfinished?key=&upload_id=`: abort an upload, and remove its parts.

        `upload_id` is the id of a multipart upload to the object key `key`.

        Raises:
            BadRequestError: the key or the upload id is malformed.
            ForeignKeyError: the key is not below the principal's prefix.
            NoUploadError: OSS has no such upload; it was completed or aborted.
            OssLostError: OSS does not answer, or parts remain after several attempts.
        """
        key = check_own_key(request.query_params.get("key", ""), principal.prefix)
        upload_id = request.query_params.get("upload_id", "")
        if not re.fullmatch(UPLOAD_ID, upload_id):
            raise BadRequestError("upload_id must be the id of a multipart upload.")
        if await self._store.parts(key, upload_id) is None:
            raise NoUploadError("OSS has no unfinished upload of this key and id.")
        await discard(self._store, key, upload_id)
        answer: Discarded = {"key": key, "upload_id": upload_id}
        return JSONResponse(answer)

    async def _look(self, principal: Owner, key: str) -> Unfinished:
        begun = await self._store.begun(key or principal.prefix)
        mine = [each for each in begun if each.key.startswith(principal.prefix)]
        found = [each for each in mine if key in ("", each.key)]
        latest = sorted(found, key=lambda each: each.began_at, reverse=True)[:MAX_SHOWN]
        known = await asyncio.gather(*[self._describe(upload) for upload in latest])
        uploads = [each for each in known if each]  # the other uploads have ended since
        return {"uploads": uploads, "more": len(found) > len(latest)}

    async def _describe(self, upload: Begun) -> UnfinishedUpload | None:
        async with self._turns:
            parts = await self._store.parts(upload.key, upload.upload_id)
        return None if parts is None else _as_json(upload, parts)


async def discard(store: ObjectStore, key: str, upload_id: str) -> None:
    """Abort a multipart upload, repeatedly if necessary, until OSS has none of its parts.

    Raises:
        OssLostError: OSS does not answer, or parts remain after several attempts.
    """
    for tried in range(ABORTS):
        await asyncio.sleep(tried * PAUSE_S)
        await store.abort(key, upload_id)
        if await store.parts(key, upload_id) is None:
            return
    raise OssLostError("parts-left")


def _as_json(upload: Begun, parts: Sequence[Part]) -> UnfinishedUpload:
    last_at = max((part.last_modified for part in parts), default=upload.began_at)
    return {
        "key": upload.key,
        "name": name_of(upload.key),
        "upload_id": upload.upload_id,
        "size": _stored_bytes(parts),
        "part_size": _part_size(parts),
        "began_at": utc_text(upload.began_at),
        "last_at": utc_text(last_at),
    }


def _part_size(parts: Sequence[Part]) -> int | None:
    """Return the part size of a multipart upload, or None if the stored parts do not show the size.

    The first part has this size, and the others have multiples of it, except the last one.
    """
    return next((part.size for part in parts if part.number == 1), None)


def _stored_bytes(parts: Sequence[Part]) -> int:
    """Return the bytes of the file that the parts have; bytes in two parts count once.

    Args:
        parts: in the order of their numbers. A part with several times the part size takes the
            numbers that follow its own.
    """
    part_size, free, stored = _part_size(parts) or 0, 1, 0
    for part in parts:
        if part.number >= free:
            stored += part.size
            free = part.number + (-(-part.size // part_size) if part_size else 1)
    return stored
