"""Calls STS once, as the server does, with host names mapped to ports of this machine.

Runs as a separate program, because the vendor's SDK reads the environment at import: `ask_sts.py
STS_URL CA_FILE {"host": port, …}` prints the returned key id, or the reason of the failure.
"""

import asyncio
import json
import socket
import sys
from typing import Any

import certifi

sts_url, ca_file, ports = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
certifi.where = lambda: ca_file
plain_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
    """Resolve known hosts to this machine; refuse all others."""
    if host not in (*ports, "127.0.0.1"):
        raise OSError(f"{host} is not of this test")
    return plain_getaddrinfo("127.0.0.1", ports.get(host, port), *more, **named)


socket.getaddrinfo = getaddrinfo


async def main() -> None:
    """Call STS and print the result."""
    from ossferry.errors import StsLostError
    from ossferry.observability.log_format import configure
    from ossferry.oss.sts import StsClient, default_credentials
    from ossferry.settings.loading import ExplicitSettings, load_settings
    from support.server_fakes import OPTIONS

    configure("INFO")
    settings = load_settings(ExplicitSettings, **{**OPTIONS, "sts_endpoint": sts_url})
    client = StsClient(settings, default_credentials())
    try:
        got = await client(session_name="session", policy="{}")
    except StsLostError as error:
        sys.stdout.write(error.reason)
    else:
        sys.stdout.write(got.access_key_id)


asyncio.run(main())
