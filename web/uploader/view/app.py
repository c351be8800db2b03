"""Builds the view from its parts, and builds it again when the language changes."""

from uploader.browser.page.dom import by_id, clear, element, set_attribute
from uploader.view.list.rows import row
from uploader.view.list.total import show_total
from uploader.view.list.unfinished import show_unfinished
from uploader.view.list.virtual_list import VirtualList
from uploader.view.page.announce import announce
from uploader.view.page.footer import show_footer
from uploader.view.page.grant import show_demo, show_grant, show_limits
from uploader.view.page.header import start_language, start_theme
from uploader.view.page.keyboard import start_keys
from uploader.view.page.notices import show_notices
from uploader.view.page.tab import show_tab
from uploader.view.signals import Owner, effect
from uploader.view.words.text import language, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.view.actions import Actions
    from uploader.view.grant_model import GrantModel
    from uploader.view.model import QueueModel

__all__ = ["show"]


def show(model: "QueueModel", grant: "GrantModel", actions: "Actions") -> None:
    """Build the view now, and again when the language changes."""
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
    box.append(show_total(model, actions, owner), rows)

    def show_rows() -> None:
        wanted = model.rows.get()
        listing.show(wanted)
        set_attribute(box, "hidden", None if wanted else "")

    effect(show_rows)
