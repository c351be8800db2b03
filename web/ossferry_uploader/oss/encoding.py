"""Percent-encoding in the form that OSS signatures require.

The module exists because MicroPython has no `urllib`.
"""

# Frequent characters of keys come first: each character is searched for from the start.
UNRESERVED = "0123456789abcdefghijklmnopqrstuvwxyz-_.~ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENCODED = [chr(byte) if byte in UNRESERVED.encode() else f"%{byte:02X}" for byte in range(256)]


def percent_encode(text: str, *, safe: str = "") -> str:
    """Percent-encode the UTF-8 bytes of `text`, except letters, digits, `-_.~` and `safe`.

    Args:
        safe: further ASCII characters that are not encoded.

    Source: OSS V4 signature, canonical URI and canonical query.
    """
    if not text.strip(safe + UNRESERVED):
        return text  # fast path: nothing to encode, which `strip` finds without a Python loop
    if not safe:
        return "".join([_ENCODED[byte] for byte in text.encode()])
    kept = safe.encode()
    return "".join([chr(byte) if byte in kept else _ENCODED[byte] for byte in text.encode()])
