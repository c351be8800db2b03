"""The choice of an origin: after the first answers, after failures, and without a network."""

import asyncio

import pytest

from ossferry_uploader.oss.errors import UNEXPECTED, Lost, Refused
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.oss.requests import Bucket
from ossferry_uploader.oss.signing import Credentials
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.grants.grant import Grant
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.grants.origins import AGAIN_S, GRACE_S, LIMIT_S, PAUSE_S, Origins
from ossferry_uploader.transfer.pacing.task_group import run_all
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.upload import Upload
from support.fakes import (
    START_S,
    FakeClock,
    FakeFile,
    lost,
    make_engine,
    make_ports,
    refused,
    until,
)
from support.pages import turns

ONE = "https://one.example"
TWO = "https://two.example:8443"
THREE = "https://three.example"
PUBLIC = "http://bucket.oss.example"
FORBIDDEN = Refused("PublicEndpointForbidden", 400)


class Alarms(FakeClock):
    """A clock on which sleepers wake when a test moves it past their time."""

    def __init__(self):
        super().__init__()
        self.sleepers = []

    async def sleep(self, seconds):
        woken = asyncio.Event()
        self.sleepers.append((self.true_s + seconds, woken))
        await woken.wait()

    async def go_on(self, seconds):
        self.advance(seconds)
        for at_s, woken in self.sleepers:
            if at_s <= self.true_s:
                woken.set()
        await turns(10)


