"""The shipped nginx configuration with two servers, of which one is killed or stopped."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.nginx import https_client
from support.replicas import PAGE, Replicas, replicas

CLIENTS = 6
PAUSE_S = 0.1


@pytest.fixture(scope="module")
def servers(
    running_demo: Demo, web_dir: Path, redis_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("servers")
    with replicas(running_demo, web_dir, folder, redis_port) as servers:
        yield servers


class Load:
    """Clients that request grants all the time, with a pause after each unless they hurry.

    Attributes:
        statuses: the statuses of all answers.
        broken: number of answers that broke off after their headers; nginx cannot ask another
            server then.
    """

    def __init__(self, servers: Replicas) -> None:
        self.statuses: list[int] = []
        self.broken = 0
        self._servers = servers
        self._ended = threading.Event()
        self._hurry = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._asking = [self._pool.submit(self._ask) for _ in range(CLIENTS)]

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Return a context in which the clients do not pause."""
        self._hurry.set()
        yield
        self._hurry.clear()

    def wait_for_more(self, number: int = 50) -> None:
        """Wait until so many more requests are answered."""
        wanted = len(self.statuses) + number
        while len(self.statuses) < wanted:
            for each in wait(self._asking, timeout=0.02).done:
                each.result()

    def wait_until_used(self, port: int) -> None:
        """Wait until nginx sends requests to a server."""
        before = self._servers.audit(port).stat().st_size
        while self._servers.audit(port).stat().st_size == before:
            self.wait_for_more(1)

    def close(self) -> None:
        """Stop the clients; raise an error if one of them got no answer."""
        self._ended.set()
        self._pool.shutdown()
        for each in self._asking:
            each.result()

    def _ask(self) -> None:
        with https_client(self._servers.https_port, self._servers.tls) as client:
            while not self._ended.is_set():
                try:
                    self.statuses.append(client.post("/api/grant", headers=PAGE).status_code)
                except httpx.RemoteProtocolError:
                    self.broken += 1
                self._hurry.wait(PAUSE_S)


def test_no_request_for_a_grant_is_lost_when_a_server_ends_and_comes_back(
    servers: Replicas,
) -> None:
    broken = {}
    with closing(Load(servers)) as load:
        for port, how in zip(servers.ports, (signal.SIGTERM, signal.SIGKILL), strict=True):
            load.wait_for_more()
            with load.hurry():
                servers.end(port, how)
                load.wait_for_more()
            servers.start(port)
            load.wait_until_used(port)
            broken[how] = load.broken

    assert set(load.statuses) == {200}
    assert broken[signal.SIGTERM] == 0
    assert broken[signal.SIGKILL] <= CLIENTS
