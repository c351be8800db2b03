"""Uppy Companion, whose `GET /s3/sts` requests a federation token from AWS every time.

It is configured for one bucket according to its documentation. An environment variable of the AWS
SDK directs requests to our stub. No sign-in is required, so there is no session to check.
"""

import os
import secrets
from pathlib import Path

from bench.peers.npm import install

__all__ = ["FEDERATION_TOKEN", "INSTALLED", "prepare", "run"]

INSTALLED = Path(__file__).parent / "companion"
FEDERATION_TOKEN = """<GetFederationTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetFederationTokenResult><Credentials><AccessKeyId>ASIA{k}</AccessKeyId>
<SecretAccessKey>{s}</SecretAccessKey><SessionToken>{t}</SessionToken>
<Expiration>{ends}</Expiration></Credentials></GetFederationTokenResult>
</GetFederationTokenResponse>"""


def prepare() -> None:
    """Install the npm packages."""
    install(INSTALLED)


def run(port: int, sts: str, folder: Path) -> None:
    """Replace this process by Companion.

    Args:
        sts: host and port of STS; plain HTTP.
        folder: folder for Companion's data.
    """
    environment = {
        "AWS_ENDPOINT_URL_STS": f"http://{sts}",
        "COMPANION_AWS_BUCKET": "web-direct-upload",
        "COMPANION_AWS_EXPIRES": "900",
        "COMPANION_AWS_KEY": "AKIAEXAMPLE",
        "COMPANION_AWS_REGION": "us-east-1",
        "COMPANION_AWS_SECRET": "secret",
        "COMPANION_CLIENT_ORIGINS": f"http://127.0.0.1:{port}",
        "COMPANION_DATADIR": str(folder),
        "COMPANION_DOMAIN": f"127.0.0.1:{port}",
        "COMPANION_PORT": str(port),
        "COMPANION_PREAUTH_SECRET": secrets.token_hex(16),
        "COMPANION_PROTOCOL": "http",
        "COMPANION_SECRET": secrets.token_hex(16),
        "COMPANION_UPLOAD_URLS": "https://uploads.example.com",
        "NODE_ENV": "production",
    }
    program = INSTALLED / "node_modules/.bin/companion"
    os.execve(program, [str(program)], {**os.environ, **environment})  # noqa: S606 - the peer
