"""The route `/api/embedding`: what a site that embeds the upload page may learn about uploads."""

from collections.abc import Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.settings.choices import FrameLevel


class Embedding(TypedDict):
    """The JSON response of `GET /api/embedding`.

    `level` says what a site learns about uploads if it embeds the upload page. `counts`: the
    numbers of files and bytes. `results`: also names, keys and checksums. `none`: the site may
    not embed the page.
    """

    level: FrameLevel | Literal["none"]


class EmbeddingApi:
    """The handler of `/api/embedding`.

    Args:
        levels: a mapping from the origins that may embed the page to `counts` or `results`.
    """

    def __init__(self, levels: Mapping[str, FrameLevel]) -> None:
        self._levels = levels

    async def show(self, request: Request) -> Response:
        """Handle `GET /api/embedding?origin=...`: return the level of this origin; see `Embedding`.

        No authentication is necessary: `embed.js` on any site uses the response to explain why the
        frame with the upload page stays empty. The `frame-ancestors` directive of the page allows
        all origins whose level is not `none`.
        """
        answer: Embedding = {
            "level": self._levels.get(request.query_params.get("origin", ""), "none")
        }
        return JSONResponse(answer, headers={"access-control-allow-origin": "*"})
