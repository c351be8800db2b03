"""The first step of the repair of a table: which field each column of the file belongs to."""

import json
from functools import partial

from upload_page.browser.dom import element, listen, set_attribute
from upload_page.repair.problems import Problems
from upload_page.view.elements import facts
from upload_page.view.words.messages import at_line
from upload_page.view.words.text import number, say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.repair.panel import Panel

MOST = 500  # columns that are shown, besides those with a field
DELIMITERS = (",", ";", "|", "\t")
ENCODINGS = {"cp932": "Shift_JIS", "cp1252": "Windows-1252"}  # names that people know


class Columns:
    """The step, which shows itself.

    Args:
        overview: the result of the session's commands `open` and `read`, perhaps with `error`.
        read_by: the choice of how to read the file that the person has just made; it gets the focus
            back.
    """

    def __init__(self, panel: "Panel", overview: "dict[str, Any]", *, read_by: str = "") -> None:
        self._panel = panel
        self._overview = overview
        self._header = json.dumps([each["header"] for each in overview["columns"]])
        self._fields: list[str] = [each["field"] or "" for each in overview["columns"]]
        self._choices: list[tuple[str, Element]] = []
        self._told = element("div", {"class": "told", "role": "status"})
        hints = [say("panel_columns_hint")]
        known = panel.matches_of(self._header, len(self._fields))
        if panel.decisions:
            hints = [say("panel_left_out" if panel.is_old else "panel_continued")]
        elif known and known != self._fields:
            self._fields, hints = known, [say("panel_matched")]
        hints += self._limits()
        panel.show(
            1, "columns", self._told, *[element("p", {"class": "hint"}, hint) for hint in hints]
        )
        lines = element("div", {"class": "list columns"})
        names = [("", say("panel_ignore"))] + [(each["name"],) * 2 for each in panel.fields]
        select = _select(names)
        for index, column in enumerate(overview["columns"]):
            if index < MOST or column["field"]:
                lines.append(self._line(index, column, select.cloneNode(True)))
        panel.dialog.body.append(lines, self._reading(read_by))
        if panel.decisions:
            panel.offer(say("panel_start_again"), panel.start_again)
        self._next = panel.offer(say("panel_continue"), self._continue, is_main=True)
        self._check()
        for name, field in self._choices:
            if name == read_by:
                field.focus()

    def _limits(self) -> "list[str]":
        """Return sentences about what the result does not have, and may not have room for."""
        overview, size, limit = self._overview, self._panel.file.size, self._overview["max_size"]
        hints = []
        if overview["lost"]:
            lost = say("comma").join([say(f"panel_lost_{each}") for each in overview["lost"]])
            hints.append(say("panel_lost", lost=lost))
        if limit and size > limit:
            hints.append(say("panel_max_size", limit=size_text(limit), size=size_text(size)))
        if len(self._fields) > MOST:
            hints.append(say("panel_more_columns", number=number(MOST)))
        return hints

    def _line(self, index: int, column: "dict[str, Any]", select: "Element") -> "Element":
        header = column["header"].strip() or f"{say('panel_column')} {index + 1}"
        set_attribute(select, "aria-label", header)
        select.value = self._fields[index]

        def choose() -> None:
            self._fields[index] = str(select.value)
            self._check()

        self._panel.owner.on_dispose(listen(select, "change", choose))
        samples = element("p", {"class": "samples"}, facts(list(column["samples"])))
        name = element("p", {"class": "name", "title": header}, element("bdi", None, header))
        return element("div", {"class": "column"}, name, samples, select)

    def _check(self) -> None:
        """Say what is missing or chosen twice."""
        overview, fields = self._overview, [each for each in self._fields if each]
        twice = say("comma").join([name for name in sorted(set(fields)) if fields.count(name) > 1])
        missing = say("comma").join(self._missing())
        told = []
        if overview["error"]:
            told = [at_line(overview["error"], overview["line"])]
        elif not fields:
            told = [say("panel_choose_column")]
        elif missing:
            told = [say("panel_missing", fields=missing)]
        if twice:
            told.append(say("panel_twice", fields=twice))
        self._told.replaceChildren(*[element("p", None, each) for each in told])
        self._next.disabled = bool(twice or not fields)

    def _missing(self) -> "list[str]":
        required = [each["name"] for each in self._panel.fields if each["required"]]
        return [name for name in required if name not in self._fields]

    def _continue(self) -> None:
        panel = self._panel
        panel.remember_matches(self._header, self._fields)
        panel.run(scan(panel, [each or None for each in self._fields], self._overview))

    def _reading(self, read_by: str) -> "Element":
        """Return the part that chooses how the file is read, open if that seems to be wrong."""
        overview, reading = self._overview, self._overview["reading"]
        fields = element("div", {"class": "reading"})
        made = element("details", {"class": "folded"})
        made.append(element("summary", None, say("panel_reading")), fields)
        is_odd = bool(read_by or overview["error"] or len(overview["sheets"]) > 1)
        made.open = is_odd or not reading["is_sure"] or bool(self._missing())
        row = element("input", {"class": "text", "type": "number", "min": "1", "max": "50"})
        row.value = str(reading["header_row"])
        choices = []
        if not overview["sheets"]:
            for name, known in (
                ("encoding", list(overview["encodings"])),
                ("delimiter", list(DELIMITERS)),
            ):
                others = [] if reading[name] in known else [reading[name]]
                choices.append((name, _select([(each, _shown(each)) for each in known + others])))
        elif len(overview["sheets"]) > 1:
            choices.append(("sheet", _select([(each, each) for each in overview["sheets"]])))
        for name, select in choices:
            select.value = reading[name]
        self._choices = choices + [("header_row", row)]
        for name, field in self._choices:
            fields.append(element("label", {"class": "field"}, say(f"panel_{name}"), field))
            self._panel.owner.on_dispose(listen(field, "change", partial(self._read, name, field)))
        if not reading["is_sure"]:
            made.append(element("p", {"class": "hint"}, say("panel_unsure")))
        return made

    def _read(self, name: str, field: "Element") -> None:
        """Read the file in another way."""
        value: Any = str(field.value)
        if name == "header_row":
            value = max(1, int(value)) if value.isdigit() else 1
        self._next.disabled = True  # until the columns are those of the new reading
        self._panel.reading = dict(self._overview["reading"], **{name: value, "is_sure": True})
        self._panel.run(self._read_again(name))

    async def _read_again(self, name: str) -> None:
        Columns(self._panel, await self._panel.call("read", self._panel.reading), read_by=name)


def _select(choices: "list[tuple[str, str]]") -> "Element":
    select = element("select", {"class": "select"})
    for value, words in choices:
        select.append(element("option", {"value": value}, words))
    return select


def _shown(value: str) -> str:
    """Return the name of an encoding or a delimiter that people know."""
    return say("panel_tab") if value == "\t" else ENCODINGS.get(value, value.upper())


async def scan(panel: "Panel", columns: "list[str | None]", overview: "dict[str, Any]") -> None:
    """Find the problems of the table, and show them.

    Args:
        columns: for each column of the file, the name of its field.
        overview: the result of `open` or `read`; shown again if the table cannot be read.
    """

    def back() -> None:
        Columns(panel, chosen)

    show = panel.wait(say("panel_scanning"), can_cancel=True)
    state = await panel.call("scan", columns, show)
    pairs = zip(overview["columns"], columns)  # noqa: B905 - MicroPython has no `strict`
    matched = [dict(each, field=name) for each, name in pairs]
    chosen = dict(overview, columns=matched, error=None, line=None)
    if "error" in state:
        Columns(panel, dict(chosen, error=state["error"], line=state["line"]))
    else:
        Problems(panel, state, back)
