"""A bare Starlette app that reads the body and returns as many bytes as the query requests.

Usage: python bare_starlette.py PORT
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ZEROS = bytes(64 << 20)


async def read(request: Request) -> Response:
    """Read the body; return `n` bytes."""
    await request.body()
    return Response(ZEROS[: int(request.query_params.get("n", "0"))])


app = Starlette(routes=[Route("/{path:path}", read, methods=["GET", "PUT"])])

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
        timeout_keep_alive=75,
    )
