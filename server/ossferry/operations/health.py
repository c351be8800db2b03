"""The route `/healthz`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["health"]


async def health(_request: Request) -> Response:
    """Answer `GET /healthz` with status 200 while the process is running; check nothing else."""
    return JSONResponse({"status": "ok"})
