"""Runs the server in several processes on one socket; they share what Redis holds, nothing else.

Each process reads the settings from the same environment. One that dies is started again.
"""

import gc
import os
import socket
import tempfile

from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from ossferry.app import create_app
from ossferry.logs import configure
from ossferry.redaction import secret_values
from ossferry.settings import Settings, load_settings
from ossferry.wire import WireConfig, WireLimits

__all__ = ["GRACE_S", "run_workers", "secret_values", "settle", "wire_limits", "worker_app"]

GRACE_S = 10
"""Longer than STS may take, so that requests under way get their answer."""


def run_workers(settings: Settings, sock: socket.socket) -> None:
    """Run `settings.workers` processes until a signal ends them."""
    with tempfile.TemporaryDirectory(prefix="ossferry-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when a process imports the library
        config = WireConfig(
            "ossferry.workers:worker_app",
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


def settle() -> None:
    """Spare the collector what lives as long as the process: it would look at it all each time."""
    gc.collect()
    gc.freeze()


def wire_limits(settings: Settings) -> WireLimits:
    """Return what the settings say about connections."""
    return WireLimits(
        read_timeout_s=settings.read_timeout_s, max_connections=settings.limit_connections
    )
