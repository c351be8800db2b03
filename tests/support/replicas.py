"""Two servers as processes behind nginx; each can be killed and started again."""

import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ossferry.cli.demo import Demo
from support.certificates import make_certificate
from support.commands import granting
from support.nginx import NAME, configuration
from support.programs import free_port, program, running
from support.serve_command import LOG_IN_A_FILE, SECRET, server_process, wait_until_up

PAGE = {"sec-fetch-site": "same-origin", "origin": f"https://{NAME}"}
"""The headers of a request from the upload page."""

MUCH = "1000000/minute"


class Replicas:
    """Two servers with the same settings, for nginx in front of them.

    Attributes:
        ports: the ports of the servers.
        https_port: a free port for nginx.
    """

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

    def logged(self, event: str) -> list[str]:
        """Return the lines about an event in the logs of both servers."""
        logs = (self.audit(port).with_name("serve.log").read_text() for port in self.ports)
        return [line for log in logs for line in log.splitlines() if f'"event": "{event}"' in line]

    def start(self, port: int) -> None:
        """Start a server, and wait until it answers."""
        folder = self.audit(port).parent
        folder.mkdir(exist_ok=True)
        options = {
            **self._options,
            "OSSFERRY_PORT": str(port),
            "OSSFERRY_AUDIT_FILE": str(self.audit(port)),
        }
        self._running[port] = ExitStack()
        process = self._running[port].enter_context(server_process(folder, options, *LOG_IN_A_FILE))
        self._processes[port] = process
        wait_until_up(f"http://127.0.0.1:{port}", process)

    def end(self, port: int, how: signal.Signals) -> None:
        """Send a signal to a server, and wait until its process has ended."""
        self._processes[port].send_signal(how)
        self._processes[port].communicate(timeout=30)

    def close(self) -> None:
        for each in self._running.values():
            each.close()


@contextmanager
def redis(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run Redis, which keeps nothing, until the context ends."""
    folder.mkdir(exist_ok=True)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running([program("redis-server"), *options], folder, port) as one:
        yield one


@contextmanager
def replicas(
    demo: Demo, web_dir: Path, folder: Path, redis_port: int, **changes: str
) -> Iterator[Replicas]:
    """Run two servers that use the mock of the demo, and nginx, until the context ends.

    Args:
        changes: settings of the servers by their names without the prefix.
    """
    folder.chmod(0o755)
    make_certificate(folder, NAME)
    options = {
        "SECRET": SECRET,
        "WEB_DIR": str(web_dir),
        "BEHIND_TLS": "1",
        "PUBLIC_URL": f"https://{NAME}",
        "ALLOWED_HOSTS": f'["{NAME}"]',
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "RATE_PER_PRINCIPAL": MUCH,
        "RATE_PER_ADDRESS": MUCH,
        "DRAIN_S": "1",
        **changes,
    }
    servers = Replicas(
        folder, {**granting(demo), **{f"OSSFERRY_{name}": value for name, value in options.items()}}
    )
    configuration(folder, https=servers.https_port, http=free_port(), upstreams=servers.ports)
    nginx = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    try:
        for port in servers.ports:
            servers.start(port)
        with running(nginx, folder, servers.https_port):
            yield servers
    finally:
        servers.close()
