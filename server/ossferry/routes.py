"""The table of all routes of the server.

The first route that matches the path and the method handles the request. If a route has the name of
an action, the gate identifies the principal before the handler runs, and the audit trail records
each request under this name. All other handlers call the gate themselves, or need no principal.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from types import MethodType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypeAliasType

from ossferry.access.authenticator import Endpoint
from ossferry.access.gate import (
    FOR_ADMIN_ACTIONS,
    FOR_ADMINS,
    FOR_PRINCIPALS,
    FOR_VISITORS,
    Gate,
    Requirements,
    for_guests,
)
from ossferry.admin.endpoints import AdminApi
from ossferry.asking.api import (
    AskedFiles,
    AskingApi,
    GuestFiles,
    NewRequest,
    RequestChange,
    Requests,
)
from ossferry.asking.guest import AboutRequest, Entry, GuestApi, GuestName
from ossferry.checks.configuration import FILES, Checks, PageChecks
from ossferry.forms.pages import FormPages
from ossferry.forms.service import Form, FormWish
from ossferry.grants.answers import FormGrant, StsGrant
from ossferry.grants.endpoints import CredentialsRequest, StsToken, TokenApi
from ossferry.http.security_headers import FORM, LINKS
from ossferry.identity.object_keys import RANDOM
from ossferry.ledger.listing import SORTS
from ossferry.openapi import (
    INTEGER,
    SOUND,
    TEXT,
    Described,
    Operation,
    openapi_document,
    summary_of,
)
from ossferry.operations.metrics import MetricsApi
from ossferry.operations.readiness import Readiness, Status, health
from ossferry.oss.image_processing import PRESETS
from ossferry.pages.pages import AssetApi, Embedding, Pages
from ossferry.sharing import links
from ossferry.sharing.visits import LinkApi
from ossferry.uploads import lists
from ossferry.uploads.callbacks import Callback, CallbackApi, Taken
from ossferry.uploads.objects import Deleted, NewName, ObjectApi, Preview, Undo
from ossferry.uploads.receipts import Batch, ReceiptApi, ReceiptJson, ReceiptsJson, Report
from ossferry.uploads.refused import RefusalApi, RefusedOutcome, RefusedUpload
from ossferry.uploads.unfinished import UPLOAD_ID, Discarded, Unfinished, UnfinishedApi

HELD = "/admin/held"
KEY = "/api/objects/{key:path}"
GUESTS = "/r/{token}"
"""The page of the guests of a file request; the routes below it are those of the page."""

SIGN_IN_ROUTES: Mapping[str, tuple[str, str]] = {
    "demo-user": ("POST", "/demo/user"),
    "login": ("GET", "/login"),
    "login-start": ("GET", "/login/start"),
    "login-callback": ("GET", "/login/callback"),
    "logout": ("POST", "/logout"),
}
"""Method and path of each endpoint that an `Authenticator` may have."""

Grant = TypeAliasType("Grant", StsGrant | FormGrant)
KEY_IN_PATH = {"name": "key", "in": "path", "required": True, "schema": TEXT}
KEY_IN_QUERY = {"name": "key", "in": "query", "schema": SOUND}
UPLOAD_IN_QUERY = {
    "name": "upload_id",
    "in": "query",
    "required": True,
    "schema": TEXT | {"pattern": f"^{UPLOAD_ID}$"},
}
HEX = TEXT | {"pattern": f"^{RANDOM}$"}
REQUEST_IN_PATH = KEY_IN_PATH | {"name": "id", "schema": HEX}
TOKEN_IN_PATH = KEY_IN_PATH | {"name": "token", "schema": HEX}
OF_GUESTS: Mapping[str, Any] = {
    "parameters": [TOKEN_IN_PATH],
    "problems": ["404", "409", "410"],
    "is_open": True,
}
PRESET = {"name": "preset", "in": "query", "schema": {"enum": list(PRESETS)}}
LIMIT = {
    "name": "limit",
    "in": "query",
    "schema": INTEGER | {"minimum": 1, "maximum": lists.MAX_PAGE},
}
AFTER = {"name": "after", "in": "query", "schema": SOUND}
AFTER_DELETED = AFTER | {"schema": TEXT | {"pattern": f"^({lists.CURSOR})?$"}}
SEARCH = [
    {"name": "q", "in": "query", "schema": SOUND | {"maxLength": lists.MAX_WORDS}},
    {"name": "sort", "in": "query", "schema": {"enum": list(SORTS)}},
]
SIGNED_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": TEXT}
    for name in ("x-oss-pub-key-url", "authorization")
]
OPEN = ("400", "421", "431")
"""Statuses of the errors of routes that are open to everybody."""


@dataclass(frozen=True, slots=True)
class Row(Operation):
    """A row of the route table. If it has an `answer`, OpenAPI documents the route.

    Attributes:
        route: the method and the path, such as `GET /healthz`.
        handler: a function, or a method of a class with the handlers of several routes. Such a
            method handles the route only if the server has an instance of its class.
        action: name of the action in the audit trail. If it is not empty, the gate checks each
            request, identifies the principal, and calls the handler with the request and the
            principal. If it is empty, the handler gets only the request, and calls the gate itself
            or needs no principal.
        requirements: the conditions that the gate checks for the `action`.
        head: whether the route also answers HEAD.
    """

    route: str
    handler: Callable[..., Awaitable[Response]]
    _: KW_ONLY
    action: str = ""
    requirements: Requirements = FOR_PRINCIPALS
    head: bool = False


async def show_openapi(_request: Request) -> Response:
    """Handle `GET /openapi.json`: return the OpenAPI document."""
    return JSONResponse(openapi_document(DESCRIBED))


ROWS: Sequence[Row] = (
    Row("GET /", Pages.show, head=True),
    Row("GET /assets/{path:path}", AssetApi.asset, head=True),
    Row("GET /embed.js", AssetApi.embed, head=True),
    Row("GET /favicon.ico", AssetApi.icon, head=True),
    Row(
        "GET /get_sts_token",
        TokenApi.get_sts_token,
        answer=StsToken,
        parameters=[{"name": "prefix", "in": "query", "schema": {"enum": ["1"]}}],
    ),
    Row("POST /api/grant", TokenApi.grant, answer=Grant, body=CredentialsRequest, needs_body=False),
    Row(
        "GET /api/embedding",
        AssetApi.embedding,
        answer=Embedding,
        parameters=[{"name": "origin", "in": "query", "schema": SOUND}],
        usual=OPEN,
        is_open=True,
    ),
    Row("GET /healthz", health, head=True, answer=Status, usual=OPEN, is_open=True),
    Row(
        "GET /readyz",
        Readiness.show,
        head=True,
        answer=Status,
        also={"503": "Not ready."},
        usual=OPEN,
        is_open=True,
    ),
    Row("GET /openapi.json", show_openapi, head=True),
    Row(
        "POST /api/form",
        FormPages.create,
        answer=Form,
        body=FormWish,
        needs_body=False,
        problems=["415"],
    ),
    Row(f"GET {FORM}", FormPages.show),
    Row(f"GET {FORM}/back", FormPages.back),
    Row(f"GET {FORM}/arrived", FormPages.arrived, action="form-arrived", requirements=FOR_VISITORS),
    Row("GET /api/checks", PageChecks.show, action="list-checks", answer=Checks, problems=["404"]),
    Row(f"GET {FILES}/{{hash}}/{{name}}", PageChecks.file),
    Row(
        "POST /api/receipts",
        ReceiptApi.create,
        action="receipt",
        answer=ReceiptJson,
        body=Report,
        problems=["404", "409"],
    ),
    Row(
        "POST /api/receipts/batch",
        ReceiptApi.create_all,
        action="receipt",
        answer=ReceiptsJson,
        body=Batch,
    ),
    Row(
        "POST /api/receipts/refused",
        RefusalApi.create,
        action="refuse",
        answer=RefusedOutcome,
        body=RefusedUpload,
        problems=["409"],
    ),
    Row(
        "GET /api/objects",
        lists.ListApi.list,
        action="list",
        answer=lists.Objects,
        parameters=[LIMIT, AFTER, *SEARCH],
    ),
    Row(
        "POST /api/objects/undo",
        ObjectApi.undo,
        action="undo",
        answer=lists.Object,
        body=Undo,
        problems=["404", "409"],
    ),
    Row(
        "POST /api/objects/identical",
        lists.ListApi.identical,
        action="identical",
        answer=lists.Identical,
        body=lists.File,
    ),
    Row(
        "POST /api/objects/taken",
        lists.ListApi.taken,
        action="taken",
        answer=lists.TakenNames,
        body=lists.Names,
    ),
    Row(
        "GET /api/objects/deleted",
        lists.ListApi.deleted,
        action="list-deleted",
        answer=lists.DeletedObjects,
        parameters=[LIMIT, AFTER_DELETED],
    ),
    Row(
        f"GET {KEY}/preview",
        ObjectApi.preview,
        action="preview",
        answer=Preview,
        parameters=[KEY_IN_PATH, PRESET],
        problems=["404", "415"],
    ),
    Row(
        f"PATCH {KEY}",
        ObjectApi.rename,
        action="rename",
        answer=lists.Object,
        body=NewName,
        parameters=[KEY_IN_PATH],
        problems=["404", "409"],
    ),
    Row(
        f"DELETE {KEY}",
        ObjectApi.delete,
        action="delete",
        answer=Deleted,
        parameters=[KEY_IN_PATH],
        problems=["404", "409"],
    ),
    Row(
        "POST /api/share",
        links.ShareApi.create,
        action="share",
        answer=links.ShareJson,
        body=links.Wish,
        problems=["404", "409", "415"],
    ),
    Row(
        "GET /api/shares",
        links.ShareApi.list,
        action="shares",
        answer=links.Shares,
        parameters=[LIMIT, AFTER],
    ),
    Row(
        "DELETE /api/shares/{id}",
        links.ShareApi.revoke,
        action="revoke-share",
        answer=links.Revoked,
        parameters=[REQUEST_IN_PATH],
        problems=["404"],
    ),
    Row(f"GET {LINKS}{{token}}", LinkApi.show, head=True),
    Row(f"POST {LINKS}{{token}}", LinkApi.open),
    Row(
        "POST /api/downloads",
        links.ShareApi.download,
        action="download",
        answer=links.Downloads,
        body=links.DownloadWish,
    ),
    Row(
        "POST /api/thumbnails",
        links.ShareApi.thumbnails,
        action="preview",
        answer=links.Downloads,
        body=links.DownloadWish,
    ),
    Row(
        "GET /api/unfinished",
        UnfinishedApi.list,
        action="list-unfinished",
        answer=Unfinished,
        parameters=[KEY_IN_QUERY | {"required": False}],
    ),
    Row(
        "DELETE /api/unfinished",
        UnfinishedApi.discard,
        action="discard",
        answer=Discarded,
        parameters=[KEY_IN_QUERY | {"required": True}, UPLOAD_IN_QUERY],
        problems=["404"],
    ),
    Row("POST /api/requests", AskingApi.create, action="ask", answer=AskedFiles, body=NewRequest),
    Row(
        "GET /api/requests",
        AskingApi.list,
        action="list-requests",
        answer=Requests,
        parameters=[LIMIT, AFTER],
    ),
    Row(
        "PATCH /api/requests/{id}",
        AskingApi.change,
        action="change-request",
        answer=AskedFiles,
        body=RequestChange,
        parameters=[REQUEST_IN_PATH],
        problems=["404"],
    ),
    Row(
        "GET /api/requests/{id}/files",
        AskingApi.files,
        action="list-requested",
        answer=GuestFiles,
        parameters=[REQUEST_IN_PATH, LIMIT, AFTER],
        problems=["404"],
    ),
    Row(f"GET {GUESTS}", GuestApi.open, head=True),
    Row(f"GET {GUESTS}/", GuestApi.page, head=True),
    Row(f"GET {GUESTS}{FORM}", GuestApi.form),
    Row(f"GET {GUESTS}/about", GuestApi.about, answer=AboutRequest, **OF_GUESTS),
    Row(f"POST {GUESTS}/enter", GuestApi.enter, answer=GuestName, body=Entry, **OF_GUESTS),
    Row(
        f"POST {GUESTS}/api/grant",
        GuestApi.grant,
        answer=Grant,
        body=CredentialsRequest,
        needs_body=False,
        **OF_GUESTS,
    ),
    Row(
        f"GET {GUESTS}/api/checks",
        GuestApi.show_checks,
        action="list-checks",
        requirements=for_guests(FOR_PRINCIPALS),
        answer=Checks,
        **OF_GUESTS,
    ),
    Row("GET /admin", AdminApi.page, action="admin", requirements=FOR_ADMINS),
    Row("GET /admin/uploads.csv", AdminApi.export, action="export", requirements=FOR_ADMINS),
    *(
        Row(f"POST {HELD}/{name}", handler, action=f"held-{name}", requirements=FOR_ADMIN_ACTIONS)
        for name, handler in (
            ("look", AdminApi.look),
            ("release", AdminApi.release),
            ("remove", AdminApi.remove),
        )
    ),
    Row("GET /admin/style.css", AdminApi.style),
    Row(
        "POST /api/callback",
        CallbackApi.receive,
        answer=Taken,
        body=Callback,
        parameters=SIGNED_HEADERS,
        problems=["404"],
        is_open=True,
    ),
    Row("GET /metrics", MetricsApi.show, head=True),
)

FOR_GUESTS_TOO = (
    "GET /assets/{path:path}",
    "GET /healthz",
    f"GET {FORM}/back",
    f"GET {FORM}/arrived",
    f"GET {FILES}/{{hash}}/{{name}}",
    "POST /api/receipts",
    "POST /api/receipts/batch",
    "POST /api/receipts/refused",
)
"""The routes that guests have below their own address, and only there."""


def _for_guests(row: Row) -> Row:
    method, path = row.route.split(" ")
    return replace(
        row,
        route=f"{method} {GUESTS}{path}",
        requirements=for_guests(row.requirements),
        **OF_GUESTS,
    )


TABLE: Sequence[Row] = (
    *ROWS,
    *(_for_guests(each) for each in ROWS if each.route in FOR_GUESTS_TOO),
)

DESCRIBED: Sequence[Described] = [
    (row.route.replace(":path", ""), replace(row, summary=summary_of(row.handler)))
    for row in TABLE
    if row.answer
]
"""The routes of the API, for the OpenAPI document."""


def all_routes(gate: Gate, apis: Sequence[object], sign_in: Mapping[str, Endpoint]) -> list[Route]:
    """Return all routes of the server, in the order in which they are matched.

    Args:
        gate: checks the requests of routes with an `action`, before their handlers run.
        apis: instances of the classes whose methods are handlers in `TABLE`; the routes of other
            classes are left out.
        sign_in: the handlers of the sign-in routes, by the names in `SIGN_IN_ROUTES`, such as
            `login`; the other sign-in routes are left out.
    """
    has_guests = any(isinstance(each, GuestApi) for each in apis)
    table = TABLE if has_guests else [row for row in TABLE if f" {GUESTS}" not in row.route]
    rows = [(row, _endpoint(row.handler, apis)) for row in table]
    return [
        *(_route(gate, row, endpoint) for row, endpoint in rows if endpoint),
        *(
            Route(path, sign_in[name], methods=[method])
            for name, (method, path) in SIGN_IN_ROUTES.items()
            if name in sign_in
        ),
    ]


def _endpoint(
    handler: Callable[..., Awaitable[Response]], apis: Sequence[object]
) -> Callable[..., Awaitable[Response]] | None:
    """Return a function, or a method bound to its object; None if there is no such object."""
    if handler.__name__ == handler.__qualname__:
        return handler
    mine = (each for each in apis if getattr(type(each), handler.__name__, None) is handler)
    return next((MethodType(handler, each) for each in mine), None)


def _route(gate: Gate, row: Row, endpoint: Callable[..., Awaitable[Response]]) -> Route:
    if row.action:
        endpoint = gate.audited(row.action, endpoint, row.requirements)
    method, path = row.route.split(" ")
    route = Route(path, endpoint, methods=[method])
    if not row.head:
        route.methods = {method}  # Starlette adds HEAD
    return route
