"""The data keys with which files are encrypted before they are sent.

A data key is derived from a secret, which only this browser has, and from a random salt. The record
of an upload contains the salt, so that a later page can continue the upload, and other tabs can
recognise its object. The data key itself is in memory only. It is neither stored nor sent, except
encrypted with the operator's public key.
"""

from ossferry_uploader.oss.encryption import BLOCK_BYTES, Cipher, PublicKey, start_of
from ossferry_uploader.oss.signing import hmac_pads, hmac_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.ports import Ports

SALT_BYTES = 16


async def ciphers_for(grant: "Grant | None", ports: "Ports") -> "Ciphers | None":
    """Return the `Ciphers` of this browser; `None` if files are sent without encryption.

    Args:
        grant: the current grant, which contains the operator's public key; `None` if there is none.
    """
    if not grant or not grant.encryption:
        return None
    return Ciphers(grant.encryption, await ports.encryption.secret(), ports.random.hex)


class Ciphers:
    """Makes the data keys of uploads, and encrypts these keys with the operator's public key.

    Args:
        secret: 32 secret bytes of this browser, from `transfer.ports.Encryption`.
        random: `random(size)` returns `size` random bytes in hexadecimal.
    """

    def __init__(
        self, public_key: "PublicKey", secret: bytes, random: "Callable[[int], str]"
    ) -> None:
        self._public_key = public_key
        self._pads = hmac_pads(secret)
        self._random = random
        self._id = self._derive(f"id {public_key.modulus}")[:8].hex()

    def new_salt(self) -> str:
        """Return a new random salt.

        Its first part identifies the secret and the public key without revealing them.
        """
        return f"{self._id} {self._random(SALT_BYTES)}"

    def knows(self, salt: str) -> bool:
        """Return whether a salt was made with the secret and the public key of this object."""
        return salt.startswith(f"{self._id} ")

    def cipher(self, salt: str) -> Cipher:
        """Return the data key that belongs to a salt, in plain and encrypted with the public key.

        The same salt always gives the same data key.
        """
        key, start = self._derive(f"key {salt}"), self._derive(f"start {salt}")
        start = start_of(start[:BLOCK_BYTES])
        return Cipher(
            key,
            start,
            wrapped_key=self._wrap(key),
            wrapped_start=self._wrap(start),
            description=self._public_key.description,
        )

    def _derive(self, text: str) -> bytes:
        return hmac_sha256(self._pads, text.encode())

    def _wrap(self, message: bytes) -> bytes:
        size, padding = self._public_key.padding_bytes(message), b""
        while len(padding) < size:
            more = bytes.fromhex(self._random(size))
            padding += bytes([byte for byte in more if byte])
        return self._public_key.wrap(message, padding[:size])
