"""Startup checks that prevent the accidental use of a mock's endpoints or access key.

A mock is a local imitation of OSS and STS for tests and demonstrations.
"""

import os
from collections.abc import Mapping

import httpx

from ossferry.errors import SettingsError
from ossferry.observability.log_format import logger
from ossferry.settings.model import Settings
from ossferry.settings.rules import MOCK_KEYS

MOCK_MARKER = "x-oss-mock"
TIMEOUT_S = 5.0
KEY_VARIABLE = "ALIBABA_CLOUD_ACCESS_KEY_ID"

log = logger("ossferry.mock_check")


def refuse_mock(settings: Settings) -> None:
    """Raise an error if an endpoint in the settings or the server's access key belongs to a mock.

    A mock imitates OSS and STS for tests. The header `MOCK_MARKER` in a response identifies an
    endpoint of a mock, and the beginning of the id an access key of a mock. If the settings allow a
    mock, do nothing. An endpoint that cannot be reached causes only a warning in the log, because
    the network may not be available yet when the server starts.

    Raises:
        SettingsError: an endpoint or the access key belongs to a mock; the message names the
            option or the environment variable.
    """
    if settings.allow_mock:
        return
    refuse_mock_keys(settings, os.environ)
    for option, url in (
        ("OSSFERRY_ENDPOINT", settings.endpoint),
        *(("OSSFERRY_UPLOAD_HOSTS", each) for each in settings.upload_hosts),
        ("OSSFERRY_STS_ENDPOINT", settings.sts_address),
    ):
        if _says_mock(option, url):
            raise SettingsError(f"{option} is a mock; only OSSFERRY_ALLOW_MOCK=1 accepts one.")


def refuse_mock_keys(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise an error if the server's access key belongs to a mock of OSS or STS.

    The secrets of a mock's access keys are public. If the settings allow a mock, do nothing.

    Args:
        environment: environment variables; `ALIBABA_CLOUD_ACCESS_KEY_ID` is the access key id.

    Raises:
        SettingsError: the access key belongs to a mock; the message names the variable.
    """
    if not settings.allow_mock and environment.get(KEY_VARIABLE, "").startswith(MOCK_KEYS):
        raise SettingsError(
            f"{KEY_VARIABLE} is a key of the mock; only OSSFERRY_ALLOW_MOCK=1 accepts one."
        )


def _says_mock(option: str, url: str) -> bool:
    try:
        answer = httpx.head(url, timeout=TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        log.warning("endpoint-unreachable", option=option, error=type(error).__name__)
        return False
    return MOCK_MARKER in answer.headers
