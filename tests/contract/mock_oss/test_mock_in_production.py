"""The mock stays out of production: its program refuses to start there, its keys are known."""

import pytest
from typer.testing import CliRunner

from contract.mock_oss.clients import send
from mock_oss import ACCESS_KEY_ID, MockOSS
from mock_oss.cli import app
from mock_oss.ids import Ids
from mock_oss.production import KEY_PREFIXES
from ossferry.settings_rules import MOCK_KEYS

OVERRIDE = "--i-know-this-is-a-mock"
BEYOND = ["--host", "0.0.0.0"]  # noqa: S104 - what is refused
REAL_KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tQf7sGk2NpZ0aXyWvUt"}
NAMES = ("ENV", "APP_ENV", "ENVIRONMENT", "NODE_ENV", "STAGE", *REAL_KEY)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def start(
    monkeypatch: pytest.MonkeyPatch, *options: str, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Start the program up to the point where it would listen; return exit code and words."""
    monkeypatch.setattr(MockOSS, "run", lambda *_, **__: None)
    done = CliRunner().invoke(app, ["--port", "0", *options], env=env or {})
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("options", "env", "words"),
    [
        (BEYOND, {}, "--host 0.0.0.0 is open to the network"),
        (["--host", "::"], {}, "--host :: is open to the network"),
        (["--host", "10.0.0.7"], {}, "--host 10.0.0.7 is open to the network"),
        (["--host", "oss.example.com"], {}, "--host oss.example.com is open to the network"),
        ([], {"ENV": "production"}, "ENV=production"),
        ([], {"APP_ENV": "Prod"}, "APP_ENV=Prod"),
        ([], {"NODE_ENV": "production"}, "NODE_ENV=production"),
        ([], {"APP_ENV": "prod-eu"}, "APP_ENV=prod-eu"),
        ([], {"STAGE": "eu_production.1"}, "STAGE=eu_production.1"),
        ([], {"ENV": "prod2"}, "ENV=prod2"),
        ([], REAL_KEY, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (BEYOND, {"ENV": "production", **REAL_KEY}, "ENV=production"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_t47_the_mock_refuses_to_start_where_it_could_be_taken_for_the_cloud(
    monkeypatch: pytest.MonkeyPatch, options: list[str], env: dict[str, str], words: str
) -> None:
    code, said = start(monkeypatch, *options, env=env)

    assert code == 1
    assert said.startswith("mock-oss: ")
    assert words in said
    assert OVERRIDE in said
    assert REAL_KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"] not in said
    assert said.count("\n") == 1
    assert start(monkeypatch, OVERRIDE, *options, env=env) == (0, "")


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ([], {}),
        (["--host", "localhost"], {}),
        (["--host", "::1"], {}),
        (["--host", "127.0.0.2"], {}),
        ([], {"ENV": "development", "APP_ENV": "", "NODE_ENV": "test"}),
        ([], {"ENV": "non-prod", "APP_ENV": "product-search", "NODE_ENV": "delivery"}),
        ([], {"ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID}),
        ([], {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}),
    ],
    ids=str,
)
def test_on_a_developers_machine_it_starts_without_a_word(
    monkeypatch: pytest.MonkeyPatch, options: list[str], env: dict[str, str]
) -> None:
    assert start(monkeypatch, *options, env=env) == (0, "")


def test_keys_of_the_mock_are_known_by_their_beginning() -> None:
    assert ACCESS_KEY_ID.startswith(KEY_PREFIXES)
    for seed in (None, 1):
        assert Ids(seed).temporary_key()[0].startswith(KEY_PREFIXES)
    assert MOCK_KEYS == KEY_PREFIXES


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1",) * 2])  # noqa: S104
def test_the_address_it_tells_can_be_asked(host: str, shown: str) -> None:
    with MockOSS(host=host) as oss:
        assert oss.endpoint == f"http://{shown}:{oss.port}"
        assert send(oss, "GET", "/_mock/state").status == 200
