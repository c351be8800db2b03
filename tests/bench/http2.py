"""nginx that speaks HTTP/2 over TLS to browsers, and HTTP/1.1 to the sink behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.certificates import make_certificate
from support.nginx import main_configuration
from support.programs import free_port, program, running

CONFIGURATION = """
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
    client_max_body_size 0;
    location / {{
        proxy_pass http://sink;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_request_buffering off;
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
    (folder / "sink.conf").write_text(CONFIGURATION.format(folder=folder, port=port, sink=sink))
    main = folder / "nginx.conf"
    main.write_text(main_configuration(folder, "sink.conf"))
    with running([program("nginx"), "-c", str(main), "-p", str(folder)], folder, port):
        yield port
