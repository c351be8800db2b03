"""The second step of the repair of a table: problems in groups, and decisions about them."""

from functools import partial

from upload_page.browser.dom import element, has_focus, listen, set_attribute, set_text, show_toast
from upload_page.browser.repair import put_in_order
from upload_page.repair.cells import Cells
from upload_page.repair.groups import count_of, decision_of, fix_name, format_name, sentence_of
from upload_page.repair.result import show_result
from upload_page.view.elements import button, facts
from upload_page.view.signals import Owner
from upload_page.view.words.text import number, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.repair.panel import Panel

FILTER_FROM = 9  # groups
VALUES = 4  # that a group shows
NEXT, PREVIOUS = ("F8", "Alt+ArrowDown"), ("Shift+F8", "Alt+ArrowUp")
REDO = ("Ctrl+Shift+Z", "Ctrl+Y")


class Problems:
    """The step, which shows itself.

    Attributes:
        panel: the dialog.
        opened: the group whose rows are shown; `None` if there is none.

    Args:
        state: the result of the session's command `scan`.
        back: shows the step before.
    """

    def __init__(self, panel: "Panel", state: "dict[str, Any]", back: "Callable[[], None]") -> None:
        self.panel = panel
        self._back = back
        self.opened: _Group | None = None
        self._state = state
        self._groups: list[_Group] = []
        self._words = element("p", {"class": "left", "role": "status", "id": "rows-left"})
        lost = {"class": "told", "role": "status"}
        self._lost = element("p", lost, say("panel_not_kept"))
        self._list = element("div", {"class": "groups"})
        self._filter = element("select", {"class": "select", "aria-label": say("panel_column")})
        bar = element("div", {"class": "field"}, self._words, self._filter)
        self._keys = element("p", {"class": "hint keys-hint"}, say("panel_keys"))
        panel.show(2, "problems", bar, self._lost, self._list, self._keys)
        set_attribute(panel.dialog.body.querySelector("h3"), "aria-describedby", "rows-left")
        owner = panel.owner
        self._undo = button("quiet strong", say("undo"), lambda: self._turn("undo"), owner)
        self._redo = button("quiet strong", say("panel_redo"), lambda: self._turn("redo"), owner)
        bar.append(self._undo, self._redo)
        owner.on_dispose(listen(self._filter, "change", self._show_groups))
        owner.on_dispose(self._end)
        panel.on_keys = self._press
        panel.offer(say("panel_back"), back)
        self._write = panel.offer(say("panel_write"), lambda: panel.run(self._written()))
        self._filter.append(element("option", {"value": ""}, say("panel_all_columns")))
        for name in sorted({each["field"] for each in state["groups"] if each["field"]}):
            self._filter.append(element("option", {"value": name}, name))
        self._filter.hidden = len(state["groups"]) < FILTER_FROM
        self._update(state)

    async def run(self, command: str, given: "Any" = None, at: int = 0) -> None:
        """Run a command of the session that changes the decisions, and show what is left.

        Args:
            at: the place of the group that gets the focus if what had the focus is gone; below 0
                for none.
        """
        self._update(await self.panel.call(command, given))
        if self.opened:
            await self.opened.cells.load()
        if at >= 0 and not has_focus(self.panel.dialog.box):
            left = self._groups[at : at + 1] or self._groups[-1:]
            (left[0].box.querySelector("button") if left else self._write).focus()

    async def decide(self, decision: "dict[str, Any]") -> None:
        """Decide about problems, see `Scan.decide` in `ossferry_checks.tables.scan`."""
        await self.run("decide", decision, -1)

    async def fix(self, group: "_Group", decision: "dict[str, Any]") -> None:
        """Decide about the problems of a group, and go to the group that takes its place."""
        await self.run("decide", decision, self._groups.index(group))

    def open(self, group: "_Group | None", focus: int = -1) -> None:
        """Show the rows of one group only, or of none.

        Args:
            focus: the place of the row that gets the focus.
        """
        if self.opened:
            self.opened.fold(True)
        self.opened = group
        if group:
            group.fold(False)
            self.panel.run(group.cells.load(focus))

    def move_to_group(self, step: int) -> None:
        """Open the next group, or the previous one, and go to its first problem."""
        shown = [group for group in self._groups if not group.box.hidden]
        at = shown.index(self.opened) + step if self.opened in shown else 0
        if not shown:
            self._write.focus()
        elif 0 <= at < len(shown):
            self.open(shown[at], 0)

    def _update(self, state: "dict[str, Any]") -> None:
        self._state = state
        if state["can_undo"] or self.panel.decisions:
            self.panel.keep(state["decisions"])
        left = state["count"]
        words = say_count("panel_left", left) if left else say("panel_none_left")
        if words != str(self._words.textContent):
            set_text(self._words, words)
        set_attribute(self._write, "class", f"button small{'' if left else ' primary'}")
        self._keys.hidden = not left
        self._lost.hidden = self.panel.is_kept
        turned = [each for each in (self._undo, self._redo) if has_focus(each)]
        self._undo.disabled = not state["can_undo"]
        self._redo.disabled = not state["can_redo"]
        if turned and turned[0].disabled:  # it would lose the focus
            (self._redo if self._undo.disabled else self._undo).focus()
        self._show_groups()

    def _show_groups(self) -> None:
        known: dict[str, Any] = {group.facts["id"]: group for group in self._groups}
        if str(self._filter.value) not in [each["field"] for each in self._state["groups"]]:
            self._filter.value = ""  # its last problem is gone
        chosen = str(self._filter.value)
        self._groups = []
        for facts_of in self._state["groups"]:
            group = known.pop(facts_of["id"], None) or _Group(self, facts_of)
            group.show(facts_of)
            group.box.hidden = bool(chosen) and facts_of["field"] != chosen
            self._groups.append(group)
        for group in known.values():
            group.dispose()
            if group is self.opened:
                self.opened = None
        put_in_order(self._list, [group.box for group in self._groups])
        if self.opened and self.opened.box.hidden:
            self.open(None)

    def _end(self) -> None:
        for group in self._groups:
            group.dispose()

    def _turn(self, command: str) -> None:
        self.panel.run(self.run(command))

    async def _written(self) -> None:
        """Write the corrected file, and show the result, or the problems if there are any left."""
        panel = self.panel

        def again() -> None:
            Problems(panel, self._state, self._back)  # the state may be newer: of the last edit

        show = panel.wait(say("panel_writing"), can_cancel=True)
        result = await panel.call("write", None, show)
        if "error" in result:
            panel.show_error(result)
        elif result["left"]:
            again()
            show_toast(say("panel_still"))
        else:
            panel.keep(result["decisions"])
            name = panel.file.name.rpartition(".")[0] + ".csv"
            show_result(panel, result, await panel.take(name), again)

    def _press(self, keys: str, target: "Element") -> bool:
        tag = str(target.tagName)
        if keys in NEXT + PREVIOUS and (tag != "SELECT" or "F8" in keys):
            step = 1 if keys in NEXT else -1
            if not self.opened or not self.opened.cells.move(step):
                self.move_to_group(step)
            return True
        if keys == "Escape":
            return bool(self.opened and self.opened.cells.take_back())
        if tag in ("INPUT", "SELECT"):
            is_value = keys == "Enter" and tag == "INPUT" and self.opened
            return bool(is_value and self.opened and self.opened.enter())
        if keys == "Ctrl+Z" or keys in REDO:
            self._turn("undo" if keys == "Ctrl+Z" else "redo")
            return True
        return False


