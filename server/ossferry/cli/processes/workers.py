"""Runs the server in several worker processes that accept connections on one socket.

The processes share no memory; shared state is in Redis and in the ledger. Each process reads the
settings from the same environment. If a process ends unexpectedly, a new process replaces it. The
socket does not listen before the first process has started its application.
"""

import gc
import os
import resource
import socket
import tempfile

from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from ossferry.app import create_app
from ossferry.cli.processes.draining import DrainingServer
from ossferry.errors import SettingsError
from ossferry.http.protocol import WireConfig, WireLimits
from ossferry.observability.log_format import configure, logger
from ossferry.settings.loading import load_settings
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values

log = logger("ossferry.workers")

YOUNG_OBJECTS = 50_000
"""Garbage collection starts after this many net allocations, which take a few megabytes."""
OTHER_FILES = 500
"""Open files besides client connections: Redis, ledger, STS, and files of the page."""
GRACE_S = 10
"""Longer than the timeout of a call to STS, so that running requests still get a response."""


def run_workers(settings: Settings, sock: socket.socket) -> None:
    """Run `settings.workers` server processes on a socket, until a stop signal arrives.

    Raises:
        SettingsError: a process could not start.
    """
    multiprocess.Process = _DrainingProcess  # type: ignore[misc]  # uvicorn has no parameter for it
    with tempfile.TemporaryDirectory(prefix="ossferry-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # prometheus_client reads it at import
        config = WireConfig(
            "ossferry.cli.processes.workers:worker_app",
            grace_s=GRACE_S,
            drain_s=settings.drain_s,
            factory=True,
            workers=settings.workers,
        )
        supervisor = _Supervisor(config, sockets=[sock])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise SettingsError("A process of the server did not start; the log says why.")


class _DrainingProcess(multiprocess.Process):
    """A server process that drains before it ends."""

    @property
    def server(self) -> DrainingServer:
        if not isinstance(self._server, DrainingServer):
            assert isinstance(self.config, WireConfig)  # noqa: S101 - `run_workers` passes one
            self._server = DrainingServer(self.config)
        return self._server


class _Supervisor(multiprocess.Multiprocess):
    """Starts the server processes, replaces them when they end, and stops them."""

    def terminate_all(self) -> None:
        """Stop all server processes, and close this process's copy of the sockets.

        Otherwise the kernel would accept connections, which nobody serves, until the last server
        process has ended.
        """
        super().terminate_all()
        for sock in self.sockets:
            sock.close()


def worker_app() -> Starlette:
    """Return the application that the settings in the environment describe.

    Uvicorn calls this function in each worker process.
    """
    settings = load_settings()
    configure(settings.log_level, secrets=secret_values(settings))
    app = create_app(settings)
    settle()
    return app


def allow_connections() -> None:
    """Raise this process's limit of open files, so that `WireLimits.max_connections` are possible.

    Worker processes inherit the new limit. If the hard limit of this process is too low, raise the
    limit to the hard limit, and log a warning.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WireLimits().max_connections + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("few-files-allowed", allowed=allowed, wanted=wanted)


def settle() -> None:
    """Reduce the work of Python's garbage collector; call this after the application is created.

    Objects that exist now are excluded from collection, because they exist until the process ends.
    Later collections are rare, because requests create almost no reference cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
