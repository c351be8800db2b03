"""nginx that speaks HTTP/2 over TLS to browsers, and HTTP/1.1 to the sink behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.certificates import make_certificate
from support.programs import free_port, program, running

__all__ = ["running_http2"]

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    keepalive_requests 100000;
    upstream sink {{
        server 127.0.0.1:{sink};
        keepalive 128;
    }}
    server {{
        listen 127.0.0.1:{port} ssl;
        http2 on;
        ssl_certificate {folder}/fullchain.pem;
        ssl_certificate_key {folder}/privkey.pem;
        location / {{
            proxy_pass http://sink;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_request_buffering off;
        }}
    }}
}}
"""


@contextmanager
def running_http2(sink: int, folder: Path) -> Iterator[int]:
    """Run nginx before the sink, and yield the port of nginx.

    Args:
        sink: the port of the sink.
        folder: the folder for the files of nginx.
    """
    port = free_port()
    folder.mkdir()
    make_certificate(folder, "localhost")
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, sink=sink))
    with running([program("nginx"), "-c", str(configuration), "-p", str(folder)], folder, port):
        yield port
