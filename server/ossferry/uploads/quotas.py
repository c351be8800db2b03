"""Quotas: limits on the number and total size of each principal's uploads.

The server checks the quota before it issues a grant. Each receipt updates the principal's usage.

STS credentials cannot limit the size of uploads. Therefore the response to each report of an upload
contains the remaining quota, and the page stops when nothing remains. A client that ignores the
quota can upload until its credentials expire, but it gets no new credentials. A principal's usage
is cached for two seconds, so frequent requests for grants do not load the database.

While the database does not answer, `admit` uses the last known usage for up to five minutes. This
is safe: without the database, a new grant cannot be recorded, so the server issues only credentials
that the principal already has.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta

from typing_extensions import TypedDict

from ossferry import errors
from ossferry.clock import Clock, Monotonic
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, file_requests
from ossferry.ledger.standing import Quota, Standing, standing
from ossferry.ledger.tables import TOTAL, day_of
from ossferry.settings.model import Settings


class Left(TypedDict):
    """The remaining quota of a principal: bytes and number of objects; None means no limit."""

    bytes_left: int | None
    objects_left: int | None


KEPT_S = 2.0
LAST_KNOWN_S = 300.0
"""How old a principal's usage may be while the database does not answer."""
MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A principal's usage and limits, read from the database.

    Attributes:
        day: the day to which the usage per day belongs.
        read_at, until: when it was read, and until when it is not read again; in seconds of the
            monotonic clock.
        lost_until: until when `admit` uses it without asking the database, which has not answered.
    """

    standing: Standing
    day: str
    read_at: float
    until: float
    lost_until: float = 0.0


class Quotas:
    """Checks whether a principal's uploads stay within the quota.

    The limits come from the settings; an operator can set other limits for one principal.
    """

    def __init__(
        self, settings: Settings, database: Database, *, clock: Clock, monotonic: Monotonic
    ) -> None:
        names = [field.name for field in fields(Quota)]
        self._default = {name: getattr(settings, f"quota_{name}") for name in names}
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _Known] = OrderedDict()

    async def admit(self, principal: Owner, *, size: int) -> Left | None:
        """Raise an error if a principal may not upload; otherwise return the remaining quota.

        While the database does not answer, the cached usage counts if it was read today and at most
        `LAST_KNOWN_S` seconds ago.

        Args:
            size: size in bytes of the next object; 0 if unknown.

        Returns:
            The remaining quota, or None if there is no limit; for a guest as `left` has it.

        Raises:
            RevokedError: the principal's access was revoked.
            QuotaExceededError: no quota remains, or less than `size`.
            RequestOverError: the same for a guest, who learns nothing about the owner's quota.
            TooManyFilesError: the guest may store no more files.
            LedgerLostError: the database does not answer, and the cache has no such usage.
        """
        found = await self._last_known(principal)
        _refuse_revoked(found)
        for name, rest in self._rest(found).items():
            least = max(1, size) if name.startswith("bytes") else 1
            if rest is not None and rest < least:
                raise self._exceeded(name, found, principal)
        left = await self._for_guest(principal, self._least(found))
        if principal.guest and left and left["objects_left"] == 0:
            raise errors.TooManyFilesError
        return left

    async def refuse_revoked(self, principal: Owner) -> None:
        """Raise an error if a principal's access was revoked.

        Raises:
            RevokedError: an administrator has revoked the access.
            LedgerLostError: the database does not answer.
        """
        _refuse_revoked(await self._standing(principal))

    async def left(self, principal: Owner) -> Left | None:
        """Return the remaining quota of a principal, which may be zero; None if there is no limit.

        For a guest of a file request, it is the owner's, and the number of files that the guest may
        still send, if this is less.

        Raises:
            LedgerLostError: the database does not answer.
        """
        return await self._for_guest(principal, self._least(await self._standing(principal)))

    async def make_sure_it_fits(self, principal: Owner, size: int) -> None:
        """Raise an error if one more object would exceed a principal's total limits.

        Limits per day are not checked.

        Args:
            size: size of the object in bytes.

        Raises:
            QuotaExceededError: the object would exceed a total limit.
            LedgerLostError: the database does not answer.
        """
        found = await self._standing(principal)
        rest = self._rest(found)
        for name, more in (("bytes_total", size), ("objects_total", 1)):
            left = rest[name]
            if left is not None and left < more:
                raise self._exceeded(name, found, principal)

    async def room(self, principal: Owner) -> tuple[int | None, int | None]:
        """Return the bytes and the number of objects that a principal's total limits still allow.

        A value is None if there is no such limit, and negative if the limit is exceeded.

        Raises:
            LedgerLostError: the database does not answer.
        """
        rest = self._rest(await self._standing(principal))
        return rest["bytes_total"], rest["objects_total"]

    def settle(self, principal: Owner, used: Mapping[str, tuple[int, int]]) -> None:
        """Update a principal's cached usage with new counts from the ledger.

        Args:
            used: a mapping from days (`YYYY-MM-DD`) and the word `total` to the usage: a pair of
                bytes and number of objects.
        """
        known = self._kept.get(principal.hash)
        if known is None:
            return
        now = dict(known.standing.used)
        for span, day in (("day", day_of(self._clock())), ("total", TOTAL)):
            if day in used:
                now[f"bytes_{span}"], now[f"objects_{span}"] = used[day]
        self._kept[principal.hash] = replace(known, standing=replace(known.standing, used=now))

    def forget(self, principal: Owner) -> None:
        """Remove a principal's usage from the cache, so that it is read from the ledger again.

        Call this method after a change of the usage.
        """
        self._kept.pop(principal.hash, None)

    async def _standing(self, principal: Owner) -> Standing:
        known = self._kept.get(principal.hash)
        if known is not None and known.until > self._monotonic():
            return known.standing
        day = day_of(self._clock())
        async with self._database.read() as connection:
            found = await standing(connection, principal.hash, self._clock())
        now = self._monotonic()
        self._kept[principal.hash] = _Known(
            standing=found, day=day, read_at=now, until=now + KEPT_S
        )
        self._kept.move_to_end(principal.hash)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return found

    async def _for_guest(self, principal: Owner, left: Left | None) -> Left | None:
        if not principal.guest:
            return left
        async with self._database.read() as connection:
            rest = await file_requests.rest(connection, principal, [principal.prefix])
        files, _ = rest[principal.guest]
        of_owner = left or {"bytes_left": None, "objects_left": None}
        return {**of_owner, "objects_left": _least(files, of_owner["objects_left"])}

    async def _last_known(self, principal: Owner) -> Standing:
        """Return a principal's usage and limits; the last known ones if the database is lost.

        Raises:
            LedgerLostError: the database does not answer, and the last known usage is too old or of
                another day.
        """
        known = self._kept.get(principal.hash)
        if known is not None and known.lost_until > self._monotonic():
            return known.standing
        try:
            return await self._standing(principal)
        except errors.LedgerLostError:
            now = self._monotonic()
            if known is None or now - known.read_at > LAST_KNOWN_S:
                raise
            if known.day != day_of(self._clock()):
                raise
            self._kept[principal.hash] = replace(known, lost_until=now + KEPT_S)
            return known.standing

    def _allowed(self, name: str, found: Standing) -> int | None:
        own: int | None = getattr(found.own, name)
        return self._default[name] if own is None else own

    def _rest(self, found: Standing) -> dict[str, int | None]:
        allowed = {name: self._allowed(name, found) for name in self._default}
        return {
            name: None if most is None else most - found.used[name]
            for name, most in allowed.items()
        }

    def _least(self, found: Standing) -> Left | None:
        rest = self._rest(found)
        size = _least(rest["bytes_day"], rest["bytes_total"])
        count = _least(rest["objects_day"], rest["objects_total"])
        if size is None and count is None:
            return None
        return {"bytes_left": size, "objects_left": count}

    def _exceeded(self, name: str, found: Standing, principal: Owner) -> errors.RefusedError:
        if principal.guest:
            return errors.RequestOverError("no-room")
        now = self._clock()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return errors.QuotaExceededError(
            name,
            used=found.used[name],
            allowed=self._allowed(name, found) or 0,
            frees_at=midnight if name.endswith("_day") else None,
            now=now,
            prefix=principal.prefix,
        )


def _refuse_revoked(found: Standing) -> None:
    if found.is_revoked:
        raise errors.RevokedError("An administrator has revoked your access.")


def _least(*values: int | None) -> int | None:
    return min((max(0, value) for value in values if value is not None), default=None)
