"""Unsafe settings with which the server must refuse to start."""

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


def refused(option: str, **changes: object) -> Try:
    """Return an attempt to start with unsafe settings; the refusal must name the option."""

    def attempt(_worlds: object) -> bool:
        try:
            load_settings(ExplicitSettings, **{**CLOUD, **changes})
        except SettingsError as error:
            sentence = str(error)
            return option in sentence and "\n" not in sentence and sentence.endswith(".")
        return False

    return attempt


GUESSABLE = [
    "ossferry-secret-ossferry-secret-12",
    "example-secret-example-secret-123456",
    "please-set-a-long-random-secret-here!!",
    "CorrectBatteryStapleChangeThisSoon!1",
    "upload-server-key/upload-server-key",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol",
    "!QAZ@WSX#EDC$RFV%TGB^YHN&UJM*IK<(OL>",
    "qazwsxedcrfvtgbyhnujmikolp1234567890",
    "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7",
    "aA1bB2cC3dD4eE5fF6gG7hH8iI9jJ0kK1lL2",
]
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
METADATA_URLS = (
    "http://169.254.169.254/jwks",
    "https://169.254.169.254/jwks",
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
    "https://evil.com\\.aliyuncs.com",
    "https://evil.com\\@oss-cn-hangzhou.aliyuncs.com",
    "https://evil.com%5c.aliyuncs.com",
    "https://evil.com\t.aliyuncs.com",
    "https://evil.com\x00.aliyuncs.com",
    "https://evil.com .aliyuncs.com",
    "https://evil.com\uff0f.aliyuncs.com",
    "https://evil.com?.aliyuncs.com",
    "https://evil.com#.aliyuncs.com",
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

MOCK: dict[str, object] = {
    "allow_mock": True,
    "endpoint": "http://localhost:9000",
    "sts_endpoint": "http://127.0.0.1:9000",
}
REAL_OSS = {"endpoint": CLOUD["endpoint"]}
REAL_STS = {"sts_endpoint": CLOUD["sts_endpoint"]}
EVERYWHERE = {"host": "0.0.0.0"}  # noqa: S104 - what must be refused
HALF_A_MOCK: list[tuple[str, str, dict[str, object]]] = [
    ("demo at the real OSS and STS", "OSSFERRY_ENDPOINT", {"auth": "demo", "allow_mock": True}),
    ("demo at the real OSS", "OSSFERRY_ENDPOINT", {**MOCK, "auth": "demo", **REAL_OSS}),
    ("demo at the real STS", "OSSFERRY_STS_ENDPOINT", {**MOCK, "auth": "demo", **REAL_STS}),
    (
        "demo at the real STS by default",
        "OSSFERRY_STS_ENDPOINT",
        {**MOCK, "auth": "demo", "sts_endpoint": None},
    ),
    ("tokens at the real OSS and STS", "OSSFERRY_ENDPOINT", {"allow_mock": True}),
    ("tokens at the real STS", "OSSFERRY_STS_ENDPOINT", {**MOCK, **REAL_STS}),
    (
        "the server itself at the real OSS",
        "OSSFERRY_OBJECTS_ENDPOINT",
        {**MOCK, "objects_endpoint": "https://oss-cn-hangzhou-internal.aliyuncs.com"},
    ),
    (
        "demo at a custom domain in the cloud",
        "OSSFERRY_ENDPOINT",
        {**MOCK, "auth": "demo", "cname": True, "endpoint": "https://files.example.com"},
    ),
    (
        "demo at a further upload host in the cloud",
        "OSSFERRY_UPLOAD_HOSTS",
        {**MOCK, "auth": "demo", "upload_hosts": ("https://oss-accelerate.aliyuncs.com",)},
    ),
    (
        "public demo at the real OSS",
        "OSSFERRY_ENDPOINT",
        {**MOCK, "auth": "demo", **REAL_OSS, **EVERYWHERE},
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
PUBLIC_PLAIN: list[tuple[str, dict[str, object]]] = [
    (
        f"public plain http on {host}, {auth}, with a mock",
        {**MOCK, **needed, "auth": auth, "host": host},
    )
    for auth, needed in (
        ("jwt", {}),
        ("apikey", {"api_keys_file": "keys.json"}),
        ("proxy", {"proxy_secret": PROXY_SECRET}),
    )
    for host in ("0.0.0.0", "::")  # noqa: S104 - what must be refused
]

TOO_WIDE = (
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
            *((url, refused("OSSFERRY_JWT_JWKS_URL", jwt_jwks_url=url)) for url in METADATA_URLS),
            *(
                (f"OSS at {url}", refused("OSSFERRY_ENDPOINT", endpoint=url))
                for url in BAD_ENDPOINTS
            ),
            *(
                (f"custom domain at {url}", refused("OSSFERRY_ENDPOINT", cname=True, endpoint=url))
                for url in NO_CUSTOM_DOMAINS
            ),
            *(
                (f"upload host at {url}", refused("OSSFERRY_UPLOAD_HOSTS", upload_hosts=(url,)))
                for url in NO_CUSTOM_DOMAINS
            ),
            *(
                (f"STS at {url}", refused("OSSFERRY_STS_ENDPOINT", sts_endpoint=url))
                for url in BAD_ENDPOINTS
            ),
        ],
    ),
    *attempts(
        "T38",
        [
            (
                f"{option} at {url}, within the server's own site",
                refused(option, allowed_hosts=("uploads.example.com",), **changes),
            )
            for url in (
                "https://uploads.example.com",
                "https://files.uploads.example.com",
                "https://example.com",
            )
            for option, changes in (
                ("OSSFERRY_ENDPOINT", {"cname": True, "endpoint": url}),
                ("OSSFERRY_UPLOAD_HOSTS", {"upload_hosts": (url,)}),
                ("OSSFERRY_LINK_ORIGIN", {"link_origin": url}),
            )
        ],
    ),
    *attempts(
        "T47",
        [
            ("demo in production", refused("OSSFERRY_AUTH=demo", auth="demo")),
            ("mock OSS", refused("OSSFERRY_ENDPOINT", endpoint="http://localhost:9000")),
            ("mock STS", refused("OSSFERRY_STS_ENDPOINT", sts_endpoint="http://127.0.0.1:9000")),
            (
                "mock on another machine",
                refused("OSSFERRY_ENDPOINT", allow_mock=True, endpoint="http://10.0.0.1:9000"),
            ),
            *((what, refused(option, **changes)) for what, option, changes in HALF_A_MOCK),
            *MOCK_KEYS,
            (
                "links signed with a key of the mock",
                refused(
                    "OSSFERRY_SHARE_ACCESS_KEY_ID",
                    **OBJECTS,
                    share_access_key_id=next(iter(SHARER.keys)),
                    share_access_key_secret="x",
                ),
            ),
        ],
    ),
    *attempts(
        "T30",
        [
            ("public plain http", refused("OSSFERRY_HOST", host="0.0.0.0")),  # noqa: S104
            ("public plain http, IPv6", refused("OSSFERRY_HOST", host="::")),
            *((what, refused("OSSFERRY_HOST", **changes)) for what, changes in PUBLIC_PLAIN),
            (
                "public address in plain http",
                refused(
                    "OSSFERRY_PUBLIC_URL",
                    public_url="http://uploads.example.com",
                    allowed_hosts=("uploads.example.com",),
                ),
            ),
        ],
    ),
    *attempts(
        "T32",
        [
            ("any host", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=("*",))),
            ("any subdomain", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=("*.example.com",))),
            ("a host without a name", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=("",))),
            ("a host of a space", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=("a b",))),
            ("a host with a gap", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=("a..b",))),
            ("no host", refused("OSSFERRY_ALLOWED_HOSTS", allowed_hosts=())),
            (
                "another public address",
                refused("OSSFERRY_ALLOWED_HOSTS", public_url="https://uploads.example.com"),
            ),
        ],
    ),
    *attempts(
        "T05",
        [
            ("any origin", refused("OSSFERRY_CORS_ORIGINS", cors_origins=("*",))),
            (
                "any subdomain",
                refused("OSSFERRY_CORS_ORIGINS", cors_origins=("https://*.example.com",)),
            ),
            ("null", refused("OSSFERRY_CORS_ORIGINS", cors_origins=("null",))),
            (
                "an origin over plain http",
                refused("OSSFERRY_CORS_ORIGINS", cors_origins=("http://app.example.com",)),
            ),
            (
                "one of two origins over plain http",
                refused(
                    "OSSFERRY_CORS_ORIGINS",
                    cors_origins=("https://app.example.com", "http://10.0.0.1"),
                ),
            ),
            ("a path", refused("OSSFERRY_CORS_ORIGINS", cors_origins=("https://a.example/x",))),
            (
                "with a proxy's identity",
                refused(
                    "OSSFERRY_CORS_ORIGINS",
                    auth="proxy",
                    proxy_secret=PROXY_SECRET,
                    cors_origins=("https://a.example",),
                ),
            ),
        ],
    ),
    *attempts(
        "T08",
        [
            ("everything", refused("OSSFERRY_ACTIONS", actions=("oss:*",))),
            ("star", refused("OSSFERRY_ACTIONS", actions=("*",))),
            ("delete", refused("OSSFERRY_ACTIONS", actions=("oss:DeleteObject",))),
            ("nothing", refused("OSSFERRY_ACTIONS", actions=())),
            ("any role", refused("OSSFERRY_ROLE_ARN", role_arn="acs:ram::*:role/*")),
            ("any bucket", refused("OSSFERRY_BUCKET", bucket="*")),
            ("long life", refused("OSSFERRY_SESSION_DURATION_S", session_duration_s=3601)),
            (
                "life of a day's work",
                refused("OSSFERRY_SESSION_DURATION_S", session_duration_s=43200),
            ),
            ("short life", refused("OSSFERRY_SESSION_DURATION_S", session_duration_s=60)),
        ],
    ),
    *attempts(
        "T31",
        [
            ("short secret", refused("OSSFERRY_SECRET", secret="x" * 31)),
            ("one letter as secret", refused("OSSFERRY_SECRET", secret="a" * 40)),
            ("four letters as secret", refused("OSSFERRY_SECRET", secret="abcd" * 10)),
            ("the demo's secret", refused("OSSFERRY_SECRET", secret=DEMO_SECRET)),
            ("a placeholder as secret", refused("OSSFERRY_SECRET", secret="change-me-" * 4)),
            (
                "a placeholder with a tail as secret",
                refused("OSSFERRY_SECRET", secret="change-me-to-something-long-and-random"),
            ),
            ("the demo's secret, nearly", refused("OSSFERRY_SECRET", secret=f" {DEMO_SECRET} ")),
            ("the demo's secret, larger", refused("OSSFERRY_SECRET", secret=DEMO_SECRET.title())),
            (
                "the demo's secret and more",
                refused("OSSFERRY_SECRET", secret=DEMO_SECRET.replace(" ", "-") + "2"),
            ),
            *(
                (f"{secret} as secret", refused("OSSFERRY_SECRET", secret=secret))
                for secret in GUESSABLE
            ),
            ("a word again and again", refused("OSSFERRY_SECRET", secret="ossferry-7" * 4)),
            ("the alphabet as secret", refused("OSSFERRY_SECRET", secret=ALPHABET)),
            ("the alphabet backwards", refused("OSSFERRY_SECRET", secret=ALPHABET[::-1])),
            ("the alphabet as token", refused("OSSFERRY_METRICS_TOKEN", metrics_token=ALPHABET)),
            ("digits as secret", refused("OSSFERRY_SECRET", secret="1234567" * 5)),
            (
                "one letter as token for figures",
                refused("OSSFERRY_METRICS_TOKEN", metrics_token="m" * 40),
            ),
            (
                "one letter as the proxy's secret",
                refused("OSSFERRY_PROXY_SECRET", auth="proxy", proxy_secret="p" * 40),
            ),
            (
                "short proxy secret",
                refused("OSSFERRY_PROXY_SECRET", auth="proxy", proxy_secret="x"),
            ),
            ("short metrics token", refused("OSSFERRY_METRICS_TOKEN", metrics_token="x")),
            (
                "one secret for two things",
                refused("OSSFERRY_SECRET", metrics_token=OPTIONS["secret"]),
            ),
        ],
    ),
    *attempts(
        "T23",
        [
            ("limits in memory of each process", refused("OSSFERRY_WORKERS", workers=2)),
            (
                "trust every proxy",
                refused("OSSFERRY_TRUSTED_PROXIES", trusted_proxies=["0.0.0.0/0"]),
            ),
            (
                "trust every IPv6 proxy",
                refused("OSSFERRY_TRUSTED_PROXIES", trusted_proxies=["::/0"]),
            ),
            *(
                (
                    f"trust {' and '.join(networks)}",
                    refused("OSSFERRY_TRUSTED_PROXIES", trusted_proxies=networks),
                )
                for networks in TOO_WIDE
            ),
        ],
    ),
    *attempts(
        "T22",
        [
            ("more than the account may", refused("OSSFERRY_STS_CALLS_PER_S", sts_calls_per_s=100)),
            ("no rate", refused("OSSFERRY_RATE_PER_PRINCIPAL", rate_per_principal="unlimited")),
            ("empty rate", refused("OSSFERRY_RATE_PER_ADDRESS", rate_per_address="")),
            *(
                (
                    f"{option} of nothing",
                    refused(f"OSSFERRY_{option.upper()}", **{option: "0/minute"}),
                )
                for option in ("rate_per_principal", "rate_per_address")
            ),
        ],
    ),
    *attempts(
        "T21",
        [
            ("start without an audience", refused("OSSFERRY_JWT_AUDIENCE", jwt_audience="")),
            ("start without an issuer", refused("OSSFERRY_JWT_ISSUER", jwt_issuer="")),
        ],
    ),
    *attempts(
        "T50",
        [
            ("proxy without a secret", refused("OSSFERRY_PROXY_SECRET", auth="proxy")),
            ("API keys in a file that is not there", _no_key_file),
            ("API keys without a file", refused("OSSFERRY_API_KEYS_FILE", auth="apikey")),
            ("sign-in without a provider", refused("OSSFERRY_OIDC_ISSUER", auth="oidc")),
        ],
    ),
]
