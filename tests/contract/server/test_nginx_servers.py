"""The shipped nginx configuration with two servers, of which one is killed or stopped."""

import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support.certificates import make_certificate
from support.nginx import NAME, configuration, https_client
from support.programs import free_port, program, running
from support.serve_command import SECRET, server_process, wait_until_up

CLIENTS = 6
PAGE = {"sec-fetch-site": "same-origin", "origin": f"https://{NAME}"}


class Servers:
    """Two servers that share Redis, and nginx in front of them."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self.https_port = free_port()
        self.ports = (free_port(), free_port())
        self._folder = folder
        self._options = options
        self._running: dict[int, ExitStack] = {}
        self._processes: dict[int, subprocess.Popen[str]] = {}

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._folder / "fullchain.pem")

    def audit(self, port: int) -> Path:
        """Return the audit file of a server."""
        return self._folder / f"server-{port}/audit.log"

    def start(self, port: int) -> None:
        """Start a server, and wait until it answers."""
        folder = self.audit(port).parent
        folder.mkdir(exist_ok=True)
        options = {
            **self._options,
            "OSSFERRY_PORT": str(port),
            "OSSFERRY_AUDIT_FILE": str(self.audit(port)),  # nobody reads stderr meanwhile
        }
        self._running[port] = ExitStack()
        process = self._running[port].enter_context(server_process(folder, options))
        self._processes[port] = process
        wait_until_up(f"http://127.0.0.1:{port}", process)

    def end(self, port: int, how: signal.Signals) -> None:
        """Send a signal to a server, and wait until its process has ended."""
        self._processes[port].send_signal(how)
        self._processes[port].communicate(timeout=30)

    def close(self) -> None:
        for each in self._running.values():
            each.close()


@pytest.fixture
def servers(demo: Demo, web_dir: Path, tmp_path: Path) -> Iterator[Servers]:
    tmp_path.chmod(0o755)
    make_certificate(tmp_path, NAME)
    redis_port = free_port()
    options = {
        "OSSFERRY_BUCKET": demo.settings.bucket,
        "OSSFERRY_REGION": demo.settings.region,
        "OSSFERRY_ENDPOINT": demo.settings.endpoint,
        "OSSFERRY_STS_ENDPOINT": str(demo.settings.sts_endpoint),
        "OSSFERRY_ROLE_ARN": demo.settings.role_arn,
        "OSSFERRY_SECRET": SECRET,
        "OSSFERRY_WEB_DIR": str(web_dir),
        "OSSFERRY_ALLOW_MOCK": "1",
        "OSSFERRY_BEHIND_TLS": "1",
        "OSSFERRY_PUBLIC_URL": f"https://{NAME}",
        "OSSFERRY_ALLOWED_HOSTS": f'["{NAME}"]',
        "OSSFERRY_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "OSSFERRY_RATE_PER_PRINCIPAL": "1000000/minute",
        "OSSFERRY_RATE_PER_ADDRESS": "1000000/minute",
        "OSSFERRY_DRAIN_S": "1",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }
    servers = Servers(tmp_path, options)
    configuration(tmp_path, https=servers.https_port, http=free_port(), upstreams=servers.ports)
    nginx = [program("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    redis = [program("redis-server"), "--port", str(redis_port), "--save", ""]
    try:
        with running(redis, tmp_path, redis_port):
            for port in servers.ports:
                servers.start(port)
            with running(nginx, tmp_path, servers.https_port):
                yield servers
    finally:
        servers.close()


class Load:
    """Clients that request grants all the time.

    Attributes:
        statuses: the statuses of all answers.
    """

    def __init__(self, servers: Servers) -> None:
        self.statuses: list[int] = []
        self._servers = servers
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._asking = [self._pool.submit(self._ask) for _ in range(CLIENTS)]

    def wait_for_more(self, number: int = 100) -> None:
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
                self.statuses.append(client.post("/api/grant", headers=PAGE).status_code)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_no_request_for_a_grant_is_lost_when_a_server_ends_and_comes_back(
    servers: Servers, how: signal.Signals
) -> None:
    with closing(Load(servers)) as load:
        load.wait_for_more()
        for port in servers.ports:
            servers.end(port, how)
            load.wait_for_more()
            servers.start(port)
            load.wait_until_used(port)

    assert set(load.statuses) == {200}
