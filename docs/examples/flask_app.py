"""A Flask application with the upload page below /uploads, for people of its own session.

Run it with `uvicorn --env-file development.env flask_app:app`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a2wsgi import WSGIMiddleware
from flask import Flask, redirect, request, session
from itsdangerous import BadSignature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from werkzeug.wrappers import Response

from ossferry import Principal, create_app, load_settings
from ossferry.errors import NoProofError, NotIdentifiedError

flask_app = Flask(__name__)
flask_app.secret_key = os.environ.get("SCHOOL_SECRET_KEY", "only-for-development")
FORM = """<!doctype html><title>Sign in</title>
<form method="post"><label>Name <input name="user" required></label>
<button>Sign in</button></form>"""


@flask_app.get("/sign-in")
def ask_name() -> str:
    """Return the sign-in form."""
    return FORM


@flask_app.post("/sign-in")
def sign_in() -> Response:
    """Sign a person in, and redirect to the page in `next`.

    If `next` is not a page of this site, redirect to the upload page.
    """
    session["user"] = request.form["user"]
    target = request.args.get("next", "")
    return redirect(target if is_own_page(target) else "/uploads/", 303)


def is_own_page(address: str) -> bool:
    """Return whether an address is a path of this site, and not the URL of another site.

    Browsers ignore tabs and line ends in an address, and read a backslash as a slash. Therefore
    the result is False for an address with such characters.
    """
    plain = address.isprintable() and "\\" not in address
    return plain and address.startswith("/") and not address.startswith("//")


async def identify(request: Request) -> Principal:
    """Return the person in Flask's session cookie, whose signature is verified."""
    cookie = request.cookies.get(flask_app.config["SESSION_COOKIE_NAME"], "")
    if not cookie:
        raise NoProofError("Please sign in.")
    serializer = flask_app.session_interface.get_signing_serializer(flask_app)
    lasts_s = int(flask_app.permanent_session_lifetime.total_seconds())
    try:
        user = serializer.loads(cookie, max_age=lasts_s).get("user", "")
    except BadSignature as error:
        raise NotIdentifiedError("Please sign in again.") from error
    if not user:
        raise NoProofError("Please sign in.")
    return Principal(id=user, name=user.title())


uploads = create_app(load_settings(), identify=identify)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Start and stop the background work of the uploads together with the application."""
    async with uploads.router.lifespan_context(uploads):
        yield


async def add_slash(_request: Request) -> RedirectResponse:
    """Redirect `/uploads` to the page."""
    return RedirectResponse("/uploads/")


app = Starlette(
    routes=[
        Route("/uploads", add_slash),
        Mount("/uploads", uploads),
        Mount("/", WSGIMiddleware(flask_app)),
    ],
    lifespan=lifespan,
)
