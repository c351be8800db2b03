"""What the tutorial's server does: one route, one AssumeRole per request, Flask's own server.

The client is the vendor's, made anew for each request, with the role's whole rights.
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
        sts: host and port of STS; plain http.
    """
    app = Flask("tutorial")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a log line per request would cost it

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
