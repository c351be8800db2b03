"""The other pages of this origin (`tabs.js`): who sends what, and what they tell."""

import asyncio

import js
from pyscript.ffi import create_proxy

from uploader.browser.interop import JsException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BrowserTabs"]


class BrowserTabs:
    """The engine's `Tabs` port; a browser that cannot do it has no other pages, for all we know."""

    async def take(self, name: str) -> bool:
        """Take a name for this page, unless another has it; it ends with the page."""
        try:
            return bool(await js.ossferry.ask("tabs", "take", name))
        except JsException:
            return True  # without storage nothing is found twice either

    def drop(self, name: str) -> None:
        """Give a name back, if this page has it."""
        self._ask("drop", name)

    async def is_free(self, name: str) -> bool:
        """Tell whether no page has the name."""
        try:
            return bool(await js.ossferry.ask("tabs", "isFree", name))
        except JsException:
            return True  # as with `take`

    async def free(self, name: str) -> None:
        """Return when no page has the name."""
        try:
            await js.ossferry.ask("tabs", "free", name)
        except JsException:
            return  # as with `take`

    def tell(self, text: str) -> None:
        """Send a text to all other pages."""
        self._ask("tell", text)

    def listen(self, handler: "Callable[[str], None]") -> None:
        """Have `handler` called with the texts of other pages."""
        self._ask("listen", create_proxy(handler))

    def _ask(self, operation: str, given: "object") -> None:
        asyncio.create_task(self._run(operation, given))  # noqa: RUF006 - it ends by itself

    async def _run(self, operation: str, given: "object") -> None:
        try:
            await js.ossferry.ask("tabs", operation, given)
        except JsException:
            return  # as with `take`
