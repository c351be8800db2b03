"""The shipped nginx configurations, changed for tests, and a client of the site."""

import re
import ssl
from pathlib import Path

import httpx

SAMPLE = Path(__file__).parents[2] / "deploy/nginx/ossferry.conf"
NAME = "uploads.example.com"
SECOND = "# server 127.0.0.1:8001 "
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/{included};
}}
"""


def configuration(folder: Path, *, https: int, http: int, upstreams: tuple[int, ...]) -> None:
    """Write the sample with a test's ports and paths, and shorter timeouts.

    Args:
        upstreams: ports of one server or two servers.
    """
    text = SAMPLE.read_text()
    for pattern, replacement in (
        (r"listen 443 ", f"listen 127.0.0.1:{https} "),
        (r"listen 80( default_server)?;", rf"listen 127.0.0.1:{http}\1;"),
        (r"/etc/ssl/ossferry", str(folder)),
        (r"/var/log/nginx", str(folder)),
        (r"(client_header_timeout|client_body_timeout) +10s", r"\1 1s"),
    ):
        text, count = re.subn(pattern, replacement, text)
        assert count, f"the sample has no {pattern}"
    for port, line in zip(upstreams, ("server 127.0.0.1:8000 ", SECOND), strict=False):
        assert line in text, f"the sample has no {line}"
        text = text.replace(line, f"server 127.0.0.1:{port} ", 1)
    (folder / "ossferry.conf").write_text(text)
    (folder / "nginx.conf").write_text(main_configuration(folder, "ossferry.conf"))


def main_configuration(folder: Path, included: str) -> str:
    """Return the main configuration of nginx, which includes a file of the same folder."""
    return MAIN.format(folder=folder, included=included)


def https_client(port: int, tls: ssl.SSLContext) -> httpx.Client:
    """Return a client of the site, which nginx serves on this port of the machine."""
    transport = httpx.HTTPTransport(verify=tls, trust_env=False)
    return httpx.Client(base_url=f"https://127.0.0.1:{port}", transport=_Named(transport))


class _Named(httpx.BaseTransport):
    """Sends requests for the site's name to the address of the test."""

    def __init__(self, inner: httpx.HTTPTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["host"].startswith("127."):
            request.headers["host"] = NAME
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()
