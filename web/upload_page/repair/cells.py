"""The rows of one group of problems, whose cells a person can edit."""

from functools import partial

from upload_page.browser.dom import element, has_focus, listen, set_attribute, set_text
from upload_page.browser.repair import put_in_order
from upload_page.view.elements import button
from upload_page.view.signals import Owner
from upload_page.view.words.text import number, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.repair.panel import Panel

    Decide = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]

PAGE = 50  # rows
CONTEXT = 12  # other values of a row
WHOLE = ("short", "long", "quote")  # problems that no new value of a cell mends


class Cells:
    """The rows.

    Args:
        decide: decides, and then loads the rows again, if the group still has some.
        leave: goes to the next group, and gives its first row the focus.

    Attributes:
        box: their element.
        count: the number of problems of the group, of which the session keeps the first 1,000.
    """

    def __init__(
        self, panel: "Panel", group: "dict[str, Any]", decide: "Decide", leave: "Callable[[], None]"
    ) -> None:
        self._panel = panel
        self._decide = decide
        self._leave = leave
        self._id: str = group["id"]
        self.count: int = group["count"]
        self._names: list[str] = [each["name"] for each in panel.fields]
        self._is_whole = group["problem"] in WHOLE
        self._lines: list[_Line] = []
        self._limit = PAGE
        self._owner = Owner()
        self._list = element("div", {"class": "cells"})
        self._more = button("button small", say("my_uploads_more"), self._load_more, self._owner)
        self._others = element("p", {"class": "hint"}, say("panel_other_rows"))
        self.box = element("div", None, self._list, self._more, self._others)

    async def load(self, focus: int = -1) -> None:
        """Load the rows again and show them; unchanged rows keep their elements.

        Args:
            focus: index of the row that gets the focus; -1 for none.
        """
        given = {"group": self._id, "offset": 0, "limit": self._limit + 1}
        found = await self._panel.call("problems", given)
        self._more.hidden = len(found) <= self._limit
        self._others.hidden = not self._more.hidden or len(found) >= self.count
        known: dict[Any, Any] = {line.key: line for line in self._lines}
        lines = []
        for problem in found[: self._limit]:
            edited = self._edited(problem)
            others = [name for name in self._names if name not in edited]
            shown = "\0".join([problem["values"][name] for name in others])
            key = (problem["row"], problem["field"], shown)
            line = known.pop(key, None) or self._line(key, problem, edited, others)
            line.update(problem)
            lines.append(line)
        for line in known.values():
            line.owner.dispose()
        self._lines = lines
        put_in_order(self._list, [line.box for line in lines])
        if focus >= 0 and lines:
            lines[min(focus, len(lines) - 1)].focus()

    def move(self, step: int) -> bool:
        """Go to the next or previous row, and return whether there is one."""
        at = self._at() + step
        if 0 <= at < len(self._lines):
            self._lines[at].focus()
            return True
        return False

    def enter(self) -> bool:
        """Save the values of the row with the focus, and go to the next problem."""
        at = self._at()
        if at >= 0:
            self._panel.run(self._save_and_move(at))
        return at >= 0

    def take_back(self) -> bool:
        """Take back what is not saved in the row with the focus; return whether there was any."""
        at = self._at()
        return at >= 0 and self._lines[at].take_back()

    def dispose(self) -> None:
        """Remove all rows."""
        self._owner.dispose()
        for line in self._lines:
            line.owner.dispose()

    def _at(self) -> int:
        return next((i for i, line in enumerate(self._lines) if has_focus(line.box)), -1)

    def _edited(self, problem: "dict[str, Any]") -> "list[str]":
        """Return the names of the fields that a person can edit to solve a problem."""
        if problem["field"]:
            return [problem["field"]]
        return [] if self._is_whole else self._names

    def _line(
        self,
        key: "tuple[Any, ...]",
        problem: "dict[str, Any]",
        edited: "list[str]",
        others: "list[str]",
    ) -> "_Line":
        line = _Line(key, problem, edited, others)
        for _, field, _ in line.inputs:
            save = partial(self._panel.run_new, self._save, line)
            line.owner.on_dispose(listen(field, "change", save))
        drop = partial(self._panel.run_new, self._drop, line)
        line.box.append(button("quiet bad", say("panel_drop_row"), drop, line.owner))
        return line

    async def _save(self, line: "_Line") -> bool:
        """Save the new values of a row, and return whether there were any."""
        changed = line.changed()
        for name, text in changed:
            await self._decide({"cell": [line.key[0], name, text]})
        return bool(changed)

    async def _save_and_move(self, at: int) -> None:
        line = self._lines[at]
        line.focus()  # the value is selected, in case it is still wrong
        if await self._save(line):
            self._go_on(line, at)
        elif not self.move(1):
            self._leave()

    async def _drop(self, line: "_Line") -> None:
        at = self._lines.index(line)
        await self._decide({"drop": line.key[0]})
        self._go_on(line, at)

    def _go_on(self, line: "_Line", at: int) -> None:
        """Go to the problem after one that was mended, or to what is still wrong in its place."""
        same = [each for each in self._lines if each.key[:2] == line.key[:2]]
        if not self.box.isConnected or not self._lines:
            self._leave()
        elif line not in same:
            (same or self._lines[at:] or self._lines[-1:])[0].focus()

    def _load_more(self) -> None:
        self._limit += PAGE
        self._panel.run(self.load(focus=self._limit - PAGE))


