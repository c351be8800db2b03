"""What has arrived is told to our server, one after the other, and again when it is away."""

from support.fakes import FakeClock, FakeFile, until
from uploader.oss.errors import Corrupt
from uploader.transfer.errors import ServerRefused
from uploader.transfer.upload import Upload
from uploader.view.reporting import Reporting


class Server:
    def __init__(self, *errors):
        self.errors = list(errors)
        self.asked = []

    async def confirm(self, *, key, size, crc64, request_id):
        self.asked.append(key)
        if self.errors:
            error = self.errors.pop(0)
            if error:
                raise error


class Grant:
    def __init__(self, *features):
        self.features = features

    def can(self, feature):
        return feature in self.features


def arrive(reporting, *keys):
    for key in keys:
        upload = Upload(FakeFile(), lambda _: None)
        upload.key = key
        reporting.arrived(upload)


async def test_each_is_reported_and_a_server_that_is_away_is_asked_again():
    clock = FakeClock()
    corrupt = Corrupt("CRC-64", expected="1", actual="2")
    server = Server(None, ServerRefused(503), ServerRefused(200), corrupt, None)
    arrive(Reporting(server, clock, Grant("receipts")), "a", "b", "c")

    await until(lambda: len(server.asked) == 5)

    assert server.asked == ["a", "b", "b", "b", "c"]
    assert clock.slept_s == [15.0, 15.0]


async def test_a_no_is_not_repeated():
    server = Server(ServerRefused(404, code="not-stored"))
    arrive(Reporting(server, FakeClock(), Grant("receipts")), "a", "b")

    await until(lambda: len(server.asked) == 2)

    assert server.asked == ["a", "b"]


async def test_a_server_without_receipts_is_not_asked():
    server = Server()

    arrive(Reporting(server, FakeClock(), Grant()), "a")

    assert server.asked == []


async def test_while_files_are_sent_reports_keep_a_distance():
    clock = FakeClock()
    server = Server()
    sending = [True, False, False]
    counted = []
    reporting = Reporting(
        server,
        clock,
        Grant("receipts"),
        is_sending=lambda: sending.pop(0),
        counted=lambda upload: counted.append(upload.key),
    )
    arrive(reporting, "a", "b", "c")

    await until(lambda: not sending)

    assert server.asked == counted == ["a", "b", "c"]
    assert clock.slept_s == [1.0]
