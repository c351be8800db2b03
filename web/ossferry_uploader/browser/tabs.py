"""Locks and messages that all open pages of this origin share, through `tabs.js`."""

import asyncio
import json

import js

from ossferry_uploader.browser.interop import JsException, create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BrowserTabs"]

DROPPED_AFTER_S = 0.05  # or earlier, together with the next `take`


class BrowserTabs:
    """Acquires locks and exchanges messages between tabs; implements the engine's interface `Tabs`.

    If the browser does not support locks, `take` always returns `True`. Locks are acquired and
    released in the order of the calls. One call to JavaScript handles several locks, because
    Python takes long to await a promise.
    """

    def __init__(self) -> None:
        self._asked: list[_Asked] = []
        self._is_due = False

    async def take(self, name: str) -> bool:
        """Acquire the lock `name` for this page; return False if another page has the lock.

        The page keeps the lock until it calls `drop` or is closed.
        """
        asked = _Asked("take", name)
        self._asked.append(asked)
        if not self._is_due:
            self._is_due = True
            asyncio.create_task(self._do())  # noqa: RUF006 - it ends by itself
        await asked.done.wait()
        return asked.is_ours

    def drop(self, name: str) -> None:
        """Release the lock `name` after a short delay, if this page has it."""
        self._asked.append(_Asked("drop", name))
        if len(self._asked) == 1:
            asyncio.create_task(self._do_later())  # noqa: RUF006 - it ends by itself

    async def is_free(self, name: str) -> bool:
        """Tell whether no page has the lock `name`."""
        try:
            return bool(await js.ossferry.ask("tabs", "isFree", name))
        except JsException:
            return True  # no support: as if this page were the only one

    async def free(self, name: str) -> None:
        """Wait until no page has the lock `name`."""
        try:
            await js.ossferry.ask("tabs", "free", name)
        except JsException:
            return  # no support, as in `is_free`

    async def held(self, start: str) -> "list[str]":
        """Return the locks of other pages whose names begin with `start`."""
        try:
            return [
                str(each)
                for each in json.loads(str(await js.ossferry.ask("tabs", "heldElsewhere", start)))
            ]
        except JsException:
            return []  # no support, as in `is_free`

    def tell(self, text: str) -> None:
        """Send a text to all other pages of this origin."""
        self._ask("tell", text)

    def listen(self, handler: "Callable[[str], None]") -> None:
        """Call `handler` with each text from another page."""
        self._ask("listen", create_proxy(handler))

    async def _do_later(self) -> None:
        await asyncio.sleep(DROPPED_AFTER_S)
        if self._asked and not self._is_due:
            await self._do()

    async def _do(self) -> None:
        asked, self._asked, self._is_due = self._asked, [], False
        words = json.dumps([[each.operation, each.name] for each in asked])
        try:
            answers = str(await js.ossferry.ask("tabs", "all", words)).split(",")
        except JsException:
            answers = []  # no support: without storage no other page finds the same uploads
        for index, each in enumerate(asked):
            each.is_ours = not answers or answers[index] == "true"
            each.done.set()

    def _ask(self, operation: str, given: "object") -> None:
        asyncio.create_task(self._run(operation, given))  # noqa: RUF006 - it ends by itself

    async def _run(self, operation: str, given: "object") -> None:
        try:
            await js.ossferry.ask("tabs", operation, given)
        except JsException:
            return  # no support, so there is no other page


class _Asked:
    """A pending request to take or to drop a lock.

    `is_ours` is the result of `take`: whether this tab has got the lock.
    """

    def __init__(self, operation: str, name: str) -> None:
        self.operation = operation
        self.name = name
        self.is_ours = False
        self.done = asyncio.Event()
