"""The handlers of routes that the page needs to run checks."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.checks.configuration import PageChecks
from ossferry.identity.owner import Owner

IMMUTABLE = "private, max-age=31536000, immutable"


class CheckApi:
    """The handlers of `/api/checks` and `/checks/files/…`."""

    def __init__(self, checks: PageChecks) -> None:
        self._checks = checks

    async def show(self, _request: Request, _principal: Owner) -> Response:
        """Handle `GET /api/checks`: return the `Checks` document as JSON.

        It describes the checks that run in the page, and has the URLs of their files.
        """
        return JSONResponse(self._checks.answer)

    async def file(self, request: Request) -> Response:
        """Handle `GET /checks/files/{hash}/{name}`: return `checks.py` or a wheel.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        The response is 404 if there is no such file.

        The request needs no authentication, because the web worker that sends it has no bearer
        token. Only people who know the hash can find the path. It is in the response of `show`, and
        the path of `checks.py` can be computed from its version in a receipt.
        """
        params = request.path_params
        file = self._checks.files.get(f"{params['hash']}/{params['name']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=IMMUTABLE)
