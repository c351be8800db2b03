"""What the engine needs from outside. `uploader.browser` implements it with JavaScript,
tests implement it with lists and dicts.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from uploader.oss.replies import Reply
    from uploader.oss.requests import Request
    from uploader.transfer.grant import Grant

    class File(Protocol):
        """A file on the user's disk. Its bytes stay on the other side of this port."""

        name: str
        path: str  # folders inside a chosen folder, "a/b"; empty for a single file
        size: int  # bytes
        content_type: str  # "" if unknown
        modified: int  # ms since 1970

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
            """

    class Clock(Protocol):
        """The user's clock, which may be wrong, and a way to wait."""

        def now_s(self) -> float:
            """Return seconds since 1970."""

        async def sleep(self, seconds: float) -> None:
            """Wait."""

    class Storage(Protocol):
        """Small texts that outlive the page.

        Raises, all of it:
            StorageBroken: the browser does not keep anything for us.
        """

        async def load(self) -> list[tuple[str, str]]:
            """Return all `(name, text)`."""

        async def save(self, name: str, text: str) -> None:
            """Keep a text; an older one of this name is replaced."""

        async def delete(self, name: str) -> None:
            """Forget a text, if it is there."""

    class Network(Protocol):
        """Whether there is a network, as far as the browser knows."""

        async def may_be_back(self, timeout_s: float) -> None:
            """Return when the browser says that the network is back, or after `timeout_s`."""

    class Grants(Protocol):
        """Asks our server for a grant."""

        async def fetch(self, *, refused_key_id: str = "") -> Grant:
            """Return a grant, but not the one with the access key id that OSS refused.

            Raises:
                GrantRefused: the server said no, or did not answer.
            """

    class Random(Protocol):
        """Unpredictable bits."""

        def hex(self, size: int) -> str:
            """Return `size` random bytes as hex digits."""

        def unit(self) -> float:
            """Return a number from 0 up to, not including, 1."""


__all__ = ["Piece", "Ports"]


class Piece:
    """The bytes `[offset, offset + size)` of a file."""

    def __init__(self, file: "Any", offset: int, size: int) -> None:
        self.file = file  # what it is made of is known to the maker of the ports alone
        self.offset = offset
        self.size = size


class Ports:
    """All ports of the engine, in one argument."""

    def __init__(
        self,
        *,
        http: "Http",
        checksum: "Checksum",
        clock: "Clock",
        grants: "Grants",
        random: "Random",
        network: "Network",
        storage: "Storage",
    ) -> None:
        self.http = http
        self.checksum = checksum
        self.clock = clock
        self.grants = grants
        self.random = random
        self.network = network
        self.storage = storage
