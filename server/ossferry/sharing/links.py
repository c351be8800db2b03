"""Share links, which allow anyone to read one upload, or several, for a limited time.

This server answers a link, so that its owner can revoke it; or a link is a presigned URL, which OSS
answers, and which nobody can revoke. A presigned URL may expire earlier than requested. A browser
may display an object only if its content type is harmless, such as an image; other objects are
downloaded.
"""

import asyncio
import hashlib
import secrets
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.passwords import MAX_LENGTH, MIN_LENGTH, hashed
from ossferry.clock import Clock, utc_text
from ossferry.errors import NoPreviewError, NowhereError, OssRefusedError
from ossferry.http.body import WHOLE, Body, Text, read_body
from ossferry.http.hosts import own_origin
from ossferry.http.security_headers import LINKS
from ossferry.identity.object_keys import check_own_key, name_of
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people, receipts, shares
from ossferry.ledger.receipts import Receipt
from ossferry.ledger.shares import Share
from ossferry.mount import mount_path
from ossferry.oss.image_processing import PRESETS, Process, can_process
from ossferry.oss.objects import Link, ObjectStore, Stored, existing
from ossferry.oss.response_headers import headers_of
from ossferry.settings.model import Settings
from ossferry.uploads.lists import read_limit

MIN_LIFE_S, MAX_LIFE_S = 60, 365 * 86_400
MAX_DIRECT_S = 7 * 86_400
MAX_NOTE = 200
MAX_DOWNLOADS = 20
MAX_FILES = 50
DOWNLOAD_S = 3600
THUMBNAIL_S = 1800  # the server's credentials last longer
THUMBNAIL = {
    "x-oss-process": PRESETS["thumbnail"],
    "response-cache-control": f"private, max-age={THUMBNAIL_S}",
}

Disposition: TypeAlias = Literal["attachment", "inline"]
Note: TypeAlias = Annotated[Text, Field(max_length=MAX_NOTE)]


class Wish(Body):
    """The JSON body of `POST /api/share`: a request for a share link."""

    key: Text = Field(description="an object key, as it was uploaded")
    more_keys: list[Text] = Field(
        default=[],
        max_length=MAX_FILES - 1,
        description=f"a list of at most {MAX_FILES - 1} keys of other uploads for the same link",
    )
    expires_s: Annotated[int, WHOLE] = Field(
        ge=MIN_LIFE_S,
        le=MAX_LIFE_S,
        description=f"a number of seconds from {MIN_LIFE_S} to {MAX_LIFE_S}",
    )
    revocable: bool = Field(
        default=False, description="false for a presigned URL, true for a link of this server"
    )
    password: Text | None = Field(
        default=None,
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        description=f"null, or text of {MIN_LENGTH} to {MAX_LENGTH} characters",
    )
    max_opens: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = Field(
        default=None, description="null, or a number from 1 to 1000000"
    )
    disposition: Disposition = Field(default="attachment", description="attachment or inline")
    process: Process | None = Field(
        default=None,
        description="null, or an object with resize (width or height or both, from 1 to 4096),"
        " watermark (text of at most 64 bytes) or format (jpg, png or webp), and nothing else",
    )
    note: Note | None = Field(
        default=None, description=f"null, or text of at most {MAX_NOTE} characters"
    )

    @property
    def is_own(self) -> bool:
        """Whether this server answers the link: it then can be revoked."""
        wants = self.password is not None or self.max_opens is not None or bool(self.more_keys)
        return self.revocable or wants


class DownloadWish(Body):
    """The JSON body of `POST /api/downloads` and `POST /api/thumbnails`: the wanted uploads."""

    keys: list[Text] = Field(
        min_length=1,
        max_length=MAX_DOWNLOADS,
        description=f"1 to {MAX_DOWNLOADS} object keys, as they were uploaded",
    )


class Download(TypedDict):
    """The presigned URL of one upload.

    It is valid for an hour, or half an hour for a thumbnail, if the server's credentials are.

    Attributes:
        url: null if the upload no longer exists, or if it is held.
    """

    key: str
    url: str | None


class Downloads(TypedDict):
    """The JSON response of `POST /api/downloads` and `/api/thumbnails`, in the request's order."""

    files: list[Download]


