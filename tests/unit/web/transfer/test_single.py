"""Uploads in one request: the request, recovery from errors, and confirmation."""

import asyncio

import pytest

from ossferry_uploader.oss.errors import Corrupt, Lost, OSSError
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable, GrantRefused, ServerRefused
from ossferry_uploader.transfer.options import KEEP_BOTH, REPLACE, Options
from ossferry_uploader.transfer.sending.client import Client
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

STORED = ('"AB"', "5C3D9175B6FC201293AD0001")  # ETag and request id


def make(file=None, clock=None):
    ports = make_ports(clock)
    engine = make_engine(ports)
    upload = Upload(file or FakeFile(), lambda _upload: None)
    upload.target.key = "uploads/alice-1/k/a b.txt"
    upload.go(states.UPLOADING)
    return upload, ports, engine


def busy(retry_after):
    return refused("ServiceUnavailable", 503, retry_after=retry_after)


async def put(plan, **given):
    """Store a file while OSS follows a plan."""
    upload, ports, engine = make(**given)
    ports.http.plan = plan
    await Client(engine, upload).put()
    return upload, ports, engine


@pytest.mark.parametrize("size", [0, 1, 10, 16 * 1024**2], ids=["empty", "1 B", "10 B", "16 MiB"])
async def test_a_file_arrives_with_its_proof(size):
    upload, _, engine = make(FakeFile(size=size))

    proof = await Client(engine, upload).put()

    assert proof.crc64 == str(crc64_of_zeros(size))
    assert (upload.state, upload.sent) == (states.VERIFYING, size)


async def test_the_request_is_what_oss_expects():
    upload, ports, engine = make(FakeFile("a b.txt", content_type=""))

    await Client(engine, upload).put()

    request = ports.http.requests[0]
    assert request.method == "PUT"
    assert request.url == "http://bucket.oss.example/uploads/alice-1/k/a%20b.txt"
    assert ports.http.header(0, "content-type") == "application/octet-stream"
    assert ports.http.header(0, "x-oss-content-sha256") == "UNSIGNED-PAYLOAD"
    assert ports.http.header(0, "x-oss-date") == "20260314T092653Z"
    assert ports.http.header(0, "x-oss-security-token") == "token"
    assert ports.http.header(0, "x-oss-meta-name") == "a%20b.txt"


async def test_who_waits_for_a_place_leaves_with_a_token_that_lives():
    clock = FakeClock()
    ports = make_ports(clock)
    ports.grants.life_s = 8
    ports.http.hold()
    engine = make_engine(ports, connections=1)
    first, second = (Upload(FakeFile(), lambda _upload: None) for _ in range(2))
    for upload in (first, second):
        upload.target.key = f"uploads/alice-1/k/{len(upload.key)}"
        upload.go(states.UPLOADING)
    sending = [asyncio.create_task(Client(engine, upload).put()) for upload in (first, second)]
    await until(lambda: ports.http.running)
    await turns(50)

    clock.advance(9)
    ports.http.release()
    await asyncio.gather(*sending)

    assert ports.grants.fetched == 2
    assert "Credential=STS.1/" in ports.http.header(0, "authorization")
    assert "Credential=STS.2/" in ports.http.header(1, "authorization")


async def test_a_service_that_answers_with_errors_for_a_while_is_told_until_it_does_not():
    upload, ports, engine = make()
    error = refused("InternalError", 500)
    ports.http.plan = [error, error, error, error, error, error]
    told = []
    upload._on_change = lambda changed: told.append(
        (len(ports.http.requests), changed.requests.has_errors)
    )

    await Client(engine, upload).put()

    assert (2, True) not in told  # after half a second
    assert (6, True) in told
    assert told[-1] == (7, False)


async def test_a_line_that_breaks_is_no_error_of_the_service():
    upload, _, _ = await put([lost()] * 6)

    assert not upload.requests.has_errors


async def test_damage_is_sent_again_and_read_once():
    _, ports, _ = await put([stored("8"), stored("9")])

    assert len(ports.http.requests) == 3
    assert ports.checksum.pieces == [(0, 10)]


async def test_damage_that_stays_is_a_failed_upload():
    upload, ports, engine = make()
    ports.http.plan = [stored("8")] * 9

    with pytest.raises(Corrupt) as caught:
        await Client(engine, upload).put()

    assert (caught.value.expected, caught.value.actual) == (str(crc64_of_zeros(10)), "8")
    assert len(ports.http.requests) == 3
    assert upload.refused.facts()[:3] == (upload.key, 10, str(crc64_of_zeros(10)))
    assert upload.refused.facts()[3:] == STORED


