"""Settings: what is unsafe or missing stops the start with one sentence that names the option."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ossferry.errors import SettingsError
from ossferry.settings import ExplicitSettings, Settings, is_loopback, load_settings

MakeSettings = Callable[..., Settings]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"secret": "short"}, "OSSFERRY_SECRET: must have at least 32 characters."),
        (
            {"allow_mock": False},
            "OSSFERRY_AUTH=demo lets anyone in and needs OSSFERRY_ALLOW_MOCK=1.",
        ),
        (
            {"endpoint": "http://oss-cn-hangzhou.aliyuncs.com"},
            "OSSFERRY_ENDPOINT must be https; http is for a mock on this machine.",
        ),
        (
            {"sts_endpoint": "http://sts.aliyuncs.com"},
            "OSSFERRY_STS_ENDPOINT must be https; http is for a mock on this machine.",
        ),
        (
            {"endpoint": "http://127.0.0.1:9000"},
            "OSSFERRY_ENDPOINT must be a host name: browsers ask BUCKET.host.",
        ),
        (
            {"endpoint": "https://user@oss.example.com"},
            "OSSFERRY_ENDPOINT: must look like https://host or https://host:port.",
        ),
        (
            {"endpoint": "https://oss.example.com/path"},
            "OSSFERRY_ENDPOINT: must look like https://host or https://host:port.",
        ),
        (
            {"endpoint": "https://oss.example.com; script-src x"},
            "OSSFERRY_ENDPOINT must be a host name: browsers ask BUCKET.host.",
        ),
        (
            {"allowed_hosts": ("*",)},
            "OSSFERRY_ALLOWED_HOSTS: must list host names without wildcards or ports.",
        ),
        ({"session_duration_s": 899}, "OSSFERRY_SESSION_DURATION_S: "),
        ({"bucket": "a*b"}, "OSSFERRY_BUCKET: "),
        ({"region": "oss-cn/../x"}, "OSSFERRY_REGION: "),
        ({"role_arn": "acs:ram::*:role/*"}, "OSSFERRY_ROLE_ARN: "),
        ({"runtime": "jython"}, "OSSFERRY_RUNTIME: "),
    ],
)
def test_an_unsafe_option_is_named_in_one_sentence(
    make_settings: MakeSettings, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(**changes)

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).count(".") - str(caught.value).count("..") >= 1
    assert "\n" not in str(caught.value)


def test_a_missing_option_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_BUCKET is missing\.$"):
        load_settings(ExplicitSettings)


def test_a_refused_secret_is_not_shown(make_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(secret="canary")

    assert "canary" not in str(caught.value)
    assert "canary" not in str(caught.value.__cause__)


def test_listening_beyond_loopback_needs_tls_in_front(make_settings: MakeSettings) -> None:
    assert make_settings(host="0.0.0.0").host == "0.0.0.0"  # noqa: S104 - the mock guards nothing


def test_options_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OSSFERRY_REGION=cn-beijing\nOSSFERRY_PORT=1234\n")
    monkeypatch.setenv("OSSFERRY_PORT", "8123")
    given = settings.model_dump(exclude={"port", "region"})

    loaded = load_settings(**given)

    assert (loaded.port, loaded.region) == (8123, "cn-beijing")


def test_explicit_settings_leave_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch, make_settings: MakeSettings
) -> None:
    monkeypatch.setenv("OSSFERRY_PORT", "8123")

    assert make_settings().port == 8000


def test_addresses_are_derived(make_settings: MakeSettings) -> None:
    settings = make_settings(sts_endpoint=None)

    assert settings.bucket_origin == "http://web-direct-upload.localhost:9000"
    assert settings.sts_address == "https://sts.cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("bucket.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("notlocalhost", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0", False),  # noqa: S104 - a value to judge
    ],
)
def test_loopback_is_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
