"""Uploads in parts: each part is sent once, verified, completed, and removed after a cancel."""

import asyncio
import json

import pytest

from ossferry_uploader.oss.errors import Corrupt, Lost, Refused
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable, GrantRefused, ServerRefused
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.plan import AIM_S, MIB
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.sending.checksum import PieceChecksum
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.sending.multipart import (
    check_unchanged,
    complete,
    initiate,
    send_multipart,
    without_overlaps,
)
from ossferry_uploader.transfer.sending.send import send
from ossferry_uploader.transfer.upload import Upload
from support.fakes import (
    ANSWER_LOST,
    FakeClock,
    FakeFile,
    crc64_of_zeros,
    lost,
    make_engine,
    make_ports,
    refused,
    stored,
    until,
)
from support.pages import turns

PARTS = 10
SIZE = PARTS * MIB - 7
LARGE = 2 * PARTS * MIB - 7  # larger than a single request allows


def make(size=SIZE, connections=3, clock=None):
    ports = make_ports(clock)
    engine = make_engine(ports, connections)
    engine.rate_bytes_per_s = MIB / AIM_S  # for parts of one MiB
    upload = Upload(FakeFile(size=size), lambda _upload: None)
    upload.target.key = "k"
    upload.progress.part_size = MIB
    upload.go(states.UPLOADING)
    return upload, ports, engine


def busy(wait_s):
    return refused("ServiceUnavailable", 503, retry_after=str(wait_s))


async def sent(plan, **given):
    """Send a file in parts while OSS follows a plan."""
    upload, ports, engine = make(**given)
    ports.http.plan = plan
    await send_multipart(Client(engine, upload))
    return upload, ports, engine


async def test_every_part_is_sent_once_and_the_whole_is_proved():
    upload, ports, engine = make()

    proof = await send_multipart(Client(engine, upload))

    assert proof.crc64 == str(crc64_of_zeros(SIZE))
    assert sorted(ports.http.parts_sent) == list(range(1, PARTS + 1))
    assert ports.http.objects == {"k": SIZE}
    assert ports.http.most_running == 3
    assert ports.http.multiparts == {}
    assert upload.sent == SIZE


