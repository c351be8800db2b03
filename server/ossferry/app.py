"""Puts the server together: settings in, a Starlette application out.

Everything with a life is made here and handed down; nothing is global. Routes are one table.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Protocol

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from ossferry.access.audit import Audit
from ossferry.access.gate import Door
from ossferry.access.rate_limits import Counter, Rates
from ossferry.authentication.choice import own_way, way_for
from ossferry.authentication.sign_outs import SignOuts
from ossferry.background import AfterUpload, get_only
from ossferry.clock import Clock, Monotonic, monotonic, utc_now
from ossferry.errors import OssferryError
from ossferry.forms.html import FormHtml
from ossferry.forms.pages import FormPages
from ossferry.forms.service import FormApi, Forms
from ossferry.grants.cache import NoShelf, SealedShelf
from ossferry.grants.endpoints import AssetApi, TokenApi, health
from ossferry.grants.service import Grants
from ossferry.http.client import outbound_client
from ossferry.http.problems import ProblemBoundary, answer_http_error, answer_problem
from ossferry.http.proxies import TrustedProxies
from ossferry.http.request_checks import Crowd, ShapeGuard
from ossferry.http.same_site import HostGuard
from ossferry.http.security_headers import FORM, SecurityHeaders
from ossferry.identity.principal import Identify
from ossferry.ledger import Database
from ossferry.observability.metrics import Measured, Metrics, MetricsApi
from ossferry.observability.tracing import Span, exporting_spans, no_span
from ossferry.operations.openapi import show_openapi
from ossferry.operations.readiness import Readiness, StsDate, ask_sts_date
from ossferry.oss.bucket import ObjectStore, OssBucket
from ossferry.oss.sts import AssumeRole, StsClient, default_credentials, objects_sts
from ossferry.oss.sts_guard import Breaker, GuardedSts, Pace
from ossferry.pages.assets import Assets, find_web_dir
from ossferry.pages.pages import Pages
from ossferry.settings.model import Settings
from ossferry.state.key_value import Storage, make_storage

__all__ = ["create_app"]


class Closing(Protocol):
    """What has to be closed in the end."""

    def close(self) -> Awaitable[None]:
        """Let go of what is open."""


def create_app(
    settings: Settings,
    *,
    identify: Identify | None = None,
    assume_role: AssumeRole | None = None,
    audit: Audit | None = None,
    clock: Clock = utc_now,
    monotonic: Monotonic = monotonic,
    sts_date: StsDate | None = None,
    store: ObjectStore | None = None,
    sign_outs: SignOuts | None = None,
    span: Span | None = None,
    hooks: Mapping[str, object] = MappingProxyType({}),
    outbound: httpx.AsyncClient | None = None,
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
        span: what opens spans; by default as `settings.tracing` says.
        store: the bucket as the server sees it; by default over `oss2`, if there is a role for it.
        sign_outs: what remembers who signed out; by default the ledger, else Redis, else memory.
        hooks: by name, what is told of grants and uploads besides the hooks of installed packages.
        outbound: what reaches webhooks and OSS's public key; by default public addresses only.

    Raises:
        SettingsError: the built page is missing, or a file cannot be read.
    """
    web_dir = find_web_dir(settings)
    assets = Assets.load(web_dir)
    audit = audit or Audit(settings, clock=clock)
    storage = make_storage(settings)
    metrics = Metrics()
    counter = Counter(settings, monotonic=monotonic)
    rates = Rates(settings, counter)
    store = store or _store(settings, clock=clock)
    database = Database(settings.ledger_url) if store is not None else None
    way = own_way(identify) if identify else None
    way = way or way_for(
        settings,
        storage,
        rates,
        audit,
        sign_outs=sign_outs or SignOuts(storage, database, clock=clock),
        clock=clock,
        monotonic=monotonic,
    )
    span = span or (exporting_spans() if settings.tracing else no_span)
    sts = GuardedSts(
        assume_role or StsClient(settings, default_credentials()),
        pace=Pace(counter, calls_per_s=settings.sts_calls_per_s),
        breaker=Breaker(monotonic=monotonic),
        metrics=metrics,
        clock=clock,
        span=span,
    )
    grants = Grants(settings, sts, clock=clock, shelf=_shelf(settings, storage))
    door = Door(settings, way=way, rates=rates, audit=audit)
    after = None
    if store is not None and database is not None:
        after = AfterUpload(
            settings,
            store,
            database,
            door=door,
            rates=rates,
            audit=audit,
            hooks=hooks,
            outbound=outbound or outbound_client(settings),
            metrics=metrics,
            clock=clock,
            monotonic=monotonic,
            styles=assets.styles(),
        )
    token = TokenApi(
        settings,
        way=way,
        door=door,
        grants=grants,
        after=after,
        audit=audit,
        metrics=metrics,
        clock=clock,
        span=span,
    )
    forms = Forms(settings, clock=clock)
    pages = FormPages(
        settings,
        forms,
        _form_html(settings, assets),
        token=token,
        way=way,
        store=store,
        after=after,
        clock=clock,
    )
    ready = Readiness(
        storage,
        sts_date or ask_sts_date(settings),
        sts=sts,
        audit=audit,
        ledger=database,
        clock=clock,
        monotonic=monotonic,
    )
    routes = [
        *_page_routes(Pages.load(settings, web_dir, way), AssetApi(assets)),
        *_api_routes(token, ready),
        *_form_routes(door, FormApi(settings, forms, token=token, way=way, clock=clock), pages),
        *(after.routes if after else []),
        *_metrics_routes(settings, metrics, audit),
        *way.routes,
    ]

    paths = [route.path for route in routes if "{" not in route.path]
    middleware = [
        Middleware(SecurityHeaders, settings=settings, inline_scripts=assets.inline_scripts),
        Middleware(Measured, metrics=metrics, monotonic=monotonic, paths=paths),
        *_middleware(settings),
    ]
    closing: list[Closing] = [grants, *([after] if after else []), way, counter, storage]
    app = _application(routes, middleware, _lifespan(after, closing, audit))
    app.state.after = after
    app.state.store = store  # for applications that mount this one: docs/examples/gallery.py
    app.state.styles = assets.styles()
    return app


