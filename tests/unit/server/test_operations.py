"""Health, readiness, metrics and the API's description, without information for attackers."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from ossferry import errors
from ossferry.diagnosis.probes import ask_sts_date
from ossferry.errors import StsLostError, StsRefusedError
from ossferry.observability.metrics import Metrics
from ossferry.routes import DESCRIBED
from support.after_upload import impatient_ledgers, locked
from support.app_client import app_client
from support.programs import free_port
from support.rate_windows import Seconds
from support.server_fakes import (
    OBJECTS,
    FakeClock,
    FakeStore,
    FakeSts,
    MakeApp,
    MakeClient,
    MakeSettings,
)

TOKEN = "metrics-token-of-more-than-32-characters"
ALICE, BOB = ({"cookie": f"ossferry_demo_user={name}"} for name in ("alice", "bob"))
BEARER = {"authorization": f"Bearer {TOKEN}"}


class StsTime:
    """Returns STS's time, or fails."""

    def __init__(self, clock: FakeClock) -> None:
        self.skew_s = 0.0
        self.error: StsLostError | None = None
        self.asked = 0
        self._clock = clock

    async def __call__(self) -> datetime:
        self.asked += 1
        if self.error:
            raise self.error
        return self._clock() + timedelta(seconds=self.skew_s)


@pytest.fixture
def sts_time(clock: FakeClock) -> StsTime:
    return StsTime(clock)


@pytest.fixture
def serve(make_client: MakeClient, sts_time: StsTime, seconds: Seconds) -> MakeClient:
    """Return a function that creates a client of a server with figures."""
    parts = {"audit": None, "sts_date": sts_time, "monotonic": seconds}
    return partial(make_client, metrics_token=TOKEN, **parts)


@pytest.fixture
def client(serve: MakeClient) -> httpx.Client:
    unlimited = "100000/minute"
    return serve(rate_per_principal=unlimited, rate_per_address=unlimited)


@contextmanager
def figures(client: httpx.Client) -> Iterator[dict[str, float]]:
    """Yield a mapping that contains, at the end, the increase of each metric."""
    grown: dict[str, float] = {}
    before = _read(client)
    yield grown
    after = _read(client)
    grown.update({name: value - before.get(name, 0) for name, value in after.items()})


