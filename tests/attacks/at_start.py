"""Unsafe settings with which the server must refuse to start."""

from collections.abc import Iterable, Iterator

from attacks.attempt import Attempt, Try, attempts
from attacks.worlds import PROXY_SECRET, Worlds
from ossferry.app import create_app
from ossferry.cli.demo import SHARER, WORLD
from ossferry.errors import SettingsError
from ossferry.oss.mock_check import refuse_mock_keys
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.rules import DEMO_SECRET
from support.server_fakes import OBJECTS, OPTIONS

CLOUD: dict[str, object] = {
    **OPTIONS,
    "auth": "jwt",
    "allow_mock": False,
    "endpoint": "https://oss-cn-hangzhou.aliyuncs.com",
    "sts_endpoint": "https://sts.cn-hangzhou.aliyuncs.com",
    "jwt_issuer": "https://issuer.example.com",
    "jwt_audience": "uploads",
    "jwt_jwks_url": "https://issuer.example.com/jwks",
}


def start(what: str, option: str = "", /, **changes: object) -> tuple[str, Try]:
    """Return an attempt to start with unsafe settings; the refusal must name an option.

    Args:
        what: the description of the attempt.
        option: the option that the refusal names; by default, that of the first change.
        changes: the settings that differ from those of a safe server.
    """
    named = option or f"OSSFERRY_{next(iter(changes)).upper()}"

    def attempt(_worlds: object) -> bool:
        try:
            load_settings(ExplicitSettings, **{**CLOUD, **changes})
        except SettingsError as error:
            sentence = str(error)
            return named in sentence and "\n" not in sentence and sentence.endswith(".")
        return False

    return what, attempt


def each(setting: str, values: Iterable[object], **more: object) -> Iterator[tuple[str, Try]]:
    """Yield an attempt for each value of a setting; `more` has settings that it needs."""
    for value in values:
        yield start(" ".join((setting, repr(value), *more)), **{setting: value}, **more)


SECRETS = (
    "x" * 31,
    "a" * 40,
    "abcd" * 10,
    "1234567" * 5,
    "ossferry-7" * 4,
    "change-me-" * 4,
    "change-me-to-something-long-and-random",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "9876543210zyxwvutsrqponmlkjihgfedcba",
    DEMO_SECRET,
    f" {DEMO_SECRET} ",
    DEMO_SECRET.title(),
    DEMO_SECRET.replace(" ", "-") + "2",
    "ossferry-secret-ossferry-secret-12",
    "example-secret-example-secret-123456",
    "please-set-a-long-random-secret-here!!",
    "CorrectBatteryStapleChangeThisSoon!1",
    "upload-server-key/upload-server-key",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7",
    "aA1bB2cC3dD4eE5fF6gG7hH8iI9jJ0kK1lL2",
)
METADATA_URLS = (
    *(f"{scheme}://169.254.169.254/jwks" for scheme in ("http", "https")),
    "https://100.100.100.200/jwks",
    "https://[::ffff:169.254.169.254]/jwks",
    "https://2852039166/jwks",
    "https://0xa9fea9fe/jwks",
    "https://localhost/jwks",
    "https://127.0.0.1/jwks",
    "http://issuer.example.com/jwks",
    "https://user@issuer.example.com/jwks",
    "file:///etc/passwd",
    "gopher://issuer.example.com/",
    "https://intranet/jwks",
    "https://0/jwks",
    "https://evil.example\\.example.com/jwks",
    "https://issuer.example.com/jw\tks",
    "https://issuer.example.com /jwks",
)
BAD_ENDPOINTS = (
    "https://evil.example",
    "https://aliyuncs.com.evil.example",
    "https://evilaliyuncs.com",
    "http://oss-cn-hangzhou.aliyuncs.com",
    "https://169.254.169.254",
    "https://100.100.100.200",
    "https://oss-cn-hangzhou.aliyuncs.com@evil.example",
    "https://oss-cn-hangzhou.aliyuncs.com/x",
    "https://localhost",
    "https://*.aliyuncs.com",
    "https://evil.com\\@oss-cn-hangzhou.aliyuncs.com",
    *(f"https://evil.com{x}.aliyuncs.com" for x in ("\\", "%5c", *"\t\0 \uff0f?#")),
)
NO_CUSTOM_DOMAINS = (
    "http://files.example.com",
    "https://169.254.169.254",
    "https://[fe80::1]",
    "https://localhost",
    "https://*.example.com",
    "https://files.example.com/x",
    "https://files.example.com@evil.example",
    "https://oss-cn-hangzhou.aliyuncs.co",
    "https://oss-cn-hangzhou.aliyuncs.com.evil.example",
    "https://oss-cn-hangzhou.aliyun.example",
)
OURS = {"allowed_hosts": ("uploads.example.com",)}
WITHIN = ("https://uploads.example.com", "https://files.uploads.example.com", "https://example.com")

