"""The browser tab: its title and icon show the progress, and closing it must not lose uploads."""

from ossferry_uploader.browser.clock import Pace
from upload_page.browser import window
from upload_page.view.signals import Computed, effect
from upload_page.view.words.text import language, percent, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.view.model import QueueModel

STEP = 5  # percent between two icons
TAB_MS = 1000.0
ICON = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' "
    "stroke-width='5'><circle cx='16' cy='16' r='12' stroke='%23b9cfcd'/><path d='M16 4a12 12 0 1 1"
    "-.01 0' pathLength='100' stroke='%230b7a75' stroke-dasharray='{share} 100'/></svg>"
)


def show_tab(model: "QueueModel") -> None:
    """From now on, show the progress in the title and the icon of the browser tab.

    If closing the page would lose uploads, the browser asks the person to confirm it. Title and
    icon change at most once a second, because the browser redraws its window for each change.
    """
    tab = Computed(lambda: (_title(model), _icon(model)))
    busy = Computed(
        lambda: model.running.get() > (0 if model.forgetful.get() else model.kept.get())
    )
    soon = Pace(lambda: TAB_MS)

    def show() -> None:
        title, icon = tab.get()
        window.set_title(title)
        window.set_icon(icon)

    def follow() -> None:
        tab.get()
        soon(show)

    effect(follow)
    effect(lambda: window.guard_leaving(busy.get()))


def _icon(model: "QueueModel") -> str:
    size = model.size.get()
    if not model.running.get() or not size:
        return ""
    share = 100 * model.sent.get() // size // STEP * STEP
    return ICON.replace("{share}", str(share))


def _title(model: "QueueModel") -> str:
    language.get()
    size = model.size.get()
    if not model.running.get() or not size:
        return say("title")
    return say("title_busy", percent=percent(model.sent.get(), size))