async def test_what_a_file_has_replaced_is_not_refused():
    upload, _, _ = await put([stored("8")])

    assert upload.refused is None


@pytest.mark.parametrize(
    ("same_name", "is_careful", "is_refused"),
    [(KEEP_BOTH, False, True), (KEEP_BOTH, True, False), (REPLACE, False, False)],
    ids=["a key of its own", "a key of an earlier page", "the key of an older file"],
)
async def test_what_came_of_a_lost_answer_is_refused_if_the_file_has_changed_since(
    same_name, is_careful, is_refused
):
    upload, ports, engine = make()
    upload.options = Options(same_name=same_name)
    upload.target.maybe_stored = is_careful
    ports.http.plan = [ANSWER_LOST, FileUnreadable("changed", changed=True)]

    with pytest.raises(FileUnreadable):
        await Client(engine, upload).put()

    found = upload.refused.facts() if upload.refused else None
    assert found == ((upload.key, 10, "0", "", "") if is_refused else None)


async def test_what_is_sent_again_is_not_refused_for_the_answer_that_was_lost():
    upload, ports, engine = make()
    ports.http.plan = [FileUnreadable("gone"), None]
    with pytest.raises(FileUnreadable):
        await Client(engine, upload).put()
    ports.http.hold()

    again = asyncio.create_task(Client(engine, upload).put())
    await until(lambda: ports.http.running)

    assert upload.refused is None
    ports.http.release()
    await again


async def test_what_oss_has_of_a_file_that_cannot_be_read_any_more_is_refused():
    upload, ports, engine = make()
    ports.checksum.error = FileUnreadable("changed", changed=True)

    with pytest.raises(FileUnreadable):
        await Client(engine, upload).put()

    assert upload.refused.facts()[:3] == (upload.key, 10, "0")
    assert upload.refused.facts()[3:] == STORED


LOGIN_PAGE = Reply(200, lambda _name: "", "<html>Log in</html>")


BUSY = refused("ServiceUnavailable", 503)
SKEWED = "<ServerTime>2026-03-14T09:36:53.000Z</ServerTime>"


PASSING = {
    "500": ([refused("InternalError", 500)] * 2, [0.5, 1]),
    "503": ([BUSY] * 2, [0.5, 1]),
    "timeout": ([refused("RequestTimeout", 400)] * 2, [0.5, 1]),
    "502": ([refused("UnexpectedAnswer", 502)] * 2, [0.5, 1]),
    "interrupted": ([lost()] * 2, [0.5, 1]),
    "stalled": ([lost(Lost.STALLED)] * 2, [0.5, 1]),
    "answer lost": ([ANSWER_LOST] * 2, [0.5, 1]),
    "login page": ([LOGIN_PAGE] * 2, [0.5, 1]),
    "damage after other trouble": ([BUSY, BUSY, stored("8"), BUSY, stored("8")], [0.5, 1, 2, 4, 8]),
    "a gateway at the very first request": ([lost(Lost.CORS)] * 3, [0.5, 1, 2]),
    "a gateway without CORS headers": (
        [refused("InternalError", 500)] + [lost(Lost.CORS)] * 6,
        [0.5, 1, 2, 4, 8, 15, 15],
    ),
}


@pytest.mark.parametrize(("plan", "slept_s"), PASSING.values(), ids=list(PASSING))
async def test_what_passes_is_waited_out(plan, slept_s):
    _, ports, _ = await put(list(plan))

    assert len(ports.http.requests) == len(slept_s) + 1
    assert ports.clock.slept_s == slept_s
    assert list(ports.http.objects.values()) == [10]


@pytest.mark.parametrize(
    ("answer", "error", "requests"),
    [
        (lost(), "interrupted", 8),
        (LOGIN_PAGE, "UnexpectedAnswer", 8),
        (refused("SecurityTokenExpired"), "SecurityTokenExpired", 3),
        (refused("RequestTimeTooSkewed", extra=SKEWED), "RequestTimeTooSkewed", 3),
        (refused("RequestTimeTooSkewed"), "RequestTimeTooSkewed", 1),
        (refused("AccessDenied"), "AccessDenied", 1),
        (refused("NoSuchBucket", 404), "NoSuchBucket", 1),
    ],
    ids=["interrupted", "login page", "token", "skew", "skew without a time", "policy", "bucket"],
)
async def test_what_does_not_pass_is_given_up_after_some_tries(answer, error, requests):
    upload, ports, engine = make()
    ports.http.plan = [answer] * 20

    with pytest.raises(OSSError, match=error):
        await Client(engine, upload).put()

    assert (len(ports.http.requests), ports.http.objects) == (requests, {})
    assert engine.pool.used == 0


