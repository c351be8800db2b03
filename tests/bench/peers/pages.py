"""Pages that send files without our code: with `ali-oss`, Uppy, or browser APIs only.

All send the files chosen in `#files` to the bucket of `?endpoint=`, with `?parallel=` concurrent
requests. A file larger than `?single=` bytes is sent in parts of `?part=` bytes; Uppy uses its own
defaults instead. At the end they call `bench.finish()`.

`/uppy-page` is different: it shows Uppy's Dashboard, accepts dropped files, and never finishes.
`/sheet-import` sends nothing: it gives the file to react-spreadsheet-import, until that shows its
problems.

All is compressed with Brotli's best quality, as our build compresses files, and the server is the
same kind of server as ours.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import brotli
import oss2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.peers.npm import install
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from support.serving import serve

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
AUTH = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Upload</title></head>
<body>
<input id="files" type="file" multiple>
<script>
const asked = Object.fromEntries(new URLSearchParams(location.search));
const [single, part, parallel] = [asked.single, asked.part, asked.parallel].map(Number);
async function atOnce(items, send) {
  const left = items[Symbol.iterator]();
  const worker = async () => { for (const item of left) await send(item); };
  await Promise.all(Array.from({ length: parallel }, worker));
}
document.getElementById("files").addEventListener("change", async ({ target }) => {
  try {
    await sendAll([...target.files]);
    bench.finish();
  } catch (error) {
    bench.fail(error);
  }
});
</script>
%s
<script>if (typeof sendAll === "function") document.documentElement.dataset.app = "ready";</script>
</body>
</html>
"""

BARE = """<script>
function request(method, url, body) {
  return new Promise((done, fail) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    xhr.onload = () => (xhr.status === 200 ? done(xhr) : fail(new Error(xhr.status)));
    xhr.onerror = () => fail(new Error("no answer"));
    xhr.send(body);
  });
}
async function sendParts(url, file) {
  const { responseText } = await request("POST", `${url}?uploads`);
  const id = responseText.match(/<UploadId>(.*)<\\/UploadId>/)[1];
  const numbers = Array.from({ length: Math.ceil(file.size / part) }, (_, index) => index + 1);
  const etags = [];
  await atOnce(numbers, async (number) => {
    const blob = file.slice((number - 1) * part, number * part);
    const sent = await request("PUT", `${url}?partNumber=${number}&uploadId=${id}`, blob);
    etags[number - 1] = sent.getResponseHeader("ETag");
  });
  const xml = (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`;
  const parts = etags.map(xml);
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  await request("POST", `${url}?uploadId=${id}`, body);
}
const origin = asked.endpoint.replace("//", "//web-direct-upload.");
const sendAll = (files) => atOnce(files, (file) => {
  const url = `${origin}/bare/${crypto.randomUUID()}/${encodeURIComponent(file.name)}`;
  return file.size > single ? sendParts(url, file) : request("PUT", url, file);
});
</script>"""

ALI_OSS = """<script src="/ali-oss.js"></script>
<script>
const client = new OSS({
  region: "oss-cn-hangzhou", bucket: "web-direct-upload", endpoint: asked.endpoint,
  authorizationV4: true, timeout: 600000,
  accessKeyId: "STS." + "k".repeat(26), accessKeySecret: "s".repeat(44), stsToken: "t".repeat(700),
});
const sendAll = (files) => atOnce(files, (file) => {
  const key = `ali-oss/${crypto.randomUUID()}/${file.name}`;
  if (file.size <= single) return client.put(key, file);
  return client.multipartUpload(key, file, { partSize: part, parallel });
});
</script>"""

UPPY = '<script src="/uppy.js"></script>'
UPPY_PAGE = """<link rel="stylesheet" href="/uppy.css">
<main id="uppy"></main>
<script src="/uppy.js"></script>"""
SHEET_IMPORT = """<main id="import"></main>
<script src="/sheet_import.js"></script>"""
PAGES = {
    "/bare": BARE,
    "/ali-oss": ALI_OSS,
    "/uppy": UPPY,
    "/uppy-page": UPPY_PAGE,
    "/sheet-import": SHEET_IMPORT,
}


@contextmanager
def serve_pages() -> Iterator[str]:
    """Serve the pages, and yield the server's URL."""
    install(HERE)
    paths = [Route(path, _compressed) for path in FILES]
    with serve(Starlette(routes=[Route("/sign", _sign), *paths])) as url:
        yield url


def _bundle(script: str) -> bytes:
    """Return a script of ours and the packages that it imports as one classic script."""
    esbuild = PACKAGES / ".bin/esbuild"
    options = ("--bundle", "--minify", "--format=iife", "--log-level=error")
    return subprocess.run(  # noqa: S603 - fixed words
        [esbuild, script, *options], check=True, capture_output=True, cwd=HERE, timeout=60
    ).stdout


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "/ali-oss.js": (
        "text/javascript",
        (PACKAGES / "ali-oss/dist/aliyun-oss-sdk.min.js").read_bytes,
    ),
    **{
        f"/{script}": ("text/javascript", partial(_bundle, script))
        for script in ("uppy.js", "sheet_import.js")
    },
    "/uppy.css": ("text/css", (PACKAGES / "@uppy/dashboard/dist/style.min.css").read_bytes),
    **{path: ("text/html", (PAGE % body).encode) for path, body in PAGES.items()},
}


@cache
def _brotli(path: str) -> bytes:
    compressed: bytes = brotli.compress(FILES[path][1](), quality=11)
    return compressed


async def _compressed(request: Request) -> Response:
    path = request.url.path
    headers = {"content-encoding": "br"}
    return Response(_brotli(path), media_type=FILES[path][0], headers=headers)


async def _sign(request: Request) -> Response:
    """Return a presigned URL, as Uppy's `signRequest` expects it."""
    asked = request.query_params
    bucket = oss2.Bucket(AUTH, asked["endpoint"], "web-direct-upload", region="cn-hangzhou")
    headers = {"Content-Type": asked["type"]}
    url = bucket.sign_url(asked["method"], f"uppy/{asked['key']}", 900, headers, slash_safe=True)
    return JSONResponse({"url": url})
