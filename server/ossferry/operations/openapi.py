"""The OpenAPI document of the API; a test compares it with the actual routes."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.forms.service import MAX_NAME
from ossferry.grants.file_types import CONTENT_TYPE
from ossferry.ledger.listing import SORTS
from ossferry.oss.image_processing import FORMATS, MAX_SIDE, PRESETS
from ossferry.oss.post_object import MAX_FILE_SIZE
from ossferry.settings.types import MAX_OBJECT_SIZE
from ossferry.uploads.lists import CURSOR, MAX_PAGE, MAX_WORDS
from ossferry.uploads.quarantine import MAX_ETAG
from ossferry.uploads.receipts import CRC64, REQUEST_ID
from ossferry.uploads.shares import MAX_LIFE_S, MAX_NOTE, MIN_LIFE_S
from ossferry.uploads.unfinished import UPLOAD_ID

__all__ = ["openapi_document", "show_openapi"]

TEXT = {"type": "string"}
SOUND = TEXT | {"pattern": "^[^\\x00]*$"}
INTEGER = {"type": "integer"}
TEXT_OR_NULL = {"type": ["string", "null"]}
WHOLE_OR_NULL = {"type": ["integer", "null"]}
CREDENTIALS = ("access_key_id", "access_key_secret", "security_token", "expiration")
STS_TOKEN = ("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")
PLACE = ("bucket", "region", "endpoint", "prefix", "server_time")


def _object(required: tuple[str, ...], **more: Any) -> dict[str, Any]:
    properties = dict.fromkeys(required, TEXT) | more
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _closed_object(**properties: Any) -> dict[str, Any]:
    closed = {"additionalProperties": False, "minProperties": 1}
    return {"type": "object", "properties": properties} | closed


DISPOSITION = {"enum": ["attachment", "inline"]}
SIDE = INTEGER | {"minimum": 1, "maximum": MAX_SIDE}
PROCESS = _closed_object(
    resize=_closed_object(width=SIDE, height=SIDE),
    watermark=TEXT | {"minLength": 1, "maxLength": 16, "pattern": "^[^\\x00-\\x1f\\x7f]+$"},
    format={"enum": list(FORMATS)},
)
LINK = ("id", "key", "made_at", "expires_at", "disposition", "note")
LINK_TOO = {"process": _or_null(PROCESS), "deleted_at": TEXT_OR_NULL}
OBJECT = _object(
    ("key", "name", "etag", "last_modified"),
    size=INTEGER,
    crc64=TEXT_OR_NULL,
    recorded_at=TEXT_OR_NULL,
)
UNDO = _object(("id", "until"))
GONE = _object(("key", "name", "crc64", "deleted_at"), size=INTEGER, undo=UNDO)
UNFINISHED = _object(
    ("key", "name", "upload_id", "began_at", "last_at"),
    size=INTEGER,
    part_size=WHOLE_OR_NULL,
)
UPLOAD = TEXT | {"pattern": f"^{UPLOAD_ID}$"}
FIELD = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}
QUOTA = _or_null(_object((), bytes_left=WHOLE_OR_NULL, objects_left=WHOLE_OR_NULL))
REPORT = {
    "key": SOUND,
    "size": {"type": "integer", "minimum": 0, "maximum": MAX_OBJECT_SIZE},
    "crc64": TEXT | {"pattern": f"^({CRC64})$"},
    "request_id": {"type": ["string", "null"], "pattern": f"^{REQUEST_ID}$"},
}
SCHEMAS: dict[str, Any] = {
    "Grant": _object(
        (*CREDENTIALS, *PLACE),
        cname={"type": "boolean"},
        origins={"type": "array", "items": TEXT, "minItems": 1},
        limits=_object(
            (),
            max_file_size=INTEGER,
            max_files=INTEGER,
            types={"type": "array", "items": TEXT},
            quota=QUOTA,
        ),
        features={"type": "array", "items": TEXT},
        principal=_object(("name",)),
    ),
    "FormWish": {
        "type": "object",
        "properties": {
            "name": SOUND | {"maxLength": MAX_NAME},
            "size": WHOLE_OR_NULL | {"minimum": 0, "maximum": MAX_FILE_SIZE},
            "type": TEXT | {"pattern": f"^({CONTENT_TYPE})?$"},
            "refused_key_id": SOUND,
        },
    },
    "Form": _object(
        ("url", "directory", "expires_at", "server_time"),
        fields={"type": "array", "items": FIELD},
        key=TEXT_OR_NULL,
        limits=_object(
            (),
            min_size=INTEGER,
            max_size=INTEGER,
            types={"type": "array", "items": TEXT},
            quota=QUOTA,
        ),
    ),
    "StsToken": _object(STS_TOKEN)
    | {"properties": dict.fromkeys(STS_TOKEN, TEXT) | {"cname": {"const": True}}},
    "Problem": _object(("type", "title", "detail", "code", "id"), status={"type": "integer"}),
    "Status": _object(("status",)),
    "Report": {
        "type": "object",
        "required": ["key", "size", "crc64"],
        "properties": REPORT,
    },
    "Receipt": _object(
        ("key", "crc64", "etag", "last_modified", "recorded_at"),
        size=INTEGER,
        stored={"type": "boolean"},
        quota=QUOTA,
    ),
    "RefusedUpload": {
        "type": "object",
        "required": ["key", "size", "crc64"],
        "properties": REPORT | {"etag": TEXT_OR_NULL | {"maxLength": MAX_ETAG}},
    },
    "RefusedOutcome": _object(("key",), outcome={"enum": ["removed", "kept", "gone"]}),
    "File": {
        "type": "object",
        "required": ["path", "size", "crc64"],
        "properties": {
            "path": SOUND | {"minLength": 1},
            "size": {"type": "integer", "minimum": 0, "maximum": MAX_OBJECT_SIZE},
            "crc64": TEXT | {"pattern": f"^({CRC64})$"},
        },
    },
    "Identical": _object((), key=TEXT_OR_NULL),
    "Object": OBJECT,
    "Objects": _object((), objects={"type": "array", "items": OBJECT}, next=TEXT_OR_NULL),
    "DeletedObjects": _object(
        (),
        objects={"type": "array", "items": GONE},
        next=TEXT_OR_NULL,
    ),
    "Deleted": _object(("key",), undo=_or_null(UNDO)),
    "Undo": {"type": "object", "required": ["id"], "properties": {"id": SOUND}},
    "Preview": _object(("url", "expires_at")),
    "Wish": {
        "type": "object",
        "required": ["key", "expires_s"],
        "properties": {
            "key": SOUND,
            "expires_s": INTEGER | {"minimum": MIN_LIFE_S, "maximum": MAX_LIFE_S},
            "disposition": DISPOSITION,
            "process": _or_null(PROCESS),
            "note": TEXT_OR_NULL | {"maxLength": MAX_NOTE, "pattern": "^[^\\x00]*$"},
        },
    },
    "Share": _object(("url", *LINK), **LINK_TOO),
    "Shares": _object(
        (),
        shares={"type": "array", "items": _object(LINK, **LINK_TOO)},
        next=TEXT_OR_NULL,
    ),
    "Unfinished": _object(
        (),
        uploads={"type": "array", "items": UNFINISHED},
        more={"type": "boolean"},
    ),
    "Discarded": _object(("key", "upload_id")),
    "Callback": {
        "type": "object",
        "required": ["bucket", "object"],
        "properties": {"bucket": TEXT, "object": TEXT, "reqId": TEXT},
    },
    "Taken": _object(("status", "key")),
    "Refused": {"type": "object", "properties": {"refused_key_id": SOUND}},
}
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
                "Get credentials for uploads below the principal's key prefix.",
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
            "delete": _operation("Delete an upload.", "Deleted", "404", parameters=[KEY_IN_PATH])
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


def _probe_paths() -> dict[str, Any]:
    status = _answers("Status", "400", "421", "431")
    ready = status | {"503": status["200"] | {"description": "Not ready."}}
    return {
        "/healthz": {"get": {"summary": "Whether the process is running.", "responses": status}},
        "/readyz": {
            "get": {"summary": "Whether the process can issue grants.", "responses": ready},
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
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {
            **_grant_paths(),
            **_receipt_paths(),
            **_object_paths(),
            **_share_and_unfinished_paths(),
            **_probe_paths(),
        },
    }


async def show_openapi(_request: Request) -> Response:
    """Answer `GET /openapi.json` with the OpenAPI document."""
    return JSONResponse(openapi_document())
