"""New keys for encrypted uploads.

The key of a file is in memory only. It is neither stored nor sent, except encrypted with the
operator's public key. So a later page cannot continue an encrypted upload.
"""

import binascii

from ossferry_uploader.oss.encryption import BLOCK_BYTES, KEY_BYTES, Cipher, start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.encryption import PublicKey
    from ossferry_uploader.transfer.ports import Random

__all__ = ["new_cipher"]


def new_cipher(public_key: "PublicKey", random: "Random") -> Cipher:
    """Return a new random key for one object, with its form under the operator's key."""
    key = binascii.unhexlify(random.hex(KEY_BYTES))
    start = start_of(binascii.unhexlify(random.hex(BLOCK_BYTES)))
    return Cipher(
        key,
        start,
        wrapped_key=_wrap(public_key, key, random),
        wrapped_start=_wrap(public_key, start, random),
        description=public_key.description,
    )


def _wrap(public_key: "PublicKey", message: bytes, random: "Random") -> bytes:
    size, padding = public_key.padding_bytes(message), b""
    while len(padding) < size:
        more = binascii.unhexlify(random.hex(size))
        padding += bytes([byte for byte in more if byte])
    return public_key.wrap(message, padding[:size])
