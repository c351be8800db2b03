"""Percent-encoding as OSS signs it. `urllib` does not exist on MicroPython."""

__all__ = ["percent_decode", "percent_encode"]

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_ENCODED = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]


def percent_encode(text: str, *, safe: str = "") -> str:
    """Encode the UTF-8 bytes of `text`; letters, digits, `-_.~` and `safe` (ASCII) stay.

    Source: OSS V4 signature, canonical URI and canonical query.
    """
    if not safe:
        return "".join([_ENCODED[byte] for byte in text.encode()])
    kept = safe.encode()
    return "".join([chr(byte) if byte in kept else _ENCODED[byte] for byte in text.encode()])


def percent_decode(text: str) -> str:
    """Undo `percent_encode`; a `%` without two hex digits stays as it is.

    Raises:
        UnicodeError: the decoded bytes are not UTF-8.
    """
    head, *rest = text.split("%")
    data = head.encode()
    for piece in rest:
        try:
            data += bytes([int(piece[:2], 16)]) + piece[2:].encode()
        except ValueError:
            data += b"%" + piece.encode()
    return data.decode()
