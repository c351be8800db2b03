"""Settings: an unsafe or missing value prevents the start, with a sentence that names the
option.
"""

import base64
import random
from collections.abc import Callable
from pathlib import Path
from string import ascii_letters

import pytest
from pydantic import TypeAdapter

from ossferry.errors import SettingsError
from ossferry.settings.addresses import is_loopback
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from ossferry.settings.types import LongSecret
from support.random_examples import some_and_many
from support.server_fakes import OBJECTS, OPTIONS, MakeSettings

HANGZHOU = "https://oss-cn-hangzhou.aliyuncs.com"
CLOUD: dict[str, object] = {
    **OPTIONS,
    "auth": "apikey",
    "api_keys_file": "keys.json",
    "allow_mock": False,
    "sts_endpoint": None,
    "endpoint": HANGZHOU,
    "public_url": "https://upload.example.com",
    "allowed_hosts": ("upload.example.com",),
}
FILES = "https://files.example.com"
PUBLIC = "https://web-direct-upload.oss-cn-hangzhou.aliyuncs.com"
FAST = "https://web-direct-upload.oss-accelerate.aliyuncs.com"
ACCELERATE = "https://oss-accelerate.aliyuncs.com"
INTERNAL = "https://oss-cn-hangzhou-internal.aliyuncs.com"
SECRET = "9f86d081884c7d659a2feaa0c55ad015"
WEBHOOK = {**OBJECTS, "webhook_url": "https://hooks.example.com/x"}
BASES: dict[str, dict[str, object]] = {
    "mock": {},
    "cloud": CLOUD,
    "custom domain": {**CLOUD, "cname": True},
    "application": {"auth": "app"},
    "role for objects": OBJECTS,
    "webhook": WEBHOOK,
}
HTTPS = " must be https; http is for a mock on this machine."
SUFFIX = " must end in .aliyuncs.com"
DOMAIN = "=1 needs a custom domain as OSSFERRY_ENDPOINT, not an endpoint of Alibaba Cloud;"
LIKE_ORIGIN = ": must look like https://host or https://host:port."
ALLOWED = " must not be within a host of OSSFERRY_ALLOWED_HOSTS"
REGION = " is of another region than OSSFERRY_REGION."
MOCK = " must be a mock on this machine where OSSFERRY_ALLOW_MOCK=1;"
TYPING_ERROR = "which looks like an endpoint of Alibaba Cloud with a typing error"
WRONG: dict[str, list[tuple[str, object, str]]] = {
    "mock": [
        ("secret", "short", ": must have at least 32 characters."),
        ("endpoint", "http://oss-cn-hangzhou.aliyuncs.com", HTTPS),
        ("endpoint", "http://127.0.0.1:9000", " must be a host name: browsers ask BUCKET.host."),
        ("endpoint", "https://user@oss.example.com", LIKE_ORIGIN),
        ("endpoint", "https://oss.example.com; script-src x", ": must have a plain host name:"),
        ("endpoint", PUBLIC, " must be without the bucket: browsers ask BUCKET.host."),
        ("endpoint", "https://oss-cn-shanghai.aliyuncs.com", REGION),
        (
            "endpoint",
            "http://files.localhost:9000",
            " has files.localhost, which is no endpoint of a mock;",
        ),
        ("sts_endpoint", "https://[::ffff:169.254.169.254]", f"{SUFFIX}."),
        ("objects_endpoint", "https://[fe80::1]", f"{SUFFIX}."),
        ("objects_endpoint", "https://oss-cn-shanghai-internal.aliyuncs.com", REGION),
        ("objects_endpoint", "http://oss-cn-hangzhou-internal.aliyuncs.com", HTTPS),
        ("cname", True, DOMAIN),
        ("cname", "maybe", ": must be 1 or 0."),
        ("upload_hosts", (ACCELERATE,), MOCK),
        ("region", "oss-cn-hangzhou", " must be without oss-: cn-hangzhou."),
        ("region", "oss-cn/../x", ": must look like cn-hangzhou."),
        ("frame_origins", ("http://school.example",), " must be https:"),
        ("sign_in_url", "/sign-in", " needs OSSFERRY_AUTH=app:"),
        ("rate_per_principal", "5/minute;1/second", ": must look like 60/minute."),
        ("session_duration_s", 899, ": must be at least 900."),
        ("port", 70_000, ": must be at most 65535."),
        ("workers", "two", ": must be a whole number."),
        ("drain_s", "soon", ": must be a number."),
        ("log_level", "LOUD", ": must be 'DEBUG', 'INFO', 'WARNING' or"),
        (
            "trusted_proxies",
            ("192.0.2.7/24",),
            ": must be a network such as 192.0.2.0/24 or 192.0.2.7/32.",
        ),
        ("bucket", "a*b", ": must look like my-uploads, with 3 to 63 lower-case letters,"),
        ("bucket", "web-direct-upload\n", ": must look like my-uploads,"),
        ("role_arn", "acs:ram::*:role/*", f": must look like {OPTIONS['role_arn']}."),
        ("objects_role_arn", "oss-web-objects", ": must look like acs:ram::"),
        ("objects_role_arn", OPTIONS["role_arn"], " must be another role than OSSFERRY_ROLE_ARN:"),
        ("proxy_user_header", "x y", ": must look like x-forwarded-user."),
        ("allowed_types", ("*/*",), ": must look like image/*, application/pdf or .csv."),
        ("allowed_types", ("csv",), ": "),
        ("allowed_types", ('.csv" onfocus="',), ": "),
        ("grant", "policy", ": "),
        ("runtime", "jython", ": "),
        ("link_origin", "http://files.example.net", " must be https."),
        ("database_url", "mysql://x", " must look like"),
        ("quota_bytes_day", 5, " needs OSSFERRY_OBJECTS_ROLE_ARN"),
        ("undo_s", 604_801, " must not be longer than 604800 (7 days): the"),
        ("callback", True, " needs OSSFERRY_OBJECTS_ROLE_ARN."),
        ("release", "checked", "=checked needs OSSFERRY_OBJECTS_ROLE_ARN."),
        ("clamd", "clamav", ": must look like /run/clamav/clamd.ctl or host:3310."),
        ("scanner_url", "http://scan.example.com/", ": must look like https://host/path."),
        ("scanner_url", "http://user@scanner/", ": must look like https://host/path."),
    ],
    "cloud": [
        ("endpoint", FILES, f"{SUFFIX}; for a custom domain of the bucket set OSSFERRY_CNAME=1."),
        ("endpoint", "https://oss-cn-hangzhou.aliyuncs.co", f"{SUFFIX};"),
        ("endpoint", "https://cn-shanghai.oss.aliyuncs.com", REGION),
        ("cname", True, DOMAIN),
        (
            "upload_hosts",
            ("http://oss-accelerate.aliyuncs.com",),
            " must list https only; http is for a mock on this machine.",
        ),
        ("upload_hosts", ("https://192.0.2.1",), " must list host names: browsers ask them."),
        *(
            ("upload_hosts", (f"https://{host}",), f" lists {host}, which{REGION}")
            for host in ("oss-cn-shanghai.aliyuncs.com", "cn-shanghai.oss.aliyuncs.com")
        ),
        (
            "upload_hosts",
            (INTERNAL,),
            " must not list internal endpoints: browsers do not reach them.",
        ),
        (
            "upload_hosts",
            ("https://oss-accelerate.aliyunc.com",),
            f" has oss-accelerate.aliyunc.com, {TYPING_ERROR}",
        ),
        ("upload_hosts", ("https://upload.example.com",), ALLOWED),
        ("upload_hosts", (ACCELERATE, FAST), " must name each address once,"),
    ],
    "custom domain": [
        (
            "endpoint",
            "https://oss-cn-hangzhou.aliyuncs.co",
            f" has oss-cn-hangzhou.aliyuncs.co, {TYPING_ERROR}",
        ),
        ("endpoint", "https://192.0.2.1", " must be a host name"),
        ("endpoint", "https://files", " must name a custom domain, not an address."),
    ],
    "application": [
        ("sign_in_url", "http://school.example/sign-in", " must be https:"),
        ("sign_in_url", "sign-in", ": must look like"),
        ("sign_in_url", "//evil.example/", ": must look like"),
        ("sign_in_url", "/\\\\evil.example/", ": must look like"),
        ("sign_in_url", "javascript:alert(1)", ": must look like"),
        ("sign_in_url", "/sign in", ": must be percent-encoded"),
        ("sign_in_url", "https://user@school.example/", ": must look like https://host"),
    ],
    "role for objects": [
        (
            "share_access_key_id",
            "LTAI5tLinks",
            " and OSSFERRY_SHARE_ACCESS_KEY_SECRET belong together.",
        ),
        ("actions", ("oss:PutObject", "oss:GetObject"), " must not hold oss:GetObject"),
        ("release", "checked", "=checked needs OSSFERRY_CLAMD, OSSFERRY_SCANNER_URL or checks,"),
    ],
    "webhook": [
        ("webhook_secret", None, " is missing"),
        (
            "webhook_secret",
            "whsec_9f86d081884c7d659a2feaa0c55ad01",
            ": must have base64 after whsec_",
        ),
        ("webhook_secret", "whsec_9f86d081884c7d659a2feaa0c5", ": must have base64 after whsec_"),
    ],
}
"""Base -> the option, its wrong value, and the sentence after the name of the option."""

