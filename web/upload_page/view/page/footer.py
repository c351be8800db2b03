"""The footer of the page: buttons and settings, for example for the speed limit and the receipt."""

from upload_page.browser.dom import by_id, clear, element, listen
from upload_page.view.elements import button
from upload_page.view.signals import Computed, Owner, effect
from upload_page.view.words.text import say, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel

SPEEDS = (0, 250_000, 1_000_000, 5_000_000, 20_000_000)  # bytes per second


def show_footer(
    model: "QueueModel", grant: "GrantModel", actions: "Actions", owner: "Owner"
) -> None:
    """Fill the footer of the page, the element `#more`, with buttons and settings.

    Until `owner` is disposed of, the buttons change when other actions become possible.
    """
    box = by_id("more")
    clear(box)
    speed = _speed_limit(actions, owner)
    any_done = Computed(lambda: model.done.get() + actions.removed_done.get() > 0)

    def offer(key: str, action: "Callable[[], None]") -> None:
        made = button("link", say(key), action, owner)
        made.dataset.does = key
        box.append(made)

    def show() -> None:
        clear(box)
        if not grant.has_form():
            box.append(speed)
        if grant.can("objects"):
            offer("my_uploads", actions.show_my_uploads)
        if grant.can("requests"):
            offer("ask_for_files", lambda: actions.open_dialog("ask_for_files", actions))
        if any_done.get():
            offer("receipt", actions.show_receipt)
        offer("shortcuts", lambda: actions.open_dialog("shortcuts"))
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
