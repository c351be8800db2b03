"""HTML elements for the file list, page and dialogs: buttons, file names, lines of short texts."""

from upload_page.browser.dom import clear, element, listen, set_text
from upload_page.view.words.file_names import split_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.signals import Owner

CROSS = "M5.5 5.5l9 9m0-9l-9 9"  # the path of an icon


def button(
    kind: str, content: "Element | str", action: "Callable[[], None]", owner: "Owner"
) -> "Element":
    """Return a button element that calls `action` when it is clicked.

    Args:
        kind: CSS classes, such as `quiet strong`.
        content: the text or the icon of the button.
        owner: when it is disposed of, the click listener is removed.
    """
    made = element("button", {"type": "button", "class": kind}, content)
    owner.on_dispose(listen(made, "click", action))
    return made


def file_name(shown: str, path: str = "") -> "Element":
    """Return an element that shows the folders and the name of a file.

    If the name is too long for the line, it is shortened in the middle. The `title` attribute of
    the element contains the folders and the full name.

    Args:
        shown: the name to display.
        path: the folders of the file, such as `a/b`; may be empty.
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
    """A line of short texts, such as `71% · 2.1 MB/s`.

    Each text is a separate element, so that each text has its own writing direction. The style
    sheet draws the dots between the texts, but no dot at the end of a line.
    """

    def __init__(self) -> None:
        self.box: Element = element("span", {"class": "facts"})
        self._said: list[str] = []
        self._shown: list[Element] = []

    def show(self, said: "list[str]") -> None:
        """Show these texts in the line, and update only the texts that have changed."""
        if len(said) != len(self._said):
            self._shown = [element("span", {"class": "fact"}, fact) for fact in said]
            clear(self.box)
            for fact in self._shown:
                if fact is not self._shown[0]:
                    self.box.append(element("span", {"class": "dot"}, " "))
                self.box.append(fact)
        else:
            for index, words in enumerate(said):
                if words != self._said[index]:
                    set_text(self._shown[index], words)
        self._said = said


def facts(said: "list[str]") -> "Element":
    """Return an element with a line of short, unchanging texts, such as `71% · 2.1 MB/s`."""
    made = Facts()
    made.show(said)
    return made.box