def sent_parts(upload):
    """Return number and size in MiB of the parts that were sent."""
    parts = upload.progress.parts
    return [(number, -(-parts[number].size // MIB)) for number in sorted(parts)]


async def test_parts_have_one_unit_until_the_speed_is_known_and_then_more():
    upload, ports, engine = make(size=64 * MIB, connections=6)
    engine.rate_bytes_per_s = 0.0
    await initiate(Client(engine, upload))
    ports.http.hold()
    sending = asyncio.create_task(send_multipart(Client(engine, upload)))
    await until(lambda: ports.http.running == 6)

    engine.rate_bytes_per_s = 10.0 * MIB
    ports.http.release()
    stored = await sending

    assert stored.crc64 == str(crc64_of_zeros(64 * MIB))
    parts = sent_parts(upload)
    assert parts[:6] == [(number, 1) for number in range(1, 7)]
    assert parts[6:9] == [(7, 8), (15, 8), (23, 7)]
    assert parts[-1][1] == 1
    assert sum(units for _, units in parts) == 64


async def test_the_first_part_has_one_unit_because_the_server_reads_the_size_from_it():
    upload, _, engine = make(size=64 * MIB, connections=6)
    engine.rate_bytes_per_s = 10.0 * MIB

    await send_multipart(Client(engine, upload))

    assert sent_parts(upload)[:3] == [(1, 1), (2, 8), (10, 8)]


async def test_a_part_that_is_sent_again_has_the_same_size_although_the_speed_has_changed():
    upload, ports, engine = make(size=64 * MIB, connections=6)
    engine.rate_bytes_per_s = 10.0 * MIB
    await initiate(Client(engine, upload))
    ports.http.hold()
    sending = asyncio.create_task(send_multipart(Client(engine, upload)))
    await until(lambda: ports.http.running == 6)
    sending.cancel()
    await until(lambda: ports.http.running == 0)
    upload.progress.ground()

    engine.rate_bytes_per_s = 0.0
    ports.http.release()
    await send_multipart(Client(engine, upload))

    assert sent_parts(upload)[:4] == [(1, 1), (2, 8), (10, 8), (18, 8)]
    assert sent_parts(upload)[-1] == (64, 1)


async def test_a_part_ends_before_a_unit_that_oss_has():
    upload, ports, engine = make(size=20 * MIB, connections=1)
    await initiate(Client(engine, upload))
    for number in (4, 9):
        await Client(engine, upload).part(number, Piece(upload.file, (number - 1) * MIB, MIB))
    engine.rate_bytes_per_s = 10.0 * MIB

    await send_multipart(Client(engine, upload))

    assert sent_parts(upload)[:5] == [(1, 1), (2, 2), (4, 1), (5, 3), (8, 1)]
    assert ports.http.objects == {"k": 20 * MIB}


class Listed:
    """A part in OSS's list."""

    def __init__(self, number, size):
        self.number = number
        self.size = size


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([(1, 1), (2, 3), (5, 1)], [1, 2, 5]),
        ([(1, 1), (2, 3), (3, 1), (4, 3), (5, 2)], [1, 2, 5]),
        ([(7, 5), (9, 5), (12, 0.5)], [7, 12]),
        ([], []),
    ],
)
def test_a_part_that_begins_inside_an_earlier_one_is_left_out(parts, kept):
    stored = {number: Listed(number, int(units * MIB)) for number, units in reversed(parts)}

    assert [part.number for part in without_overlaps(stored, MIB)] == kept


async def test_overlapping_parts_of_an_earlier_page_are_counted_once():
    upload, ports, engine = make(size=20 * MIB, connections=6)
    await initiate(Client(engine, upload))
    for number, units in ((1, 1), (7, 5), (9, 5)):
        piece = Piece(upload.file, (number - 1) * MIB, units * MIB)
        await Client(engine, upload).part(number, piece)
    for number in (1, 7, 9):
        upload.progress.lose(number)
    upload.progress.is_unproved = True

    await send_multipart(Client(engine, upload))

    assert ports.http.objects == {"k": 20 * MIB}
    assert (7, 5) in sent_parts(upload)
    assert 9 not in upload.progress.parts


async def test_parts_that_another_page_has_replaced_with_larger_ones_are_counted_once():
    upload, ports, engine = make(size=10 * MIB, connections=6)
    await initiate(Client(engine, upload))
    for number in (2, 3):
        await Client(engine, upload).part(number, Piece(upload.file, (number - 1) * MIB, MIB))
    two = upload.progress.parts[2]
    await Client(engine, upload).part(2, Piece(upload.file, MIB, 3 * MIB))
    upload.progress.land(2, two)
    upload.progress.is_unproved = True

    await send_multipart(Client(engine, upload))

    assert ports.http.objects == {"k": 10 * MIB}
    assert sent_parts(upload)[:3] == [(1, 1), (2, 3), (5, 1)]


async def test_a_part_that_waits_for_its_checksum_lets_the_next_one_go():
    upload, ports, engine = make(connections=1)
    checksums_may_end = asyncio.Event()
    compute = ports.checksum.crc64

    async def crc64(piece):
        await checksums_may_end.wait()
        return await compute(piece)

    ports.checksum.crc64 = crc64
    sending = asyncio.create_task(send_multipart(Client(engine, upload)))
    await until(lambda: len(ports.http.parts_sent) == 2)
    await turns(10)
    waiting = list(ports.http.parts_sent)
    checksums_may_end.set()

    await sending

    assert waiting == [1, 2]
    assert ports.http.most_running == 1
    assert sorted(ports.http.parts_sent) == list(range(1, PARTS + 1))


async def test_a_part_is_not_read_before_its_turn():
    upload, ports, engine = make(connections=1)
    ports.http.hold_after = 1
    sending = asyncio.create_task(send_multipart(Client(engine, upload)))

    await until(lambda: len(ports.checksum.pieces) == 2)
    await turns(10)

    assert ports.checksum.pieces == [(0, MIB), (MIB, MIB)]
    ports.http.release()
    await sending


async def test_every_byte_is_read_once_while_it_is_sent_and_once_before_the_end():
    _, ports, _ = await sent([None, lost(), refused("InternalError", 500), stored("1")])

    pieces = [(number * MIB, min(MIB, SIZE - number * MIB)) for number in range(PARTS)]
    last_byte = (SIZE - 1, 1)
    assert sorted(ports.checksum.pieces[:PARTS]) == pieces
    pieces.insert(0, last_byte)
    assert ports.checksum.pieces[PARTS:] == pieces


async def test_a_file_that_has_changed_after_its_parts_were_sent_makes_no_object():
    upload, ports, engine = make()

    def go(state):
        Upload.go(upload, state)
        ports.checksum.has_changed = state == states.VERIFYING

    upload.go = go

    with pytest.raises(FileUnreadable) as found:
        await send_multipart(Client(engine, upload))

    assert found.value.changed
    assert len(ports.http.parts_sent) == PARTS
    assert ports.http.objects == {}


async def test_a_file_that_has_changed_during_a_pause_sends_nothing_more():
    upload, ports, engine = make()
    await initiate(Client(engine, upload))
    await Client(engine, upload).part(1, Piece(upload.file, 0, MIB))
    sent = len(ports.http.requests)
    ports.checksum.has_changed = True

    with pytest.raises(FileUnreadable):
        await send_multipart(Client(engine, upload))

    assert len(ports.http.requests) == sent


async def test_of_a_large_file_parts_all_over_it_are_read_again():
    upload, ports, engine = make()
    upload.file = FakeFile("large.bin", 1000 * MIB)
    upload.progress.part_size = MIB
    for number in range(1, 1001):
        upload.progress.land(number, SentPart('"e"', crc64_of_zeros(MIB), MIB))

    await check_unchanged(Client(engine, upload))

    offsets = [offset // MIB for offset, size in ports.checksum.pieces if size > 1]
    assert offsets == list(range(0, 1000, 8))


async def test_four_parts_are_read_again_at_a_time():
    upload, ports, engine = make()
    for number in range(1, PARTS + 1):
        size = min(MIB, SIZE - (number - 1) * MIB)
        upload.progress.land(number, SentPart('"e"', crc64_of_zeros(size), size))
    compute, running, most = ports.checksum.crc64, [], []

    async def crc64(piece):
        running.append(piece)
        most.append(len(running))
        result = await compute(piece)
        running.pop()
        return result

    ports.checksum.crc64 = crc64
    await check_unchanged(Client(engine, upload))

    assert max(most) == 4


async def test_a_request_whose_piece_cannot_be_read_is_ended_at_once():
    piece = Piece(FakeFile("a.bin", 10), 0, 10)
    ended = []
    piece.give_up = lambda: ended.append(True)

    async def unreadable(_piece):
        raise FileUnreadable("NotFoundError")

    with pytest.raises(FileUnreadable):
        await PieceChecksum(piece, unreadable).get()

    assert ended == [True]


@pytest.mark.parametrize(
    "fault",
    [lost(), refused("InternalError", 500), stored("1"), ANSWER_LOST, lost(Lost.UNREACHABLE)],
    ids=["reset", "500", "damage", "answer lost", "offline"],
)
async def test_a_part_that_fails_is_sent_again_and_the_others_are_not(fault):
    _, ports, _ = await sent([None, None, fault, None])

    assert ports.http.objects == {"k": SIZE}
    assert len(ports.http.parts_sent) <= PARTS + 1


async def test_parts_that_meet_one_busy_moment_together_halve_the_budget_once():
    _, _, engine = await sent([None] + [busy(1)] * 6, connections=6)

    assert engine.pool.cuts == 1


async def test_when_only_a_part_that_waits_is_left_whoever_looks_sees_that():
    upload, ports, engine = make()
    ports.http.plan = [None, None, refused("ServiceUnavailable", 503, retry_after="20")]
    sleep, seen = ports.clock.sleep, []

    async def look(seconds):
        seen.append(upload.requests.is_waiting())
        await until(lambda: len(upload.progress.parts) == PARTS - 1)
        await asyncio.sleep(0)
        seen.append(upload.requests.is_waiting())
        await sleep(seconds)

    ports.clock.sleep = look
    await send_multipart(Client(engine, upload))

    assert seen == [False, True]
    assert not upload.requests.is_waiting()


async def test_a_page_in_place_of_an_answer_is_settled_by_asking_again():
    upload, ports, engine = make()
    original, seen = ports.http._handle, []

    def portal(request, body, size):
        reply = original(request, body, size)
        seen.append(request.url.endswith("?uploads") or request.method)
        is_first = seen.count(seen[-1]) == 1
        return Reply(200, lambda _name: "", "<html>Log in") if is_first else reply

    ports.http._handle = portal

    proof = await send_multipart(Client(engine, upload))

    assert proof.crc64 == str(crc64_of_zeros(SIZE))
    assert ports.http.objects == {"k": SIZE}


class SharedClock(FakeClock):
    """A clock on which concurrent sleepers wake at the same time."""

    async def sleep(self, seconds):
        until_s = self.true_s + seconds
        await turns(50)
        self.true_s = max(self.true_s, until_s)


async def test_what_goes_well_in_between_ends_the_trouble():
    alternating = [None] + ([busy(300)] * 6 + [None] * 2) * 4  # two parts
    _, ports, _ = await sent(alternating, connections=1, clock=SharedClock())

    assert ports.http.objects == {"k": SIZE}


async def test_parts_that_wait_together_wait_once():
    plan = [None] + [busy(200)] * 10
    _, ports, _ = await sent(plan, connections=5, clock=SharedClock())

    assert ports.http.objects == {"k": SIZE}


async def test_r04_trouble_for_a_quarter_of_an_hour_is_the_end():
    upload, ports, engine = make(size=MIB)
    ports.http.plan = [None] + [busy(300)] * 7

    with pytest.raises(Refused, match="ServiceUnavailable"):
        await send_multipart(Client(engine, upload))

    assert len(ports.http.requests) == 1 + 4


async def test_a_long_time_without_network_is_no_time_in_trouble():
    upload, ports, engine = make(size=MIB)
    ports.http.plan = [None, busy(1), lost(Lost.UNREACHABLE), busy(1)]

    async def be_back_after_an_hour(_timeout_s):
        ports.clock.advance(3600)

    ports.network.may_be_back = be_back_after_an_hour

    await send_multipart(Client(engine, upload))

    assert ports.http.objects == {"k": MIB}


async def test_r21_a_part_that_stays_damaged_fails_the_upload():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None] + [stored("1")] * 6

    with pytest.raises(Corrupt):
        await send_multipart(Client(engine, upload))
    await asyncio.sleep(0)

    assert engine.pool.used == 0
    assert ports.http.objects == {}


async def test_r24_a_part_that_oss_forgot_is_sent_again():
    upload, ports, engine = make()
    upload.progress.upload_id = "U1"
    ports.http.multiparts["U1"] = {}
    ports.http.page_size = 4
    original = ports.http._handle

    def forgetful(request, body, size):
        parts = ports.http.multiparts.get("U1", {})
        if request.method == "POST" and ports.http.parts_sent.count(7) == 1:
            parts.pop(7, None)
        return original(request, body, size)

    ports.http._handle = forgetful

    await send_multipart(Client(engine, upload))

    assert ports.http.parts_sent.count(7) == 2
    assert len(ports.http.parts_sent) == PARTS + 1
    assert ports.http.objects == {"k": SIZE}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(f"<HashCrc64ecma>{crc64_of_zeros(MIB)}", "<HashCrc64ecma>7"), (f"<Size>{MIB}", "<Size>5")],
    ids=["bytes", "size"],
)
async def test_a_part_that_oss_has_otherwise_is_sent_again(ours, theirs):
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [refused("InvalidPart", 400)]
    original = ports.http._list

    def otherwise(parts, after):
        text = original(parts, after).text.replace('"AB"', '"CD"', 1).replace(ours, theirs, 1)
        return Reply(200, lambda _name: "", text)

    ports.http._list = otherwise

    await send_multipart(Client(engine, upload))

    assert ports.http.parts_sent[PARTS:] == [1]


