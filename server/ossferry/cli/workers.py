"""Runs the server in several processes on one socket; they share what Redis holds, nothing else.

Each process reads the settings from the same environment. One that dies is started again.
"""

import gc
import os
import resource
import socket
import tempfile

from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from ossferry.app import create_app
from ossferry.http.protocol import WireConfig, WireLimits
from ossferry.observability.logs import configure, logger
from ossferry.settings.loading import load_settings
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values

__all__ = [
    "GRACE_S",
    "allow_connections",
    "run_workers",
    "settle",
    "wire_limits",
    "worker_app",
]

log = logger("ossferry.workers")

YOUNG_OBJECTS = 50_000
"""So many more are made than dropped before the collector looks; some megabytes."""
OTHER_FILES = 500
"""Open besides connections of clients: to Redis, ledger and STS, and files of the page."""
GRACE_S = 10
"""Longer than STS may take, so that requests under way get their answer."""


def run_workers(settings: Settings, sock: socket.socket) -> None:
    """Run `settings.workers` processes until a signal ends them."""
    with tempfile.TemporaryDirectory(prefix="ossferry-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when a process imports the library
        config = WireConfig(
            "ossferry.cli.workers:worker_app",
            limits=wire_limits(settings),
            grace_s=GRACE_S,
            factory=True,
            workers=settings.workers,
        )
        Multiprocess(config, sockets=[sock]).run()


def worker_app() -> Starlette:
    """Return the application of one process."""
    settings = load_settings()
    configure(settings.log_level, secrets=secret_values(settings))
    app = create_app(settings)
    settle()
    return app


def allow_connections(settings: Settings) -> None:
    """Let the process open as many files as it may have connections; systemd allows 1024 at first.

    It is as much as whoever started us permits; workers inherit it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.limit_connections + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("few-files-allowed", allowed=allowed, wanted=wanted)


def settle() -> None:
    """Have the collector look at less, less often; a tenth of a call to STS goes into it else.

    What lives as long as the process is not looked at again, and of what requests leave behind,
    hardly anything needs a collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def wire_limits(settings: Settings) -> WireLimits:
    """Return what the settings say about connections."""
    return WireLimits(
        read_timeout_s=settings.read_timeout_s, max_connections=settings.limit_connections
    )
