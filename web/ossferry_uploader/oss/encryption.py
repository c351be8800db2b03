"""Client-side encryption in the format of OSS's SDKs: AES-256-CTR with keys wrapped by RSA.

Each object has its own data key and its own start value of the counter. Both are encrypted with the
operator's public key and stored in the object's metadata. The encrypted object has the same size as
the file.

This module computes keys, counters and headers; `worker/checksum_worker.js` encrypts the bytes.

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
    """The operator's RSA public key, which encrypts ("wraps") the data keys of objects.

    Args:
        modulus: an even number of hex digits that do not begin with `00`.
        exponent: the public exponent.
        description: a JSON object as text, such as `{"key": "2027"}`, by which the SDKs find the
            private key; the SDKs call it `matdesc`. May be empty.

    Raises:
        ValueError: the modulus is malformed.
    """

    def __init__(self, modulus: str, exponent: int, description: str = "") -> None:
        self.size = len(binascii.unhexlify(modulus))  # bytes
        self.modulus = int(modulus, 16)
        self.exponent = exponent
        self.description = description

    def padding_bytes(self, message: bytes) -> int:
        """Return the number of random bytes that `wrap` needs as the padding for a message."""
        return self.size - len(message) - 3

    def wrap(self, message: bytes, padding: bytes) -> bytes:
        """Encrypt a short message with this RSA key and PKCS #1 v1.5 padding.

        Args:
            padding: random bytes other than 0, as many as `padding_bytes(message)` returns.

        Raises:
            ValueError: the message is too long, or the padding has a wrong length or contains a 0.
        """
        if len(message) > self.size - PADDED_BYTES:
            raise ValueError("the message is too long for the key")
        if len(padding) != self.padding_bytes(message) or 0 in padding:
            raise ValueError("the padding has a wrong length, or a zero")
        block = b"\x00\x02" + padding + b"\x00" + message
        number = pow(int.from_bytes(block, "big"), self.exponent, self.modulus)
        return number.to_bytes(self.size, "big")


class Cipher:
    """The data key of one encrypted object, plain and wrapped. It is in memory only.

    Args:
        key: the AES key, 32 bytes.
        start: the counter of the first block, 16 bytes, from `start_of`.
        wrapped_key: `key`, encrypted with the operator's public key.
        wrapped_start: `start`, encrypted with the operator's public key.
        description: the description of the operator's public key.
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
    """Return the counter of an object's first AES block, made from 16 random bytes.

    Bytes 8 to 11 of the counter are 0, as in OSS's SDKs, so that the lower half does not overflow.
    """
    return random[:8] + bytes(4) + random[12:16]


def counter_at(start: bytes, offset: int) -> bytes:
    """Return the AES counter of the block that begins at `offset` in an object.

    Args:
        start: the counter of the first block, from `start_of`.
        offset: bytes from the start of the object, a multiple of 16.

    Raises:
        ValueError: `offset` is not a multiple of 16.
    """
    blocks, rest = divmod(offset, BLOCK_BYTES)
    if rest:
        raise ValueError(f"{offset} is not a multiple of {BLOCK_BYTES}")
    return ((int.from_bytes(start, "big") + blocks) % COUNTERS).to_bytes(BLOCK_BYTES, "big")


def encryption_headers(cipher: Cipher, *, size: "int | None", part_size: int = 0) -> "list[Header]":
    """Return the metadata headers that OSS's SDKs need to decrypt the object later.

    The headers are for the PutObject or InitiateMultipartUpload request that creates the object.

    Args:
        size: the size of the file in bytes; `None` for a stream.
        part_size: the part size in bytes; 0 if the file is sent in one request.
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
    """Return whether an object was encrypted before it was sent to OSS.

    Args:
        metadata: the object's metadata as `{name: value}`, with names without `x-oss-meta-`.
    """
    return "client-side-encryption-key" in metadata


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data).decode().strip()