async def test_parts_that_another_device_has_replaced_meanwhile_are_taken_over():
    upload, ports, engine = make(size=20 * MIB, connections=6)
    engine.rate_bytes_per_s = 10.0 * MIB
    await initiate(Client(engine, upload))
    replaced = []

    def handle(request, body, size):
        parts = ports.http.multiparts.get("U1", {})
        if request.method == "POST" and not replaced:
            replaced.extend(number for number in sorted(parts) if number > 1)
            for number in replaced:
                parts[number] = MIB  # the other device sends smaller parts
            return refused("InvalidPart", 400)
        return original(request, body, size)

    original = ports.http._handle
    ports.http._handle = handle

    await send_multipart(Client(engine, upload))

    assert ports.http.objects == {"k": 20 * MIB}
    units = dict(sent_parts(upload))
    assert [units[number] for number in replaced] == [1] * len(replaced)
    assert not set(replaced) & set(ports.http.parts_sent[1 + len(replaced) :])


async def test_parts_with_a_gap_and_an_overlap_are_not_put_together():
    upload, ports, engine = make(size=5 * MIB)
    await initiate(Client(engine, upload))
    for number, units in ((1, 2), (2, 1), (4, 2)):
        size = units * MIB
        upload.progress.land(number, SentPart('"AB"', crc64_of_zeros(size), size))
    assert upload.progress.arrived == 5 * MIB

    with pytest.raises(Corrupt, match="bytes in parts"):
        await complete(Client(engine, upload))

    assert ports.http.objects == {}