async def test_r04_oss_says_how_long_to_wait():
    _, ports, engine = await put([busy("20")])

    assert 20 <= ports.clock.slept_s[0] <= 21
    assert engine.pool.allowed < engine.pool.most


async def test_whoever_looks_sees_that_a_request_waits_to_be_sent_again():
    upload, ports, engine = make()
    ports.http.plan = [busy("20")]
    seen = []
    sleep = ports.clock.sleep

    async def look(seconds):
        seen.append(upload.requests.is_waiting())
        await sleep(seconds)

    ports.clock.sleep = look
    await Client(engine, upload).put()

    assert (seen, upload.requests.is_waiting()) == ([True], False)


async def test_a_wait_that_a_person_ends_is_over():
    upload, ports, engine = make()
    ports.http.plan = [busy("20")]

    async def never(seconds):
        await asyncio.Event().wait()

    ports.clock.sleep = never
    task = asyncio.create_task(Client(engine, upload).put())
    await until(upload.requests.is_waiting)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert not upload.requests.is_waiting()


async def test_oss_says_until_when_to_wait():
    at = "Sat, 14 Mar 2026 09:27:13 GMT"  # in 20 s, by the correct clock
    _, ports, _ = await put(
        [refused("ServiceUnavailable", 503, retry_after=at)], clock=FakeClock(error_s=-1200)
    )

    assert 20 <= ports.clock.slept_s[0] <= 21


async def test_r09_a_network_that_is_away_costs_nothing():
    _, ports, _ = await put([lost(Lost.UNREACHABLE)] * 50)

    assert len(ports.network.waited_s) == 50
    assert max(ports.network.waited_s) <= 3
    assert ports.clock.slept_s == []


@pytest.mark.parametrize("code", ["SecurityTokenExpired", "InvalidSecurityToken"])
async def test_refused_credentials_are_fetched_again(code):
    _, ports, _ = await put([refused(code)])

    assert ports.grants.refused == ["", "STS.1"]


async def test_a_token_server_that_is_away_makes_uploads_wait():
    upload, ports, engine = make()
    ports.grants.errors = [GrantRefused(0), GrantRefused(503, retry_after_s=7), GrantRefused(429)]

    await Client(engine, upload).put()

    assert ports.network.waited_s == [0.5, 7, 1.5]


async def test_a_token_server_that_says_no_is_the_end():
    upload, ports, engine = make()
    ports.grants.errors = [GrantRefused(502, code="sts-refused")]

    with pytest.raises(GrantRefused):
        await Client(engine, upload).put()

    assert ports.http.requests == []


async def test_r15_a_skewed_clock_is_set_by_what_oss_says():
    _, ports, _ = await put([refused("RequestTimeTooSkewed", extra=SKEWED)])

    assert ports.http.header(1, "x-oss-date") == "20260314T093653Z"


async def test_a_clock_that_is_wrong_signs_with_the_right_time():
    upload, ports, engine = make(clock=FakeClock(error_s=-1200))

    await Client(engine, upload).put()

    assert ports.http.header(0, "x-oss-date") == "20260314T092653Z"


async def test_a_missing_cors_rule_is_final():
    upload, ports, engine = make()
    ports.http.plan = [lost(Lost.CORS)] * 9

    for _ in range(2):
        with pytest.raises(Lost, match="cors"):
            await Client(engine, upload).put()

    assert len(ports.http.requests) == 4 + 1  # fewer retries after the first such failure


async def test_a_file_that_cannot_be_read_for_its_checksum_has_not_arrived():
    upload, ports, engine = make()
    ports.checksum.error = FileUnreadable("NotReadableError")

    with pytest.raises(FileUnreadable):
        await Client(engine, upload).put()


async def test_checksums_that_cannot_be_computed_yet_are_waited_for():
    upload, ports, engine = make()
    ports.checksum.errors = [ServerRefused(0)] * 3

    proof = await Client(engine, upload).put()

    assert proof.crc64 == str(crc64_of_zeros(10))
    assert len(ports.http.requests) == 1
    assert len(ports.network.waited_s) == 3