def _read(client: httpx.Client) -> dict[str, float]:
    text = client.get("/metrics", headers=BEARER).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize(
    ("skew_s", "error"),
    [(0, StsLostError("no-answer")), (301, None), (-301, None), (1200, None)],
    ids=["STS lost", "ahead", "behind", "20 minutes"],
)
def test_r56_not_ready_says_no_more_than_that(
    client: httpx.Client,
    sts_time: StsTime,
    caplog: pytest.LogCaptureFixture,
    skew_s: float,
    error: StsLostError | None,
) -> None:
    sts_time.skew_s, sts_time.error = skew_s, error

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"status": "not-ready"})
    assert "clock is" in caplog.text or "STS does not answer" in caplog.text


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
async def test_the_time_of_sts_is_read(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    told(monkeypatch, f"Sat, 14 Mar 2026 09:26:53 {zone}")

    assert await ask_sts_date(make_settings())() == datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


async def test_an_answer_that_does_not_tell_the_time_is_none(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, "yesterday")

    with pytest.raises(StsLostError):
        await ask_sts_date(make_settings())()


def told(monkeypatch: pytest.MonkeyPatch, date: str) -> None:
    async def answer(_client: httpx.AsyncClient, _url: str) -> httpx.Response:
        return httpx.Response(400, headers={"date": date})

    monkeypatch.setattr(httpx.AsyncClient, "get", answer)


def test_t49_asking_often_costs_nothing(
    client: httpx.Client, sts_time: StsTime, seconds: Seconds
) -> None:
    for _ in range(50):
        client.get("/readyz")
    assert sts_time.asked == 1

    seconds.now += 11
    client.get("/readyz")

    assert sts_time.asked == 2


@pytest.mark.parametrize(("headers", "status"), [(BEARER, 200), ({}, 401)])
def test_t49_figures_are_read_at_the_address_of_a_pod_with_their_token(
    make_client: MakeClient, headers: dict[str, str], status: int
) -> None:
    pod = make_client(metrics_token=TOKEN, behind_tls=True, base_url="http://10.0.0.5:8000")

    assert pod.get("/metrics", headers=headers).status_code == status


def test_t49_without_a_token_there_are_no_figures(make_client: MakeClient) -> None:
    with make_client() as client:
        assert client.get("/metrics", headers=BEARER).status_code == 404


def test_r57_not_ready_while_the_audit_trail_cannot_be_written(
    serve: MakeClient, seconds: Seconds, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trail = tmp_path / "audit.log"
    trail.symlink_to("/dev/full")
    with serve(audit_file=trail) as client:
        asked = client.get("/readyz").status_code, client.post("/api/grant").status_code
        trail.unlink()
        seconds.now += 11
        after = client.get("/readyz").status_code, client.post("/api/grant").status_code

    assert (asked, after) == ((503, 503), (200, 200))
    assert "The audit trail cannot be written (No space left on device)." in caplog.text


LOSSES: dict[str, tuple[str, Exception | None]] = {
    "nothing": ("", None),
    "Redis": ("storage", None),  # nothing listens on its port
    "STS": ("role", StsLostError("no-answer")),
    "STS refuses": ("role", StsRefusedError("InvalidSecurityToken.Expired", "7")),
    "no credentials": ("role", StsLostError("no-server-credentials")),
    "ledger": ("ledger", None),
    "audit": ("audit", None),
}
"""What is lost -> the check that fails then, and the error of STS."""

OUTAGES = {"Redis", "STS", "ledger"}
"""Losses of services that all processes share: another process would not do better."""


@pytest.mark.parametrize(
    ("lost", "was_ready"),
    [
        *[(lost, True) for lost in LOSSES],
        *[(lost, False) for lost in LOSSES if lost != "ledger"],  # it takes two seconds
    ],
)
def test_r53_only_what_another_process_could_do_better_makes_a_process_unready_that_was_ready(
    serve: MakeClient,
    sts: FakeSts,
    seconds: Seconds,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    lost: str,
    was_ready: bool,
) -> None:
    check, error = LOSSES[lost]
    trail, ledger = tmp_path / "audit.log", f"sqlite:///{tmp_path}/ledger.db"
    redis = {"redis_url": f"redis://127.0.0.1:{free_port()}/0"} if lost == "Redis" else {}
    with (
        impatient_ledgers(),
        serve(audit_file=trail, database_url=ledger, **OBJECTS, **redis) as client,
    ):
        assert client.post("/api/grant", headers=ALICE).status_code == 200
        if was_ready:
            assert client.get("/readyz").status_code == 200
            seconds.now += 11
        sts.error = error
        if lost == "audit":
            trail.unlink()
            trail.symlink_to("/dev/full")
        with locked(ledger) if lost == "ledger" else nullcontext():
            known, new = (client.post("/api/grant", headers=who) for who in (ALICE, BOB))
            ready = client.get("/readyz")
        shown = _read(client)

    survived = lost in ("nothing", "Redis")
    is_ready = survived or (was_ready and lost in OUTAGES)
    assert new.is_success == survived
    assert known.status_code == (503 if lost == "audit" else 200)
    degraded = {"degraded": [check]} if check else {}
    assert (ready.status_code, ready.json()) == (
        (200, {"status": "ok", **degraded}) if is_ready else (503, {"status": "not-ready"})
    )
    failed = "ossferry_check_failed"
    told = "No source of the default chain has credentials for the server."
    assert (told in caplog.text) == (lost == "no credentials")
    checks = ("sts", "clock", "role", "storage", "ledger", "audit")
    assert {name: shown[f'{failed}{{check="{name}"}}'] for name in checks} == {
        name: float(name == check) for name in checks
    }


def test_a_change_of_readiness_is_logged_once(
    client: httpx.Client, sts_time: StsTime, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ossferry.readiness")
    for error in (None, StsLostError("no-answer"), StsLostError("no-answer"), None, None):
        sts_time.error = error
        client.get("/readyz")
        seconds.now += 11

    lines = [json.loads(each.message) for each in caplog.records if "readiness" in each.name]
    assert [(line["event"], line.get("wrong")) for line in lines] == [
        ("degraded", {"sts": "STS does not answer (no-answer)."}),
        ("ready", None),
    ]


def test_asking_for_readiness_costs_no_calls_while_sts_gives_credentials(
    client: httpx.Client, sts: FakeSts, seconds: Seconds
) -> None:
    for _ in range(5):
        client.get("/readyz")
        seconds.now += 11

    assert [call["session_name"] for call in sts.calls] == ["ossferry-readiness"]
    assert '"Effect":"Deny"' in sts.calls[0]["policy"]


def test_r56_a_clock_that_becomes_wrong_ends_readiness(
    client: httpx.Client, sts_time: StsTime, seconds: Seconds
) -> None:
    before = client.get("/readyz").status_code
    sts_time.skew_s = 301
    seconds.now += 11

    assert (before, client.get("/readyz").status_code) == (200, 503)


def test_r58_expired_credentials_are_not_handed_out(client: httpx.Client, sts: FakeSts) -> None:
    sts.lives_s = [-3600]

    with figures(client) as grown:
        answer = client.post("/api/grant")
        plain = client.get("/get_sts_token")

    assert (answer.status_code, answer.json()["code"]) == (503, "sts-expired")
    assert answer.headers["retry-after"] == "2"
    assert "already expired" in answer.json()["detail"]
    assert plain.status_code == 503
    assert grown['ossferry_decisions_total{outcome="sts-expired"}'] == 2
    assert grown['ossferry_sts_calls_total{result="expired"}'] == 4


def test_decisions_and_calls_are_counted(client: httpx.Client) -> None:
    with figures(client) as grown:
        client.post("/api/grant")
        client.post("/api/grant")
        client.post("/api/grant", headers={"cookie": "ossferry_demo_user=eve"})

    assert grown['ossferry_decisions_total{outcome="issued"}'] == 1
    assert grown['ossferry_decisions_total{outcome="reused"}'] == 1
    assert grown['ossferry_decisions_total{outcome="not-identified"}'] == 1
    assert grown['ossferry_sts_calls_total{result="ok"}'] == 1
    assert grown['ossferry_request_seconds_count{route="/api/grant",status="2xx"}'] == 2
    assert grown['ossferry_request_seconds_count{route="/api/grant",status="4xx"}'] == 1


def test_t49_names_that_clients_choose_make_no_labels(client: httpx.Client) -> None:
    client.get("/nowhere")
    with figures(client) as grown:
        for number in range(1000):
            client.get(f"/canary-{number}", headers={"host": "127.0.0.1"})
            client.request(f"CANARY{number}", "/api/grant")

    assert not [name for name in grown if "canary" in name.lower()]
    assert grown['ossferry_request_seconds_count{route="other",status="4xx"}'] == 1000
    assert len(grown) < 100


def test_the_description_names_every_public_route_and_no_other(make_app: MakeApp) -> None:
    app = make_app(callback=True, requests=True, checks_built_in={"file_type": True}, **OBJECTS)
    inner = {"/", "/assets/{path:path}", "/favicon.ico", "/openapi.json", "/demo/user"}
    inner |= {"/form", "/form/back", "/form/arrived"}  # pages
    inner |= {"/admin", "/admin/style.css", "/admin/uploads.csv", "/embed.js"}  # no API
    inner |= {"/s/{token}", "/checks/files/{hash}/{name}"}
    inner |= {f"/admin/held/{name}" for name in ("look", "release", "remove")}

    described = {route for route, _ in DESCRIBED}

    served = {
        f"{method} {route.path}".replace(":path", "")
        for route in app.routes
        if isinstance(route, Route) and route.path.replace("/r/{token}", "", 1) not in inner | {""}
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert described == served


def test_t01_every_described_route_refuses_strangers(
    make_client: MakeClient, sts: FakeSts, keys_file: Path
) -> None:
    checks = {"checks_built_in": {"file_type": True}, "checks_on_error": "allow"}
    more = {"api_keys_file": keys_file, "callback": True, "requests": True, **checks, **OBJECTS}
    with make_client(auth="apikey", **more) as client:
        for path, methods in client.get("/openapi.json").json()["paths"].items():
            for method, operation in methods.items():
                answer = client.request(method, path.replace("{id}", "1").replace("{token}", "1"))
                if "security" in operation:
                    assert answer.status_code == 401
                assert "secret" not in answer.text.lower()
        for page in ("/admin", "/admin/uploads.csv", "/form", "/form/arrived"):
            assert client.get(page).status_code == 401
    assert sts.calls == []


def test_what_cannot_be_closed_leaves_nothing_else_open(make_app: MakeApp) -> None:
    class Stuck(FakeStore):
        async def close(self) -> None:
            raise OSError("it cannot be closed")

    app = make_app(**OBJECTS, store=Stuck())

    with pytest.raises(OSError, match="cannot be closed"), app_client(app) as client:
        client.post("/api/grant")

    assert app.state.uploads.database._engine.pool.checkedin() == 0


def test_every_figure_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text()
    figures = re.findall(r"^# HELP (\w+)", Metrics().text().decode(), re.MULTILINE)

    made_by_the_library = [name for name in figures if name.endswith("_created")]
    named = set(re.findall(r"^\| `(ossferry_\w+)` \|", guide, re.MULTILINE))
    assert named == set(figures) - set(made_by_the_library)


def test_every_code_of_a_refusal_is_in_the_guide_with_its_status() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text()
    table = guide.partition("## Codes of refusals")[2]
    rows = re.findall(r"^\| (`[^|]+) \| (\d[^|]+) \|", table, re.MULTILINE)
    said = {code: status for codes, status in rows for code in re.findall(r"`([^`]+)`", codes)}
    kinds = [each for each in vars(errors).values() if hasattr(each, "status")]
    known = {kind.code: kind.status for kind in kinds}
    bases = ("refused", "unavailable")

    assert said.keys() - {"not-allowed"} == known.keys() - set(bases)
    assert [code for code in said.keys() & known.keys() if str(known[code]) not in said[code]] == []
