"""The engine's interfaces to its environment: network, files, clock, storage and other tabs.

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
        """Interface that sends requests to OSS; the body can be a piece (byte range) of a file."""

        async def send(
            self, request: Request, body: Any, on_progress: Callable[[int], None]
        ) -> Reply:
            """Send one request, and return the reply, even if its status is an error.

            Args:
                body: a `Piece`, text or `None`.
                on_progress: called with the number of bytes of the body sent so far.

            Raises:
                Lost: no reply came.
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

    class Checksum(Protocol):
        """Interface that computes checksums outside the browser's main thread."""

        async def crc64(self, piece: Any) -> int:
            """Return the CRC-64/ECMA of a piece (byte range) of a file.

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
        """Interface that encrypts pieces of files (AES-256-CTR) off the browser's main thread."""

        async def secret(self) -> bytes:
            """Return 32 secret bytes, from which the keys of encrypted files are derived.

            All pages of this origin in this browser get the same bytes. If the browser cannot store
            the bytes, each page gets different ones.
            """

        async def encrypt(self, piece: Piece, cipher: Cipher) -> None:
            """Set `piece.cut` to the encrypted bytes, and `piece.crc64` to their CRC-64.

            Encrypting the same piece of an unchanged file always gives the same bytes.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                CannotEncrypt: the browser cannot encrypt in this page.
                ServerRefused: the server does not deliver the script that encrypts.
            """

        async def crc64(self, piece: Piece, cipher: Cipher) -> int:
            """Return the CRC-64 of the encrypted bytes of a piece, without keeping the bytes.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
                CannotEncrypt: the browser cannot encrypt in this page.
                ServerRefused: the server does not deliver the script that encrypts.
            """

        def free(self, piece: Piece) -> None:
            """Free the encrypted bytes in `piece.cut`, and clear `piece.cut` and `piece.crc64`."""

    class Clock(Protocol):
        """Interface to the user's clock (which may be wrong), a monotonic clock, and a timer."""

        def now_s(self) -> float:
            """Return the time of the user's clock in seconds since 1970."""

        def elapsed_s(self) -> float:
            """Return the seconds of a monotonic clock, which starts at an arbitrary time."""

        async def sleep(self, seconds: float) -> None:
            """Wait for this number of seconds without blocking other tasks."""

    class Storage(Protocol):
        """Interface to a lasting storage of small texts and file handles in the browser.

        A text can be stored together with the handle of a file. A later page uses the handle to
        open the file again. Some browsers do not support handles.

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

        async def find(self, start: str, without: str = "") -> list[tuple[str, str]]:
            """Return `(name, text)` for each text whose name begins with `start`.

            Args:
                without: leave out the texts that contain this; empty for all texts.
            """

        async def save(
            self, records: list[tuple[str, str, Any]], gone: list[str] | None = None
        ) -> None:
            """Store texts in one transaction; a text replaces an older text with the same name.

            Args:
                gone: names of texts that are deleted in the same transaction.
                records: a list of `(name, text, file)`. The handle of the file is stored too, if
                    `file` is not `None` and the browser supports handles.
            """

        async def open_files(self, wanted: list[tuple[str, str]]) -> list[Any]:
            """Open files with their stored handles.

            Call this method in the handler of a click, because the browser may ask the person for
            permission. The browser asks once for all files.

            Args:
                wanted: a list of `(name, path)`: the name of the stored text, and the folders of
                    the file.

            Returns:
                For each file, in the same order, a `File`, or a `FileUnreadable` error if the file
                cannot be opened.
            """

        async def delete(self, names: list[str]) -> None:
            """Delete the texts with these names, and the file handles stored with the texts.

            Unknown names are ignored.
            """

    class Tabs(Protocol):
        """Interface to locks that the browser's tabs share, and to messages between the tabs.

        All tabs of one web origin share the locks and the messages.
        """

        async def take(self, name: str) -> bool:
            """Take the lock with this name; return `False` if another tab holds it.

            This tab holds the lock until `drop` is called or the tab is closed.
            """

        def drop(self, name: str) -> None:
            """Release the lock with this name, if this tab holds it."""

        async def is_free(self, name: str) -> bool:
            """Return whether no tab holds the lock with this name."""

        async def free(self, name: str) -> None:
            """Wait until no tab holds the lock with this name."""

        async def held(self, start: str) -> list[str]:
            """Return the names of the locks that other tabs hold and that begin with `start`."""

        def tell(self, text: str) -> None:
            """Send a text to all other tabs."""

        def listen(self, handler: Callable[[str], None]) -> None:
            """Call `handler` with each text that another tab sends from now on."""

    class Network(Protocol):
        """Interface that tells whether the network and the ossferry server are available."""

        async def may_be_back(self, timeout_s: float) -> None:
            """Return when the browser reports a working network, or after `timeout_s` seconds."""

        async def server_answers(self) -> bool:
            """Return whether the ossferry server answers, which proves that the network works."""

    class Receipts(Protocol):
        """Interface for requests to the ossferry server about stored objects and multipart uploads.

        The server sends these requests to OSS on behalf of the page, because the page's credentials
        can only add objects. A receipt is the server's proof that an object is stored.
        """

        async def confirm(self, upload: ReportFields) -> Stored | None:
            """Ask the server whether an object has the size and the CRC-64 of a file.

            Args:
                upload: key, size in bytes, CRC-64 as decimal text, OSS request id (may be empty),
                    and the results of the checks (as in `Upload.checks`) or `None`.

            Returns:
                ETag, CRC-64 and request id of the object; `None` if there is no object with the
                key.

            Raises:
                Corrupt: the object with the key has another size or another CRC-64.
                ServerRefused: the server refused the request, or did not answer.
            """

        async def confirm_all(self, uploads: list[ReportFields]) -> None:
            """Report up to 200 uploads to the server in one request.

            The server records each upload whose object in OSS has the reported size and CRC-64. The
            caller does not learn which uploads the server has recorded.

            Args:
                uploads: a tuple for each upload: object key, size in bytes, CRC-64 as decimal text,
                    OSS request id, and the results of the checks or `None`.

            Raises:
                ServerRefused: the server refused the request and recorded no upload, or did not
                    answer.
            """

        async def refuse(self, refused: RefusedObject) -> bool:
            """Ask the server to delete an object that differs from the uploaded file.

            Returns:
                `True` if the server deletes the object; `False` if it finds that the object is
                identical to the file.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def identical(self, path: str, size: int, crc64: str, details: dict[str, str]) -> str:
            """Return the key of the person's own object that is identical to a file.

            The ossferry server searches for the object. The result is empty if there is none.

            Args:
                path: folders and name of the file as they are in object keys, such as
                    `a/b/photo.jpg`; `named_key("", name, path=folders)` returns this text.
                size: the size of the file in bytes.
                crc64: the CRC-64 of the file as decimal text.
                details: the metadata that the object must have; see `Options.details`.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def begun_empty(self, key: str) -> list[str]:
            """Return the ids of the multipart uploads with this object key that are empty.

            A multipart upload is empty if OSS has no part of it.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

        async def abort(self, key: str, upload_id: str) -> None:
            """Ask the server to abort a multipart upload; the page needs no credentials for this.

            Raises:
                ServerRefused: the server refused the request, or did not answer.
            """

    class Checks(Protocol):
        """Interface that checks files before their upload, outside the browser's main thread."""

        async def load(self) -> Rules:
            """Load the server's rules, which tell which files have to be checked.

            Raises:
                ServerRefused: the server did not give its rules.
            """

        async def run(
            self,
            file: File,
            name: str,
            on_progress: Callable[[str, float], None],
            *,
            keep_original: bool = False,
        ) -> Verdict:
            """Check a file, and return the result.

            Args:
                name: the name for the checks, which a person may have changed.
                keep_original: true if the checks must not replace the file by a changed one.
                on_progress: called with the name of the running check, and the share of it that is
                    done, from 0 to 1.

            Raises:
                FileUnreadable: the file is gone or has changed, or the page may not read it.
            """

        def repair(self, file: File) -> "TableRepair":
            """Start to repair a table, outside the browser's main thread."""

    class TableRepair(Protocol):
        """Interface that runs the commands of `ossferry_checks.tables.session` for one table."""

        async def call(self, command: str, given: Any, on_progress: Callable[[float], None]) -> Any:
            """Run a command, such as `open` or `scan`, and return its result.

            Args:
                given: the argument, and the result is of the same kind: a value that JSON can
                    represent.
                on_progress: called with the finished share of the command, from 0 to 1.

            Raises:
                RepairEnded: the worker that runs the commands has ended, or `close` was called.
            """

        async def take(self, name: str) -> tuple[File, File]:
            """Return the table that the command `write` has written, and the list of changes.

            Args:
                name: the name of the table, such as `orders.csv`.

            Raises:
                RepairEnded: the worker that runs the commands has ended, or `close` was called.
            """

        def close(self) -> None:
            """End the repair, and a command that runs. The files of `take` stay readable."""

    class Pictures(Protocol):
        """Interface to the part of the browser that rotates and crops pictures."""

        async def edit(self, file: "File", edit: "list[int]") -> "File":
            """Return a picture of the same name and type, rotated and cropped.

            The same picture and edit always give the same bytes in one browser, so that a later
            page can continue the upload.

            Args:
                edit: `[turns, x, y, width, height]`: quarter turns to the right, from 0 to 3, of
                    the picture as it is shown; and the part that stays, in pixels of the turned
                    picture. A width of 0 keeps all of it.

            Raises:
                CannotEdit: the browser cannot decode or encode the picture.
            """

    class Random(Protocol):
        """Interface to a generator of unpredictable random numbers."""

        def hex(self, size: int) -> str:
            """Return `size` random bytes in hexadecimal."""

        def unit(self) -> float:
            """Return a random number of at least 0 and less than 1."""


class Ports:
    """The objects through which the engine uses its environment, such as network and storage.

    There is one object for each interface in this module. `checks` is `None` if the page does not
    run the server's checks of files before their upload.
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
        pictures: "Pictures",
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
        self.pictures = pictures
        self.checks = checks
