"""Encrypt pieces (byte ranges) of files in the web worker `checksum_worker.js`."""

import binascii

import js

from ossferry_uploader.browser.files import result_of
from ossferry_uploader.oss.encryption import Cipher, counter_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import Piece


class EncryptionWorker:
    """Encrypts pieces of files in a web worker; implements `transfer.ports.Encryption`.

    The encrypted bytes stay in JavaScript, in a `Blob`. Call `free` to release their memory at once
    instead of waiting for Python's garbage collector.
    """

    async def secret(self) -> bytes:
        """Return 32 secret bytes, from which the keys of encrypted files are derived.

        All pages of this origin in this browser get the same bytes. If the browser cannot store the
        bytes, each page gets different ones.
        """
        return binascii.unhexlify(str(await js.ossferry.ask("storage", "secret")))

    async def encrypt(self, piece: "Piece", cipher: "Cipher") -> None:
        """Encrypt a piece of a file in the worker, with the data key in `cipher`.

        Set `piece.cut` to the JavaScript object that holds the encrypted bytes, and `piece.crc64`
        to their CRC-64.

        Raises:
            FileUnreadable: the piece could not be read to its end.
            CannotEncrypt: the address of the page is neither https nor a local one such as
                `localhost`.
            ServerRefused: the worker's script could not be loaded.
        """
        reading = _ask("encrypt", piece, cipher)
        piece.crc64 = await result_of(reading)
        piece.cut = reading

    async def crc64(self, piece: "Piece", cipher: "Cipher") -> int:
        """Encrypt a piece with the data key in `cipher`, and return the CRC-64 of the result.

        The encrypted bytes are not kept.

        Raises:
            FileUnreadable: the piece could not be read to its end.
            CannotEncrypt: the address of the page is neither https nor a local one such as
                `localhost`.
            ServerRefused: the worker's script could not be loaded.
        """
        return int(await result_of(_ask("encrypted-crc64", piece, cipher)))

    def free(self, piece: "Piece") -> None:
        """Free the encrypted bytes in `piece.cut`, and clear `piece.cut` and `piece.crc64`."""
        piece.cut.free()
        piece.cut = None
        piece.crc64 = ""


def _ask(kind: str, piece: "Piece", cipher: "Cipher") -> "Any":
    blob = piece.file.slice(piece.offset, piece.size)
    counter = counter_at(cipher.start, piece.at)
    return js.ossferry.encrypt(kind, blob, float(piece.size), cipher.key.hex(), counter.hex())
