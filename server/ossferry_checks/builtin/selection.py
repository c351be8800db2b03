"""Selects the built-in checks that the options switch on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, get_args, get_type_hints

from ossferry_checks.builtin.check_options import BuiltInOptions, PhotoOptions
from ossferry_checks.builtin.file_type import file_type_check
from ossferry_checks.builtin.json_text import json_check
from ossferry_checks.builtin.pdf import pdf_check
from ossferry_checks.builtin.secret_keys import secrets_check
from ossferry_checks.builtin.table import table_check
from ossferry_checks.builtin.xlsx import xlsx_check
from ossferry_checks.builtin.zip_archive import zip_check
from ossferry_checks.photos.dimensions import dimensions_check
from ossferry_checks.photos.encoding import heic_check, smaller_check
from ossferry_checks.photos.formats import PATTERNS
from ossferry_checks.photos.metadata import metadata_check
from ossferry_checks.registry import Check

PHOTO_ENDINGS = tuple(pattern.removeprefix("*") for pattern in PATTERNS)


@dataclass(frozen=True, slots=True)
class BuiltInChecks:
    """The built-in checks that are switched on.

    Attributes:
        before: the checks that run before the operator's own checks.
        after: the checks that run after them.
    """

    before: list[Check]
    after: list[Check]

    def around(self, own: list[Check]) -> list[Check]:
        """Return all checks in the order in which they run: `before`, then `own`, then `after`.

        `own` contains the operator's own checks.
        """
        return [*self.before, *own, *self.after]


def built_in_checks(options: BuiltInOptions, module: ModuleType | None = None) -> BuiltInChecks:
    """Return the built-in checks that the options switch on.

    Args:
        options: the options of the built-in checks.
        module: the operator's `checks.py` after loading, in which `options.table.model` names a
            pydantic model; None if there is no such module.

    Raises:
        LookupError: Python does not know the encoding in `options.table`.
    """
    before: list[Check] = []
    after: list[Check] = []
    if options.file_type:
        converts = options.photos and options.photos.heic
        before.append(file_type_check(converted=PHOTO_ENDINGS if converts else ()))
    if options.table:
        before.append(table_check(options.table, getattr(module, options.table.model, None)))
    if options.json:
        before.append(json_check())
    if options.xlsx:
        before.append(xlsx_check(options.xlsx))
    if options.zip:
        before.append(zip_check(options.zip))
    if options.pdf:
        before.append(pdf_check(options.pdf))
    if options.secrets:
        before.append(secrets_check())
    if options.photos:
        before.append(dimensions_check(options.photos))
        after += _photo_changes(options.photos)
    return BuiltInChecks(before, after)


def _photo_changes(options: PhotoOptions) -> Iterator[Check]:
    if options.heic:
        yield heic_check(options)
    if options.max_side:
        yield smaller_check(options)
    if options.strip:
        yield metadata_check()


def read_options(given: Mapping[str, Any]) -> BuiltInOptions:
    """Convert JSON values, which the server has validated, to options of the built-in checks.

    Args:
        given: {name of a field of `BuiltInOptions`: value}. The value is a mapping with the options
            of the check, True for the default options, or False or None to switch the check off. A
            missing name switches the check off.
    """
    hints = get_type_hints(BuiltInOptions)
    values: dict[str, Any] = {}
    for each in fields(BuiltInOptions):
        value = given.get(each.name)
        kind = next((arg for arg in get_args(hints[each.name]) if arg is not type(None)), bool)
        if kind is bool:
            values[each.name] = bool(value)
        elif value:
            values[each.name] = kind(**({} if value is True else value))
    return BuiltInOptions(**values)