class Listed(TypedDict):
    """A share link in a JSON response, without its URL, which is a secret.

    Attributes:
        files: the number of uploads; `key` and `name` are those of the first one.
        process: the image processing of the link; null for the unchanged object.
        note: text by which the owner recognises the link; may be empty.
        name: the file name of the upload; it can change.
        opens: how many visitors have opened the link; null for a presigned URL.
        max_opens: how many visitors may open it; null for any number.
        opened_at: time of the latest visit; null without one.
        revoked_at: time when the owner ended the link; null until then.
        deleted_at: time when the upload of `key` was deleted; null while any upload is stored.
    """

    id: str
    key: str
    name: str
    files: int
    made_at: str
    expires_at: str
    disposition: str
    process: Process | None
    note: str
    has_password: bool
    opens: int | None
    max_opens: int | None
    opened_at: str | None
    revoked_at: str | None
    deleted_at: str | None


class ShareJson(Listed):
    """The JSON response of `POST /api/share`: the new share link and its URL."""

    url: str


class Shares(TypedDict):
    """The JSON response of `GET /api/shares`: one page of share links.

    `next` is the value of the parameter `after` that requests the next page; null on the last page.
    """

    shares: list[Listed]
    next: str | None


class Revoked(TypedDict):
    """The JSON response of `DELETE /api/shares/{id}`."""

    revoked: bool


