"""Details: what people say about a file before they send it, as the operator's model declares.

The page makes a form from the description in the grant, and stores each answer as metadata of the
object. Anybody can write other metadata, so the server validates them with the model itself.
"""

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, RootModel, ValidationError, create_model
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict

from ossferry.errors import SettingsError
from ossferry.identity.object_keys import guest_of
from ossferry.observability.log_format import logger, unexpected
from ossferry.oss.objects import Stored
from ossferry.settings.model import Settings

OPTION = "OSSFERRY_DETAILS"
PREFIX = "field-"
"""Begins the names of the metadata, as in the page's `transfer.options`."""

EXTRA = "stored_as"  # in the model's `json_schema_extra`
MAX_ERRORS, MAX_ERROR = 20, 200
BROKEN = "The application's model did not work."
LIMITS = {
    "maximum": "le",
    "minimum": "ge",
    "exclusiveMaximum": "lt",
    "exclusiveMinimum": "gt",
    "maxLength": "max_length",
    "minLength": "min_length",
}
"""Keywords of JSON schemas -> the names of pydantic's limits."""

KINDS: Mapping[tuple[str, str], "Kind"] = {
    ("string", ""): "text",
    ("string", "date"): "date",
    ("integer", ""): "integer",
    ("number", ""): "decimal",
    ("boolean", ""): "boolean",
}
STORED_AS: Mapping["StoredAs", str] = {
    "tag": "[A-Za-z0-9 +=._:/-]{1,256}",
    "storage_class": "Standard|IA|Archive|ColdArchive|DeepColdArchive",
    "disposition": "attachment|inline",
}
"""Where the page stores the answer besides the metadata, with the pattern of its choices."""

IGNORED = {"title", "description", "default", "examples", "deprecated", "type", "format"}

log = logger("ossferry.details")

StoredAs = Literal["", "tag", "storage_class", "disposition"]
Kind = Literal["text", "integer", "decimal", "date", "choice", "boolean"]


class DetailsField(TypedDict):
    """A field of the form, in a grant.

    Attributes:
        choices: the only allowed answers; empty without such a list.
        limits: `ge`, `gt`, `le` and `lt` for numbers, `min_length` and `max_length` for texts.
        default: the answer in a new form; may be empty.
        stored_as: where the page stores the answer besides the metadata: in a `tag` with the name
            of the field, as `storage_class` or `disposition` of the object, or empty.
    """

    name: str
    label: str
    help: str
    kind: Kind
    required: bool
    choices: list[str]
    limits: dict[str, float]
    default: str
    stored_as: StoredAs


class Validated(TypedDict):
    """The details of an upload, as the server has validated them, in receipts, lists and events.

    Attributes:
        details: the values by field; null if they do not fit the model, if the server has none, or
            for a file that a guest has sent.
        details_errors: why they do not fit, as short sentences.
    """

    details: dict[str, Any] | None
    details_errors: list[str]


def validated(known: Mapping[str, Any] | None) -> Validated:
    """Return the details of a receipt, as the ledger has stored them; None if it has none."""
    return cast("Validated", known or {"details": None, "details_errors": []})


class Details:
    """The operator's model, with the description of its fields for the page.

    Raises:
        SettingsError: the model has a field that the page's form cannot show.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self.fields = tuple(_fields(model))

    def read(self, stored: Stored) -> Stored:
        """Return an object with `details`: what its metadata say, and whether the model accepts it.

        The file of a guest stays as it is, because guests are asked for other fields.
        """
        if guest_of(stored.key):
            return stored
        given = {each["name"]: stored.metadata.get(_metadata(each["name"])) for each in self.fields}
        found = self._validate({name: text for name, text in given.items() if text is not None})
        return replace(stored, details=cast("Mapping[str, Any]", found))

    def _validate(self, given: Mapping[str, str]) -> Validated:
        values: dict[str, Any] = {}
        try:
            model = self._model.model_validate_strings(given, by_alias=False, by_name=True)
            values = model.model_dump(mode="json")
            wrong = [name for name, value in values.items() if not _is_storable(value)]
            errors = [f"{name}: a value that cannot be stored" for name in wrong]
        except ValidationError as error:
            errors = [_sentence(each) for each in error.errors(include_url=False)]
        except Exception as error:  # of the application's code; the upload is recorded anyway
            log.error("unexpected", work="details", **unexpected(error))
            errors = [BROKEN]
        if errors:
            return {"details": None, "details_errors": errors[:MAX_ERRORS]}
        return {"details": values, "details_errors": []}


def _sentence(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return (f"{where}: {error['msg']}" if where else str(error["msg"])).replace("\0", "")[
        :MAX_ERROR
    ]


def _is_storable(value: object) -> bool:
    """Return whether JSON and databases have a value: no NaN, no infinity, no zero character."""
    if isinstance(value, str):
        return "\0" not in value
    return not isinstance(value, float) or math.isfinite(value)


def _metadata(field: str) -> str:
    return PREFIX + field.replace("_", "-")


def details_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an object that describe it, as the page has written them."""
    return {name: text for name, text in metadata.items() if name.startswith(PREFIX)}


