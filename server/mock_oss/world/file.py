"""Creates an instance of a dataclass from a TOML file, and checks the type of every value.

The error message for a wrong value names the file, the table and the key.
"""

import json
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from mock_oss.errors import WorldError

_Record = TypeVar("_Record")


def read_record(
    path: Path,
    kind: type[_Record],
    *,
    tables: Mapping[str, type[Any]],
    json_fields: Collection[str],
) -> _Record:
    """Create an instance of a dataclass from the values in a TOML file.

    A field that is missing in the file gets its default value.

    Args:
        path: the TOML file.
        kind: the dataclass.
        tables: a mapping from the name of each array of tables to the dataclass for its items.
        json_fields: the names of fields with JSON documents; the file contains each document as
            text or as a TOML table.

    Raises:
        WorldError: the file cannot be read, the file contains an unknown name or a value of a
            wrong type, or a mandatory value is missing.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise WorldError(f"{path}: {e.strerror}") from e
    except ValueError as e:  # not UTF-8, or not TOML
        raise WorldError(f"{path}: {e}") from e
    try:
        return kind(**_Reader(tables, json_fields).arguments(kind, document, "the world"))
    except WorldError as e:
        raise WorldError(f"{path}: {e}") from e


@dataclass(frozen=True, slots=True)
class _Reader:
    """Converts TOML values into constructor arguments of dataclasses."""

    tables: Mapping[str, type[Any]]
    json_fields: Collection[str]

    def arguments(self, kind: type[Any], table: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return the constructor arguments of a dataclass from the values of a TOML table.

        Args:
            kind: the dataclass.
            table: the TOML table.
            place: the name of the table in error messages.

        Raises:
            WorldError: a key or a value is not allowed, or a required key is missing.
        """
        known = {item.name: item for item in fields(kind)}
        for name in table:
            if name not in known:
                raise WorldError(f"{place} has no {name!r}; it has {', '.join(known)}")
        for name, item in known.items():
            needed = item.default is MISSING and item.default_factory is MISSING
            if needed and name not in table:
                raise WorldError(f"{place} needs {name!r}")
        return {
            name: self._value(known[name], value, f"{place}: {name}")
            for name, value in table.items()
        }

    def _value(self, item: Field[Any], value: object, place: str) -> Any:
        if item.name in self.tables:
            return self._records(item.name, value)
        wanted, fits, convert = _TYPES[item.type]
        if item.name in self.json_fields:
            texts = [_json(one, place) for one in (value if isinstance(value, list) else [value])]
            return tuple(texts) if convert is tuple else texts[0]
        if not fits(value):
            raise WorldError(f"{place} must be {wanted}, not {value!r}")
        return convert(value)

    def _records(self, name: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise WorldError(f"{name} must be an array of tables: [[{name}]]")
        kind = self.tables[name]
        made = []
        for number, table in enumerate(value, 1):
            place = f"[[{name}]] number {number}"
            try:
                made.append(kind(**self.arguments(kind, table, place)))
            except WorldError as e:
                raise e if str(e).startswith(place) else WorldError(f"{place}: {e}") from e
        return tuple(made)


def _json(value: object, place: str) -> str:
    """Return a JSON document as text.

    Args:
        value: the document from the TOML file, as text or as a table.
        place: the name of the key in error messages.

    Raises:
        WorldError: the value is not a JSON document.
    """
    if not isinstance(value, str | dict):
        raise WorldError(f"{place} must be a policy, as JSON text or as a table")
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except TypeError as e:
        raise WorldError(f"{place} has a value that JSON does not support: {e}") from e


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Mapping[object, tuple[str, Callable[[Any], bool], Callable[[Any], object]]] = {
    str: ("a text", _is_text, str),
    int: ("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool), int),
    bool: ("true or false", lambda v: isinstance(v, bool), bool),
    tuple[str, ...]: (
        "a list of texts",
        lambda v: isinstance(v, list) and all(map(_is_text, v)),
        tuple,
    ),
    Mapping[str, str]: (
        "a table of texts",
        lambda v: isinstance(v, dict) and all(map(_is_text, v.values())),
        dict,
    ),
}
"""Type of a dataclass field -> (its name in messages, type check, conversion)."""
