"""Build the user interface from its parts, and build it again when the language changes."""

from upload_page.browser.dom import by_id, clear, element, set_attribute, subscribe
from upload_page.view.list.rows import row
from upload_page.view.list.total import show_total
from upload_page.view.list.unfinished import show_unfinished
from upload_page.view.list.virtual_list import VirtualList
from upload_page.view.page.announce import announce
from upload_page.view.page.footer import show_footer
from upload_page.view.page.grant import show_demo, show_grant, show_limits, show_recording
from upload_page.view.page.header import start_language, start_theme
from upload_page.view.page.keyboard import start_keys
from upload_page.view.page.notices import show_notices
from upload_page.view.page.tab import show_tab
from upload_page.view.signals import Owner, effect
from upload_page.view.words.text import language, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel


def show(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> None:
    """Build the user interface now, and again each time the language changes."""
    start_language()
    start_theme()
    start_keys(actions)
    show_tab(model)
    announce(model, actions.origin)
    built = [Owner()]

    def build() -> None:
        language.get()
        built[0].dispose()
        owner = built[0] = Owner()
        owner.run(lambda: _build(model, grant, actions, owner))

    effect(build)


def _build(model: "QueueModel", grant: "GrantModel", actions: "Actions", owner: Owner) -> None:
    effect(lambda: show_grant(grant))
    effect(lambda: show_limits(grant))
    effect(lambda: show_demo(grant))
    show_recording(grant, actions, owner)
    show_notices(model, grant, actions)
    show_unfinished(model, actions)
    _show_uploads(model, actions, owner)
    show_footer(model, grant, actions, owner)


def _show_uploads(model: "QueueModel", actions: "Actions", owner: Owner) -> None:
    box = by_id("uploads")
    clear(box)
    rows = element("div", {"class": "list", "role": "list", "aria-label": say("uploads")})
    listing = VirtualList(rows, lambda item, own: row(item, actions, own))
    owner.on_dispose(listing.close)
    actions.reveal = listing.reveal
    box.append(show_total(model, actions, owner), rows)

    def grab(event: "Element") -> None:
        badge = event.target.closest("[data-state=waiting] .kind")
        if badge and not event.button:
            number = int(badge.parentElement.dataset.number)
            actions.open_dialog("move", number, 0, actions, float(event.pageY))

    owner.on_dispose(subscribe(rows, "pointerdown", grab))

    def show_rows() -> None:
        wanted = model.rows.get()
        listing.show(wanted)
        if model.is_ordered:
            listing.order(wanted)
        set_attribute(box, "hidden", None if wanted else "")

    effect(show_rows)
