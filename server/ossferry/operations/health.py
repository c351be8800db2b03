"""The route `/healthz`."""

from typing import Literal, NotRequired

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict


class Status(TypedDict):
    """The JSON response of `/healthz` and `/readyz`.

    `degraded` lists the ids of services that do not answer, if the process is ready without them.
    """

    status: Literal["ok", "not-ready"]
    degraded: NotRequired[list[str]]


async def health(_request: Request) -> Response:
    """Handle `GET /healthz`: return status 200 while the process runs; check nothing else."""
    answer: Status = {"status": "ok"}
    return JSONResponse(answer)