class Hosts:
    """The responses of all origins: `None` for success, or an error; no entry until it responds."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        self._waiting = []

    def answer(self, *origins):
        """Let these origins respond now."""
        for origin in origins:
            self.answers[origin] = None
        for event in self._waiting:
            event.set()

    async def ask(self, _grant, bucket):
        origin = bucket.origin
        self.asked.append(origin)
        while origin not in self.answers:
            event = asyncio.Event()
            self._waiting.append(event)
            await event.wait()
        await asyncio.sleep(0)
        if self.answers[origin]:
            raise self.answers[origin]


async def awake(clock):
    """Advance the clock until all sleepers of up to 20 minutes have woken."""
    for _ in range(20):
        await turns(10)
        await clock.go_on(60)


def make_grant(*origins):
    return Grant(
        credentials=Credentials("STS.1", "secret", "token"),
        bucket=Bucket("bucket", "cn-hangzhou", "http://oss.example", origins=origins),
        prefix="uploads/alice-1/",
        expires_at_s=START_S + 900,
        server_time_s=START_S,
        limits=Limits(max_file_size=10**14, max_files=10, types=[]),
        principal="Alice",
    )


def make(*origins):
    clock, hosts = Alarms(), Hosts()
    return Origins(clock, hosts.ask), make_grant(*origins), hosts, clock


async def chosen(origins, grant):
    return (await origins.at(grant)).origin


async def make_found(*failing):
    """Return origins that have chosen ONE; then all origins in `failing` stop responding."""
    origins, grant, hosts, clock = make(ONE, TWO)
    hosts.answers = {ONE: None, TWO: None}
    assert await chosen(origins, grant) == ONE
    for origin in failing:
        hosts.answers[origin] = Lost(Lost.UNREACHABLE)
    hosts.asked = []
    clock.advance(PAUSE_S)
    return origins, grant, hosts, clock


async def lose(origins, grant, times=1, error=None):
    used = await origins.at(grant)
    moved = False
    for _ in range(times):
        moved = await origins.failed(grant, used, error or Lost(Lost.UNREACHABLE))
    return moved


async def test_the_check_that_begins_with_the_grant_is_the_one_the_first_request_waits_for():
    origins, grant, hosts, _ = make(ONE, TWO)
    origins.prepare(grant)
    await turns(10)
    found = []

    async def ask():
        found.append(await chosen(origins, grant))

    first = asyncio.create_task(ask())
    await turns(10)
    assert not found
    hosts.answer(ONE, TWO)
    await first

    assert found == [ONE]
    assert hosts.asked == [ONE, TWO]


async def test_a_renewed_grant_begins_no_check_if_the_origin_works():
    origins, _, hosts, clock = await make_found()
    clock.advance(AGAIN_S)
    origins.prepare(make_grant(ONE, TWO))
    await turns(10)

    assert hosts.asked == []


@pytest.mark.parametrize("given", [(), (ONE,)], ids=["an older server", "a custom domain"])
async def test_with_one_origin_the_grant_begins_no_check(given):
    origins, grant, hosts, _ = make(*given)
    origins.prepare(grant)
    await turns(10)

    assert hosts.asked == []


@pytest.mark.parametrize("given", [(), (ONE,)], ids=["an older server", "a custom domain"])
async def test_with_one_origin_nothing_is_asked_and_no_failure_moves_it(given):
    origins, grant, hosts, _ = make(*given)

    used = await origins.at(grant)
    moved = False
    for error in [lost(), FORBIDDEN] * 3:
        moved = moved or await origins.failed(grant, used, error)

    assert used.origin == (given[0] if given else PUBLIC)
    assert (moved, hosts.asked) == (False, [])


async def test_the_first_in_the_order_of_the_grant_is_taken_if_it_answers_in_time():
    origins, grant, hosts, clock = make(ONE, TWO)
    waiting = [asyncio.create_task(chosen(origins, grant)) for _ in range(3)]
    await turns(10)
    hosts.answer(TWO)
    await turns(10)
    await clock.go_on(GRACE_S * 0.9)
    assert not any(task.done() for task in waiting)

    hosts.answer(ONE)

    for task in waiting:
        assert await task == ONE
    assert hosts.asked == [ONE, TWO]


@pytest.mark.parametrize(("took_s", "longer_s"), [(0, GRACE_S), (2, 2)])
async def test_an_origin_that_is_much_slower_than_a_later_one_is_not_waited_for(took_s, longer_s):
    origins, grant, hosts, clock = make(ONE, TWO)
    waiting = asyncio.create_task(chosen(origins, grant))
    await turns(10)
    await clock.go_on(took_s)
    hosts.answer(TWO)
    await turns(10)
    await clock.go_on(longer_s * 0.9)
    assert not waiting.done()

    await clock.go_on(longer_s * 0.1)

    assert await waiting == TWO


@pytest.mark.parametrize(
    "error",
    [lost(Lost.UNREACHABLE), lost(Lost.CORS), FORBIDDEN, Refused(UNEXPECTED, 200)],
    ids=["nobody", "cors", "public endpoint", "not oss"],
)
async def test_an_origin_that_fails_is_passed_over_at_once(error):
    origins, grant, hosts, _ = make(ONE, TWO)
    hosts.answers = {ONE: error, TWO: None}

    assert await chosen(origins, grant) == TWO
    assert await chosen(origins, grant) == TWO
    assert hosts.asked == [ONE, TWO]


async def test_if_none_answers_in_time_requests_go_to_the_first_and_all_are_asked_again_later():
    origins, grant, hosts, clock = make(ONE, TWO)
    waiting = asyncio.create_task(chosen(origins, grant))
    await turns(10)
    await clock.go_on(LIMIT_S)
    assert await waiting == ONE
    assert await chosen(origins, grant) == ONE
    assert len(hosts.asked) == 2

    clock.advance(PAUSE_S)
    hosts.answers = {ONE: Lost(Lost.UNREACHABLE), TWO: None}

    assert await chosen(origins, grant) == TWO


@pytest.mark.parametrize("error", [lost(), Refused(UNEXPECTED, 502)], ids=["lost", "not oss"])
async def test_r47_losses_in_a_row_move_all_requests_to_an_origin_that_answers(error):
    origins, grant, hosts, _ = await make_found(ONE)
    used = await origins.at(grant)

    first = await origins.failed(grant, used, error)
    second = await origins.failed(grant, used, error)

    assert (first, second) == (False, True)
    assert await chosen(origins, grant) == TWO
    assert hosts.asked == [ONE, TWO]


async def test_what_was_in_flight_to_the_origin_before_is_sent_again_and_counts_for_nothing():
    origins, grant, hosts, clock = await make_found(ONE)
    used = await origins.at(grant)
    await lose(origins, grant, times=2)
    clock.advance(PAUSE_S)

    for _ in range(5):
        assert await origins.failed(grant, used, lost())

    assert not await lose(origins, grant)  # the first failure at this origin
    assert (await chosen(origins, grant), len(hosts.asked)) == (TWO, 2)


async def test_a_loss_between_answers_moves_nothing():
    origins, grant, hosts, _ = await make_found(ONE)

    for _ in range(5):
        assert not await lose(origins, grant)
        origins.answered(await origins.at(grant))

    assert (await chosen(origins, grant), hosts.asked) == (ONE, [])


async def test_a_refusal_of_the_request_itself_is_an_answer():
    origins, grant, hosts, _ = await make_found(ONE)
    used = await origins.at(grant)

    for _ in range(5):
        assert not await lose(origins, grant)
        assert not await origins.failed(grant, used, Refused("AccessDenied", 403))

    assert hosts.asked == []


async def test_a_bad_line_to_an_origin_that_answers_moves_nothing():
    origins, grant, hosts, _ = await make_found()

    moved = await lose(origins, grant, times=4, error=lost())

    assert (moved, await chosen(origins, grant)) == (False, ONE)
    assert hosts.asked == [ONE, TWO]


async def test_r48_a_line_that_is_down_moves_nothing_and_is_looked_at_rarely():
    origins, grant, hosts, clock = await make_found(ONE, TWO)

    assert not await lose(origins, grant, times=20)
    assert (await chosen(origins, grant), hosts.asked) == (ONE, [ONE, TWO])
    clock.advance(PAUSE_S)
    assert not await lose(origins, grant)
    assert len(hosts.asked) == 4
    hosts.answers = {ONE: None, TWO: None}
    clock.advance(PAUSE_S)

    assert not await lose(origins, grant)
    assert await chosen(origins, grant) == ONE


async def test_a_refused_host_is_left_at_once_although_small_requests_pass():
    origins, grant, hosts, _ = await make_found()
    used = await origins.at(grant)

    moved = await origins.failed(grant, used, FORBIDDEN)

    assert (moved, await chosen(origins, grant)) == (True, TWO)
    assert hosts.asked == [TWO]


async def test_r46_if_all_hosts_are_refused_the_refusal_is_told():
    origins, grant, hosts, clock = await make_found()
    assert await origins.failed(grant, await origins.at(grant), FORBIDDEN)

    moved = await origins.failed(grant, await origins.at(grant), FORBIDDEN)

    assert (moved, await chosen(origins, grant)) == (False, TWO)
    hosts.answers = {ONE: None, TWO: FORBIDDEN}
    clock.advance(PAUSE_S)
    assert await chosen(origins, grant) == ONE


async def test_a_preferred_origin_is_asked_again_after_a_while_and_taken_back():
    origins, grant, hosts, clock = await make_found(ONE)
    await lose(origins, grant, times=2)
    clock.advance(AGAIN_S * 0.9)
    assert (await chosen(origins, grant), len(hosts.asked)) == (TWO, 2)
    clock.advance(AGAIN_S * 0.1)
    assert await chosen(origins, grant) == TWO
    await turns(10)
    assert (await chosen(origins, grant), len(hosts.asked)) == (TWO, 4)

    hosts.answers[ONE] = None
    clock.advance(AGAIN_S)
    assert await chosen(origins, grant) == TWO
    await turns(10)

    assert await chosen(origins, grant) == ONE
    clock.advance(AGAIN_S)
    await chosen(origins, grant)
    await turns(10)
    assert len(hosts.asked) == 6  # it is the first choice: no better origin to look for


async def test_a_refused_origin_is_not_asked_before_that():
    origins, grant, hosts, clock = await make_found()
    await origins.failed(grant, await origins.at(grant), FORBIDDEN)
    hosts.answers[TWO] = Lost(Lost.UNREACHABLE)
    clock.advance(PAUSE_S)

    moved = await lose(origins, grant, times=3)

    assert (moved, hosts.asked) == (False, [TWO, TWO])
    clock.advance(AGAIN_S)
    assert await lose(origins, grant)
    assert await chosen(origins, grant) == ONE


async def test_a_renewed_grant_goes_on_at_the_origin_that_was_found():
    origins, grant, hosts, _ = await make_found(ONE)
    await lose(origins, grant, times=2)
    hosts.asked = []

    assert await chosen(origins, make_grant(ONE, TWO)) == TWO
    assert await chosen(origins, make_grant(ONE, TWO, PUBLIC)) == TWO
    assert hosts.asked == []


async def test_a_grant_with_other_origins_is_followed():
    origins, _, hosts, _ = await make_found(ONE)
    hosts.asked = []
    hosts.answers = {PUBLIC: None, TWO: None}

    assert await chosen(origins, make_grant(PUBLIC, TWO)) == PUBLIC
    assert await chosen(origins, make_grant(TWO)) == TWO
    assert hosts.asked == [PUBLIC, TWO]


async def test_an_answer_from_an_origin_that_is_not_granted_any_more_is_ignored():
    origins, grant, hosts, _ = make(ONE, TWO)
    before = asyncio.create_task(chosen(origins, grant))
    await turns(10)
    after = asyncio.create_task(chosen(origins, make_grant(PUBLIC, TWO)))
    await turns(10)

    hosts.answer(ONE, TWO)

    assert await after == PUBLIC
    await before


def make_upload(*origins, connections=6):
    ports = make_ports(Alarms())
    ports.grants.origins = origins
    upload = Upload(FakeFile(), lambda _upload: None)
    upload.target.key = "uploads/alice-1/k/a.txt"
    upload.go(states.UPLOADING)
    return upload, ports, make_engine(ports, connections)


def hosts_of(ports):
    return [(request.method, request.url.split("/")[2]) for request in ports.http.requests]


async def test_a_custom_domain_is_in_the_address_and_not_in_the_signature():
    upload, ports, engine = make_upload(ONE)
    plain, plain_ports, plain_engine = make_upload()

    await Client(engine, upload).put()
    await Client(plain_engine, plain).put()

    assert ports.http.requests[0].url == f"{ONE}/uploads/alice-1/k/a.txt"
    assert plain_ports.http.requests[0].url == f"{PUBLIC}/uploads/alice-1/k/a.txt"
    assert ports.http.requests[0].headers == plain_ports.http.requests[0].headers


async def test_a_request_to_a_refused_host_is_sent_again_to_another():
    upload, ports, engine = make_upload(PUBLIC, ONE)
    answered = Reply(404, lambda _name: "", "<Error><Code>NoSuchUpload</Code></Error>")
    forbidden = refused("PublicEndpointForbidden", 400)
    ports.http.plan = [answered, answered, forbidden, answered]

    await Client(engine, upload).put()

    asked = [("GET", "bucket.oss.example"), ("GET", "one.example")]
    sent = [("PUT", "bucket.oss.example"), ("GET", "one.example"), ("PUT", "one.example")]
    assert hosts_of(ports) == asked + sent
    assert ports.http.objects == {"uploads/alice-1/k/a.txt": 10}
    assert ports.clock.elapsed_s() == 0


@pytest.mark.parametrize(
    "reply",
    [
        refused("PublicEndpointForbidden", 400),
        refused("NonStandardHostForbidden"),
        refused("NoSuchBucket", 404),
        refused("SignatureDoesNotMatch"),
        refused("AccessDenied", extra="<Message>Use the specified endpoint.</Message>"),
        Reply(200, lambda _name: "", "<h1>Welcome</h1>"),
    ],
    ids=["public", "unbound", "no bucket", "another bucket", "another region", "not oss"],
)
async def test_an_origin_that_does_not_answer_as_oss_would_gets_no_upload(reply):
    upload, ports, engine = make_upload(PUBLIC, ONE)
    ports.http.plan = [reply]

    await Client(engine, upload).put()

    assert hosts_of(ports)[2:] == [("PUT", "one.example")]


async def test_a_request_that_waits_for_its_turn_goes_where_the_others_have_gone_by_then():
    first, ports, engine = make_upload(PUBLIC, ONE, connections=1)
    first.file.size = 100_000  # too large to be queued in the browser
    second = Upload(first.file, lambda _upload: None)
    second.target.key = "uploads/alice-1/k/b.txt"
    second.go(states.UPLOADING)
    answered = Reply(404, lambda _name: "", "<Error><Code>NoSuchUpload</Code></Error>")
    ports.http.plan = [answered, answered, refused("PublicEndpointForbidden", 400)]

    await run_all([lambda: Client(engine, first).put(), lambda: Client(engine, second).put()])

    sent = [host for method, host in hosts_of(ports) if method == "PUT"]
    assert sent == ["bucket.oss.example", "one.example", "one.example"]


async def test_a_request_that_the_page_may_not_send_to_a_domain_names_it():
    upload, ports, engine = make_upload(ONE)
    ports.http.plan = [lost(Lost.CORS)] * 9

    with pytest.raises(Lost) as caught:
        await run_all([lambda: Client(engine, upload).put(), lambda: awake(ports.clock)])

    assert caught.value.request.bucket.origin == ONE


async def test_what_is_asked_is_a_signed_list_of_the_parts_of_nothing():
    upload, ports, engine = make_upload(ONE, TWO)

    await Client(engine, upload).put()

    asked = ports.http.requests[0]
    path, _, query = asked.url.partition("?")
    assert asked.method == "GET"
    assert path.startswith(f"{ONE}/uploads/alice-1/")
    assert query == "uploadId=" + "0" * 32
    assert ports.http.header(0, "authorization").startswith("OSS4-HMAC-SHA256 ")
    assert ports.http.header(0, "x-oss-security-token") == "token"


async def waits_of(*, origin, server_is_there=True, outages=4):
    """Return an upload's wait reasons after `outages` failures, and the checks of the server."""
    upload, ports, engine = make_upload(origin)
    ports.network.server_is_there = server_is_there
    ports.http.plan = [lost(Lost.UNREACHABLE)] * outages
    reasons = []
    upload._on_change = lambda upload: (
        reasons.append(upload.paused_for) if upload.state == states.PAUSED else None
    )
    await Client(engine, upload).put()
    return reasons, ports.network.asked


