"""Redaction: no log contains a secret from any field, exception or library."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from ossferry.authentication.apikey import new_key
from ossferry.errors import OssferryError, StsLostError, StsRefusedError
from ossferry.observability.log_format import configure, logger
from ossferry.observability.redaction import Redactor
from ossferry.oss.sts import StsCredentials
from ossferry.settings.secrets import secret_values
from support.fake_issuer import FakeIssuer
from support.server_fakes import OBJECTS, MakeClient, MakeSettings, UnexpectedError

CANARY = "canary-7f3a"
CANARIES = {
    "secret": f"{CANARY}-server-key-of-32-characters",
    "proxy_secret": f"{CANARY}-proxy-key-of-32-characters-",
    "metrics_token": f"{CANARY}-metrics-token-of-32-characters",
    "oidc_client_secret": f"{CANARY}-oidc-client-secret",
    "redis_url": f"redis://user:{CANARY}-password@127.0.0.1:1/0",
    "database_url": f"postgresql://user:{CANARY}-password@127.0.0.1:1/ledger",
    "share_access_key_secret": f"{CANARY}-share-access-key-secret",
    "webhook_secret": f"{CANARY}-webhook-key-of-32-characters",
}


@pytest.fixture
def sink() -> io.StringIO:
    """The whole log at DEBUG level."""
    stream = io.StringIO()
    configure("DEBUG", stream, secrets=CANARIES.values())
    return stream


@pytest.mark.parametrize(
    "secret",
    [
        "STS.NUxyzABCDEFGH123",
        "LTAI5tCanaryKey00001",
        new_key().text,
        FakeIssuer().token(),
        "CAIS" + "a/+=" * 40,
    ],
    ids=["STS key", "long-term key", "API key", "JWT", "security token"],
)
@pytest.mark.parametrize("frame", ["{}", "key={};", '{{"x":"{}"}}', "Bearer {}", "a\n{}\nb"])
def test_t25_what_looks_like_a_secret_is_hidden(secret: str, frame: str) -> None:
    hidden = Redactor()(frame.format(secret))

    assert secret not in hidden
    assert secret[8:20] not in hidden
    assert "[hidden]" in hidden


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://user:pass@host/0", "redis://[hidden]@host/0"),
        ("GET /x?Signature=abc%2B&y=1", "GET /x?Signature=[hidden]&y=1"),
        ("GET /cb?code=abc&state=x", "GET /cb?code=[hidden]&state=x"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [hidden]"),
        ("uploads/alice-x7/2026 is fine", "uploads/alice-x7/2026 is fine"),
        ("key_last4 0001 outcome issued", "key_last4 0001 outcome issued"),
        ("basic idea of a bearer", "basic idea of a bearer"),
    ],
)
def test_t25_the_rest_stays_readable(text: str, expected: str) -> None:
    assert Redactor()(text) == expected


def test_every_secret_option_is_known(make_settings: MakeSettings) -> None:
    more = {**OBJECTS, "share_access_key_id": "LTAI5tLinks"}
    settings = make_settings(**CANARIES, **more)

    assert set(secret_values(settings)) == set(CANARIES.values())
    for value in CANARIES.values():
        assert value not in repr(settings)
        assert value not in str(settings.model_dump())


def test_t25_our_own_fields_and_libraries_lines_hide_known_values(sink: io.StringIO) -> None:
    log = logger("ossferry.test")
    for value in CANARIES.values():
        log.info("event", field=value, nested={"deep": [value]})
        logging.getLogger("library").debug("asked %s with %s", value, {"x": value})
        try:
            raise ValueError(value)
        except ValueError:
            logging.getLogger("library").exception("failed for %s", value)
            log.exception("failed", detail=value)

    assert len(sink.getvalue().splitlines()) == 4 * len(CANARIES)
    assert CANARY not in sink.getvalue()


class LeakySts:
    """Fails with a message that contains all its arguments."""

    def __init__(self, error: Callable[[str], Exception]) -> None:
        self._error = error

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        logging.getLogger("darabonba-core").debug("sent %s %s", CANARIES["secret"], policy)
        logging.getLogger("httpx").info("GET https://x/?token=%s", CANARY)
        logging.getLogger("library").debug("GET https://x/?Signature=%s", CANARY)
        raise self._error(f"{CANARY} {policy}")


@pytest.mark.parametrize(
    "error",
    [
        UnexpectedError,
        OssferryError,
        RuntimeError,
        lambda words: StsRefusedError("Code", "ID-" + words[:0]),
        lambda words: StsLostError("no-answer"),
        lambda words: KeyError(words),
        lambda words: ExceptionGroup(words, [ValueError(words)]),
    ],
)
def test_t25_t27_a_request_full_of_secrets_leaves_none_in_any_sink(
    make_client: MakeClient, sink: io.StringIO, tmp_path: Path, error: Callable[[str], Exception]
) -> None:
    headers = {
        "authorization": f"Bearer {CANARY}",
        "cookie": f"ossferry_demo_user=alice; session={CANARY}",
        "x-proxy-secret": CANARY,
        "user-agent": CANARY,
        "referer": f"https://127.0.0.1/?token={CANARY}",
        "x-forwarded-for": CANARY,
    }
    changes = {"audit": None, "audit_file": tmp_path / "audit.log", "secret": CANARIES["secret"]}
    with make_client(assume_role=LeakySts(error), **changes) as client:
        answers = [
            client.post("/api/grant", headers=headers, json={"refused_key_id": CANARY}),
            client.get(f"/get_sts_token?access_token={CANARY}", headers=headers),
            client.get(f"/{CANARY}", headers=headers),
            client.post("/api/grant", headers=headers, content=b"{" + CANARY.encode()),
        ]

    assert {answer.status_code for answer in answers} <= {400, 404, 500, 502, 503}
    assert CANARY not in "".join(answer.text for answer in answers)
    assert CANARY not in sink.getvalue()
    assert CANARY not in (tmp_path / "audit.log").read_text()
    for line in sink.getvalue().splitlines():
        json.loads(line)


def test_t25_credentials_that_were_issued_are_in_no_sink(
    make_client: MakeClient, sink: io.StringIO, tmp_path: Path
) -> None:
    with make_client(audit=None, audit_file=tmp_path / "audit.log") as client:
        granted = client.post("/api/grant").json()

    sinks = sink.getvalue() + (tmp_path / "audit.log").read_text()
    for name in ("access_key_id", "access_key_secret", "security_token"):
        assert granted[name] not in sinks
