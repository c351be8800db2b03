"""`ossferry scan`: a worker, the real clamd, and everything that goes wrong between them."""

import asyncio
import io
import json
import logging
import zipfile
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import httpx
import pytest

from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from ossferry.errors import SettingsError
from ossferry.observability.metrics import Metrics
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import Stored
from ossferry.scanning import worker as module
from ossferry.scanning.checking import find_locks
from ossferry.scanning.clamd import EICAR, SAMPLES
from ossferry.scanning.look import Found, Looks
from ossferry.scanning.sandbox import Locks
from ossferry.scanning.verdict import Outcome, Verdict
from ossferry.scanning.worker import Rate, Worker, scan_uploads
from ossferry.uploads.held import HeldUploads
from ossferry_checks.builtin.check_options import BuiltInOptions, ZipOptions
from support.after_upload import address, become, fetch_at, mine, operators_bucket, until
from support.clamd import LIMIT, clamd
from support.commands import Ran, environment
from support.commands import run as run_command
from support.scanned import QuickLooks, deciding, rows
from support.uploads import Upload, granted_bucket, put, recorded

CHECKS = """
from ossferry_checks import Ask, Reject, Replace, check

@check("*.csv")
def header(file):
    text = file.path.read_text()
    if not text.startswith("date"):
        raise Reject("The first column must be date.", line=1)
    if "ask" in text:
        return Ask("Really?")
    if "change" in text:
        new = file.folder / "new.csv"
        new.write_text("date\\n")
        return Replace(new)

@check("package*")
def needs_package(file):
    import not_installed
"""
OF_KEY = "FROM holds WHERE key = ?"
TOKEN = "a-token-of-more-than-32-characters"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bin", data)
    return out.getvalue()


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("scan")
    (folder / "checks.py").write_text(CHECKS)
    with clamd(folder) as socket:
        yield {
            "release": "checked",
            "clamd": socket,
            "webhook_url": "http://127.0.0.1:9/hook",
            "webhook_secret": "whsec_" + b64encode(bytes(range(32))).decode(),
            "metrics_token": TOKEN,
            "max_file_size": 3 * LIMIT,
            "audit_file": folder / "audit.log",
        }


@pytest.fixture(scope="module")
def demo(web_dir: Path, options: dict[str, Any]) -> Iterator[Demo]:
    """A demo that holds uploads, and does nothing with them by itself."""
    with (
        patch("ossferry.background.RECONCILE_S", 300),
        patch("ossferry.background.PURGE_S", 300),
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        patch("ossferry.operations.readiness.KEPT_S", 0),
        Demo(web_dir=web_dir, **options) as demo,
    ):
        yield demo


@pytest.fixture
def site(demo: Demo) -> Iterator[httpx.Client]:
    """A client signed in as Alice, whose uploads are removed after the test."""
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=demo.url, trust_env=False, headers=headers) as client:
        become(client, "alice")
        yield client
        become(client, "alice")
        while keys := list(mine(client)):
            for key in keys:
                client.delete(address(key))


async def locked() -> Locks:
    return Locks(calls=True, files=True)


def scan(
    demo: Demo,
    metrics: Metrics | None = None,
    find_locks: Callable[[], Awaitable[Locks]] = locked,
    **changes: Any,
) -> None:
    """Scan what waits, with other settings than the demo's."""
    folder = Path(demo.settings.clamd).parent
    checks = {"checks": folder / "checks.py", "checks_built_in": BuiltInOptions(zip=ZipOptions())}
    settings = demo.settings.model_copy(update={**checks, **changes})

    async def main(held: HeldUploads) -> None:
        await scan_uploads(
            settings,
            bucket(held),
            held.database,
            largest=LIMIT * 2,
            stop=asyncio.Event(),
            metrics=metrics or Metrics(),
            clock=utc_now,
            once=True,
        )

    with patch.object(module, "find_locks", find_locks):
        deciding(demo, main, settings)


def bucket(held: HeldUploads) -> OssBucket:
    assert isinstance(held.store, OssBucket)
    return held.store


