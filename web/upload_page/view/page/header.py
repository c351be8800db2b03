"""The controls in the page's header: language and colours."""

from upload_page.browser import language as browser_language
from upload_page.browser import window
from upload_page.browser.dom import by_id, listen, set_attribute
from upload_page.view.signals import effect
from upload_page.view.words.text import direction, language, say, use

THEMES = ("auto", "light", "dark")


def start_language() -> None:
    """Show the page in the language in which the server sent it.

    From now on, the person can choose another language in the element `#language`.
    """
    code = browser_language.chosen()
    use(code, browser_language.sentences_of_page(), browser_language.Intl(code))
    select = by_id("language")
    select.value = code
    select.disabled = False

    listen(select, "change", lambda: speak(str(select.value)))


def languages() -> "list[str]":
    """Return the codes of the languages that the page offers, such as `zh-CN`."""
    options = by_id("language").options
    return [str(options[index].value) for index in range(options.length)]


def speak(code: str, *, remember: bool = True) -> None:
    """Start to show the page in another language, and return at once.

    The page changes when the server has sent the sentences of the language.

    Args:
        code: the code of the language, such as `zh-CN`.
        remember: whether a cookie stores the choice for later visits.
    """
    window.start(_speak(code, remember))


async def _speak(code: str, remember: bool) -> None:
    by_id("language").value = code
    sentences = await browser_language.fetch_sentences(code)
    if remember:
        browser_language.remember(code)
    use(code, sentences, browser_language.Intl(code))
    browser_language.translate_shell(code, direction(code), say)


def start_theme() -> None:
    """Let the button `#theme` switch between automatic, light and dark colours."""
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