class ShareApi:
    """The handlers of the owners' routes for share links, downloads and thumbnails."""

    def __init__(
        self, settings: Settings, store: ObjectStore, database: Database, *, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._database = database
        self._clock = clock

    async def create(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/share`: create and return a share link.

        Raises:
            BadRequestError: a field is missing or malformed.
            RefusedError: the link cannot be created; see `make_link`.
        """
        wish = await read_body(request, Wish)
        origin = own_origin(request, self._settings.public_url) + mount_path(request.scope)
        answer = await make_link(
            self._store, self._database, principal, wish, origin=origin, clock=self._clock
        )
        return JSONResponse(answer)

    async def revoke(self, request: Request, principal: Owner) -> Response:
        """Handle `DELETE /api/shares/{id}`: end a link that this server answers.

        Raises:
            NowhereError: the principal has no such link, or it is a presigned URL.
        """
        id_ = request.path_params["id"]
        async with self._database.write() as connection:
            if not await shares.revoke(connection, principal, id_, self._clock()):
                raise NowhereError("You have no link with this id that can be revoked.")
        return JSONResponse(Revoked(revoked=True))

    async def list(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/shares?limit=&after=`: return one page of the principal's share links.

        The newest link comes first. `limit` is the number of links, 1 to 1,000. `after` is the
        field `next` of the previous page.

        Raises:
            BadRequestError: `limit` is invalid.
        """
        limit = read_limit(request)
        after = request.query_params.get("after", "")
        async with self._database.read() as connection:
            found = await shares.page(connection, principal, after=after, limit=limit)
        last = found[-1].id if len(found) == limit else None
        answer: Shares = {"shares": [_as_json(each) for each in found], "next": last}
        return JSONResponse(answer)

    async def download(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/downloads`: return URLs of uploads, which the ledger does not record.

        Raises:
            BadRequestError: the field `keys` is missing or malformed.
            ForeignKeyError: a key is not below the principal's prefix.
        """
        wish = await read_body(request, DownloadWish)
        keys = [check_own_key(key, principal.prefix) for key in wish.keys]
        async with self._database.read() as connection:
            known = await receipts.of_keys(connection, keys)
        found = (self._download(key, known.get(key)) for key in keys)
        answer: Downloads = {"files": await asyncio.gather(*found)}
        return JSONResponse(answer)

    async def thumbnails(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/thumbnails`: return URLs of small pictures, which OSS makes.

        The URL is null for an upload of which there is no picture: it is not an image that OSS can
        process, it is encrypted or held, or it no longer exists.

        Raises:
            BadRequestError: the field `keys` is missing or malformed.
            ForeignKeyError: a key is not below the principal's prefix.
        """
        wish = await read_body(request, DownloadWish)
        keys = [check_own_key(key, principal.prefix) for key in wish.keys]
        answer: Downloads = {"files": await asyncio.gather(*map(self._thumbnail, keys))}
        return JSONResponse(answer)

    async def _thumbnail(self, key: str) -> Download:
        try:
            stored = await self._store.head(key)
            if stored is None or stored.is_held or not can_process(stored):
                return {"key": key, "url": None}
            link = await self._store.link(stored, lives_s=THUMBNAIL_S, params=THUMBNAIL)
        except OssRefusedError:  # the other pictures can be shown
            return {"key": key, "url": None}
        return {"key": key, "url": link.url}

    async def _download(self, key: str, receipt: Receipt | None) -> Download:
        stored = await self._store.head(key)
        if stored is None or stored.is_held:
            return {"key": key, "url": None}
        renamed_to = receipt.renamed_to if receipt else None
        params = headers_of(stored, "attachment", None, renamed_to=renamed_to)
        link = await self._store.link(stored, lives_s=DOWNLOAD_S, params=params)
        return {"key": key, "url": link.url}


async def make_link(
    store: ObjectStore,
    database: Database,
    owner: Owner,
    wish: Wish,
    *,
    origin: str = "",
    clock: Clock,
) -> ShareJson:
    """Create a share link for one upload or several, and record it in the ledger.

    Args:
        owner: the owner of the uploads.
        wish: the keys of the uploads, and the requested properties of the link.
        origin: address of this server, for a link that it answers.

    Returns:
        The link with its URL and its expiry time, which may be earlier than requested.

    Raises:
        HeldError: an upload is held.
        ForeignKeyError: a key is not below the owner's prefix.
        NotStoredError: there is no such object.
        NotInlineError: the link should display the object, but its type is unsafe in a browser.
        NoPreviewError: the link should process the object as an image, but OSS cannot.
    """
    wanted = dict.fromkeys((wish.key, *wish.more_keys))
    keys = [check_own_key(key, owner.prefix) for key in wanted]
    found = [existing(each) for each in await asyncio.gather(*map(store.head, keys))]
    async with database.read() as connection:
        receipt = await receipts.find(connection, keys[0])
    renamed_to = receipt.renamed_to if receipt else None
    link, *_ = [await _sign(store, stored, wish, renamed_to=renamed_to) for stored in found]
    now, token = clock(), secrets.token_hex(16)
    if wish.is_own:
        ends_at = now + timedelta(seconds=wish.expires_s)
        link = Link(url=f"{origin}{LINKS}{token}", expires_at=ends_at)
    share = Share(
        id=id_of(token),
        key=keys[0],
        made_at=now,
        expires_at=link.expires_at,
        disposition=wish.disposition,
        process=wish.process,
        note=wish.note or "",
        password_hash=await hashed(wish.password) if wish.password else "",
        opens=0 if wish.is_own else None,
        max_opens=wish.max_opens,
        renamed_to=renamed_to,
        files=len(keys),
    )
    async with database.write() as connection:
        await people.remember(connection, owner, share.made_at)
        await shares.add(connection, owner, share, keys[1:])
    return {**_as_json(share), "url": link.url}


async def _sign(store: ObjectStore, stored: Stored, wish: Wish, *, renamed_to: str | None) -> Link:
    """Return a presigned URL. A link of this server needs none, but must pass the same checks."""
    if wish.process and not can_process(stored):
        raise NoPreviewError("OSS processes images of at most 20 MB.")
    lives_s = MIN_LIFE_S if wish.is_own else min(wish.expires_s, MAX_DIRECT_S)
    params = headers_of(stored, wish.disposition, wish.process, renamed_to=renamed_to)
    return await store.link(stored, lives_s=lives_s, params=params)


def id_of(token: str) -> str:
    """Return the id of the link with this token; the token does not follow from the id."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def _as_json(share: Share) -> Listed:
    return {
        "id": share.id,
        "key": share.key,
        "name": name_of(share.renamed_to or share.key),
        "files": share.files,
        "made_at": utc_text(share.made_at),
        "expires_at": utc_text(share.expires_at),
        "disposition": share.disposition,
        "process": share.process,
        "note": share.note,
        "has_password": bool(share.password_hash),
        "opens": share.opens,
        "max_opens": share.max_opens,
        "opened_at": utc_text(share.opened_at) if share.opened_at else None,
        "revoked_at": utc_text(share.revoked_at) if share.revoked_at else None,
        "deleted_at": utc_text(share.deleted_at) if share.deleted_at else None,
    }
