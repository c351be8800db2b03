"""Endpoints that list uploads, or compare files with them.

The list sorted by key comes from OSS, which offers no other order and no search. All other lists
come from the ledger.

Until a new upload has a receipt, it is not in the ledger, because the page may still refuse it.
Only the list from OSS shows such an upload, without checksum and time of recording, and only if
uploads need not be checked. No list shows uploads that the page has refused.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.clock import Clock, utc_text
from ossferry.errors import BadRequestError, OssRefusedError
from ossferry.http.body import Body, Text, read_body
from ossferry.identity.object_keys import check_own_key, shown_path
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, holds, listing, receipts, refusals
from ossferry.ledger.holds import REMOVED
from ossferry.ledger.listing import SORTS, Deleted
from ossferry.ledger.receipts import Receipt
from ossferry.oss.objects import Listed
from ossferry.uploads.details import details_of, validated
from ossferry.uploads.places import Places
from ossferry.uploads.receipts import CheckClaim, Content, claimed

PAGE, MAX_PAGE = 100, 1000
MAX_NAMES = 200
MAX_WORDS = 200
MOST_ASKED = 3  # maximum number of requests to OSS for one answer, latest uploads first
Rows: TypeAlias = Sequence[tuple[Listed, Receipt | None]]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = "[0-9]{1,16}-[0-9a-f]{32}"


class File(Content):
    """The JSON body of `POST /api/objects/identical`: path, size and CRC-64 of a file."""

    path: Text = Field(min_length=1, description="the name of a file, after its folders")
    details: dict[str, Text] = Field(
        default={}, description="the metadata of the object that begin with field-"
    )


class Identical(TypedDict):
    """The JSON response of `POST /api/objects/identical`.

    `key` is the key of a stored upload that is identical to the file; null if there is none.
    """

    key: str | None


class Names(Body):
    """The JSON body of `POST /api/objects/taken`: paths of files that a page is about to send."""

    paths: list[Text] = Field(
        min_length=1,
        max_length=MAX_NAMES,
        description=f"an array of 1 to {MAX_NAMES} names of files, each after its folders",
    )


class TakenName(TypedDict):
    """The latest upload with a name, in the JSON response of `POST /api/objects/taken`.

    `crc64` is null if the server knows the object only from a list.
    """

    key: str
    size: int
    stored_at: str
    crc64: str | None


class TakenNames(TypedDict):
    """The JSON response of `POST /api/objects/taken`.

    `taken` has an entry for each path, in the order of the paths: the principal's latest upload
    with this path, or null if there is none.
    """

    taken: list[TakenName | None]


class Object(TypedDict):
    """An upload in a JSON response.

    Attributes:
        name, folder: file name and folders, such as `a/b`, which the principal can change.
        crc64, recorded_at: null if the ledger has no receipt of the upload.
        held: whether nobody can read or share the upload, because it is not checked yet, or is bad.
        reason: why it is bad; empty otherwise.
        checks: results of the checks in the browser, as reported by the page, which the server
            cannot verify; null if the page reported none.
        details, details_errors: as in `Validated`.
    """

    key: str
    name: str
    folder: str
    held: bool
    reason: str
    size: int
    etag: str
    last_modified: str
    crc64: str | None
    recorded_at: str | None
    checks: CheckClaim | None
    details: dict[str, Any] | None
    details_errors: list[str]


class Objects(TypedDict):
    """The JSON response of `GET /api/objects`: one page of the principal's stored uploads.

    `next` is the value of the parameter `after` that requests the next page; null on the last page.
    """

    objects: list[Object]
    next: str | None


class UndoOffer(TypedDict):
    """The id with which a client can restore a deleted upload, and the time when it expires."""

    id: str
    until: str


class DeletedObject(TypedDict):
    """A deleted upload that can still be restored, in a JSON response."""

    key: str
    name: str
    folder: str
    size: int
    crc64: str
    deleted_at: str
    undo: UndoOffer


class DeletedObjects(TypedDict):
    """The JSON response of `GET /api/objects/deleted`: one page of restorable uploads.

    `next` is the value of the parameter `after` that requests the next page; null on the last page.
    """

    objects: list[DeletedObject]
    next: str | None


class ListApi:
    """The handlers of routes that list uploads, or find those with a name or with a content."""

    def __init__(self, store: Places, database: Database, *, clock: Clock) -> None:
        self._store = store
        self._database = database
        self._clock = clock

    async def list(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/objects?limit=&after=&q=&sort=`: return one page of uploads.

        `limit` is the number of uploads, 1 to 1,000. `after` is the field `next` of the previous
        page: the key of its last upload, in every sort order. `q` contains search words; only
        uploads whose path has all of them are returned. `sort` is `key`, `newest`, `name` or
        `size`; the default is `newest` for a search, otherwise `key`.

        Raises:
            BadRequestError: a parameter is invalid.
            ForeignKeyError: `after` is a key that is not below the principal's prefix.
        """
        limit, after = read_limit(request), request.query_params.get("after", "")
        words = request.query_params.get("q", "").strip()
        sort = request.query_params.get("sort") or ("newest" if words else "key")
        if sort not in SORTS:
            raise BadRequestError(f"sort must be one of {', '.join(SORTS)}.")
        if len(words) > MAX_WORDS:
            raise BadRequestError(f"q must have at most {MAX_WORDS} characters.")
        if after:
            check_own_key(after, principal.prefix)
        if words or sort != "key":
            found, last = await self._search(
                principal, words=words, sort=sort, after=after, limit=limit
            )
        else:
            found, last = await self.ask_oss(principal.prefix, after=after, limit=limit)
        answer: Objects = {"objects": [object_json(*each) for each in found], "next": last}
        return JSONResponse(answer)

    async def identical(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/objects/identical`: return the key of an identical upload, or null.

        An upload is identical if it belongs to the principal and has the path, size, CRC-64 and
        details of the file. The ledger finds such uploads, and a request to OSS verifies each of
        them.

        Raises:
            BadRequestError: path, size or CRC-64 of the file is missing or malformed.
        """
        file = await read_body(request, File)
        answer: Identical = {"key": None}
        for key in await self._known(principal, file):
            try:
                stored = await self._store.head(key)
            except OssRefusedError:
                continue
            same = stored and (stored.size, stored.crc64) == (file.size, file.crc64)
            if stored and same and details_of(stored.metadata) == file.details:
                answer["key"] = key
                break
        return JSONResponse(answer)

    async def taken(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/objects/taken`: return which names the principal has uploaded before.

        Only the principal's own uploads are compared, so a path of somebody else is free. Held
        uploads count; deleted ones do not, and neither do uploads that have no receipt yet.

        Raises:
            BadRequestError: there are no paths, more than `MAX_NAMES`, or they are no texts.
        """
        asked = (await read_body(request, Names)).paths
        async with self._database.read() as connection:
            found = await listing.newest(connection, principal, asked)
        answer: TakenNames = {
            "taken": [_taken_json(*found[path]) if path in found else None for path in asked]
        }
        return JSONResponse(answer)

    async def deleted(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/objects/deleted?limit=&after=`: return one page of restorable uploads.

        The most recently deleted upload comes first. `limit` is the number of uploads, 1 to 1,000.
        `after` is the field `next` of the previous page.

        Raises:
            BadRequestError: a parameter is invalid.
        """
        limit, after = read_limit(request), _place(request.query_params.get("after", ""))
        async with self._database.read() as connection:
            found = await listing.deleted_page(
                connection, principal, now=self._clock(), after=after, limit=limit
            )
        answer: DeletedObjects = {
            "objects": [_deleted_json(each) for each in found],
            "next": _cursor(found[-1]) if len(found) == limit else None,
        }
        return JSONResponse(answer)

    async def ask_oss(self, prefix: str, *, after: str, limit: int) -> tuple[Rows, str | None]:
        """Request one page of uploads below a prefix from OSS, without refused uploads.

        Returns:
            The uploads with their receipts, and the last key of the page. The key is None if there
            is no next page.
        """
        found = await self._store.list(prefix, after=after, limit=limit)
        keys = [each.key for each in found]
        async with self._database.read() as connection:
            known = await receipts.of_keys(connection, keys)
            held = await holds.of_keys(connection, keys)
            unknown = [each for each in found if each.key not in known]
            refused = await refusals.of_objects(connection, unknown)
        rows: list[tuple[Listed, Receipt | None]] = []
        for each in found:
            hold, receipt = held.get(each.key), known.get(each.key)
            if hold and hold.state != REMOVED:
                rows.append((each, hold.receipt))
            elif not hold and each.key not in refused and self._store.shows(each, receipt):
                rows.append((each, receipt))
        return rows, keys[-1] if len(found) == limit else None

    async def _known(self, principal: Owner, file: File) -> Sequence[str]:
        try:
            check_own_key(principal.prefix + file.path, principal.prefix)
        except BadRequestError:
            return []  # no valid key has this path
        async with self._database.read() as connection:
            found = await receipts.identical(
                connection, principal, path=file.path, size=file.size, crc64=file.crc64
            )
        return found[:MOST_ASKED]

    async def _search(
        self, principal: Owner, *, words: str, sort: str, after: str, limit: int
    ) -> tuple[Rows, str | None]:
        async with self._database.read() as connection:
            found = await listing.page(
                connection, principal, words=words, sort=sort, after=after, limit=limit
            )
        if found is None:
            raise BadRequestError("after must be the `next` of the previous page.")
        return found, found[-1][0].key if len(found) == limit else None


def read_limit(request: Request) -> int:
    """Return the query parameter `limit`: the number of entries per page; 100 by default.

    Raises:
        BadRequestError: the value is not a number from 1 to 1000.
    """
    text = request.query_params.get("limit", str(PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_PAGE):
        raise BadRequestError(f"limit must be a number from 1 to {MAX_PAGE}.")
    return int(text)


def _cursor(gone: Deleted) -> str:
    return f"{(gone.deleted_at - EPOCH) // timedelta(microseconds=1)}-{gone.undo.id}"


def _place(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    if not re.fullmatch(CURSOR, cursor):
        raise BadRequestError("after must be the `next` of the previous page.")
    at, _, undo_id = cursor.partition("-")
    return EPOCH + timedelta(microseconds=int(at)), undo_id


def object_json(listed: Listed, receipt: Receipt | None) -> Object:
    """Return the JSON data of an upload.

    Args:
        listed: the object as OSS lists it.
        receipt: the receipt of the object; None if the ledger has none.
    """
    folder, name = shown_path(listed.key, receipt.renamed_to if receipt else None)
    if receipt and receipt.is_as_listed:
        receipt = None
    return {
        "key": listed.key,
        "name": name,
        "folder": folder,
        "held": receipt is not None and receipt.is_held,
        "reason": receipt.reason if receipt else "",
        "size": listed.size,
        "etag": listed.etag,
        "last_modified": utc_text(listed.last_modified),
        "crc64": receipt.crc64 if receipt else None,
        "recorded_at": utc_text(receipt.recorded_at) if receipt else None,
        "checks": claimed(receipt.checks) if receipt else None,
        **validated(receipt.details if receipt else None),
    }


def _taken_json(listed: Listed, receipt: Receipt) -> TakenName:
    return {
        "key": listed.key,
        "size": listed.size,
        "stored_at": utc_text(listed.last_modified),
        "crc64": None if receipt.is_as_listed else receipt.crc64,
    }


def _deleted_json(gone: Deleted) -> DeletedObject:
    folder, name = shown_path(gone.undo.key, gone.renamed_to)
    return {
        "key": gone.undo.key,
        "name": name,
        "folder": folder,
        "size": gone.undo.size,
        "crc64": gone.crc64,
        "deleted_at": utc_text(gone.deleted_at),
        "undo": {"id": gone.undo.id, "until": utc_text(gone.undo.until)},
    }
