"""A picture gallery in sixty lines: it shows the pictures of all people after their upload.

Run it with `uvicorn gallery:app`; the `OSSFERRY_*` variables configure the bucket.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from ossferry import create_app, load_settings
from ossferry.hooks import Event

PICTURES = sqlite3.connect("gallery.db", isolation_level=None, check_same_thread=False)
PICTURES.execute("CREATE TABLE IF NOT EXISTS pictures (key TEXT PRIMARY KEY, who TEXT, at TEXT)")


class Gallery:
    """A hook that may receive the same event twice; the second call changes nothing."""

    async def on_uploaded(self, event: Event) -> None:
        """Add a picture to the gallery; ignore other files."""
        if event.data["content_type"].startswith("image/"):
            row = (event.data["key"], event.principal["label"], event.at)
            PICTURES.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)", row)

    async def on_deleted(self, event: Event) -> None:
        """Remove the picture from the gallery."""
        PICTURES.execute("DELETE FROM pictures WHERE key = ?", (event.data["key"],))


uploads = create_app(load_settings(), hooks={"gallery": Gallery()})


async def show(_request: Request) -> HTMLResponse:
    """Return a page with the latest 50 pictures; each address works for five minutes."""
    figures, store = [], uploads.state.store
    wish = {"x-oss-process": "image/resize,w_320/format,webp"}
    for key, who, at in PICTURES.execute("SELECT * FROM pictures ORDER BY at DESC LIMIT 50"):
        stored = await store.head(key)
        if stored is None:  # deleted, or replaced by a symlink to an upload of somebody else
            continue
        link = await store.link(stored, lives_s=300, params=wish)
        figures.append(f'<img src="{escape(link.url)}" alt="by {escape(who)}, {escape(at)}">')
    return HTMLResponse("<!doctype html><title>Gallery</title>" + "".join(figures))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start and stop the delivery of events together with the application."""
    async with uploads.router.lifespan_context(uploads):
        yield


app = Starlette(routes=[Route("/gallery", show), Mount("/", uploads)], lifespan=lifespan)
