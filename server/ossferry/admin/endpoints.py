"""Endpoints of the administration page `/admin`, and the CSV export of uploads.

The page only shows uploads, except for held ones, which an administrator can release or remove.

In CSV, text from users that looks like a formula gets a `'` before it, so that spreadsheets do
not evaluate the text.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from ossferry.admin.page import STYLE, admin_page
from ossferry.clock import utc_text
from ossferry.errors import NotStoredError
from ossferry.http.body import read_small
from ossferry.http.languages import LANGUAGES, VARY, language_of
from ossferry.identity.object_keys import UPLOADS, check_own_key
from ossferry.identity.owner import Owner, without_names
from ossferry.ledger import Database, holds, reports
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import Receipt
from ossferry.ledger.standing import NAMES, Quota
from ossferry.mount import mount_path
from ossferry.oss.objects import Link
from ossferry.settings.model import Settings
from ossferry.uploads.held import HeldUploads

SHOWN = 500
FORMULA = re.compile(
    r"""((?:^|[;\t\r\n])["' \u00a0\u3000\ufeff]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r])"""
)
"""Where a spreadsheet would read a formula.

Some begin a new cell at a semicolon or tab, remove quotation marks and spaces before the formula,
or take full-width signs.
"""


class AdminApi:
    """The handlers of the routes below `/admin`."""

    def __init__(
        self, settings: Settings, database: Database, *, held: HeldUploads, styles: str
    ) -> None:
        self._held = held
        self._common = Quota(**{name: getattr(settings, f"quota_{name}") for name in NAMES})
        self._styles = styles
        self._database = database

    async def page(self, request: Request, _principal: Owner) -> Response:
        """Handle `GET /admin?principal=`: return a page with principals and the latest uploads.

        The parameter is the hash of one principal; without it, the page shows all principals.
        """
        principal = request.query_params.get("principal", "")
        async with self._database.read() as connection:
            people = await reports.principals_report(connection, principal=principal, limit=SHOWN)
            uploads = await reports.uploads_report(connection, principal=principal, limit=SHOWN)
            held = await holds.page(connection, principal=principal, limit=SHOWN)
        language = language_of(request, LANGUAGES)
        body = admin_page(
            people,
            uploads,
            held,
            styles=self._styles,
            common=self._common,
            most=SHOWN,
            base=mount_path(request.scope),
            principal=principal,
            is_gone="gone" in request.query_params,
            language=language,
        )
        headers = {"vary": VARY}
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    async def export(self, request: Request, _principal: Owner) -> Response:
        """Handle `GET /admin/uploads.csv?principal=`: list uploads as CSV.

        The parameter is the hash of one principal; without it, all uploads are listed.
        """
        principal = request.query_params.get("principal", "")
        pieces = csv_pieces(self._database, principal=principal)
        first = await anext(pieces)  # fail before the response starts if the ledger is lost
        return StreamingResponse(
            _with(first, pieces),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="uploads.csv"'},
        )

    async def look(self, request: Request, _principal: Owner) -> Response:
        """Handle `POST /admin/held/look`: redirect to a link that downloads a held upload.

        The body of this request and of the next ones is a form with the field `key`.

        If another administrator was faster, or its owner has deleted it, the page says so.
        """
        return await self._decide(request, self._held.look)

    async def release(self, request: Request, _principal: Owner) -> Response:
        """Handle `POST /admin/held/release`: release a held upload, and show the page again."""
        return await self._decide(request, self._held.release)

    async def remove(self, request: Request, _principal: Owner) -> Response:
        """Handle `POST /admin/held/remove`: remove a held upload, and show the page again."""
        return await self._decide(request, lambda hold: self._held.discard(hold.key))

    async def _decide(
        self, request: Request, act: Callable[[Hold], Awaitable[Link | Receipt | bool | None]]
    ) -> Response:
        """Let `act` decide about the held upload that a form names; the audit trail names it, too.

        Args:
            act: returns a link to follow; or a false value if there is no such upload any more.
        """
        fields = dict(parse_qsl((await read_small(request)).decode(errors="replace")))
        key = check_own_key(fields.get("key", ""), UPLOADS)
        request.state.upload = without_names(key)
        try:
            done = await act(await self._held.find(key))
        except NotStoredError:
            done = None
        if isinstance(done, Link):
            return RedirectResponse(done.url, 303)
        if not done:
            request.state.outcome = NotStoredError.code
        return RedirectResponse(f"{mount_path(request.scope)}/admin{'' if done else '?gone='}", 303)

    async def style(self, _request: Request) -> Response:
        """Handle `GET /admin/style.css`: return the style sheet of the administration page."""
        return Response(STYLE, media_type="text/css")


async def csv_pieces(
    database: Database, *, principal: str = "", since: datetime | None = None
) -> AsyncIterator[str]:
    """Yield the ledger's uploads as CSV text, newest first, in pieces of many lines.

    The first piece begins with the header line. The column `checks_claimed` contains the number of
    the upload page's checks with each outcome, such as `passed: 2, changed: 1`.

    Args:
        principal: hash of one principal; empty for all.
        since: export only uploads recorded at or after this time; None for all.

    Raises:
        LedgerLostError: the ledger's database does not answer.
    """
    names = [each.name for each in fields(reports.UploadRow)]
    lines: list[Iterable[str]] = [names]
    async for page in reports.upload_pages(database, principal=principal, since=since):
        lines += [
            [FORMULA.sub(r"\1'", _text(getattr(row, name))) for name in names] for row in page
        ]
        yield _csv(lines)
        lines = []
    if lines:
        yield _csv(lines)


def _csv(lines: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


async def _with(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for piece in rest:
        yield piece


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Mapping):
        counts = reports.count_outcomes(value).items()
        return ", ".join(f"{outcome}: {count}" for outcome, count in counts)
    return "" if value is None else str(value)
