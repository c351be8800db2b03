"""Collects the problems of a table in groups; the memory does not grow with the file."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ossferry_checks.builtin.words import listed
from ossferry_checks.sentences import say, sentences
from ossferry_checks.tables.decisions import Decisions, FixName
from ossferry_checks.tables.repair import Found, Repair, Row

KEPT_ROWS = 1000  # of each group
KEPT_SIZE = 16_000_000  # characters of all rows, with 64 for each value
GROUPS = 50
VALUES = 1000  # different values of a group that are counted
SHOWN_VALUES = 20
KEYS = 5000  # that are remembered for speed


class Key(NamedTuple):
    """What the problems of a group have in common; `fits` are names of formats."""

    field: str
    problem: str
    fits: tuple[str, ...] = ()


OTHER = Key("", "other")
SAME: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("int_parsing", "int_parsing_size", "int_from_float"), ("kind", "integer")),
    **dict.fromkeys(("float_parsing", "decimal_parsing", "finite_number"), ("kind", "decimal")),
    **dict.fromkeys(("date_parsing", "date_from_datetime_parsing"), ("kind", "date")),
    **dict.fromkeys(("datetime_parsing", "datetime_from_date_parsing"), ("kind", "datetime")),
    "date_from_datetime_inexact": ("kind", "date"),
    "bool_parsing": ("kind", "boolean"),
    "datetime_past": ("date_past", ""),
    "datetime_future": ("date_future", ""),
}
"""Errors of pydantic with the sentence of another problem, and the type that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All problems of the same kind in one field.

    Attributes:
        id: identifies the group; the same in every scan of the file.
        field: the name of the field; empty for problems of rows.
        problem: the kind of the problem, as in `Found`; `other` for the kinds after the first 50.
        count: the number of problems.
        values: the most frequent wrong values with their numbers.
        fixes: names of the corrections that apply to the whole group. If it is empty, a person has
            to choose the format of the column first.
        formats: names of the formats that fit the values. If there is one, `convert` uses it; if
            there are several, a person has to choose one.
    """

    id: str
    field: str
    problem: str
    count: int
    values: tuple[tuple[str, int], ...]
    fixes: tuple[FixName, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem of one cell or row.

    Attributes:
        row: the number of the row.
        line: the number of its line in a CSV file, or of its row in a workbook.
        field, value: the name of the field and the wrong value; empty for a problem of a row.
        reason: a sentence.
        values: all values of the row by the names of their fields.
    """

    row: int
    line: int
    field: str
    value: str
    reason: str
    values: Mapping[str, str]


@dataclass(slots=True)
class _Rest:
    """Problems whose rows are not kept; `rows` counts each row once."""

    rows: int = 0
    cells: int = 0
    values: Counter[str] = field(default_factory=Counter)