async def test_r49_of_a_custom_domain_that_stays_out_of_reach_it_is_told_if_our_server_answers():
    reasons, asked = await waits_of(origin=ONE)

    assert reasons == [states.FOR_NETWORK] * 2 + [states.FOR_STORAGE] * 2
    assert asked == 1


async def test_a_network_that_is_away_is_not_taken_for_a_faulty_domain():
    reasons, asked = await waits_of(origin=ONE, server_is_there=False)

    assert (reasons, asked) == ([states.FOR_NETWORK] * 4, 2)


async def test_an_endpoint_of_oss_is_not_suspected():
    assert await waits_of(origin=PUBLIC) == ([states.FOR_NETWORK] * 4, 0)


async def make_small(*origins, answering=None):
    """Return origins after the first check, in which `answering` (or all) have answered."""
    origins_, grant, hosts, clock = make(*origins)
    for origin in origins:
        is_there = answering is None or origin in answering
        hosts.answers[origin] = None if is_there else Lost(Lost.UNREACHABLE)
    await chosen(origins_, grant)
    await turns(10)
    hosts.asked = []
    return origins_, grant, hosts, clock


async def small(origins, grant, count):
    """Return the buckets of `count` small requests that are under way at the same time."""
    sent = []
    for _ in range(count):
        sent.append(await origins.at(grant, is_small=True))
    return sent


