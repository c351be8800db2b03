"""Choose the origin (scheme and host) of each request, if the bucket has several origins.

Origins are custom domains, the acceleration endpoint and the public endpoint. All origins give
access to the same objects and parts, so an upload can continue at another origin with the same
upload id.

All requests go to one chosen origin, except small requests: browsers open only six connections to a
host, so small requests are spread over all custom domains that respond.

After failures at the chosen origin, all origins are checked at the same time. If no origin
responds, the network is down, and the chosen origin stays the same.
"""

import asyncio

from ossferry_uploader.oss.errors import UNEXPECTED, Lost, OSSError, Refused
from ossferry_uploader.oss.replies import read_error
from ossferry_uploader.oss.requests import Bucket, list_parts, sign
from ossferry_uploader.transfer.errors import TransferError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.ports import Clock, Http

    Ask = Callable[[Grant, Bucket], Awaitable[None]]

GRACE_S = 0.3  # an origin earlier in the list may always be this much slower than the fastest
LIMIT_S = 10.0  # to wait for an answer
PAUSE_S = 5.0  # between two checks of all origins after failures
AGAIN_S = 300.0  # before an origin that failed is asked again
LOSSES = 2  # in a row; one lost request can happen on any network

REFUSALS = (  # error codes for which another host may lead to the bucket
    "NoSuchBucket",  # also the answer of a domain that is bound to no bucket
    "NoSuchCname",
    "NonStandardHostForbidden",
    "PermanentRedirect",
    "PublicEndpointForbidden",
    "SecondLevelDomainForbidden",
    "SignatureDoesNotMatch",  # also the answer of a domain that is bound to another bucket
)


NO_NAME = "ossferry-origin"  # no object has this name, and no upload has the id below
NO_UPLOAD_ID = "0" * 32


def asking(http: "Http", server_now_s: "Callable[[], float]") -> "Ask":
    """Return a function `ask(grant, bucket)` that tests an origin, for the class `Origins`.

    `ask` sends a signed ListParts request with an unknown upload id to `bucket.origin`. It raises
    an error if OSS does not reply, or refuses the request because of its host. It sends ListParts
    because the bucket's CORS rule and the session policy allow this operation, and because the
    reply, unlike a reply to HEAD, contains an error code.
    """

    async def ask(grant: "Grant", bucket: "Bucket") -> None:
        operation = list_parts(grant.prefix + NO_NAME, NO_UPLOAD_ID)
        request = sign(operation, grant.credentials, bucket, at_s=server_now_s())
        error = read_error(await http.send(request, None, lambda _sent: None))
        if refuses_host(error) or _is_lost(error):
            raise error

    return ask


