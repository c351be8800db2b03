"""Calls STS as the server does, with host names mapped to ports of this machine.

Each line of stdin is a call, in JSON: `{"url": address of STS, "ca": file, "ports": {"host": port},
"environment": {name: value}, "folder": working directory}`. The program forks for each call,
because the vendor's SDK reads the environment at import. The file `said` in the folder gets the
returned key id, or the reason of the failure, and the file `log` gets the log. The program answers
each line with the exit status of the process.
"""

import asyncio
import json
import os
import socket
import sys
from typing import Any

import aiohttp  # noqa: F401 - imported once for all calls
import certifi
import oss2  # noqa: F401 - neither of them imports the vendor's SDK
import pydantic_settings  # noqa: F401
import starlette.applications  # noqa: F401

plain_getaddrinfo = socket.getaddrinfo


def call(*, url: str, ca: str, ports: dict[str, int], environment: Any, folder: str) -> None:
    """Call STS once in this process."""
    os.chdir(folder)
    for descriptor, name in ((1, "said"), (2, "log")):
        os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600), descriptor)
    os.environ.update(environment)
    certifi.where = lambda: ca

    def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        """Resolve known hosts to this machine; refuse all others."""
        if host not in (*ports, "127.0.0.1"):
            raise OSError(f"{host} is not of this test")
        return plain_getaddrinfo("127.0.0.1", ports.get(host, port), *more, **named)

    socket.getaddrinfo = getaddrinfo
    asyncio.run(ask(url))
    sys.stdout.flush()
    sys.stderr.flush()


async def ask(url: str) -> None:
    """Call STS and print the result."""
    from ossferry.errors import StsLostError
    from ossferry.observability.log_format import configure
    from ossferry.oss.sts import StsClient, default_credentials
    from ossferry.settings.loading import ExplicitSettings, load_settings
    from support.server_fakes import OPTIONS

    configure("INFO")
    settings = load_settings(ExplicitSettings, **{**OPTIONS, "sts_endpoint": url})
    client = StsClient(settings, default_credentials())
    try:
        got = await client(session_name="session", policy="{}")
    except StsLostError as error:
        sys.stdout.write(error.reason)
    else:
        sys.stdout.write(got.access_key_id)


for line in sys.stdin:
    if not (child := os.fork()):
        status = 1
        try:
            call(**json.loads(line))
            status = 0
        finally:
            os._exit(status)
    print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201
