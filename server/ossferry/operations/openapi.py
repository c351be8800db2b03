"""The OpenAPI document of the API; a test compares it with the actual routes.

The schemas come from the types that the endpoints use: models (`Body`) parse the request bodies,
and `TypedDict` classes, which mypy checks, are the responses.
"""

from collections.abc import Sequence
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypeAliasType

from ossferry.checks.configuration import Checks
from ossferry.forms.service import Form, FormWish
from ossferry.grants.answers import FormGrant, StsGrant
from ossferry.grants.endpoints import Refused, StsToken
from ossferry.http.problems import Problem
from ossferry.ledger.listing import SORTS
from ossferry.operations.health import Status
from ossferry.oss.image_processing import PRESETS
from ossferry.pages.embedding import Embedding
from ossferry.uploads.callbacks import Callback, Taken
from ossferry.uploads.lists import (
    CURSOR,
    MAX_PAGE,
    MAX_WORDS,
    DeletedObjects,
    File,
    Identical,
    Object,
    Objects,
)
from ossferry.uploads.objects import Deleted, Preview, Undo
from ossferry.uploads.quarantine import RefusedOutcome, RefusedUpload
from ossferry.uploads.receipts import Batch, ReceiptJson, ReceiptsJson, Report
from ossferry.uploads.shares import ShareJson, Shares, Wish
from ossferry.uploads.unfinished import UPLOAD_ID, Discarded, Unfinished

__all__ = ["openapi_document", "show_openapi"]

TEXT = {"type": "string"}
SOUND = TEXT | {"pattern": "^[^\\x00]*$"}
INTEGER = {"type": "integer"}
UPLOAD = TEXT | {"pattern": f"^{UPLOAD_ID}$"}
Grant = TypeAliasType("Grant", StsGrant | FormGrant)
TYPES: dict[str, Any] = {
    each.__name__.removesuffix("Json"): each
    for each in (
        *(Grant, StsGrant, FormGrant, Refused, StsToken, Form, FormWish),
        *(Report, ReceiptJson, Batch, ReceiptsJson),
        *(RefusedUpload, RefusedOutcome, Callback, Taken),
        *(File, Identical, Object, Objects, Deleted, DeletedObjects, Undo, Preview),
        *(Wish, ShareJson, Shares, Unfinished, Discarded, Problem, Status, Embedding, Checks),
    )
}
"""The types of request bodies and responses, by their names in the document."""


