"""Completed uploads are reported to our server in order, and again if the server was
unreachable.
"""

from ossferry_uploader.oss.errors import Corrupt
from ossferry_uploader.oss.replies import Stored
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.reporting import Reporting
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeClock, FakeFile, until


class Server:
    def __init__(self, *errors):
        self.errors = list(errors)
        self.asked = []
        self.batches = []
        self.claims = []

    async def confirm_all(self, uploads):
        self.batches.append([upload[0] for upload in uploads])
        self.claims += [upload[4] for upload in uploads[:-1]]
        await self.confirm((self.batches[-1], 0, "", "", uploads[-1][4]))

    async def confirm(self, upload):
        self.asked.append(upload[0])
        self.claims.append(upload[4])
        if self.errors:
            error = self.errors.pop(0)
            if error:
                raise error


class Refusing(Server):
    def __init__(self, *outcomes):
        Server.__init__(self)
        self.outcomes = list(outcomes)
        self.refused = []

    async def refuse(self, refused):
        self.refused.append(refused.key)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def offers(*features):
    return lambda feature: feature in features


BATCHED = ("receipts", "receipt-batches")
BATCHES = offers(*BATCHED)


def arrive(reporting, *keys):
    for key in keys:
        upload = Upload(FakeFile(), lambda _: None)
        upload.target.key = key
        reporting.arrived(upload)


async def test_each_is_reported_and_a_server_that_is_away_is_asked_again():
    clock = FakeClock()
    corrupt = Corrupt("CRC-64", expected="1", actual="2")
    server = Server(None, ServerRefused(503), ServerRefused(200), corrupt, None)
    arrive(Reporting(server, clock, offers("receipts")), "a", "b", "c")

    await until(lambda: len(server.asked) == 5)

    assert server.asked == ["a", "b", "b", "b", "c"]
    assert clock.slept_s == [15.0, 15.0]


def refuse(reporting, *keys):
    for key in keys:
        upload = Upload(FakeFile(), lambda _: None)
        upload.target.key = key
        upload.target.refuse(Stored('"AB"', "8", "R1"), size=upload.file.size, crc64="9")
        reporting.refused(upload)


async def test_what_is_not_the_file_is_refused_until_the_server_has_heard_it():
    clock = FakeClock()
    away = [ServerRefused(each) for each in (0, 401, 502)] + [ServerRefused(503, retry_after_s=40)]
    server = Refusing(*away, True, ServerRefused(409, code="upload-stands", reason="other"), True)
    refuse(Reporting(server, clock, offers("refusals")), "a", "b", "c")

    await until(lambda: not server.outcomes)

    assert server.refused == ["a"] * 5 + ["b", "c"]
    assert clock.slept_s == [15.0, 15.0, 15.0, 40.0]
    assert server.asked == []


async def test_an_object_without_etag_is_refused_only_while_it_has_not_been_sent_again():
    server, clock = Refusing(ServerRefused(503), True), FakeClock()
    reporting = Reporting(server, clock, offers("refusals"))
    first, second = (Upload(FakeFile(), lambda _: None) for _ in range(2))
    for upload, key in ((first, "a"), (second, "b")):
        upload.target.key = key
        upload.target.refuse(Stored("", "", ""), size=upload.file.size, crc64="0")
        reporting.refused(upload)

    async def sleep(_seconds):
        first.target.refused = None

    clock.sleep = sleep
    await until(lambda: not server.outcomes)

    assert server.refused == ["a", "b"]


async def test_what_is_the_file_all_the_same_gets_its_receipt():
    server = Refusing(False)
    refuse(Reporting(server, FakeClock(), offers("refusals")), "a")

    await until(lambda: server.asked)

    assert (server.refused, server.asked) == (["a"], ["a"])


async def test_a_report_has_what_the_checks_said():
    server = Refusing(False)
    uploads = [Upload(FakeFile(), lambda _: None) for _ in range(4)]
    claims = [{"version": "", "ran": [{"check": name}]} for name in "abc"] + [None]
    for upload, claim in zip(uploads, claims):  # noqa: B905 - MicroPython
        upload.checks = claim
    first, second, third, last = uploads

    for features, reported in (("receipts",), [first]), (BATCHED, [second, last]):
        reporting = Reporting(server, FakeClock(), offers(*features))
        for upload in reported:
            reporting.arrived(upload)
        await reporting.finish()
    third.target.refuse(Stored('"AB"', "8", "R1"), size=third.file.size, crc64="9")
    Reporting(server, FakeClock(), offers("refusals")).refused(third)
    await until(lambda: len(server.claims) == 4)

    assert server.claims == [claims[0], claims[1], None, claims[2]]


