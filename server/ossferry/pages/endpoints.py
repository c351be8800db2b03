"""The handlers of routes that serve files of the built page."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ossferry.pages.assets import Assets

IMMUTABLE = "public, max-age=31536000, immutable"
ONE_DAY = "public, max-age=86400"
ONE_HOUR = "public, max-age=3600"


class AssetApi:
    """The handlers of the routes `/assets/`, `/embed.js` and `/favicon.ico`."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def asset(self, request: Request) -> Response:
        """Handle `GET /assets/{path}`: return a file of the page; status 404 if there is none.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        """
        file = self._assets.find(f"/assets/{request.path_params['path']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=IMMUTABLE)

    async def embed(self, request: Request) -> Response:
        """Handle `GET /embed.js`: return the script with which a site embeds the upload page.

        Any site may load the script. The `frame-ancestors` directive limits which sites can embed
        the page.
        """
        file = self._assets.find(self._assets.address("embed.js"))
        if file is None:
            raise HTTPException(404)
        response = file.respond(request, cache_control=ONE_HOUR)
        response.headers["access-control-allow-origin"] = "*"
        return response

    async def icon(self, request: Request) -> Response:
        """Handle `GET /favicon.ico`: return the icon; browsers request this path by default."""
        assets = self._assets
        file = assets.find("/favicon.ico") or assets.find(assets.address("favicon.svg"))
        if file is None:
            return Response(status_code=204)
        return file.respond(request, cache_control=ONE_DAY)
