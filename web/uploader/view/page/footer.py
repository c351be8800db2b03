"""The foot of the page: what is not needed every day."""

from uploader.browser.page.dom import by_id, clear, element, listen
from uploader.view.signals import Computed, effect
from uploader.view.words.text import say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.browser.page.dom import Element
    from uploader.view.actions import Actions
    from uploader.view.model import QueueModel
    from uploader.view.page.grant import GrantModel
    from uploader.view.signals import Owner

__all__ = ["show_foot"]

SPEEDS = (0, 250_000, 1_000_000, 5_000_000, 20_000_000)  # bytes per second


def show_foot(model: "QueueModel", grant: "GrantModel", actions: "Actions", owner: "Owner") -> None:
    """Fill `#more`, and keep it in step."""
    box = by_id("more")
    clear(box)
    speed = _speed_limit(actions, owner)
    any_done = Computed(lambda: model.done.get() + actions.put_away.get() > 0)

    def offer(key: str, action: "Callable[[], None]") -> None:
        attributes = {"type": "button", "class": "link", "data-does": key}
        button = element("button", attributes, say(key))
        owner.on_dispose(listen(button, "click", action))
        box.append(button)

    def show() -> None:
        clear(box)
        box.append(speed)
        if grant.can("objects"):
            offer("mine", actions.mine)
        if any_done.get():
            offer("receipt", actions.receipt)
        offer("shortcuts", lambda: actions.open("shortcuts"))
        if grant.can("sign-out"):
            offer("sign_out", actions.sign_out)

    effect(show)


def _speed_limit(actions: "Actions", owner: "Owner") -> "Element":
    select = element("select", {"class": "link", "id": "speed"})
    for speed in SPEEDS:
        words = say("speed", size=size_text(speed)) if speed else say("speed_limit_off")
        select.append(element("option", {"value": str(speed)}, words))
    select.value = str(actions.speed_limit)
    owner.on_dispose(listen(select, "change", lambda: actions.limit_speed(int(str(select.value)))))
    return element("label", None, say("speed_limit"), " ", select)
