"""Protection of production: the mock's program refuses to start there, and its keys are
recognized.
"""

import pytest

from contract.mock_oss.clients import run_program, send
from mock_oss import ACCESS_KEY_ID, MockOSS
from mock_oss.environment import KEY_PREFIXES, refuse_production
from mock_oss.errors import UnsafeStartError
from mock_oss.service import Ids
from ossferry.settings.rules import MOCK_KEYS

OVERRIDE = "--i-know-this-is-a-mock"
BEYOND = ["--host", "0.0.0.0"]  # noqa: S104 - must be refused
REAL_KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tQf7sGk2NpZ0aXyWvUt"}
STAGES = [
    "ENV", "ENVIRONMENT", "ENVIRONMENT_NAME", "ENV_NAME", "STAGE", "TIER", "APP_ENV", "APP_STAGE",
    "ASPNETCORE_ENVIRONMENT", "DEPLOY_ENV", "DJANGO_ENV", "FLASK_ENV", "GO_ENV", "NODE_ENV",
    "OSSFERRY_ENV", "PYTHON_ENV", "RAILS_ENV", "SPRING_PROFILES_ACTIVE", "app_env", "App_Env",
]  # fmt: skip
KEYS = [
    "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALIYUN_ACCESS_KEY_ID",
    "OSS_ACCESS_KEY_ID",
]  # fmt: skip
ROLES = [
    "ALIBABA_CLOUD_CREDENTIALS_URI", "ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_ROLE_ARN",
]  # fmt: skip
LIVE = [
    "production", "Production", "PROD", "prod-eu", "prodeu", "euprod", "produk", "preprod",
    "pre-production", "eu_production.1", "euproduction", "prod2", "prd", "euprd", "live", "eu-live",
    "metrics,prod",
]  # fmt: skip
NOT_LIVE = [
    "", "dev", "development", "test", "staging", "product-demo", "product-search", "products",
    "produkt", "reproduce", "non-prod", "nonprod", "no_prod", "not-production", "delivery",
    "liveness", "olive", "/home/x/production-app/.venv", "https://prod.example.com",
    r"C:\prod\app",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*STAGES, *KEYS, *ROLES):
        monkeypatch.delenv(name, raising=False)


def start(
    monkeypatch: pytest.MonkeyPatch, *options: str, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run the program until just before it would listen; return the exit code and the output."""
    monkeypatch.setattr(MockOSS, "run", lambda *_, **__: None)
    for name, value in (env or {}).items():
        monkeypatch.setenv(name, value)
    code, out, err = run_program("--port", "0", *options)
    return code, out + err


@pytest.mark.parametrize(
    ("options", "env", "words"),
    [
        (BEYOND, {}, "--host 0.0.0.0 is reachable from the network"),
        ([], {"ENV": "production"}, "ENV=production"),
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
    ("name", "value"),
    [
        *((name, "Production") for name in STAGES),
        *(("APP_ENV", value) for value in LIVE),
        *((name, "LTAI5tQf7sGk2NpZ0aXyWvUt") for name in KEYS),
        *((name, "somewhere") for name in ROLES),
    ],
)
def test_t47_each_sign_of_the_cloud_keeps_the_mock_from_starting(name: str, value: str) -> None:
    with pytest.raises(UnsafeStartError, match=f"^{name}"):
        refuse_production("127.0.0.1", {"PATH": "/bin", name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("APP_ENV", value) for value in NOT_LIVE),
        *((name, "development") for name in STAGES),
        *((name, key) for name in KEYS for key in ("", ACCESS_KEY_ID)),
        *((name, "") for name in ROLES),
        ("VIRTUAL_ENV", "production"),
        ("CONDA_DEFAULT_ENV", "production"),
        ("ENVOY", "production"),
        ("APP_ENVS", "production"),
        ("PREVENT", "production"),
        ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
    ],
)
def test_what_is_no_sign_of_the_cloud_keeps_it_from_nothing(name: str, value: str) -> None:
    refuse_production("127.0.0.1", {name: value})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "oss.example.com"])  # noqa: S104
def test_t47_an_address_for_other_machines_keeps_the_mock_from_starting(host: str) -> None:
    with pytest.raises(UnsafeStartError, match=f"^--host {host} is reachable from the network"):
        refuse_production(host, {})


@pytest.mark.parametrize("host", ["localhost", "::1", "127.0.0.2"])
def test_on_a_developers_machine_it_starts_without_a_word(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    env = {"APP_ENV": "product-search", "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID}

    assert start(monkeypatch, "--host", host, env=env) == (0, "")


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
