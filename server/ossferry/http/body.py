"""Reads request bodies: at most 16 KB on most routes, and only JSON that a database can store.

A subclass of `Body` describes and checks the fields of a body. The OpenAPI document contains the
same description.
"""

import json
import math
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request

from ossferry.errors import BadRequestError, BodyTooLargeError
from ossferry.http.request_limits import max_body_bytes


def _whole(value: object) -> object:
    """Return 5 for 5.0, because JSON does not distinguish them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
WHOLE = BeforeValidator(_whole)
"""The validator of a field with a whole number; it comes after the limits of the number."""


class Body(BaseModel):
    """Base class of pydantic models of JSON request bodies; unknown fields are ignored.

    The description of a field is the second half of the error message for a malformed field:
    `<name of the field> must be <description>`.
    """

    model_config = ConfigDict(strict=True, frozen=True)


B = TypeVar("B", bound=Body)


async def read_body(request: Request, model: type[B]) -> B:
    """Parse the JSON object in the body of a request, and return it as an instance of `model`.

    Raises:
        BadRequestError: the body is not a JSON object, or a field is missing or malformed.
        BodyTooLargeError: the body is longer than the route accepts.
    """
    return parsed(await read_json(request), model)


async def read_optional_body(request: Request, model: type[B]) -> B:
    """Parse the body of a request as `model`; return `model` with its defaults if there is no body.

    Raises:
        BadRequestError: the body is not a JSON object, or a field is malformed.
        BodyTooLargeError: the body is longer than the route accepts.
    """
    headers = request.headers
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if request.method != "POST" or not has_body:
        return model()
    return await read_body(request, model)


def parsed(document: dict[str, object], model: type[B]) -> B:
    """Validate a JSON object, and return it as an instance of `model`.

    Raises:
        BadRequestError: a field is missing or malformed.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
        wanted = model.model_fields[name].description
        raise BadRequestError(f"{name} must be {wanted}.") from error


async def read_json(request: Request) -> dict[str, object]:
    """Return the JSON object in the body of a request.

    Text that contains a zero byte or an unpaired surrogate is replaced by the object `UNSTORABLE`,
    because some databases cannot store such text. Callers must reject values that are not text;
    `UNSTORABLE` is one of them.

    Raises:
        BadRequestError: the content type is not JSON, or the body is not a JSON object.
        BodyTooLargeError: the body is longer than the route accepts.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadRequestError("The body must be application/json.")
    try:
        value = _storable(_DECODER.decode((await read_small(request)).decode()))
    except ClientDisconnect as error:
        raise BadRequestError("The body is incomplete.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise BadRequestError("The body must be a JSON object.")
    return value


async def read_small(request: Request) -> bytes:
    """Return the body of a request as bytes.

    Raises:
        BodyTooLargeError: the body is longer than the route accepts.
        ClientDisconnect: the client closed the connection before the end of the body.
    """
    most = max_body_bytes(request.scope)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLargeError(f"The body is longer than {most // 1024} KB.")
    return bytes(body)


def _finite(text: str) -> float:
    """Return a JSON number; refuse Infinity and NaN.

    Python's JSON parser accepts Infinity and NaN, although they are not JSON.

    Raises:
        ValueError: the number is Infinity or NaN.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


UNSTORABLE = object()
"""Replaces text that some databases cannot store; routes reject this value, as it is not text."""


def _storable(value: object) -> object:
    """Return a JSON value, with `UNSTORABLE` in place of text that some databases cannot store."""
    if isinstance(value, str):
        return value if _is_storable(value) else UNSTORABLE
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value


def _is_storable(text: str) -> bool:
    """Return whether a text has no zero byte and no unpaired surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
