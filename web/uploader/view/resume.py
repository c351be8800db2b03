"""What earlier pages left unfinished: choose the file again to go on, or discard it."""

from functools import partial

from uploader.browser.dom import by_id, clear, element, listen, set_attribute
from uploader.oss.keys import safe_name
from uploader.view.signals import Owner, effect
from uploader.view.text import ago, say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.browser.dom import Element
    from uploader.transfer.checkpoint import Checkpoint
    from uploader.view.app import Actions
    from uploader.view.model import QueueModel

__all__ = ["show_unfinished"]


def show_unfinished(model: "QueueModel", actions: "Actions") -> None:
    """Fill `#unfinished`, and keep it in step."""
    box = by_id("unfinished")
    listeners = Owner()

    def show() -> None:
        listeners.dispose()
        clear(box)
        records = model.unfinished.get()
        set_attribute(box, "hidden", None if records else "")
        if records:
            box.append(element("p", {"class": "title"}, say("unfinished")))
        for record in records:
            box.append(_line(record, model.age_s(record), actions, listeners))

    effect(show)


def _line(record: "Checkpoint", age_s: float, actions: "Actions", listeners: Owner) -> "Element":
    button = element("button", {"type": "button", "class": "quiet"}, say("discard"))
    listeners.on_dispose(listen(button, "click", partial(actions.discard, record)))
    words = say(
        "unfinished_share",
        percent=100 * record.sent // (record.size or 1),
        size=size_text(record.size),
        ago=ago(age_s),
    )
    return element(
        "div",
        {"class": "record", "data-testid": "unfinished"},
        element("p", {"class": "name"}, element("bdi", None, safe_name(record.name))),
        element("p", {"class": "state"}, words),
        button,
    )
