"""The route that says what a site learns from the upload page that it embeds."""

from collections.abc import Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.settings.choices import FrameLevel


class Embedding(TypedDict):
    """The answer of `GET /api/embedding`; `none` for an origin that may not embed the page."""

    level: FrameLevel | Literal["none"]


class EmbeddingApi:
    """The route `/api/embedding`.

    Args:
        levels: the levels of the origins that may embed the page.
    """

    def __init__(self, levels: Mapping[str, FrameLevel]) -> None:
        self._levels = levels

    async def show(self, request: Request) -> Response:
        """Answer `GET /api/embedding?origin=...` with the level of an origin.

        Everybody may ask, so that `embed.js` in any site can tell why its frame stays empty. The
        `frame-ancestors` directive of the page shows the same origins.
        """
        answer: Embedding = {
            "level": self._levels.get(request.query_params.get("origin", ""), "none")
        }
        return JSONResponse(answer, headers={"access-control-allow-origin": "*"})
