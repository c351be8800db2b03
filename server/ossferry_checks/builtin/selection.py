"""The built-in checks for given options."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args, get_type_hints

from ossferry_checks.builtin.options import BuiltInOptions, PhotoOptions
from ossferry_checks.photos.dimensions import dimensions_check
from ossferry_checks.photos.heic import heic_check
from ossferry_checks.photos.metadata import metadata_check
from ossferry_checks.photos.smaller import smaller_check
from ossferry_checks.registry import Check

__all__ = ["BuiltInChecks", "built_in_checks", "read_options"]


@dataclass(frozen=True, slots=True)
class BuiltInChecks:
    """Built-in checks that run before the checks of `checks.py`, and ones that run after these."""

    before: list[Check]
    after: list[Check]

    def around(self, own: list[Check]) -> list[Check]:
        """Return all checks in their order."""
        return [*self.before, *own, *self.after]


def built_in_checks(options: BuiltInOptions) -> BuiltInChecks:
    """Return the built-in checks that `options` switches on."""
    photos = options.photos
    return BuiltInChecks(
        before=[dimensions_check(photos)] if photos else [],
        after=list(_photo_changes(photos)) if photos else [],
    )


def _photo_changes(options: PhotoOptions) -> Iterator[Check]:
    if options.heic:
        yield heic_check(options)
    if options.max_side:
        yield smaller_check(options)
    if options.strip:
        yield metadata_check()


def read_options(given: Mapping[str, Any]) -> BuiltInOptions:
    """Return the options of JSON that the server has validated.

    `true` selects the default options of a check, and `false` or `null` switches it off.
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
