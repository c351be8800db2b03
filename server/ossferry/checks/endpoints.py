"""The routes that the page needs to run checks."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.checks.configuration import PageChecks
from ossferry.identity.owner import Owner

IMMUTABLE = "private, max-age=31536000, immutable"


class CheckApi:
    """The routes `/api/checks` and `/checks/files/…`."""

    def __init__(self, checks: PageChecks) -> None:
        self._checks = checks

    async def show(self, _request: Request, _principal: Owner) -> Response:
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