WRONG_TOGETHER: list[tuple[dict[str, object], str]] = [
    (
        {**OBJECTS, "release": "checked", "clamd": "[::1]:3310", "encrypt_public_key": "key.pem"},
        "OSSFERRY_RELEASE=checked excludes OSSFERRY_ENCRYPT_PUBLIC_KEY:",
    ),
    ({"allow_mock": False}, "OSSFERRY_AUTH=demo lets anyone in and needs OSSFERRY_ALLOW_MOCK=1."),
    (
        {"cname": True, "endpoint": "http://oss-cn-hangzhou.localhost:9000"},
        f"OSSFERRY_CNAME{DOMAIN}",
    ),
    ({"cname": True, "endpoint": FILES}, f"OSSFERRY_ENDPOINT{MOCK}"),
    (
        {"grant": "form", "allowed_types": ("image/*", ".csv", ".txt")},
        "OSSFERRY_ALLOWED_TYPES has image/*, .csv, .txt: OSSFERRY_GRANT=form needs exact",
    ),
    (
        {**WEBHOOK, "webhook_url": "http://hooks.example.com/x", "webhook_secret": SECRET},
        "OSSFERRY_WEBHOOK_URL must look like https://host/path.",
    ),
]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *(
            pytest.param(
                {**BASES[base], option: value},
                f"OSSFERRY_{option.upper()}{words}",
                id=f"{base}: {option}={value}",
            )
            for base, rows in WRONG.items()
            for option, value, words in rows
        ),
        *WRONG_TOGETHER,
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


