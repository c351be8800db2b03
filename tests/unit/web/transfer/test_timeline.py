"""The times of the latest requests: what they say about replies, failures and running requests."""

import asyncio
import json

import pytest

from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.oss.requests import list_parts, upload_part
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.timeline import MOST, Timeline, without_secrets
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile, lost, make_engine, make_ports, until
from support.pages import turns


def part(number=3):
    return upload_part("uploads/secret-name", "secret-id", number, Piece(FakeFile(size=MIB), 0, 9))


def upload(number):
    return Upload(FakeFile("secret.txt"), lambda _upload: None, number=number)


def test_the_phases_of_a_request_add_up_to_its_time():
    timing = Timeline().begin(upload(7), part(), 10.0)
    assert timing.phases_s(12.0) == (2.0, 0.0, 0.0)  # it waits for a connection

    timing.signed_s = 13.0
    assert timing.phases_s(14.0) == (3.0, 0.0, 1.0)
    timing.sent_s, timing.ended_s = 15.0, 19.0
    assert timing.phases_s(99.0) == (3.0, 2.0, 4.0)


def test_only_the_latest_requests_are_kept_and_each_upload_has_its_own():
    timeline = Timeline()
    for number in range(5 * MOST):
        timeline.begin(upload(number % 2), list_parts("k", "u"), float(number))

    assert len(timeline.timings) <= 2 * MOST
    assert [each.asked_s for each in timeline.latest()] == list(range(4 * MOST, 5 * MOST))
    assert {each.upload_number for each in timeline.latest(1)} == {1}


def test_the_copy_has_times_and_ids_but_no_names_keys_or_signatures():
    timeline = Timeline()
    answered, failed = (
        timeline.begin(upload(7), part(), 10.0),
        timeline.begin(upload(7), part(4), 10.5),
    )
    answered.signed_s, answered.sent_s, answered.ended_s = 10.25, 11.0, 11.5
    answered.answer(Reply(200, {"x-oss-request-id": "ABC"}.__getitem__, ""))
    answered.fail(Lost(Lost.STALLED))  # the reply stays
    failed.fail(Lost(Lost.INTERRUPTED))

    rows = without_secrets(timeline.latest(), 12.5)

    assert rows[0] == {
        "request": "UploadPart",
        "part": 3,
        "bytes": 9,
        "upload": 7,
        "at_ms": 0,
        "waited_ms": 250,
        "sent_ms": 750,
        "answered_ms": 500,
        "status": 200,
        "error": "",
        "request_id": "ABC",
    }
    assert (rows[1]["at_ms"], rows[1]["status"], rows[1]["error"]) == (500, None, "interrupted")
    assert "secret" not in json.dumps(rows)


@pytest.mark.parametrize("is_sending", [True, False], ids=["sending", "waiting"])
async def test_a_request_that_is_cancelled_does_not_run_any_more(is_sending):
    ports = make_ports()
    engine = make_engine(ports, 1)
    ports.http.hold()
    tasks = []
    for number in (1, 2):  # there is one connection
        sent = Upload(FakeFile(f"{number}", size=5), lambda _upload: None, number=number)
        sent.target.key = f"{number}"
        sent.go(states.UPLOADING)
        tasks.append(asyncio.create_task(Client(engine, sent).put()))
        await until(lambda: ports.http.requests)
    await turns(20)

    tasks[0 if is_sending else 1].cancel()
    await turns(20)

    (timing,) = engine.timeline.latest(1 if is_sending else 2)
    assert (timing.error, timing.ended_s is None) == ("cancelled", False)
    ports.http.release()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_each_try_of_an_upload_is_noted():
    ports = make_ports()
    engine = make_engine(ports, 3)
    sent = Upload(FakeFile(size=5), lambda _upload: None, number=4)
    sent.target.key = "k"
    sent.go(states.UPLOADING)
    ports.http.plan = [lost(), None]

    await Client(engine, sent).put()

    first, second = engine.timeline.latest(4)
    assert (first.name, first.status, first.error) == ("PutObject", 0, "interrupted")
    assert (second.status, second.request_id, second.error) == (200, "5C3D9175B6FC201293AD0001", "")
    assert first.ended_s <= second.asked_s <= second.signed_s <= second.ended_s
