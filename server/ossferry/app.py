"""Assembly of the server: creates a Starlette application from the settings.

Objects with connections or tasks are created here and passed to other objects as arguments; none
of them is global.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import MappingProxyType

import httpx
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.gate import Gate
from ossferry.access.rate_limits import Rates
from ossferry.admin.endpoints import AdminApi
from ossferry.asking.api import AskingApi
from ossferry.asking.guest import GuestApi
from ossferry.authentication.app import app_authenticator
from ossferry.authentication.choice import authenticator_for
from ossferry.authentication.sessions import SignOuts
from ossferry.background import UploadServices
from ossferry.checks.configuration import load_checks
from ossferry.clock import Clock, Monotonic, monotonic, utc_now
from ossferry.diagnosis.probes import StsDate, ask_sts_date
from ossferry.errors import OssferryError, SettingsError
from ossferry.forms.html import FormHtml
from ossferry.forms.pages import FormPages
from ossferry.forms.service import Forms
from ossferry.grants.answers import Answers
from ossferry.grants.cache import SealedGrantCache
from ossferry.grants.encryption import encryption_of
from ossferry.grants.endpoints import TokenApi
from ossferry.grants.log import GrantLog
from ossferry.grants.permission import Authorize, Authorizer
from ossferry.grants.service import Grants
from ossferry.hooks.calls import refuse_hooks
from ossferry.http.client import outbound_client
from ossferry.http.concurrency import ConcurrencyLimit
from ossferry.http.hosts import HostGuard
from ossferry.http.problems import ProblemBoundary, answer_http_error, answer_problem
from ossferry.http.proxies import TrustedProxies
from ossferry.http.request_limits import RequestLimits
from ossferry.http.security_headers import SecurityHeaders
from ossferry.identity.principal import Identify
from ossferry.ledger import Database
from ossferry.observability.metrics import Measured, Metrics
from ossferry.operations.metrics import MetricsApi
from ossferry.operations.readiness import Readiness
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import ObjectStore
from ossferry.oss.sts import (
    AssumeRole,
    StsClient,
    default_credentials,
    objects_sts,
    warn_of_long_term_key,
)
from ossferry.oss.sts_guard import Breaker, GuardedSts, Pace
from ossferry.pages.assets import Assets, find_web_dir
from ossferry.pages.pages import AssetApi, Pages
from ossferry.routes import all_routes
from ossferry.settings.model import Settings
from ossferry.sharing.links import ShareApi
from ossferry.sharing.visits import LinkApi
from ossferry.state.choice import make_storage
from ossferry.state.counter import Counter
from ossferry.uploads.callbacks import CallbackApi, CallbackKeys
from ossferry.uploads.details import load_details
from ossferry.uploads.lists import ListApi
from ossferry.uploads.objects import ObjectApi
from ossferry.uploads.receipts import ReceiptApi
from ossferry.uploads.refused import RefusalApi
from ossferry.uploads.unfinished import UnfinishedApi


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
    hooks: Mapping[str, object] = MappingProxyType({}),
    authorize: Authorize | None = None,
    details: type[BaseModel] | None = None,
    outbound: httpx.AsyncClient | None = None,
    runtime_query: bool = False,
) -> Starlette:
    """Return the server as an ASGI application; `OSSFERRY_*` environment variables are not read.

    Args:
        identify: identifies principals; by default the methods of `settings.auth`.
        assume_role: calls STS; by default the official client with its default credential chain.
        audit: the audit trail; by default the file in `settings.audit_file`, or else the log.
        monotonic: returns seconds that never decrease, for rate limits and pauses.
        sts_date: returns the current time at STS; by default a request to STS.
        store: the bucket's client; by default one with `settings.objects_role_arn`, or else none.
        sign_outs: stores signed-out sessions; by default in the ledger, else in Redis or memory.
        hooks: the application's hooks by name, in addition to the hooks of installed packages.
        authorize: limits each grant; by default only the settings limit grants.
        details: the pydantic model of the details of a file; by default `settings.details`.
        outbound: client for webhooks and OSS's public keys; by default for public addresses only.
        runtime_query: whether `?runtime=` in the page's URL selects the page's Python interpreter.

    Raises:
        SettingsError: the page is not built, a file cannot be read, or arguments lack a setting.
    """
    base = _Base(settings, audit, clock, monotonic, store=store, details=details)
    authenticator = _authenticator(base, identify, sign_outs)
    sts = _guarded_sts(base, assume_role or _official_client(settings))
    cache = SealedGrantCache(base.storage, secret=settings.secret_bytes)
    grants = Grants(settings, sts, clock=clock, cache=cache if settings.redis_url else None)
    uploads = _upload_services(base, hooks, outbound)
    ready = _readiness(base, sts_date or ask_sts_date(settings), sts)
    page = Pages(settings, base.web_dir, base.assets, authenticator, runtime_query=runtime_query)
    routes = _routes(base, page, authenticator, authorize, grants, uploads, ready)
    ends = [grants.close, authenticator.close, base.counter.close, base.storage.close]
    ends[1:1] = [uploads.close] if uploads else []
    return _application(base, routes, _lifespan(uploads, ends, base.audit), uploads)


class _Base:
    """The objects that most parts of the server use.

    Attributes:
        checks: the checks that run in the page; None if there are none.
        details: the fields that describe a file; None if there are none.
        store, database: the bucket and the ledger; both are None if the settings have no role for
            objects.
    """

    def __init__(
        self,
        settings: Settings,
        audit: Audit | None,
        clock: Clock,
        monotonic: Monotonic,
        *,
        store: ObjectStore | None,
        details: type[BaseModel] | None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.monotonic = monotonic
        self.web_dir = find_web_dir(settings.web_dir)
        self.assets = Assets(self.web_dir)
        self.checks = load_checks(settings, self.assets)
        self.details = load_details(settings, details)
        self.audit = audit or Audit(settings, clock=clock)
        self.storage = make_storage(settings)
        self.metrics = Metrics()
        self.counter = Counter(settings, monotonic=monotonic)
        self.rates = Rates(settings, self.counter)
        if store is None and settings.objects_role_arn:
            sts = objects_sts(settings, default_credentials())
            store = OssBucket(settings, sts, clock=clock)
        self.store = store
        self.database = Database(settings.ledger_url) if self.store is not None else None


def _authenticator(
    base: _Base, identify: Identify | None, sign_outs: SignOuts | None
) -> Authenticator:
    if identify is not None:
        return app_authenticator(base.settings, identify, base.rates)
    return authenticator_for(
        base.settings,
        base.storage,
        base.rates,
        base.audit,
        sign_outs=sign_outs or SignOuts(base.storage, base.database, clock=base.clock),
        clock=base.clock,
        monotonic=base.monotonic,
    )


def _official_client(settings: Settings) -> StsClient:
    warn_of_long_term_key()
    return StsClient(settings, default_credentials())


def _guarded_sts(base: _Base, assume_role: AssumeRole) -> GuardedSts:
    return GuardedSts(
        assume_role,
        pace=Pace(base.counter, calls_per_s=base.settings.sts_calls_per_s),
        breaker=Breaker(monotonic=base.monotonic),
        metrics=base.metrics,
        clock=base.clock,
    )


def _upload_services(
    base: _Base, hooks: Mapping[str, object], outbound: httpx.AsyncClient | None
) -> UploadServices | None:
    if base.store is None or base.database is None:
        refuse_hooks(hooks)
        return None
    return UploadServices(
        base.settings,
        base.store,
        base.database,
        hooks=hooks,
        details=base.details,
        outbound=outbound or outbound_client(base.settings),
        metrics=base.metrics,
        clock=base.clock,
        monotonic=base.monotonic,
    )


def _readiness(base: _Base, sts_date: StsDate, sts: GuardedSts) -> Readiness:
    return Readiness(
        base.settings,
        base.storage,
        sts_date,
        sts=sts,
        audit=base.audit,
        ledger=base.database,
        metrics=base.metrics,
        clock=base.clock,
        monotonic=base.monotonic,
    )


def _routes(
    base: _Base,
    page: Pages,
    authenticator: Authenticator,
    authorize: Authorize | None,
    grants: Grants,
    uploads: UploadServices | None,
    ready: Readiness,
) -> list[Route]:
    settings, assets, clock = base.settings, base.assets, base.clock
    if authorize and settings.requests:
        raise SettingsError("OSSFERRY_REQUESTS: `authorize` cannot limit guests; take one away.")
    guests = _guest_api(base, page)
    gate = Gate(
        settings,
        authenticator=authenticator,
        rates=base.rates,
        audit=base.audit,
        refuse_revoked=uploads.quotas.refuse_revoked if uploads else None,
        find_guest=guests.find_guest if guests else None,
    )
    allow = Authorizer(settings, authorize)
    token = _token_api(base, authenticator, gate, allow, grants, uploads)
    forms = Forms(settings, clock=clock)
    form_pages = FormPages(
        settings,
        forms,
        _form_html(base),
        token=token,
        authenticator=authenticator,
        store=uploads.places if uploads else None,
        recorder=uploads.recorder if uploads else None,
        clock=clock,
    )
    apis: list[object] = [
        page,
        AssetApi(assets, settings.frame_origins),
        *([base.checks] if base.checks else []),
        token,
        ready,
        form_pages,
        *([_metrics_api(base)] if settings.metrics_token else []),
        *(_upload_apis(base, uploads) if uploads else []),
    ]
    if guests:
        guests.issue_with(token, form_pages)
        apis.append(guests)
    return all_routes(gate, apis, authenticator.endpoints)


def _metrics_api(base: _Base) -> MetricsApi:
    ledger = base.database if base.settings.release == "checked" else None
    return MetricsApi(base.settings, base.metrics, base.audit, ledger=ledger, clock=base.clock)


def _token_api(
    base: _Base,
    authenticator: Authenticator,
    gate: Gate,
    authorizer: Authorizer,
    grants: Grants,
    uploads: UploadServices | None,
) -> TokenApi:
    grant_log = None
    if uploads is not None:
        grant_log = GrantLog(uploads.database, uploads.hooks, uploads.quotas, clock=base.clock)
    features = [
        *(uploads.features if uploads else []),
        *(["checks"] if base.checks else []),
        *(["demo"] if base.settings.allow_mock else []),
        *(["tags"] if "oss:PutObjectTagging" in base.settings.actions else []),
        *(["sign-out"] if authenticator.signs_out else []),
        *(["requests"] if base.settings.requests else []),
        *(f"record-{each}" for each in base.settings.record),
    ]
    return TokenApi(
        base.settings,
        authenticator=authenticator,
        gate=gate,
        authorizer=authorizer,
        grants=grants,
        grant_log=grant_log,
        answers=Answers(
            settings=base.settings,
            features=features,
            replaced=base.checks.replaced if base.checks else (),
            encryption=encryption_of(base.settings),
            details=base.details.fields if base.details else (),
        ),
        audit=base.audit,
        metrics=base.metrics,
        clock=base.clock,
    )


def _guest_api(base: _Base, page: Pages) -> GuestApi | None:
    if base.database is None or not base.settings.requests:
        return None
    return GuestApi(
        base.settings,
        base.database,
        base.rates,
        pages=page,
        checks=base.checks,
        audit=base.audit,
        clock=base.clock,
    )


def _form_html(base: _Base) -> FormHtml:
    assets = base.assets
    return FormHtml(
        styles=(assets.address("styles.css"), assets.address("form.css")),
        script=assets.address("form.js"),
        types=base.settings.allowed_types,
    )


def _upload_apis(base: _Base, uploads: UploadServices) -> list[object]:
    settings, store, database, clock = base.settings, uploads.places, uploads.database, base.clock
    callback = CallbackApi(
        settings,
        store=store,
        database=database,
        recorder=uploads.recorder,
        keys=CallbackKeys(uploads.outbound, monotonic=base.monotonic),
        rates=base.rates,
        audit=base.audit,
    )
    lists = ListApi(store, database, clock=clock)
    asking = AskingApi(settings, database, lists, checks=base.checks, clock=clock)
    return [
        ReceiptApi(store, uploads.recorder, uploads.quotas, base.rates),
        RefusalApi(uploads.refused),
        ObjectApi(settings, store, database, uploads.recorder, uploads.trash),
        lists,
        ShareApi(settings, store, database, clock=clock),
        LinkApi(store, database, base.rates, base.storage, html=_form_html(base), clock=clock),
        UnfinishedApi(store),
        AdminApi(settings, database, held=uploads.held, styles=base.assets.address("styles.css")),
        *([callback] if settings.callback else []),
        *([asking] if settings.requests else []),
    ]


def _lifespan(
    uploads: UploadServices | None, ends: Sequence[Callable[[], Awaitable[None]]], audit: Audit
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as ending:  # closes everything, even if one close fails
            ending.callback(audit.close)
            for close in reversed(ends):
                ending.push_async_callback(close)
            if uploads is not None:
                uploads.start()
            yield

    return lifespan


def _application(
    base: _Base,
    routes: list[Route],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    uploads: UploadServices | None,
) -> Starlette:
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=_middleware(base, routes),
        exception_handlers={OssferryError: answer_problem, HTTPException: answer_http_error},
    )
    app.router.redirect_slashes = False  # one address per route; variants are 404
    app.state.uploads = uploads
    app.state.store = (
        uploads and uploads.places
    )  # for applications that mount this one: docs/examples/gallery.py
    app.state.styles = base.assets.address("styles.css")
    return app


def _middleware(base: _Base, routes: Sequence[Route]) -> list[Middleware]:
    """Return the middleware that every request passes through, outermost first."""
    settings = base.settings
    paths = [route.path for route in routes if "{" not in route.path]
    found = [
        Middleware(SecurityHeaders, settings=settings, inline=base.assets.inline),
        Middleware(Measured, metrics=base.metrics, monotonic=base.monotonic, paths=paths),
        Middleware(ProblemBoundary),
        Middleware(RequestLimits),
        Middleware(TrustedProxies, settings=settings),
        Middleware(HostGuard, settings=settings),
        Middleware(ConcurrencyLimit),
    ]
    if settings.cors_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=["authorization", "content-type"],
                max_age=600,
            )
        )
    return found
