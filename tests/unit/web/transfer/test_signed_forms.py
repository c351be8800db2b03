"""Grants with signed forms and without credentials: every file is sent with one form."""

import pytest

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, NoForm, WrongType
from ossferry_uploader.transfer.grants.credentials import OTHER_PLACE
from ossferry_uploader.transfer.options import REPLACE, Options
from ossferry_uploader.transfer.plan import KIB, MIB
from ossferry_uploader.transfer.sending.stream import Stream
from support import pages
from support.fakes import FakeFile, lost, refused, until
from support.pages import ended, send

FORM = [("policy", "p"), ("x-oss-signature", "s"), ("x-oss-credential", "STS.1/x")]
LARGE = 64 * MIB


class World(pages.World):
    """A fake OSS and a fake browser whose pages get signed forms."""

    def page(self, *, has_form=True, connections=2):
        queue, _, ports = super().page(connections=connections)
        ports.grants.form = FORM if has_form else []
        self.keeper = queue._engine.keeper
        return queue, ports

    def methods(self):
        return [request.method for request in self.http.requests]


@pytest.mark.parametrize("size", [0, 10, MIB, LARGE], ids=["empty", "10 B", "1 MiB", "64 MiB"])
async def test_a_file_of_any_size_is_sent_with_one_form(size):
    world = World()
    queue, _ = world.page()

    upload = await send(queue, FakeFile("a.bin", size))

    assert (upload.state, upload.sent) == (states.DONE, size)
    assert world.methods() == ["POST"]
    assert world.http.objects == {upload.key: size}
    assert [world.http.header(0, name) for name, _ in FORM] == [value for _, value in FORM]


@pytest.mark.parametrize(
    ("size", "has_progress"), [(10, False), (256 * KIB, False), (256 * KIB + 1, True)]
)
async def test_a_form_of_a_larger_file_is_sent_with_progress(size, has_progress):
    world = World()
    queue, _ = world.page()

    await send(queue, FakeFile("a.bin", size))

    assert [request.has_progress for request in world.http.requests] == [has_progress]


async def test_the_options_of_an_object_are_fields():
    world = World()
    queue, _ = world.page()

    options = Options(metadata={"order": "7"}, storage_class="IA", same_name=REPLACE)
    upload = await send(queue, FakeFile("a.bin", LARGE), options=options)

    assert world.http.header(0, "key") == upload.key == "uploads/alice-1/a.bin"
    assert world.http.header(0, "x-oss-meta-order") == "7"
    assert world.http.header(0, "x-oss-storage-class") == "IA"


@pytest.mark.parametrize(
    ("types", "content_type", "sent"),
    [
        (["text/csv", "image/png"], "image/png", "image/png"),
        (["text/csv"], "TEXT/CSV; charset=UTF-8", "text/csv"),
        ([], "text/html; charset=UTF-8", "text/html; charset=UTF-8"),
    ],
    ids=["exact", "parameter", "any"],
)
async def test_the_content_type_is_sent_as_the_policy_has_it(types, content_type, sent):
    world = World()
    queue, ports = world.page()
    ports.grants.types = types

    await send(queue, FakeFile("a", 10, content_type=content_type))

    assert world.http.header(0, "x-oss-content-type") == sent


async def test_a_type_that_is_not_allowed_is_refused_in_the_page():
    world = World()
    queue, ports = world.page()
    ports.grants.types = ["image/png"]

    upload = await send(queue, FakeFile("a.txt", 10, content_type="text/plain"))

    assert isinstance(upload.error, WrongType)
    assert world.methods() == []


class Empty:
    """A source of a stream without bytes."""

    async def read(self, size):
        raise EOFError(size)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        (FakeFile("a.txt", 10), Options(tags={"team": "a"})),
        (FakeFile("${filename}", 10), Options()),
        (Stream(Empty(), "a.txt"), Options()),
    ],
    ids=["tags", "variable", "stream"],
)
async def test_what_a_form_cannot_carry_is_told_and_not_sent(file, options):
    world = World()
    queue, _ = world.page()

    upload = await send(queue, file, options=options)

    assert isinstance(upload.error, NoForm)
    assert not upload.may_retry()
    assert world.methods() == []


async def test_a_dollar_sign_alone_is_no_reason_against_a_form():
    world = World()
    queue, _ = world.page()

    upload = await send(queue, FakeFile("~$report.docx", 10))

    assert upload.state == states.DONE


