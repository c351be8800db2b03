"""Checkboxes with which a person selects lines of a list: one, several with Shift, or all."""

from upload_page.browser.dom import element, listen_clicks
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element


def selecting(key: str, name: str) -> "Element":
    """Return the checkbox of a line.

    Args:
        key: what `Selection.keys` returns for the line.
        name: what the line shows.
    """
    attributes = {"type": "checkbox", "class": "selecting", "value": key}
    return element("input", attributes | {"aria-label": say("select", name=name)})


class Selection:
    """The selected lines of a list; the state of the checkboxes is in the page only.

    Args:
        lines: the element with the lines.
        on_change: called when a person has selected lines, or not any more.
    """

    def __init__(self, lines: "Element", on_change: "Callable[[], None]") -> None:
        self._lines = lines
        self._on_change = on_change
        self._latest = ""  # the key of the line at which the latest range begins
        self.dispose = listen_clicks(lines, "input.selecting", self._click)

    def keys(self) -> "list[str]":
        """Return the keys of the selected lines, in the order of the list."""
        return [str(box.value) for box in self._boxes() if box.checked]

    def select(self, keys: "list[str]") -> None:
        """Select the lines with these keys, if the list has them."""
        for box in self._boxes():
            if str(box.value) in keys:
                box.checked = True

    def _boxes(self) -> "list[Element]":
        found = self._lines.querySelectorAll("input.selecting")
        return [found[index] for index in range(found.length)]

    def _click(self, box: "Element", with_shift: bool) -> None:
        key = str(box.value)
        boxes = self._boxes()
        keys = [str(each.value) for each in boxes]
        if with_shift and self._latest in keys:
            first, last = sorted((keys.index(self._latest), keys.index(key)))
            for each in boxes[first : last + 1]:
                each.checked = box.checked
        self._latest = key
        self._on_change()
