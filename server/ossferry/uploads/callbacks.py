"""Upload callbacks: signed requests in which OSS reports a stored object to this server.

The public key for the signature is fetched only from OSS's own host, and always over HTTPS. A valid
signature alone is not enough proof, because the key has only 512 bits. Therefore the server
requests the object's metadata from OSS, and records only this metadata. So a repeated callback is
harmless.

Source: OSS pages "Callback" and "Upload callbacks".
"""

import base64
import binascii
import json
import re
from collections import OrderedDict
from dataclasses import KW_ONLY, dataclass
from urllib.parse import urlsplit

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import Field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.audit import Audit
from ossferry.access.rate_limits import Rates
from ossferry.clock import Monotonic
from ossferry.errors import (
    BadRequestError,
    ForgedCallbackError,
    IssuerLostError,
    NotStoredError,
    OssferryError,
)
from ossferry.http.body import Body, parsed, read_small
from ossferry.http.client import request_bytes
from ossferry.http.proxies import address_of
from ossferry.identity.object_keys import INCOMING
from ossferry.ledger import Database, people
from ossferry.oss.objects import ObjectStore, existing
from ossferry.settings.model import Settings
from ossferry.uploads.receipts import Recorder

KEY_HOST = "gosspublic.alicdn.com"
KEY_KEPT_S = 3600.0
FAILURE_KEPT_S = 30.0
MAX_KEYS = 16
_KEY_PATH = re.compile(r"(/_mock)?/callback_pub_key(_v[0-9])?\.pem")
"""Allows only a few paths, so that no client can make the server fetch many different URLs."""


def key_address(encoded: str, *, mock: str = "") -> str:
    """Return the URL of the public key that a callback names in the header `x-oss-pub-key-url`.

    Args:
        encoded: the header's value, in base64.
        mock: `host:port` of a mock OSS, whose keys are accepted over HTTP; empty for no mock.

    Raises:
        ForgedCallbackError: the URL is malformed or is not on OSS's own host.
    """
    try:
        url = base64.b64decode(encoded, validate=True).decode("ascii")
        parts = urlsplit(url)
    except (binascii.Error, ValueError) as error:
        raise ForgedCallbackError("The address of the key is unreadable.") from error
    is_plain = parts.scheme in ("http", "https") and _KEY_PATH.fullmatch(parts.path)
    if is_plain and url == f"{parts.scheme}://{parts.netloc}{parts.path}":
        if parts.netloc == KEY_HOST:
            return f"https://{KEY_HOST}{parts.path}"
        if mock and parts.netloc == mock:
            return f"http://{mock}{parts.path}"
    raise ForgedCallbackError("The public key of a callback must be on OSS's own host.")


def signed_text(path: str, query: bytes, body: bytes) -> bytes:
    """Return the bytes that OSS signs for a callback: `path?query`, a line feed, and the body.

    Without a query, there is no `?`.

    Args:
        path: the path of the callback's URL, percent-decoded.
        query: the query of the URL, not decoded.
        body: the body of the callback.
    """
    return path.encode() + (b"?" + query if query else b"") + b"\n" + body


class CallbackKeys:
    """A cache of OSS's public keys by URL.

    A key is kept for an hour. If a key cannot be fetched, the server does not try again for 30
    seconds.
    """

    def __init__(self, client: httpx.AsyncClient, *, monotonic: Monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[float, RSAPublicKey | None]] = OrderedDict()

    async def get(self, url: str) -> RSAPublicKey:
        """Return the public key at a URL, from the cache or from OSS.

        Args:
            url: a URL that `key_address` has returned.

        Raises:
            IssuerLostError: the key cannot be fetched.
        """
        until, key = self._kept.get(url, (0.0, None))
        if until <= self._monotonic():
            key = await self._fetch(url)
            lasts_s = FAILURE_KEPT_S if key is None else KEY_KEPT_S
            self._kept[url] = (self._monotonic() + lasts_s, key)
            if len(self._kept) > MAX_KEYS:
                self._kept.popitem(last=False)
        if key is None:
            raise IssuerLostError("no-callback-key")
        return key

    async def _fetch(self, url: str) -> RSAPublicKey | None:
        try:
            status, pem = await request_bytes(self._client, self._client.build_request("GET", url))
            key = load_pem_public_key(pem) if status == 200 else None
        except (ValueError, IssuerLostError):
            return None
        return key if isinstance(key, RSAPublicKey) else None