def load_details(settings: Settings, model: type[BaseModel] | None) -> Details | None:
    """Return the details of the setting or of the application's argument; None without a model.

    Raises:
        SettingsError: both are given, the module or the model is missing, a field is impossible, or
            the server records no uploads.
    """
    if model is not None and settings.details:
        raise SettingsError(f"{OPTION}: the application gives `details` too; take one away.")
    if model is None and not settings.details:
        return None
    if settings.objects_role_arn is None:
        raise SettingsError("details: the server needs OSSFERRY_OBJECTS_ROLE_ARN to validate them.")
    details = Details(model or _imported(settings.details))
    if "oss:PutObjectTagging" not in settings.actions and any(
        each["stored_as"] == "tag" for each in details.fields
    ):
        raise SettingsError("details: a tag needs oss:PutObjectTagging in OSSFERRY_ACTIONS.")
    return details


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # last, so that it hides no package
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{OPTION}={name} cannot be loaded: {error}") from error


def _fields(model: type[BaseModel]) -> Iterator[DetailsField]:
    name = getattr(model, "__name__", str(model))
    bases = getattr(model, "__mro__", ())  # the option may name anything
    if BaseModel not in bases or RootModel in bases or not model.model_fields:
        raise SettingsError(f"details: {name} must be a pydantic model with fields.")
    for each, info in model.model_fields.items():
        alone: Any = {each: (info.rebuild_annotation(), info)}  # so that an error is of this field
        try:
            one = create_model(name, __config__=model.model_config, **alone)
            schema = one.model_json_schema(by_alias=False)
            yield _field(each, schema["properties"][each], schema)
        except (ValueError, PydanticUserError) as error:
            why = str(error).partition("\n")[0]
            raise SettingsError(
                f"details: {name}.{each} cannot be a field of the form ({why}). A field is a text,"
                " a whole or decimal number, a date, a choice of texts, or yes or no; its name has"
                " a-z, 0-9 and _, its limits are lengths of texts and bounds of numbers. A field"
                f" with `stored_as`, which is one of {', '.join(STORED_AS)}, has choices that OSS"
                " allows, and no default."
            ) from error


def _field(name: str, schema: Mapping[str, Any], whole: Mapping[str, Any]) -> DetailsField:
    """Return the description of a field.

    Raises:
        ValueError: the form cannot show the field.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError("its name")
    own = {**_leaf(schema, whole), **{key: schema[key] for key in IGNORED & schema.keys()}}
    choices = own.pop("enum", [own["const"]] if "const" in own else [])
    own.pop("const", None)
    own.pop(EXTRA, None)
    stored_as: StoredAs = schema.get(EXTRA, "")
    kind = KINDS.get((str(own.get("type")), own.get("format", "")))
    limits = {LIMITS[key]: own.pop(key) for key in LIMITS.keys() & own.keys()}
    if kind is None or own.keys() - IGNORED or not all(isinstance(each, str) for each in choices):
        strange = sorted(own.keys() - IGNORED)
        raise ValueError(", ".join(strange) or str(own.get("format") or own.get("type")))
    default = own.get("default")
    if stored_as:
        pattern = STORED_AS.get(stored_as, "")
        are_allowed = all(re.fullmatch(pattern, each) for each in choices)
        if not (choices and are_allowed and default is None):
            raise ValueError(f"{EXTRA}={stored_as!r}")
    return {
        "name": name,
        "label": str(own.get("title", name)),
        "help": str(own.get("description", "")),
        "kind": "choice" if choices else kind,
        "required": name in whole.get("required", ()),
        "choices": choices,
        "limits": limits,
        "default": ""
        if default is None
        else default
        if isinstance(default, str)
        else json.dumps(default),
        "stored_as": stored_as,
    }


def _leaf(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a type without `None`; an enumeration has its own definition."""
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(some) == 1:
        return _leaf(some[0], whole)
    if "$ref" in schema:
        found = whole["$defs"][schema["$ref"].rpartition("/")[2]]
        return {key: value for key, value in found.items() if key not in ("title", "description")}
    return dict(schema)
