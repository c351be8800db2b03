"""The declaration of a table: its fields, the rules for its values, and the model of its rows."""

import hashlib
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ossferry_checks.builtin.check_options import ColumnType
from ossferry_checks.tables.rules import Refusal, errors, refusals

KINDS: dict[object, ColumnType] = {
    bool: "boolean",
    int: "integer",
    float: "decimal",
    Decimal: "decimal",
    date: "date",
    datetime: "datetime",
    **dict.fromkeys(("PastDate", "FutureDate"), "date"),
    **dict.fromkeys(("AwareDatetime", "NaiveDatetime"), "datetime"),
    **dict.fromkeys(("PastDatetime", "FutureDatetime"), "datetime"),
}
"""By the type of a field, or by the name of a type of pydantic."""

LIMITS = (
    *("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"),
    *("pattern", "max_digits", "decimal_places"),
)
PLAIN = ("str", "int", "float", "decimal", "bool", "date", "datetime", "literal", "enum")
"""Types of pydantic's schemas that look at nothing but a value."""

NO_TEXT = (
    *("_type", "is_instance_of", "is_subclass_of", "none_required", "enum", "literal_error"),
    *("union_tag_invalid", "union_tag_not_found", "sequence_str", "missing"),
)
"""How the types of errors about values end that are of a wrong type."""

EXAMPLES = ("x", "1", "true", "2026-01-31")
"""Texts of which each type of a column accepts one, or refuses it for another reason."""