def work(
    demo: Demo,
    during: Callable[[Stored], object] = lambda _stored: None,
    *,
    looks: type[QuickLooks] = QuickLooks,
) -> None:
    """Scan what waits with quick looks."""

    async def main(held: HeldUploads) -> None:
        await worker(demo, held, looks(bucket(held), during)).run(asyncio.Event(), once=True)

    deciding(demo, main)


def worker(demo: Demo, held: HeldUploads, looks: Looks) -> Worker:
    return Worker(demo.settings, held.database, held, looks, metrics=Metrics(), clock=utc_now)


def events(demo: Demo, key: str) -> int:
    of_scanner = "SELECT event FROM deliveries WHERE target = 'server'"
    found = [json.loads(event) for (event,) in rows(demo, of_scanner)]
    return sum(each["type"] == "uploaded" and each["data"]["key"] == key for each in found)


def places(demo: Demo, upload: Upload) -> list[str]:
    """Return where the bytes of an upload are: below `incoming/`, or at its key, or both."""
    objects = demo.oss.bucket(demo.bucket).objects
    return [start for start in ("incoming/", "") if start + upload.key in objects]


def due(demo: Demo) -> None:
    """Make all uploads that wait due, as time does."""
    rows(demo, "UPDATE holds SET next_at = '2026-01-01' WHERE state = 'waiting'")


# Files

ENCRYPTED = SAMPLES[1][0]
GOOD = {
    "a.txt": (b"hello", ["clamd"]),
    "empty.bin": (b"", ["clamd"]),
    "a.csv": (b"date\n1\n", ["header", "clamd"]),
    "question.csv": (b"date,ask\n", ["header", "clamd"]),
    "changed.csv": (b"date,change\n", ["header", "clamd"]),
}
BAD = {
    "eicar.bin": (
        zipped(zipped(EICAR.encode())),
        "The virus scanner has found Eicar-Test.UNOFFICIAL.",
    ),
    "photo.pdf": (PNG, "file_type: The name ends in .pdf, but the content is a PNG image."),
    "b.csv": (b"sku\n", "header: Line 1: The first column must be date."),
    "encrypted.dat": (ENCRYPTED, "It is encrypted, so no scanner can look into it."),
    "bomb.zip": (zipped(bytes(LIMIT)), "zip: The unpacked data are"),
    "bomb.dat": (zipped(zipped(bytes(LIMIT))), "It is too large, or has too much in it"),
    "large.dat": (
        bytes(2 * LIMIT + 1),
        f"It has {2 * LIMIT + 1:,} bytes; the scanner reads at most",
    ),
    "too large.dat": (
        bytes(3 * LIMIT + 1),
        f"It has {3 * LIMIT + 1:,} bytes; {3 * LIMIT:,} are allowed.",
    ),
}


@pytest.fixture(scope="module")
def looked_at(demo: Demo) -> dict[str, Upload]:
    """Uploads of Bob that were scanned, by name."""
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=demo.url, trust_env=False, headers=headers) as client:
        become(client, "bob")
        files = {name: data for name, (data, _) in [*GOOD.items(), *BAD.items()]}
        found = {
            name: recorded(
                demo,
                client,
                data,
                name=name,
                headers={"x-oss-meta-case": "7", "x-oss-tagging": "case=7"},
            )
            for name, data in files.items()
        }
    scan(demo)
    return found


@pytest.mark.parametrize("name", GOOD)
def test_a_clean_upload_is_released_with_proof(
    demo: Demo, site: httpx.Client, looked_at: dict[str, Upload], name: str
) -> None:
    become(site, "bob")
    upload = looked_at[name]
    bucket = operators_bucket(demo)

    row = mine(site)[upload.key]
    assert (row["held"], places(demo, upload), events(demo, upload.key)) == (False, [""], 1)
    assert bucket.get_object(upload.key).read() == GOOD[name][0]
    assert bucket.head_object(upload.key).headers["x-oss-meta-case"] == "7"
    assert bucket.get_object_tagging(upload.key).tag_set.tagging_rule == {"case": "7"}
    ran = {each["check"]: each["outcome"] for each in row["checks"]["ran"]}  # type: ignore[index]
    assert set(ran) >= {"file_type", *GOOD[name][1]}
    expected = {"question.csv": "asks", "changed.csv": "undone"}.get(name, "passed")
    assert (ran.get("header", expected), ran["clamd"]) == (expected, "passed")