def test_only_the_rule_for_the_trash_limits_the_time_to_restore(
    make_settings: MakeSettings,
) -> None:
    assert make_settings(undo_s=604_800).undo_s == 604_800
    assert make_settings(undo="versions", undo_s=2_592_000).undo_s == 2_592_000


@pytest.mark.parametrize(
    "host",
    [
        "a..b", ".a", "a.", "-a", "a-", "a.-b", "a-.b", "-", "..", "a_b", "a b", "*.a", "*", "a:80",
        f"{'a' * 64}.b", ".".join(["a" * 62] * 5), "",
    ],
)  # fmt: skip
def test_a_host_name_is_one_of_dns(make_settings: MakeSettings, host: str) -> None:
    with pytest.raises(SettingsError, match=r"must list host names without wildcards or ports\.$"):
        make_settings(allowed_hosts=("localhost", host))


@pytest.mark.parametrize("label", ["", ".", "-", "a-", "-a", "a_b", "a..b", "a" * 64])
@pytest.mark.parametrize("option", ["endpoint", "sts_endpoint", "objects_endpoint"])
def test_the_host_of_an_origin_is_one_of_dns(
    make_settings: MakeSettings, option: str, label: str
) -> None:
    with pytest.raises(SettingsError, match=f"^OSSFERRY_{option.upper()}: must have a plain host"):
        make_settings(allow_mock=False, **{option: f"https://{label}.aliyuncs.com"})


