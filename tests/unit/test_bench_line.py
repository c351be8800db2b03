"""The simulated line of the benches: bandwidth, delay and windows, on a clock that jumps."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import pytest

from bench.line import Flow, SharedLink, parse
from bench.line_model import SEGMENT, Line, Link, Window

Result = TypeVar("Result")
FAST = 1_000_000.0  # Mbit/s: the bandwidth does not matter
WINDOW = 10 * SEGMENT


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(JumpingSelector(self))

    def time(self) -> float:
        return self.now_s


class JumpingSelector(selectors.SelectSelector):
    """Advances the clock by the timeout if no socket is ready."""

    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise AssertionError("all tasks wait for each other")
            self._loop.now_s += timeout
        return events


def simulate(story: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine on a clock that starts at 0 and jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(story)


class Receiver:
    """Records when bytes arrive, and how many have arrived by then."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, int]] = []
        self.content = bytearray()

    async def send(self, data: bytes) -> None:
        if data:
            self.content += data
            self.arrivals.append((asyncio.get_running_loop().time(), len(self.content)))

    @property
    def ended_s(self) -> float:
        return self.arrivals[-1][0]


def sender(content: bytes) -> Callable[[int], Awaitable[bytes]]:
    """Return a function that returns the next bytes of `content`, which are all available."""
    left = memoryview(content)

    async def receive(size: int) -> bytes:
        nonlocal left
        data, left = bytes(left[:size]), left[size:]
        return data

    return receive


def carry(line: Line, *contents: bytes) -> list[Receiver]:
    """Send each content over a connection of its own, at the same time."""
    receivers = [Receiver() for _ in contents]

    async def story() -> None:
        link = SharedLink(line)
        async with asyncio.TaskGroup() as tasks:
            for content, receiver in zip(contents, receivers, strict=True):
                flow = Flow(line, link, receive=sender(content), send=receiver.send)
                tasks.create_task(flow.run())

    simulate(story())
    return receivers


def test_a_link_sends_one_byte_after_the_other() -> None:
    link = Link(1000)

    assert link.send(500, 10.0) == 10.5
    assert link.send(500, 10.25) == 11.0
    assert link.queued_s(10.75) == 0.25
    assert link.queued_s(12.0) == 0
    assert link.send(1000, 12.0) == 13.0


@pytest.mark.parametrize("mbit", [20, 100, 1000])
def test_bytes_take_their_size_divided_by_the_bandwidth(mbit: float) -> None:
    line = Line(mbit=mbit, rtt_ms=0)

    (receiver,) = carry(line, bytes(10_000_000))

    assert receiver.ended_s == pytest.approx(10_000_000 * 8 / (mbit * 1e6), rel=1e-6)


def test_two_connections_share_the_bandwidth() -> None:
    line = Line(mbit=8, rtt_ms=0)

    short, long = carry(line, bytes(1_000_000), bytes(3_000_000))

    assert short.ended_s == pytest.approx(2, rel=0.01)
    assert long.ended_s == pytest.approx(4, rel=1e-6)


def test_the_window_doubles_in_each_round_trip() -> None:
    line = Line(mbit=FAST, rtt_ms=100)

    (receiver,) = carry(line, bytes(15 * WINDOW))

    arrived = [
        max(size for time_s, size in receiver.arrivals if time_s <= limit_s)
        for limit_s in (0.06, 0.16, 0.26, 0.36)
    ]
    assert arrived == [WINDOW, 3 * WINDOW, 7 * WINDOW, 15 * WINDOW]
    assert receiver.ended_s == pytest.approx(0.35, abs=1e-3)


def test_the_window_limits_a_connection_to_its_size_in_each_round_trip() -> None:
    line = Line(mbit=FAST, rtt_ms=100, max_window=WINDOW)

    (receiver,) = carry(line, bytes(10 * WINDOW))

    assert receiver.ended_s == pytest.approx(0.95, abs=1e-3)


def test_a_window_does_not_grow_while_little_of_it_is_used() -> None:
    window = Window(Line(mbit=100, rtt_ms=20))

    for second in range(5):
        window.send(1000, second)
        window.acknowledge(1000)

    assert window.room == WINDOW


@pytest.mark.parametrize(
    ("pause_s", "room"), [(0.1, 2 * WINDOW), (1, WINDOW)], ids=["short pause", "idle"]
)
def test_a_window_restarts_after_an_idle_time(pause_s: float, room: int) -> None:
    window = Window(Line(mbit=100, rtt_ms=20))
    window.send(WINDOW, 5)
    window.acknowledge(WINDOW)

    window.restart_if_idle(5 + pause_s)

    assert window.room == room


def test_a_line_is_named_by_options() -> None:
    address = ["--to", "127.0.0.1:80", "--listen", "81"]

    named = parse([*address, "--line", "100 Mbit/s 200 ms", "--handshakes", "1"])

    assert named == (Line(mbit=100, rtt_ms=200, handshakes=1), ("127.0.0.1", 80), 81)
