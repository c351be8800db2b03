"""A single upload: progress, and the effects of holds and pauses."""

import gc

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import IllegalMove
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile, crc64_of_zeros, lost


def make(size=100):
    upload = Upload(FakeFile(size=size), lambda _upload: None)
    upload.go(states.UPLOADING)
    return upload


def part(size):
    return SentPart('"AB"', 7, size)


def test_bytes_in_flight_and_arrived_add_up():
    upload = make()
    upload.progress.fly(1, 20)
    upload.progress.fly(2, 5)
    upload.progress.land(1, part(40))

    assert upload.sent == 45


def test_a_part_that_did_not_land_is_not_counted():
    upload = make()
    upload.progress.fly(1, 20)
    upload.progress.land(1)

    assert upload.sent == 0


def test_a_part_is_counted_once_however_often_it_lands():
    upload = make()
    upload.progress.land(1, part(40))
    upload.progress.land(1, part(40))
    assert upload.sent == 40

    upload.progress.lose(1)
    upload.progress.fly(2, 0)
    assert upload.sent == 0


def test_more_than_the_file_is_never_counted():
    upload = make(10)
    upload.progress.fly(1, 500)  # the request is larger than its body

    assert upload.sent == 10


def test_failing_keeps_what_has_arrived():
    upload = make()
    upload.progress.land(1, part(40))
    upload.progress.fly(2, 30)
    upload.fail(lost())

    assert (upload.state, upload.sent) == (states.FAILED, 40)


def test_restarting_forgets_the_error_and_keeps_key_and_parts():
    upload = make()
    upload.target.key, upload.progress.upload_id = "k", "U1"
    upload.progress.land(1, part(40))
    upload.fail(lost())
    upload.restart()

    assert (upload.state, upload.error, upload.key, upload.upload_id, upload.sent) == (
        states.WAITING,
        None,
        "k",
        "U1",
        40,
    )


@pytest.mark.parametrize("state", [states.UPLOADING, states.VERIFYING])
def test_a_hold_pauses_with_its_reason_and_the_last_release_goes_on(state):
    upload = make()
    if state == states.VERIFYING:
        upload.go(state)
    upload.hold(states.FOR_NETWORK)
    upload.hold(states.FOR_NETWORK)
    assert (upload.state, upload.paused_for) == (states.PAUSED, states.FOR_NETWORK)

    upload.end_hold(states.FOR_NETWORK)
    assert upload.state == states.PAUSED
    upload.end_hold(states.FOR_NETWORK)
    assert (upload.state, upload.paused_for) == (state, "")


def test_of_several_reasons_the_latest_is_told_and_the_last_release_goes_on():
    upload = make()
    upload.hold(states.FOR_SERVER)
    upload.hold(states.FOR_LOGIN)
    assert upload.paused_for == states.FOR_LOGIN

    upload.end_hold(states.FOR_LOGIN)
    assert (upload.state, upload.paused_for) == (states.PAUSED, states.FOR_SERVER)
    upload.hold(states.FOR_LOGIN)
    upload.end_hold(states.FOR_SERVER)
    assert (upload.state, upload.paused_for) == (states.PAUSED, states.FOR_LOGIN)
    upload.end_hold(states.FOR_LOGIN)

    assert (upload.state, upload.paused_for) == (states.UPLOADING, "")


def test_a_pause_by_a_person_is_not_ended_by_the_network():
    upload = make()
    upload.hold(states.FOR_NETWORK)
    upload.pause_by_person()
    upload.end_hold(states.FOR_NETWORK)

    assert (upload.state, upload.paused_for) == (states.PAUSED, states.BY_PERSON)


def test_an_illegal_move_changes_nothing():
    upload = make()

    with pytest.raises(IllegalMove):
        upload.go(states.DONE)

    assert upload.state == states.UPLOADING


def test_urgent_goes_before_small_goes_before_first():
    uploads = [
        Upload(FakeFile(size=size), lambda _upload: None, number=n)
        for n, size in enumerate([50, 10, 10, 90])
    ]
    uploads[3].urgent = True

    order = sorted(uploads, key=lambda upload: upload.rank())

    assert [upload.number for upload in order] == [3, 1, 2, 0]


def test_bytes_that_left_already_are_told_once():
    told: list[int] = []
    upload = Upload(FakeFile(size=10), lambda upload: told.append(upload.sent))

    for sent in (0, 10, 10):
        upload.progress.fly(1, sent)

    assert told == [0, 10]


def test_the_checksum_of_parts_is_that_of_their_bytes_in_order_whichever_landed_first():
    upload = make(9)
    upload.progress.part_size = 5
    upload.progress.land(2, SentPart('"B"', 7598038797645275211, 5))  # of b"56789"
    upload.progress.land(1, SentPart('"A"', 14865968487149912872, 4))  # of b"1234"

    assert upload.progress.combined_crc64() == 0x995DC9BBDF1939FA


@pytest.mark.parametrize("unit", [1, 3, 7, 100, 1000])
def test_the_checksum_of_parts_with_several_units_is_that_of_their_bytes(unit):
    upload, sizes = make(1000), [unit, 3 * unit, 2 * unit, 5]
    upload.progress.part_size = unit
    for number in range(1, 5):
        size = sizes[number - 1]
        upload.progress.land(number, SentPart('"E"', crc64_of_zeros(size), size))

    assert upload.progress.combined_crc64() == crc64_of_zeros(sum(sizes))


def test_the_checksum_of_many_parts_leaves_little_garbage_as_none_is_freed_meanwhile():
    used = getattr(gc, "mem_alloc", lambda: 0)  # bytes; only MicroPython has this function
    upload = make(1000)
    upload.progress.part_size = 1
    for number in range(1, 1001):
        upload.progress.land(number, SentPart('"E"', crc64_of_zeros(1), 1))
    before = used()

    crc64 = upload.progress.combined_crc64()

    assert used() - before < 1024**2
    assert crc64 == crc64_of_zeros(1000)