MOCK: dict[str, object] = {
    "allow_mock": True,
    "endpoint": "http://localhost:9000",
    "sts_endpoint": "http://127.0.0.1:9000",
}
DEMO = {**MOCK, "auth": "demo"}
REAL_OSS = {"endpoint": CLOUD["endpoint"]}
REAL_STS = {"sts_endpoint": CLOUD["sts_endpoint"]}
OWN_DOMAIN = {"endpoint": "https://files.example.com", "cname": True}
INTERNAL = "https://oss-cn-hangzhou-internal.aliyuncs.com"
FURTHER = ("https://oss-accelerate.aliyuncs.com",)
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what must be refused
HALF_A_MOCK = [
    start("tokens at the real OSS and STS", "OSSFERRY_ENDPOINT", allow_mock=True),
    start("tokens at the real STS", "OSSFERRY_STS_ENDPOINT", **{**MOCK, **REAL_STS}),
    start("the server itself at the real OSS", objects_endpoint=INTERNAL, **MOCK),
    start("demo at the real OSS and STS", "OSSFERRY_ENDPOINT", auth="demo", allow_mock=True),
    start("demo at the real OSS", "OSSFERRY_ENDPOINT", **{**DEMO, **REAL_OSS}),
    start("demo at the real STS", "OSSFERRY_STS_ENDPOINT", **{**DEMO, **REAL_STS}),
    start(
        "demo at the real STS by default", "OSSFERRY_STS_ENDPOINT", **{**DEMO, "sts_endpoint": None}
    ),
    start("demo at a custom domain in the cloud", "OSSFERRY_ENDPOINT", **{**DEMO, **OWN_DOMAIN}),
    start("demo at a further upload host in the cloud", upload_hosts=FURTHER, **DEMO),
    start(
        "public demo at the real OSS",
        "OSSFERRY_ENDPOINT",
        **{**DEMO, **REAL_OSS},
        host=EVERYWHERE[0],
    ),
]


def key_refused(environment: dict[str, str]) -> Try:
    """Return an attempt to serve with an access key of the mock against the real cloud."""

    def attempt(_worlds: object) -> bool:
        settings = load_settings(ExplicitSettings, **CLOUD)
        try:
            refuse_mock_keys(settings, environment)
        except SettingsError as error:
            return str(error).startswith("ALIBABA_CLOUD_ACCESS_KEY_ID is a key of the mock")
        return False

    return attempt


def _no_key_file(worlds: Worlds) -> bool:
    """Return whether a missing file of API keys is refused with a hint how to create it."""
    settings = load_settings(
        ExplicitSettings,
        **{**CLOUD, "auth": "apikey", "api_keys_file": "/nowhere/keys.json"},
        web_dir=worlds.folder,
    )
    try:
        create_app(settings)
    except SettingsError as error:
        return "OSSFERRY_API_KEYS_FILE" in str(error) and "ossferry apikey create" in str(error)
    return False


MOCK_KEYS = [
    (f"key of {user.name}", key_refused({"ALIBABA_CLOUD_ACCESS_KEY_ID": key}))
    for user in WORLD.users
    for key in user.keys
]
PROGRAMS: tuple[dict[str, object], ...] = (
    {"auth": "jwt"},
    {"auth": "apikey", "api_keys_file": "keys.json"},
    {"auth": "proxy", "proxy_secret": PROXY_SECRET},
)
TOO_WIDE = (
    ["0.0.0.0/0"],
    ["::/0"],
    ["0.0.0.0/1", "128.0.0.0/1"],
    ["0.0.0.0/1"],
    ["192.0.0.0/7"],
    ["10.0.0.0/8", "11.0.0.0/8"],
    ["::/1", "8000::/1"],
    ["2000::/3"],
    ["127.0.0.1/32", "64.0.0.0/2"],
    ["::ffff:0:0/96"],
)