async def test_a_server_without_refusals_is_told_of_none():
    server = Refusing()
    refuse(Reporting(server, FakeClock(), offers("receipts")), "a")

    assert server.refused == []


async def test_a_no_is_not_repeated():
    server = Server(ServerRefused(404, code="not-stored"))
    arrive(Reporting(server, FakeClock(), offers("receipts")), "a", "b")

    await until(lambda: len(server.asked) == 2)

    assert server.asked == ["a", "b"]


async def test_a_server_without_receipts_is_not_asked():
    server = Server()

    arrive(Reporting(server, FakeClock(), offers()), "a")

    assert server.asked == []


async def test_while_files_are_sent_reports_keep_a_distance():
    clock = FakeClock()
    server = Server()
    sending = [True, False, False]
    counted = []
    reporting = Reporting(
        server,
        clock,
        offers("receipts"),
        is_sending=lambda: sending.pop(0),
        counted=lambda upload: counted.append(upload.key),
    )
    arrive(reporting, "a", "b", "c")

    await until(lambda: not sending)

    assert server.asked == counted == ["a", "b", "c"]
    assert clock.slept_s == [1.0]


async def test_what_waits_is_reported_in_batches_of_200():
    clock, server, counted = FakeClock(), Server(), []
    reporting = Reporting(server, clock, BATCHES, counted=lambda upload: counted.append(upload.key))
    keys = [str(number) for number in range(401)]
    arrive(reporting, *keys)

    await until(lambda: len(counted) == 401)

    assert server.asked == [keys[:200], keys[200:400], "400"]
    assert counted == keys
    assert reporting.waiting() == []


async def test_finish_waits_until_everything_is_reported():
    server, clock = Server(ServerRefused(503)), FakeClock()
    reporting = Reporting(server, clock, BATCHES)
    await reporting.finish()
    arrive(reporting, "a", "b")

    await reporting.finish()

    assert (server.asked, reporting.waiting()) == ([["a", "b"], ["a", "b"]], [])


async def test_while_files_are_sent_batches_are_small_and_keep_a_distance():
    server, clock = Server(), FakeClock()
    sending = [True]
    reporting = Reporting(server, clock, BATCHES, is_sending=lambda: sending[0])
    keys = [str(number) for number in range(90)]
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 1:
            arrive(reporting, *keys)
        if len(slept) == 3:
            sending[0] = False

    clock.sleep = sleep
    arrive(reporting, "first")
    await until(lambda: not reporting.waiting())

    assert server.asked == ["first", keys[:20], keys[20:40], keys[40:]]
    assert slept == [1.0] * 3


async def test_a_batch_is_repeated_until_the_server_is_back():
    clock, counted = FakeClock(), []
    server = Server(ServerRefused(503), ServerRefused(0), ServerRefused(200))
    reporting = Reporting(server, clock, BATCHES, counted=lambda upload: counted.append(upload.key))
    arrive(reporting, "a", "b")

    await until(lambda: counted)

    assert server.asked == [["a", "b"]] * 4
    assert clock.slept_s == [15.0, 15.0, 15.0]
    assert counted == ["a", "b"]


async def test_the_uploads_of_a_refused_batch_are_reported_one_by_one():
    server = Server(ServerRefused(403, code="foreign-key"), None, ServerRefused(503))
    reporting = Reporting(server, FakeClock(), BATCHES)
    keys = [str(number) for number in range(203)]
    arrive(reporting, *keys)

    await until(lambda: not reporting.waiting())

    assert server.batches == [keys[:200], keys[200:]]
    assert server.asked[1:-1] == ["0", "1"] + keys[1:200]  # noqa: RUF005 - for MicroPython


async def test_a_batch_that_nobody_may_report_now_is_not_repeated():
    server = Server(ServerRefused(401))
    reporting = Reporting(server, FakeClock(), BATCHES)
    arrive(reporting, "a", "b")

    await until(lambda: not reporting.waiting())

    assert server.asked == [["a", "b"]]


async def test_a_server_without_batches_gets_one_upload_after_the_other():
    server = Server()
    arrive(Reporting(server, FakeClock(), offers("receipts")), "a", "b")

    await until(lambda: len(server.asked) == 2)

    assert (server.asked, server.batches) == (["a", "b"], [])
