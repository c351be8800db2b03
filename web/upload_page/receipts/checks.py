"""Show the checks of a stored file: a line that a person can open to read the messages."""

from upload_page.browser.dom import element, listen
from upload_page.receipts.check_words import check_counts, outcome_text
from upload_page.view.elements import facts
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.signals import Owner


def show_checks(checks: "dict[str, Any]", owner: "Owner") -> "Element":
    """Return an element that shows how many checks had each outcome, such as `2 checks passed`.

    When a person opens the element, it also lists each check with its outcome and message.

    Args:
        checks: the results of the checks: `{"ran": [{"check": name, "outcome": word, "says":
            message}, ...]}`.
        owner: when it is disposed of, the click listener is removed.
    """
    title = element("summary", None, facts(check_counts(checks)))
    made = element("details", {"class": "folded checks", "data-testid": "checks"}, title)

    def fill() -> None:
        stop()  # the list is made once, and only for files whose checks are read
        lines = [_line(ran) for ran in checks["ran"]]
        made.append(
            element("ul", {"class": "ran"}, *lines),
            element("p", {"class": "hint"}, say("ran_claim")),
        )

    stop = listen(made, "toggle", fill)
    owner.on_dispose(stop)
    return made


def _line(ran: "dict[str, str]") -> "Element":
    line = element(
        "li",
        {"data-outcome": ran["outcome"]},
        element("bdi", {"class": "check-name"}, ran["check"]),
        element("span", {"class": "dot"}, " "),
        element("span", {"class": "outcome"}, outcome_text(ran["outcome"])),
    )
    if ran["says"]:
        line.append(element("p", {"dir": "auto"}, ran["says"]))
    return line
