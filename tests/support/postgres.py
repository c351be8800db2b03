"""A PostgreSQL server of the distribution's packages.

PostgreSQL refuses to run as root, so tests run by root start it as the user `postgres`. `setpriv`
becomes the server's process; `runuser` would stay, and wait two seconds before it ends.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.programs import free_port, program, running

WITH_PASSWORD = "with_password"
"""The only role that needs a password; a test that uses the role creates it."""


class Postgres:
    """A server.

    Attributes:
        pid: process id of the server's main process.
    """

    def __init__(self, folder: Path, port: int, programs: Path, run_as: list[str]) -> None:
        self.pid = 0
        self._folder = folder
        self._port = port
        self._programs = programs
        self._run_as = run_as
        self._running = ExitStack()

    def start(self) -> None:
        """Start the server, also again after `kill`, and wait until it accepts connections."""
        data = self._folder / "data"
        options = [
            "-p",
            str(self._port),
            "-h",
            "127.0.0.1",
            "-k",
            str(self._folder),
            "-c",
            "max_connections=200",
            "-c",
            "fsync=off",  # otherwise shutting down takes half a minute
        ]
        command = [*self._run_as, str(self._programs / "postgres"), "-D", str(data), *options]
        self._running.enter_context(running(command, self._folder, self._port))
        _wait_until_ready(self._programs, self._port)
        self.pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        self._running.callback(
            os.kill, self.pid, signal.SIGQUIT
        )  # others write all to the disk first

    def kill(self) -> None:
        """End the server without a checkpoint, as after a crash, and wait for the end."""
        os.kill(self.pid, signal.SIGQUIT)
        self.stop()

    def stop(self) -> None:
        """Stop the server, and wait for the end."""
        self._running.close()

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"ledger_{secrets.token_hex(6)}"
        self.ask(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def add_user(self, name: str, password: str) -> None:
        """Create a user that has no rights and must prove its password."""
        self.ask(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        rules = Path(self.ask("SHOW hba_file").strip())
        line = f"host all {name} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(line + rules.read_text())
        self.ask("SELECT pg_reload_conf()")

    def ask(self, sql: str, database: str = "postgres") -> str:
        """Run a statement as an administrator, and return its output."""
        where = ["-h", "127.0.0.1", "-p", str(self._port), "-U", "postgres", "-d", database]
        command = [*self._run_as, str(self._programs / "psql"), *where, "-Atc", sql]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server until the context ends."""
    programs = Path(program("initdb")).resolve().parent
    user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    run_as = [] if os.geteuid() else [shutil.which("setpriv") or "setpriv", *user, "--"]
    folder = Path(tempfile.mkdtemp(prefix="ossferry-postgres-"))
    try:
        if run_as:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        data = folder / "data"
        init = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run([*run_as, *init], check=True, capture_output=True, cwd=folder)  # noqa: S603
        rules = data / "pg_hba.conf"
        rules.write_text(f"host all {WITH_PASSWORD} all scram-sha-256\n{rules.read_text()}")
        server = Postgres(folder, free_port(), programs, run_as)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(programs: Path, port: int) -> None:
    """Wait until the server accepts connections, which is later than it listens."""
    ready = [str(programs / "pg_isready"), "--host=127.0.0.1", f"--port={port}"]
    for _ in range(100):
        if subprocess.run(ready, capture_output=True).returncode == 0:  # noqa: S603
            return
        time.sleep(0.05)
    raise AssertionError("PostgreSQL does not take connections")