def test_names_and_addresses_are_hosts(make_settings: MakeSettings) -> None:
    hosts = ("127.0.0.1", "localhost", "UPLOADS.example.com", "x--1.a", f"{'a' * 63}.b")

    assert make_settings(allowed_hosts=hosts).allowed_hosts == tuple(map(str.lower, hosts))
    assert make_settings(public_url="https://localhost:8443").public_url
    assert make_settings(frame_origins=("https://[::1]:8000",)).frame_origins


@pytest.mark.parametrize("value", ["https://files.example.com", '{"a": 1}'])
@pytest.mark.parametrize("option", ["UPLOAD_HOSTS", "ALLOWED_HOSTS"])
def test_an_option_that_is_no_list_is_named(
    option: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OSSFERRY_{option}", value)

    others = {name: given for name, given in OPTIONS.items() if name != option.lower()}

    with pytest.raises(SettingsError) as caught:
        load_settings(**others)

    assert str(caught.value).startswith(f"OSSFERRY_{option}: should be a list in JSON, such as [")


def test_a_missing_option_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_BUCKET is missing\.$"):
        load_settings(ExplicitSettings)


NO_FILE = (
    "this folder has no .env; run the command in the folder of the server's .env, or make one from"
    " the settings that `ossferry setup` prints."
)


@pytest.mark.parametrize(
    ("has_file", "fix"),
    [(False, NO_FILE), (True, "add it to .env; `ossferry setup` prints the settings.")],
)
def test_the_fix_of_a_missing_option_depends_on_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_file: bool, fix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if has_file:
        (tmp_path / ".env").write_text("OSSFERRY_PORT=8123\n")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert str(caught.value) == f"OSSFERRY_BUCKET is missing: {fix}"


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("redis_url", "redis://:canary/w@127.0.0.1:6379/0"),
        ("redis_url", "redis://:canary[w@127.0.0.1:6379/0"),
        ("redis_url", "redis://:12/canary@127.0.0.1:6379/0"),
        ("redis_url", "redis://:12#canary@127.0.0.1:6379/0"),
        ("redis_url", "redis://127.0.0.1:canary/0"),
        ("redis_url", "redis://127.0.0.1:70000/0"),
        ("database_url", "postgresql://a:b@127.0.0.1:canary/x"),
        ("database_url", "postgresql://a:b@canary@127.0.0.1/x"),
    ],
)
def test_a_url_with_a_password_that_cannot_be_read_is_refused_and_not_shown(
    make_settings: MakeSettings, option: str, url: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(**{option: url})

    assert str(caught.value) == (
        f"OSSFERRY_{option.upper()} is not a valid URL: percent-encode special characters in the"
        " password, such as / as %2F, and write the port as a number."
    )
    assert "canary" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("redis_url", "redis://127.0.0.1"),
        ("redis_url", "rediss://user:p%2Fw@redis.example.com:6380/1?client_name=a"),
        ("redis_url", "redis://:p@w@[::1]:6379/0"),
        ("redis_url", "unix:///run/redis.sock?db=1"),
        ("database_url", "postgresql://a:p/w@db.example.com:5432/x?sslmode=require"),
        ("database_url", "postgresql://a@[::1]/x"),
        ("database_url", "postgresql:///x?host=/run/postgresql"),
        ("database_url", "sqlite:////var/lib/ossferry/a@b.db"),
    ],
)
def test_a_url_that_the_client_can_read_is_taken(
    make_settings: MakeSettings, option: str, url: str
) -> None:
    assert getattr(make_settings(**{option: url}), option).get_secret_value() == url


