"""Interfaces of the engine to its environment: network, files, clock, storage and other tabs.

`uploader.browser` implements them with JavaScript, tests implement them with lists and dicts.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from uploader.oss.replies import Reply, Stored
    from uploader.oss.requests import Request
    from uploader.transfer.files import File
    from uploader.transfer.target import RefusedObject

    class Http(Protocol):
        """Sends requests whose body can be a piece of a file."""

        async def send(
            self, request: Request, body: Any, on_progress: Callable[[int], None]
        ) -> Reply:
            """Send one request and return the reply, whatever its status is.

            Args:
                body: a `Piece`, text or `None`.
                on_progress: called with the number of bytes of the body that have left so far.

            Raises:
                Lost: no reply came.
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Checksum(Protocol):
        """Computes CRC-64/ECMA and SHA-256 outside the main thread."""

        async def crc64(self, piece: Any) -> int:
            """Return the CRC-64 of a `Piece`.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                ServerRefused: the code of the checksum cannot be loaded now.
            """

        async def sha256(self, file: File) -> str:
            """Return the SHA-256 of a whole file in hexadecimal.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                ServerRefused: the code of the checksum cannot be loaded now.
            """

    class Clock(Protocol):
        """The user's clock, which may be wrong, a monotonic clock and a timer."""

        def now_s(self) -> float:
            """Return the user's time in seconds since 1970."""

        def elapsed_s(self) -> float:
            """Return the seconds since an arbitrary moment, by a clock that nobody can set."""

        async def sleep(self, seconds: float) -> None:
            """Return after this many seconds."""

    class Storage(Protocol):
        """Small texts that stay when the page is closed, each with a handle that reopens a file.

        A text has no handle if the browser does not offer one. Every method raises `StorageBroken`
        if the browser's storage does not work.
        """

        async def load(self, owner: str) -> list[tuple[str, str, bool]]:
            """Return `(name, text, can_reopen)` for all texts of one person.

            Only names that begin with `owner` are read; other people may use the same browser.
            `can_reopen` tells whether the file of the text can be opened again.
            """

        async def save(self, records: list[tuple[str, str, Any]]) -> None:
            """Store texts in one transaction; a text replaces the older one with the same name.

            Args:
                records: `(name, text, file)`; the handle of a `File` is stored too, if `file` is
                    not `None` and the browser offers handles.
            """

        async def open_files(self, wanted: list[tuple[str, str]]) -> list[Any]:
            """Return the `File` of each `(name, path)`, or a `FileUnreadable` in its place.

            The browser may ask the person for permission, once for all files, so call this method
            from a click.
            """

        async def delete(self, names: list[str]) -> None:
            """Delete texts and the handles of their files; unknown names are ignored."""

    class Tabs(Protocol):
        """Locks and messages that the tabs of this origin in this browser share."""

        async def take(self, name: str) -> bool:
            """Take a lock until this tab closes; `False` if another tab has it."""

        def drop(self, name: str) -> None:
            """Release a lock, if this tab has it."""

        async def is_free(self, name: str) -> bool:
            """Tell whether no tab has the lock."""

        async def free(self, name: str) -> None:
            """Return as soon as no tab has the lock."""

        def tell(self, text: str) -> None:
            """Send a text to all other tabs."""

        def listen(self, handler: Callable[[str], None]) -> None:
            """Call `handler` with each text that another tab sends."""

    class Network(Protocol):
        """The state of the network, as far as the browser can tell."""

        async def may_be_back(self, timeout_s: float) -> None:
            """Return when the browser reports that the network is back, or after `timeout_s`."""

        async def server_answers(self) -> bool:
            """Tell whether the server answers, which proves that the network works."""

    class Receipts(Protocol):
        """Asks the server about stored objects; the page's credentials can only add objects."""

        async def confirm(
            self, *, key: str, size: int, crc64: str, request_id: str
        ) -> Stored | None:
            """Return the proof that the object under `key` has this size and CRC-64.

            Returns:
                `None` if there is no object under `key`.

            Raises:
                Corrupt: the object under `key` is another one.
                ServerRefused: the server refused, or did not answer.
            """

        async def refuse(self, refused: RefusedObject) -> bool:
            """Ask the server to delete an object that is not the file.

            Returns:
                `False` if the object is identical to the file after all.

            Raises:
                ServerRefused: the server refused, or did not answer.
            """

        async def identical(self, *, path: str, size: int, crc64: str) -> str:
            """Return the key of an identical object of this person; empty if there is none.

            Args:
                path: folders and name of the file, in the form that keys have.

            Raises:
                ServerRefused: the server refused, or did not answer.
            """

        async def begun_empty(self, key: str) -> list[str]:
            """Return the ids of multipart uploads under `key` that have no parts.

            Raises:
                ServerRefused: the server refused, or did not answer.
            """

        async def discard(self, key: str, upload_id: str) -> None:
            """Ask the server to abort a multipart upload; the page needs no credentials for it.

            Raises:
                ServerRefused: the server refused, or did not answer.
            """

    class Random(Protocol):
        """Unpredictable random numbers."""

        def hex(self, size: int) -> str:
            """Return `size` random bytes in hexadecimal."""

        def unit(self) -> float:
            """Return a random number from 0 up to, not including, 1."""


__all__ = ["Ports"]


class Ports:
    """All ports of the engine as one argument."""

    def __init__(
        self,
        *,
        http: "Http",
        checksum: "Checksum",
        clock: "Clock",
        random: "Random",
        network: "Network",
        storage: "Storage",
        receipts: "Receipts",
        tabs: "Tabs",
    ) -> None:
        self.http = http
        self.checksum = checksum
        self.clock = clock
        self.random = random
        self.network = network
        self.storage = storage
        self.receipts = receipts
        self.tabs = tabs
