"""The page of Alibaba's tutorial: one file input and the browser build of `ali-oss`.

It has no other interface, so it shows the minimum cost of a page built on `ali-oss`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.npm import install
from support.serving import serve

HERE = Path(__file__).parent
SDK = HERE / "node_modules" / "ali-oss" / "dist" / "aliyun-oss-sdk.min.js"

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Upload to OSS</title></head>
<body>
<form><input id="files" type="file"><button type="submit">Upload</button></form>
<script src="/aliyun-oss-sdk.min.js"></script>
<script>
async function upload(event) {
  event.preventDefault();
  const grant = await (await fetch("/get_sts_token")).json();
  const client = new OSS({
    region: "oss-cn-hangzhou", bucket: "bucket", authorizationV4: true,
    accessKeyId: grant.AccessKeyId,
    accessKeySecret: grant.AccessKeySecret,
    stsToken: grant.SecurityToken,
  });
  const file = document.getElementById("files").files[0];
  await client.put(file.name, file);
}
document.querySelector("form").addEventListener("submit", upload);
if (typeof OSS === "function") document.documentElement.dataset.app = "ready";
</script>
</body>
</html>
"""


def brotli_response(content: bytes, media_type: str) -> Response:
    """Return a response compressed with Brotli's best quality, as our build compresses files."""
    headers = {"content-encoding": "br"}
    return Response(brotli.compress(content, quality=11), media_type=media_type, headers=headers)


@contextmanager
def serve_page() -> Iterator[str]:
    """Serve the page, compressed, from the same kind of server as ours, and yield its URL."""
    install(HERE)
    html = brotli_response(PAGE.encode(), "text/html")
    script = brotli_response(SDK.read_bytes(), "text/javascript")

    async def page(_request: Request) -> Response:
        return html

    async def sdk(_request: Request) -> Response:
        return script

    with serve(Starlette(routes=[Route("/", page), Route(f"/{SDK.name}", sdk)])) as url:
        yield url
