"""Rate limits: for each principal, for each address, and for all requests together."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import limits

from ossferry.errors import TooManyError
from ossferry.settings.model import Settings
from ossferry.state.counter import Counter

OBJECTS = "6000/minute"
"""Requests of one principal about uploads, and reports in batches.

A page that uploads many small files reports some hundred of them in a burst.
"""

GLOBAL = "5000/second"
"""Requests of all clients together: more than they send unless many machines attack."""

RENEWALS = "20/minute"
"""Calls to STS that one principal causes by reporting that OSS refused their credentials.

All principals share the calls that STS allows the account.
"""

FAILURES = "30/minute"
"""Failed identifications per address or key id: enough for mistakes, and too few to guess a key.

Principals who can prove their identity are let in anyway.
"""

LINK = "600/minute"
"""New guests and grants of one file request, whose link may reach anybody."""

PASSWORDS = "10/minute"
"""Wrong passwords for one file request or share link.

While the limit is reached, right ones are refused too.
"""

Counted: TypeAlias = Literal["principal", "renewal", "objects", "reports", "link", "password"]
"""What is counted, besides the requests of addresses.

`principal`: a principal's requests for credentials. `renewal`: those for new ones, because OSS has
refused the old ones. `objects`: requests about stored uploads, such as a list. `reports`: the
page's reports that uploads are stored; they count separately, so a page that has reported many can
still list them. `link`: new guests and grants of a file request. `password`: wrong passwords.
"""


class Rates:
    """Counts requests against the rate limits.

    The methods raise `TooManyError` if a limit is reached. The error's `retry_after_s` is the
    number of seconds after which the client may try again.
    """

    def __init__(self, settings: Settings, counter: Counter) -> None:
        self._counter = counter
        kinds: Mapping[Counted, str] = {
            "principal": settings.rate_per_principal,
            "renewal": RENEWALS,
            "objects": OBJECTS,
            "reports": OBJECTS,
            "link": LINK,
            "password": PASSWORDS,
        }
        self._limits = {what: limits.parse(limit) for what, limit in kinds.items()}
        self._per_address = limits.parse(settings.rate_per_address)
        self._global = limits.parse(GLOBAL)
        self._failures = limits.parse(FAILURES)

    async def admit(self, address: str) -> None:
        """Count a request against the limit of its address and against the limit of all requests.

        Raises:
            TooManyError: one of the two limits is reached.
        """
        await self._count(self._per_address, "address", address_key(address))
        await self._count(self._global, "global")

    async def admit_frequent(self, address: str) -> None:
        """Count a request against the limit of all requests, but not against that of its address.

        The limit of the address is only tested. Call this method for routes that receive hundreds
        of valid requests from one address. If the principal is not identified, call
        `admit_stranger` afterwards.

        Raises:
            TooManyError: the address sent too many requests without an identified principal, or the
                limit of all requests is reached.
        """
        who = address_key(address)
        if not await self._counter.test(self._per_address, "address", who):
            await self._refuse(self._per_address, "address", who)
        await self._count(self._global, "global")

    async def admit_stranger(self, address: str) -> None:
        """Count a request without an identified principal against the limit of its address.

        Call this method after `admit_frequent`, but not after `admit`, because `admit` has already
        counted the request against this limit.

        Raises:
            TooManyError: the address sent too many such requests.
        """
        await self._count(self._per_address, "address", address_key(address))

    async def count(self, what: Counted, who: str, *, cost: int = 1) -> None:
        """Count requests against a limit that is not for addresses.

        Args:
            what: the kind of the requests.
            who: hash of the principal who sent them; for `link` and `password`, the id of the file
                request or share link.
            cost: the number of requests, as for `Counter.hit`.

        Raises:
            TooManyError: there are too many requests of this kind.
        """
        await self._count(self._limits[what], what, who, cost=cost)

    async def failed(self, address: str, key_id: str) -> None:
        """Count a failed identification: one more failure of its address and of its API key.

        Args:
            address: IP address of the client.
            key_id: id of the API key in the request; empty if the request has no API key.

        Raises:
            TooManyError: too many failures from this address, or too many failures with this key id
                from all addresses together.
        """
        who = address_key(address)
        within = await self._counter.hit(self._failures, "failed", who)
        if key_id:
            await self._count(self._failures, "key", key_id)
        if not within:
            await self._refuse(self._failures, "failed", who)

    async def refuse_guessing(self, address: str) -> None:
        """Raise an error if too many identifications from an address have failed; count nothing.

        Call this method before an identification that takes much time or work. It also refuses
        principals at this address who could prove their identity.

        Args:
            address: IP address of the client.

        Raises:
            TooManyError: too many identifications from this address have failed.
        """
        who = address_key(address)
        if not await self._counter.test(self._failures, "failed", who):
            await self._refuse(self._failures, "failed", who)

    async def refuse_passwords(self, id_: str) -> None:
        """Raise an error if a file request or link got too many wrong passwords; count nothing.

        Raises:
            TooManyError: too many passwords were wrong.
        """
        if not await self._counter.test(self._limits["password"], "password", id_):
            await self._refuse(self._limits["password"], "password", id_)

    async def _count(self, item: limits.RateLimitItem, *names: str, cost: int = 1) -> None:
        if not await self._counter.hit(item, *names, cost=cost):
            await self._refuse(item, *names)

    async def _refuse(self, item: limits.RateLimitItem, *names: str) -> None:
        raise TooManyError(retry_after_s=await self._counter.retry_after_s(item, *names))


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """Return the name of the rate-limit counter for an IP address.

    All addresses of an IPv6 /64 network share one counter, because one host can use all of them.
    An invalid address has the counter `unknown`.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
