"""Pages that send files without our code: with `ali-oss`, Uppy, or browser APIs only.

All send the files chosen in `#files` to the bucket of `?endpoint=`, with `?parallel=` concurrent
requests. A file larger than `?single=` bytes is sent in parts of `?part=` bytes; Uppy uses its own
defaults instead. At the end they call `bench.finish()`.

`/uppy-page` is different: it shows Uppy's Dashboard, accepts dropped files, and never finishes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import oss2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bench.peers.ali_oss import SDK, brotli_response
from bench.peers.npm import install
from bench.peers.uppy import bundle
from support.serving import serve

STYLES = Path(__file__).parent / "node_modules/@uppy/dashboard/dist/style.min.css"
AUTH = oss2.AuthV4("k" * 24, "s" * 30)
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
<script>document.documentElement.dataset.app = "ready";</script>
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

ALI_OSS = f"""<script src="/{SDK.name}"></script>
<script>
const client = new OSS({{
  region: "oss-cn-hangzhou", bucket: "web-direct-upload", endpoint: asked.endpoint,
  authorizationV4: true, timeout: 600000,
  accessKeyId: "STS." + "k".repeat(26), accessKeySecret: "s".repeat(44), stsToken: "t".repeat(700),
}});
const sendAll = (files) => atOnce(files, (file) => {{
  const key = `ali-oss/${{crypto.randomUUID()}}/${{file.name}}`;
  if (file.size <= single) return client.put(key, file);
  return client.multipartUpload(key, file, {{ partSize: part, parallel }});
}});
</script>"""


UPPY = '<script src="/uppy.js"></script>'
UPPY_PAGE = """<link rel="stylesheet" href="/uppy.css">
<main id="uppy"></main>
<script src="/uppy-page.js"></script>"""
SCRIPTS = {"/bare": BARE, "/ali-oss": ALI_OSS, "/uppy": UPPY, "/uppy-page": UPPY_PAGE}


@contextmanager
def serve_senders() -> Iterator[str]:
    """Serve `/bare`, `/ali-oss`, `/uppy` and `/uppy-page`, and yield the server's URL."""
    install(Path(__file__).parent)
    sdk_script = brotli_response(SDK.read_bytes(), "text/javascript")
    uppy_script = brotli_response(bundle("uppy_sender.js"), "text/javascript")
    uppy_page_script = brotli_response(bundle("uppy_page.js"), "text/javascript")

    async def page(request: Request) -> Response:
        return HTMLResponse(PAGE % SCRIPTS[request.url.path])

    async def sdk(_request: Request) -> Response:
        return sdk_script

    async def uppy(_request: Request) -> Response:
        return uppy_script

    async def uppy_page(_request: Request) -> Response:
        return uppy_page_script

    async def styles(_request: Request) -> Response:
        return FileResponse(STYLES, media_type="text/css")

    routes = [
        Route(f"/{SDK.name}", sdk),
        Route("/uppy.js", uppy),
        Route("/uppy-page.js", uppy_page),
        Route("/uppy.css", styles),
        Route("/sign", _sign),
        *(Route(path, page) for path in SCRIPTS),
    ]
    with serve(Starlette(routes=routes)) as url:
        yield url


async def _sign(request: Request) -> Response:
    """Return a presigned URL, as Uppy's `signRequest` expects it."""
    asked = request.query_params
    bucket = oss2.Bucket(AUTH, asked["endpoint"], "web-direct-upload", region="cn-hangzhou")
    headers = {"Content-Type": asked["type"]}
    url = bucket.sign_url(asked["method"], f"uppy/{asked['key']}", 900, headers, slash_safe=True)
    return JSONResponse({"url": url})
