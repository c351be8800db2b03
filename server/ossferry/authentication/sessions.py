"""Session cookies: signed, short-lived, bound to this host, and invalid after sign-out.

A cookie contains the principal and the time of sign-in. While the user is active, the server
regularly renews the cookie. A session ends after some time without requests, or when its maximum
duration is over.

If the server has a ledger, the ledger stores the ids of signed-out sessions until their cookies
have expired. Without a ledger, the ids of active sessions are stored instead, in Redis or in the
memory of the process. If these ids are lost, all sessions end, and no signed-out session becomes
valid again.
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from ossferry.clock import Clock
from ossferry.errors import NoProofError, NotIdentifiedError
from ossferry.identity.principal import Principal
from ossferry.ledger import Database, sign_outs
from ossferry.settings.model import Settings
from ossferry.state.choice import Storage


class SignOuts:
    """Knows which sessions were signed out, so that copies of their cookies are invalid.

    With a ledger, signed-out sessions are stored in the ledger. Without a ledger, active sessions
    are stored in `storage`.

    Args:
        storage: Redis, shared by all processes, or the memory of this process.
        database: the ledger; None if the server has no ledger.
    """

    def __init__(self, storage: Storage, database: Database | None, *, clock: Clock) -> None:
        self._storage = storage
        self._database = database
        self._clock = clock

    async def begin(self, session_id: str, *, lasts_s: float) -> None:
        """Store a new session as active; do nothing if there is a ledger.

        Args:
            lasts_s: maximum duration of the session in seconds.

        Raises:
            StorageLostError: the session cannot be stored.
        """
        if self._database is None:
            await self._storage.put(_name(session_id), b"1", lasts_s)

    async def add(self, session_id: str, *, lasts_s: float) -> None:
        """Record that a session was signed out.

        Args:
            lasts_s: seconds until all cookies of the session have expired.

        Raises:
            LedgerLostError, StorageLostError: the sign-out cannot be stored.
        """
        if self._database is None:
            await self._storage.drop(_name(session_id))
            return
        now = self._clock()
        async with self._database.write() as connection:
            await sign_outs.add(
                connection, session_id, now=now, until=now + timedelta(seconds=lasts_s)
            )

    async def has(self, session_id: str) -> bool:
        """Return whether a session is no longer valid.

        With a ledger, this means that the session was signed out. Without a ledger, it means that
        the session is not among the active sessions.

        Raises:
            LedgerLostError, StorageLostError: the ledger or Redis does not answer.
        """
        if self._database is None:
            return not await self._storage.has(_name(session_id))
        async with self._database.read() as connection:
            return await sign_outs.has(connection, session_id)


def _name(session_id: str) -> str:
    return f"session:{session_id}"


SESSION_COOKIE = "__Host-ossferry_session"
RENEW_AFTER = 0.1
"""The fraction of the idle time after which a used cookie is signed again."""
CLOCK_SKEW_S = 5
"""The number of seconds by which the clocks of two servers may differ."""
MAX_COOKIE_LENGTH = 2048
MAX_KNOWN = 4096
"""The number of cookies whose verified contents are cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session of a principal who has signed in.

    Attributes:
        id: random text that identifies the session in `SignOuts`.
        born: time of sign-in in seconds since 1970.
    """

    id: str
    principal: Principal
    born: int


def sealer(secret: bytes, purpose: str, clock: Clock) -> URLSafeTimedSerializer:
    """Return a serializer that signs values together with the time from `clock`.

    Args:
        secret: the server's secret, from which the signing key is derived.
        purpose: name of the use, such as `session`. Each purpose has its own signing key, so a
            signature for one purpose is invalid for another.
    """

    class ClockSigner(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(clock().timestamp())

    return URLSafeTimedSerializer(
        secret,
        salt=f"ossferry/{purpose}",
        signer=ClockSigner,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


class Sessions:
    """Creates, reads, renews and ends the sessions of browsers."""

    def __init__(
        self,
        settings: Settings,
        sign_outs: SignOuts,
        *,
        clock: Clock,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._idle_s = settings.login_idle_s
        self._max_s = settings.login_max_s
        self._sign_outs = sign_outs
        self._clock = clock
        self._new_id = new_id
        self._sealer = sealer(settings.secret_bytes, "session", clock)
        self._opened = lru_cache(maxsize=MAX_KNOWN)(self._open)

    async def begin(
        self, principal: Principal, response: Response, *, replaces: Request | None = None
    ) -> None:
        """Start a new session for a principal, and set the session cookie in the response.

        Args:
            replaces: the request of the sign-in. If its cookie has a valid session, that session
                ends, because the new cookie replaces the cookie in the browser.

        Raises:
            LedgerLostError, StorageLostError: the session cannot be stored, or the earlier one
                cannot be ended.
        """
        if replaces is not None:
            with suppress(NotIdentifiedError):
                earlier = await self.read(replaces)
                await self._sign_outs.add(earlier.id, lasts_s=self._max_s)
        session = Session(id=self._new_id(), principal=principal, born=self._now())
        await self._sign_outs.begin(session.id, lasts_s=self._max_s)
        set_cookie(response, SESSION_COOKIE, self._seal(session), max_age=self._idle_s)

    def carries(self, request: Request) -> bool:
        """Return whether a request has a session cookie, valid or not."""
        return bool(request.cookies.get(SESSION_COOKIE))

    async def read(self, request: Request) -> Session:
        """Return the session in the cookie of a request.

        If the cookie is older than a tenth of the idle time, also prepare a new cookie in
        `request.state`; `renew` sends it.

        Raises:
            NoProofError: there is no session cookie, or the session has ended.
            NotIdentifiedError: the cookie has no valid signature.
            LedgerLostError, StorageLostError: the server cannot check whether the session was
                signed out.
        """
        cookie = request.cookies.get(SESSION_COOKIE, "")
        if not cookie:
            raise NoProofError("Please sign in.")
        if len(cookie) > MAX_COOKIE_LENGTH:
            raise NotIdentifiedError("Please sign in.")
        session, signed = self._opened(cookie)
        now, age_s = self._now(), self._now() - signed
        if not -CLOCK_SKEW_S <= age_s <= self._idle_s or now >= session.born + self._max_s:
            raise NoProofError("Please sign in again.")
        if await self._sign_outs.has(session.id):
            raise NoProofError("Please sign in again.")
        if age_s > self._idle_s * RENEW_AFTER:
            request.state.session_cookie = self._seal(session)
        return session

    def renew(self, request: Request, response: Response) -> None:
        """Set a new session cookie in the response, if `read` has prepared one for this request."""
        if cookie := getattr(request.state, "session_cookie", ""):
            set_cookie(response, SESSION_COOKIE, cookie, max_age=self._idle_s)

    async def end(self, session: Session, response: Response) -> None:
        """End a session and delete its cookie; the server refuses copies of the cookie from now on.

        Raises:
            LedgerLostError, StorageLostError: the sign-out cannot be stored.
        """
        await self._sign_outs.add(session.id, lasts_s=self._max_s)
        set_cookie(response, SESSION_COOKIE, "", max_age=0)

    def _open(self, cookie: str) -> tuple[Session, int]:
        """Verify a session cookie; return its session, and the time when the cookie was signed.

        The time is in seconds since 1970.

        Raises:
            NotIdentifiedError: the signature is not valid.
        """
        try:
            value, signed = self._sealer.loads(cookie, return_timestamp=True)
        except BadData as error:
            raise NotIdentifiedError("Please sign in again.") from error
        id_, born, principal_id, name = value  # as `_seal` has serialized them
        principal = Principal(id=principal_id, name=name)
        return Session(id=id_, born=born, principal=principal), int(signed.timestamp())

    def _seal(self, session: Session) -> str:
        principal = session.principal
        sealed = self._sealer.dumps([session.id, session.born, principal.id, principal.name])
        return str(sealed)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def set_cookie(response: Response, name: str, value: str, *, max_age: int) -> None:
    """Set a cookie for this host, which scripts cannot read and browsers send only with HTTPS.

    The cookie has `SameSite=Lax`, because the browser must send the cookie after a redirect from
    the identity provider.

    Args:
        max_age: seconds until the cookie expires; 0 deletes the cookie.
    """
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax"
    )
