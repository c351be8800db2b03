"""What surrounds the list: language, colours, title, icon and keys."""

import asyncio

from uploader.browser.clock import Pace
from uploader.browser.page import language as browser_language
from uploader.browser.page import window
from uploader.browser.page.dom import by_id, listen, listen_keys, set_attribute
from uploader.view.signals import Computed, effect
from uploader.view.words.text import direction, language, percent, say, use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.browser.page.dom import Element
    from uploader.view.actions import Actions
    from uploader.view.model import QueueModel

__all__ = ["show_tab", "speak", "start_keys", "start_language", "start_theme"]

THEMES = ("auto", "light", "dark")
STEP = 5  # percent
TAB_MS = 1000.0
ICON = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' "
    "stroke-width='5'><circle cx='16' cy='16' r='12' stroke='%23b9cfcd'/><path d='M16 4a12 12 0 1 1"
    "-.01 0' pathLength='100' stroke='%230b7a75' stroke-dasharray='{share} 100'/></svg>"
)


def start_language() -> None:
    """Speak the language of the page, and another when one is chosen."""
    code = browser_language.chosen()
    use(code, browser_language.sentences_of_page(), browser_language.Intl(code))
    select = by_id("language")
    select.value = code
    select.disabled = False

    listen(select, "change", lambda: speak(str(select.value)))


def speak(code: str) -> None:
    """Speak another language, if it is one of those to choose from."""
    options = by_id("language").options
    if code in [str(options[index].value) for index in range(options.length)]:
        asyncio.create_task(_speak(code))  # noqa: RUF006 - it ends by itself


async def _speak(code: str) -> None:
    by_id("language").value = code
    sentences = await browser_language.fetch_sentences(code)
    browser_language.remember(code)
    use(code, sentences, browser_language.Intl(code))
    browser_language.translate_shell(code, direction(code), say)


def start_theme() -> None:
    """Let the button go round automatic, light and dark colours."""
    button = by_id("theme")
    button.disabled = False

    def show() -> None:
        language.get()
        now = window.theme() or "auto"
        colours = say(f"theme_{now}")
        label = f"{say('theme')}: {colours}"
        set_attribute(button, "aria-label", label)
        set_attribute(button, "title", label)

    def change() -> None:
        now = THEMES.index(window.theme() or "auto")
        window.set_theme(THEMES[(now + 1) % len(THEMES)])
        show()

    listen(button, "click", change)
    effect(show)


def show_tab(model: "QueueModel") -> None:
    """Carry the progress in title and icon.

    Once a second: the browser paints its own window again for it, which is more work than a file.
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


def start_keys(actions: "Actions") -> None:
    """Listen to the shortcuts; `dialogs/shortcuts.py` describes them."""
    commands: dict[str, Callable[[], None]] = {
        "KeyU": lambda: by_id("files").click(),
        "KeyP": actions.pause_or_resume,
        "KeyR": actions.retry_failed,
        "KeyK": lambda: actions.open("shortcuts"),
    }

    def press(code: str, alt: bool, row: "Element | None") -> bool:
        if alt and code in commands:
            commands[code]()
            return True
        if row and code in ("ArrowDown", "ArrowUp"):
            window.focus_next_row(row, 1 if code == "ArrowDown" else -1)
            return True
        if row and code == "Delete":
            row.querySelector(".actions button:last-child").click()
            return True
        return False

    listen_keys(press)