async def test_while_parts_are_compared_again_what_was_sent_does_not_become_less():
    upload, ports, engine = make()
    await initiate(Client(engine, upload))
    for number in range(1, PARTS):
        await Client(engine, upload).part(number, Piece(upload.file, (number - 1) * MIB, MIB))
    upload.progress.is_unproved = True
    compute, sent = ports.checksum.crc64, []

    async def crc64(piece):
        sent.append(upload.progress.sent)
        return await compute(piece)

    ports.checksum.crc64 = crc64
    await send_multipart(Client(engine, upload))

    assert min(sent) == (PARTS - 1) * MIB


async def test_an_upload_that_oss_does_not_know_begins_anew_under_the_same_key():
    upload, ports, engine = make()
    upload.progress.upload_id = "gone"

    await send(Client(engine, upload))

    assert ports.http.objects == {"k": SIZE}


async def test_an_end_whose_answer_is_lost_is_settled_by_what_is_stored():
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [ANSWER_LOST]

    proof = await send_multipart(Client(engine, upload))

    assert proof.crc64 == str(crc64_of_zeros(SIZE))
    assert ports.receipts.asked == ["k"]
    assert len(ports.http.parts_sent) == PARTS


async def test_a_lost_end_whose_object_is_another_is_no_success():
    upload, ports, engine = make(LARGE)
    ports.http.plan = [None] * (2 * PARTS + 1) + [ANSWER_LOST]
    original = ports.http._handle

    def damaging(request, body, size):
        reply = original(request, body, size)
        if "k" in ports.http.objects:
            ports.http.objects["k"] = 1
        return reply

    ports.http._handle = damaging

    await send(Client(engine, upload))

    assert upload.key != "k"
    assert ports.http.objects == {"k": 1, upload.key: LARGE}


