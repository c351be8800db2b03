"""The handlers of routes for files of the built page, and for sites that embed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.pages.assets import Assets
from ossferry.settings.choices import FrameLevel

IMMUTABLE = "public, max-age=31536000, immutable"
ONE_DAY = "public, max-age=86400"
ONE_HOUR = "public, max-age=3600"


class Embedding(TypedDict):
    """The JSON response of `GET /api/embedding`.

    `level` says what a site learns about uploads if it embeds the upload page. `counts`: the
    numbers of files and bytes. `results`: also names, keys and checksums. `none`: the site may
    not embed the page.
    """

    level: FrameLevel | Literal["none"]


@dataclass(slots=True, eq=False, repr=False)
class AssetApi:
    """The handlers of the routes `/assets/`, `/embed.js`, `/favicon.ico` and `/api/embedding`.

    Attributes:
        levels: a mapping from the origins that may embed the page to `counts` or `results`.
    """

    assets: Assets
    levels: Mapping[str, FrameLevel]

    async def asset(self, request: Request) -> Response:
        """Handle `GET /assets/{path}`: return a file of the page; status 404 if there is none.

        Browsers may cache the file permanently, because the path contains a hash of the content.
        """
        file = self.assets.find(f"/assets/{request.path_params['path']}")
        if file is None:
            raise HTTPException(404)
        return file.respond(request, cache_control=IMMUTABLE)

    async def embed(self, request: Request) -> Response:
        """Handle `GET /embed.js`: return the script with which a site embeds the upload page.

        Any site may load the script. The `frame-ancestors` directive limits which sites can embed
        the page.
        """
        file = self.assets.find(self.assets.address("embed.js"))
        if file is None:
            raise HTTPException(404)
        response = file.respond(request, cache_control=ONE_HOUR)
        response.headers["access-control-allow-origin"] = "*"
        return response

    async def icon(self, request: Request) -> Response:
        """Handle `GET /favicon.ico`: return the icon; browsers request this path by default."""
        assets = self.assets
        file = assets.find("/favicon.ico") or assets.find(assets.address("favicon.svg"))
        if file is None:
            return Response(status_code=204)
        return file.respond(request, cache_control=ONE_DAY)

    async def embedding(self, request: Request) -> Response:
        """Handle `GET /api/embedding?origin=...`: return the level of this origin; see `Embedding`.

        No authentication is necessary: `embed.js` on any site uses the response to explain why the
        frame with the upload page stays empty. The `frame-ancestors` directive of the page allows
        all origins whose level is not `none`.
        """
        answer: Embedding = {
            "level": self.levels.get(request.query_params.get("origin", ""), "none")
        }
        return JSONResponse(answer, headers={"access-control-allow-origin": "*"})
