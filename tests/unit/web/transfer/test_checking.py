"""Files that checks concern are checked before their upload; other files are not delayed."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.checking import CONCURRENT
from ossferry_uploader.transfer.checks.rules import matches, read_rules
from ossferry_uploader.transfer.checks.verdict import Refusal, Repaired, Verdict
from ossferry_uploader.transfer.errors import (
    CheckFailed,
    FileRejected,
    FileTooLarge,
    FileUnreadable,
    IllegalMove,
    ServerRefused,
    WrongType,
)
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.upload import Upload
from support.fake_checks import FakeChecks, ran
from support.fakes import FakeFile, make_engine, make_ports, until
from support.fakes import refused as refused_by_oss
from support.pages import ended, send, turns


def make(*patterns, undo_s=0.0):
    ports = make_ports()
    ports.grants.features = ["checks"]
    ports.checks = FakeChecks(*patterns, undo_s=undo_s)
    queue = Queue(make_engine(ports))
    return queue, ports, ports.checks


def stop_timers(ports):
    """Let no wait end, so that the time for undo does not pass."""
    never = asyncio.Event()

    async def sleep(seconds):
        if seconds:
            await never.wait()

    ports.clock.sleep = sleep


def small_file(name="a.csv", size=4):
    file = FakeFile(name, size)
    file.is_lasting = False
    return file


def small_jpeg(name, size):
    file = FakeFile(name, size, content_type="image/jpeg")
    file.is_lasting = False
    return file


async def held(queue, file):
    """Return an upload that waits for an answer of the person."""
    upload = queue.add(file)
    await until(lambda: upload.paused_for == states.FOR_ANSWER)
    return upload


async def test_a_file_is_checked_before_a_byte_is_sent():
    queue, ports, checks = make("*.csv")
    checks.hold()
    upload = queue.add(FakeFile("a.csv"))
    await until(lambda: upload.state == states.CHECKING)
    await turns()

    assert (upload.check.name, upload.check.share) == ("columns", 0.5)
    assert ports.http.requests == []
    checks.release()
    await ended(upload)
    assert upload.state == states.DONE
    assert checks.seen == ["a.csv"]
    assert upload.check.name == ""
    assert upload.checks == {"version": "sha256-abc", "ran": [ran("columns")]}


async def test_other_files_are_sent_while_a_file_is_checked():
    queue, _, checks = make("*.csv")
    checks.hold()
    checked, other = queue.add(FakeFile("a.csv")), queue.add(FakeFile("b.txt"))

    await ended(other)

    assert (checked.state, other.state) == (states.CHECKING, states.DONE)
    assert checks.seen == ["a.csv"]
    checks.release()
    await ended(checked)


async def test_the_rules_are_loaded_once_and_only_if_the_server_has_checks():
    queue, ports, checks = make("*.csv")
    uploads = [queue.add(FakeFile(f"{number}.csv")) for number in range(5)]
    await ended(*uploads)

    assert checks.loaded == 1
    queue, ports, checks = make("*.csv")
    ports.grants.features = []
    upload = await send(queue, FakeFile("a.csv"))
    assert (upload.state, checks.loaded, checks.seen) == (states.DONE, 0, [])


async def test_no_file_is_sent_unchecked_if_the_rules_do_not_come():
    queue, ports, checks = make("*.csv")
    checks.errors = [ServerRefused(404)]
    upload = await send(queue, FakeFile("a.csv"))

    assert upload.state == states.FAILED
    assert isinstance(upload.error, ServerRefused)
    assert ports.http.requests == []
    upload.retry()
    await ended(upload)
    assert (upload.state, checks.seen) == (states.DONE, ["a.csv"])


async def test_the_workers_get_few_files_at_a_time_and_small_ones_first():
    queue, _, checks = make("*")
    checks.hold()
    sizes = [50, 40, 30, 20, 10, 5]
    await queue.checking.load(["checks"])
    uploads = [queue.add(FakeFile(f"{size}.csv", size)) for size in sizes]
    await turns()

    assert checks.running == CONCURRENT
    checks.release()
    await ended(*uploads)
    assert checks.most == CONCURRENT
    assert checks.seen[CONCURRENT:] == ["5.csv", "10.csv", "20.csv"]


async def test_a_rejected_file_is_not_sent_and_not_tried_again():
    queue, ports, checks = make("*.csv")
    checks.verdicts["a.csv"] = Verdict(refusal=Refusal("columns", "A column is missing.", line=1))
    upload = await send(queue, FakeFile("a.csv"))

    error = upload.error
    assert isinstance(error, FileRejected)
    assert (error.check, error.reason, error.line) == ("columns", "A column is missing.", 1)
    assert not error.is_built_in
    assert not upload.may_retry()
    assert not queue.is_sending()
    assert ports.http.requests == []


async def test_an_error_says_whether_a_built_in_check_rejected_the_file():
    queue, _, checks = make("*.csv")
    checks.rules = read_rules(
        {
            "checks": [
                {"name": "table", "patterns": ["*.csv"], "built_in": True},
                {"name": "columns", "patterns": ["*.csv"], "built_in": False},
            ],
            "built_in": {"table": {"keep_changes": True}},
            "version": "",
            "undo_s": 0,
        }
    )
    uploads = []
    for name in ("table", "columns"):
        checks.verdicts[f"{name}.csv"] = Verdict(refusal=Refusal(name, "Line 1 is wrong."))
        uploads.append(queue.add(FakeFile(f"{name}.csv")))
    await ended(*uploads)

    assert [each.error.is_built_in for each in uploads] == [True, False]
    assert checks.rules.keeps_changes


async def test_a_check_that_did_not_work_can_be_tried_again():
    queue, _, checks = make("*.csv")
    checks.verdicts["a.csv"] = Verdict(refusal=Refusal("columns", "KeyError", is_error=True))
    upload = await send(queue, FakeFile("a.csv"))

    assert isinstance(upload.error, CheckFailed)
    assert upload.may_retry()
    del checks.verdicts["a.csv"]
    upload.retry()
    await ended(upload)
    assert (upload.state, checks.seen) == (states.DONE, ["a.csv", "a.csv"])


async def test_a_file_that_vanished_fails_with_its_own_error():
    queue, _, checks = make("*.csv")
    checks.verdicts["a.csv"] = FileUnreadable("NotFoundError")
    upload = await send(queue, FakeFile("a.csv"))

    assert isinstance(upload.error, FileUnreadable)


async def test_a_changed_file_is_sent_under_its_new_name():
    queue, ports, checks = make("*.heic")
    checks.verdicts["a.heic"] = Verdict(
        file=small_file("a.jpg", 4), notes={"rows": "7"}, ran=[ran("heic", "changed")]
    )
    upload = await send(queue, FakeFile("a.heic", 10))

    assert upload.state == states.DONE
    assert upload.key.endswith("/a.jpg")
    assert (upload.file.size, upload.source.name) == (4, "a.heic")
    assert ports.http.header(-1, "x-oss-meta-rows") == "7"
    assert ports.http.header(-1, "x-oss-meta-name") == "a.jpg"


async def test_a_question_waits_for_the_answer_of_the_person():
    queue, ports, checks = make("*")
    checks.verdicts["a.csv"] = Verdict(questions=[("A key is in the file.", 3)])
    upload = await held(queue, FakeFile("a.csv"))
    await turns()

    assert upload.check.questions() == [("A key is in the file.", 3)]
    assert ports.http.requests == []
    queue.checking.answer(upload)
    await ended(upload)
    assert upload.state == states.DONE
    assert checks.seen == ["a.csv"]


@pytest.mark.parametrize("undo_s", [0.0, 5.0])
async def test_the_person_can_choose_the_original_also_in_answer_to_a_question(undo_s):
    queue, _, checks = make("*", undo_s=undo_s)
    asked = [("Is the date right?", None)]
    checks.verdicts["a.png"] = Verdict(file=small_file("a.jpg"), questions=asked)
    checks.originals["a.png"] = Verdict(questions=asked)
    upload = await held(queue, FakeFile("a.png", 10))
    await turns()

    assert upload.check.can_undo == bool(undo_s)
    queue.checking.answer(upload, keep_original=upload.check.can_undo)
    if undo_s:
        await until(lambda: upload.paused_for == states.FOR_ANSWER)
        assert not upload.check.can_undo
        queue.checking.answer(upload)
    await ended(upload)
    assert upload.file.name == ("a.png" if undo_s else "a.jpg")


async def test_a_pause_does_not_answer_a_question():
    queue, ports, checks = make("*")
    checks.verdicts["a.csv"] = Verdict(questions=[("A key is in the file.", None)])
    upload = await held(queue, FakeFile("a.csv"))

    upload.pause()
    upload.resume()
    await turns()

    assert upload.paused_for == states.FOR_ANSWER
    assert ports.http.requests == []
    upload.cancel()
    assert upload.state == states.CANCELLED


async def test_the_person_can_choose_the_original_of_a_changed_file():
    queue, ports, checks = make("*", undo_s=5.0)
    stop_timers(ports)
    changed = Verdict(
        file=small_file("a.jpg"), notes={"clean": "yes"}, ran=[ran("smaller", "changed")]
    )
    checks.verdicts["a.png"] = changed
    upload = await held(queue, FakeFile("a.png", 10))

    queue.checking.answer(upload, keep_original=True)
    await ended(upload)

    assert upload.state == states.DONE
    assert (upload.file.name, upload.file.size) == ("a.png", 10)
    assert upload.key.endswith("/a.png")
    assert upload.checks["ran"] == [ran("columns", "undone")]
    assert upload.options.metadata == {}


@pytest.mark.parametrize("known", [True, False], ids=["grant is here", "grant comes later"])
async def test_the_limits_apply_to_the_new_file_of_a_file_that_a_check_replaces(known):
    queue, ports, checks = make("*.heic", undo_s=5.0)
    stop_timers(ports)
    ports.grants.types, ports.grants.max_file_size = ["image/jpeg"], 5
    ports.grants.replaced = ["*.heic"]
    limits = (await ports.grants.fetch()).limits
    if known:
        queue.allow(limits)
    checks.verdicts["a.HEIC"] = Verdict(file=small_jpeg("a.jpg", 4))
    checks.verdicts["b.heic"] = Verdict(file=small_jpeg("b.jpg", 6))

    fits = queue.add(FakeFile("a.HEIC", 10, content_type="image/heic"))
    large = queue.add(FakeFile("b.heic", 10, content_type="image/heic"))
    unchanged = queue.add(FakeFile("c.heic", 5, content_type="image/heic"))
    other = queue.add(FakeFile("d.tiff", 5, content_type="image/tiff"))
    queue.allow(limits)
    await ended(fits, large, unchanged, other)

    assert fits.state == states.DONE, "the original is not offered, because it exceeds the limits"
    assert isinstance(large.error, FileTooLarge)
    assert isinstance(unchanged.error, WrongType)
    assert isinstance(other.error, WrongType)
    assert sorted(checks.seen) == ["a.HEIC", "b.heic", "c.heic"]


async def test_a_page_without_checks_applies_the_limits_at_once():
    queue, ports, _ = make("*")
    queue = Queue(make_engine(make_ports()))
    ports.grants.types, ports.grants.replaced = ["image/jpeg"], ["*.heic"]
    queue.allow((await ports.grants.fetch()).limits)

    upload = queue.add(FakeFile("a.heic", 10, content_type="image/heic"))

    assert isinstance(upload.error, WrongType)


@pytest.mark.parametrize(
    ("name", "content_type", "size"),
    [("a.heic", "", 10), ("a.heic", "image/heic", 10), ("a.jpg", "image/jpeg", 11)],
)
async def test_an_original_that_exceeds_the_limits_is_not_offered(name, content_type, size):
    queue, ports, checks = make("*", undo_s=5.0)
    stop_timers(ports)
    ports.grants.types, ports.grants.max_file_size = ["image/jpeg"], 10
    ports.grants.replaced = ["*.heic", "*.jpg"]
    queue.allow((await ports.grants.fetch()).limits)
    checks.verdicts[name] = Verdict(file=small_jpeg("a.jpg", 4))

    upload = await send(queue, FakeFile(name, size, content_type=content_type))

    assert upload.state == states.DONE


async def test_the_original_that_a_later_check_rejects_is_not_sent():
    queue, ports, checks = make("*", undo_s=5.0)
    stop_timers(ports)
    checks.verdicts["a.png"] = Verdict(file=small_file("a.jpg"))
    checks.originals["a.png"] = Verdict(refusal=Refusal("clean", "It has a position."))
    upload = await held(queue, FakeFile("a.png", 10))

    queue.checking.answer(upload, keep_original=True)
    await ended(upload)

    assert isinstance(upload.error, FileRejected)
    assert ports.http.requests == []


async def test_a_file_of_an_earlier_page_that_has_sent_no_part_is_checked():
    queue, _, checks = make("*.csv")
    await queue.checking.load(["checks"])
    upload = Upload(FakeFile("a.csv"), lambda upload: None)
    upload.target.continue_from("uploads/x/a.csv")

    assert queue.checking.holds(upload)
    await until(lambda: checks.seen == ["a.csv"])


async def test_a_multipart_upload_of_an_earlier_page_was_checked_by_that_page():
    queue, _, checks = make("*.csv")
    await queue.checking.load(["checks"])
    upload = Upload(FakeFile("a.csv"), lambda upload: None)
    upload.progress.continue_from("0004B9", 8 << 20)

    assert not queue.checking.holds(upload)
    assert checks.seen == []


async def test_a_changed_file_is_sent_after_the_time_for_undo():
    queue, ports, checks = make("*", undo_s=5.0)
    checks.verdicts["a.png"] = Verdict(file=small_file("a.jpg"), ran=[ran("smaller", "changed")])
    began = ports.clock.elapsed_s()
    upload = await send(queue, FakeFile("a.png", 10))

    assert upload.file.name == "a.jpg"
    assert ports.clock.elapsed_s() - began >= 5.0
    queue.checking.answer(upload, keep_original=True)
    assert upload.state == states.DONE


async def test_a_pause_stops_the_checks_and_resume_starts_them_again():
    queue, _, checks = make("*")
    checks.hold()
    upload = queue.add(FakeFile("a.csv"))
    await until(lambda: checks.running == 1)

    upload.pause()
    await until(lambda: checks.running == 0)
    assert (upload.paused_for, checks.cancelled) == (states.BY_PERSON, 1)
    upload.resume()
    checks.release()
    await ended(upload)

    assert upload.state == states.DONE
    assert checks.seen == ["a.csv", "a.csv"]


async def test_cancel_stops_the_checks_and_the_next_file_is_checked():
    queue, _, checks = make("*")
    await queue.checking.load(["checks"])
    checks.hold()
    uploads = [queue.add(FakeFile(f"{number}.csv")) for number in range(CONCURRENT + 1)]
    await until(lambda: checks.running == CONCURRENT)

    uploads[0].cancel()
    await until(lambda: checks.running == CONCURRENT and checks.cancelled == 1)

    assert uploads[0].state == states.CANCELLED
    checks.release()
    await ended(*uploads)
    assert [upload.state for upload in uploads[1:]] == [states.DONE] * CONCURRENT


async def test_a_paused_check_that_is_resumed_at_once_runs_once():
    queue, _, checks = make("*")
    checks.hold()
    upload = queue.add(FakeFile("a.csv"))
    await until(lambda: checks.running == 1)

    upload.pause()
    upload.resume()
    await turns()

    assert (checks.running, checks.cancelled) == (1, 1)
    checks.release()
    await ended(upload)
    assert upload.state == states.DONE


async def test_metadata_that_oss_refuses_is_an_error_of_the_check():
    queue, _, checks = make("*")
    checks.verdicts["a.csv"] = Verdict(notes={"name": "x"})
    upload = await send(queue, FakeFile("a.csv"))

    assert isinstance(upload.error, CheckFailed)


def test_patterns():
    table = [
        ("a.csv", "*.csv", True),
        ("A.CSV", "*.csv", True),
        ("a.csv.gz", "*.csv", False),
        ("a.csv", "*", True),
        ("", "*", True),
        ("orders-7.csv", "orders*.csv", True),
        ("order.csv", "orders*.csv", False),
        ("a1.txt", "a?.txt", True),
        ("a.txt", "a?.txt", False),
        ("abcabd", "*abd", True),
        ("x", "", False),
        ("b.txt", "[ab].txt", True),
        ("a.csv", "*.CSV", True),
        ("Ä.dat", "ä.dat", True),
    ]
    for name, pattern, fits in table:
        assert matches(name, pattern) == fits, (name, pattern)


async def refused(queue, checks, name="orders.csv", size=1):
    """Return an upload whose table was refused and can be repaired."""
    checks.verdicts[name] = Verdict(
        refusal=Refusal("table", "Line 7.", line=7, repair=True), ran=[ran("table", "rejected")]
    )
    upload = await send(queue, FakeFile(name, size))
    assert (upload.state, upload.error.repair, upload.may_retry()) == (states.FAILED, True, False)
    return upload


async def test_a_repaired_table_is_checked_and_sent_in_place_of_the_refused_file():
    queue, ports, checks = make("*.csv", undo_s=60.0)
    upload = await refused(queue, checks)
    assert queue.checking.repair(upload) == "repair of orders.csv"
    checks.verdicts = {"right.csv": Verdict(notes={"rows": "3"}, ran=[ran("table")])}

    repaired = Repaired(FakeFile("right.csv", 20), {"rows": "2", "table-rows": "3"}, "1 cell")
    queue.checking.use_repaired(upload, repaired)
    await ended(upload)

    assert (upload.state, checks.seen) == (states.DONE, ["orders.csv", "right.csv"])
    assert ports.http.objects == {upload.key: 20}
    assert upload.source.name == "orders.csv"
    assert upload.checks["ran"] == [ran("table", "changed", "1 cell"), ran("table")]
    headers = dict(ports.http.requests[0].headers)
    assert (headers["x-oss-meta-rows"], headers["x-oss-meta-table-rows"]) == ("3", "3")


async def asked(queue, checks, repair=True):
    """Return an upload with a question about its table, and what a repair makes of the table."""
    checks.verdicts["orders.csv"] = Verdict(
        questions=[("Line 7.", 7)],
        repair=repair,
        notes={"rows": "9", "old": "1"},
        ran=[ran("table", "asks", "Line 7.")],
    )
    upload = await held(queue, FakeFile("orders.csv"))
    assert upload.may_repair() == repair
    return upload, Repaired(FakeFile("right.csv", 20), {"rows": "2"}, "1 cell")


async def test_a_table_is_repaired_instead_of_an_answer():
    queue, ports, checks = make("*.csv")
    upload, repaired = await asked(queue, checks)

    queue.checking.use_repaired(upload, repaired)
    await ended(upload)

    assert checks.seen == ["orders.csv", "right.csv"]
    assert ports.http.objects == {upload.key: 20}
    assert upload.checks["ran"] == [ran("table", "changed", "1 cell"), ran("columns")]
    headers = dict(ports.http.requests[0].headers)
    assert headers["x-oss-meta-rows"] == "2"
    assert "x-oss-meta-old" not in headers, "it describes the original"


async def test_a_table_that_a_person_accepts_is_sent_as_it_is_and_not_replaced_later():
    queue, ports, checks = make("*.csv")
    upload, repaired = await asked(queue, checks)

    queue.checking.answer(upload)
    with pytest.raises(IllegalMove):
        queue.checking.use_repaired(upload, repaired)
    await ended(upload)

    assert ports.http.objects == {upload.key: 10}
    assert upload.checks["ran"] == [ran("table", "asks", "Line 7.")]
    with pytest.raises(IllegalMove):
        queue.checking.use_repaired(upload, repaired)
    assert upload.file.name == "orders.csv"


@pytest.mark.parametrize(
    ("keeps", "changes", "left"),
    [
        (True, FakeFile("right.csv.changes.csv", 5), 1),
        (False, FakeFile("x.csv"), 0),
        (True, None, 0),
    ],
)
async def test_the_list_of_changes_is_stored_after_the_table_and_beside_it(keeps, changes, left):
    queue, ports, checks = make("*.csv")
    checks.rules.keeps_changes = keeps
    upload, repaired = await asked(queue, checks)
    repaired.changes = changes
    checks.verdicts["right.csv"] = Verdict(refusal=Refusal("own", "No."))

    queue.checking.use_repaired(upload, repaired)
    await ended(upload)
    assert queue.uploads == [upload], "a table that another check refuses has no list"
    checks.verdicts["right.csv"] = Verdict(notes={"rows": "3"})
    queue.checking.use_repaired(upload, repaired)
    await ended(upload)
    lists = queue.uploads[1:]
    await ended(*lists)

    assert len(lists) == left
    objects = dict.fromkeys([f"{upload.key}.changes.csv"][:left], 5)
    objects[upload.key] = 20
    assert ports.http.objects == objects
    assert [each.options.metadata for each in lists] == [{}] * left, "it describes the table"
    assert checks.seen[3:] == ["right.csv.changes.csv"][:left]


async def test_only_tables_that_checks_refuse_or_ask_about_can_be_repaired():
    queue, ports, checks = make("*.csv")
    upload, _ = await asked(queue, checks, repair=False)
    upload.cancel()
    ports.http.plan = [refused_by_oss("InvalidAccessKeyId")] * 9
    checks.verdicts = {}

    refused = await send(queue, FakeFile("other.csv"))

    assert (refused.state, refused.may_repair()) == (states.FAILED, False)
    assert refused.error.repair, "of the credentials"
