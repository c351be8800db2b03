"""The server of Alibaba's tutorial: one route, one AssumeRole per request.

It runs in gunicorn. It uses the vendor's client, created for each request, and gives out the role's
full rights.
"""

import os
import sys

from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest
from alibabacloud_tea_openapi.utils_models import Config
from flask import Flask, Response, jsonify

THREADS = 32
"""As many as our server uses for calls to STS."""


def make_tutorial_app(sts: str) -> Flask:
    """Return the application.

    Args:
        sts: host and port of STS; plain HTTP.
    """
    app = Flask("tutorial")

    @app.route("/get_sts_token")
    def get_sts_token() -> Response:
        config = Config(
            access_key_id="LTAI5tBench", access_key_secret="secret", endpoint=sts, protocol="http"
        )
        request = AssumeRoleRequest(
            role_arn="acs:ram::1000000000000000:role/oss-web-upload",
            role_session_name="role_session_test",
        )
        answer = Client(config).assume_role(request)
        return jsonify(answer.body.credentials.to_map())

    return app


def run_gunicorn(host: str, port: int, sts: str) -> None:
    """Replace this process by gunicorn with one worker process."""
    options = ("--workers=1", f"--threads={THREADS}", "--keep-alive=75", f"--bind={host}:{port}")
    app = f"bench.peers.tutorial_flask:make_tutorial_app({sts!r})"
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options, app])  # noqa: S606
