"""Runs an ASGI application on a socket, in a thread, with a start and an end one can wait for.

The socket is bound before anything else happens, so a port that is taken is told in one sentence.
"""

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from ossferry.errors import SettingsError
from ossferry.http.protocol import WireConfig, WireLimits

__all__ = ["BackgroundServer", "StopSignals", "listen"]

START_TIMEOUT_S = 30.0
GRACE_S = 3


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """Return a socket that is bound to exactly this address.

    Args:
        port: 0 picks a free one.
        option: what to name if it cannot be had, such as ``--port``.

    Raises:
        SettingsError: one sentence, for instance that the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"{option}: cannot listen on {host}:{port} ({error.strerror}); choose another."
        ) from error
    return sock


class BackgroundServer:
    """One uvicorn in one thread.

    Args:
        limits: what connections may do.
        grace_s: how long requests under way have to finish once it is to stop.
        on_exit: called when the thread ends, for whatever reason.
    """

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        *,
        limits: WireLimits = WireLimits(),  # noqa: B008 - a frozen value
        grace_s: int = GRACE_S,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        config = WireConfig(app, limits=limits, grace_s=grace_s)
        self._started = threading.Event()
        self._server = _TellingServer(config, self._started)
        self._sock = sock
        self._on_exit = on_exit
        self._thread = threading.Thread(target=self._run, name="ossferry", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        found: int = self._sock.getsockname()[1]
        return found

    def start(self) -> None:
        """Start, and return once connections are accepted.

        Raises:
            RuntimeError: it ended or hung before that.
        """
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S) or not self._server.started:
            raise RuntimeError("The server did not start; its log says why.")

    def stop(self) -> None:
        """Finish what is under way, close, and wait for the thread to end."""
        self._server.should_exit = True
        self._thread.join()
        self._sock.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._sock])
        finally:
            self._started.set()
            self._on_exit()


class StopSignals:
    """While entered, Ctrl-C and SIGTERM end `wait` instead of the process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._previous = {
            number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __enter__(self) -> Self:
        for number in self._previous:
            signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def set(self) -> None:
        """End `wait` from another thread."""
        self._stop.set()

    def wait(self) -> None:
        """Return once somebody wants the program to stop."""
        self._stop.wait()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()


class _TellingServer(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._told.set()
