"""The page of a share link that this server answers, `/s/{token}`.

A browser is redirected to a presigned URL that lives as long as the download needs. A link with a
password, and a program that makes a preview of the link for a chat, get a page with a button. A
link to several files leads to a list of them, without a script; each download is a request of its
own, with the same checks.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ossferry.access.passwords import Passwords
from ossferry.access.rate_limits import Rates, address_key
from ossferry.clock import Clock
from ossferry.forms.html import FormHtml
from ossferry.http.body import read_small
from ossferry.http.languages import LANGUAGES, VARY, language_of
from ossferry.http.proxies import address_of
from ossferry.identity.object_keys import RANDOM, name_of
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, shares
from ossferry.ledger.shares import File, Share
from ossferry.mount import mount_path, route_path
from ossferry.oss.objects import Stored
from ossferry.oss.response_headers import headers_of
from ossferry.sharing.links import MAX_DIRECT_S, id_of
from ossferry.state.choice import Storage
from ossferry.uploads.places import Places

LEAST_S = 600
BYTES_PER_S = 125_000
"""The slowest line, 1 Mbit/s, on which a download ends before its URL does."""

SAME_VISIT_S = 3600
"""Repeats from one address within this time are one visit, so that a download can be resumed."""

_ROBOT = re.compile(
    r"bot\b|crawl|spider|preview|facebookexternalhit|whatsapp|embedly|vkshare", re.IGNORECASE
)
HEADERS = {"vary": VARY, "x-robots-tag": "noindex, nofollow"}


@dataclass(frozen=True, slots=True)
class _Found:
    """A link with its owner and its uploads."""

    share: Share
    owner: Owner
    files: Sequence[File]


@dataclass(slots=True, eq=False, repr=False)
class LinkApi:
    """The handlers of `/s/{token}`."""

    store: Places
    database: Database
    rates: Rates
    storage: Storage
    _: KW_ONLY
    html: FormHtml
    clock: Clock
    _passwords: Passwords = field(init=False)

    def __post_init__(self) -> None:
        """Share the places for passwords among all requests."""
        self._passwords = Passwords(self.rates)

    async def show(self, request: Request) -> Response:
        """Handle `GET /s/{token}`: redirect to the file, or return a list or a page with a button.

        Raises:
            TooManyError: the address has sent too many requests.
        """
        link = await self._find(request)
        if link is None:
            return self._page(request, 410)
        is_robot = _ROBOT.search(request.headers.get("user-agent", ""))
        if link.share.password_hash or is_robot or request.method == "HEAD":
            return self._page(request, 200, link=link)
        return await self._open(request, link)

    async def open(self, request: Request) -> Response:
        """Handle `POST /s/{token}`: redirect to a file, or return the list of several files.

        The form has `password`, or the `ticket` of a list that a password has opened, and `file`,
        the number of a file in the list, from 0.

        Raises:
            BodyTooLargeError: the body is longer than a password.
            TooManyError: the address has sent too many requests, or the link got too many wrong
                passwords.
        """
        link = await self._find(request)
        if link is None:
            return self._page(request, 410)
        share, sent = link.share, parse_qs((await read_small(request)).decode(errors="replace"))
        ticket, number = (sent.get(name, [""])[0] for name in ("ticket", "file"))
        if share.password_hash and not await self.storage.has(_name("ticket", share, ticket)):
            password = sent.get("password", [""])[0]
            if not password:  # the ticket is too old
                return self._page(request, 403, link=link)
            if not await self._passwords.is_right(password, share.password_hash, link=share.id):
                return self._page(request, 403, link=link, again=True)
            if share.files > 1:
                ticket = secrets.token_hex(16)
                await self.storage.add(_name("ticket", share, ticket), SAME_VISIT_S)
        return await self._open(request, link, ticket=ticket, number=number)

    async def _find(self, request: Request) -> _Found | None:
        """Return a link that has not ended; None if there is no such link."""
        await self.rates.admit(address_of(request))
        token = request.path_params["token"]
        if not re.fullmatch(RANDOM, token):
            return None
        async with self.database.read() as connection:
            found = await shares.find(connection, id_of(token))
            if found is None or not _is_open(found[0], self.clock()):
                return None
            files = await shares.files_of(connection, found[0])
        if len(files) == 1 and await self._stored(files[0].key) is None:
            return None
        return _Found(*found, files)

    async def _stored(self, key: str) -> Stored | None:
        """Return the metadata of an upload that a visitor may read."""
        stored = await self.store.head(key)
        return None if stored is None or stored.is_held else stored

    async def _open(
        self, request: Request, link: _Found, *, ticket: str = "", number: str = ""
    ) -> Response:
        """Count the visit, and redirect to the only or the chosen file, or return the list.

        If the chosen file is gone, the list says so.
        """
        files = link.files if len(link.files) == 1 else link.files[_slice_of(number)]
        found = await asyncio.gather(*(self._stored(each.key) for each in files))
        if number and not any(found) and len(link.files) > 1:
            return await self._open(request, link, ticket=ticket)
        if not any(found) or not await self._may_visit(request, link.share):
            return self._page(request, 410)
        if len(found) == 1 and found[0]:
            return await self._redirect(link.share, found[0], files[0].renamed_to)
        listed = [
            {"name": name_of(each.renamed_to or each.key), "size": stored and stored.size}
            for each, stored in zip(files, found, strict=True)
        ]
        return self._page(request, 200, link=link, listed=listed, ticket=ticket)

    async def _may_visit(self, request: Request, share: Share) -> bool:
        """Count the visit, unless it repeats one; return False if the link has none left."""
        name = _name("opened", share, address_key(address_of(request)))
        if await self.storage.has(name):
            return True
        async with self.database.write() as connection:
            if not await shares.count_open(connection, share.id, self.clock()):
                return False
        await self.storage.add(name, SAME_VISIT_S)
        return True

    async def _redirect(self, share: Share, stored: Stored, renamed_to: str | None) -> Response:
        left_s = (share.expires_at - self.clock()).total_seconds()
        lives_s = min(max(LEAST_S, stored.size // BYTES_PER_S), int(left_s) + 1, MAX_DIRECT_S)
        params = headers_of(stored, share.disposition, share.process, renamed_to=renamed_to)
        link = await self.store.link(stored, lives_s=lives_s, params=params)
        return RedirectResponse(link.url, 303, headers=HEADERS)

    def _page(self, request: Request, status: int, **values: object) -> Response:
        page = self.html.page(
            "shared",
            base=mount_path(request.scope),
            language=language_of(request, LANGUAGES),
            here=route_path(request.scope),
            **{"link": None, "again": False, "listed": [], "ticket": "", **values},
        )
        return HTMLResponse(page, status, headers=HEADERS)


def _name(kind: str, share: Share, what: str) -> str:
    return f"{kind}/{hashlib.sha256(f'{share.id}{chr(0)}{what}'.encode()).hexdigest()}"


def _slice_of(number: str) -> slice:
    """Return the place of the file with this number; all places if it is no number."""
    first = int(number) if re.fullmatch("[0-9]{1,3}", number) else None
    return slice(first, first if first is None else first + 1)


def _is_open(share: Share, now: datetime) -> bool:
    return not share.revoked_at and not share.deleted_at and share.expires_at > now
