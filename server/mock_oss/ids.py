"""Identifiers that the mock issues: request ids, upload ids, temporary keys and tokens.

With a seed, the identifiers are the same in every run; without a seed, they are unpredictable. This
module does not create the file names in the store, which are always random.
"""

import base64
import random
import secrets
import uuid

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"


class Ids:
    """Generates identifiers; with a seed, the identifiers are the same in every run."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random: random.Random = self._start()

    def _start(self) -> random.Random:
        return random.SystemRandom() if self._seed is None else random.Random(self._seed)  # noqa: S311 - reproducible ids are requested

    def restart(self) -> None:
        """Start the sequence of identifiers again from the seed; do nothing if there is no seed."""
        self._random = self._start()

    def request_id(self) -> str:
        """Return a request id: 24 upper-case hex digits."""
        if self._seed is None:
            return secrets.token_hex(12).upper()
        return f"{self._random.getrandbits(96):024X}"

    def upload_id(self) -> str:
        """Return an upload id: 32 upper-case hex digits."""
        return self.digits().upper()

    def digits(self) -> str:
        """Return 32 lower-case hex digits: a version id, or the token for a custom domain."""
        return f"{self._random.getrandbits(128):032x}"

    def uuid(self) -> str:
        """Return an upper-case UUID; STS uses this form for request ids."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4)).upper()

    def temporary_key(self) -> tuple[str, str, str]:
        """Return (access key id, access key secret, security token) of a new role session."""
        key_id = "STS.NMockOss" + self._text(17)
        secret = self._text(44)
        token = "CAIS" + base64.b64encode(self._random.randbytes(180)).decode()
        return key_id, secret, token

    def access_key(self) -> tuple[str, str]:
        """Return (access key id, access key secret) of a new long-term access key for a user."""
        return "LTAI5tMock" + self._text(14), self._text(30)

    def ram_id(self, first: str) -> str:
        """Return the RAM id of a user or role: the digit `first`, followed by 17 random digits."""
        return first + f"{self._random.randrange(10**17):017d}"

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))
