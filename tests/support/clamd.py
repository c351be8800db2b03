"""Runs the real clamd, with the configuration of `deploy/clamd` and a few signatures."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ossferry.scanning.clamd import EICAR
from support.programs import free_port, program, running

CONFIG = Path(__file__).parents[2] / "deploy/clamd/clamd.conf"
LIMIT = 4_000_000
"""The three limits of bytes; those of the deployed configuration are too large for a test."""


@contextmanager
def clamd(folder: Path, **changes: str) -> Iterator[str]:
    """Run clamd until the context ends, and yield its socket.

    It finds EICAR at any place in a file.

    Args:
        changes: other values of options; empty to leave an option out.
    """
    socket, port = folder / "clamd.ctl", free_port()
    database = folder / "signatures"
    database.mkdir()
    (database / "test.ndb").write_text(f"Eicar-Test:0:*:{EICAR.encode().hex()}\n")
    options = {"LocalSocket": str(socket), "DatabaseDirectory": str(database)} | changes
    text = CONFIG.read_text().replace("2000M", str(LIMIT))
    for name, value in options.items():
        text = re.sub(rf"^{name} .*$", f"{name} {value}" if value else "", text, flags=re.M)
    config = folder / "clamd.conf"
    config.write_text(f"{text}\nTCPAddr 127.0.0.1\nTCPSocket {port}\n")
    with running([program("clamd"), "-c", str(config)], folder, port):
        yield str(socket)