class Callback(Body):
    """The JSON body of an upload callback, which OSS sends to this server.

    OSS builds the body as the uploader's callback parameters say. The parameters must request the
    fields `bucket` and `object`, and may request `reqId`.
    """

    bucket: str = Field(description="the bucket of the object")
    object: str = Field(description="the key of the object")
    reqId: str | None = Field(default=None, description="the request id of OSS")  # noqa: N815 - as sent


class Taken(TypedDict):
    """The JSON response of `POST /api/callback`, which OSS forwards to the uploader."""

    status: str
    key: str


@dataclass(slots=True, eq=False, repr=False)
class CallbackApi:
    """The handler of `POST /api/callback`."""

    settings: Settings
    _: KW_ONLY
    store: ObjectStore
    database: Database
    recorder: Recorder
    keys: CallbackKeys
    rates: Rates
    audit: Audit

    async def receive(self, request: Request) -> Response:
        """Handle `POST /api/callback`: verify the callback, and record the object in the ledger.

        Raises:
            ForgedCallbackError: the callback has no valid signature by OSS.
            BadRequestError: the body is not JSON, or does not name this bucket and an object.
            NotStoredError: there is no such object, or its key belongs to no principal.
            TooManyError: the sender's address sent too many requests or invalid signatures.
            IssuerLostError: the public key cannot be fetched.
            OssLostError: OSS does not answer; the reconciler will record the object.
            LedgerLostError: the database does not answer; the reconciler will record the object.
        """
        try:
            await self.rates.admit_frequent(address_of(request))
            await self.rates.refuse_guessing(address_of(request))
            key = await self._record(request)
        except OssferryError as error:
            self.audit.acted(request, action="callback", outcome=error.code)
            if isinstance(error, ForgedCallbackError):
                await self.rates.failed(address_of(request), "")
            raise
        self.audit.acted(request, action="callback", outcome="done")
        answer: Taken = {"status": "ok", "key": key}
        return JSONResponse(answer)

    async def _record(self, request: Request) -> str:
        body = await _body(request)
        await self._verify(request, body)
        key, request_id = self._read(body)
        async with self.database.read() as connection:
            owner = await people.owner_of_key(connection, key)
        if owner is None:
            raise NotStoredError("This key belongs to no principal.")
        stored = existing(await self.store.head(key))
        await self.recorder.record(owner, stored, source="callback", request_id=request_id)
        return key

    async def _verify(self, request: Request, body: bytes) -> None:
        named = request.headers.getlist("x-oss-pub-key-url")
        signatures = request.headers.getlist("authorization")
        if len(named) != 1 or len(signatures) != 1:
            raise ForgedCallbackError("A callback must have one key address and one signature.")
        settings = self.settings
        mock = urlsplit(settings.objects_address).netloc if settings.allow_mock else ""
        address = key_address(named[0], mock=mock)
        try:
            signature = base64.b64decode(signatures[0], validate=True)
        except (binascii.Error, ValueError) as error:
            raise ForgedCallbackError("The signature is unreadable.") from error
        key = await self.keys.get(address)
        text = signed_text(request.scope["path"], request.scope["query_string"], body)
        try:
            key.verify(signature, text, PKCS1v15(), MD5())  # noqa: S303 - OSS signs with MD5
        except InvalidSignature as error:
            raise ForgedCallbackError("This callback has no valid signature by OSS.") from error

    def _read(self, body: bytes) -> tuple[str, str]:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRequestError("The body of a callback must be JSON.") from error
        if not isinstance(document, dict):
            raise BadRequestError("The body of a callback must be a JSON object.")
        callback = parsed(document, Callback)
        if callback.bucket != self.settings.bucket:
            raise BadRequestError("The callback must be about this server's bucket.")
        return callback.object.removeprefix(INCOMING), (callback.reqId or "")[:64]


async def _body(request: Request) -> bytes:
    try:
        return await read_small(request)
    except ClientDisconnect as error:
        raise BadRequestError("The body is incomplete.") from error