ATTEMPTS: list[Attempt] = [
    *attempts(
        "T28",
        [
            *each("jwt_jwks_url", METADATA_URLS),
            *each("endpoint", BAD_ENDPOINTS),
            *each("endpoint", NO_CUSTOM_DOMAINS, cname=True),
            *each("upload_hosts", ((url,) for url in NO_CUSTOM_DOMAINS)),
            *each("sts_endpoint", BAD_ENDPOINTS),
        ],
    ),
    *attempts(
        "T38",
        [
            *each("endpoint", WITHIN, cname=True, **OURS),
            *each("upload_hosts", ((url,) for url in WITHIN), **OURS),
            *each("link_origin", WITHIN, **OURS),
        ],
    ),
    *attempts(
        "T47",
        [
            start("demo in production", "OSSFERRY_AUTH=demo", auth="demo"),
            start("mock OSS", endpoint="http://localhost:9000"),
            start("mock STS", sts_endpoint="http://127.0.0.1:9000"),
            start("mock on another machine", endpoint="http://10.0.0.1:9000", allow_mock=True),
            *HALF_A_MOCK,
            *MOCK_KEYS,
            start(
                "links signed with a key of the mock",
                share_access_key_id=next(iter(SHARER.keys)),
                share_access_key_secret="x",
                **OBJECTS,
            ),
        ],
    ),
    *attempts(
        "T30",
        [
            *each("host", EVERYWHERE),
            *(
                start(f"a mock on {host}, {needed}", host=host, **MOCK, **needed)
                for needed in PROGRAMS
                for host in EVERYWHERE
            ),
            start("public address in plain http", public_url="http://uploads.example.com", **OURS),
        ],
    ),
    *attempts(
        "T32",
        [
            *each("allowed_hosts", (("*",), ("*.example.com",), ("",), ("a b",), ("a..b",), ())),
            start(
                "another address",
                "OSSFERRY_ALLOWED_HOSTS",
                public_url="https://uploads.example.com",
            ),
        ],
    ),
    *attempts(
        "T05",
        [
            *each("cors_origins", (("*",), ("https://*.example.com",), ("null",))),
            *each("cors_origins", (("http://app.example.com",), ("https://a.example/x",))),
            *each("cors_origins", (("https://app.example.com", "http://10.0.0.1"),)),
            start(
                "with a proxy's identity",
                cors_origins=("https://a.example",),
                auth="proxy",
                proxy_secret=PROXY_SECRET,
            ),
        ],
    ),
    *attempts(
        "T08",
        [
            *each("actions", (("oss:*",), ("*",), ("oss:DeleteObject",), ())),
            start("any role", role_arn="acs:ram::*:role/*"),
            start("any bucket", bucket="*"),
            *each("session_duration_s", (3601, 43200, 60)),
        ],
    ),
    *attempts(
        "T31",
        [
            *each("secret", SECRETS),
            *each("metrics_token", ("m" * 40, "abcdefghijklmnopqrstuvwxyz0123456789", "x")),
            *each("proxy_secret", ("p" * 40, "x"), auth="proxy"),
            start("one secret for two things", "OSSFERRY_SECRET", metrics_token=OPTIONS["secret"]),
        ],
    ),
    *attempts(
        "T23",
        [start("limits in memory of each process", workers=2), *each("trusted_proxies", TOO_WIDE)],
    ),
    *attempts(
        "T22",
        [
            start("more than the account may", sts_calls_per_s=100),
            *each("rate_per_principal", ("unlimited", "0/minute")),
            *each("rate_per_address", ("", "0/minute")),
        ],
    ),
    *attempts("T21", [*each("jwt_audience", ("",)), *each("jwt_issuer", ("",))]),
    *attempts(
        "T50",
        [
            start("proxy without a secret", "OSSFERRY_PROXY_SECRET", auth="proxy"),
            ("API keys in a file that is not there", _no_key_file),
            start("API keys without a file", "OSSFERRY_API_KEYS_FILE", auth="apikey"),
            start("sign-in without a provider", "OSSFERRY_OIDC_ISSUER", auth="oidc"),
        ],
    ),
]