def by_origin(buckets):
    counts = {}
    for each in buckets:
        origin = each.origin
        counts[origin] = counts.get(origin, 0) + 1
    return counts


async def test_small_requests_go_to_all_custom_domains_evenly_and_large_ones_to_the_chosen_one():
    origins, grant, _, _ = await make_small(ONE, TWO, THREE)

    assert by_origin(await small(origins, grant, 7)) == {ONE: 3, TWO: 2, THREE: 2}
    assert await chosen(origins, grant) == ONE


async def test_a_small_request_goes_where_the_fewest_are_under_way():
    origins, grant, _, _ = await make_small(ONE, TWO)
    sent = await small(origins, grant, 6)
    for each in sent:
        if each.origin == TWO:
            origins.left(each)

    assert by_origin(await small(origins, grant, 3)) == {TWO: 3}


async def test_an_endpoint_of_oss_gets_no_small_requests_beside_a_custom_domain():
    origins, grant, _, _ = await make_small(ONE, PUBLIC)

    assert by_origin(await small(origins, grant, 4)) == {ONE: 4}


async def test_if_an_endpoint_of_oss_is_chosen_it_gets_the_small_requests_too():
    origins, grant, _, _ = await make_small(PUBLIC, ONE)

    assert by_origin(await small(origins, grant, 4)) == {PUBLIC: 4}


