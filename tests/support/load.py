"""Clients that request grants while servers end and come back."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import httpx

PAUSE_S = 0.05


class Load:
    """Clients in threads that request grants all the time, with a pause unless they hurry.

    Args:
        make: creates the client of a thread.
        end: the error that tells a client that the server has closed its socket.

    Attributes:
        statuses: the statuses of all answers.
        broken: number of answers that broke off after their headers; nginx cannot ask another
            server then.
    """

    def __init__(
        self,
        make: Callable[[], httpx.Client],
        *,
        count: int = 4,
        end: type[httpx.TransportError] = httpx.ConnectError,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.statuses: list[int] = []
        self.broken = 0
        self._make = make
        self._end = end
        self._headers = headers
        self._ended, self._hurry = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(count)
        self._clients = [self._pool.submit(self._ask) for _ in range(count)]

    def wait_for_more(self, number: int = 20) -> None:
        """Wait until so many more requests are answered; no client may end meanwhile."""
        wanted = len(self.statuses) + number
        while len(self.statuses) < wanted:
            ended = wait(self._clients, timeout=0.02, return_when=FIRST_COMPLETED).done
            assert not ended, [each.result() for each in ended]

    def hurry(self) -> None:
        self._hurry.set()

    def slow_down(self) -> None:
        self._hurry.clear()

    def join(self) -> None:
        """Wait until all clients have ended; raise an error if one of them got no answer."""
        for each in self._clients:
            each.result()

    def close(self) -> None:
        """Stop the clients, and wait for them."""
        self._ended.set()
        self._pool.shutdown()
        self.join()

    def _ask(self) -> None:
        with self._make() as client:
            while not self._ended.is_set():
                try:
                    answer = client.post("/api/grant", headers=self._headers)
                    self.statuses.append(answer.status_code)
                except self._end:
                    return
                except httpx.RemoteProtocolError:
                    self.broken += 1
                self._hurry.wait(PAUSE_S)
