"""HTTP over a bare socket, for requests that no client library would send."""

import socket
import ssl


def raw_request(
    port: int, request: bytes, *, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1"
) -> bytes:
    """Send bytes, and return everything received until the server closes the connection.

    Args:
        tls: use TLS, with `name` as the server name.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
        sock = tls.wrap_socket(plain, server_hostname=name) if tls else plain
        try:
            sock.sendall(request)
            return _read_all(sock)
        except (ConnectionError, ssl.SSLError):
            return b""
        finally:
            if tls:
                sock.close()


def status_of(answer: bytes) -> int:
    """Return the status of the first response; 0 if there is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _read_all(sock: socket.socket) -> bytes:
    answer = b""
    while chunk := sock.recv(65536):
        answer += chunk
    return answer