async def test_a_form_that_is_refused_is_not_sent_with_put():
    world = World()
    world.http.plan = [refused("AccessDenied")]
    queue, _ = world.page()

    upload = await send(queue, FakeFile("a.txt", 10))

    assert isinstance(upload.error, Refused)
    assert world.methods() == ["POST"]


async def test_a_file_with_a_speed_limit_is_sent_with_a_form_too():
    world = World()
    queue, _ = world.page()
    queue.speed_limit = 10**6

    await send(queue, FakeFile("a.txt", LARGE))

    assert world.methods() == ["POST"]


async def test_after_a_pause_a_file_starts_again():
    world = World()
    world.http.hold()
    queue, _ = world.page()
    upload = queue.add(FakeFile("a.bin", LARGE))
    await until(lambda: world.http.running)

    upload.pause()
    await until(lambda: upload.state == states.PAUSED and not world.http.running)
    assert upload.sent == 0
    world.http.release()
    upload.resume()
    await ended(upload)

    assert (upload.state, upload.sent) == (states.DONE, LARGE)


async def test_parts_of_an_earlier_page_are_removed_by_the_server_and_the_file_starts_again():
    world = World()
    world.http.hold_after = 4
    earlier, ports = world.page(has_form=False)
    earlier.add(FakeFile("a.bin", LARGE))
    await until(lambda: world.http.hold_after is None and world.storage.texts)
    await world.close(earlier, ports)
    assert world.http.multiparts
    world.http.requests.clear()

    queue, _ = world.page()
    upload = await send(queue, FakeFile("a.bin", LARGE))
    await until(lambda: not world.storage.texts)

    assert upload.state == states.DONE
    assert world.methods() == ["POST"]
    assert world.http.multiparts == {}


async def test_forms_after_credentials_are_another_place():
    world = World()
    _, ports = world.page(has_form=False)
    await world.keeper.get()
    world.clock.advance(ports.grants.life_s)
    ports.grants.form = FORM

    with pytest.raises(GrantRefused) as caught:
        await world.keeper.get()

    assert caught.value.code == OTHER_PLACE


async def test_who_signs_out_leaves_no_signed_form():
    world = World()
    world.page()
    grant = await world.keeper.get()

    world.keeper.forget()

    assert grant.form == []


async def test_a_form_that_oss_finds_too_old_is_fetched_anew():
    world = World()
    world.http.plan = [
        refused(
            "AccessDenied", extra="<Message>Invalid according to Policy: Policy expired.</Message>"
        )
    ]
    queue, ports = world.page()

    upload = await send(queue, FakeFile("a.txt", 10))

    assert upload.state == states.DONE
    assert ports.grants.fetched == 2
    assert world.methods() == ["POST", "POST"]


async def test_large_files_leave_two_connections_to_others():
    world = World()
    world.http.hold()
    queue, _ = world.page(connections=6)
    for number in range(6):
        queue.add(FakeFile(f"large-{number}.bin", LARGE))
    await until(lambda: world.http.running == 4)
    small = queue.add(FakeFile("small.txt", 10))
    await until(lambda: world.http.running == 5)

    assert small.state == states.UPLOADING
    assert world.http.most_running == 5
    world.http.release()
    await until(lambda: len(world.http.objects) == 7)


async def test_with_credentials_all_connections_may_send_large_files():
    world = World()
    world.http.hold()
    queue, _ = world.page(has_form=False, connections=6)
    for number in range(6):
        queue.add(FakeFile(f"large-{number}.bin", LARGE))

    await until(lambda: world.http.running == 6)
    world.http.release()


async def test_tags_of_an_unfinished_upload_are_noticed_too():
    world = World()
    world.http.hold_after = 4
    earlier, ports = world.page(has_form=False)
    earlier.add(FakeFile("a.bin", LARGE), options=Options(tags={"team": "a"}))
    await until(lambda: world.http.hold_after is None and world.storage.texts)
    await world.close(earlier, ports)

    queue, _ = world.page()
    upload = await send(queue, FakeFile("a.bin", LARGE))

    assert isinstance(upload.error, NoForm)
    assert world.http.objects == {}


async def test_an_attempt_that_took_long_does_not_count_as_failing_all_the_time():
    world = World()
    queue, _ = world.page()
    answer, tries = world.http.send, []

    async def breaks_after_half_an_hour(request, body, on_progress):
        if len(tries) < 3:
            tries.append(request)
            world.clock.advance(1800)
            raise lost()
        return await answer(request, body, on_progress)

    world.http.send = breaks_after_half_an_hour

    upload = await send(queue, FakeFile("a.bin", LARGE))

    assert upload.state == states.DONE
