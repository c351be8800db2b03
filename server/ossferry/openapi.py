"""Describes the API as an OpenAPI document; a test holds it to the routes that there are."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["openapi_document", "show_openapi"]

TEXT = {"type": "string"}
CREDENTIALS = ("access_key_id", "access_key_secret", "security_token", "expiration")
PLACE = ("bucket", "region", "endpoint", "prefix", "server_time")


def _object(required: tuple[str, ...], **more: Any) -> dict[str, Any]:
    properties = dict.fromkeys(required, TEXT) | more
    return {"type": "object", "required": sorted(properties), "properties": properties}


SCHEMAS: dict[str, Any] = {
    "Grant": _object(
        (*CREDENTIALS, *PLACE),
        limits=_object((), max_file_size={"type": "integer"}, max_files={"type": "integer"}),
        principal=_object(("name",)),
    ),
    "StsToken": _object(("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")),
    "Problem": _object(("type", "title", "detail", "code", "id"), status={"type": "integer"}),
    "Status": _object(("status",)),
    "Refused": {"type": "object", "properties": {"refused_key_id": TEXT}},
}
PROBLEM = {
    "description": "A problem; its `id` is in the server's log.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
REFUSALS = ("400", "401", "403", "413", "421", "429", "431")
BROKEN = ("502", "503")


def _answers(name: str, *problems: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    good = {"description": "Yes.", "content": {"application/json": {"schema": schema}}}
    return {"200": good} | dict.fromkeys(problems, PROBLEM)


def openapi_document() -> dict[str, Any]:
    """Return the document; it is the same for every configuration."""
    body = {"schema": {"$ref": "#/components/schemas/Refused"}}
    status = _answers("Status", "400", "421", "431")
    ready = status | {"503": status["200"] | {"description": "No."}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ossferry", "version": "1"},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {
            "/api/grant": {
                "post": {
                    "summary": "Credentials for the asking principal, and where they write.",
                    "security": [{"bearer": []}],
                    "requestBody": {"required": False, "content": {"application/json": body}},
                    "responses": _answers("Grant", *REFUSALS, *BROKEN),
                }
            },
            "/get_sts_token": {
                "get": {
                    "summary": "The same credentials in the shape of AssumeRole.",
                    "security": [{"bearer": []}],
                    "responses": _answers("StsToken", *REFUSALS, *BROKEN),
                }
            },
            "/healthz": {"get": {"summary": "The process is up.", "responses": status}},
            "/readyz": {
                "get": {"summary": "The process can do its work.", "responses": ready},
            },
        },
    }


async def show_openapi(_request: Request) -> Response:
    """Answer `GET /openapi.json`."""
    return JSONResponse(openapi_document())
