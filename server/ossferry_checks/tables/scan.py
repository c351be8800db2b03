"""`Scan`: finds the problems of a table, and records the decisions of a person about them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ossferry_checks.tables.decisions import NOTHING, Decisions, Fix
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.problems import Group, Problem, Problems
from ossferry_checks.tables.repair import Repair, repaired


class Scan:
    """Finds the problems of a table, and counts the problems that the decisions do not solve.

    Attributes:
        decisions: all decisions so far; none of them is missing, see `Decisions.complete`.

    Args:
        path: the file.
        table: the declaration.
        decisions: earlier decisions, which the scan applies.
        language: the language of the reasons, such as `zh-CN`.

    Raises:
        TableError: the table cannot be read.
        ValueError: the decisions do not fit the table.
    """

    def __init__(
        self,
        path: Path | str,
        table: Table,
        decisions: Decisions = NOTHING,
        *,
        language: str = "en",
    ) -> None:
        self._path = Path(path)
        self._table = table
        self._language = language
        self.decisions = decisions.complete(self._path, table)
        self._repair = Repair(table, self.decisions)
        self._problems = Problems(self._repair, self.decisions)
        self._past: list[Decisions] = []
        self._future: list[Decisions] = []

    def run(self) -> Iterator[float]:
        """Read the file, and yield the finished share after each batch of rows.

        Raises:
            TableError: the table cannot be read.
        """
        for found in repaired(self._path, self._repair, self.decisions):
            self._problems.add(found.rows.values())
            yield found.batch.share
        self._problems.end()

    @property
    def rows(self) -> int:
        """The number of rows in the file that have a value."""
        return self._repair.rows

    @property
    def count(self) -> int:
        """The number of rows with a problem that no decision solves."""
        return self._problems.count

    @property
    def groups(self) -> list[Group]:
        """The unsolved problems, in groups of the same kind."""
        return self._problems.groups()

    def problems(self, group: str, offset: int = 0, limit: int = 100) -> list[Problem]:
        """Return problems of a group; only its first 1,000 problems are in memory.

        Args:
            group: the id of the group.
            offset, limit: how many problems to skip, and how many to return at most.
        """
        return self._problems.problems(group, offset, limit, self._language)

    def decide(self, decision: Mapping[str, Any]) -> None:
        """Add a decision, and update the counts without reading the file again.

        Rows that are not in memory count as corrected if a fix applies to their whole group.

        Args:
            decision: one of `{"format": [field, name]}`, `{"fix": {"field": …, "problem": …,
                "fix": …}}`, `{"cell": [row, field, text]}`, `{"drop": row}`.

        Raises:
            ValueError: the decision has another form, or does not fit the table.
        """
        old = self.decisions
        match decision:
            case {"format": [str(name), str(chosen)]}:
                new = replace(old, formats={**old.formats, name: chosen})
            case {"fix": {"field": str(), "problem": str(), "fix": str()} as rule}:
                new = replace(old, fixes=(*old.fixes, Fix(**rule)))
            case {"cell": [int(row), str(name), str(text)]}:
                others = [each for each in old.cells if each[:2] != (row, name)]
                new = replace(old, cells=(*others, (row, name, text)))
            case {"drop": int(row)}:
                new = replace(old, dropped=(*old.dropped, row))
            case _:
                raise ValueError(f"this is no decision: {decision}")
        new.check(self._table)
        self._past.append(old)
        self._future.clear()
        self._use(new)

    @property
    def can_undo(self) -> bool:
        """Whether there is a decision that `undo` takes back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a decision that `redo` repeats."""
        return bool(self._future)

    def undo(self) -> bool:
        """Undo the last decision; return whether there was one."""
        return self._move(self._past, self._future)

    def redo(self) -> bool:
        """Repeat the decision that was undone last; return whether there was one."""
        return self._move(self._future, self._past)

    def _move(self, source: list[Decisions], target: list[Decisions]) -> bool:
        if not source:
            return False
        target.append(self.decisions)
        self._use(source.pop())
        return True

    def _use(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self._problems.decide(decisions)
