"""Interfaces of the engine to its environment: network, files, clock, storage and other tabs.

The package `ossferry_uploader.browser` implements these interfaces with JavaScript. Tests implement
them with lists and dictionaries.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ossferry_uploader.oss.encryption import Cipher
    from ossferry_uploader.oss.replies import Reply, Stored
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.checks.claims import ReportFields
    from ossferry_uploader.transfer.checks.rules import Rules
    from ossferry_uploader.transfer.checks.verdict import Verdict
    from ossferry_uploader.transfer.files import File, Piece
    from ossferry_uploader.transfer.target import RefusedObject

    class Http(Protocol):
        """Sends requests whose body can be a piece of a file."""

        async def send(
            self, request: Request, body: Any, on_progress: Callable[[int], None]
        ) -> Reply:
            """Send one request, and return the reply. A reply with an error status is returned too.

            Args:
                body: a `Piece`, text or `None`.
                on_progress: called with the number of bytes of the body sent so far.

            Raises:
                Lost: no reply came.
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Checksum(Protocol):
        """Computes CRC-64/ECMA and SHA-256 checksums outside the browser's main thread."""

        async def crc64(self, piece: Any) -> int:
            """Return the CRC-64 of a `Piece`.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                ServerRefused: the server does not deliver the script that computes checksums.
            """

        async def sha256(self, file: File) -> str:
            """Return the SHA-256 of a whole file in hexadecimal.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                ServerRefused: the server does not deliver the script that computes checksums.
            """

    class Encryption(Protocol):
        """Encrypts pieces of files with AES-256-CTR, outside the browser's main thread."""

        async def secret(self) -> bytes:
            """Return 32 secret bytes, the same in each page of this browser.

            If the browser cannot keep a secret, each page gets its own.
            """

        async def encrypt(self, piece: Piece, cipher: Cipher) -> None:
            """Set `piece.cut` to the encrypted bytes, and `piece.crc64` to their CRC-64.

            A piece always gets the same bytes, as long as the file stays the same.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                CannotEncrypt: the browser cannot encrypt here.
                ServerRefused: the server does not deliver the script that encrypts.
            """

        async def crc64(self, piece: Piece, cipher: Cipher) -> int:
            """Return the CRC-64 of the encrypted bytes of a piece, without keeping the bytes.

            The errors are those of `encrypt`.
            """

        def free(self, piece: Piece) -> None:
            """Free the encrypted bytes of a piece, and clear `piece.cut` and `piece.crc64`."""

    class Clock(Protocol):
        """The user's clock (which may be wrong), a monotonic clock, and a timer."""

        def now_s(self) -> float:
            """Return the time of the user's clock in seconds since 1970."""

        def elapsed_s(self) -> float:
            """Return the seconds of a monotonic clock, which starts at an arbitrary time."""

        async def sleep(self, seconds: float) -> None:
            """Wait for this number of seconds."""

    class Storage(Protocol):
        """Stores small texts and file handles. The stored data stays when the page is closed.

        A text can be stored together with the handle of a file. A later page uses the handle to
        open the file again. Some browsers offer no handles.

        Every method raises `StorageBroken` if the browser's storage does not work.
        """

        async def load(self, owner: str) -> list[tuple[str, str, bool]]:
            """Return `(name, text, can_reopen)` for each text that is stored for one person.

            `can_reopen` is true if the browser can open the file whose handle is stored with the
            text.

            Args:
                owner: the key prefix that identifies the person. Only names that begin with this
                    prefix are read.
            """

        async def find(self, start: str) -> list[tuple[str, str]]:
            """Return `(name, text)` for each text whose name begins with `start`."""

        async def save(
            self, records: list[tuple[str, str, Any]], gone: list[str] | None = None
        ) -> None:
            """Store texts in one transaction. A text replaces an older text with the same name.

            Args:
                gone: names of texts that are deleted in the same transaction.
                records: `(name, text, file)`. The handle of the file is stored too, if `file` is
                    not `None` and the browser offers handles.
            """

        async def open_files(self, wanted: list[tuple[str, str]]) -> list[Any]:
            """Open files with their stored handles.

            Call this method from a click, because the browser may ask the person for permission.
            The browser asks once for all files.

            Args:
                wanted: `(name, path)`: the name of the stored text, and the folders of the file.

            Returns:
                For each file, a `File`, or a `FileUnreadable` error if the file cannot be opened.
            """

        async def delete(self, names: list[str]) -> None:
            """Delete the texts with these names, and the file handles stored with the texts.

            Unknown names are ignored.
            """

    class Tabs(Protocol):
        """Takes and releases locks, and exchanges messages with the other tabs of this browser.

        The tabs of one web origin share the locks and the messages.
        """

        async def take(self, name: str) -> bool:
            """Take a lock; return `False` if another tab holds the lock.

            This tab holds the lock until `drop` is called or the tab is closed.
            """

        def drop(self, name: str) -> None:
            """Release a lock, if this tab holds the lock."""

        async def is_free(self, name: str) -> bool:
            """Return whether the lock is free: no tab holds the lock."""

        async def free(self, name: str) -> None:
            """Wait until no tab holds the lock."""

        async def held(self, start: str) -> list[str]:
            """Return the locks of other tabs whose names begin with `start`."""

        def tell(self, text: str) -> None:
            """Send a text to all other tabs."""

        def listen(self, handler: Callable[[str], None]) -> None:
            """Call `handler` with each text that another tab sends from now on."""

    class Network(Protocol):
        """Checks whether the network and the server are available."""

        async def may_be_back(self, timeout_s: float) -> None:
            """Wait until the browser reports a working network, at most `timeout_s` seconds."""

        async def server_answers(self) -> bool:
            """Return whether the server answers. An answer proves that the network works."""

    class Receipts(Protocol):
        """Sends requests to the server about stored objects and multipart uploads.

        The page cannot send these requests to OSS, because the page's credentials can only add
        objects.
        """

        async def confirm(self, upload: ReportFields) -> Stored | None:
            """Ask the server whether an object has the size and the CRC-64 of a file.

            Args:
                upload: see `Upload.report`; the id of the OSS request is empty if it is unknown.

            Returns:
                The `Stored` data of the object; `None` if there is no object under the key.

            Raises:
                Corrupt: the object under the key has another size or another CRC-64.
                ServerRefused: the server refused the request, or did not answer.
            """

        async def confirm_all(self, uploads: list[ReportFields]) -> None:
            """Report several uploads, at most 200, to the server.

            The server records the uploads that OSS stores with the size and CRC-64 of the file.

            Args:
                uploads: `Upload.report` of each upload.

            Raises:
                ServerRefused: the server recorded no upload, or did not answer.
            """

        async def refuse(self, refused: RefusedObject) -> bool:
            """Ask the server to delete an object that differs from the uploaded file.

            Returns:
                `False` if the server finds that the object is identical to the file.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def identical(self, path: str, size: int, crc64: str) -> str:
            """Return the key of an identical object of this person; empty if there is none.

            Args:
                path: the folders and the name of the file, in the same form as in object keys.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def begun_empty(self, key: str) -> list[str]:
            """Return the ids of multipart uploads under `key` that have no parts.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def abort(self, key: str, upload_id: str) -> None:
            """Ask the server to abort a multipart upload.

            The page needs no OSS credentials for this request.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

    class Checks(Protocol):
        """Checks files before their upload, outside the browser's main thread."""

        async def load(self) -> Rules:
            """Return which files have to be checked.

            Raises:
                ServerRefused: the server did not give its rules.
            """

        async def run(
            self,
            file: File,
            on_progress: Callable[[str, float], None],
            *,
            keep_original: bool = False,
        ) -> Verdict:
            """Check a file, and return the result.

            Args:
                keep_original: whether checks may not replace the file.
                on_progress: called with the name of the check that runs, and how much of it is
                    done, from 0 to 1.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Random(Protocol):
        """Generates unpredictable random numbers."""

        def hex(self, size: int) -> str:
            """Return `size` random bytes in hexadecimal."""

        def unit(self) -> float:
            """Return a random number of at least 0 and less than 1."""


class Ports:
    """Holds one implementation of each interface that the engine needs.

    `checks` is `None` if files are not checked.
    """

    def __init__(
        self,
        *,
        http: "Http",
        checksum: "Checksum",
        encryption: "Encryption",
        clock: "Clock",
        random: "Random",
        network: "Network",
        storage: "Storage",
        receipts: "Receipts",
        tabs: "Tabs",
        checks: "Checks | None" = None,
    ) -> None:
        self.http = http
        self.checksum = checksum
        self.encryption = encryption
        self.clock = clock
        self.random = random
        self.network = network
        self.storage = storage
        self.receipts = receipts
        self.tabs = tabs
        self.checks = checks
