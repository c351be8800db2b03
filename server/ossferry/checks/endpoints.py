"""The routes that the page needs to run checks, and the page `/checks` for administrators."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ossferry.access.authenticator import Authenticator
from ossferry.checks.configuration import PageChecks
from ossferry.checks.page import STYLE, ChecksPage
from ossferry.errors import NoProofError
from ossferry.http.languages import LANGUAGES, VARY, language_of
from ossferry.identity.owner import Owner
from ossferry.mount import mount_path
from ossferry.pages.assets import Assets

__all__ = ["CheckApi"]

IMMUTABLE = "private, max-age=31536000, immutable"


class CheckApi:
    """The routes `/api/checks` and `/checks/…`."""

    def __init__(self, checks: PageChecks, assets: Assets, authenticator: Authenticator) -> None:
        self._checks = checks
        self._page = ChecksPage(checks.answer, assets)
        self._authenticator = authenticator

    async def show(self, request: Request) -> Response:
        """Answer `GET /api/checks` with the checks that run in the page.

        Raises:
            NoProofError: the page is only for people who have signed in, and the sender has not.
        """
        await self._refuse_strangers(request)
        return JSONResponse(self._checks.answer)

    async def file(self, request: Request) -> Response:
        """Answer `GET /checks/files/{hash}/{name}` with `checks.py` or a wheel.

        Browsers may cache the file permanently, because the path contains a hash of the content.

        Raises:
            NoProofError: the page is only for people who have signed in, and the sender has not.
        """
        await self._refuse_strangers(request)
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

    async def _refuse_strangers(self, request: Request) -> None:
        """Check the sender by the rule of the page: whoever gets the page gets its checks."""
        if await self._authenticator.welcome(request) is not None:
            raise NoProofError("Sign in, and open the page again.")
