"""Small texts in IndexedDB, through idb-keyval, which is loaded when it is first needed."""

import json

import js

from uploader.browser.interop import JsException
from uploader.transfer.errors import StorageBroken

__all__ = ["BrowserStorage"]

PREFIX = "ossferry/"


class BrowserStorage:
    """The engine's `Storage` port."""

    async def load(self) -> "list[tuple[str, str]]":
        """Return all `(name, text)` of ours.

        Raises:
            StorageBroken: IndexedDB is blocked, or does not exist.
        """
        try:
            pairs = json.loads(js.JSON.stringify(await js.ossferry.storage("entries")))
        except JsException as error:
            raise StorageBroken(str(error))
        return [
            (name[len(PREFIX) :], text)
            for name, text in pairs
            if isinstance(name, str) and name.startswith(PREFIX) and isinstance(text, str)
        ]

    async def save(self, name: str, text: str) -> None:
        """Keep a text.

        Raises:
            StorageBroken: IndexedDB is blocked or full.
        """
        try:
            await js.ossferry.storage("set", PREFIX + name, text)
        except JsException as error:
            raise StorageBroken(str(error))

    async def delete(self, name: str) -> None:
        """Forget a text, if it is there.

        Raises:
            StorageBroken: IndexedDB is blocked.
        """
        try:
            await js.ossferry.storage("del", PREFIX + name)
        except JsException as error:
            raise StorageBroken(str(error))
