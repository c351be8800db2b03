"""Another name and the operator's fields, before a file is sent."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.verdict import Refusal, Verdict
from ossferry_uploader.transfer.errors import IllegalMove, WrongType
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, Options, metadata_of, name_of
from ossferry_uploader.transfer.queue import Queue
from support.fake_checks import FakeChecks
from support.fakes import FakeFile, make_engine, make_ports, until
from support.pages import World, ended, send, turns

TITLE = metadata_of("the_title")


def make(*patterns):
    ports = make_ports()
    if patterns:
        ports.grants.features = ["checks"]
        ports.checks = FakeChecks(*patterns)
    queue = Queue(make_engine(ports))
    return queue, ports


async def held(queue, file=None):
    """Return an upload that waits for its title."""
    queue.required = [TITLE]
    upload = queue.add(file or FakeFile("a.txt"))
    await until(lambda: upload.paused_for == states.FOR_DETAILS)
    return upload


def headers_of(ports):
    return dict(ports.http.requests[-1].headers)


@pytest.mark.parametrize(
    ("given", "chosen", "sent", "name"),
    [
        ("", "a.heic", "a.jpg", "a.jpg"),
        ("b.heic", "a.heic", "a.heic", "b.heic"),
        ("b.heic", "a.heic", "a.jpg", "b.jpg"),
        ("b.HEIC", "a.heic", "a.jpg", "b.jpg"),
        ("b.jpg", "a.heic", "a.jpg", "b.jpg"),
        ("b", "a.heic", "a.jpg", "b.jpg"),
        ("b.c", "a.heic", "a.jpg", "b.c.jpg"),
        ("b.csv", "a.log", "b.json", "b.json"),
        ("b", "README", "README", "b"),
    ],
)
def test_a_name_gets_the_ending_of_the_file_that_checks_have_made(given, chosen, sent, name):
    assert name_of(given, chosen, sent) == name


async def test_a_file_waits_until_the_required_fields_are_filled_in():
    queue, ports = make()
    upload = await held(queue)
    await turns()
    assert ports.http.requests == []

    queue.describe(upload, "b.txt", {TITLE: "Dünen"})
    await ended(upload)

    assert (upload.state, upload.name, upload.key[-6:]) == (states.DONE, "b.txt", "/b.txt")
    headers = headers_of(ports)
    assert headers["x-oss-meta-field-the-title"] == "D%C3%BCnen"
    assert headers["x-oss-meta-name"] == "b.txt"
    with pytest.raises(IllegalMove):
        queue.describe(upload, "c.txt", {})


async def test_fields_are_stored_as_tags_storage_class_and_disposition():
    queue, ports = make()
    upload = await held(queue)
    upload.use(upload.file, Options(tags={"team": ""}, storage_class="Archive"))
    queue.edit(upload, True)
    queue.describe(upload, "a.txt", {"tags.project": "fall", "stored.disposition": "inline"})
    queue.describe(upload, "a.txt", {"tags.project": "", "tags.season": "spring"})
    queue.describe(upload, "a.txt", {"stored.storage_class": "IA", TITLE: "x"})
    queue.describe(upload, "a.txt", {"stored.disposition": ""})
    queue.edit(upload, False)
    await ended(upload)

    headers = headers_of(ports)
    assert headers["x-oss-tagging"] == "season=spring&team="
    assert headers["x-oss-storage-class"] == "IA"
    assert "content-disposition" not in headers


@pytest.mark.parametrize("name", ["b.exe", "b"])
async def test_a_name_whose_ending_is_not_allowed_is_refused(name):
    queue, _ = make()
    queue.allow(Limits(types=[".txt"]))
    upload = await held(queue)

    with pytest.raises(WrongType):
        queue.describe(upload, name, {TITLE: "x"})

    assert (upload.name, upload.paused_for) == ("a.txt", states.FOR_DETAILS)


async def test_another_name_leaves_the_random_part_that_the_files_of_a_folder_share():
    queue, _ = make()
    upload = await held(queue, FakeFile("a.txt", path="trip"))
    upload.target.folder_id = "f" * 32

    queue.describe(upload, "a.txt", {TITLE: ""})
    assert upload.target.folder_id == "f" * 32  # only the details have changed
    queue.describe(upload, "b.txt", {TITLE: "x"})
    await ended(upload)

    assert "f" * 32 not in upload.key
    assert upload.key.endswith("/trip/b.txt")


async def test_too_much_text_is_refused_before_anything_changes():
    queue, _ = make()
    upload = await held(queue)

    with pytest.raises(ValueError, match="bytes of metadata"):
        queue.describe(upload, "b.txt", {TITLE: "x" * 6000})

    assert (upload.name, upload.options.given) == ("a.txt", {})


async def test_checks_look_again_at_a_file_with_another_name_and_keep_its_details():
    queue, ports = make("*.csv")
    upload = await held(queue, FakeFile("a.csv"))

    queue.describe(upload, "b.csv", {TITLE: "x"})
    await ended(upload)

    assert ports.checks.seen == ["a.csv", "b.csv"]
    assert (upload.name, upload.options.details()) == ("b.csv", {TITLE: "x"})


@pytest.mark.parametrize("name", ["b.jpg", "b", "b.heic"])
async def test_a_file_that_a_check_has_converted_is_converted_under_its_new_name(name):
    queue, ports = make("*.heic")
    for stem in "ab":
        ports.checks.verdicts[f"{stem}.heic"] = Verdict(file=FakeFile(f"{stem}.jpg"))
    upload = await held(queue, FakeFile("a.heic"))

    queue.describe(upload, name, {TITLE: "x"})
    await ended(upload)

    assert ports.checks.seen == ["a.heic", "b.heic"]
    assert (upload.name, upload.file.name) == ("b.jpg", "b.jpg")


async def test_a_name_that_a_check_refuses_can_be_changed_again():
    queue, ports = make("*.csv")
    ports.checks.verdicts["b.csv"] = Verdict(refusal=Refusal("names", "No b."))
    upload = await held(queue, FakeFile("a.csv"))
    queue.describe(upload, "b.csv", {TITLE: "x"})
    await ended(upload)
    refused = upload.state

    queue.describe(upload, "c.csv", {TITLE: "y"})
    await ended(upload)

    assert (refused, upload.state, upload.name) == (states.FAILED, states.DONE, "c.csv")
    assert (ports.checks.seen, upload.options.details()) == (
        ["a.csv", "b.csv", "c.csv"],
        {TITLE: "y"},
    )
    assert not queue.is_sending()


async def test_what_a_check_has_found_lets_the_file_wait_until_it_is_used():
    queue, ports = make("*.csv")
    ports.checks.verdicts["a.csv"] = Verdict(details={"the_title": "found"})
    upload = queue.add(FakeFile("a.csv"))
    await until(lambda: upload.paused_for == states.FOR_DETAILS)

    found, upload.check.details = upload.check.details, {}
    queue.describe(upload, "a.csv", {TITLE: found["the_title"]})
    await ended(upload)

    assert upload.options.details() == {TITLE: "found"}
    assert ports.checks.seen == ["a.csv"]


async def test_an_open_dialog_holds_the_file():
    queue, ports = make()
    upload = queue.add(FakeFile("a.txt"))
    queue.edit(upload, True)
    await until(lambda: upload.paused_for == states.FOR_DETAILS)
    queue.describe(upload, "b.txt", {})
    await turns()
    assert (upload.paused_for, ports.http.requests) == (states.FOR_DETAILS, [])

    queue.edit(upload, False)
    await ended(upload)

    assert upload.key.endswith("/b.txt")


async def test_a_paused_file_stays_paused():
    queue, _ = make()
    upload = queue.add(FakeFile("a.txt"))
    upload.pause()

    queue.describe(upload, "b.txt", {})
    await turns()

    assert (upload.paused_for, upload.name) == (states.BY_PERSON, "b.txt")


@pytest.mark.parametrize("same_name", [KEEP_BOTH, REFUSE])
async def test_the_next_page_knows_name_and_details_by_the_chosen_file(same_name):
    world = World()
    queue, _, ports = world.page()
    queue.required = [TITLE]
    upload = queue.add(FakeFile("a.txt"), Options(same_name=same_name))
    await until(lambda: upload.paused_for == states.FOR_DETAILS)
    upload.pause()
    queue.describe(upload, "b.txt", {TITLE: "x"})
    queue.write_now()
    await until(lambda: len(world.storage.texts) == 1 and upload.record.saved[0] == upload.key)
    await world.close(queue, ports)

    later, journal, _ = await world.next_page()
    later.required = [TITLE]
    assert [record.options.name for record in journal.unfinished] == ["b.txt"]
    again = await send(later, FakeFile("a.txt"))

    assert (again.state, again.name, again.options.details()) == (
        states.DONE,
        "b.txt",
        {TITLE: "x"},
    )
    assert again.key == upload.key
    assert len(world.http.objects) == 1


async def test_a_page_that_was_closed_before_details_were_filled_in_still_asks():
    world = World()
    queue, _, ports = world.page()
    upload = await held(queue)
    queue.write_now()
    await until(lambda: upload.record.saved[0])
    await world.close(queue, ports)

    later, _, _ = await world.next_page()
    again = await held(later)
    later.describe(again, "a.txt", {TITLE: "x"})
    await ended(again)

    assert again.options.details() == {TITLE: "x"}
    assert len(world.http.objects) == 1


async def test_another_name_is_another_object_even_if_another_tab_has_stored_the_file():
    world = World()
    first, _, _ = world.page()
    second, _, _ = world.page()
    await send(first, FakeFile("a.txt"))
    upload = second.add(FakeFile("a.txt"))
    upload.pause()
    second.describe(upload, "b.txt", {})
    upload.resume()
    await ended(upload)

    assert not upload.identical
    assert len(world.http.objects) == 2
