"""Passwords of links, hashed with scrypt: each try costs 16 MB and some 50 ms."""

import asyncio
import hashlib
import hmac
import secrets

from ossferry.access.rate_limits import Rates

MIN_LENGTH, MAX_LENGTH = 8, 200
PASSWORDS_AT_ONCE = 2
"""Passwords that a process hashes at the same time, so that tries do not use up its memory."""


class Passwords:
    """Checks the passwords that people type, within the rate limit of wrong ones for a link."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._places = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def is_right(self, password: str, hash_: str, *, link: str) -> bool:
        """Return whether a password has this hash; count it if not.

        The limit is looked up when a place is free, so that tries at once do not pass it.

        Args:
            link: id of the file request or share link.

        Raises:
            TooManyError: too many passwords for this link were wrong.
        """
        async with self._places:
            await self._rates.refuse_passwords(link)
            if await is_right(password[:MAX_LENGTH], hash_):
                return True
            await self._rates.count("password", link)
            return False


async def hashed(password: str) -> str:
    """Return the salted hash of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}.{(await _scrypt(password, salt)).hex()}"


async def is_right(password: str, hash_: str) -> bool:
    """Return whether a password has this hash; the time does not depend on the password."""
    salt, _, right = hash_.partition(".")
    return hmac.compare_digest(await _scrypt(password, bytes.fromhex(salt)), bytes.fromhex(right))


async def _scrypt(password: str, salt: bytes) -> bytes:
    return await asyncio.to_thread(
        hashlib.scrypt, password.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32
    )
