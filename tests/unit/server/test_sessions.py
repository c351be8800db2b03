"""Sessions: how long they last, when their cookies are renewed, and clocks that differ."""

import asyncio
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ossferry.authentication.sessions import SESSION_COOKIE, Session, Sessions, SignOuts, sealer
from ossferry.errors import NoProofError, NotIdentifiedError
from ossferry.identity.principal import Principal
from ossferry.state.key_value import MemoryStorage
from support.cookies import is_signed_for
from support.server_fakes import FakeClock, MakeSettings

CAROL = Principal(id="carol-1", name="Carol")


class Browser:
    """Keeps the session cookie of one person, and the `Max-Age` that came with it."""

    def __init__(self, sessions: Sessions) -> None:
        self.cookie = ""
        self.max_age = ""
        self.sessions = sessions

    def sign_in(self) -> None:
        begin, request = self.sessions.begin, self.request()
        self._take(lambda response: asyncio.run(begin(CAROL, response, replaces=request)))

    def visit(self) -> Session:
        """Send a request, and keep the cookie of the response."""
        request = self.request()
        session = asyncio.run(self.sessions.read(request))
        self._take(lambda response: self.sessions.renew(request, response))
        return session

    def is_known(self) -> bool:
        """Send a request, and ignore the cookie of the response."""
        try:
            asyncio.run(self.sessions.read(self.request()))
        except NotIdentifiedError:
            return False
        return True

    def is_known_by(self, cookie: str) -> bool:
        """Send a request with a copy of another cookie."""
        self.cookie = cookie
        return self.is_known()

    def sign_out(self) -> None:
        session = asyncio.run(self.sessions.read(self.request()))
        self._take(lambda response: asyncio.run(self.sessions.end(session, response)))

    def request(self) -> Request:
        header = (b"cookie", f"{SESSION_COOKIE}={self.cookie}".encode())
        return Request({"type": "http", "headers": [header]})

    def _take(self, answer: Callable[[Response], None]) -> None:
        response = Response()
        answer(response)
        sent = SimpleCookie(response.headers.get("set-cookie", ""))
        if SESSION_COOKIE in sent:
            self.cookie = sent[SESSION_COOKIE].value
            self.max_age = sent[SESSION_COOKIE]["max-age"]


@pytest.fixture
def carol(make_settings: MakeSettings, clock: FakeClock) -> Browser:
    """The browser of Carol, who has signed in; sessions last for 100 s, or 60 s if idle."""
    settings = make_settings(login_idle_s=60, login_max_s=100)
    sign_outs = SignOuts(MemoryStorage(), None, clock=clock)
    browser = Browser(Sessions(settings, sign_outs, clock=clock))
    browser.sign_in()
    return browser


def test_t18_only_its_age_ends_a_session_in_use(carol: Browser, clock: FakeClock) -> None:
    for _ in range(9):
        clock.advance(10)
        carol.visit()
    clock.advance(9)
    last = carol.visit()
    clock.advance(1)

    assert last.principal == CAROL
    assert not carol.is_known()


@pytest.mark.parametrize("stale", ["", "no session"], ids=["its session", "an invalid cookie"])
def test_t18_a_new_sign_in_ends_the_earlier_session_of_the_browser(
    carol: Browser, stale: str
) -> None:
    earlier = carol.cookie
    carol.cookie = stale or earlier

    carol.sign_in()

    assert carol.is_known()
    assert carol.is_known_by(earlier) is bool(stale)


@pytest.mark.parametrize(("idle_s", "is_known"), [(60, True), (61, False)])
def test_t18_a_session_ends_when_it_is_idle(
    carol: Browser, clock: FakeClock, idle_s: int, is_known: bool
) -> None:
    clock.advance(30)
    carol.visit()
    clock.advance(idle_s)

    assert carol.is_known() is is_known


@pytest.mark.parametrize(("ahead_s", "is_known"), [(1, True), (5, True), (6, False), (99, False)])
def test_t18_a_session_from_the_future_is_none_unless_two_clocks_differ_by_little(
    carol: Browser, clock: FakeClock, ahead_s: int, is_known: bool
) -> None:
    clock.advance(-ahead_s)

    assert carol.is_known() is is_known