async def test_a_domain_that_has_not_answered_gets_no_small_requests():
    origins, grant, _, _ = await make_small(ONE, TWO, THREE, answering=[ONE, THREE])

    assert by_origin(await small(origins, grant, 4)) == {ONE: 2, THREE: 2}


async def test_a_domain_that_answers_after_the_choice_gets_small_requests_too():
    origins, grant, hosts, _ = make(ONE, TWO)
    hosts.answer(ONE)
    assert await chosen(origins, grant) == ONE
    assert by_origin(await small(origins, grant, 2)) == {ONE: 2}
    hosts.answer(TWO)
    await turns(10)

    assert by_origin(await small(origins, grant, 2)) == {TWO: 2}


@pytest.mark.parametrize("error", [Lost(Lost.UNREACHABLE), FORBIDDEN], ids=["lost", "refused"])
async def test_a_small_request_that_a_domain_fails_is_sent_again_elsewhere(error):
    origins, grant, hosts, clock = await make_small(ONE, TWO)
    _, sent = await small(origins, grant, 2)
    assert sent.origin == TWO

    for _ in range(1 if isinstance(error, Refused) else 2):
        assert await origins.failed(grant, sent, error)
    assert by_origin(await small(origins, grant, 3)) == {ONE: 3}
    assert not hosts.asked

    await clock.go_on(AGAIN_S)
    await small(origins, grant, 1)
    await turns(10)
    assert hosts.asked == [ONE, TWO]
    assert TWO in by_origin(await small(origins, grant, 6))


