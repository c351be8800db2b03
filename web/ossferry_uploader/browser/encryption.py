"""Encryption of pieces of files, by a worker (`checksum_worker.js`)."""

import binascii

import js

from ossferry_uploader.browser.files import result_of
from ossferry_uploader.oss.encryption import counter_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.oss.encryption import Cipher
    from ossferry_uploader.transfer.files import Piece


class EncryptionWorker:
    """Encrypts pieces of files in a worker; implements the engine's interface `Encryption`.

    The encrypted bytes are a `Blob`, which only JavaScript holds. So `release` frees it at once,
    and not when Python's garbage is collected.
    """

    async def secret(self) -> bytes:
        """Return 32 secret bytes, the same in each page of this browser.

        If the browser cannot keep a secret, each page gets its own.
        """
        return binascii.unhexlify(str(await js.ossferry.ask("records", "secret")))

    async def encrypt(self, piece: "Piece", cipher: "Cipher") -> None:
        """Set `piece.cut` to the encrypted bytes, and `piece.crc64` to their CRC-64.

        Raises:
            FileUnreadable: the piece could not be read to its end.
            CannotEncrypt: the page is neither from https nor from this machine.
            ServerRefused: the worker's script could not be loaded.
        """
        reading = _ask("encrypt", piece, cipher)
        piece.crc64 = await result_of(reading)
        piece.cut = reading

    async def crc64(self, piece: "Piece", cipher: "Cipher") -> int:
        """Return the CRC-64 of the encrypted bytes of a piece, without keeping the bytes.

        The errors are those of `encrypt`.
        """
        return int(await result_of(_ask("encrypted-crc64", piece, cipher)))

    def free(self, piece: "Piece") -> None:
        """Free the encrypted bytes of a piece."""
        piece.cut.free()
        piece.cut = None
        piece.crc64 = ""


def _ask(kind: str, piece: "Piece", cipher: "Cipher") -> "Any":
    blob = piece.file.slice(piece.offset, piece.size)
    counter = counter_at(cipher.start, piece.at)
    return js.ossferry.encrypt(kind, blob, float(piece.size), cipher.key.hex(), counter.hex())