class Origins:
    """Chooses the origin that the requests of all uploads use.

    A check sends a test request to all origins of the grant at the same time, without the origins
    that have lately refused a request (see `_candidates`). Then it chooses the first origin in the
    grant's list that takes at most twice as long as the fastest origin, or `GRACE_S` seconds longer
    if that is more. A check begins:

    - with the first grant, or before the first request,
    - after OSS has refused a request because of the request's host,
    - after `LOSSES` requests in a row without a reply from OSS,
    - every `AGAIN_S` seconds, if the chosen origin is not the first origin in the grant's list, or
      if a custom domain failed in the latest check, or was excluded from small requests later.

    If the grant has only one origin, there is no check.

    A small request is a request with a small body, see `at`. If the chosen origin is a custom
    domain, each small request goes to the custom domain with the fewest small requests in flight,
    among the domains that responded to the latest check. If such a request fails at another domain
    than the chosen one because of the host or the network, the caller sends it again, to the chosen
    origin (see `failed`). Such a domain gets no more small requests, until it responds to a check,
    if it refuses a request because of its host, or loses `LOSSES` requests in a row.

    Args:
        ask: `ask(grant, bucket)` sends the test request to `bucket.origin`, and raises `OSSError`
            or `TransferError` if uploads cannot use this origin.
    """

    def __init__(self, clock: "Clock", ask: "Ask") -> None:
        self._clock = clock
        self._ask = ask
        self._origins: list[str] = []
        self._current = ""
        self._is_found = False  # the current origin is known to work
        self._refused: list[tuple[str, float]] = []  # origin that refused a request, and when
        self._losses = 0  # in a row, at the current origin
        self._asking: asyncio.Event | None = None  # set when all have been asked
        self._asked_at_s: float | None = None
        self._domains: list[str] = []  # custom domains that have answered
        self._lost_domain = False  # a custom domain has failed in the latest check or later
        self._domain_losses: dict[str, int] = {}  # in a row, at other origins than the current one
        self._in_flight: dict[str, int] = {}  # small requests, by origin

    def prepare(self, grant: "Grant") -> None:
        """Begin the check of all origins, so that the first request does not wait for it."""
        if grant.bucket.origins != self._origins:
            self._take(grant.bucket.origins)
        if len(self._origins) > 1 and self._needs_check():
            asyncio.create_task(self._ask_all(grant))  # noqa: RUF006 - it ends by itself

    async def at(self, grant: "Grant", *, is_small: bool = False) -> "Bucket":
        """Return the grant's bucket with the origin that the next request has to use.

        Args:
            is_small: whether the body of the request is small. Such a request may go to another
                origin than the chosen one; when it has ended, the caller must call `left`.
        """
        origins = grant.bucket.origins
        if origins != self._origins:
            self._take(origins)
        if len(origins) == 1:
            return grant.bucket
        if self._needs_check():
            await self._ask_all(grant)
        elif (self._current != origins[0] or self._lost_domain) and self._is_over(AGAIN_S):
            asyncio.create_task(self._ask_all(grant))  # noqa: RUF006 - it ends by itself
        origin = self._freest() if is_small else self._current
        if is_small:
            self._in_flight[origin] = self._in_flight.get(origin, 0) + 1
        return grant.bucket.at(origin)

    def _needs_check(self) -> bool:
        """Return whether no origin is known to work, and a check has to begin or is in progress."""
        return not self._is_found and (self._asking is not None or self._is_over(PAUSE_S))

    def left(self, bucket: "Bucket") -> None:
        """Record that a small request has ended, for which `at` returned this bucket."""
        if self._in_flight.get(bucket.origin):
            self._in_flight[bucket.origin] -= 1

    def _freest(self) -> str:
        """Return the custom domain with the fewest small requests in flight.

        If the chosen origin is no custom domain, return the chosen origin.
        """
        domains = self._domains if self._current in self._domains else [self._current]
        return min(domains, key=lambda origin: self._in_flight.get(origin, 0))

    def answered(self, bucket: "Bucket") -> None:
        """Record that OSS has replied to a request to `bucket.origin`: the origin works."""
        if bucket.origin == self._current:
            self._losses = 0
            self._is_found = True
        else:
            self._domain_losses.pop(bucket.origin, None)

    async def failed(self, grant: "Grant", bucket: "Bucket", error: Exception) -> bool:
        """Record that a request to an origin has failed, and check all origins if necessary.

        Args:
            bucket: the result of `at` for the request.
            error: the error of the request.

        Returns:
            `True` if the caller has to send the request again, to another origin.
        """
        origin = bucket.origin
        if len(self._origins) < 2 or origin not in self._origins:
            return False
        if origin != self._current:
            if origin in self._domains and not (refuses_host(error) or _is_lost(error)):
                return False
            if origin in self._domains and (refuses_host(error) or self._is_lost_again(origin)):
                self._note(origin, answers=False)
            return True
        if refuses_host(error):
            self._is_found = False
            self._refused = self._refused_lately() + [(origin, self._clock.elapsed_s())]
            is_worth_asking = len(self._candidates()) < len(self._origins)
        elif _is_lost(error):
            self._losses += 1
            is_worth_asking = self._losses >= LOSSES and self._is_over(PAUSE_S)
        else:
            self.answered(bucket)
            return False
        if is_worth_asking:
            await self._ask_all(grant)
        return self._current != origin

    def _take(self, origins: "list[str]") -> None:
        self._origins = list(origins)
        self._asked_at_s = None
        self._domains = [domain for domain in self._domains if domain in origins]
        if self._current not in origins:
            self._go_to(origins[0])
            self._is_found = False

    def _is_lost_again(self, domain: str) -> bool:
        """Record that a request to a custom domain was lost; return whether it was the second."""
        losses = self._domain_losses.get(domain, 0) + 1
        self._domain_losses[domain] = losses
        return losses >= LOSSES

    def _note(self, domain: str, *, answers: bool) -> None:
        """Record whether a custom domain has answered."""
        if answers and domain not in self._domains:
            self._domain_losses.pop(domain, None)
            self._domains.append(domain)
        elif not answers:
            self._domains = [each for each in self._domains if each != domain]
            self._lost_domain = True

    def _go_to(self, origin: str) -> None:
        self._current = origin
        self._losses = 0

    def _is_over(self, seconds: float) -> bool:
        """Return whether at least `seconds` have passed since the latest check of all origins.

        The result is also `True` if there was no check.
        """
        return self._asked_at_s is None or self._clock.elapsed_s() - self._asked_at_s >= seconds

    def _refused_lately(self) -> "list[tuple[str, float]]":
        since_s = self._clock.elapsed_s() - AGAIN_S
        return [(origin, at_s) for origin, at_s in self._refused if at_s > since_s]

    def _candidates(self) -> "list[str]":
        """Return the origins that have not refused a request in the last `AGAIN_S` seconds.

        If every origin has refused a request, return all origins.
        """
        refused = [origin for origin, _ in self._refused_lately()]
        return [origin for origin in self._origins if origin not in refused] or self._origins

    async def _ask_all(self, grant: "Grant") -> None:
        """Check all origins, and choose the best one.

        If a check is already in progress, wait for its end instead.

        Args:
            grant: the grant whose credentials sign the requests of the check.
        """
        if not self._asking:
            self._asking = asyncio.Event()
            asyncio.create_task(self._choose(grant, self._asking))  # noqa: RUF006 - of all callers
        await self._asking.wait()

    async def _choose(self, grant: "Grant", done: "asyncio.Event") -> None:
        before = self._origins
        self._lost_domain = False
        try:
            best = await self._best(grant, self._candidates())
            if best and before is self._origins:
                self._go_to(best)
                self._is_found = True
        finally:
            self._asking = None
            self._asked_at_s = self._clock.elapsed_s()
            done.set()

    async def _best(self, grant: "Grant", origins: "list[str]") -> str:
        """Check `origins` at the same time, and return the best one; empty if no origin answers.

        The best origin is the first one in the list that takes at most twice as long as the
        fastest, or `GRACE_S` seconds longer if that is more. The choice is made after `LIMIT_S`
        seconds at the latest. An origin that answers after the choice can still get small requests.

        Args:
            grant: the grant whose credentials sign the requests of the check.
        """
        answers: dict[str, bool] = {}  # origin: whether uploads can go there
        decided = asyncio.Event()
        timers: list[asyncio.Task[None]] = []
        asked, asked_at_s = self._origins, self._clock.elapsed_s()

        async def decide_in(seconds: float) -> None:
            await self._clock.sleep(seconds)
            decided.set()

        async def ask(origin: str) -> None:
            bucket = grant.bucket.at(origin)
            try:
                await self._ask(grant, bucket)
                answers[origin] = True
            except (OSSError, TransferError):
                answers[origin] = False
            if bucket.is_custom_domain and asked is self._origins:
                self._note(origin, answers=answers[origin])
            waited_for = [origin for origin in origins if answers.get(origin, True)]
            if not waited_for or waited_for[0] in answers:
                decided.set()
            elif answers[origin]:
                took_s = self._clock.elapsed_s() - asked_at_s
                timers.append(asyncio.create_task(decide_in(max(took_s, GRACE_S))))

        timers.append(asyncio.create_task(decide_in(LIMIT_S)))
        for origin in origins:
            asyncio.create_task(ask(origin))  # noqa: RUF006 - it ends by itself
        try:
            await decided.wait()
        finally:
            for timer in timers:
                timer.cancel()
        return next((origin for origin in origins if answers.get(origin)), "")


def refuses_host(error: Exception) -> bool:
    """Return whether an error means that OSS has refused a request because of its host."""
    return isinstance(error, Refused) and (error.code in REFUSALS or error.is_wrong_endpoint)


def _is_lost(error: Exception) -> bool:
    """Return whether a request got no answer, or an answer that is not from OSS."""
    return isinstance(error, Lost) or (isinstance(error, Refused) and error.code == UNEXPECTED)
