"""`Session`: the commands with which the page's repair panel repairs one table.

Arguments and results are JSON, so that the panel can run in another process than the session.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ossferry_checks.results import TableError
from ossferry_checks.sentences import LANGUAGES, say, sentences
from ossferry_checks.tables.cleaning import Cleaning
from ossferry_checks.tables.decisions import NOTHING, Decisions
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.matching import match
from ossferry_checks.tables.problems import Group
from ossferry_checks.tables.reading import ENCODINGS, Head, Reading
from ossferry_checks.tables.repair import FIXES, nearest
from ossferry_checks.tables.scan import Scan
from ossferry_checks.tables.values import converted, fitting

CHANGES = "changes.csv"
WORDS = ("panel_", "type_")  # the keys of the panel's sentences begin so
NAMED = {*FIXES, "other"}
"""The problems that the panel has sentences for; the others are errors of the model."""

ENCODING = ("text_not_valid", "text_zero_byte")
"""The errors after which the person chooses another encoding."""

EXAMPLES = 3

Progress = Callable[[float], None]


class Session:
    """The repair of one table.

    Args:
        path: the file to repair.
        table: the declaration of the table.
        folder: an existing folder for the list of changes.
        write: called with the bytes of the repaired table, in blocks. It raises an `OSError` if
            there is no room for them.
        language: the language of the sentences, such as `zh-CN`.
        max_size: the largest possible size of the repaired table in bytes; 0 for no limit.
    """

    def __init__(
        self,
        path: Path,
        table: Table,
        *,
        folder: Path,
        write: Callable[[bytes], object],
        language: str,
        max_size: int = 0,
    ) -> None:
        self._path = path
        self._table = table
        self._folder = folder
        self._target = _Target(write)
        self._language = language
        self._max_size = max_size
        self._opened = NOTHING
        self._reading = Reading()
        self._scan: Scan | None = None

    def changes_path(self) -> str:
        """Return the path of the list of changes that the command `write` has made."""
        return str(self._folder / CHANGES)

    def call(self, command: str, given: str, on_progress: Progress) -> str:
        """Run a command, and return its result.

        Args:
            command: the name of a public method below, without `run_`.
            given: the argument of the method as JSON.
            on_progress: called with the finished share of the command, from 0 to 1.

        Returns:
            The result of the method as JSON, or `{"error": sentence}` if the table cannot be read
            or there is no room for the repaired one.

        Raises:
            ValueError: the argument is wrong.
        """
        run = getattr(self, f"run_{command}")
        try:
            result = run(json.loads(given), on_progress)
        except TableError as error:
            result = {"error": self._says(error), "line": error.line}
        except OSError as error:
            result = {"error": say("repair_no_room", self._language, detail=error), "line": None}
        return json.dumps(result)

    def run_open(self, given: str | None, _on_progress: Progress) -> dict[str, Any]:
        """Match the columns of the file to fields; read the file as decided earlier, or as guessed.

        The result also has `words`, the sentences of the panel: {key: sentence, or {plural form:
        sentence}}, and `is_old`: whether earlier decisions are ignored, because they are of another
        release or table.

        Args:
            given: the JSON of earlier `Decisions`; None for none.
        """
        decisions, is_old = NOTHING, False
        if given:
            try:
                read = Decisions.from_json(given)
                decisions = read.known(self._table)
                is_old = decisions != read
            except ValueError:  # of an earlier release
                is_old = True
        reading = decisions.reading or Reading.guess(self._path, self._table)
        self._opened, self._scan = replace(decisions, reading=reading), None
        known = sentences(self._language if self._language in LANGUAGES else "en")
        words = {key: text for key, text in known.items() if key.startswith(WORDS)}
        overview = self._overview(reading, decisions.columns)
        return {**overview, "words": words, "is_old": is_old}

    def run_read(self, given: dict[str, Any], _on_progress: Progress) -> dict[str, Any]:
        """Read the file with another encoding or delimiter, and match its columns again.

        The next scan keeps the decisions that fit, see `Decisions.read_as`.

        Args:
            given: the fields of a `Reading`.
        """
        return self._overview(Reading(**given), None)

    def _overview(self, reading: Reading, columns: tuple[str | None, ...] | None) -> dict[str, Any]:
        error = None
        try:
            head = reading.head(self._path)
        except TableError as found:  # the person can choose another encoding
            head, error = Head((), (), (), ()), found
        matched = match(self._table, head.header, head.rows)
        self._reading = reading
        fields = [each.field for each in matched]
        if columns and len(columns) == len(matched):
            fields = list(columns)
        return {
            "error": error and self._says(error),
            "line": error and error.line,
            "reading": asdict(reading),
            "encodings": ENCODINGS,
            "sheets": head.sheets,
            "lost": head.lost,
            "max_size": self._max_size,
            "columns": [
                {"header": each.header, "field": field, "samples": each.samples}
                for each, field in zip(matched, fields, strict=True)
            ],
            "fields": [asdict(each) for each in self._table.fields],
        }

    def run_scan(self, given: list[str | None], on_progress: Progress) -> dict[str, Any]:
        """Find the problems of the whole file, and return the state of the repair.

        Decisions made before this call can no longer be undone.

        Args:
            given: for each column of the file, the name of its field, or None to ignore it.
        """
        decided = self._scan.decisions if self._scan else self._opened
        decisions = replace(decided.read_as(self._reading), columns=tuple(given))
        scan = Scan(self._path, self._table, decisions, language=self._language)
        _run(scan.run(), on_progress)
        self._scan = scan
        return self._state(scan)

    def run_problems(self, given: dict[str, Any], _on_progress: Progress) -> list[dict[str, Any]]:
        """Return problems of a group; `given` has `group`, `offset` and `limit`."""
        return [asdict(each) for each in self._scanned().problems(**given)]

    def run_decide(self, given: dict[str, Any], _on_progress: Progress) -> dict[str, Any]:
        """Add a decision, see `Scan.decide`, and return the state of the repair."""
        scan = self._scanned()
        scan.decide(given)
        return self._state(scan)

    def run_undo(self, _given: None, _on_progress: Progress) -> dict[str, Any]:
        """Undo the last decision, and return the state of the repair."""
        scan = self._scanned()
        scan.undo()
        return self._state(scan)

    def run_redo(self, _given: None, _on_progress: Progress) -> dict[str, Any]:
        """Repeat the decision that was undone last, and return the state of the repair."""
        scan = self._scanned()
        scan.redo()
        return self._state(scan)

    def run_write(self, _given: None, on_progress: Progress) -> dict[str, Any]:
        """Write the repaired table and the list of changes, and return the `Result`.

        The result also has `decisions`, the decisions as JSON, and `size`, the size of the repaired
        table in bytes.
        """
        decisions = self._scanned().decisions
        cleaning = Cleaning(self._path, self._table, decisions)
        self._target.size = 0
        with (self._folder / CHANGES).open("wb") as changes:
            _run(cleaning.run(self._target, changes), on_progress)
        more = {"decisions": decisions.as_json(), "size": self._target.size}
        return {**asdict(cleaning.result), **more}

    def run_take(self, _given: None, _on_progress: Progress) -> None:
        """Do nothing: the worker gives the repaired table to the page."""

    def _says(self, error: TableError) -> str:
        return say(
            "repair_encoding" if error.key in ENCODING else error.key,
            self._language,
            **error.values,
        )

    def _scanned(self) -> Scan:
        if self._scan is None:
            raise ValueError("the table is not scanned")
        return self._scan

    def _state(self, scan: Scan) -> dict[str, Any]:
        return {
            "rows": scan.rows,
            "count": scan.count,
            "groups": [self._group(scan, each) for each in scan.groups],
            "can_undo": scan.can_undo,
            "can_redo": scan.can_redo,
            "decisions": scan.decisions.as_json(),
        }

    def _group(self, scan: Scan, group: Group) -> dict[str, Any]:
        """Return a group with examples, and with a reason if its problem has no sentence.

        `examples` are `(format, [(value, new value)])` for each format that the group can be
        converted from. If it can get the nearest of the allowed values, the format is empty.
        """
        values = [value for value, _ in group.values]
        field = next((each for each in self._table.fields if each.name == group.field), None)
        kind = field.kind if field else "text"
        names = group.formats
        if group.problem == "kind" and "convert" in group.fixes:
            names = (*dict.fromkeys(name for value in values for name, _ in fitting(kind, value)),)
        examples: dict[str, list[tuple[str, str | None]]] = {}
        for name in names:
            new = [(value, converted(kind, name, value)) for value in values]
            shown = [pair for pair in new if pair[1] is not None][:EXAMPLES]
            if shown and shown not in examples.values():
                examples[name] = shown
        if field and "look_up" in group.fixes:
            new = [(value, nearest(field, value)) for value in values]
            examples = {"": new[:EXAMPLES]} if any(one != two for one, two in new) else {}
        is_odd = not examples and group.problem != "quote"
        fixes = [each for each in group.fixes if not is_odd or each not in ("convert", "look_up")]
        reason = ""
        if group.problem not in NAMED:
            first = scan.problems(group.id, limit=1)
            own = group.problem.partition(" ")[2]  # of a rule of the operator
            reason = own or (first[0].reason if first else say("panel_is_other", self._language))
        return {**asdict(group), "fixes": fixes, "examples": [*examples.items()], "reason": reason}


class _Target:
    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.size = 0

    def write(self, data: bytes) -> None:
        self._write(data)
        self.size += len(data)


def _run(shares: Iterator[float], on_progress: Progress) -> None:
    for share in shares:
        on_progress(share)
