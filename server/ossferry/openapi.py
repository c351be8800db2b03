"""Builds the OpenAPI document from the descriptions of the routes in `ossferry.routes`.

The schemas come from the types that the endpoints use: pydantic models for request bodies, and
`TypedDict` classes for responses.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from ossferry.http.body import Body
from ossferry.http.problems import Problem

TEXT = {"type": "string"}
SOUND = TEXT | {"pattern": "^[^\\x00]*$"}
INTEGER = {"type": "integer"}
PROBLEM = {
    "description": "A problem; its `id` is in the server's log.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
USUAL = ("400", "401", "403", "413", "421", "429", "431", "502", "503")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The description of a route for the OpenAPI document.

    Attributes:
        summary: one sentence.
        answer: the type of the JSON response with status 200; None if the route is not part of the
            API.
        also: further statuses whose responses have the same type; a mapping from statuses to
            descriptions.
        body: the model of the JSON request body; None if there is no body.
        needs_body: whether the request must have a body.
        parameters: the parameters of the path, the query and the headers, as OpenAPI Parameter
            Objects.
        problems: statuses of error responses, in addition to those in `usual`.
        usual: statuses of error responses that most routes have.
        is_open: whether anybody may use the route without authentication.
    """

    summary: str = ""
    answer: Any = None
    also: Mapping[str, str] = field(default_factory=dict)
    body: type[Body] | None = None
    needs_body: bool = True
    parameters: Sequence[dict[str, Any]] = ()
    problems: Sequence[str] = ()
    usual: Sequence[str] = USUAL
    is_open: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return this description as an OpenAPI Operation Object."""
        good = {"content": _json(self.answer)}
        answers: dict[str, Any] = {"200": good | {"description": "Success."}}
        answers |= dict.fromkeys([*self.problems, *self.usual], PROBLEM)
        answers |= {status: good | {"description": words} for status, words in self.also.items()}
        found: dict[str, Any] = {"summary": self.summary, "responses": answers}
        if not self.is_open:
            found["security"] = [{"bearer": []}]
        if self.body:
            found["requestBody"] = {"required": self.needs_body, "content": _json(self.body)}
        if self.parameters:
            found["parameters"] = list(self.parameters)
        return found


Described: TypeAlias = tuple[str, Operation]
"""The method and the path of a route, such as `GET /healthz`, and its description."""


def summary_of(handler: Callable[..., object]) -> str:
    """Return what a handler does: the first line of its docstring, after the name of the route."""
    words = (handler.__doc__ or "").partition("\n")[0].partition(": ")[2]
    return words[:1].upper() + words[1:]


class _WithoutTitles(GenerateJsonSchema):
    """Generates schemas without titles, which would only repeat the names of the fields."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def _name(type_: Any) -> str:
    return str(type_.__name__.removesuffix("Json"))


def _json(type_: Any) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{_name(type_)}"}}}


def types_of(described: Iterable[Described]) -> dict[str, Any]:
    """Return the Python types of all request bodies and JSON responses, by schema name.

    The types are pydantic models and `TypedDict` classes.

    Args:
        described: the method and path of each route, such as `GET /healthz`, and its description.
    """
    operations = [operation for _, operation in described]
    bodies = [each.body for each in operations if each.body]
    return {_name(each): each for each in (*bodies, *(o.answer for o in operations), Problem)}


def _schemas(described: Iterable[Described]) -> dict[str, Any]:
    adapters = [
        (name, "validation", TypeAdapter(each)) for name, each in types_of(described).items()
    ]
    _, made = TypeAdapter.json_schemas(
        cast(Any, adapters),
        ref_template="#/components/schemas/{model}",
        schema_generator=_WithoutTitles,
    )
    for schema in made["$defs"].values():
        schema.pop("title", None)
    return {name.removesuffix("Json"): schema for name, schema in made["$defs"].items()}


def openapi_document(described: Sequence[Described]) -> dict[str, Any]:
    """Return the OpenAPI document as JSON data; it is the same for every configuration.

    Args:
        described: the method and path of each route, such as `GET /healthz`, and its description.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in described:
        method, path = route.split(" ")
        paths.setdefault(path, {})[method.lower()] = operation.as_data()
    return {
        "openapi": "3.1.0",
        "info": {"title": "ossferry", "version": "1"},
        "components": {
            "schemas": _schemas(described),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "paths": paths,
    }