async def test_what_arrived_damaged_is_replaced_by_the_next_try():
    upload, ports, engine = make(LARGE)
    original = ports.http._handle

    def damaging(request, body, size):
        reply = original(request, body, size)
        if "k" in ports.http.objects:
            ports.http.objects["k"] = 1
            return stored("1")
        return reply

    ports.http._handle = damaging
    with pytest.raises(Corrupt, match="CRC-64"):
        await send(Client(engine, upload))
    ports.http._handle = original
    upload.fail(lost())
    upload.restart()
    upload.go(states.UPLOADING)

    await send(Client(engine, upload))

    assert ports.http.objects == {"k": LARGE}


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_without_receipts_a_lost_end_is_sent_again_under_the_same_key(status):
    upload, ports, engine = make(LARGE)
    ports.http.plan = [None] * (2 * PARTS + 1) + [ANSWER_LOST]
    ports.receipts.errors = [ServerRefused(status)] * 2

    await send(Client(engine, upload))

    assert ports.http.objects == {"k": LARGE}
    assert len(ports.http.parts_sent) == 4 * PARTS


async def test_a_server_that_refuses_to_say_has_not_said_that_nothing_is_stored():
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [ANSWER_LOST]
    ports.receipts.errors = [ServerRefused(403)]

    with pytest.raises(ServerRefused):
        await send_multipart(Client(engine, upload))

    assert len(ports.http.parts_sent) == PARTS


