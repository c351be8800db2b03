"""Uppy Companion, whose `GET /s3/sts` asks AWS for a federation token on every request.

It is configured as its documentation says for one bucket; the SDK of AWS is led to our stub by the
variable that it has for that. Anybody may ask, so there is no session to check.
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
    """Install it."""
    install(INSTALLED)


def run(port: int, sts: str, folder: Path) -> None:
    """Become Companion.

    Args:
        sts: host and port of STS; plain http.
        folder: for its data.
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
