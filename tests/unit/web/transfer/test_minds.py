"""Actions that follow another action before it has ended: stop, repeat, cancel and undo."""

import asyncio
import json

import pytest

from ossferry_uploader.oss.errors import Lost
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.options import REFUSE, REPLACE, Options
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeFile, lost, make_engine, make_ports, refused, until
from support.pages import half_sent, turns

SIZE = 40 * MIB  # five parts


def make(parallel=3):
    ports = make_ports()
    return Queue(make_engine(ports, parallel), active=parallel, ahead=0), ports


async def two_sent(queue, ports, *, size=SIZE, **options):
    """Return an upload with two stored parts; further parts are held until `release`."""
    return await half_sent(queue, ports, FakeFile("a.bin", size), 2, Options(**options))


@pytest.mark.parametrize("stop", ["pause", "cancel"])
@pytest.mark.parametrize("moment", ["begun", "offline"])
async def test_a_listener_may_stop_an_upload_from_within_it(stop, moment):
    queue, ports = make()
    if moment == "offline":
        ports.http.plan = [lost(Lost.UNREACHABLE)]
        ports.network.hold()
    else:
        ports.http.hold()
    heard = []

    def listen(upload):
        now = states.UPLOADING if moment == "begun" else upload.paused_for
        if not heard and now == (upload.state if moment == "begun" else states.FOR_NETWORK):
            heard.append(upload.state)
            getattr(upload, stop)()

    queue.on_change(listen)
    upload = queue.add(FakeFile("a.txt"))
    await until(lambda: heard)
    by_person = (states.PAUSED, states.BY_PERSON)
    wanted = by_person if stop == "pause" else (states.CANCELLED, "")
    await until(lambda: (upload.state, upload.paused_for) == wanted)
    queue.cancel_all()

    await until(lambda: upload.state == states.CANCELLED)


async def test_a_listener_may_take_a_pause_back():
    queue, ports = make()
    ports.http.hold()
    upload = queue.add(FakeFile("a.txt"))
    await until(lambda: ports.http.running)
    queue.on_change(lambda each: each.resume() if each.paused_for == states.BY_PERSON else None)

    upload.pause()
    ports.http.release()

    await until(lambda: upload.state == states.DONE)


async def test_a_listener_may_cancel_what_has_just_been_paused():
    queue, ports = make()
    upload = await two_sent(queue, ports)
    queue.on_change(lambda each: each.cancel() if each.paused_for == states.BY_PERSON else None)

    upload.pause()
    ports.http.release()

    await until(lambda: upload.state == states.CANCELLED and not ports.http.multiparts)


@pytest.mark.parametrize("ends", [states.FAILED, states.CANCELLED])
async def test_a_listener_may_repeat_what_has_just_ended_and_it_is_not_given_up(ends):
    queue, ports = make()
    upload = await two_sent(queue, ports, size=2 * SIZE)
    repeated = []

    def listen(each):
        if each.state == ends and not repeated:
            repeated.append(each.record.upload_id)
            ports.http.hold_after = len(ports.http.parts_sent) + 2
            each.retry()

    queue.on_change(listen)
    if ends == states.FAILED:
        ports.http.plan = [FileUnreadable("NotReadableError", changed=True)]
    else:
        upload.cancel()
    ports.http.release()
    await until(lambda: repeated and upload.record.upload_id != repeated[0])

    record = json.loads(ports.storage.texts[upload.key])
    assert (record["upload_id"], record["given_up"]) == (upload.upload_id, False)


async def test_r28_a_cancel_that_is_repeated_while_the_first_cleans_up_leaves_no_part():
    queue, ports = make()
    upload = await two_sent(queue, ports)
    upload.cancel()
    await until(lambda: upload.state == states.CANCELLED)
    ports.http.plan = [refused("AccessDenied")]  # the first attempt to remove it fails

    upload.retry()
    upload.cancel()
    ports.http.release()

    await until(lambda: not ports.http.multiparts)
    assert upload.state == states.CANCELLED


async def test_an_old_clean_up_leaves_alone_what_a_person_has_begun_again():
    queue, ports = make()
    upload = await two_sent(queue, ports)
    later = []

    async def sleep(_seconds):
        later.append(asyncio.Event())
        await later[-1].wait()

    ports.clock.sleep = sleep
    ports.http.plan = [refused("AccessDenied")]
    upload.cancel()
    ports.http.release()
    await until(lambda: later)
    ports.http.hold()
    upload.retry()
    await until(lambda: ports.http.running)
    upload.pause()
    queue.leave(upload, True)  # the view's cancel, which can be undone
    later[0].set()
    await turns()
    queue.leave(upload, False)
    upload.resume()
    ports.http.release()

    await until(lambda: upload.state == states.DONE)
    assert sorted(ports.http.parts_sent) == [1, 2, 3, 4, 5]


async def test_a_cancel_at_the_end_does_not_read_the_file_again():
    queue, ports = make()
    ports.http.hold_after = 5
    upload = queue.add(FakeFile("a.bin", SIZE))
    await until(lambda: upload.state == states.VERIFYING and ports.http.hold_after is None)
    read = len(ports.checksum.pieces)

    upload.cancel()
    ports.http.release()
    await until(lambda: upload.state == states.CANCELLED and not ports.http.multiparts)
    await turns()

    assert len(ports.checksum.pieces) == read


async def test_what_was_cancelled_does_not_count_and_nothing_counts_twice():
    queue, ports = make(parallel=1)
    queue.allow(Limits(max_file_size=10**12, max_files=3, types=[]))
    ports.grants.max_files = 3
    ports.http.hold()
    queue.add(FakeFile("a.txt"))
    first, second = queue.add(FakeFile("b.txt")), queue.add(FakeFile("c.txt"))
    first.send_next()
    first.pause()
    first.resume()
    second.cancel()

    third, fourth = queue.add(FakeFile("d.txt")), queue.add(FakeFile("e.txt"))

    assert (third.state, fourth.state) == (states.WAITING, states.FAILED)


@pytest.mark.parametrize("policy", [REPLACE, REFUSE])
async def test_two_files_of_one_key_go_one_after_the_other(policy):
    queue, ports = make()
    first = await two_sent(queue, ports, same_name=policy)
    second = queue.add(FakeFile("a.bin", 2 * SIZE, modified=5), Options(same_name=policy))
    at_once = []

    def both_ended():
        at_once.append(len(ports.http.multiparts))
        return first.state == states.DONE and second.state in states.ENDED

    ports.http.release()
    await until(both_ended)

    assert max(at_once) == 1
    assert second.state == (states.DONE if policy == REPLACE else states.FAILED)
    assert ports.http.objects == {first.key: SIZE if policy == REFUSE else 2 * SIZE}


async def test_an_upload_that_is_paused_before_its_record_is_written_gets_one():
    queue, ports = make()
    take, gate = ports.tabs.take, asyncio.Event()
    ports.http.hold_after = 1
    upload = queue.add(FakeFile("a.bin", 10 * SIZE))

    async def take_later(name):
        if name == upload.key:
            await gate.wait()
        return await take(name)

    ports.tabs.take = take_later
    await until(lambda: upload.upload_id)
    upload.pause()
    await until(lambda: upload.state == states.PAUSED)
    gate.set()

    upload.resume()
    await until(lambda: ports.http.parts_sent)

    assert json.loads(ports.storage.texts[upload.key])["upload_id"] == upload.upload_id
