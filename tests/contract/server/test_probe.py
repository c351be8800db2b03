"""A mock is not mistaken for the cloud: the server checks for its marker before the start."""

from typing import Any

import pytest

from ossferry.cli.demo import Demo
from ossferry.errors import SettingsError
from ossferry.oss.mock_check import refuse_mock
from ossferry.settings.model import Settings


def unchecked(**values: str | bool | tuple[str, ...]) -> Settings:
    """Return settings without validation, which would require HTTPS."""
    defaults: dict[str, Any] = {
        "region": "cn-hangzhou",
        "endpoint": "http://127.0.0.1:1",
        "allow_mock": False,
    }
    return Settings.model_construct(**{**defaults, "sts_endpoint": "http://127.0.0.1:1", **values})


@pytest.mark.parametrize("option", ["endpoint", "sts_endpoint", "upload_hosts"])
def test_t47_a_mock_endpoint_is_refused(demo: Demo, option: str) -> None:
    mock = demo.oss.endpoint
    value = (mock,) if option == "upload_hosts" else mock
    with pytest.raises(SettingsError) as caught:
        refuse_mock(unchecked(**{option: value}))

    assert str(caught.value) == (
        f"OSSFERRY_{option.upper()} is a mock; only OSSFERRY_ALLOW_MOCK=1 accepts one."
    )


def test_an_allowed_mock_passes(demo: Demo) -> None:
    refuse_mock(unchecked(endpoint=demo.oss.endpoint, allow_mock=True))


def test_an_endpoint_out_of_reach_is_logged_and_passes(caplog: pytest.LogCaptureFixture) -> None:
    refuse_mock(unchecked())

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "OSSFERRY_ENDPOINT" in caplog.text
