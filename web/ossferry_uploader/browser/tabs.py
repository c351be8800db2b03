"""Locks and messages that all open pages of this origin share, implemented by `tabs.js`."""

import asyncio
import json

import js

from ossferry_uploader.browser.interop import JsException, create_proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DROPPED_AFTER_S = 0.05  # or earlier, together with the next `take`


class BrowserTabs:
    """Takes locks and exchanges messages between tabs; implements `transfer.ports.Tabs`.

    If the browser does not support locks, `take` always returns `True`. Locks are taken and
    released in the order of the calls. Several calls are combined into one call of JavaScript,
    because awaiting a promise is slow in Python.
    """

    def __init__(self) -> None:
        self._requests: list[_Request] = []
        self._is_due = False

    async def take(self, name: str) -> bool:
        """Take the lock with this name for this page; return `False` if another page has it.

        The page keeps the lock until `drop` is called or the page is closed.
        """
        request = _Request("take", name)
        self._requests.append(request)
        if not self._is_due:
            self._is_due = True
            asyncio.create_task(self._do())  # noqa: RUF006 - it ends by itself
        await request.done.wait()
        return request.is_ours

    def drop(self, name: str) -> None:
        """Release the lock with this name, if this page has it. This takes up to 50 ms."""
        self._requests.append(_Request("drop", name))
        if len(self._requests) == 1:
            asyncio.create_task(self._do_later())  # noqa: RUF006 - it ends by itself

    async def is_free(self, name: str) -> bool:
        """Tell whether no page of this origin has the lock with this name."""
        try:
            return bool(await js.ossferry.ask("storage", "isFree", name))
        except JsException:
            return True  # no support: as if this page were the only one

    async def free(self, name: str) -> None:
        """Wait until no page of this origin has the lock with this name."""
        try:
            await js.ossferry.ask("storage", "free", name)
        except JsException:
            return  # no support, as in `is_free`

    async def held(self, start: str) -> "list[str]":
        """Return the names of the locks that other pages have and that begin with `start`."""
        try:
            return [
                str(name)
                for name in json.loads(
                    str(await js.ossferry.ask("storage", "heldElsewhere", start))
                )
            ]
        except JsException:
            return []  # no support, as in `is_free`

    def tell(self, text: str) -> None:
        """Send a text to all other pages of this origin."""
        self._ask("tell", text)

    def listen(self, handler: "Callable[[str], None]") -> None:
        """Call `handler` with each text that another page of this origin sends from now on."""
        self._ask("listen", create_proxy(handler))

    async def _do_later(self) -> None:
        await asyncio.sleep(DROPPED_AFTER_S)
        if self._requests and not self._is_due:
            await self._do()

    async def _do(self) -> None:
        requests, self._requests, self._is_due = self._requests, [], False
        words = json.dumps([[request.operation, request.name] for request in requests])
        try:
            answers = str(await js.ossferry.ask("storage", "all", words)).split(",")
        except JsException:
            answers = []  # no support: without storage no other page finds the same uploads
        for index, request in enumerate(requests):
            request.is_ours = not answers or answers[index] == "true"
            request.done.set()

    def _ask(self, operation: str, given: "object") -> None:
        asyncio.create_task(self._run(operation, given))  # noqa: RUF006 - it ends by itself

    async def _run(self, operation: str, given: "object") -> None:
        try:
            await js.ossferry.ask("storage", operation, given)
        except JsException:
            return  # no support, so there is no other page


class _Request:
    """A pending request to take or to drop a lock.

    `is_ours` is the result of `take`: whether this tab has got the lock.
    """

    def __init__(self, operation: str, name: str) -> None:
        self.operation = operation
        self.name = name
        self.is_ours = False
        self.done = asyncio.Event()