def test_the_browser_keeps_a_cookie_for_the_idle_time_and_none_after_a_sign_out(
    carol: Browser, clock: FakeClock
) -> None:
    signed_in = carol.max_age
    carol.max_age = ""
    clock.advance(30)
    carol.visit()
    renewed = carol.max_age
    carol.sign_out()

    assert (signed_in, renewed, carol.max_age, carol.cookie) == ("60", "60", "0", "")


@pytest.mark.parametrize("age_s", [0, 61], ids=["forged", "ended"])
def test_a_person_whose_cookie_does_not_count_is_asked_to_sign_in_again(
    carol: Browser, clock: FakeClock, age_s: int
) -> None:
    clock.advance(age_s)
    carol.cookie += "" if age_s else "x"

    with pytest.raises(NotIdentifiedError, match=r"^Please sign in again\.$"):
        carol.visit()


@pytest.mark.parametrize(("age_s", "is_renewed"), [(0, False), (100, False), (101, True)])
def test_a_cookie_is_signed_again_after_a_tenth_of_the_idle_time(
    make_settings: MakeSettings, clock: FakeClock, age_s: int, is_renewed: bool
) -> None:
    settings = make_settings(login_idle_s=1000, login_max_s=5000)
    carol = Browser(Sessions(settings, SignOuts(MemoryStorage(), None, clock=clock), clock=clock))
    carol.sign_in()
    first = carol.cookie
    clock.advance(age_s)
    carol.visit()

    assert (carol.cookie != first) is is_renewed


def test_a_renewed_cookie_is_of_the_same_session(carol: Browser, clock: FakeClock) -> None:
    first = carol.visit()
    clock.advance(50)
    carol.visit()
    clock.advance(1)

    assert carol.visit() == first


def test_t18_a_sign_out_ends_all_cookies_of_the_session_and_no_other(
    carol: Browser, clock: FakeClock
) -> None:
    earlier = carol.cookie
    clock.advance(30)
    carol.visit()
    renewed, carol.cookie = carol.cookie, "of another device"
    carol.sign_in()
    another = carol.cookie
    carol.cookie = renewed
    carol.sign_out()

    assert [carol.is_known_by(each) for each in (earlier, renewed, another)] == [False, False, True]


@pytest.mark.parametrize(
    ("length", "told"), [(2048, "Please sign in again."), (2049, "Please sign in.")]
)
def test_a_cookie_that_is_too_long_is_not_read(carol: Browser, length: int, told: str) -> None:
    carol.cookie = "A" * length

    with pytest.raises(NotIdentifiedError) as refused:
        carol.visit()

    assert str(refused.value) == told


def test_t18_a_cookie_is_signed_for_sessions_only(
    carol: Browser, make_settings: MakeSettings, clock: FakeClock
) -> None:
    secret = make_settings().secret_bytes
    session = carol.visit()
    values = [session.id, session.born, CAROL.id, CAROL.name]

    assert is_signed_for("session", carol.cookie, secret=secret)
    assert carol.is_known_by(sealer(secret, "session", clock).dumps(values))
    assert not carol.is_known_by(sealer(secret, "login", clock).dumps(values))


def test_a_browser_without_a_cookie_has_sent_no_proof(carol: Browser) -> None:
    carol.cookie = ""

    with pytest.raises(NoProofError) as without_value:
        carol.visit()
    with pytest.raises(NoProofError) as without_cookie:
        asyncio.run(carol.sessions.read(Request({"type": "http", "headers": []})))

    assert str(without_value.value) == str(without_cookie.value) == "Please sign in."


def test_a_person_who_has_signed_out_is_asked_to_sign_in_again(carol: Browser) -> None:
    earlier = carol.cookie
    carol.sign_out()
    carol.cookie = earlier

    with pytest.raises(NoProofError) as refused:
        carol.visit()

    assert str(refused.value) == "Please sign in again."
