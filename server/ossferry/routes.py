"""The table of all routes of the server.

The first route that matches the path and the method handles the request. Handlers from
`gate.owners`, `gate.visitors` and `gate.admins` require an identified sender. For these handlers,
the audit trail records each request under the action name in the table. The other handlers call the
gate themselves, or accept requests from everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.routing import Route

from ossferry.access.authenticator import Endpoint
from ossferry.access.gate import Gate
from ossferry.admin.endpoints import AdminApi
from ossferry.checks.configuration import FILES
from ossferry.checks.endpoints import CheckApi
from ossferry.forms.pages import FormPages
from ossferry.forms.service import FormApi
from ossferry.grants.endpoints import TokenApi
from ossferry.http.security_headers import FORM
from ossferry.operations.health import health
from ossferry.operations.metrics import MetricsApi
from ossferry.operations.openapi import show_openapi
from ossferry.operations.readiness import Readiness
from ossferry.pages.embedding import EmbeddingApi
from ossferry.pages.endpoints import AssetApi
from ossferry.pages.pages import Pages
from ossferry.uploads.callbacks import CallbackApi
from ossferry.uploads.lists import ListApi
from ossferry.uploads.objects import ObjectApi
from ossferry.uploads.quarantine import RefusalApi
from ossferry.uploads.receipts import ReceiptApi
from ossferry.uploads.shares import ShareApi
from ossferry.uploads.unfinished import UnfinishedApi

__all__ = ["Handlers", "UploadHandlers", "all_routes"]

KEY = "/api/objects/{key:path}"

SIGN_IN_ROUTES: Mapping[str, tuple[str, str]] = {
    "demo-user": ("POST", "/demo/user"),
    "login": ("GET", "/login"),
    "login-start": ("GET", "/login/start"),
    "login-callback": ("GET", "/login/callback"),
    "logout": ("POST", "/logout"),
}
"""Method and path of each endpoint that an `Authenticator` may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadHandlers:
    """The handlers of the routes that need the bucket and the ledger.

    Attributes:
        callback: handles upload callbacks of OSS; None if the settings do not enable them.
    """

    receipts: ReceiptApi
    refusals: RefusalApi
    objects: ObjectApi
    lists: ListApi
    shares: ShareApi
    unfinished: UnfinishedApi
    admin: AdminApi
    callback: CallbackApi | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """The handlers of all routes.

    Attributes:
        checks: None if the settings switch on no check.
        metrics: handles `/metrics`; None if the settings have no token for metrics.
        uploads: None if the server has no role for objects.
        sign_in: the endpoints of the authenticator, by the names in `SIGN_IN_ROUTES`.
    """

    page: Pages
    assets: AssetApi
    embedding: EmbeddingApi
    checks: CheckApi | None
    token: TokenApi
    readiness: Readiness
    form: FormApi
    form_pages: FormPages
    metrics: MetricsApi | None
    uploads: UploadHandlers | None
    sign_in: Mapping[str, Endpoint]


def all_routes(gate: Gate, handlers: Handlers) -> list[Route]:
    """Return all routes of the server, in the order in which they are matched."""
    return [
        Route("/", handlers.page.show),
        Route("/assets/{path:path}", handlers.assets.asset),
        Route("/embed.js", handlers.assets.embed),
        Route("/favicon.ico", handlers.assets.icon),
        _get("/get_sts_token", handlers.token.get_sts_token),
        _post("/api/grant", handlers.token.grant),
        _get("/api/embedding", handlers.embedding.show),
        Route("/healthz", health),
        Route("/readyz", handlers.readiness.show),
        Route("/openapi.json", show_openapi),
        _post("/api/form", handlers.form.create),
        _get(FORM, handlers.form_pages.show),
        _get(f"{FORM}/back", handlers.form_pages.back),
        _get(f"{FORM}/arrived", gate.visitors("form-arrived", handlers.form_pages.arrived)),
        *(_check_routes(gate, handlers.checks) if handlers.checks else []),
        *(_upload_routes(gate, handlers.uploads) if handlers.uploads else []),
        *([Route("/metrics", handlers.metrics.show)] if handlers.metrics else []),
        *(
            Route(path, handlers.sign_in[name], methods=[method])
            for name, (method, path) in SIGN_IN_ROUTES.items()
            if name in handlers.sign_in
        ),
    ]


def _check_routes(gate: Gate, checks: CheckApi) -> list[Route]:
    return [
        _get("/api/checks", gate.owners("list-checks", checks.show)),
        _get(f"{FILES}/{{hash}}/{{name}}", checks.file),
    ]


def _upload_routes(gate: Gate, uploads: UploadHandlers) -> list[Route]:
    owners, admins = gate.owners, gate.admins
    return [
        _post("/api/receipts", owners("receipt", uploads.receipts.create)),
        _post("/api/receipts/batch", owners("receipt", uploads.receipts.create_all)),
        _post("/api/receipts/refused", owners("refuse", uploads.refusals.create)),
        _get("/api/objects", owners("list", uploads.lists.list)),
        _post("/api/objects/undo", owners("undo", uploads.objects.undo)),
        _post("/api/objects/identical", owners("identical", uploads.lists.identical)),
        _get("/api/objects/deleted", owners("list-deleted", uploads.lists.deleted)),
        _get(f"{KEY}/preview", owners("preview", uploads.objects.preview)),
        _delete(KEY, owners("delete", uploads.objects.delete)),
        _post("/api/share", owners("share", uploads.shares.create)),
        _get("/api/shares", owners("shares", uploads.shares.list)),
        _get("/api/unfinished", owners("list-unfinished", uploads.unfinished.list)),
        _delete("/api/unfinished", owners("discard", uploads.unfinished.discard)),
        _get("/admin", admins("admin", uploads.admin.page)),
        _get("/admin/uploads.csv", admins("export", uploads.admin.export)),
        _get("/admin/style.css", uploads.admin.style),
        *([_post("/api/callback", uploads.callback.receive)] if uploads.callback else []),
    ]


def _get(path: str, endpoint: Endpoint) -> Route:
    """Return a route for GET only; Starlette would also add HEAD."""
    route = Route(path, endpoint)
    route.methods = {"GET"}
    return route


def _post(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["POST"])


def _delete(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["DELETE"])
