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

    class Http(Protocol):
        """Sends a file as the body of one request; it knows the insides of its `File`s."""

        async def send(
            self, request: Request, file: Any, on_progress: Callable[[int], None]
        ) -> Reply:
            """Return the answer; `on_progress` gets the bytes sent so far.

            Raises:
                Lost: no answer came.
                FileUnreadable: the file is gone, changed or not ours to read.
            """

    class Checksum(Protocol):
        """Computes CRC-64/ECMA off the main thread; it knows the insides of its `File`s."""

        async def crc64(self, file: Any) -> str:
            """Return the CRC-64 of the whole file as decimal text.

            Raises:
                FileUnreadable: the file is gone, changed or not ours to read.
            """

    class Clock(Protocol):
        """The user's clock, which may be wrong."""

        def now_s(self) -> float: ...

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


__all__ = ["Ports"]


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
    ) -> None:
        self.http = http
        self.checksum = checksum
        self.clock = clock
        self.grants = grants
        self.random = random
