"""A bare Starlette app: PUT reads the body piece by piece, GET returns zeros from memory.

It checks nothing, keeps no metadata and syncs nothing. With `?file=1` PUT writes the pieces to a
file; with `?digest=1` it computes MD5 and CRC-64, in the event loop. GET returns `?n=` bytes.

Usage: python bare_starlette.py FOLDER PORT
"""

import hashlib
import sys
from contextlib import nullcontext
from pathlib import Path

import uvicorn
from fastcrc import crc64
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ZEROS = bytes(64 << 20)
FOLDER = Path(sys.argv[1])


async def put(request: Request) -> Response:
    """Read the body, and handle each piece as it arrives."""
    digest = "digest" in request.query_params
    path = FOLDER / request.path_params["path"].replace("/", "_")
    md5, crc = hashlib.md5(usedforsecurity=False), 0
    with path.open("wb") if "file" in request.query_params else nullcontext() as file:
        async for piece in request.stream():
            if file:
                file.write(piece)
            if digest:
                md5.update(piece)
                crc = crc64.xz(piece, crc)
    headers = {"etag": md5.hexdigest(), "x-oss-hash-crc64ecma": str(crc)} if digest else None
    return Response(headers=headers)


async def get(request: Request) -> Response:
    """Return `n` bytes."""
    return Response(ZEROS[: int(request.query_params.get("n", "0"))])


PATH = "/{path:path}"
app = Starlette(routes=[Route(PATH, put, methods=["PUT"]), Route(PATH, get, methods=["GET"])])

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[2]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
        timeout_keep_alive=75,
    )
