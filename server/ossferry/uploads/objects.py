"""Endpoints that rename, delete, restore or preview one upload."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.clock import utc_text
from ossferry.errors import BadRequestError, HeldError, NoPreviewError, NotStoredError
from ossferry.http.body import Body, Text, read_body
from ossferry.identity.object_keys import check_own_key
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, receipts
from ossferry.oss.image_processing import PRESETS, can_process
from ossferry.oss.objects import ObjectStore, existing
from ossferry.oss.response_headers import headers_of
from ossferry.settings.model import Settings
from ossferry.uploads.lists import UndoOffer, object_json
from ossferry.uploads.receipts import Recorder
from ossferry.uploads.trash import Trash

PREVIEW_LIVES_S = 300
MEDIA_LIVES_S = 3600
PDF = "application/pdf"
KINDS = ("image", "audio", "video", "text", "pdf")
TEXTS = (".csv", ".json", ".log", ".md", ".tsv", ".txt", ".xml", ".yaml")
"""Names of texts, to which browsers give several types, or none."""


class NewName(Body):
    """The JSON body of `PATCH /api/objects/{key}`: another name or other folders of an upload."""

    name: Annotated[Text, Field(min_length=1)] | None = Field(
        default=None, description="null, or a file name"
    )
    folder: Text | None = Field(
        default=None, description="null, or folders such as a/b, empty for none"
    )


class Undo(Body):
    """The JSON body of `POST /api/objects/undo`.

    `id` is the id in the field `undo` of the response to the deletion.
    """

    id: Text = Field(description="the id of an undo")


class Deleted(TypedDict):
    """The JSON response of `DELETE /api/objects/{key}`.

    `undo` has the id for restoring the upload; null if the upload cannot be restored.
    """

    key: str
    undo: UndoOffer | None


class Preview(TypedDict):
    """The JSON response of `GET /api/objects/{key}/preview`: a presigned URL.

    Attributes:
        kind: what is at the URL: an `image` that OSS has made smaller; or the upload itself, which
            is `audio`, `video`, `text` or `pdf`, which a browser shows in place.
    """

    url: str
    kind: str
    expires_at: str


class ObjectApi:
    """The handlers of routes that rename, delete, restore or preview one upload."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        database: Database,
        recorder: Recorder,
        trash: Trash,
    ) -> None:
        self._shows_pdf = settings.link_origin is not None
        self._store = store
        self._database = database
        self._recorder = recorder
        self._trash = trash

    async def rename(self, request: Request, principal: Owner) -> Response:
        """Handle `PATCH /api/objects/{key}`: give an upload another file name or other folders.

        The key stays. The response is the upload as in a list.

        Raises:
            BadRequestError: the body is malformed, or the path is too long.
            ForeignKeyError: the key is not below the principal's prefix.
            NotStoredError: there is no such upload.
            HeldError: the upload is held.
        """
        key = check_own_key(request.path_params["key"], principal.prefix)
        wish = await read_body(request, NewName)
        stored = existing(await self._store.head(key))
        if stored.is_held:
            raise HeldError("")
        await self._recorder.record(principal, stored, source="found")
        async with self._database.write() as connection:
            if not await receipts.rename(
                connection, principal, key, folder=wish.folder, name=wish.name
            ):
                raise NotStoredError("The upload was deleted.")
            receipt = await receipts.find(connection, key)
        return JSONResponse(object_json(stored, receipt))

    async def delete(self, request: Request, principal: Owner) -> Response:
        """Handle `DELETE /api/objects/{key}`: delete an upload.

        The response contains the id for restoring the upload, unless it cannot be restored.

        Raises:
            ForeignKeyError: the key is not below the principal's prefix.
            NotStoredError: there is no such upload.
            KeyTakenError: another object was stored under the key during the deletion.
        """
        key = check_own_key(request.path_params["key"], principal.prefix)
        undo = await self._trash.delete(principal, key)
        offer: UndoOffer | None = None
        if undo:
            offer = {"id": undo.id, "until": utc_text(undo.until)}
        answer: Deleted = {"key": key, "undo": offer}
        return JSONResponse(answer)

    async def undo(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/objects/undo`: restore a deleted upload, and return its metadata.

        Raises:
            BadRequestError: the body is malformed.
            RefusedError: the upload cannot be restored, see `Trash.undo`.
        """
        body = await read_body(request, Undo)
        stored, receipt = await self._trash.undo(principal, body.id)
        return JSONResponse(object_json(stored, receipt))

    async def preview(self, request: Request, principal: Owner) -> Response:
        """Handle `GET /api/objects/{key}/preview?preset=`: return the presigned URL of a preview.

        OSS makes images smaller: `preset` is `preview` (the default, at most 1280 pixels wide and
        high) or `thumbnail` (160). PDF needs an own origin for links. The URL expires after 5
        minutes, that of sound, video and PDF, whose parts a browser loads when it needs them, after
        an hour.

        Raises:
            BadRequestError: the preset is unknown.
            ForeignKeyError: the key is not below the principal's prefix.
            NotStoredError: there is no such upload.
            NoPreviewError: there is no preview of such an upload.
        """
        key = check_own_key(request.path_params["key"], principal.prefix)
        process = PRESETS.get(request.query_params.get("preset", "preview"))
        if process is None:
            raise BadRequestError(f"preset must be one of {', '.join(PRESETS)}.")
        stored = existing(await self._store.head(key))
        kind = stored.content_type.partition("/")[0].lower()
        if key.lower().endswith(TEXTS):
            kind = "text"
        if self._shows_pdf and stored.content_type.lower() == PDF:
            kind = "pdf"
        if stored.is_encrypted or kind not in KINDS:
            raise NoPreviewError("There are previews of images, sound, video, text and some PDF.")
        if kind == "image" and not can_process(stored):
            raise NoPreviewError("OSS makes previews of images of at most 20 MB.")
        params = headers_of(stored, "attachment", None)
        if kind == "image":
            params = {"x-oss-process": process}
        elif kind == "pdf":
            params = {"response-content-disposition": "inline", "response-content-type": PDF}
        lives_s = PREVIEW_LIVES_S if kind in ("image", "text") else MEDIA_LIVES_S
        link = await self._store.link(stored, lives_s=lives_s, params=params)
        answer: Preview = {"url": link.url, "kind": kind, "expires_at": utc_text(link.expires_at)}
        return JSONResponse(answer)
