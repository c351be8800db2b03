"""The browser window: added files, title, theme, clipboard, notifications and embedding."""

import asyncio
import json

import js
from pyscript.ffi import create_proxy, to_js

from ossferry_uploader.browser.files import BrowserFile, files_from_js
from ossferry_uploader.browser.interop import JsException, reason_of
from ossferry_uploader.browser.server.calls import NoToken
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import listen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any


YEAR_S = 365 * 86400
_loaded: "list[str]" = []


def receive_files(handler: "Callable[[Iterator[BrowserFile]], None]") -> None:
    """Call `handler` each time a person adds files to the page, with an iterator over these files.

    If files were added before Python started, `handler` gets them first.
    """
    js.ossferry.listen(create_proxy(lambda files: handler(files_from_js(files))))


def url(name: str) -> str:
    """Return the address of a file that the page loads on demand.

    Args:
        name: a name that `build.py` writes into the page, such as `on_demand`.
    """
    return str(js.ossferry.url(name))


async def fetch_text(name: str) -> str:
    """Return the text of a file that the page loads on demand.

    Args:
        name: a name that `build.py` writes into the page, such as `on_demand`.

    Raises:
        ServerRefused: the server does not answer.
    """
    try:
        answer = await js.ossferry.fetch(url(name))
        return str(await answer.text())
    except JsException as error:
        raise ServerRefused(0, detail=reason_of(error))


def ready() -> None:
    """Mark the page as started, and forbid scripts to execute text as code from now on.

    The browser then refuses calls such as `eval` (Trusted Types).
    """
    js.ossferry.ready()


def fail() -> None:
    """Show the message that the page could not start."""
    js.ossferry.fail()


def guard_leaving(on: bool) -> None:
    """Protect running uploads: the browser asks before it closes the page, and keeps the screen on.

    Args:
        on: true to start the protection, false to end it.
    """
    js.ossferry.guardLeaving(on)


def set_title(text: str) -> None:
    """Set the title of the browser tab."""
    js.document.title = text


def set_icon(address: str) -> None:
    """Set the icon of the browser tab; an empty address restores the original icon."""
    icon = js.document.getElementById("icon")
    usual = icon.getAttribute("data-usual") or str(icon.href)
    icon.setAttribute("data-usual", usual)
    if str(icon.getAttribute("href")) != (address or usual):
        icon.href = address or usual


def theme() -> str:
    """Return the theme that a person has chosen, `light` or `dark`; empty if none was chosen."""
    return str(js.document.documentElement.getAttribute("data-theme") or "")


def set_theme(name: str, *, remember: bool = True) -> None:
    """Set the colours of the page: `light`, `dark`, or `auto` for the theme of the system.

    Args:
        remember: whether a cookie stores the choice for a year; `auto` deletes the cookie.
    """
    chosen = name if name in ("light", "dark") else ""
    root = js.document.documentElement
    if chosen:
        root.setAttribute("data-theme", chosen)
    else:
        root.removeAttribute("data-theme")
    if not remember:
        return
    age_s = YEAR_S if chosen else 0
    js.document.cookie = f"ossferry_theme={chosen}; path=/; max-age={age_s}; samesite=lax"


def origin() -> str:
    """Return scheme, host and port of this page."""
    return str(js.location.origin)


def reload() -> None:
    """Load this page again."""
    js.location.reload()


def address() -> str:
    """Return the address of this page, without its query."""
    return origin() + str(js.location.pathname)


def browser() -> str:
    """Return the browser's user agent string."""
    return str(js.navigator.userAgent)


async def copy_text(text: str) -> bool:
    """Copy text to the clipboard, and return whether the browser allowed it."""
    try:
        await js.navigator.clipboard.writeText(text)
    except (JsException, AttributeError):  # refused, or no clipboard without https
        return False
    return True


def save_text(name: str, kind: str, text: str) -> None:
    """Let the browser save text as a file, like a download.

    Args:
        name: the name of the file.
        kind: the content type of the file.
        text: the content of the file.
    """
    link = js.document.createElement("a")
    link.href = js.URL.createObjectURL(js.Blob.new(to_js([text]), to_js({"type": kind})))
    link.download = name
    link.click()


def try_now() -> None:
    """Let all uploads that wait for the network or the server try again at once."""
    js.window.dispatchEvent(js.Event.new("online"))


async def person_or_network_back() -> None:
    """Wait until a person returns to this page, or the browser reports that it is online."""
    woken = asyncio.Event()
    stops = [listen(js.window, event, woken.set) for event in ("focus", "online")]
    await woken.wait()
    for stop in stops:
        stop()


def when_hidden(handler: "Callable[[], None]") -> None:
    """Call `handler` each time the page becomes hidden, for example behind another tab.

    A phone may end a hidden page without any further event.
    """

    def look() -> None:
        if js.document.hidden:
            handler()

    listen(js.document, "visibilitychange", look)


def is_touched() -> bool:
    """Tell whether the main pointing device is a touch screen, as on a phone."""
    return bool(js.matchMedia("(pointer: coarse)").matches)


def is_secure() -> bool:
    """Tell whether this page is a secure context: loaded with https, or from `localhost`.

    In a page that is not a secure context, browsers disable some features, such as notifications.
    """
    return bool(js.window.isSecureContext)


def open_tab(address: str) -> None:
    """Open an address in a new tab."""
    js.window.open(address, "_blank", "noopener")


def may_ask_to_notify() -> bool:
    """Tell whether the browser would ask the person for permission to show notifications.

    Browsers ask only in a secure context, and only if the person has not answered before.
    """
    kind: Any = getattr(js.window, "Notification", None)
    return bool(kind) and is_secure() and str(kind.permission) == "default"


