"""A world as a TOML file: its tables, checked, in words for whoever wrote the file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from mock_oss.errors import WorldError
from mock_oss.world.model import BucketSpec, Role, User, World

__all__ = ["read_world"]

_TABLES: Mapping[str, type[User] | type[Role] | type[BucketSpec]] = {
    "users": User,
    "roles": Role,
    "buckets": BucketSpec,
}
_POLICIES = ("policies", "trust_policy")


def read_world(path: Path) -> World:
    """Read a world; what it leaves out is as in the default world.

    Raises:
        WorldError: the file cannot be read, or says something unknown or impossible.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise WorldError(f"{path}: {e.strerror}") from e
    except ValueError as e:  # not UTF-8, or not TOML
        raise WorldError(f"{path}: {e}") from e
    try:
        return World(**_values(World, document, "the world"))
    except WorldError as e:
        raise WorldError(f"{path}: {e}") from e


def _values(kind: type[Any], table: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return constructor arguments of a table's entries, each of the field's own type."""
    known = {item.name: item for item in fields(kind)}
    for name in table:
        if name not in known:
            raise WorldError(f"{place} has no {name!r}; it has {', '.join(known)}")
    for name, item in known.items():
        needed = item.default is MISSING and item.default_factory is MISSING
        if needed and name not in table:
            raise WorldError(f"{place} needs {name!r}")
    return {name: _value(known[name], value, f"{place}: {name}") for name, value in table.items()}


def _value(item: Field[Any], value: object, place: str) -> Any:
    if item.name in _TABLES:
        return _records(item.name, value)
    if item.name in _POLICIES:
        texts = [_json(one, place) for one in (value if isinstance(value, list) else [value])]
        return tuple(texts) if item.name == "policies" else texts[0]
    wanted, fits, convert = _TYPES[str(item.type)]
    if not fits(value):
        raise WorldError(f"{place} is {wanted}, not {value!r}")
    return convert(value)


def _records(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise WorldError(f"{name} is written as tables: [[{name}]]")
    kind = _TABLES[name]
    made = []
    for number, table in enumerate(value, 1):
        place = f"[[{name}]] number {number}"
        try:
            made.append(kind(**_values(kind, table, place)))
        except WorldError as e:
            raise e if str(e).startswith(place) else WorldError(f"{place}: {e}") from e
    return tuple(made)


def _json(value: object, place: str) -> str:
    """A policy in TOML is either its JSON text or a table."""
    if not isinstance(value, str | dict):
        raise WorldError(f"{place} holds a policy: its JSON text, or a table")
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except TypeError as e:
        raise WorldError(f"{place} holds something JSON cannot: {e}") from e


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Mapping[str, tuple[str, Callable[[Any], bool], Callable[[Any], object]]] = {
    "str": ("a text", _is_text, str),
    "int": ("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool), int),
    "bool": ("true or false", lambda v: isinstance(v, bool), bool),
    "tuple[str, ...]": (
        "a list of texts",
        lambda v: isinstance(v, list) and all(map(_is_text, v)),
        tuple,
    ),
    "Mapping[str, str]": (
        "a table of texts",
        lambda v: isinstance(v, dict) and all(map(_is_text, v.values())),
        dict,
    ),
}