class _WithoutTitles(GenerateJsonSchema):
    """Generates schemas without titles, which would only repeat the names of the fields."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def _schemas() -> dict[str, Any]:
    adapters = [(name, "validation", TypeAdapter(each)) for name, each in TYPES.items()]
    _, made = TypeAdapter.json_schemas(
        cast(Any, adapters),
        ref_template="#/components/schemas/{model}",
        schema_generator=_WithoutTitles,
    )
    for schema in made["$defs"].values():
        schema.pop("title", None)
    return {name.removesuffix("Json"): schema for name, schema in made["$defs"].items()}


PROBLEM = {
    "description": "A problem; its `id` is in the server's log.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
REFUSALS = ("400", "401", "403", "413", "421", "429", "431")
BROKEN = ("502", "503")


KEY_IN_PATH = {"name": "key", "in": "path", "required": True, "schema": TEXT}
ONE_UNFINISHED = [
    {"name": "key", "in": "query", "required": True, "schema": SOUND},
    {"name": "upload_id", "in": "query", "required": True, "schema": UPLOAD},
]
PRESET = {"name": "preset", "in": "query", "schema": {"enum": list(PRESETS)}}
LIMIT = {"name": "limit", "in": "query", "schema": INTEGER | {"minimum": 1, "maximum": MAX_PAGE}}
AFTER = {"name": "after", "in": "query", "schema": SOUND}
AFTER_DELETED = AFTER | {"schema": TEXT | {"pattern": f"^({CURSOR})?$"}}
SEARCH = [
    {"name": "q", "in": "query", "schema": SOUND | {"maxLength": MAX_WORDS}},
    {"name": "sort", "in": "query", "schema": {"enum": list(SORTS)}},
]
SIGNED_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": TEXT}
    for name in ("x-oss-pub-key-url", "authorization")
]


def _answers(name: str, *problems: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    good = {"description": "Success.", "content": {"application/json": {"schema": schema}}}
    return {"200": good} | dict.fromkeys(problems, PROBLEM)


def _grant_paths() -> dict[str, Any]:
    return {
        "/api/grant": {
            "post": _operation(
                "Get credentials or, if the settings say so, a signed form for uploads below the"
                " principal's key prefix.",
                "Grant",
                body="Refused",
                body_required=False,
            )
        },
        "/api/form": {
            "post": _operation(
                "A signed form (PostObject) that stores one file: the fields in this order, then a"
                " field `file`. It allows only the described file; with a name the whole key is"
                " fixed.",
                "Form",
                "415",
                body="FormWish",
                body_required=False,
            )
        },
        "/get_sts_token": {
            "get": _operation("Get the same credentials in the format of AssumeRole.", "StsToken")
        },
        "/api/checks": {
            "get": _operation(
                "The checks that the page runs before an upload; only if the settings switch some"
                " on.",
                "Checks",
                "404",
            )
        },
    }


def _receipt_paths() -> dict[str, Any]:
    """Return the OpenAPI paths of the endpoints for receipts.

    A server has these endpoints only if `OSSFERRY_OBJECTS_ROLE_ARN` is set.
    """
    return {
        "/api/receipts": {
            "post": _operation(
                "Record an upload if OSS has stored it as reported: 409 lists the differences, 404"
                " means no object. Only if the server has a role for objects.",
                "Receipt",
                "404",
                "409",
                body="Report",
            )
        },
        "/api/receipts/batch": {
            "post": _operation(
                "Record up to 200 uploads in one request; the answer has one result for each"
                " report, in the same order. Only if the server has a role for objects.",
                "Receipts",
                body="Batch",
            )
        },
        "/api/receipts/refused": {
            "post": _operation(
                "The page refused the stored object: it differs from the file. The object is"
                " removed; 409 has the reason if it is not. Only if the server has a role for"
                " objects.",
                "RefusedOutcome",
                "409",
                body="RefusedUpload",
            )
        },
        "/api/callback": {
            "post": {
                "summary": "Upload callback of OSS; only if the settings enable it.",
                "parameters": SIGNED_HEADERS,
                "requestBody": _body("Callback"),
                "responses": _answers("Taken", "404", *REFUSALS, *BROKEN),
            }
        },
    }


def _object_paths() -> dict[str, Any]:
    """Return the OpenAPI paths of the endpoints for uploads.

    A server has these endpoints only if `OSSFERRY_OBJECTS_ROLE_ARN` is set.
    """
    return {
        "/api/objects": {
            "get": _operation("List uploads.", "Objects", parameters=[LIMIT, AFTER, *SEARCH])
        },
        "/api/objects/identical": {
            "post": _operation("Find an identical upload.", "Identical", body="File")
        },
        "/api/objects/deleted": {
            "get": _operation(
                "List restorable uploads.", "DeletedObjects", parameters=[LIMIT, AFTER_DELETED]
            )
        },
        "/api/objects/undo": {
            "post": _operation("Restore a deleted upload.", "Object", "404", "409", body="Undo")
        },
        "/api/objects/{key}": {
            "delete": _operation(
                "Delete an upload.", "Deleted", "404", "409", parameters=[KEY_IN_PATH]
            )
        },
        "/api/objects/{key}/preview": {
            "get": _operation(
                "Get a short-lived preview URL.",
                "Preview",
                "404",
                "415",
                parameters=[KEY_IN_PATH, PRESET],
            )
        },
    }


def _share_and_unfinished_paths() -> dict[str, Any]:
    """Return the OpenAPI paths of the endpoints for share links and unfinished uploads.

    A server has these endpoints only if `OSSFERRY_OBJECTS_ROLE_ARN` is set.
    """
    return {
        "/api/unfinished": {
            "get": _operation(
                "List unfinished uploads of all devices.",
                "Unfinished",
                parameters=[ONE_UNFINISHED[0] | {"required": False}],
            ),
            "delete": _operation(
                "Remove an unfinished upload and its parts.",
                "Discarded",
                "404",
                parameters=ONE_UNFINISHED,
            ),
        },
        "/api/share": {
            "post": _operation("Create a share link.", "Share", "404", "409", "415", body="Wish")
        },
        "/api/shares": {
            "get": _operation("List links, newest first.", "Shares", parameters=[LIMIT, AFTER])
        },
    }


def _public_paths() -> dict[str, Any]:
    status = _answers("Status", "400", "421", "431")
    ready = status | {"503": status["200"] | {"description": "Not ready."}}
    return {
        "/api/embedding": {
            "get": {
                "summary": "What a site learns from the page that it embeds.",
                "parameters": [{"name": "origin", "in": "query", "schema": SOUND}],
                "responses": _answers("Embedding", "400", "421", "431"),
            }
        },
        "/healthz": {"get": {"summary": "Whether the process is running.", "responses": status}},
        "/readyz": {
            "get": {"summary": "Whether the process should get requests.", "responses": ready},
        },
    }


def _operation(
    summary: str,
    answer: str,
    *problems: str,
    body: str = "",
    body_required: bool = True,
    parameters: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": summary,
        "security": [{"bearer": []}],
        "responses": _answers(answer, *problems, *REFUSALS, *BROKEN),
    }
    if body:
        found["requestBody"] = _body(body, required=body_required)
    if parameters:
        found["parameters"] = list(parameters)
    return found


def _body(name: str, *, required: bool = True) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document; it is the same for every configuration."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "ossferry", "version": "1"},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {
            **_grant_paths(),
            **_receipt_paths(),
            **_object_paths(),
            **_share_and_unfinished_paths(),
            **_public_paths(),
        },
    }


async def show_openapi(_request: Request) -> Response:
    """Answer `GET /openapi.json` with the OpenAPI document."""
    return JSONResponse(openapi_document())
