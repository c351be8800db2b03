"""The server of Alibaba's tutorial: one route, one AssumeRole per request, Flask's own server.

It uses the vendor's client, created for each request, and gives out the role's full rights.
"""

import logging

from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleRequest
from alibabacloud_tea_openapi.utils_models import Config
from flask import Flask, Response, jsonify

__all__ = ["make_tutorial_app"]


def make_tutorial_app(sts: str) -> Flask:
    """Return the application.

    Args:
        sts: host and port of STS; plain HTTP.
    """
    app = Flask("tutorial")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a log line per request takes time

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
