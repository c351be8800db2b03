"""The audit file: one line per decision, and no decision without its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from ossferry.access.audit import Audit, AuditFile
from ossferry.errors import AuditLostError, SettingsError
from ossferry.observability.redaction import Redactor
from ossferry.settings.model import Settings
from support.server_fakes import OBJECTS, FakeClock, MakeClient, MakeSettings

AUDIT_LOG = "ossferry.audit"
Ask: TypeAlias = Callable[[Path], int]
"""Requests a grant with this audit file, and returns the status."""

TOKEN = "metrics-token-of-more-than-32-characters"


@pytest.fixture
def ask(make_client: MakeClient) -> Ask:
    """Return a function that requests a grant with this audit file, and returns the status."""

    def call(path: Path) -> int:
        with make_client(audit_file=path, audit=None) as client:
            return client.post("/api/grant").status_code

    return call


def test_t25_a_decision_is_one_line_in_the_file(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    assert ask(path) == 200
    assert ask(path) == 200

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["issued", "issued"]
    assert set(lines[0]) == {
        "at", "request_id", "principal", "address", "outcome",
        "scope", "session", "expires_at", "key_last4",
    }  # fmt: skip
    assert "fake-" not in path.read_text()
    assert "alice" not in path.read_text()


def test_t25_every_decision_has_a_line(
    make_client: MakeClient, audit_lines: list[dict[str, str]]
) -> None:
    with make_client(metrics_token=TOKEN) as client:
        client.post("/demo/user", json={"user": "bob"})
        client.post("/demo/user", json={"user": "eve"})
        client.post("/demo/user", json={"user": "bob"}, headers={"sec-fetch-site": "cross-site"})
        client.get("/metrics")
        client.get("/metrics", headers={"authorization": "Bearer guess"})
        client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        client.post("/api/grant")

    assert [(line.get("action"), line["outcome"]) for line in audit_lines] == [
        ("sign-in", "done"),
        ("sign-in", "bad-request"),
        ("sign-in", "cross-site"),
        ("metrics", "not-identified"),
        ("metrics", "not-identified"),
        (None, "issued"),
    ]
    assert audit_lines[0]["principal"] == audit_lines[-1]["principal"] != ""
    assert {line["principal"] for line in audit_lines[1:-1]} == {""}
    assert "bob" not in str(audit_lines)


def test_t25_a_refusal_names_the_principal(
    make_client: MakeClient, audit_lines: list[dict[str, str]]
) -> None:
    with make_client(rate_per_principal="1/minute") as client:
        client.post("/api/grant")
        client.post("/api/grant")

    issued, refused = audit_lines
    assert (issued["outcome"], refused["outcome"]) == ("issued", "too-many")
    assert issued["principal"] == refused["principal"] != ""


def test_t25_an_action_names_the_principal(
    make_client: MakeClient, audit_lines: list[dict[str, str]]
) -> None:
    with make_client(**OBJECTS, admins=["alice"]) as client:
        client.post("/api/grant")
        client.get("/admin")
        client.get("/api/objects")
        client.get("/form/arrived")
        client.post("/demo/user", json={"user": "bob"})
        client.get("/admin")

    alice, bob = audit_lines[0]["principal"], audit_lines[4]["principal"]
    assert [(line.get("action"), line["outcome"], line["principal"]) for line in audit_lines] == [
        (None, "issued", alice),
        ("admin", "done", alice),
        ("list", "done", alice),
        ("form-arrived", "http-404", alice),
        ("sign-in", "done", bob),
        ("admin", "not-admin", bob),
    ]
    assert alice != bob


def test_t25_without_a_file_the_lines_go_to_the_log(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger=AUDIT_LOG), make_client(audit=None) as client:
        client.post("/api/grant")
        client.post("/demo/user", json={"user": "bob"})

    entries = [json.loads(line) for name, _, line in caplog.record_tuples if name == AUDIT_LOG]
    assert [(entry["event"], entry["outcome"]) for entry in entries] == [
        ("grant", "issued"),
        ("sign-in", "done"),
    ]


@pytest.mark.parametrize("is_created", [False, True], ids=["moved away", "created by log rotation"])
def test_t25_lines_go_on_in_a_new_file(tmp_path: Path, is_created: bool) -> None:
    path = tmp_path / "audit.log"
    write = AuditFile(path, Redactor())
    write({"outcome": "first"})
    path.rename(tmp_path / "audit.log.1")
    if is_created:
        path.touch()

    write({"outcome": "second"})
    write({"outcome": "third"})
    write.close()

    assert (tmp_path / "audit.log.1").read_text() == '{"outcome": "first"}\n'
    assert path.read_text() == '{"outcome": "second"}\n{"outcome": "third"}\n'
    assert is_created or path.stat().st_mode & 0o137 == 0


@pytest.mark.parametrize(
    ("action", "options", "fields"),
    [
        ("apikey-revoke", {"key_id": "k1"}, {"key_id": "k1", "outcome": "done"}),
        ("share", {}, {"outcome": "done"}),
        ("share", {"outcome": "not-stored"}, {"outcome": "not-stored"}),
    ],
    ids=["key", "done", "refused"],
)
def test_t25_an_action_of_an_operator_is_one_line(
    settings: Settings,
    clock: FakeClock,
    action: str,
    options: dict[str, str],
    fields: dict[str, str],
) -> None:
    lines: list[dict[str, str]] = []

    Audit(settings, clock=clock, sink=lines.append).managed("hash", action=action, **options)

    assert lines == [{"at": clock().isoformat(), "principal": "hash", "action": action, **fields}]


def test_t26_a_field_of_a_line_has_a_limited_length(
    make_settings: MakeSettings, clock: FakeClock, tmp_path: Path
) -> None:
    audit = Audit(make_settings(audit_file=tmp_path / "audit.log"), clock=clock)
    audit.managed("p" * 10_000, action="apikey-create", key_id="k" * 300)
    audit.close()

    line = json.loads((tmp_path / "audit.log").read_text())

    assert (line["principal"], line["key_id"]) == ("p" * 300, "k" * 300)


def test_r57_the_trail_is_tried_again_unless_its_last_line_was_written(
    settings: Settings, clock: FakeClock
) -> None:
    lines: list[dict[str, str]] = []
    full = [False]

    def sink(line: dict[str, str]) -> None:
        if full[0]:
            raise AuditLostError("not-written")
        lines.append(line)

    audit = Audit(settings, clock=clock, sink=sink)
    for _ in range(2):
        audit.check()
    full[0] = True
    audit.check()
    with pytest.raises(AuditLostError):
        audit.managed("principal", action="apikey-create", key_id="key")
    with pytest.raises(AuditLostError):
        audit.check()
    full[0] = False
    for _ in range(2):
        audit.check()

    line = {"at": clock().isoformat(), "action": "readiness", "outcome": "done"}
    assert lines == [line] * 2


def test_a_decision_that_cannot_be_written_down_is_not_made(ask: Ask) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")

    assert ask(full) == 503
    write = AuditFile(full, Redactor())
    with pytest.raises(AuditLostError) as caught:
        write({"outcome": "issued"})
    write.close()
    assert caught.value.reason == "not-written"


def test_a_file_that_cannot_be_opened_stops_the_start(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_AUDIT_FILE cannot be opened\.$"):
        ask(tmp_path / "nowhere" / "audit.log")
