"""Languages: sentences from the server, and formats for numbers and times from the browser."""

import json

import js
from pyscript.ffi import to_js

from upload_page.browser.window import fetch_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

YEAR_S = 365 * 86400


class Intl:
    """Formats numbers and times for one language with the browser's `Intl` API.

    Each formatter is created at its first use, because the creation takes some milliseconds. All
    formatters use the digits 0 to 9 (`latn`), as Python does.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._made: dict[str, Any] = {}

    @property
    def decimal(self) -> str:
        """The separator between the integer part and the decimals of a number, such as `.`."""
        return str(self._keep("decimal", lambda: self._figures("decimal").format(1.5)))[1]

    @property
    def group(self) -> str:
        """The separator between thousands, such as `,`."""
        return str(self._keep("group", lambda: self._figures("decimal").format(1000)))[1:-3]

    @property
    def percent(self) -> str:
        """The pattern of a percentage, such as `0%`, in which `0` stands for the number."""
        return str(self._keep("percent", lambda: self._figures("percent").format(0)))

    def plural(self, count: int) -> str:
        """Return the plural category of a number in this language, such as `one` or `few`.

        Source: ECMA-402, `Intl.PluralRules`; its categories are those of CLDR.
        """
        return str(self._keep("plural", lambda: self._new("PluralRules")).select(count))

    def time(self, at_s: float) -> str:
        """Return the local time of day, such as `15:40`, for a time in seconds since 1970."""
        made = self._keep("time", lambda: self._new("DateTimeFormat", timeStyle="short"))
        return str(made.format(float(at_s) * 1000))

    def moment(self, at_s: float) -> str:
        """Return the local date and time in this language, for a time in seconds since 1970."""
        made = self._keep(
            "moment", lambda: self._new("DateTimeFormat", dateStyle="medium", timeStyle="short")
        )
        return str(made.format(float(at_s) * 1000))

    def ago(self, count: int, unit: str) -> str:
        """Return an age as text in this language, such as `3 days ago` for 3 and `day`.

        Args:
            count: the number of units.
            unit: the English name of the unit of time, such as `day`.
        """
        made = self._keep("ago", lambda: self._new("RelativeTimeFormat"))
        return str(made.format(-count, unit))

    def _figures(self, style: str) -> "Any":
        return self._new("NumberFormat", style=style)

    def _new(self, kind: str, **options: str) -> "Any":
        options["numberingSystem"] = "latn"
        return getattr(js.Intl, kind).new(self._code, to_js(options))

    def _keep(self, name: str, make: "Callable[[], Any]") -> "Any":
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


def chosen() -> str:
    """Return the code of the page's current language, such as `zh-CN`.

    At first, this is the language in which the server sent the page.
    """
    return str(js.document.documentElement.lang)


def sentences_of_page() -> "dict[str, Any]":
    """Return the sentences that the server sent with the page, in the page's first language.

    The format is `{key: sentence}`; for a sentence that depends on a count, the value is `{plural
    category: sentence}`.
    """
    return _read(js.document.getElementById("sentences").textContent)


async def fetch_sentences(code: str) -> "dict[str, Any]":
    """Fetch the page's sentences in another language from the server, and return them.

    The format is `{key: sentence}`; for a sentence that depends on a count, the value is `{plural
    category: sentence}`.

    Args:
        code: the code of the language, such as `zh-CN`.

    Raises:
        ServerRefused: the server does not answer.
    """
    return _read(await fetch_text(f"locale-{code}"))


def remember(code: str) -> None:
    """Store the code of a language in a cookie for one year.

    The server reads the cookie, and sends the page in this language from then on.
    """
    js.document.cookie = f"ossferry_lang={code}; path=/; max-age={YEAR_S}; samesite=lax"


def translate_shell(code: str, direction: str, say: "Callable[[str], str]") -> None:
    """Set the language and writing direction of the page, and translate the texts of `index.html`.

    Args:
        code: the code of the language, such as `zh-CN`.
        direction: the writing direction, `ltr` or `rtl`.
        say: `say(key)` returns the sentence with this key.
    """
    root = js.document.documentElement
    root.lang = code
    root.dir = direction
    for attribute in ("data-say", "data-label"):
        elements = js.document.querySelectorAll(f"[{attribute}]")
        for index in range(elements.length):
            target = elements[index]
            words = say(str(target.getAttribute(attribute)))
            if attribute == "data-say":
                target.textContent = words
            else:
                target.setAttribute("aria-label", words)


async def fetch_words(name: str) -> "dict[str, Any]":
    """Return sentences that few pages need, as `{language code: {key: sentence}}`.

    Args:
        name: a name that `build.py` writes into the page, such as `requests_words`.

    Raises:
        ServerRefused: the server does not answer.
    """
    return _read(await fetch_text(name))


def _read(text: str) -> "dict[str, Any]":
    sentences: dict[str, Any] = json.loads(text)
    return sentences
