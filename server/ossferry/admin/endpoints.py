"""Endpoints of the read-only administration page `/admin`, and the CSV export of uploads.

In CSV, text from users that looks like a formula gets a `'` before it, so that spreadsheets do
not evaluate the text.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import fields
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ossferry.admin.page import STYLE, admin_page
from ossferry.clock import utc_text
from ossferry.http.languages import LANGUAGES, VARY, language_of
from ossferry.identity.owner import Owner
from ossferry.ledger import Database
from ossferry.ledger.reports import (
    UploadRow,
    count_outcomes,
    principals_report,
    upload_pages,
    uploads_report,
)
from ossferry.ledger.standing import NAMES, Quota
from ossferry.mount import mount_path
from ossferry.settings.model import Settings

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

    def __init__(self, settings: Settings, database: Database, *, styles: str) -> None:
        self._common = Quota(**{name: getattr(settings, f"quota_{name}") for name in NAMES})
        self._styles = styles
        self._database = database

    async def page(self, request: Request, _principal: Owner) -> Response:
        """Handle `GET /admin?principal=`: return a page with principals and the latest uploads.

        The parameter is the hash of one principal; without it, the page shows all principals.
        """
        principal = request.query_params.get("principal", "")
        async with self._database.read() as connection:
            people = await principals_report(connection, principal=principal, limit=SHOWN)
            uploads = await uploads_report(connection, principal=principal, limit=SHOWN)
        language = language_of(request, LANGUAGES)
        body = admin_page(
            people,
            uploads,
            styles=self._styles,
            common=self._common,
            most=SHOWN,
            base=mount_path(request.scope),
            principal=principal,
            language=language,
        )
        headers = {"vary": VARY}
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    async def export(self, request: Request, _principal: Owner) -> Response:
        """Handle `GET /admin/uploads.csv?principal=`: download uploads as CSV.

        The parameter is the hash of one principal; without it, all uploads are exported.
        """
        principal = request.query_params.get("principal", "")
        pieces = csv_pieces(self._database, principal=principal)
        first = await anext(pieces)  # fail before the response starts if the ledger is lost
        return StreamingResponse(
            _with(first, pieces),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="uploads.csv"'},
        )

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
    names = [each.name for each in fields(UploadRow)]
    lines: list[Iterable[str]] = [names]
    async for page in upload_pages(database, principal=principal, since=since):
        lines += [[_cell(getattr(row, name)) for name in names] for row in page]
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


def _cell(value: object) -> str:
    """Return a value as text, with `'` where a spreadsheet would read a formula."""
    return FORMULA.sub(r"\1'", _text(value))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Mapping):
        counts = count_outcomes(value).items()
        return ", ".join(f"{outcome}: {count}" for outcome, count in counts)
    return "" if value is None else str(value)