class _Group:
    """One group of problems.

    Attributes:
        facts: what the session says about it.
    """

    def __init__(self, problems: Problems, facts_of: "dict[str, Any]") -> None:
        self.facts: dict[str, Any] = {}
        leave = partial(problems.move_to_group, 1)
        self.cells = Cells(problems.panel, facts_of, problems.decide, leave)
        self._problems = problems
        self._owner = Owner()
        self._head = element("div")
        self._toggle: Element = None
        self._scope: Element = None
        self._new: Element = None
        self._mend = element("div", {"class": "field"})
        attributes = {"class": "group", "data-testid": "group"}
        self.box = element("section", attributes, self._head, self._mend, self.cells.box)

    def show(self, group: "dict[str, Any]") -> None:
        """Show the group, unless nothing has changed."""
        if group == self.facts:
            return
        self.facts = group
        self.cells.count = group["count"]
        self._owner.dispose()
        sentence = sentence_of(group, self._problems.panel.field(group["field"]))
        set_attribute(self.box, "aria-label", f"{group['field']} {sentence}")
        name = element("bdi", {"class": "name"}, group["field"] or sentence)
        count = element("span", {"class": "hint"}, count_of(group))
        self._toggle = self._button("quiet strong", "", self._fold_or_open)
        title = element("p", {"class": "title"}, name, count)
        self._head.replaceChildren(element("div", {"class": "top-line"}, title, self._toggle))
        if group["field"]:
            self._head.append(element("p", None, element("bdi", None, sentence)))
        shown = [_times(*each) for each in group["values"][:VALUES]]
        fixes, examples = element("div", {"class": "fixes"}), group["examples"]
        if len(examples) == 1:
            shown = _changes(examples[0][1])
        elif examples:
            shown = []
            fixes.append(*[self._format(*each) for each in examples])
        for fix in group["fixes"]:
            if fix != "replace" and (fix != "convert" or len(examples) < 2):
                kind = "button small" if fix == group["fixes"][0] else "quiet strong"
                kind = "quiet bad" if fix == "drop_rows" else kind
                name = fix_name(fix, group["problem"])
                fixes.append(self._button(kind, name, partial(self._fix, fix)))
        if shown:
            self._head.append(element("p", {"class": "samples"}, facts(shown)))
        if group["problem"] == "kind" and not group["fixes"]:
            self._head.append(element("p", {"class": "hint"}, say("panel_first_format")))
        self._head.append(fixes)
        self._show_mend(group)
        self.fold(self._problems.opened is not self)

    def fold(self, is_folded: bool) -> None:
        """Hide or show the rows of the group."""
        self.cells.box.hidden = is_folded
        self._mend.hidden = is_folded or not self._mend.firstChild
        set_text(self._toggle, say("panel_show" if is_folded else "panel_hide"))
        set_attribute(self._toggle, "aria-expanded", "false" if is_folded else "true")

    def enter(self) -> bool:
        """Save the value of the input with the focus, after the Enter key."""
        if has_focus(self._mend):
            self._fix("replace")
            return True
        return self.cells.enter()

    def dispose(self) -> None:
        """Remove the group."""
        self._owner.dispose()
        self.cells.dispose()
        self.box.remove()

    def _show_mend(self, group: "dict[str, Any]") -> None:
        """Show the fields that choose one of the wrong values, and a new value."""
        self._scope = element("select", {"class": "select"})
        self._scope.append(element("option", {"value": ""}, say("panel_all_values")))
        for index, each in enumerate(group["values"]):
            self._scope.append(element("option", {"value": str(index + 1)}, _times(*each)))
        self._mend.replaceChildren()
        if group["fixes"] and len(group["values"]) > 1:
            words = say("panel_applies")
            self._mend.append(element("label", {"class": "field"}, words, self._scope))
        if "replace" in group["fixes"] and group["count"] > 1:  # else the cell is edited
            words = say("panel_new_value")
            attributes = {"class": "text", "dir": "auto", "placeholder": words, "aria-label": words}
            self._new = element("input", attributes)
            replace = partial(self._fix, "replace")
            self._mend.append(
                self._new, self._button("button small", say("panel_replace"), replace)
            )

    def _format(self, name: str, pairs: "list[list[str]]") -> "Element":
        """Return the button that chooses one of several formats."""
        choose = partial(self._fix, "convert", name)
        words = element("bdi", None, format_name(name))
        made = self._button("button small format", words, choose)
        made.append(element("span", {"class": "samples"}, facts(_changes(pairs))))
        return made

    def _button(self, kind: str, words: "Element | str", action: "Any") -> "Element":
        return button(kind, words, action, self._owner)

    def _fold_or_open(self) -> None:
        self._problems.open(None if self._problems.opened is self else self)

    def _fix(self, fix: str, to: str = "") -> None:
        to = str(self._new.value) if fix == "replace" else to
        at = int(str(self._scope.value) or 0)
        value = self.facts["values"][at - 1][0] if at else None
        decision = decision_of(self.facts, fix, to=to, value=value)
        self._problems.panel.run(self._problems.fix(self, decision))


def _changes(pairs: "list[list[str]]") -> "list[str]":
    return [
        say("changed_size", before=value, after=new) if new != value else value
        for value, new in pairs
    ]


def _times(value: str, count: int) -> str:
    return f"{value} × {number(count)}" if count > 1 else value
