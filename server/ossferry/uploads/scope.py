"""Scopes: all uploads, the uploads of one principal, or the uploads below a key prefix.

Commands such as `ossferry uploads` get a scope as an argument.
"""

import re
from dataclasses import dataclass

from ossferry.errors import BadRequestError, SettingsError
from ossferry.identity.object_keys import UPLOADS, check_own_key
from ossferry.identity.owner import Owner
from ossferry.ledger import AsyncConnection, people

HASH = "[0-9a-f]{16}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A set of uploads that a command works on.

    Attributes:
        prefix: the object keys of the uploads begin with this text.
        owner: the only principal to which the uploads can belong; None if there may be several, or
            if the ledger does not know the principal.
    """

    prefix: str
    owner: Owner | None

    @property
    def is_whole(self) -> bool:
        """Whether the scope contains all uploads, or all uploads of one principal."""
        return self.prefix in (UPLOADS, self.owner and self.owner.prefix)


async def read_scope(connection: AsyncConnection, text: str) -> Scope:
    """Return the set of uploads that a command-line argument selects.

    Args:
        text: a principal's hash, or the beginning of object keys; empty for all uploads.

    Raises:
        SettingsError: the ledger has no principal with this hash.
        BadRequestError: the text is neither a hash nor the beginning of the key of an upload.
    """
    if re.fullmatch(HASH, text):
        owner = await people.owner_by_hash(connection, text)
        if owner is None:
            raise nobody(text)
        return Scope(prefix=owner.prefix, owner=owner)
    if text and not (text.startswith(UPLOADS) and _is_text(text)):
        raise BadRequestError(
            f"{text!r} is neither a principal's hash nor a key: keys begin with {UPLOADS}."
        )
    owner = await people.owner_of_key(connection, text) if text else None
    return Scope(prefix=text or UPLOADS, owner=owner)


def read_key(text: str) -> str:
    """Check that a command-line argument is the object key of an upload, and return it.

    The upload need not exist.

    Raises:
        BadRequestError: no upload can have this key.
    """
    if not text.startswith(UPLOADS) or text == UPLOADS:
        raise BadRequestError(f"{text!r} is not the key of an upload: keys begin with {UPLOADS}.")
    return check_own_key(text, UPLOADS)


def nobody(principal: str) -> SettingsError:
    """Return the error to raise if the ledger has no principal with this hash."""
    return SettingsError(
        f"there is no principal {principal}; `ossferry admin principals` lists all."
    )


def _is_text(argument: str) -> bool:
    """Return whether an argument is valid text; Python replaces other bytes by surrogates."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