async def ask_to_notify() -> None:
    """Ask the person for permission to show notifications, and wait for the answer.

    The browser stores the answer; this function does not return it.
    """
    await js.Notification.requestPermission()


def notify_if_away(words: str) -> None:
    """Show a notification with these words if the page is hidden and notifications are allowed."""
    kind: Any = getattr(js.window, "Notification", None)
    if kind and str(kind.permission) == "granted" and js.document.hidden:
        kind.new(words, to_js({"tag": "ossferry"}))


def show_thumbnail(target: "Any", file: "Any") -> None:
    """Append a thumbnail of an image or video file to an element, as soon as the browser is idle.

    If the browser cannot decode the file, the element stays unchanged.

    Args:
        target: the element.
        file: the image or video, a `BrowserFile`.
    """
    js.ossferry.ask("thumbnails", "show", target, file.blob)


def shows_pdf() -> bool:
    """Return whether the browser shows PDF in place; some can only download it."""
    return bool(js.navigator.pdfViewerEnabled)


async def can_record(kinds: "list[str]") -> "list[str]":
    """Return what this browser can record here: some of `camera`, `sound` and `screen`.

    Browsers record only in a secure context; a page in a frame has no permission.
    """
    if is_embedded() or not is_secure():
        return []
    module = await js.ossferry.load("recorder")
    return [kind for kind in kinds if module.can(kind)]


def focus_next_row(row: "Any", step: int) -> None:
    """Move the keyboard focus from a row of the file list to the next or previous row.

    The button with the same action gets the focus, or else the first button of that row. If there
    is no such row, the focus stays.

    Args:
        row: the row in which an element has the focus.
        step: 1 for the next row, -1 for the previous one.
    """
    rows = js.document.querySelectorAll("[data-testid=upload]")
    for index in range(rows.length):
        if rows[index].contains(row) and 0 <= index + step < rows.length:
            to = rows[index + step]
            does = getattr(js.document.activeElement.dataset, "does", None)
            same = to.querySelector(f"[data-does={does}]") if does else None
            (same or to.querySelector(".actions button")).focus()


def start(work: "Coroutine[Any, Any, None]") -> None:
    """Start a coroutine as an `asyncio` task, and return without waiting for its end."""
    asyncio.create_task(work)  # noqa: RUF006 - it ends by itself


def report_error(error: Exception) -> None:
    """Write an unexpected exception to the browser's console."""
    js.console.error(f"ossferry: {type(error).__name__}: {error}")


async def load_modules(name: str) -> None:
    """Load modules unless they are loaded already; after this call, Python can import them.

    Args:
        name: `on_demand`: the module `upload_page.on_demand`, and the modules that only this module
            imports; `details`, `pictures`, `recording`, `repair`, `requests`: those of a folder.

    Raises:
        ServerRefused: the server does not answer.
    """
    if name not in _loaded:
        exec(await fetch_text(name), {})  # noqa: S102 - our own file, checked by its hash
        _loaded.append(name)


def is_for_guests() -> bool:
    """Tell whether this page belongs to a request for files, and its visitors have no account."""
    return bool(js.document.documentElement.hasAttribute("data-request"))


def is_embedded() -> bool:
    """Tell whether the script `embed.js` of another page shows this page in a frame."""
    inside = bool(js.window.parent != js.window)
    return inside and "embed=" in str(js.location.search)


async def token_of_embedding_page() -> "str | None":
    """Ask the page that embeds this page for a bearer token that identifies the person.

    Returns:
        The token; `None` if the embedding page does not identify the person with tokens.

    Raises:
        NoToken: the embedding page has no token now, or did not answer in time.
    """
    answer = json.loads(str(await js.ossferry.ask("frame", "token")))
    if answer == "":
        raise NoToken("the embedding page gave no token")
    token: str | None = answer
    return token


class Frame:
    """Exchanges messages with the page that embeds this page in a frame."""

    def __init__(self, module: "Any") -> None:
        self._module = module

    @classmethod
    async def open(cls) -> "Frame":
        """Load the script `frame.js`, and return a new `Frame`."""
        return cls(await js.ossferry.load("frame"))

    async def level(self) -> str:
        """Return the level that the server gives the embedding page: `counts`, `results` or `none`.

        With `counts`, the embedding page learns only the numbers of files and bytes. With
        `results`, it also learns names and object keys, sets options for uploads, and adds files.
        With `none`, the server does not allow it to embed this page.
        """
        return str(await self._module.level)

    def is_of_other_site(self) -> bool:
        """Tell whether the embedding page certainly belongs to another site than this page.

        False means that both may belong to the same site.
        """
        return bool(self._module.isOfOtherSite)

    async def options(self) -> "dict[str, Any]":
        """Wait until the embedding page has sent options, and return the latest ones, by name."""
        options: dict[str, Any] = json.loads(str(await self._module.options()))
        return options

    def listen(self, handler: "Callable[[str, str], None]") -> None:
        """From now on, call `handler(command, value)` for each message from the embedding page.

        Both arguments are texts; for the command `options`, the value is JSON. Messages with files
        or tokens are handled by `frame.js`, and do not reach the handler.
        """
        self._module.start(create_proxy(handler))

    def tell(self, kind: str, value: "object") -> None:
        """Send a message to the embedding page.

        Args:
            kind: the name of the message.
            value: the content of the message, which must be convertible to JSON.
        """
        self._module.tell(json.dumps({"ossferry": kind, "value": value}))
