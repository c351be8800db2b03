"""The proxy that simulates a line carries real connections: bytes, half-closes and resets."""

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.programs import free_port, running

TESTS = Path(__file__).parents[1]
RESET = struct.pack("ii", 1, 0)
TIMEOUT_S = 60


@contextmanager
def line(server: socket.socket, folder: Path) -> Iterator[int]:
    """Run the proxy in front of a server, and yield its port."""
    port = free_port()
    to = f"127.0.0.1:{server.getsockname()[1]}"
    program = ["-m", "bench.line", "--to", to, "--listen", str(port)]
    speed = ["--line", "1 Gbit/s 10 ms"]
    with running([sys.executable, *program, *speed], folder, port, PYTHONPATH=str(TESTS)):
        yield port


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        yield listener


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def accept(server: socket.socket) -> socket.socket:
    """Return the first connection that brings a byte; `running` opens others without one."""
    while True:
        connection, _ = server.accept()
        connection.settimeout(TIMEOUT_S)
        if connection.recv(1, socket.MSG_PEEK):
            return connection
        connection.close()


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def echo_after_end(server: socket.socket) -> None:
    """Answer one connection with everything that it has sent, once it has ended its direction."""
    with accept(server) as connection:
        connection.sendall(read_to_end(connection))


def test_bytes_return_unchanged_after_a_half_close(server: socket.socket, tmp_path: Path) -> None:
    content = bytes(range(251)) * 20_000
    echo = threading.Thread(target=echo_after_end, args=(server,))
    with line(server, tmp_path) as port, connect(port) as client:
        echo.start()

        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
        received = read_to_end(client)

        echo.join()
    assert received == content


def test_a_reset_of_the_client_reaches_the_server(server: socket.socket, tmp_path: Path) -> None:
    with line(server, tmp_path) as port, connect(port) as client:
        client.sendall(b"begin")
        with accept(server) as connection:
            assert connection.recv(5) == b"begin"

            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()

            with pytest.raises(ConnectionResetError):
                connection.recv(1)


def test_a_reset_of_the_server_reaches_the_client(server: socket.socket, tmp_path: Path) -> None:
    with line(server, tmp_path) as port, connect(port) as client:
        client.sendall(b"begin")
        connection = accept(server)

        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()

        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_server_that_refuses_connections_resets_them(tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with line(server, tmp_path) as port:
        server.close()

        with connect(port) as client, pytest.raises(ConnectionResetError):
            client.recv(1)