FREE = ("before", "wrap", "plain")
"""Modes of validators that may accept other values than the type does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column of the result.

    Attributes:
        name: the name in the header of the result; the model accepts the value by this name.
        aliases: other names that the header of a file may have for it.
        kind: the type of the values; `text` also for what only the model understands.
        required: whether the file must have such a column.
        may_be_empty: whether a value may be empty.
        choices: the only allowed values; empty if there is no such list.
        limits: further rules for people, such as `{"ge": "1"}` or `{"pattern": "^[A-Z]"}`.
    """

    name: str
    title: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()
    kind: ColumnType = "text"
    required: bool = False
    may_be_empty: bool = True
    choices: tuple[str, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The declaration of a table; `Table.of` makes it.

    Attributes:
        fields: the fields in the order of the result.
        unique: the names of the fields that must not have the same value twice.
        max_rows: the largest allowed number of rows; None for no limit.
        model: the pydantic model that validates each row; None if there is none.
    """

    fields: tuple[Field, ...]
    unique: tuple[str, ...] = ()
    max_rows: int | None = None
    model: type[Any] | None = None

    @classmethod
    def of(
        cls,
        model: type[Any] | None = None,
        *,
        columns: Sequence[str] = (),
        types: Mapping[str, ColumnType] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        unique: Sequence[str] = (),
        max_rows: int | None = None,
    ) -> "Table":
        """Return the table of a pydantic model, of columns and types, or of both.

        All arguments name a field by its name or by an alias in the model.

        Args:
            model: the pydantic model of a row; None if there is none.
            columns: the names of the columns that a file must have; fields of the model, if any.
            types: the types of columns by name; an empty value is allowed.
            aliases: other names of columns in files, by the name of the field.
            unique: the names of fields that must not have the same value twice.
            max_rows: the largest allowed number of rows.

        Raises:
            ValueError: there are no fields, an argument names an unknown one, or the model is no
                pydantic model or has a field that accepts no text.
        """
        if model:
            _refuse_unreadable(model)
        fields = {each.name: each for each in _of_model(model)} if model else {}
        name_of = cls((*fields.values(),)).name_of
        known = {*fields} if model else {*columns, *(types or ())}
        named = {"columns": columns, "types": types, "aliases": aliases, "unique": unique}
        for option, names in named.items():
            for name in names or ():
                if name_of(name) not in known:
                    near = get_close_matches(name, known, 1)
                    hint = f'; did you mean "{near[0]}"?' if near else ""
                    raise ValueError(f'{option}: the table has no column "{name}"{hint}')
        for name in columns:
            fields[name_of(name)] = replace(
                fields.get(name_of(name), Field(name=name)), required=True
            )
        for name, kind in (types or {}).items():
            field = fields.setdefault(name_of(name), Field(name=name))
            fields[field.name] = replace(field, kind=field.kind if kind == "text" else kind)
        if not fields:
            raise ValueError("the table has no columns")
        more = {name_of(name): tuple(others) for name, others in (aliases or {}).items()}
        for name, others in more.items():
            fields[name] = replace(fields[name], aliases=(*fields[name].aliases, *others))
        return cls((*fields.values(),), (*map(name_of, unique),), max_rows, model)

    def name_of(self, name: str) -> str:
        """Return the name of the field that has a name or an alias; else the given name."""
        return self._names.get(name, name)

    @cached_property
    def _names(self) -> dict[str, str]:
        found = {alias: each.name for each in reversed(self.fields) for alias in each.aliases}
        return found | {each.name: each.name for each in self.fields}

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the declaration: the fields, and the JSON schema of the model."""
        known: dict[str, Any] = {"fields": [asdict(each) for each in self.fields]}
        known |= {"unique": self.unique, "schema": self.model and self.model.model_json_schema()}
        text = json.dumps(known, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def reads_rows(self) -> bool:
        """Whether the model may read other columns than its fields, in a validator of the row."""
        decorators = self.model and self.model.__pydantic_decorators__.model_validators.values()
        return any(each.info.mode in FREE for each in decorators or ())

    def errors(self, rows: Sequence[Mapping[str, str]]) -> Iterator[Refusal]:
        """Yield what the model does not accept, by the names of the fields of the table.

        Args:
            rows: the values by name, without the empty ones.
        """
        if self.model is not None:
            for each in refusals(self._rows, rows):
                yield each._replace(name=self.name_of(each.name))

    def refused(self, columns: Mapping[str, Sequence[str]], kept: Sequence[int]) -> set[int]:
        """Return the indices of the rows that the model does not accept.

        If no rule of the model concerns two fields, whole columns are validated: that makes no
        objects for rows, and takes a seventh of the time in the browser.

        Args:
            columns: the values by the name of their field; empty ones are missing ones.
            kept: the indices of the rows to look at.
        """
        if self.model is None or not kept:
            return set()
        found: set[int] = set()
        if self._columns is None:
            rows = zip(*(map(column.__getitem__, kept) for column in columns.values()), strict=True)
            given = [dict(zip(columns, row, strict=True)) for row in rows]
            for row in [row for row in given if "" in row.values()]:
                for name in [name for name, text in row.items() if not text]:
                    del row[name]
            return {kept[each["loc"][0]] for each in errors(self._rows, given)}
        for name, validate in self._columns.items():
            values = columns[name]
            places = [at for at in kept if values[at]]
            wrong = errors(validate, [values[at] for at in places])
            found |= {places[each["loc"][0]] for each in wrong}
        return found

    @cached_property
    def _rows(self) -> Any:
        from pydantic import TypeAdapter

        model: Any = self.model
        return TypeAdapter(list[model]).validator.validate_python

    @cached_property
    def _columns(self) -> dict[str, Any] | None:
        """The validators of the columns; None if the model has to see whole rows."""
        from pydantic_core import SchemaValidator

        model: Any = self.model
        schema = model.__pydantic_core_schema__
        inner = schema.get("schema", {})
        if (
            (schema["type"], inner.get("type")) != ("model", "model-fields")
            or schema.get("custom_init")
            or schema.get("post_init")
            or len(self.fields) != len(inner["fields"])
        ):
            return None
        found = {}
        for known, name in zip(self.fields, model.model_fields, strict=True):
            part = leaf = inner["fields"][name]["schema"]
            while leaf["type"] in ("default", "nullable"):
                leaf = leaf["schema"]
            if leaf["type"] not in PLAIN:
                return None
            items = {"type": "list", "items_schema": part}
            found[known.name] = SchemaValidator(items, schema.get("config")).validate_python
        return found


def _refuse_unreadable(model: Any) -> None:
    """Check that each field of a model accepts the text of a cell.

    Raises:
        ValueError: a field accepts no text, or the model has no fields.
    """
    from pydantic import BaseModel, RootModel

    bases = getattr(model, "__mro__", ())
    if BaseModel not in bases or RootModel in bases:
        raise ValueError(f"{getattr(model, '__name__', model)} is no pydantic model with fields")
    model.model_rebuild()
    fields = [*_of_model(model)]
    table = Table((*fields,), model=model)
    texts = {each.name: (*each.choices, *EXAMPLES) for each in fields if not table.reads_rows}
    wrong: dict[str, str] | None = None
    for at in range(max(map(len, texts.values()), default=0)):
        found = errors(table._rows, [{name: each[at % len(each)] for name, each in texts.items()}])
        said = {str(each["loc"][1]): each["msg"] for each in found if len(each["loc"]) > 1}
        for each in found:
            if not each["type"].endswith(NO_TEXT):
                said.pop(str([*each["loc"], ""][1]), None)
        wrong = said if wrong is None else {name: wrong[name] for name in wrong if name in said}
    for name, message in (wrong or {}).items():
        raise ValueError(
            f"{model.__name__}.{name} accepts no text of a cell ({message}); use another type,"
            " no strict mode, or a validator with the mode before"
        )


def _of_model(model: Any) -> Iterator[Field]:
    """Yield the fields of a pydantic model."""
    config = model.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    free = {
        name
        for each in model.__pydantic_decorators__.field_validators.values()
        for name in each.info.fields
        if each.info.mode in FREE
    }
    for name, info in model.model_fields.items():
        alias = info.validation_alias
        names = [each for each in getattr(alias, "choices", [alias]) if isinstance(each, str)]
        kinds, leaves, metadata = [], [], list(info.metadata)
        for leaf, more in _leaves(info.annotation):
            leaves.append(leaf)
            kinds.append(KINDS.get(leaf, KINDS.get(getattr(leaf, "__name__", ""), "text")))
            metadata += more
        is_free = name in free or any(
            type(each).__name__ == f"{mode.title()}Validator" for each in metadata for mode in FREE
        )
        yield Field(
            name=name if by_name or not names else names[0],
            title=info.title or "",
            description=info.description or "",
            aliases=tuple(names) if by_name else (name, *names[1:]) if names else (),
            kind=kinds[0] if len(kinds) == 1 and not is_free else "text",
            required=info.is_required(),
            may_be_empty=not info.is_required(),
            choices=tuple(str(each) for leaf in leaves for each in _choices(leaf)),
            limits={
                limit: str(getattr(each, limit))
                for each in metadata
                for limit in LIMITS
                if getattr(each, limit, None) is not None
            },
        )


def _leaves(annotation: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Yield the types of an annotation, without `None`, each with its metadata."""
    while other := getattr(annotation, "__supertype__", getattr(annotation, "__value__", None)):
        annotation = other  # of a `NewType` or a `TypeAliasType`
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for leaf, more in _leaves(args[0]):
            yield leaf, [*args[1:], *more]
    elif origin in (Union, types.UnionType):
        for each in args:
            yield from _leaves(each)
    elif annotation is not type(None):
        yield annotation, []


def _choices(leaf: Any) -> Iterator[Any]:
    if get_origin(leaf) is Literal:
        yield from get_args(leaf)
    elif isinstance(leaf, type) and issubclass(leaf, Enum):
        yield from (each.value for each in leaf)
