"""The route `/healthz`."""

from typing import Literal, NotRequired

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict


class Status(TypedDict):
    """The answer of `/healthz` and `/readyz`; `degraded` names services that do not answer."""

    status: Literal["ok", "not-ready"]
    degraded: NotRequired[list[str]]


async def health(_request: Request) -> Response:
    """Answer `GET /healthz` with status 200 while the process is running; check nothing else."""
    answer: Status = {"status": "ok"}
    return JSONResponse(answer)
