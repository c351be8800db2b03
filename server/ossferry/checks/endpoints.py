"""The routes that the page needs to run checks, and the page `/checks` for administrators."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ossferry.checks.configuration import PageChecks
from ossferry.checks.page import STYLE, ChecksPage
from ossferry.http.languages import LANGUAGES, VARY, language_of
from ossferry.identity.owner import Owner
from ossferry.mount import mount_path
from ossferry.pages.assets import Assets

__all__ = ["CheckApi"]

IMMUTABLE = "private, max-age=31536000, immutable"


class CheckApi:
    """The routes `/api/checks` and `/checks/…`."""

    def __init__(self, checks: PageChecks, assets: Assets) -> None:
        self._checks = checks
        self._page = ChecksPage(checks.answer, assets)

    async def show(self, _request: Request, _owner: Owner) -> Response:
        """Answer `GET /api/checks` with the checks that run in the page."""
        return JSONResponse(self._checks.answer)

    async def file(self, request: Request) -> Response:
        """Answer `GET /checks/files/{hash}/{name}` with `checks.py` or a wheel.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        The worker that requests the file has no bearer token. Nobody can guess the path; it is in
        the answer of `show`, and follows from the version of `checks.py` in a receipt.
        """
        params = request.path_params
        file = self._checks.files.get(f"{params['hash']}/{params['name']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=IMMUTABLE)

    async def page(self, request: Request, _owner: Owner) -> Response:
        """Handle `GET /checks`: show the checks that are on, and a drop zone to try them."""
        language = language_of(request, LANGUAGES)
        body = self._page.html(base=mount_path(request.scope), language=language)
        return HTMLResponse(body, headers={"vary": VARY})

    async def style(self, _request: Request) -> Response:
        """Handle `GET /checks/style.css`: return the style sheet of the page."""
        return Response(STYLE, media_type="text/css")