@pytest.mark.parametrize("name", BAD)
def test_t70_a_bad_upload_is_held_with_its_reason(
    demo: Demo, site: httpx.Client, looked_at: dict[str, Upload], name: str
) -> None:
    become(site, "bob")
    upload = looked_at[name]

    row = mine(site)[upload.key]
    assert (row["held"], places(demo, upload), events(demo, upload.key)) == (True, ["incoming/"], 0)
    assert str(row["reason"]).startswith(BAD[name][1])


def test_what_no_scanner_can_look_into_is_released_with_a_mark_if_the_operator_says_so(
    demo: Demo, site: httpx.Client
) -> None:
    archive = recorded(demo, site, ENCRYPTED, name="a.dat")
    large = recorded(demo, site, bytes(2 * LIMIT + 1), name="large.dat")
    infected = recorded(demo, site, EICAR.encode(), name="b.dat")

    scan(demo, unscannable="release")

    found = mine(site)
    marks = [found[each.key]["checks"]["ran"][-1] for each in (archive, large)]  # type: ignore[index]
    assert [(each["check"], each["outcome"]) for each in marks] == [
        ("clamd", "error"),
        ("scan", "error"),
    ]
    assert marks[0]["says"] == BAD["encrypted.dat"][1]
    assert found[infected.key]["held"]


def test_the_claim_of_the_page_is_replaced_by_the_proof(demo: Demo, site: httpx.Client) -> None:
    upload = put(demo, site, b"date\n", name="a.csv")
    claim = {"version": "sha256-x", "ran": [{"check": "mine", "outcome": "passed", "says": ""}]}
    answer = site.post("/api/receipts", json={**upload.report, "checks": claim})
    assert answer.json()["checks"] == claim

    scan(demo)

    proof = mine(site)[upload.key]["checks"]
    assert proof["version"].startswith("sha256-")  # type: ignore[index]
    assert [each["check"] for each in proof["ran"]] == ["file_type", "header", "clamd"]  # type: ignore[index]


# Changes meanwhile


def test_t70_an_upload_that_is_replaced_while_it_is_scanned_is_scanned_again(
    demo: Demo, site: httpx.Client
) -> None:
    grant = site.post("/api/grant").json()
    upload = recorded(demo, site, b"good")
    news = iter([b"bad content"])

    def replace(stored: Stored) -> None:
        for content in news:
            granted_bucket(grant, demo).put_object(stored.key, content)

    work(demo, replace)
    due(demo)
    work(demo)

    row = mine(site)[upload.key]
    assert (row["held"], row["reason"], row["size"]) == (True, "It is bad.", 11)
    assert (places(demo, upload), events(demo, upload.key)) == (["incoming/"], 0)


def test_an_upload_that_is_deleted_while_it_is_scanned_leaves_nothing(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site, b"good")

    work(demo, lambda stored: operators_bucket(demo).delete_object(stored.key))
    due(demo)
    work(demo)

    assert (mine(site), places(demo, upload), events(demo, upload.key)) == ({}, [], 0)
    assert rows(demo, f"SELECT state {OF_KEY}", upload.key) in ([], [("removed",)])


class KilledError(BaseException):
    """The end of a process."""


@pytest.mark.parametrize("moment", ["copy", "_record", "_delete"])
def test_r69_a_worker_that_ends_in_between_is_taken_over(
    demo: Demo, site: httpx.Client, moment: str
) -> None:
    upload = recorded(demo, site, b"good")
    place: Any = OssBucket if moment == "copy" else HeldUploads
    with patch.object(place, moment, side_effect=KilledError), pytest.raises(KilledError):
        work(demo)
    left = places(demo, upload)
    due(demo)

    work(demo)
    run_command("admin", "reconcile", environment=environment(demo) | variables(demo))

    assert left == (["incoming/"] if moment == "copy" else ["incoming/", ""])
    assert (places(demo, upload), events(demo, upload.key)) == ([""], 1)
    assert mine(site)[upload.key]["held"] is False


