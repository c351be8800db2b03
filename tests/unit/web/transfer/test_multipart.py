"""A file in parts: each sent once, proved, put together, and gone when it is not wanted."""

import asyncio

import pytest

from support.fakes import (
    ANSWER_LOST,
    FakeFile,
    crc64_of_zeros,
    lost,
    make_engine,
    make_ports,
    refused,
    stored,
)
from uploader.oss.errors import Corrupt, Lost, Refused
from uploader.transfer import states
from uploader.transfer.multipart import abort, send_multipart
from uploader.transfer.plan import MIB
from uploader.transfer.upload import Upload

PARTS = 10
SIZE = PARTS * MIB - 7


def make(size=SIZE, connections=3):
    ports = make_ports()
    engine = make_engine(ports, connections)
    upload = Upload(FakeFile(size=size), lambda _upload: None)
    upload.key = "k"
    upload.part_size = MIB
    upload.go(states.UPLOADING)
    return upload, ports, engine


async def test_every_part_is_sent_once_and_the_whole_is_proved():
    upload, ports, engine = make()

    proof = await send_multipart(upload, engine)

    assert proof.crc64 == str(crc64_of_zeros(SIZE))
    assert sorted(ports.http.parts_sent) == list(range(1, PARTS + 1))
    assert ports.http.objects == {"k": SIZE}
    assert ports.http.most_running == 3
    assert ports.http.multiparts == {}
    assert upload.sent == SIZE


async def test_every_byte_is_read_once_for_its_checksum():
    upload, ports, engine = make()
    ports.http.plan = [None, lost(), refused("InternalError", 500), stored("1")]

    await send_multipart(upload, engine)

    assert sorted(ports.checksum.pieces) == [
        (number * MIB, min(MIB, SIZE - number * MIB)) for number in range(PARTS)
    ]


@pytest.mark.parametrize(
    "fault",
    [lost(), refused("InternalError", 500), stored("1"), ANSWER_LOST, lost(Lost.UNREACHABLE)],
    ids=["reset", "500", "damage", "answer lost", "offline"],
)
async def test_a_part_that_fails_is_sent_again_and_the_others_are_not(fault):
    upload, ports, engine = make()
    ports.http.plan = [None, None, fault, None]

    await send_multipart(upload, engine)

    assert ports.http.objects == {"k": SIZE}
    assert len(ports.http.parts_sent) <= PARTS + 1


async def test_a_part_that_stays_damaged_fails_the_upload():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None] + [stored("1")] * 3

    with pytest.raises(Corrupt):
        await send_multipart(upload, engine)
    await asyncio.sleep(0)

    assert engine.budget.used == 0
    assert ports.http.objects == {}


async def test_a_part_that_oss_forgot_is_sent_again():
    upload, ports, engine = make()
    upload.upload_id = "U1"
    ports.http.multiparts["U1"] = {}
    ports.http.page_size = 4
    original = ports.http._handle

    def forgetful(request, body, size):
        parts = ports.http.multiparts.get("U1", {})
        if request.method == "POST" and ports.http.parts_sent.count(7) == 1:
            parts.pop(7, None)
        return original(request, body, size)

    ports.http._handle = forgetful

    await send_multipart(upload, engine)

    assert ports.http.parts_sent.count(7) == 2
    assert len(ports.http.parts_sent) == PARTS + 1
    assert ports.http.objects == {"k": SIZE}


async def test_an_upload_that_oss_does_not_know_begins_anew_under_the_same_key():
    upload, ports, engine = make()
    upload.upload_id = "gone"

    await send_multipart(upload, engine)

    assert ports.http.objects == {"k": SIZE}


async def test_an_upload_that_oss_never_keeps_is_given_up():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None, refused("NoSuchUpload", 404)] * 9

    with pytest.raises(Refused, match="NoSuchUpload"):
        await send_multipart(upload, engine)


async def test_a_whole_that_is_not_the_sum_of_its_parts_is_no_success():
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [stored("1")]

    with pytest.raises(Corrupt, match="CRC-64"):
        await send_multipart(upload, engine)


async def test_what_arrived_before_an_error_is_not_sent_again():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None] * 6 + [refused("AccessDenied")]
    with pytest.raises(Refused):
        await send_multipart(upload, engine)
    upload.fail(lost())
    upload.restart()
    upload.go(states.UPLOADING)

    await send_multipart(upload, engine)

    assert sorted(ports.http.parts_sent) == list(range(1, PARTS + 1))
    assert len(ports.http.multiparts) == 0


async def test_abort_leaves_nothing_and_makes_sure_of_it():
    upload, ports, engine = make()
    upload.upload_id = "U1"
    ports.http.multiparts["U1"] = {1: MIB}

    await abort(upload, engine)

    assert ports.http.multiparts == {}
    assert upload.upload_id == ""
    assert [request.method for request in ports.http.requests] == ["DELETE", "GET"]


async def test_abort_is_repeated_while_parts_are_left():
    upload, ports, engine = make()
    upload.upload_id = "U1"
    ports.http.multiparts["U1"] = {1: MIB}
    from uploader.oss.replies import Reply

    ports.http.plan = [Reply(204, lambda _name: "")]  # said, and not done

    await abort(upload, engine)

    assert [request.method for request in ports.http.requests] == ["DELETE", "GET"] * 2
    assert ports.http.multiparts == {}
