"""Version ids of objects.

A version id has the form of OSS: the text `CAEQ` and more base64. It contains the sequence number
of the version, so that a paged list can continue after a version that was deleted in the meantime.
"""

import base64
import binascii

_START = b"\x08\x01\x10"
_BEFORE_DIGITS = b"\x22\x20"
_ALPHABET = b"._"


def version_id(sequence: int, digits: str) -> str:
    """Return the version id of a new version.

    Args:
        sequence: the number of the version; a newer version of the same key has a larger number.
        digits: 32 hex digits, which make the version id unique.
    """
    number = bytearray()
    while sequence > 0x7F:
        number.append(sequence & 0x7F | 0x80)
        sequence >>= 7
    number.append(sequence)
    data = _START + number + _BEFORE_DIGITS + digits.encode()
    return base64.b64encode(data, _ALPHABET).decode().rstrip("=")


def sequence_of(text: str) -> int | None:
    """Return the sequence number in a version id, or None if the text is not a version id."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), _ALPHABET, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data.startswith(_START):
        return None
    sequence = 0
    for place, byte in enumerate(data[len(_START) :]):
        sequence |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return sequence if sequence < 1 << 62 else None
    return None
