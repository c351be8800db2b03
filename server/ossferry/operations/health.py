"""The route `/healthz`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["health"]


async def health(_request: Request) -> Response:
    """Answer `GET /healthz`: the process is running. Nothing else is checked."""
    return JSONResponse({"status": "ok"})