def test_an_empty_value_means_that_the_option_is_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = ("REDIS_URL", "DATABASE_URL", "OBJECTS_ROLE_ARN", "UPLOAD_HOSTS", "WORKERS")
    for name in empty[1:]:
        monkeypatch.setenv(f"OSSFERRY_{name}", "")
    (tmp_path / ".env").write_text("OSSFERRY_REDIS_URL=\n")
    given = settings.model_dump(exclude={name.lower() for name in empty})

    loaded = load_settings(**given)

    assert {name: getattr(loaded, name.lower()) for name in empty} == {
        "REDIS_URL": None,
        "DATABASE_URL": None,
        "OBJECTS_ROLE_ARN": None,
        "UPLOAD_HOSTS": (),
        "WORKERS": 1,
    }


def test_a_refused_secret_is_not_shown(make_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(secret="canary")

    assert "canary" not in str(caught.value)
    assert "canary" not in str(caught.value.__cause__)


def test_options_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OSSFERRY_REGION=cn-beijing\nOSSFERRY_PORT=1234\n")
    monkeypatch.setenv("OSSFERRY_PORT", "8123")
    given = settings.model_dump(exclude={"port", "region"})

    loaded = load_settings(**given)

    assert (loaded.port, loaded.region) == (8123, "cn-beijing")


def test_a_secret_comes_from_a_file_without_the_end_of_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "redis").write_text("redis://127.0.0.1\n")
    monkeypatch.setenv("OSSFERRY_REDIS_URL_FILE", str(tmp_path / "redis"))

    loaded = load_settings(**settings.model_dump(exclude={"redis_url"}))

    assert loaded.redis_url is not None
    assert loaded.redis_url.get_secret_value() == "redis://127.0.0.1"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("OSSFERRY_ALLOWED_HOST", "OSSFERRY_ALLOWED_HOSTS"),
        ("OSSFERRY_BIND_ADRESS", "OSSFERRY_BIND_ADDRESS"),
        ("ossferry_rate_principal", "OSSFERRY_RATE_PER_PRINCIPAL"),
        ("OSSFERRY_SECRETFILE", "OSSFERRY_SECRET_FILE"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_option_with_a_typing_error_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Settings,
    name: str,
    nearest: str,
    place: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if place == "file":
        (tmp_path / ".env").write_text(f"{name}=1\n")
    else:
        monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError) as caught:
        load_settings(**settings.model_dump())

    assert str(caught.value) == f"{name.upper()} is no option; the nearest is {nearest}."


@pytest.mark.parametrize(
    "name", ["OSSFERRY_TYPO_OPTION", "OSSFERRY_SERVICE_PORT", "OSSFERRY_PORT_8000_TCP"]
)
def test_another_unknown_option_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings, name: str
) -> None:
    monkeypatch.setenv(name, "canary")

    load_settings(**settings.model_dump())

    assert name in caplog.text
    assert "canary" not in caplog.text


def test_explicit_settings_leave_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch, make_settings: MakeSettings
) -> None:
    monkeypatch.setenv("OSSFERRY_PORT", "8123")

    assert make_settings().port == 8000


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Uploads.example.com/", "https://uploads.example.com"),
        ("https://uploads.example.com:443", "https://uploads.example.com"),
        ("https://uploads.example.com:8443", "https://uploads.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(
    make_settings: MakeSettings, given: str, kept: str
) -> None:
    assert make_settings(frame_origins=(given,)).frame_origins == {kept: "counts"}


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("cn-hangzhou", HANGZHOU),
        ("cn-hangzhou", INTERNAL),
        ("cn-hangzhou", ACCELERATE),
        ("cn-shanghai-finance-1", "https://oss-cn-shanghai-finance-1-pub.aliyuncs.com"),
        ("cn-hangzhou", "https://cn-hangzhou.oss.aliyuncs.com"),
    ],
)
def test_an_endpoint_of_the_region_is_taken(
    make_settings: MakeSettings, region: str, endpoint: str
) -> None:
    assert make_settings(**{**CLOUD, "region": region, "endpoint": endpoint}).endpoint == endpoint


