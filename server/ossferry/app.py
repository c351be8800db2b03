"""Puts the server together: settings in, a Starlette application out.

Everything with a life is made here and handed down; nothing is global. Routes are one table.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from ossferry.api import AssetApi, TokenApi, choose_demo_user, health
from ossferry.assets import Assets, find_web_dir
from ossferry.audit import Audit
from ossferry.auth import Identify, identify_demo_user, identify_for
from ossferry.clock import Clock, utc_now
from ossferry.errors import OssferryError
from ossferry.grants import Grants
from ossferry.guards import HostGuard
from ossferry.headers import SecurityHeaders
from ossferry.pages import Pages
from ossferry.problems import ProblemBoundary, answer_http_error, answer_problem
from ossferry.settings import Settings
from ossferry.sts import AssumeRole, StsClient, default_credentials

__all__ = ["create_app"]


def create_app(
    settings: Settings,
    *,
    identify: Identify | None = None,
    assume_role: AssumeRole | None = None,
    audit: Audit | None = None,
    clock: Clock = utc_now,
) -> Starlette:
    """Return the server as an ASGI application.

    Args:
        settings: every option; the environment is not looked at again.
        identify: how people are identified; by default as `settings.auth` says.
        assume_role: how STS is reached; by default the official client with its default chain.
        audit: where decisions are recorded; by default the logger `ossferry.audit`.
        clock: the present moment.

    Raises:
        SettingsError: the built page is missing.
    """
    web_dir = find_web_dir(settings)
    whom = identify or identify_for(settings.auth)
    grants = Grants(
        settings, assume_role or StsClient(settings, default_credentials()), clock=clock
    )
    token = TokenApi(
        settings,
        identify=whom,
        grants=grants,
        audit=audit or Audit(settings, clock=clock),
        clock=clock,
    )
    page = Pages.load(settings, web_dir)
    files = AssetApi(Assets.load(web_dir))
    routes = [
        Route("/", page.show),
        Route("/assets/{path:path}", files.asset),
        Route("/favicon.ico", files.icon),
        Route("/get_sts_token", token.get_sts_token),
        Route("/api/grant", token.grant, methods=["POST"]),
        Route("/healthz", health),
    ]
    if whom is identify_demo_user:
        routes.append(Route("/demo/user", choose_demo_user, methods=["POST"]))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await grants.close()

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders, settings=settings),
            Middleware(ProblemBoundary),
            Middleware(HostGuard, settings=settings),
        ],
        exception_handlers={
            OssferryError: answer_problem,
            HTTPException: answer_http_error,
        },
    )
    app.router.redirect_slashes = False  # one address per route; variants are 404
    return app