def variables(demo: Demo) -> dict[str, str]:
    names = ("release", "clamd", "webhook_url", "audit_file")
    found = {f"OSSFERRY_{name.upper()}": str(getattr(demo.settings, name)) for name in names}
    secret = demo.settings.webhook_secret
    return {**found, "OSSFERRY_WEBHOOK_SECRET": secret.get_secret_value() if secret else ""}


def test_a_worker_whose_lease_was_taken_decides_nothing(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site, b"good")

    work(demo, lambda _stored: rows(demo, "UPDATE holds SET holder = 'other'"))

    assert (places(demo, upload), mine(site)[upload.key]["held"]) == (["incoming/"], True)


def test_a_worker_that_is_told_to_end_gives_its_upload_back(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site, b"good")
    began = asyncio.Event()

    class SlowLooks(QuickLooks):
        async def look(self, stored: Stored, key: str) -> Found:
            began.set()
            await asyncio.sleep(60)
            raise AssertionError

    async def main(held: HeldUploads) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(worker(demo, held, SlowLooks(bucket(held))).run(stop))
        await began.wait()
        stop.set()
        await running

    with patch.object(module, "GRACE_S", 0.01), patch.object(module, "IDLE_S", 0.01):
        deciding(demo, main)

    assert rows(demo, f"SELECT holder, attempts {OF_KEY}", upload.key) == [("", 1)]
    work(demo)
    assert places(demo, upload) == [""]


# Scanners that are away


def ready(demo: Demo) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{demo.url}/readyz", trust_env=False).json()
    return found


def oldest(demo: Demo) -> float:
    headers = {"authorization": f"Bearer {TOKEN}"}
    text = httpx.get(f"{demo.url}/metrics", headers=headers, trust_env=False).text
    (line,) = [each for each in text.splitlines() if each.startswith("ossferry_scan_oldest")]
    return float(line.split()[1])


def test_r68_while_clamd_is_away_uploads_wait_and_the_server_says_so(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site, b"hello")
    rows(demo, "DELETE FROM leases WHERE name = 'scanner'")

    with pytest.raises(SettingsError, match=r"clamd does not answer \(FileNotFoundError\)"):
        scan(demo, clamd="/absent.ctl", unscannable="release")

    assert places(demo, upload) == ["incoming/"]
    assert ready(demo) == {"status": "ok", "degraded": ["scanner"]}
    assert oldest(demo) > 0
    assert rows(demo, f"SELECT attempts {OF_KEY}", upload.key) == [(0,)]
    metrics = Metrics()
    scan(demo, metrics)
    assert (places(demo, upload), ready(demo), oldest(demo)) == ([""], {"status": "ok"}, 0)
    assert b'ossferry_scans_total{outcome="clean"} 1.0' in metrics.text()


@pytest.mark.parametrize(("attempts", "state"), [(1, "waiting"), (8, "held")])
def test_r68_an_upload_that_no_scanner_finishes_waits_and_then_is_held(
    demo: Demo, site: httpx.Client, attempts: int, state: str
) -> None:
    upload = recorded(demo, site, b"good")
    rows(demo, "UPDATE holds SET attempts = ?", attempts - 1)

    class DyingLooks(QuickLooks):
        async def look(self, stored: Stored, key: str) -> Found:
            return Found(Verdict(Outcome.LATER, "clamd does not answer"))

    work(demo, looks=DyingLooks)

    assert rows(demo, f"SELECT state, attempts {OF_KEY}", upload.key) == [(state, attempts)]
    assert places(demo, upload) == ["incoming/"]