class _Line:
    """One problem: its line, the cells to edit, the reason, and the other values of the row.

    Args:
        key: the number of the row, the field, and the values that are only shown.
        edited, others: the names of the fields to edit, and of the other ones.
    """

    def __init__(
        self,
        key: "tuple[Any, ...]",
        problem: "dict[str, Any]",
        edited: "list[str]",
        others: "list[str]",
    ) -> None:
        self.key = key
        self.inputs: list[tuple[str, Element, str]] = []
        self.owner = Owner()
        values = problem["values"]
        place = say("panel_line", line=number(problem["line"]))
        about = f"reason-{id(self)}"
        cells, context = element("div", {"class": "edited"}), element("p", {"class": "context"})
        for name in edited:
            attributes = {"class": "text", "dir": "auto", "aria-describedby": about}
            field = element("input", attributes)
            set_attribute(field, "aria-label", f"{place} {name}")
            self.inputs.append((name, field, ""))
            label = element("label", {"class": "field"}, element("bdi", None, name), field)
            cells.append(field if problem["field"] else label)
        for name in [name for name in others if values[name]][:CONTEXT]:
            pair = element("bdi", None, name), " ", element("bdi", None, values[name])
            context.append(element("span", None, *pair), " ")
        where = element("p", {"class": "hint"}, place)
        reason = element("p", {"class": "reason", "id": about})
        self._reason = element("bdi")
        reason.append(self._reason)
        attributes = {"class": "cell", "data-testid": "problem", "role": "group"}
        self.box = element("div", attributes, where, cells, reason, context)
        set_attribute(self.box, "aria-label", place)
        self.owner.on_dispose(lambda: self.box.remove())

    def update(self, problem: "dict[str, Any]") -> None:
        """Show reason and values as they are now, except values that the person is changing."""
        set_text(self._reason, problem["reason"])
        inputs, self.inputs = self.inputs, []
        for name, field, before in inputs:
            text = problem["value"] if problem["field"] else problem["values"][name]
            if str(field.value) == before:
                field.value = text
            self.inputs.append((name, field, text))

    def changed(self) -> "list[tuple[str, str]]":
        """Return the fields with new values, which then count as saved."""
        now = [(name, field, str(field.value)) for name, field, _ in self.inputs]
        before, self.inputs = [text for _, _, text in self.inputs], now
        return [(name, text) for at, (name, _, text) in enumerate(now) if text != before[at]]

    def take_back(self) -> bool:
        """Show the saved values again; return whether another one was there."""
        others = [(field, text) for _, field, text in self.inputs if str(field.value) != text]
        for field, text in others:
            field.value = text
        return bool(others)

    def focus(self) -> None:
        """Give the focus to the first cell, or to the button that drops the row."""
        target = self.box.querySelector("input, button")
        target.focus()
        if self.inputs:
            target.select()
