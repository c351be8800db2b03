"""Multipart uploads whose initiation got no response: none of them remains."""

import asyncio

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.plan import MIB
from support import pages
from support.fakes import ANSWER_LOST, FakeFile, refused, until
from support.pages import store

SIZE = 64 * MIB


class World(pages.World):
    """A fake OSS, a fake browser, and any number of its pages."""

    async def begun_in_vain(self):
        """Return an upload whose InitiateMultipartUpload reached OSS, but the reply is lost."""
        self.http.plan = [ANSWER_LOST]
        queue, _, ports = self.page()
        send = self.http.send

        async def hold_the_next(request, body, on_progress):
            if self.http.begun:
                self.http.hold()
            return await send(request, body, on_progress)

        self.http.send = hold_the_next
        upload = queue.add(FakeFile("a.bin", SIZE))
        await until(lambda: self.http.begun and self.http.running == 1)
        self.http.send = send
        return queue, upload, ports


async def test_a_begin_whose_answer_is_lost_leaves_nothing():
    world = World()
    world.http.plan = [ANSWER_LOST, ANSWER_LOST, refused("InternalError", 500)]
    queue, _, _ = world.page()

    upload = queue.add(FakeFile("a.bin", SIZE))
    await until(lambda: upload.state == states.DONE and world.http.multiparts == {})

    assert len(world.http.begun) == 3
    assert sorted(world.http.parts_sent) == list(range(1, 9))


@pytest.mark.parametrize("action", ["pause", "cancel"])
async def test_what_stops_before_it_is_known_to_have_begun_leaves_nothing(action):
    world = World()
    _, upload, _ = await world.begun_in_vain()

    getattr(upload, action)()
    world.http.release()
    if action == "pause":
        await until(lambda: upload.state == states.PAUSED)
        upload.resume()
        await until(lambda: upload.state == states.DONE)

    await until(lambda: world.http.multiparts == {})
    assert len(world.http.objects) == (action == "pause")


async def test_the_next_page_removes_what_a_page_has_begun_in_its_last_moment():
    world = World()
    queue, upload, ports = await world.begun_in_vain()
    await until(lambda: world.storage.texts)
    queue.pause(upload)  # simulates the end of its requests
    await until(lambda: not world.http.running)
    ports.tabs.close()
    world.http.release()
    later, _, _ = world.page()

    upload = later.add(FakeFile("a.bin", SIZE))
    await until(lambda: upload.state == states.DONE and world.http.multiparts == {})

    assert len(world.http.begun) == 2


@pytest.mark.parametrize("is_closed", [True, False])
async def test_what_a_closed_page_has_begun_in_vain_is_removed_at_the_next_start(is_closed):
    world = World()
    world.http.plan = [ANSWER_LOST, ANSWER_LOST]
    queue, _, ports = world.page()
    send = world.http.send

    async def hold_the_third(request, body, on_progress):
        if len(world.http.begun) == 2:
            world.http.hold()
        return await send(request, body, on_progress)

    world.http.send = hold_the_third
    upload = queue.add(FakeFile("a.bin", SIZE))
    await until(lambda: len(world.http.begun) == 2 and world.http.running == 1)
    await until(lambda: world.storage.texts)
    world.http.send = send
    begun = [
        {"key": upload.key, "upload_id": each, "size": 0, "began_at": "2026-03-14T09:26:52Z"}
        for each in world.http.begun
    ]
    queue.pause(upload)  # simulates the end of its requests
    await until(lambda: not world.http.running)
    if is_closed:
        ports.tabs.close()
    world.http.release()

    later, _, _ = world.page()
    offered = await later.unfinished.find()
    removing = asyncio.create_task(later.unfinished.remove_empty(begun))
    await until(removing.done)

    assert world.http.multiparts == ({} if is_closed else {"U1": {}, "U2": {}})
    assert [record.name for record in offered] == (["a.bin"] if is_closed else [])


async def test_a_begin_that_oss_has_refused_leaves_nothing_to_look_for():
    world = World()
    world.http.plan = [refused("SecurityTokenExpired")]
    queue, _, ports = world.page()
    asked = []
    begun_empty = ports.receipts.begun_empty

    async def count(key):
        asked.append(key)
        return await begun_empty(key)

    ports.receipts.begun_empty = count

    await store(queue, FakeFile("a.bin", SIZE))

    assert asked == []


async def test_a_server_that_does_not_know_costs_the_upload_nothing():
    world = World()
    world.http.plan = [ANSWER_LOST]
    queue, _, ports = world.page()

    async def refuse(key):
        raise ServerRefused(404)

    ports.receipts.begun_empty = refuse

    upload = await store(queue, FakeFile("a.bin", SIZE))

    assert world.http.objects == {upload.key: SIZE}


async def test_of_what_other_devices_have_begun_the_empty_is_not_offered():
    world = World()
    queue, _, _ = world.page()
    await queue.unfinished.find()
    begun = [{"key": "k", "upload_id": "A1", "size": 5}, {"key": "k", "upload_id": "A2", "size": 0}]

    assert await queue.unfinished.of_other_devices(begun) == begun[:1]
    assert await queue.unfinished.of_other_devices(begun) == begun[:1]


async def test_what_has_been_empty_for_a_day_is_removed_by_whoever_comes():
    world = World()
    queue, _, _ = world.page()
    await queue.unfinished.find()
    world.http.multiparts = {"A1": {}, "A2": {}, "A3": {1: 5}}
    begun = [
        {"key": "k", "upload_id": "A1", "size": 0, "began_at": "2026-03-13T09:26:52Z"},
        {"key": "k", "upload_id": "A2", "size": 0, "began_at": "2026-03-13T09:26:54Z"},
        {"key": "k", "upload_id": "A3", "size": 5, "began_at": "2026-03-01T00:00:00Z"},
    ]

    await queue.unfinished.remove_empty(begun)

    assert sorted(world.http.multiparts) == ["A2", "A3"]