def _page_routes(page: Pages, files: AssetApi) -> list[Route]:
    return [
        Route("/", page.show),
        Route("/assets/{path:path}", files.asset),
        Route("/embed.js", files.embed),
        Route("/favicon.ico", files.icon),
    ]


def _api_routes(token: TokenApi, ready: Readiness) -> list[Route]:
    return [
        get_only("/get_sts_token", token.get_sts_token),
        Route("/api/grant", token.grant, methods=["POST"]),
        Route("/healthz", health),
        Route("/readyz", ready.show),
        Route("/openapi.json", show_openapi),
    ]


def _form_routes(door: Door, api: FormApi, pages: FormPages) -> list[Route]:
    return [
        Route("/api/form", api.create, methods=["POST"]),
        get_only(FORM, pages.show),
        get_only(f"{FORM}/back", pages.back),
        get_only(f"{FORM}/arrived", door.visitors("form-arrived", pages.arrived)),
    ]


def _form_html(settings: Settings, assets: Assets) -> FormHtml:
    return FormHtml(
        styles=(assets.styles(), assets.address("form.css")),
        script=assets.address("form.js"),
        types=settings.allowed_types,
    )


def _store(settings: Settings, *, clock: Clock) -> ObjectStore | None:
    if settings.objects_role_arn is None:
        return None
    return OssBucket(settings, objects_sts(settings, default_credentials()), clock=clock)


def _metrics_routes(settings: Settings, metrics: Metrics, audit: Audit) -> list[Route]:
    if settings.metrics_token is None:
        return []
    return [Route("/metrics", MetricsApi(settings, metrics, audit).show)]


def _lifespan(
    after: AfterUpload | None, closing: Sequence[Closing], audit: Audit
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as ending:  # whatever fails in it, all of it is closed
            ending.callback(audit.close)
            for part in reversed(closing):
                ending.push_async_callback(part.close)
            if after is not None:
                after.start()
            yield

    return lifespan


def _application(
    routes: list[Route],
    middleware: list[Middleware],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
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


def _shelf(settings: Settings, storage: Storage) -> NoShelf | SealedShelf:
    if settings.redis_url is None:
        return NoShelf()
    return SealedShelf(storage, secret=settings.secret_bytes)


def _middleware(settings: Settings) -> list[Middleware]:
    """Return what every request passes through, outermost first."""
    found = [
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
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["authorization", "content-type"],
                max_age=600,
            )
        )
    return found
