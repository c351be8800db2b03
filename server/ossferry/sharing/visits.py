"""The page of a share link that this server answers, `/s/{token}`.

A browser is redirected to a presigned URL that lives as long as the download needs. A link with a
password, and a program that makes a preview of the link for a chat, get a page with a button.
"""

import hashlib
import re
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
from ossferry.identity.object_keys import RANDOM
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, shares
from ossferry.ledger.shares import Share
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
        """Handle `GET /s/{token}`: redirect to the file, or return a page with a button.

        Raises:
            TooManyError: the address has sent too many requests.
        """
        found = await self._find(request)
        if found is None:
            return self._page(request, 410)
        share, owner, stored = found
        is_robot = _ROBOT.search(request.headers.get("user-agent", ""))
        if share.password_hash or is_robot or request.method == "HEAD":
            return self._page(request, 200, share=share, by=owner.label)
        return await self._redirect(request, share, stored)

    async def open(self, request: Request) -> Response:
        """Handle `POST /s/{token}`: redirect to the file if the password is right.

        Raises:
            BodyTooLargeError: the body is longer than a password.
            TooManyError: the address has sent too many requests, or the link got too many wrong
                passwords.
        """
        found = await self._find(request)
        if found is None:
            return self._page(request, 410)
        share, owner, stored = found
        if share.password_hash:
            typed = parse_qs((await read_small(request)).decode(errors="replace"))
            password = typed.get("password", [""])[0]
            if not await self._passwords.is_right(password, share.password_hash, link=share.id):
                return self._page(request, 403, share=share, by=owner.label, again=True)
        return await self._redirect(request, share, stored)

    async def _find(self, request: Request) -> tuple[Share, Owner, Stored] | None:
        """Return an open link, its owner and its upload; None if there is no such link."""
        await self.rates.admit(address_of(request))
        token = request.path_params["token"]
        if not re.fullmatch(RANDOM, token):
            return None
        async with self.database.read() as connection:
            found = await shares.find(connection, id_of(token))
        if found is None or not _is_open(found[0], self.clock()):
            return None
        stored = await self.store.head(found[0].key)
        return (*found, stored) if stored is not None and not stored.is_held else None

    async def _redirect(self, request: Request, share: Share, stored: Stored) -> Response:
        """Count the visit, and redirect to a presigned URL."""
        visitor = f"{share.id}\0{address_key(address_of(request))}"
        name = f"opened/{hashlib.sha256(visitor.encode()).hexdigest()}"
        if not await self.storage.has(name):
            async with self.database.write() as connection:
                if not await shares.count_open(connection, share.id, self.clock()):
                    return self._page(request, 410)
            await self.storage.add(name, SAME_VISIT_S)
        left_s = (share.expires_at - self.clock()).total_seconds()
        lives_s = min(max(LEAST_S, stored.size // BYTES_PER_S), int(left_s) + 1, MAX_DIRECT_S)
        params = headers_of(stored, share.disposition, share.process, renamed_to=share.renamed_to)
        link = await self.store.link(stored, lives_s=lives_s, params=params)
        return RedirectResponse(link.url, 303, headers=HEADERS)

    def _page(self, request: Request, status: int, **values: object) -> Response:
        page = self.html.page(
            "shared",
            base=mount_path(request.scope),
            language=language_of(request, LANGUAGES),
            here=route_path(request.scope),
            **{"share": None, "by": "", "again": False, **values},
        )
        return HTMLResponse(page, status, headers=HEADERS)


def _is_open(share: Share, now: datetime) -> bool:
    return not share.revoked_at and not share.deleted_at and share.expires_at > now
