"""A NiceGUI app whose visitors upload straight into OSS; see docs/python-apps.md."""

import os
import time
from typing import Any

from fastapi.responses import PlainTextResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from nicegui import app, ui

SERVER = os.environ["UPLOAD_SERVER"]  # such as https://uploads.example
PORT = int(os.environ.get("PORT", "8001"))
ISSUER = os.environ.get("ISSUER", f"http://127.0.0.1:{PORT}")  # the address of this app
KEY = RSAKey.generate_key(2048, parameters={"kid": str(time.time_ns())})  # new at each start
NAMES = ("name", "size", "crc64", "key")
COLUMNS = [{"name": each, "label": each, "field": each, "align": "left"} for each in NAMES]


@app.get("/keys")
def keys() -> dict[str, Any]:
    """Return the public key, with which the upload server checks the tokens."""
    return dict(KeySet([KEY]).as_dict(private=False))


@app.get("/upload-token")
def upload_token() -> PlainTextResponse:
    """Return a token that says who uploads; it is valid for five minutes."""
    user = "carol"  # replace it with the person who is signed in to your app
    claims = {"iss": ISSUER, "aud": "ossferry", "sub": user, "exp": int(time.time()) + 300}
    return PlainTextResponse(jwt.encode({"alg": "RS256", "kid": KEY.kid}, claims, KEY))


@ui.page("/")
def page() -> None:
    ui.page_title("Lab results")
    ui.add_head_html(f'<script type="module" src="{SERVER}/embed.js"></script>')
    ui.label("Lab results").classes("text-3xl")
    files = ui.element("oss-ferry").props('reference="order 42" accept=".csv,image/*"')
    files.classes("w-full")
    # ":" is an expression of NiceGUI; "." lets Vue set a property, not an attribute.
    files.props[":.getToken"] = "async () => (await fetch('/upload-token')).text()"
    table = ui.table(rows=[], columns=COLUMNS, row_key="key").classes("w-full")

    def forget(keys: list[str]) -> None:
        table.rows = [row for row in table.rows if row["key"] not in keys]

    stored, removed = "event => emit(event.detail)", "event => emit(event.detail.keys)"
    files.on("upload", lambda event: table.add_row(event.args), js_handler=stored)
    files.on("removed", lambda event: forget(event.args), js_handler=removed)


ui.run(host="127.0.0.1", port=PORT, show=False, reload=False)