def test_a_missing_package_is_not_the_fault_of_the_file(
    demo: Demo, site: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    upload = recorded(demo, site, b"good", name="package.txt")
    with caplog.at_level(logging.INFO, "ossferry.scan"):
        scan(demo)

    assert "needs_package needs a package: ModuleNotFoundError" in caplog.text
    assert rows(demo, f"SELECT state {OF_KEY}", upload.key) == [("waiting",)]
    assert places(demo, upload) == ["incoming/"]


def test_t70_bytes_that_are_not_those_of_the_object_release_nothing(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site, b"hello")
    with patch.object(OssBucket, "read", AsyncMock(return_value=b"jello")):
        scan(demo)

    assert rows(demo, f"SELECT state {OF_KEY}", upload.key) == [("waiting",)]
    assert places(demo, upload) == ["incoming/"]


def test_t69_without_a_lock_no_upload_is_scanned(demo: Demo, site: httpx.Client) -> None:
    with (
        patch("ossferry.scanning.checking.CHILD", ("-I", "-c", UNLOCKED)),
        pytest.raises(SettingsError, match="cannot run the checks without network"),
    ):
        scan(demo, find_locks=find_locks)


UNLOCKED = """
from ossferry.scanning import child, sandbox
sandbox.MACHINES = {}
child.main()
"""


def test_the_rate_is_that_of_all_uploads_together() -> None:
    waited, now = list[float](), 100.0

    async def main() -> None:
        async def sleep(seconds: float) -> None:
            waited.append(round(seconds, 3))

        rate = Rate(1000, monotonic=lambda: now)
        with patch("asyncio.sleep", sleep):
            for size in (500, 500, 2000, 1):
                await rate(size)
            await Rate(None, monotonic=lambda: now)(1 << 40)

    asyncio.run(main())

    assert waited == [0.0, 0.5, 1.0, 3.0]


# The command line


def run(demo: Demo, *arguments: str) -> Ran:
    return run_command(*arguments, environment=environment(demo) | variables(demo))


def test_an_operator_lists_looks_releases_and_removes(
    demo: Demo, site: httpx.Client, options: dict[str, Any]
) -> None:
    infected = recorded(demo, site, EICAR.encode(), name="a.bin")
    other = recorded(demo, site, EICAR.encode(), name="b.bin")
    waiting = run(demo, "held", "list", "--state", "waiting", "--json")

    done = run(demo, "scan", "--once", "--port", "0")
    listed = run(demo, "held", "list", "--json")
    link = run(demo, "held", "look", infected.key)
    answer = fetch_at(demo, link.out.strip())
    released = run(demo, "held", "release", infected.key)
    removed = run(demo, "held", "remove", other.key, "--json")
    again = run(demo, "held", "remove", other.key)

    keys = {infected.key, other.key}
    assert {json.loads(line)["key"] for line in waiting.out.splitlines()} >= keys
    assert done.code == 0
    found = {row["key"]: row for row in map(json.loads, listed.out.splitlines())}
    assert [found[key]["reason"] for key in keys] == [
        "The virus scanner has found Eicar-Test.UNOFFICIAL."
    ] * 2
    assert link.complaint == "The virus scanner has found Eicar-Test.UNOFFICIAL."
    assert answer.content == EICAR.encode()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (released.code, released.out, places(demo, infected)) == (0, "", [""])
    assert json.loads(removed.out)["action"] == "remove"
    assert places(demo, other) == []
    assert (again.code, again.complaint) == (1, "ossferry: No held upload has this key.")
    trail = [json.loads(line) for line in options["audit_file"].read_text().splitlines()]
    actions = [
        (each["action"], each["outcome"]) for each in trail if "held" in each.get("action", "")
    ]
    assert actions[-3:] == [
        ("held-look", "done"),
        ("held-release", "done"),
        ("held-remove", "done"),
    ]


def test_the_demo_scans_if_asked_to(web_dir: Path, options: dict[str, Any]) -> None:
    with (
        Demo(web_dir=web_dir, scans=True, clamd=options["clamd"]) as demo,
        httpx.Client(base_url=demo.url, trust_env=False) as client,
    ):
        client.headers["sec-fetch-site"] = "same-origin"
        become(client, "alice")
        clean, bad = recorded(demo, client), recorded(demo, client, EICAR.encode(), name="b.bin")
        until(lambda: places(demo, clean) == [""] and mine(client)[bad.key]["reason"])

        assert places(demo, bad) == ["incoming/"]
