"""Elements that the list, the page around it and the dialogs share: buttons, file names, facts."""

from uploader.browser.page.dom import clear, element, listen, set_text
from uploader.view.words.file_names import split_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.browser.page.dom import Element
    from uploader.view.signals import Owner

__all__ = ["CROSS", "Facts", "button", "facts", "file_name"]

CROSS = "M5.5 5.5l9 9m0-9l-9 9"  # the path of an icon


def button(
    kind: str, content: "Element | str", action: "Callable[[], None]", owner: "Owner"
) -> "Element":
    """Return a button that calls `action` until `owner` is disposed of.

    Args:
        kind: classes of the style sheet, such as `quiet strong`.
        content: text or an icon.
    """
    made = element("button", {"type": "button", "class": kind}, content)
    owner.on_dispose(listen(made, "click", action))
    return made


def file_name(shown: str, path: str = "") -> "Element":
    """Return a file name whose middle is cut where it does not fit, after its folders, `path`.

    The element's title is the whole name.
    """
    head, tail = split_name(shown)
    name = element("bdi", None, element("span", {"class": "head"}, head))
    if tail:
        name.append(element("span", {"class": "tail"}, tail))
    if not path:
        return element("p", {"class": "name", "title": shown}, name)
    folders = element("span", {"class": "folders"}, element("bdi", None, f"{path}/"))
    return element("p", {"class": "name", "title": f"{path}/{shown}"}, folders, name)


class Facts:
    """A line of facts that change, such as `71% · 2.1 MB/s`; `show` touches only changed facts.

    The style sheet draws the dot behind the space between two facts, so that a line never ends in
    one. Each fact is an element of its own: its first letter decides its direction.
    """

    def __init__(self) -> None:
        self.box: Element = element("span", {"class": "facts"})
        self._said: list[str] = []
        self._shown: list[Element] = []

    def show(self, said: "list[str]") -> None:
        """Replace the facts by these."""
        if len(said) != len(self._said):
            self._shown = [element("span", {"class": "fact"}, each) for each in said]
            clear(self.box)
            for each in self._shown:
                if each is not self._shown[0]:
                    self.box.append(element("span", {"class": "dot"}, " "))
                self.box.append(each)
        else:
            for index, words in enumerate(said):
                if words != self._said[index]:
                    set_text(self._shown[index], words)
        self._said = said


def facts(said: "list[str]") -> "Element":
    """Return a line of facts that do not change."""
    made = Facts()
    made.show(said)
    return made.box
