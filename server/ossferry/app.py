"""Puts the server together: settings in, a Starlette application out.

Everything with a life is made here and handed down; nothing is global. Routes are one table.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ossferry.api import AssetApi, TokenApi, health
from ossferry.assets import Assets, find_web_dir
from ossferry.audit import Audit
from ossferry.auth import Identify, Way
from ossferry.auth.ways import own_way, way_for
from ossferry.clock import Clock, Monotonic, monotonic, utc_now
from ossferry.errors import OssferryError
from ossferry.grants import Grants
from ossferry.guards import HostGuard
from ossferry.headers import SecurityHeaders
from ossferry.metrics import Measured, Metrics, MetricsApi
from ossferry.openapi import show_openapi
from ossferry.pages import Pages
from ossferry.problems import ProblemBoundary, answer_http_error, answer_problem
from ossferry.proxies import TrustedProxies
from ossferry.rates import Counter, Rates
from ossferry.readiness import Readiness, StsDate, ask_sts_date
from ossferry.settings import Settings
from ossferry.shape import Crowd, ShapeGuard
from ossferry.shelf import NoShelf, SealedShelf
from ossferry.storage import Storage, make_storage
from ossferry.sts import AssumeRole, StsClient, default_credentials
from ossferry.sts_guard import Breaker, GuardedSts, Pace

__all__ = ["create_app"]


def create_app(
    settings: Settings,
    *,
    identify: Identify | None = None,
    assume_role: AssumeRole | None = None,
    audit: Audit | None = None,
    clock: Clock = utc_now,
    monotonic: Monotonic = monotonic,
    sts_date: StsDate | None = None,
) -> Starlette:
    """Return the server as an ASGI application.

    Args:
        settings: every option; the environment is not looked at again.
        identify: how people are identified; by default as `settings.auth` says.
        assume_role: how STS is reached; by default the official client with its default chain.
        audit: where decisions are recorded; by default as `settings.audit_file` says.
        clock: the present moment.
        monotonic: seconds that only grow; for rates and pauses.
        sts_date: what time STS has; by default it is asked.

    Raises:
        SettingsError: the built page is missing, or a file cannot be read.
    """
    web_dir = find_web_dir(settings)
    audit = audit or Audit(settings, clock=clock)
    storage = make_storage(settings)
    metrics = Metrics()
    counter = Counter(settings, monotonic=monotonic)
    way = own_way(identify) if identify else None
    way = way or way_for(settings, storage, clock=clock, monotonic=monotonic)
    assume_role = assume_role or StsClient(settings, default_credentials())
    pace = Pace(counter, calls_per_s=settings.sts_calls_per_s)
    breaker = Breaker(monotonic=monotonic)
    sts = GuardedSts(assume_role, pace=pace, breaker=breaker, metrics=metrics)
    grants = Grants(settings, sts, clock=clock, shelf=_shelf(settings, storage))
    rates = Rates(settings, counter)
    token = TokenApi(
        settings, way=way, rates=rates, grants=grants, audit=audit, metrics=metrics, clock=clock
    )
    ready = Readiness(storage, sts_date or ask_sts_date(settings), clock=clock, monotonic=monotonic)
    routes = [
        *_page_routes(settings, web_dir, way),
        *_api_routes(token, ready),
        *_metrics_routes(settings, metrics),
        *way.routes,
    ]

    async def close() -> None:
        await grants.close()
        await way.close()
        await counter.close()
        await storage.close()
        audit.close()

    paths = [route.path for route in routes if "{" not in route.path]
    measured = Middleware(Measured, metrics=metrics, monotonic=monotonic, paths=paths)
    return _application(routes, _middleware(settings, measured), close)


def _page_routes(settings: Settings, web_dir: Path, way: Way) -> list[Route]:
    page = Pages.load(settings, web_dir, way)
    files = AssetApi(Assets.load(web_dir))
    return [
        Route("/", page.show),
        Route("/assets/{path:path}", files.asset),
        Route("/favicon.ico", files.icon),
    ]


def _api_routes(token: TokenApi, ready: Readiness) -> list[Route]:
    return [
        _get_only("/get_sts_token", token.get_sts_token),
        Route("/api/grant", token.grant, methods=["POST"]),
        Route("/healthz", health),
        Route("/readyz", ready.show),
        Route("/openapi.json", show_openapi),
    ]


def _metrics_routes(settings: Settings, metrics: Metrics) -> list[Route]:
    if settings.metrics_token is None:
        return []
    return [Route("/metrics", MetricsApi(settings, metrics).show)]


def _application(
    routes: list[Route],
    middleware: list[Middleware],
    close: Callable[[], Awaitable[None]],
) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await close()

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=middleware,
        exception_handlers={
            OssferryError: answer_problem,
            HTTPException: answer_http_error,
        },
    )
    app.router.redirect_slashes = False  # one address per route; variants are 404
    return app


def _get_only(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return a route that answers GET; Starlette would add HEAD, which hands out nothing."""
    route = Route(path, endpoint)
    route.methods = {"GET"}
    return route


def _shelf(settings: Settings, storage: Storage) -> NoShelf | SealedShelf:
    if settings.redis_url is None:
        return NoShelf()
    return SealedShelf(storage, secret=settings.secret_bytes)


def _middleware(settings: Settings, measured: Middleware) -> list[Middleware]:
    """Return what every request passes through, outermost first."""
    found = [
        Middleware(SecurityHeaders, settings=settings),
        measured,
        Middleware(ProblemBoundary),
        Middleware(ShapeGuard),
        Middleware(TrustedProxies, settings=settings),
        Middleware(HostGuard, settings=settings),
        Middleware(Crowd, settings=settings),
    ]
    if settings.cors_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type"],
                max_age=600,
            )
        )
    return found
