"""Session cookies: signed, short-lived, bound to this host, and void after sign-out.

A cookie holds who it is and when they signed in. It is signed anew while it is used, so it ends
after some idle time, and in any case some time after sign-in. `SignOuts` remembers what was signed
out.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from ossferry.authentication.sign_outs import SignOuts
from ossferry.clock import Clock
from ossferry.errors import NoProofError, NotIdentifiedError
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings

__all__ = ["SESSION_COOKIE", "Session", "Sessions", "sealer"]

SESSION_COOKIE = "__Host-ossferry_session"
RENEW_AFTER = 0.1
"""Part of the idle time after which a used cookie is signed anew."""
MAX_COOKIE_LENGTH = 2048
MAX_KNOWN = 4096
"""Cookies whose signature need not be checked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in.

    Attributes:
        id: random; names the sign-in when it is ended.
        born: seconds since 1970 at which it began.
    """

    id: str
    principal: Principal
    born: int


def sealer(secret: bytes, purpose: str, clock: Clock) -> URLSafeTimedSerializer:
    """Return a signer for one purpose that goes by our clock."""

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
    """Gives out, reads and ends sessions."""

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
        self._known: dict[str, tuple[Session, int]] = {}

    async def begin(self, principal: Principal, response: Response) -> None:
        """Sign somebody in: always a new session, whatever cookie came along.

        Raises:
            StorageLostError: it cannot be remembered.
        """
        session = Session(id=self._new_id(), principal=principal, born=self._now())
        await self._sign_outs.begin(session.id, lasts_s=self._max_s)
        set_cookie(response, SESSION_COOKIE, self._seal(session), max_age=self._idle_s)

    async def read(self, request: Request) -> Session:
        """Return the session of a request.

        Raises:
            NoProofError: there is none, or it has ended.
            NotIdentifiedError: it is not ours.
            LedgerLostError, StorageLostError: nobody can say whether it was signed out.
        """
        cookie = request.cookies.get(SESSION_COOKIE, "")
        if not cookie:
            raise NoProofError("Please sign in.")
        if len(cookie) > MAX_COOKIE_LENGTH:
            raise NotIdentifiedError("Please sign in.")
        session, signed = self._opened(cookie)
        now, age_s = self._now(), self._now() - signed
        if not 0 <= age_s <= self._idle_s or now >= session.born + self._max_s:
            raise NoProofError("Please sign in again.")
        if await self._sign_outs.has(session.id):
            raise NoProofError("Please sign in again.")
        if age_s > self._idle_s * RENEW_AFTER:
            request.state.session_cookie = self._seal(session)
        return session

    def renew(self, request: Request, response: Response) -> None:
        """Hand out the cookie that was signed anew while the request was read."""
        if cookie := getattr(request.state, "session_cookie", ""):
            set_cookie(response, SESSION_COOKIE, cookie, max_age=self._idle_s)

    async def end(self, session: Session, response: Response) -> None:
        """Sign somebody out; copies of the cookie are void too.

        Raises:
            LedgerLostError, StorageLostError: it cannot be remembered.
        """
        await self._sign_outs.add(session.id, lasts_s=self._max_s)
        set_cookie(response, SESSION_COOKIE, "", max_age=0)

    def _opened(self, cookie: str) -> tuple[Session, int]:
        """Return what a cookie says, and when it was signed; good signatures are remembered."""
        known = self._known.get(cookie)
        if known is not None:
            return known
        try:
            value, signed = self._sealer.loads(cookie, return_timestamp=True)
        except BadData as error:
            raise NotIdentifiedError("Please sign in again.") from error
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[cookie] = _session(value), int(signed.timestamp())
        return self._known[cookie]

    def _seal(self, session: Session) -> str:
        principal = session.principal
        sealed = self._sealer.dumps([session.id, session.born, principal.id, principal.name])
        return str(sealed)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def set_cookie(response: Response, name: str, value: str, *, max_age: int) -> None:
    """Set a cookie that only this very host gets back, over https, and scripts never see.

    `Lax`, because a person comes back from the provider's site with it.
    """
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="lax"
    )


def _session(value: Any) -> Session:
    """Read what `_seal` has written; the signature says that it was us."""
    id_, born, principal_id, name = value
    return Session(id=id_, born=born, principal=Principal(id=principal_id, name=name))