async def test_a_domain_that_loses_one_request_now_and_then_stays_in_use():
    origins, grant, _, _ = await make_small(ONE, TWO)
    _, sent = await small(origins, grant, 2)

    for _ in range(3):
        assert await origins.failed(grant, sent, Lost(Lost.INTERRUPTED))
        origins.answered(sent)

    assert by_origin(await small(origins, grant, 4)) == {ONE: 2, TWO: 2}


async def test_a_domain_that_fails_two_checks_is_asked_a_third_time():
    origins, grant, hosts, clock = await make_small(ONE, TWO, answering=[ONE])
    for _ in range(2):
        hosts.asked = []
        await clock.go_on(AGAIN_S)
        await small(origins, grant, 1)
        await turns(10)
        assert hosts.asked == [ONE, TWO]

    hosts.answers[TWO] = None
    await clock.go_on(AGAIN_S)
    await small(origins, grant, 1)
    await turns(10)

    assert TWO in by_origin(await small(origins, grant, 6))


async def test_a_small_request_that_oss_refuses_for_itself_is_not_sent_again():
    origins, grant, _, _ = await make_small(ONE, TWO)
    _, sent = await small(origins, grant, 2)

    assert not await origins.failed(grant, sent, Refused("AccessDenied", 403))
    assert by_origin(await small(origins, grant, 2)) == {ONE: 1, TWO: 1}


async def test_a_domain_that_is_not_granted_any_more_gets_no_small_requests():
    origins, _, _, _ = await make_small(ONE, TWO, THREE)

    assert by_origin(await small(origins, make_grant(ONE, THREE), 4)) == {ONE: 2, THREE: 2}


def make_small_uploads(ports, count, size=10):
    uploads = []
    for number in range(count):
        upload = Upload(FakeFile(f"{number}.txt", size), lambda _upload: None)
        upload.target.key = f"uploads/alice-1/k/{number}.txt"
        upload.go(states.UPLOADING)
        uploads.append(upload)
    return uploads


def puts_by_host(ports):
    counts = {}
    for method, host in hosts_of(ports):
        if method == "PUT":
            counts[host] = counts.get(host, 0) + 1
    return counts


async def test_the_small_files_of_a_page_go_to_all_domains():
    _, ports, engine = make_upload(ONE, TWO)
    ports.http.plan = [refused("NoSuchUpload", 404), refused("NoSuchUpload", 404)]
    await engine.origins.at(await engine.keeper.get())
    ports.http.hold()
    first = [
        asyncio.create_task(Client(engine, each).put()) for each in make_small_uploads(ports, 6)
    ]
    await until(lambda: ports.http.running == 6)
    assert puts_by_host(ports) == {"one.example": 3, "two.example:8443": 3}
    ports.http.release()
    await asyncio.gather(*first)
    await Client(engine, make_small_uploads(ports, 1)[0]).put()

    assert puts_by_host(ports) == {"one.example": 4, "two.example:8443": 3}


async def test_a_larger_file_goes_to_the_chosen_domain():
    _, ports, engine = make_upload(ONE, TWO)
    ports.http.plan = [refused("NoSuchUpload", 404), refused("NoSuchUpload", 404)]
    for upload in make_small_uploads(ports, 4, size=100_000):
        await Client(engine, upload).put()

    assert puts_by_host(ports) == {"one.example": 4}


async def test_a_small_file_that_a_domain_loses_is_sent_to_the_chosen_one():
    _, ports, engine = make_upload(ONE, TWO)
    ports.http.plan = [refused("NoSuchUpload", 404), refused("NoSuchUpload", 404), None, lost()]
    await asyncio.gather(*[Client(engine, each).put() for each in make_small_uploads(ports, 3)])

    assert puts_by_host(ports) == {"one.example": 3, "two.example:8443": 1}
    assert len(ports.http.objects) == 3
