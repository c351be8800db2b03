"""Facts in a line, with a dot between two; where the line breaks there is none.

The dot is a picture behind the space, and the style sheet's. Each fact keeps its own direction:
that of its first letter, values aside.
"""

from uploader.browser.page.dom import clear, element, set_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.browser.page.dom import Element

__all__ = ["Facts", "facts"]


class Facts:
    """Facts that change: only what differs is touched."""

    def __init__(self) -> None:
        self.box: Element = element("span", {"class": "facts"})
        self._said: list[str] = []
        self._shown: list[Element] = []

    def show(self, said: "list[str]") -> None:
        """Say other facts."""
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
    """Return facts that do not change."""
    made = Facts()
    made.show(said)
    return made.box
