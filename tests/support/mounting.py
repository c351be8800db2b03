"""An application with a sign-in of its own, which mounts the server below a path."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from ossferry.app import create_app
from ossferry.cli.demo import SERVER, Demo, prepare_bucket
from ossferry.errors import NoProofError
from ossferry.identity.principal import Principal
from ossferry.oss.bucket import OssBucket
from ossferry.oss.sts import StsClient, access_key, objects_sts
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.serving import serve

BELOW = "/school/uploads"
"""The usual path of the mount."""

SESSION = "school_session"


async def identify(request: Request) -> Principal:
    user = request.cookies.get(SESSION, "")
    if not user:
        raise NoProofError("Please sign in.")
    return Principal(id=user, name=user.title())


async def sign_in(request: Request) -> Response:
    """Show a page with one button, which signs Carol in and returns to the page before."""
    if request.method == "GET":
        return HTMLResponse("<form method=post><button>I am Carol</button></form>")
    response = RedirectResponse(request.query_params["next"], 303)
    response.set_cookie(SESSION, "carol", httponly=True, samesite="lax")
    return response


async def icon(_request: Request) -> Response:
    return Response(status_code=204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running application, and the paths of all requests to it."""

    url: str
    asked: list[str]


@contextmanager
def mounting_site(demo: Demo, *own: BaseRoute, below: str = BELOW) -> Iterator[Site]:
    """Serve an application that mounts a server with the bucket of `demo`.

    Args:
        own: more routes of the application.
        below: the path of the mount.
    """
    asked: list[str] = []
    changes = {"auth": "app", "sign_in_url": "/sign-in?next={return}"}
    settings = load_settings(ExplicitSettings, **{**demo.settings.model_dump(), **changes})
    keys = access_key(*next(iter(SERVER.keys.items())))
    uploads = create_app(
        settings,
        identify=identify,
        assume_role=StsClient(settings, keys),
        clock=demo.oss.clock.now,
        store=OssBucket(settings, objects_sts(settings, keys), clock=demo.oss.clock.now),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with uploads.router.lifespan_context(uploads):
            yield

    routes = [
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/favicon.ico", icon),
        *own,
        Mount(below, uploads),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    with serve(noting) as url:
        prepare_bucket(settings, f"http://127.0.0.1:{demo.oss.port}", [demo.url, url])
        yield Site(url=url, asked=asked)
