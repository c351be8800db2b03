"""`ossferry check`: the checks of the page run over an upload, or over a local file."""

import asyncio
import json
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ossferry.checks.selection import select_checks
from ossferry.cli.demo import Demo
from ossferry.doctor.start import probe_checks
from ossferry.errors import SettingsError
from ossferry.extras import install_command
from ossferry.identity.object_keys import INCOMING
from ossferry.oss.bucket import OssBucket
from ossferry.scanning.checking import Job, check_file
from ossferry.scanning.sandbox import limit
from ossferry.settings.checks import CheckSettings
from ossferry_checks.builtin.check_options import BuiltInOptions, TableOptions
from ossferry_checks.runner import Limits
from support.after_upload import operators_bucket
from support.commands import Ran, environment
from support.commands import run as run_command
from support.content import workbook

CHECKS = """
import csv, os, resource, sys, tempfile, time
from ossferry_checks import Ask, Note, Reject, check

start_cpu_s, _ = resource.getrlimit(resource.RLIMIT_CPU)

@check("*.csv")
def columns(file):
    print("looking at", file.name, file.type, file.size)
    with file.path.open(newline="") as f:
        if next(csv.reader(f), [])[:1] != ["date"]:
            raise Reject("The first column must be date.", line=1)

@check("slow*", max_seconds=0.5)
def slow(file):
    time.sleep(60)

@check("crash*")
def crash(file):
    os._exit(9)

@check("broken*")
def broken(file):
    return {}["price"]

@check("missing*")
def missing(file):
    import not_installed

@check("odd*", max_seconds=1e308)
def odd(file):
    return Ask("Really?", line=3)

@check("*.csv")
def environment(file):
    shown = sorted(name for name in os.environ if name.startswith(("OSSFERRY", "ALIBABA")))
    cpu_s, _ = resource.getrlimit(resource.RLIMIT_CPU)
    cpu = 60 * os.cpu_count() < cpu_s < 100_000 and 0 < start_cpu_s < 100_000
    return Note(shown=" ".join(shown), path=os.getcwd() in sys.path, cpu=cpu)

@check("one file*", "many files*")
def fill(file):
    assert sys.stdin.read() == ""
    most = 21_000_000 if file.name.startswith("one") else 900_000
    for each in range(0, 21_000_000, most):
        with (file.folder / str(each)).open("wb") as new:
            new.truncate(most)

@check("many files*")
def later(file):
    pass

@check("temporary files*")
def temporary(file):
    kinds = (tempfile.NamedTemporaryFile, tempfile.TemporaryFile)  # the second one has no name
    kept = [kind() for kind in kinds * 12]
    for each in kept:
        each.truncate(900_000)
    time.sleep(60)
"""
KEY = "uploads/alice-1/2026-03-14/0123456789abcdef0123456789abcdef/sales größe.csv"
Run = Callable[..., Ran]


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    path = tmp_path / "checks.py"
    path.write_text(CHECKS)
    return path


@pytest.fixture
def run(checks: Path, tmp_path: Path) -> Run:
    """Checks a local file with some content and a name; only the options of checks are set."""

    def check(name: str, *options: str, content: str = "date,x\n1,2\n", **changes: str) -> Ran:
        (tmp_path / name).write_text(content)
        given = {"OSSFERRY_CHECKS": str(checks), "OSSFERRY_SECRET": "x"} | changes
        return run_command("check", "--file", str(tmp_path / name), *options, environment=given)

    return check


def outcomes(ran: Ran) -> dict[str, str]:
    """Return the outcomes by check."""
    return {row[0]: row[1] for row in ran.rows[1:]}


