"""Percent-encoding as OSS signs it. `urllib` does not exist on MicroPython."""

__all__ = ["UNRESERVED", "percent_encode"]

# What keys are mostly made of comes first: it is searched for each letter.
UNRESERVED = "0123456789abcdefghijklmnopqrstuvwxyz-_.~ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENCODED = [chr(byte) if byte in UNRESERVED.encode() else f"%{byte:02X}" for byte in range(256)]


def percent_encode(text: str, *, safe: str = "") -> str:
    """Encode the UTF-8 bytes of `text`; letters, digits, `-_.~` and `safe` (ASCII) stay.

    Source: OSS V4 signature, canonical URI and canonical query.
    """
    if not text.strip(safe + UNRESERVED):
        return text  # all of it stays, as mostly; this look at it is not Python and takes no time
    if not safe:
        return "".join([_ENCODED[byte] for byte in text.encode()])
    kept = safe.encode()
    return "".join([chr(byte) if byte in kept else _ENCODED[byte] for byte in text.encode()])
