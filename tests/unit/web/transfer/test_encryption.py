"""With the operator's key in the grant, no byte of a file is sent as it is."""

import asyncio
import binascii

import pytest

from ossferry_uploader.oss.encryption import PublicKey
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import CannotEncrypt
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.plan import DEFAULT_PART_BYTES
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.sending.stream import Stream, part_bytes, part_offset
from support.fake_browser import FakeTabs
from support.fakes import (
    ANSWER_LOST,
    DAMAGED,
    FakeFile,
    crc64_of_zeros,
    lost,
    make_engine,
    make_ports,
    refused,
    until,
)
from support.pages import close, done, half_sent, send, turns

MIB = 1024 * 1024
KEY = PublicKey("ff" * 63 + "01", 3, '{"key": "1"}')
HEADER = "x-oss-meta-client-side-encryption-"


def make(*, is_on=True, **ports):
    made = make_ports(**ports)
    made.grants.encryption = KEY if is_on else None
    return Queue(make_engine(made, 2)), made


async def left_half_sent(queue, ports):
    """Return an upload of a closed page that had sent two parts; the ports have other tabs now."""
    earlier = await half_sent(queue, ports, FakeFile(size=40 * MIB), 2)
    await close(queue, ports)
    ports.tabs = FakeTabs(ports.tabs._browser)
    return earlier


def names_of(request):
    return [name for name, _value in request.headers if name.startswith(HEADER)]


class Source:
    """A source of zeros."""

    def __init__(self, size):
        self.left = size

    async def read(self, size):
        part = FakeFile(size=min(size, self.left))
        self.left -= part.size
        return part


async def test_a_small_file_is_encrypted():
    queue, ports = make()

    upload = await send(queue, FakeFile(size=9))

    assert (upload.state, upload.error, ports.http.sent_plain) == (states.DONE, None, 0)
    assert ports.encryption.pieces == [(0, 9, upload.target.cipher.key)]
    assert dict(ports.http.requests[0].headers)[HEADER + "matdesc"] == '{"key": "1"}'
    assert HEADER + "unencrypted-content-length" in names_of(ports.http.requests[0])


async def test_an_empty_file_is_encrypted_too():
    queue, ports = make()

    upload = await send(queue, FakeFile(size=0))

    assert (upload.state, upload.error, ports.http.sent_plain) == (states.DONE, None, 0)
    assert HEADER + "key" in names_of(ports.http.requests[0])


async def test_parts_are_encrypted_each_from_its_own_counter():
    queue, ports = make()

    upload = await send(queue, FakeFile(size=40 * MIB))

    assert (upload.state, ports.http.sent_plain) == (states.DONE, 0)
    assert len({key for _at, _size, key in ports.encryption.pieces}) == 1
    assert sorted(at for at, _size, _key in ports.encryption.pieces) == [
        number * 8 * MIB for number in range(5)
    ]
    assert HEADER + "data-size" in names_of(ports.http.requests[0])


async def test_every_file_has_a_key_of_its_own():
    queue, ports = make()

    for name in ("a.txt", "b.txt"):
        await send(queue, FakeFile(name))

    assert len({key for _at, _size, key in ports.encryption.pieces}) == 2


async def test_only_parts_in_flight_are_in_memory():
    queue, ports = make()

    await send(queue, FakeFile(size=100 * MIB))

    assert (ports.encryption.most_held, ports.encryption.held) == (2, 0)  # two connections


@pytest.mark.parametrize("failure", [ANSWER_LOST, DAMAGED, lost(), refused("InternalError", 500)])
async def test_a_part_is_sent_again_with_the_same_bytes(failure):
    queue, ports = make()
    ports.http.plan = [None, failure]

    upload = await send(queue, FakeFile(size=40 * MIB))

    assert (upload.state, ports.http.sent_plain) == (states.DONE, 0)
    assert len(ports.encryption.pieces) == 5  # each is encrypted once


async def test_a_file_with_a_known_checksum_is_not_compared_with_it():
    queue, _ = make()
    file = FakeFile(size=9)
    file.crc64 = "7"  # of the file as it is

    upload = await send(queue, file)

    assert (upload.state, upload.crc64) == (states.DONE, str(crc64_of_zeros(9)))


async def test_after_a_pause_the_parts_and_the_key_stay():
    queue, ports = make()
    ports.http.hold_after = 3
    upload = queue.add(FakeFile(size=40 * MIB))
    await until(lambda: len(ports.http.parts_sent) >= 3 and ports.http.running)
    upload.pause()
    await until(lambda: upload.state == states.PAUSED)
    key, arrived = upload.target.cipher.key, len(upload.progress.parts)
    ports.http.release()

    upload.resume()
    await until(lambda: upload.state in states.ENDED)

    assert (upload.state, upload.target.cipher.key) == (states.DONE, key)
    assert arrived >= 1
    assert len(ports.http.parts_sent) < 5 + 3
    assert ports.encryption.held == 0


async def test_t56_a_file_that_starts_again_gets_a_new_key():
    queue, ports = make()
    ports.http.plan = [refused("AccessDenied")]
    upload = await send(queue, FakeFile(size=9))
    key = upload.target.cipher.key

    queue.retry(upload)
    await until(lambda: upload.state in states.ENDED)

    assert upload.state == states.DONE
    assert upload.target.cipher.key != key