class Problems:
    """The problems of the rows of one file.

    Args:
        repair: the `Repair` that has found the problems.
        decisions: the decisions that it has applied.
    """

    def __init__(self, repair: Repair, decisions: Decisions) -> None:
        self._repair = repair
        self._base = self._decisions = decisions
        self._kept: dict[int, Row] = {}
        self._fields: dict[int, set[str]] = {}  # in which each kept row has or had problems
        self._rest: dict[Key, _Rest] = {}
        self._groups: set[tuple[str, str]] = set()
        self._numbers: Counter[Key] = Counter()
        self._size = 0
        self._formats: dict[str, tuple[str, ...]] = {}
        self._differ: set[tuple[str, str, str]] = set()
        self._keys: dict[tuple[str, str, tuple[tuple[str, str], ...]], Key] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Add the problems of a batch of rows."""
        for row in rows:
            keys = [self._key(each) for each in row.problems]
            has_room = any(self._numbers[key] < KEPT_ROWS for key in keys if key != OTHER)
            if has_room and self._size < KEPT_SIZE:
                self._size += sum(map(len, row.raw)) + 64 * len(row.raw)
                self._numbers.update(keys)
                self._kept[row.number] = row
                self._fields[row.number] = {each.field for each in row.problems}
                continue
            for at, (key, found) in enumerate(zip(keys, row.problems, strict=True)):
                rest = self._rest.setdefault(key, _Rest())
                rest.rows += not at
                rest.cells += 1
                if found.value in rest.values or len(rest.values) < VALUES:
                    rest.values[found.value] += 1

    def _key(self, found: Found) -> Key:
        """Return the key of a problem, and remember which formats give its value two meanings."""
        given = (found.field, found.problem, found.fits)
        if known := self._keys.get(given):
            return known
        for one, text in found.fits:
            for two, other in found.fits:
                if text != other:
                    self._differ.add((found.field, one, two))
        key = Key(found.field, found.problem, tuple(name for name, _ in found.fits))
        if len(self._groups) < GROUPS:
            self._groups.add(key[:2])
        if len(self._keys) >= KEYS:
            self._keys.clear()
        self._keys[given] = key if key[:2] in self._groups else OTHER
        return self._keys[given]

    def end(self) -> None:
        """Determine the format of each column; call this after all rows were added."""
        totals: dict[str, Counter[tuple[str, ...]]] = {}
        for key, number in self._numbers.items():
            if key.fits:
                rest = self._rest.get(key, _Rest()).cells
                totals.setdefault(key.field, Counter())[key.fits] += number + rest
        for name, total in totals.items():
            votes: Counter[str] = Counter()
            for fits, number in total.items():
                votes.update(dict.fromkeys(fits, number))
            most = max(votes.values())
            best = [each for each, number in votes.items() if number == most]
            kept: list[str] = []
            for each in best:
                if all((name, each, other) in self._differ for other in kept):
                    kept.append(each)
            self._formats[name] = (*kept,)

    @property
    def count(self) -> int:
        """The number of rows with a problem that no decision solves."""
        rows = sum(bool(each.problems) for each in self._kept.values())
        return rows + sum(
            rest.rows * self._left(key, rest) // rest.cells for key, rest in self._rest.items()
        )

    def groups(self) -> list[Group]:
        """Return the groups with unsolved problems, in the order of the fields."""
        counts: dict[Key, int] = {}
        values: dict[Key, Counter[str]] = {}
        for row in self._kept.values():
            for found in row.problems:
                key = self._shown(self._key(found))
                counts[key] = counts.get(key, 0) + 1
                values.setdefault(key, Counter())[found.value] += 1
        for each, rest in self._rest.items():
            if left := self._left(each, rest):
                key = self._shown(each)
                counts[key] = counts.get(key, 0) + left
                values.setdefault(key, Counter()).update(rest.values)
        names = ["", *self._repair.names]
        ordered = sorted(counts, key=lambda key: (names.index(key.field), key))
        return [self._group(key, counts[key], values[key]) for key in ordered]

    def _group(self, key: Key, count: int, values: Counter[str]) -> Group:
        formats = self._formats.get(key.field, ()) if key.problem == "format" else ()
        fixes = () if key == OTHER else self._repair.fixes(key.field, key.problem)
        if key.problem == "format":
            fixes = ("convert",) if len(formats) == 1 else ()
        elif key.problem == "kind" and self._is_open(key.field):
            fixes = ()
        shown = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_VALUES]
        return Group(
            id=f"{key.field}:{key.problem}",
            field=key.field,
            problem=key.problem,
            count=count,
            values=tuple(pair for pair in shown if pair[0]),
            fixes=fixes,
            formats=formats,
        )

    def _is_open(self, name: str) -> bool:
        return name in self._formats and name not in self._decisions.formats

    def _shown(self, key: Key) -> Key:
        """Return the key of the group that shows a problem: other formats are wrong values."""
        if key.fits and key.problem == "format":
            fits = {*key.fits} & {*self._formats.get(key.field, ())}
            return Key(key.field, "format" if fits else "kind")
        return key

    def _left(self, key: Key, rest: _Rest) -> int:
        """Return how many problems of a key, whose rows are not kept, no decision mends."""
        new = {*self._decisions.formats.items()} - {*self._base.formats.items()}
        if any(
            name == key.field and (each in key.fits or (each == "x/" and key.problem == "missing"))
            for name, each in new
        ):
            return 0
        left = rest.cells
        for fix in self._decisions.fixes[len(self._base.fixes) :]:
            if (fix.field, fix.problem) == key[:2]:
                left -= left if fix.value is None else rest.values[fix.value]
        return max(0, left)

    def decide(self, decisions: Decisions) -> None:
        """Apply other decisions, and check the rows in memory that they concern again.

        If a field must not have the same value twice, all rows in memory are checked again.
        """
        old, self._decisions = self._decisions, decisions
        self._repair.decide(decisions)
        pairs = {*old.formats.items()} ^ {*decisions.formats.items()}
        fields = {name for name, _ in pairs} | {
            each.field for each in {*old.fixes} ^ {*decisions.fixes}
        }
        rows = {row for row, *_ in {*old.cells} ^ {*decisions.cells}}
        rows |= {*old.dropped} ^ {*decisions.dropped}
        fields |= {*self._repair.unique}
        for row in self._kept.values():
            self._repair.forget(row)
        for number, row in self._kept.items():
            is_new = self._repair.remember(row)
            if number in rows or self._fields[number] & fields or not is_new:
                self._repair.forget(row)
                new = self._repair.row(number, row.line, row.raw, is_broken=row.is_broken)
                self._repair.remember(new)
                self._kept[number] = new
                self._fields[number] |= {each.field for each in new.problems}

    def problems(self, group: str, offset: int, limit: int, language: str) -> list[Problem]:
        """Return the problems of a group that are in memory, in the order of the file.

        Args:
            group: the id of the group.
            offset, limit: how many problems to skip, and how many to return at most.
            language: the language of the reasons, such as `zh-CN`.
        """
        found = []
        for row in self._kept.values():
            for each in row.problems:
                key = self._shown(self._key(each))
                if f"{key.field}:{key.problem}" == group:
                    found.append((row, each, key.problem))
        return [
            Problem(
                row=row.number,
                line=row.line,
                field=each.field,
                value=each.value,
                reason=reason_of(problem, each.details, language),
                values=dict(zip(self._repair.names, row.texts, strict=True)),
            )
            for row, each, problem in found[offset : offset + limit]
        ]


def reason_of(problem: str, details: Mapping[str, Any], language: str) -> str:
    """Return a sentence that describes a problem; a sentence from the operator's model is kept.

    Args:
        problem, details: as in `Found`.
        language: the language of the sentence, such as `zh-CN`.
    """
    if "detail" in details:
        return say("repair_failed", language, **details)
    problem, kind = SAME.get(problem, (problem, details.get("type")))
    key, given = f"repair_{problem}", dict(details)
    if key not in sentences("en"):
        return str(details["text"])
    if kind:
        given["type"] = say(f"type_{kind}", language)
    if "choices" in given:
        given["choices"] = listed(given["choices"], language)
    if "expected_schemes" in given:
        given["expected_schemes"] = given["expected_schemes"].replace(" or ", " / ")
    return say(key, language, **given)
