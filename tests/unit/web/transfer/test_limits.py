"""Limits of the grant: violations are reported immediately, and such files are not sent."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import (
    FileTooLarge,
    FileTooSmall,
    TooManyBytes,
    TooManyFiles,
    WrongType,
)
from ossferry_uploader.transfer.grants.limits import Limits, allows
from ossferry_uploader.transfer.queue import Queue
from support.fake_checks import FakeChecks
from support.fakes import FakeFile, make_engine, make_ports
from support.pages import ended, send, turns

PNG = b"\x89PNG\r\n\x1a\n"


def make():
    ports = make_ports()
    return Queue(make_engine(ports, 2), active=2, ahead=0), ports


@pytest.mark.parametrize(
    ("types", "name", "content_type", "fits"),
    [
        ([], "a", "", True),
        (["image/*"], "a.png", "image/png", True),
        (["image/*"], "a.png", "imagery/png", False),
        (["image/*"], "image/", "", False),
        (["image/png"], "a", "IMAGE/PNG", True),
        (["image/png"], "a", "image/png;q=1", True),
        (["image/png"], "a", "image/pngx", False),
        ([".csv"], "A.CSV", "text/csv", True),
        ([".csv"], "csv", "text/csv", False),
        ([".tar.gz", "text/csv"], "a.tar.gz", "", True),
        (["video/*", ".csv"], "a.txt", "text/plain", False),
    ],
)
def test_types_are_matched_as_html_does(types, name, content_type, fits):
    assert allows(types, name, content_type) == fits


@pytest.mark.parametrize(
    ("types", "replaced", "accept"),
    [
        ([], ["*.heic"], ""),
        (["image/jpeg", ".csv"], [], "image/jpeg,.csv"),
        (["image/jpeg", ".heic"], ["*.heic", "*.heif"], "image/jpeg,.heic,.heif"),
        (["image/jpeg"], ["scan*.bmp"], "image/jpeg,.bmp"),
        (["image/jpeg"], ["*"], ""),
        (["image/jpeg"], ["*.bm?"], ""),
        (["image/jpeg"], ["README"], ""),
    ],
)
def test_a_person_can_choose_files_of_the_allowed_types_and_files_that_checks_replace(
    types, replaced, accept
):
    assert Limits(types=types, replaced=replaced).accept() == accept


@pytest.mark.parametrize("known", [True, False], ids=["grant is here", "grant comes later"])
async def test_what_does_not_fit_is_told_before_its_turn(known):
    queue, ports = make()
    ports.grants.types = ["image/*"]
    ports.grants.max_file_size = 10
    ports.grants.max_files = 4
    grant = await ports.grants.fetch()
    ports.http.hold()
    if known:
        queue.allow(grant.limits)
    for number in range(3):
        queue.add(FakeFile(f"{number}.png", 5, content_type="image/png"))
    wrong = queue.add(FakeFile("a.txt", 5, content_type="text/plain"))
    large = queue.add(FakeFile("b.png", 11, content_type="image/png"))
    queue.add(FakeFile("c.png", 5, content_type="image/png"))
    many = queue.add(FakeFile("d.png", 5, content_type="image/png"))
    queue.allow(grant.limits)

    assert [type(each.error) for each in (wrong, large, many)] == [
        WrongType,
        FileTooLarge,
        TooManyFiles,
    ]
    await turns(40)
    ports.http.release()
    await ended(*queue.uploads)
    assert len(ports.http.objects) == 4


@pytest.mark.parametrize(
    ("head", "state"), [(PNG, states.DONE), (b"%PDF-", states.FAILED), (b"?", states.FAILED)]
)
async def test_the_first_bytes_decide_where_the_browser_knows_no_type(head, state):
    queue, ports = make()
    ports.grants.types = ["image/*"]

    file = FakeFile("picture", content_type="")
    file.first = head
    upload = await send(queue, file)

    assert upload.state == state
    assert len(ports.http.requests) == (state == states.DONE)


async def test_a_retry_does_not_get_round_the_types():
    queue, ports = make()
    ports.grants.types = [".csv"]
    upload = await send(queue, FakeFile("a.txt"))

    queue.retry_failed()
    assert (upload.state, upload.may_retry()) == (states.FAILED, False)
    upload.retry()
    await ended(*queue.uploads)

    assert isinstance(upload.error, WrongType)
    assert ports.http.requests == []


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (FakeFile("a.png", 5, content_type="image/png"), None),
        (FakeFile("a.gif", 5, content_type="image/gif"), WrongType),  # only the grant allows it
        (FakeFile("a.txt", 5, content_type="text/plain"), WrongType),  # only the site allows it
        (FakeFile("a.png", 8, content_type="image/png"), FileTooLarge),
        (FakeFile("a.png", 1, content_type="image/png"), FileTooSmall),
    ],
    ids=["both", "grant only", "site only", "larger than the grant allows", "smaller"],
)
def test_a_file_has_to_fit_the_limits_of_the_grant_and_of_the_site(file, error):
    grant = Limits(max_file_size=7, max_files=100, types=["image/*"])
    site = Limits(max_file_size=9, types=["image/png", ".txt"], min_file_size=2)

    refusal = site.within(grant).refusal(file)

    assert (None if refusal is None else type(refusal)) == error
    assert site.within(grant).max_files == 100


async def test_finished_files_count_where_the_site_limits_the_total():
    queue, ports = make()
    ports.grants.max_files = 100
    site = Limits(types=[], max_total=2)
    granted = ports.grants.fetch

    async def fetch(**given):
        grant = await granted(**given)
        grant.limits = site.within(grant.limits)
        return grant

    ports.grants.fetch = fetch
    first = await send(queue, FakeFile("a.txt"))
    second = queue.add(FakeFile("b.txt"))
    third = queue.add(FakeFile("c.txt"))

    assert second.error is None
    assert (type(third.error), third.error.limit, third.error.is_total) == (TooManyFiles, 2, True)
    await ended(*queue.uploads)
    queue.remove(first)
    third.retry()
    assert queue.add(FakeFile("d.txt")).error is not None


async def test_a_file_that_a_person_paused_at_once_is_told_when_the_grant_comes():
    queue, ports = make()
    ports.grants.types = ["image/*"]
    wrong = queue.add(FakeFile("a.txt", 5, content_type="text/plain"))
    right = queue.add(FakeFile("a.png", 5, content_type="image/png"))
    wrong.pause()
    right.pause()

    queue.allow((await ports.grants.fetch()).limits)

    assert (wrong.state, type(wrong.error)) == (states.FAILED, WrongType)
    assert right.state == states.PAUSED
    assert ports.http.requests == []


async def test_nothing_is_sent_before_there_are_enough_files():
    queue, ports = make()
    queue.min_files = 3
    first = queue.add(FakeFile("a.txt"))
    second = queue.add(FakeFile("b.txt"))
    second.cancel()
    third = queue.add(FakeFile("c.txt"))
    queue.pause(third)
    queue.leave(third, True)  # cancelled, but a person may undo it
    queue.add(FakeFile("d.txt"))
    await turns(40)

    assert (queue.missing_files(), ports.http.requests) == (1, [])
    queue.leave(third, False)
    await ended(first)
    queue.retry(third)
    await ended(*queue.uploads)
    assert len(ports.http.objects) == 3
    later = queue.add(FakeFile("e.txt"))
    await ended(later)
    assert later.state == states.DONE


async def test_an_upload_waits_for_others_where_the_grant_comes_late():
    ports = make_ports()
    ports.checks = FakeChecks()  # as in a page
    queue, fetch = Queue(make_engine(ports)), ports.grants.fetch

    async def late(**given):
        grant = await fetch(**given)
        queue.min_files = 2
        return grant

    ports.grants.fetch = late
    first = queue.add(FakeFile("a.txt"))
    await turns(40)

    assert (first.state, ports.http.requests) == (states.WAITING, [])
    await ended(first, queue.add(FakeFile("b.txt")))
    assert len(ports.http.objects) == 2


async def test_all_files_together_have_a_largest_size():
    queue, _ = make()
    limits = Limits(types=[], max_total_size=10).within(Limits(types=[], max_total_size=20))
    early = [queue.add(FakeFile(f"{number}.txt", 4)) for number in range(3)]
    for upload in early:
        upload.pause()

    queue.allow(limits)

    assert [type(each.error) for each in early] == [type(None), type(None), TooManyBytes]
    queue.remove(early[2])
    large = queue.add(FakeFile("d.txt", 3))
    assert (type(large.error), large.error.size, large.error.limit) == (TooManyBytes, 11, 10)
    early[0].cancel()
    assert queue.add(FakeFile("e.txt", 6)).error is None
