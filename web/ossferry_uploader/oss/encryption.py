"""Client-side encryption in the format of OSS's SDKs: AES-256 in CTR mode, with keys under RSA.

Each object has a data key and a start value of the counter. Both are encrypted with the operator's
public key and stored as metadata of the object. The object has as many bytes as the file.

The bytes themselves are encrypted by the browser, see `worker/checksum_worker.js`.

Source: OSS developer guide, "Client-based encryption"; `oss2.crypto.RsaProvider` of the SDK.
"""

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.signing import Header

BLOCK_BYTES = 16
HEADER = "x-oss-meta-client-side-encryption-"
PADDED_BYTES = 11  # of PKCS #1 v1.5: 00 02, at least eight bytes of padding, and 00
COUNTERS = 1 << 128


class PublicKey:
    """The operator's RSA key, which wraps the keys of objects.

    Args:
        modulus: hex digits; an even number of them, and the first two are not `00`.
        exponent: the public exponent.
        description: the name of the key as JSON text (`matdesc` of the SDKs); may be empty.

    Raises:
        ValueError: the modulus is malformed.
    """

    def __init__(self, modulus: str, exponent: int, description: str = "") -> None:
        self.size = len(binascii.unhexlify(modulus))  # bytes
        self.modulus = int(modulus, 16)
        self.exponent = exponent
        self.description = description

    def padding_bytes(self, message: bytes) -> int:
        """Return how many bytes of padding `wrap` needs for a message."""
        return self.size - len(message) - 3

    def wrap(self, message: bytes, padding: bytes) -> bytes:
        """Encrypt a short message with PKCS #1 v1.5.

        Args:
            padding: `padding_bytes(message)` random bytes, none of them 0.

        Raises:
            ValueError: the message is too long, or the padding has a wrong length or a 0.
        """
        if len(message) > self.size - PADDED_BYTES:
            raise ValueError("the message is too long for the key")
        if len(padding) != self.padding_bytes(message) or 0 in padding:
            raise ValueError("the padding has a wrong length, or a zero")
        block = b"\x00\x02" + padding + b"\x00" + message
        number = pow(int.from_bytes(block, "big"), self.exponent, self.modulus)
        return number.to_bytes(self.size, "big")


class Cipher:
    """The key of one object. It is in memory only, and is never stored.

    Args:
        key: 32 random bytes.
        start: the counter of the first block, from `start_of`.
        wrapped_key, wrapped_start: both, encrypted with the operator's key.
        description: the description of the operator's key.
    """

    def __init__(
        self,
        key: bytes,
        start: bytes,
        *,
        wrapped_key: bytes,
        wrapped_start: bytes,
        description: str = "",
    ) -> None:
        self.key = key
        self.start = start
        self.wrapped_key = wrapped_key
        self.wrapped_start = wrapped_start
        self.description = description


def start_of(random: bytes) -> bytes:
    """Return the counter of an object's first block, from 16 random bytes.

    Four bytes are 0, as in the SDKs, so that the lower half of the counter does not overflow.
    """
    return random[:8] + bytes(4) + random[12:16]


def counter_at(start: bytes, offset: int) -> bytes:
    """Return the counter of the block at `offset`.

    Args:
        offset: bytes from the start of the object, a multiple of 16.

    Raises:
        ValueError: the offset is inside a block.
    """
    blocks, rest = divmod(offset, BLOCK_BYTES)
    if rest:
        raise ValueError(f"{offset} is not a multiple of {BLOCK_BYTES}")
    return ((int.from_bytes(start, "big") + blocks) % COUNTERS).to_bytes(BLOCK_BYTES, "big")


def encryption_headers(cipher: Cipher, *, size: "int | None", part_size: int = 0) -> "list[Header]":
    """Return the headers of PutObject or InitiateMultipartUpload that the SDKs decrypt by.

    Args:
        size: the size of the file in bytes; `None` for a stream.
        part_size: the size of a unit in bytes; 0 if the file is sent in one request.
    """
    headers = [
        (HEADER + "key", _base64(cipher.wrapped_key)),
        (HEADER + "start", _base64(cipher.wrapped_start)),
        (HEADER + "cek-alg", "AES/CTR/NoPadding"),
        (HEADER + "wrap-alg", "RSA/NONE/PKCS1Padding"),
    ]
    if cipher.description:
        headers.append((HEADER + "matdesc", cipher.description))
    if size is not None and part_size:
        headers.append((HEADER + "data-size", str(size)))
        headers.append((HEADER + "part-size", str(part_size)))
    elif size is not None:
        headers.append((HEADER + "unencrypted-content-length", str(size)))
    return headers


def is_encrypted(metadata: "dict[str, str]") -> bool:
    """Return whether an object is encrypted.

    Args:
        metadata: the object's metadata, by names without `x-oss-meta-`.
    """
    return "client-side-encryption-key" in metadata


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data).decode().strip()
