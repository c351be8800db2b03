"""What the engine needs from outside. `uploader.browser` implements it with JavaScript,
tests implement it with lists and dicts.
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
        """Sends one request. It knows the insides of the `File`s, and no one else does."""

        async def send(
            self, request: Request, body: Any, on_progress: Callable[[int], None]
        ) -> Reply:
            """Return the answer; `body` is a `Piece`, text or `None`.

            `on_progress` gets the bytes of the body that have left so far.

            Raises:
                Lost: no answer came.
                FileUnreadable: the file is gone, changed or not ours to read.
            """

    class Checksum(Protocol):
        """Computes CRC-64/ECMA off the main thread."""

        async def crc64(self, piece: Any) -> int:
            """Return the CRC-64 of a `Piece`.

            Raises:
                FileUnreadable: the file is gone, changed or not ours to read.
                ServerRefused: what computes it cannot be loaded now.
            """

        async def sha256(self, file: File) -> str:
            """Return the SHA-256 of a whole file in hex digits.

            Raises:
                FileUnreadable: the file is gone, changed or not ours to read.
                ServerRefused: what computes it cannot be loaded now.
            """

    class Clock(Protocol):
        """The user's clock, which may be wrong, and a way to wait."""

        def now_s(self) -> float:
            """Return seconds since 1970."""

        def elapsed_s(self) -> float:
            """Return seconds since some moment, by a clock that nobody can set."""

        async def sleep(self, seconds: float) -> None:
            """Wait."""

    class Storage(Protocol):
        """Small texts that outlive the page, and with them the way back to a file, if there is one.

        Raises, all of it:
            StorageBroken: the browser does not keep anything for us.
        """

        async def load(self, owner: str) -> list[tuple[str, str, bool]]:
            """Return `(name, text, whether its file can be opened again)` of one person.

            Their names begin with `owner`; what others keep in this browser is not read.
            """

        async def save(self, records: list[tuple[str, str, Any]]) -> None:
            """Keep texts by name, all at once; older ones of these names are replaced.

            Beside each goes the way back to its `File`, if one is given and the browser has one.
            """

        async def open_files(self, wanted: list[tuple[str, str]]) -> list[Any]:
            """Return the `File` kept beside each `(name, path)`, or its `FileUnreadable`.

            The person may be asked, once for all, so call it from a click.
            """

        async def delete(self, names: list[str]) -> None:
            """Forget texts and their files, as far as they are there."""

    class Tabs(Protocol):
        """The other pages of this origin in this browser."""

        async def take(self, name: str) -> bool:
            """Take a name for this page, unless another has it; it ends with the page."""

        def drop(self, name: str) -> None:
            """Give a name back, if this page has it."""

        async def is_free(self, name: str) -> bool:
            """Tell whether no page has the name."""

        async def free(self, name: str) -> None:
            """Return when no page has the name."""

        def tell(self, text: str) -> None:
            """Send a text to all other pages."""

        def listen(self, handler: Callable[[str], None]) -> None:
            """Have `handler` called with the texts of other pages."""

    class Network(Protocol):
        """Whether there is a network, as far as the browser knows."""

        async def may_be_back(self, timeout_s: float) -> None:
            """Return when the browser says that the network is back, or after `timeout_s`."""

        async def server_answers(self) -> bool:
            """Tell whether our own server answers, so that there is a network."""

    class Receipts(Protocol):
        """Asks our server what OSS has; the page itself may only add."""

        async def confirm(
            self, *, key: str, size: int, crc64: str, request_id: str
        ) -> Stored | None:
            """Return the proof that an object with this size and CRC-64 is stored.

            Returns:
                `None` if there is no object under `key`.

            Raises:
                Corrupt: there is another one.
                ServerRefused: the server said no, or did not answer.
            """

        async def refuse(self, refused: RefusedObject) -> bool:
            """Have an object taken away that is not the file.

            Returns:
                `False` if it is the very file all the same.

            Raises:
                ServerRefused: the server said no, or did not answer.
            """

        async def identical(self, *, path: str, size: int, crc64: str) -> str:
            """Return the key of this person's own object that is this very file; empty if none is.

            Args:
                path: the file's folders and name, as they stand in keys.

            Raises:
                ServerRefused: the server said no, or did not answer.
            """

        async def begun_empty(self, key: str) -> list[str]:
            """Return the ids of uploads in parts that have begun under `key`, and have no part.

            Raises:
                ServerRefused: the server said no, or did not answer.
            """

        async def discard(self, key: str, upload_id: str) -> None:
            """Have an upload in parts removed; it needs no credentials.

            Raises:
                ServerRefused: the server said no, or did not answer.
            """

    class Random(Protocol):
        """Unpredictable bits."""

        def hex(self, size: int) -> str:
            """Return `size` random bytes as hex digits."""

        def unit(self) -> float:
            """Return a number from 0 up to, not including, 1."""


__all__ = ["Ports"]


class Ports:
    """All ports of the engine, in one argument."""

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