OWN = {"endpoint": FILES, "cname": True}
LINKS, NAMED, SECOND = (
    f"https://{name}"
    for name in ("links.example.com", "web-direct-upload.example.com", "b.example.net")
)


@pytest.mark.parametrize(
    ("changes", "origins", "links", "form"),
    [
        ({}, (PUBLIC,), PUBLIC, PUBLIC),
        (OWN, (FILES,), FILES, FILES),
        ({"upload_hosts": (ACCELERATE,)}, (PUBLIC, FAST), PUBLIC, PUBLIC),
        ({"upload_hosts": (ACCELERATE, f"{FILES}/")}, (PUBLIC, FAST, FILES), FILES, FILES),
        ({"upload_hosts": (FAST, HANGZHOU)}, (FAST, PUBLIC), PUBLIC, FAST),
        ({"upload_hosts": (FAST, PUBLIC)}, (FAST, PUBLIC), PUBLIC, FAST),
        ({**OWN, "upload_hosts": (ACCELERATE,)}, (FILES, FAST), FILES, FILES),
        ({**OWN, "upload_hosts": (SECOND, FILES)}, (SECOND, FILES), FILES, SECOND),
        ({**OWN, "link_origin": LINKS}, (FILES,), LINKS, FILES),
        ({"endpoint": NAMED, "cname": True}, (NAMED,), NAMED, NAMED),
    ],
)
def test_every_address_of_the_bucket_is_derived(
    make_settings: MakeSettings,
    changes: dict[str, object],
    origins: tuple[str, ...],
    links: str,
    form: str,
) -> None:
    settings = make_settings(**{**CLOUD, **changes})

    assert settings.upload_origins == origins
    assert (settings.links_address, settings.form_address) == (links, form)


@pytest.mark.parametrize(
    ("changes", "address", "by_cname"),
    [
        ({}, HANGZHOU, False),
        (OWN, FILES, True),
        ({**OWN, "objects_endpoint": INTERNAL}, INTERNAL, False),
    ],
)
def test_the_server_itself_asks_at_the_custom_domain_or_inside(
    make_settings: MakeSettings, changes: dict[str, object], address: str, by_cname: bool
) -> None:
    settings = make_settings(**{**CLOUD, **changes})

    assert (settings.objects_address, settings.objects_by_cname) == (address, by_cname)


def test_addresses_are_derived(make_settings: MakeSettings) -> None:
    settings = make_settings().model_copy(update={"sts_endpoint": None})

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


PROGRAMS: dict[str, Callable[[bytes], str]] = {
    "openssl rand -hex 32": bytes.hex,
    "openssl rand -base64 32": lambda chance: base64.b64encode(chance).decode(),
    "secrets.token_urlsafe(32)": lambda chance: base64.urlsafe_b64encode(chance).decode()[:-1],
    "letters": lambda chance: "".join(ascii_letters[each % 52] for each in chance),
    "digits": lambda chance: f"{int.from_bytes(chance):077}"[-40:],
}


@some_and_many(500, 20_000, name="count")
@pytest.mark.parametrize("write", PROGRAMS.values(), ids=PROGRAMS)
def test_what_the_usual_programs_print_is_taken(write: Callable[[bytes], str], count: int) -> None:
    chance, secret = random.Random(7), TypeAdapter(LongSecret)

    for _ in range(count):
        text = write(chance.randbytes(32))
        assert secret.validate_python(text).get_secret_value() == text


def test_t34_a_site_gets_results_only_if_the_settings_say_so(make_settings: MakeSettings) -> None:
    settings = make_settings(
        frame_origins={"https://school.example": "results", "https://blog.example": "counts"}
    )

    assert settings.frame_origins["https://school.example"] == "results"
    with pytest.raises(SettingsError, match="'counts' or 'results'"):
        make_settings(frame_origins={"https://school.example": "all"})
