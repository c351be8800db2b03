"""New keys for encrypted uploads.

The key of a file is in memory only. It is neither stored nor sent, except encrypted with the
operator's public key. So a later page cannot continue an encrypted upload.
"""

from ossferry_uploader.oss.encryption import BLOCK_BYTES, KEY_BYTES, Cipher, start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.oss.encryption import PublicKey

__all__ = ["new_cipher"]


def new_cipher(public_key: "PublicKey", random: "Callable[[int], str]") -> Cipher:
    """Return a new random key for one object, with its form under the operator's key.

    Args:
        random: returns as many random bytes as its argument says, in hexadecimal.
    """
    key = bytes.fromhex(random(KEY_BYTES))
    start = start_of(bytes.fromhex(random(BLOCK_BYTES)))
    return Cipher(
        key,
        start,
        wrapped_key=_wrap(public_key, key, random),
        wrapped_start=_wrap(public_key, start, random),
        description=public_key.description,
    )


def _wrap(public_key: "PublicKey", message: bytes, random: "Callable[[int], str]") -> bytes:
    size, padding = public_key.padding_bytes(message), b""
    while len(padding) < size:
        more = bytes.fromhex(random(size))
        padding += bytes([byte for byte in more if byte])
    return public_key.wrap(message, padding[:size])
