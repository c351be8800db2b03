"""With the option enabled, a file that is already stored is not sent."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.grants.quota import Left
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, crc64_of_zeros, make_engine, make_ports
from support.pages import send

SKIP = Options(skip_identical=True)
KEY = "uploads/alice-1/2026-03-14/00/trip/a.txt"


def make(*features):
    ports = make_ports()
    ports.grants.features = ["objects"]
    ports.grants.features.extend(features)
    ports.receipts.identical_to[("trip/a.txt", 9, str(crc64_of_zeros(9)))] = KEY
    return Queue(make_engine(ports, 2)), ports


def the_file(size=9, name="a.txt"):
    file = FakeFile(name, size)
    file.path = "trip"
    return file


async def test_a_file_that_is_stored_is_not_sent_if_its_options_say_so():
    queue, ports = make()

    upload = await send(queue, the_file(), SKIP)

    assert (upload.state, upload.identical, upload.key) == (states.DONE, True, KEY)
    assert (upload.crc64, ports.http.requests) == (str(crc64_of_zeros(9)), [])


async def test_a_server_can_want_it_for_all():
    queue, ports = make("skip-identical")

    upload = await send(queue, the_file())

    assert (upload.identical, ports.http.requests) == (True, [])


@pytest.mark.parametrize("file", [the_file(8), the_file(name="b.txt"), FakeFile("a.txt", 9)])
async def test_another_file_is_sent(file):
    queue, ports = make()

    upload = await send(queue, file, SKIP)

    assert (upload.state, upload.identical, upload.target.is_searching) == (
        states.DONE,
        False,
        False,
    )
    assert [request.method for request in ports.http.requests] == ["PUT"]


async def test_nothing_is_asked_unless_it_is_wanted():
    queue, ports = make()

    upload = await send(queue, the_file())

    assert (upload.identical, ports.receipts.looked_for) == (False, [])


async def test_nothing_is_asked_of_a_server_that_knows_of_no_uploads():
    queue, ports = make()
    ports.grants.features = []

    upload = await send(queue, the_file(), SKIP)

    assert (upload.identical, ports.receipts.looked_for) == (False, [])


async def test_a_server_that_refuses_to_say_stops_no_upload():
    queue, ports = make()
    ports.receipts.errors = [ServerRefused(400, code="bad-request")]

    upload = await send(queue, the_file(), SKIP)

    assert (upload.state, upload.identical) == (states.DONE, False)


async def test_a_server_that_is_away_is_waited_for():
    queue, ports = make()
    ports.receipts.errors = [ServerRefused(503, code="busy")]

    upload = await send(queue, the_file(), SKIP)

    assert (upload.identical, ports.receipts.looked_for) == (True, ["trip/a.txt"] * 2)


async def test_what_is_stored_already_needs_no_room():
    queue, ports = make()
    ports.grants.left = Left(5, None)

    upload = await send(queue, the_file(), SKIP)

    assert (upload.state, upload.identical) == (states.DONE, True)