async def test_a_lost_end_waits_for_a_server_that_is_away():
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [ANSWER_LOST]
    ports.receipts.errors = [ServerRefused(0), ServerRefused(503, retry_after_s=7)]

    await send_multipart(Client(engine, upload))

    assert ports.network.waited_s == [0.5, 7]
    assert len(ports.http.parts_sent) == PARTS


async def test_an_upload_that_oss_never_keeps_is_given_up():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None, refused("NoSuchUpload", 404)] * 9

    with pytest.raises(Refused, match="NoSuchUpload"):
        await send_multipart(Client(engine, upload))


async def test_r22_a_whole_that_is_not_the_sum_of_its_parts_is_no_success():
    upload, ports, engine = make()
    ports.http.plan = [None] * (PARTS + 1) + [stored("1")]

    with pytest.raises(Corrupt, match="CRC-64"):
        await send_multipart(Client(engine, upload))

    assert upload.refused.facts()[:3] == (upload.key, upload.file.size, str(crc64_of_zeros(SIZE)))
    assert upload.refused.etag == '"AB"'


async def test_what_arrived_before_an_error_is_not_sent_again():
    upload, ports, engine = make(connections=1)
    ports.http.plan = [None] * 6 + [refused("AccessDenied")]
    with pytest.raises(Refused):
        await send_multipart(Client(engine, upload))
    upload.fail(lost())
    upload.restart()
    upload.go(states.UPLOADING)

    await send_multipart(Client(engine, upload))

    assert sorted(ports.http.parts_sent) == list(range(1, PARTS + 1))
    assert len(ports.http.multiparts) == 0


async def test_a_checkpoint_does_not_wait_for_permission():
    upload, ports, engine = make()
    await engine.journal.load()
    ports.http.plan = [None, None, refused("SecurityTokenExpired")]
    fetch, kept = ports.grants.fetch, []

    async def refuse(**given):
        kept.append(json.loads(ports.storage.texts["k"])["sent"])
        return await fetch(**given)

    ports.grants.fetch = refuse
    ports.grants.errors = [GrantRefused(429), GrantRefused(0), GrantRefused(401)]

    await send_multipart(Client(engine, upload))

    assert ports.http.objects == {"k": SIZE}
    assert kept[-1] == 2 * MIB
    assert ports.grants.errors == []


async def test_abort_leaves_nothing_and_makes_sure_of_it():
    upload, ports, engine = make()
    upload.progress.upload_id = "U1"
    ports.http.multiparts["U1"] = {1: MIB}

    await Client(engine, upload).abort()

    assert ports.http.multiparts == {}
    assert upload.upload_id == ""
    assert [request.method for request in ports.http.requests] == ["DELETE", "GET"]


async def test_r28_abort_is_repeated_while_parts_are_left():
    upload, ports, engine = make()
    upload.progress.upload_id = "U1"
    ports.http.multiparts["U1"] = {1: MIB}
    ports.http.plan = [Reply(204, lambda _name: "", "")]  # confirmed, but not done

    await Client(engine, upload).abort()

    assert [request.method for request in ports.http.requests] == ["DELETE", "GET"] * 2
    assert ports.http.multiparts == {}


async def test_a_list_that_is_refused_does_not_say_that_parts_are_gone():
    upload, ports, engine = make()
    upload.progress.upload_id = "U1"
    ports.http.plan = [None, refused("AccessDenied")]
    ports.http.multiparts["U1"] = {1: MIB}

    with pytest.raises(Refused, match="AccessDenied"):
        await Client(engine, upload).abort()

    assert upload.upload_id == "U1"