def test_a_file_that_passes(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    ran = run("sales.csv")

    assert (ran.code, outcomes(ran)) == (0, {"columns": "passed", "environment": "noted"})
    assert "checks.py has the version sha256-" in ran.err
    assert "looking at sales.csv text/csv 11\n" in capfd.readouterr().err


def test_the_process_has_no_secrets_nor_the_working_directory_and_ends_by_itself(run: Run) -> None:
    ran = run("sales.csv", "--json")

    notes = json.loads(ran.out)["verdict"]["notes"]
    assert notes == {"shown": "", "path": "False", "cpu": "True"}


def test_a_limit_above_that_of_the_machine_is_that_of_the_machine() -> None:
    kind = resource.RLIMIT_NOFILE
    before = resource.getrlimit(kind)
    limit(kind, before[1] + 1)
    limited = resource.getrlimit(kind)
    resource.setrlimit(kind, before)

    assert limited == (before[1], before[1])


@pytest.mark.parametrize(
    ("name", "code", "ran", "words"),
    [
        ("odd.txt", 0, {"odd": "asks"}, "\tReally?"),
        ("a.txt", 0, {}, "no check looks at files with this name"),
        ("slow.csv", 2, {"columns": "passed", "slow": "error"}, "slow did not work: "),
        ("crash.csv", 2, {"columns": "passed", "crash": "error"}, "crash did not work: "),
        ("broken.txt", 2, {"broken": "error"}, "work: KeyError: 'price' (checks.py, line 24)"),
        ("missing.txt", 2, {"missing": "error"}, f"`{install_command('checks')}`"),
    ],
    ids=["question", "no check", "hangs", "ends the process", "error", "missing package"],
)
def test_the_code_and_the_output_tell_how_it_ended(
    run: Run, name: str, code: int, ran: dict[str, str], words: str
) -> None:
    done = run(name)

    assert (done.code, outcomes(done)) == (code, ran)
    assert words in done.out + done.err


def test_a_rejected_file_has_a_line_and_a_reason(run: Run) -> None:
    ran = run("sales.csv", content="sku,date\n")

    assert (ran.code, outcomes(ran)) == (1, {"columns": "rejected"})
    assert ran.complaint == "columns rejects the file, line 1: The first column must be date."


def test_t65_a_small_workbook_that_needs_much_memory_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossferry.scanning.checking.LIMITS", Limits(memory=80_000_000))
    path = tmp_path / "wide.xlsx"
    path.write_bytes(workbook([["a"]], cells=300_000))
    assert path.stat().st_size < 20_000
    given = {"OSSFERRY_CHECKS_BUILT_IN": '{"xlsx": true}'}

    ran = run_command("check", "--file", str(path), environment=given)

    assert (ran.code, outcomes(ran)) == (2, {"xlsx": "error"})
    assert ran.complaint == "xlsx did not work: It needed more than 0.08 GB of memory."


@pytest.mark.parametrize("files", ["one file", "many files", "temporary files"])
def test_t65_a_check_cannot_fill_the_disk(
    run: Run, monkeypatch: pytest.MonkeyPatch, files: str
) -> None:
    monkeypatch.setattr("ossferry.scanning.checking.LIMITS", Limits(new_files=20_000_000))

    ran = run(f"{files}.txt")

    name = next(iter(outcomes(ran)))
    assert (ran.code, outcomes(ran)) == (2, {name: "error"})
    assert ran.complaint == f"{name} did not work: It wrote more than 0.02 GB into new files."


def test_the_other_checks_go_on_if_the_operator_allows_it(run: Run) -> None:
    ran = run("slow.csv", OSSFERRY_CHECKS_ON_ERROR="allow")

    assert ran.code == 2
    assert outcomes(ran) == {"columns": "passed", "slow": "error", "environment": "noted"}


def test_a_module_that_does_not_load_fails_each_check(run: Run, checks: Path) -> None:
    checks.write_text(CHECKS.replace("import csv", "import not_installed, csv"))

    ran = run("sales.csv")

    assert (ran.code, outcomes(ran)) == (2, {"columns": "error"})


def test_a_module_that_ends_the_process_is_named(run: Run, checks: Path) -> None:
    checks.write_text(f"import os\nos._exit(7)\n{CHECKS}")

    ran = run("sales.csv", "--json")

    sentence = "the checks could not run: the process ended with exit code 7."
    assert (ran.code, json.loads(ran.out)) == (2, {"error": sentence})


@pytest.mark.parametrize(
    ("source", "outcome", "reason"),
    [
        (CHECKS, "ok", "The checks can be loaded."),
        (f"import not_installed{CHECKS}", "skipped", "No module named 'not_installed'."),
        (f"{CHECKS}class Order: pass\n", "fail", "Order is no pydantic model with fields."),
        (f"import os\nos._exit(7)\n{CHECKS}", "fail", "the process ended with exit code 7."),
    ],
)
def test_the_doctor_runs_the_module(checks: Path, source: str, outcome: str, reason: str) -> None:
    checks.write_text(source)
    table = TableOptions(model="Order") if "class Order" in source else None
    settings = CheckSettings(checks=checks, checks_built_in=BuiltInOptions(table=table))
    server: Any = SimpleNamespace(settings=settings)

    found = asyncio.run(probe_checks(server))

    assert (found.outcome, found.reason[-len(reason) :]) == (outcome, reason)


def test_a_module_that_hangs_is_named(checks: Path) -> None:
    checks.write_text(f"import time\ntime.sleep(60)\n{CHECKS}")
    settings = CheckSettings(checks=checks)

    with pytest.raises(SettingsError, match=r"could not run: no check had started after 0\.5 s\."):
        asyncio.run(check_file(settings, select_checks(settings), Job(path=checks, start_s=0.5)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give the key of an upload, or --file with a local file."),
        ([KEY, "--file", "a"], "give the key of an upload, or --file with a local file."),
        (["--file", "absent.csv"], "absent.csv cannot be read or written (No such file"),
        (["--file", "."], ". cannot be read or written (Is a directory)"),
    ],
)
def test_a_wrong_call_is_an_error(
    checks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_command("check", *arguments, environment={"OSSFERRY_CHECKS": str(checks)})

    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint.startswith(f"ossferry: {sentence}")


def test_without_checks_nothing_is_proved(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    ran = run_command("check", "--file", str(tmp_path / "a.csv"), environment={})

    assert ran.code == 2
    assert ran.complaint == (
        "ossferry: no check is on; set OSSFERRY_CHECKS or OSSFERRY_CHECKS_BUILT_IN."
    )


# An upload


def stored(demo: Demo, checks: Path, key: str, *options: str, **changes: str) -> Ran:
    given = environment(demo) | {"OSSFERRY_CHECKS": str(checks)} | changes
    return run_command("check", key, *options, environment=given)


@pytest.mark.parametrize(
    ("place", "options"),
    [("", {}), (INCOMING, {"OSSFERRY_RELEASE": "checked", "OSSFERRY_CLAMD": "none:3310"})],
    ids=["released", "held"],
)
def test_an_upload_is_checked_under_its_name(
    demo: Demo, checks: Path, monkeypatch: pytest.MonkeyPatch, place: str, options: dict[str, str]
) -> None:
    monkeypatch.setattr("ossferry.scanning.look.PIECE", 5)
    headers = {"content-type": "text/csv"}
    operators_bucket(demo).put_object(place + KEY, b"date,sku\n2026-03-14,7\n", headers=headers)
    good = stored(demo, checks, KEY, "--json", **options)
    operators_bucket(demo).put_object(place + KEY, b"", headers=headers)
    empty = stored(demo, checks, KEY, "--json", **options)

    found = json.loads(good.out)
    assert (good.code, found["key"]) == (0, KEY)
    assert found["version"].startswith("sha256-")
    verdict = found["verdict"]
    assert (verdict["name"], verdict["type"]) == ("sales größe.csv", "text/csv")
    assert [each["outcome"] for each in verdict["ran"]] == ["passed", "noted"]
    assert (empty.code, json.loads(empty.out)["verdict"]["refusal"]["line"]) == (1, 1)


def test_an_upload_that_is_not_there(demo: Demo, checks: Path) -> None:
    missing, link = "uploads/nobody/a.csv", "uploads/nobody/link.csv"
    operators_bucket(demo).put_symlink(KEY, link)

    found = [stored(demo, checks, key, "--json") for key in (missing, link)]

    assert [(ran.code, json.loads(ran.out)["error"]) for ran in found] == [
        (2, f"OSS has no object '{missing}'; `ossferry ls` lists keys."),
        (2, f"'{link}' is a symlink, which no command follows."),
    ]


@pytest.mark.parametrize(
    ("most", "free", "sentence"),
    [
        (8, 1000, "has 9 bytes; OSSFERRY_MAX_FILE_SIZE allows 8."),
        (9, 8, "has 9 bytes, but {folder} has space for 8; set TMPDIR to a folder with more."),
    ],
)
def test_t65_an_upload_that_is_too_large_is_not_downloaded(
    demo: Demo, checks: Path, monkeypatch: pytest.MonkeyPatch, most: int, free: int, sentence: str
) -> None:
    operators_bucket(demo).put_object(KEY, b"date,sku\n")
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=free))
    demo.oss.requests.clear()

    ran = stored(demo, checks, KEY, OSSFERRY_MAX_FILE_SIZE=str(most))

    assert ran.code == 2
    assert ran.complaint.endswith(sentence.format(folder=tempfile.gettempdir()))
    assert [each.operation for each in demo.oss.requests] == ["AssumeRole", "HeadObject"]


def test_an_encrypted_upload_cannot_be_checked(demo: Demo, checks: Path) -> None:
    headers = {"x-oss-meta-client-side-encryption-key": "AAAA"}
    operators_bucket(demo).put_object(KEY, b"secret", headers=headers)

    ran = stored(demo, checks, KEY)

    assert ran.code == 2
    assert "was encrypted before its upload, and the server has no key" in ran.complaint


def test_an_upload_that_changes_meanwhile_is_not_mixed(
    demo: Demo, checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossferry.scanning.look.PIECE", 5)
    bucket = operators_bucket(demo)
    bucket.put_object(KEY, b"date,sku\n")
    reads = []

    def replace(start: int) -> None:
        reads.append(start)
        bucket.put_object(KEY, b"sku,date\n")

    read = OssBucket.read

    async def slow_read(self: OssBucket, stored: object, start: int, end: int) -> bytes:
        piece = await read(self, stored, start, end)  # type: ignore[arg-type]
        replace(start)
        return piece

    monkeypatch.setattr(OssBucket, "read", slow_read)
    ran = stored(demo, checks, KEY)

    assert (ran.code, reads) == (2, [0])
    assert "PreconditionFailed" in ran.complaint
