"""Compute checksums of files, and of pieces (byte ranges) of files, in `checksum_worker.js`."""

from ossferry_uploader.browser.files import bytes_of, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import Piece


class ChecksumWorker:
    """Computes checksums in a web worker; implements `transfer.ports.Checksum`."""

    async def crc64(self, piece: "Piece") -> int:
        """Return the CRC-64 of a piece (byte range) of a file.

        If the piece is a whole small file whose CRC-64 is known from an earlier read, do not read
        the file again.

        Raises:
            FileUnreadable: the piece could not be read to its end.
            ServerRefused: the worker's script could not be loaded.
        """
        known = piece.file.crc64 if piece.size == piece.file.size else ""
        return int(known or await read("crc64", bytes_of(piece), 0, piece.size))

    async def sha256(self, file: "Any") -> str:
        """Return the SHA-256 of a whole `BrowserFile` as 64 hex digits.

        Raises:
            FileUnreadable: the file could not be read to its end.
            ServerRefused: the worker's script could not be loaded.
        """
        return await read("sha256", file.slice(0, file.size), 0, file.size)
