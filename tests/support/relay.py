"""A TCP relay in front of the mock, on a port of its own, that can fail."""

import contextlib
import socket
import threading

CHUNK = 64 * 1024


class Relay:
    """Forwards connections to `target_port`, until it has forwarded `dies_after` bytes upstream.

    The constructor reserves `port`, so that its address can be used before `start`.
    """

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.target_port = 0
        self.dies_after: int | None = None
        self._carried = 0

    def start(self, target_port: int) -> None:
        """Start forwarding, also again after `stop`."""
        self.target_port = target_port
        self._listener = self._listener or socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Close all connections, and refuse new ones."""
        with self._lock:
            closing = [*self._open, *([self._listener] if self._listener else [])]
            self._listener = None
            self._open.clear()
        for each in closing:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                browser, _ = listener.accept()
                mock = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                return  # the relay has been stopped
            with self._lock:
                self._open |= {browser, mock}
            for source, target, counts in ((browser, mock, True), (mock, browser, False)):
                threading.Thread(
                    target=self._carry, args=(source, target, counts), daemon=True
                ).start()

    def _carry(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if counts and self._is_spent(len(data)):
                    self.stop()
                    return
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _is_spent(self, size: int) -> bool:
        with self._lock:
            self._carried += size
            return self.dies_after is not None and self._carried > self.dies_after