async def test_t56_a_file_that_oss_may_have_keeps_its_key():
    queue, ports = make()
    ports.http.plan = [lost()]  # after some of its bytes
    ports.clock.sleep = lambda _seconds: asyncio.Event().wait()
    upload = queue.add(FakeFile(size=9))
    await turns()
    salt = upload.target.salt

    queue.cancel(upload)
    await turns()
    queue.retry(upload)
    await done(upload)

    assert (len(ports.http.requests), upload.target.salt) == (2, salt)


async def test_t56_a_record_has_neither_the_data_key_nor_the_secret_of_the_browser():
    queue, ports = make()
    ports.http.hold_after = 2
    uploads = [queue.add(FakeFile("b.txt")), queue.add(FakeFile(size=40 * MIB))]
    await until(lambda: len(ports.http.parts_sent) >= 2 and uploads[1].record.name)

    text = " ".join(ports.storage.texts.values())
    cipher = uploads[1].target.cipher

    assert uploads[1].target.salt in text
    for secret in (cipher.key, cipher.start, ports.encryption.kept_secret):
        assert secret.hex() not in text
        assert binascii.b2a_base64(secret).decode().strip() not in text
    ports.http.release()


@pytest.mark.parametrize("changes", ["secret", "public key"])
async def test_t56_parts_with_a_key_that_this_page_does_not_know_are_removed(changes):
    queue, ports = make()
    earlier = await left_half_sent(queue, ports)
    if changes == "secret":
        ports.encryption.kept_secret = b"o" * 32
    else:
        ports.grants.encryption = PublicKey("ff" * 62 + "0101", 3)

    upload = await send(Queue(make_engine(ports, 2)), FakeFile(size=40 * MIB))

    assert (upload.state, upload.error) == (states.DONE, None)
    assert upload.target.cipher.key != earlier.target.cipher.key
    assert (list(ports.http.objects), ports.http.multiparts) == ([upload.key], {})


async def test_t56_a_file_that_has_changed_since_its_parts_were_sent_gets_another_key():
    queue, ports = make()
    earlier = await left_half_sent(queue, ports)
    ports.http.crc64_of = lambda size: 7  # of parts of another file

    upload = await send(Queue(make_engine(ports, 2)), FakeFile(size=40 * MIB))

    assert (upload.state, upload.error) == (states.DONE, None)
    assert upload.target.cipher.key != earlier.target.cipher.key
    assert (list(ports.http.objects), ports.http.multiparts) == ([upload.key], {})


async def test_t56_parts_of_an_earlier_page_are_removed():
    queue, ports = make(is_on=False)
    await left_half_sent(queue, ports)
    ports.http.sent_plain = 0
    ports.grants.encryption = KEY

    upload = await send(Queue(make_engine(ports, 2)), FakeFile(size=40 * MIB))

    assert (upload.state, upload.error, ports.http.sent_plain) == (states.DONE, None, 0)
    assert len(ports.encryption.pieces) == 5
    await until(lambda: not ports.storage.texts)
    assert ports.http.multiparts == {}


@pytest.mark.parametrize("is_on", [True, False])
async def test_an_upload_of_another_device_cannot_be_continued(is_on):
    queue, _ = make(is_on=is_on)
    await queue.unfinished.find()
    await queue.unfinished.engine.keeper.get()
    begun = [{"key": "k", "upload_id": "A1", "size": 5, "part_size": 5}]

    found = await queue.unfinished.of_other_devices(begun)

    assert [each["part_size"] for each in found] == [0 if is_on else 5]


async def test_nothing_is_sent_where_the_browser_cannot_encrypt():
    queue, ports = make()
    ports.encryption.error = CannotEncrypt("The page is not from https.")

    upload = await send(queue, FakeFile(size=9))

    assert (upload.state, upload.may_retry()) == (states.FAILED, False)
    assert isinstance(upload.error, CannotEncrypt)
    assert ports.http.requests == []


async def test_the_hash_of_the_file_is_not_told():
    queue, ports = make()

    await send(queue, FakeFile(size=9), Options(sha256=True))

    assert "x-oss-meta-sha256" not in dict(ports.http.requests[0].headers)


async def test_no_identical_object_is_searched():
    queue, ports = make()
    ports.grants.features = ["objects", "skip-identical"]

    upload = await send(queue, FakeFile(size=9), Options(skip_identical=True))

    assert (upload.state, upload.identical, ports.receipts.looked_for) == (states.DONE, False, [])


@pytest.mark.parametrize("size", [9, 40 * MIB])
async def test_a_stream_is_encrypted(size):
    queue, ports = make()

    upload = await send(queue, Stream(Source(size), "a.txt"))

    assert (upload.state, upload.error, ports.http.sent_plain) == (states.DONE, None, 0)
    assert sorted(at for at, _size, _key in ports.encryption.pieces) == list(
        range(0, size, DEFAULT_PART_BYTES)
    )


@pytest.mark.parametrize("number", [1, 2, 2000, 2001, 2002, 4001, 9999])
def test_the_offset_of_a_part_of_a_stream(number):
    assert part_offset(number + 1) == part_offset(number) + part_bytes(number)
    assert part_offset(1) == 0
