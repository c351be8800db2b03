"""With the option enabled, a file that is already stored is not sent."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.grants.quota import Left
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, crc64_of_zeros, make_engine, make_ports, until
from support.pages import send

SKIP = Options(skip_identical=True)
KEY = "uploads/alice-1/2026-03-14/00/trip/a.txt"


def make():
    ports = make_ports()
    ports.grants.features = ["objects"]
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


async def test_a_file_that_replaces_another_is_sent_because_only_an_object_can_replace_one():
    queue, ports = make()

    upload = queue.add(the_file(), SKIP, awaits_name=True)
    queue.replace(upload, "the older")
    queue.settle_name(upload)
    await until(lambda: upload.state == states.DONE)

    assert (upload.identical, list(ports.http.objects)) == (False, [upload.key])


async def test_a_folder_of_the_grant_is_part_of_the_path():
    queue, ports = make()
    ports.grants.prefix = "uploads/alice-1/course-7/"

    await send(queue, the_file(), Options(skip_identical=True, folder="x"))

    assert ports.receipts.looked_for == ["course-7/x/trip/a.txt"]


@pytest.mark.parametrize(
    ("features", "options", "errors", "identical", "asked"),
    [
        (["objects", "skip-identical"], None, [], True, 1),
        (["objects"], None, [], False, 0),
        ([], SKIP, [], False, 0),
        (["objects"], SKIP, [ServerRefused(400, code="bad-request")], False, 1),
        (["objects"], SKIP, [ServerRefused(503, code="busy")], True, 2),
    ],
    ids=["wanted for all", "not wanted", "no uploads known", "refused", "away for a while"],
)
async def test_the_server_is_asked_if_it_is_wanted(features, options, errors, identical, asked):
    queue, ports = make()
    ports.grants.features = features
    ports.receipts.errors = list(errors)

    upload = await send(queue, the_file(), options)

    assert (upload.state, upload.identical) == (states.DONE, identical)
    assert ports.receipts.looked_for == ["trip/a.txt"] * asked


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


async def test_what_is_stored_already_needs_no_room():
    queue, ports = make()
    ports.grants.left = Left(5, None)

    upload = await send(queue, the_file(), SKIP)

    assert (upload.state, upload.identical) == (states.DONE, True)
