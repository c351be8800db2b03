"""Run the server's checks of files before their upload, in web workers (`web/page/checks.js`)."""

import asyncio
import json

import js

from ossferry_uploader.browser.files import BrowserFile, file_from_blob, unreadable
from ossferry_uploader.browser.interop import JsException, create_proxy, reason_of, release
from ossferry_uploader.transfer.checks.rules import Rules, read_rules
from ossferry_uploader.transfer.checks.verdict import Verdict, read_verdict
from ossferry_uploader.transfer.errors import RepairEnded, ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.browser.server.calls import Server


CSV = "text/csv"


class BrowserChecks:
    """Runs the server's checks of files in web workers; implements `transfer.ports.Checks`.

    Call `load` first.

    Args:
        language: returns the language for the messages of the checks, such as `zh-CN`.
    """

    def __init__(self, server: "Server", language: "Callable[[], str]") -> None:
        self._server = server
        self._language = language
        self._pool: Any = None

    async def load(self) -> "Rules":
        """Load the server's checks, and return the rules that tell which files have to be checked.

        The web workers that run the checks start when the page is idle.

        Raises:
            ServerRefused: the server did not return valid rules, or `checks.js` could not be
                loaded.
        """
        document = await self._server.call("GET", "/api/checks")
        try:
            rules = read_rules(document)
        except (KeyError, TypeError, ValueError) as error:
            raise ServerRefused(200, detail=repr(error))
        try:
            module = await js.ossferry.load("checks")
        except JsException as error:
            raise ServerRefused(0, detail=reason_of(error))
        self._pool = module.makePool(json.dumps(document))
        return rules

    async def run(
        self,
        file: "Any",
        name: str,
        on_progress: "Callable[[str, float], None]",
        *,
        keep_original: bool = False,
    ) -> "Verdict":
        """Let a worker check a `BrowserFile`, and return the result.

        If the calling task is cancelled, the worker stops.

        Args:
            name: the name for the checks.
            on_progress: called with the name of the running check, and the share of it that is
                done, from 0 to 1.
            keep_original: true if the checks must not replace the file by a changed one.

        Raises:
            FileUnreadable: the browser cannot read the file, or is not allowed to.
        """
        blob = file.slice(0, file.size)
        show = create_proxy(on_progress)
        checking = self._pool.start(blob, name, self._language(), keep_original, show)
        try:
            answer = await checking.answer
        except asyncio.CancelledError:
            checking.stop()
            raise
        except JsException as error:
            raise unreadable(reason_of(error))
        finally:
            release(show)
        verdict = json.loads(str(answer.verdict))
        made = None
        if verdict["is_changed"]:
            made = file_from_blob(
                answer.changed, verdict["name"], path=file.path, content_type=verdict["type"]
            )
        return read_verdict(verdict, made)

    def repair(self, file: "Any") -> "BrowserRepair":
        """Start a worker that repairs a table, a `BrowserFile`; see `transfer.ports.Checks`."""
        blob = file.slice(0, file.size)
        return BrowserRepair(self._pool.repair(blob, file.name, self._language()), file.path)


class BrowserRepair:
    """Repairs one table in a worker of its own; implements `transfer.ports.TableRepair`.

    Args:
        worker: the JavaScript object that `repair` of `web/page/checks.js` returns.
        path: the folders of the table, such as `a/b`.
    """

    def __init__(self, worker: "Any", path: str) -> None:
        self._worker = worker
        self._path = path

    async def call(
        self, command: str, given: "Any", on_progress: "Callable[[float], None]"
    ) -> "Any":
        """Run a command and return its result; see `transfer.ports.TableRepair`.

        Raises:
            RepairEnded: the worker has ended, or `close` was called.
        """
        show = create_proxy(on_progress)
        try:
            return json.loads(str(await self._worker.call(command, json.dumps(given), show)))
        except JsException as error:
            raise RepairEnded(reason_of(error))
        finally:
            release(show)

    async def take(self, name: str) -> "tuple[BrowserFile, BrowserFile]":
        """Return the repaired table with this name, and the list of changes, as CSV files.

        Raises:
            RepairEnded: the worker has ended, or `close` was called.
        """
        try:
            taken = await self._worker.take(name)
        except JsException as error:
            raise RepairEnded(reason_of(error))
        file, changes = [
            file_from_blob(blob, str(blob.name), path=self._path, content_type=CSV)
            for blob in (taken.file, taken.changes)
        ]
        return file, changes

    def close(self) -> None:
        """End the worker that repairs the table."""
        self._worker.close()
