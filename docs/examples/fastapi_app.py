"""A FastAPI application with the upload page below /uploads, for people of its own session.

Run it with `uvicorn --env-file development.env fastapi_app:app`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.middleware.sessions import SessionMiddleware

from ossferry import Permission, Principal, Wanted, create_app, load_settings
from ossferry.errors import NoProofError, NotAllowedError

SECRET_KEY = os.environ.get("SCHOOL_SECRET_KEY", "only-for-development")
PEOPLE = {"carol": "Carol", "dave": "Dave"}  # stands for your table of users
FORM = """<!doctype html><title>Sign in</title>
<form method="post"><label>Name <input name="user"></label> <button>Sign in</button></form>"""
UNKNOWN = '<p role="alert">There is no such person; the examples are carol and dave.</p>'


async def identify(request: Request) -> Principal:
    """Return the person who is signed in; the session middleware has verified the cookie."""
    user = request.session.get("user")
    if user not in PEOPLE:
        raise NoProofError("Please sign in.")
    return Principal(id=user, name=PEOPLE[user])


async def authorize(principal: Principal, _request: Request, _wanted: Wanted) -> Permission:
    """Allow Carol to upload pictures of up to 10 MB to one folder; refuse everybody else."""
    if principal.id != "carol":
        raise NotAllowedError("Only Carol may upload pictures.", code="not-carol")
    return Permission(folder="pictures", max_file_size=10_000_000, types=["image/*"])


uploads = create_app(load_settings(), identify=identify, authorize=authorize)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Start and stop the background work of the uploads together with the application."""
    async with uploads.router.lifespan_context(uploads):
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(SessionMiddleware, secret_key=SECRET_KEY, same_site="lax")


@app.get("/sign-in")
async def ask_name() -> HTMLResponse:
    """Return the sign-in form."""
    return HTMLResponse(FORM)


@app.post("/sign-in")
async def sign_in(
    request: Request, user: Annotated[str, Form()] = "", next: str = "/uploads/"
) -> Response:
    """Sign a person in, and redirect to the page in `next`.

    If `next` is not a page of this site, redirect to the upload page. For an unknown name, return
    the form again.
    """
    if user not in PEOPLE:
        return HTMLResponse(FORM + UNKNOWN, 422)
    request.session["user"] = user
    return RedirectResponse(next if is_own_page(next) else "/uploads/", 303)


def is_own_page(address: str) -> bool:
    """Return whether an address is a path of this site, and not the URL of another site.

    Browsers ignore tabs and line ends in an address, and read a backslash as a slash. Therefore
    the result is False for an address with such characters.
    """
    plain = address.isprintable() and "\\" not in address
    return plain and address.startswith("/") and not address.startswith("//")


app.mount("/uploads", uploads)
