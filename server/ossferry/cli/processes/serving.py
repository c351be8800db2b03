"""Runs an ASGI application in a background thread, with blocking `start` and `stop` methods.

The function `bind` binds the socket before the thread starts, so a port that is in use is reported
immediately. The server listens on the socket only when the application has started. Before that,
connections are refused, so a proxy tries another server at once.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from starlette.types import ASGIApp

from ossferry.cli.processes.draining import DrainingServer
from ossferry.errors import SettingsError
from ossferry.http.protocol import WireConfig, WireLimits

START_TIMEOUT_S = 30.0
GRACE_S = 3


def bind(host: str, port: int, *, option: str) -> socket.socket:
    """Return a socket that is bound to exactly this address, but does not listen yet.

    Args:
        port: 0 selects a free port.
        option: name of the option to mention in an error message, such as `--port`.

    Raises:
        SettingsError: the address cannot be used, for example because the port is already in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"{option}: cannot listen on {host}:{port} ({error.strerror}); choose another."
        ) from error
    return sock


def address_of(sock: socket.socket) -> str:
    """Return the address and port to which a socket is bound, such as `127.0.0.1:8000`."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class BackgroundServer:
    """A uvicorn server in a background thread.

    Args:
        limits: timeouts and maximum number of connections.
        drain_s: seconds after the call of `stop` during which the server still accepts connections.
        grace_s: further seconds during which running requests may finish.
        on_exit: called when the thread ends, even after an error.
    """

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        *,
        limits: WireLimits = WireLimits(),  # noqa: B008 - a frozen value
        grace_s: int = GRACE_S,
        drain_s: float = 0.0,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        config = WireConfig(app, limits=limits, grace_s=grace_s, drain_s=drain_s)
        self._started = threading.Event()
        self._server = DrainingServer(config, on_listening=self._started.set)
        self._sock = sock
        self._on_exit = on_exit
        self._thread = threading.Thread(target=self._run, name="ossferry", daemon=True)

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        found: int = self._sock.getsockname()[1]
        return found

    def start(self) -> None:
        """Start the thread, and wait until the server accepts connections.

        Raises:
            SettingsError: the server ended, or did not accept connections within `START_TIMEOUT_S`
                seconds.
        """
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S) or not self._server.started:
            raise SettingsError("The server did not start; its log says why.")

    def stop(self) -> None:
        """Stop the server, and wait until its thread has ended.

        The server still accepts connections for `drain_s` seconds, then finishes running requests.
        """
        self._server.should_exit = True
        self._thread.join()
        self._sock.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._sock])
        except SystemExit:
            pass  # uvicorn ends a program that cannot start; `start` raises an error
        finally:
            self._started.set()
            self._on_exit()


class Stop:
    """An event that signal handlers may set.

    The handlers of two signals in quick succession block each other in `threading.Event.set`, whose
    lock is not reentrant; `SimpleQueue.put` is.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """End the next, or the current, call of `wait`."""
        self._queue.put(None)

    def wait(self) -> None:
        """Wait until `set` is called."""
        self._queue.get()


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Context manager whose value is an event that Ctrl-C and SIGTERM set.

    Inside the `with` block, these signals do not end the process.
    """
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
