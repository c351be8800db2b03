"""One upload: what is sent, what is mended, and when it counts as arrived."""

import pytest

from support.fakes import FakeClock, FakeFile, FakeGrants, lost, make_ports, refused, stored
from uploader.oss.errors import Corrupt, Lost, Refused
from uploader.oss.replies import Reply
from uploader.transfer import states
from uploader.transfer.credentials import GrantKeeper
from uploader.transfer.errors import FileTooLarge, FileUnreadable
from uploader.transfer.upload import MAX_PUT_BYTES, Upload, send


def make(file=None, clock=None):
    ports = make_ports(clock)
    upload = Upload(file or FakeFile(), lambda _upload: None)
    return upload, ports, GrantKeeper(ports.grants, ports.clock)


@pytest.mark.parametrize("size", [0, 1, 10, 64 * 1024**2], ids=["empty", "1 B", "10 B", "64 MB"])
async def test_a_file_arrives_with_its_proof(size):
    upload, ports, keeper = make(FakeFile(size=size))

    await send(upload, ports, keeper)

    assert upload.state == states.DONE
    assert upload.sent == size
    assert upload.crc64 == "7"
    assert upload.request_id == "5C3D9175B6FC201293AD0001"
    assert upload.key == f"uploads/alice-1/2026-03-14/{'0' * 31}1/a.txt"


async def test_the_request_is_what_oss_expects():
    upload, ports, keeper = make(FakeFile("a b.txt", content_type=""))

    await send(upload, ports, keeper)

    request = ports.http.requests[0]
    assert request.method == "PUT"
    assert request.url.startswith("http://bucket.oss.example/uploads/alice-1/2026-03-14/")
    assert request.url.endswith("/a%20b.txt")
    assert ports.http.header(0, "content-type") == "application/octet-stream"
    assert ports.http.header(0, "x-oss-content-sha256") == "UNSIGNED-PAYLOAD"
    assert ports.http.header(0, "x-oss-date") == "20260314T092653Z"
    assert ports.http.header(0, "x-oss-security-token") == "token"
    assert ports.http.header(0, "x-oss-meta-name") == "a%20b.txt"


async def test_a_wrong_checksum_is_a_failed_upload():
    upload, ports, keeper = make()
    ports.http.plan = [stored("8")]

    with pytest.raises(Corrupt) as caught:
        await send(upload, ports, keeper)

    assert (caught.value.expected, caught.value.actual) == ("7", "8")
    assert upload.state == states.VERIFYING
    assert upload.crc64 == ""


async def test_a_login_page_with_status_200_is_not_a_success():
    upload, ports, keeper = make()
    ports.http.plan = [Reply(200, lambda _name: "", "<html>Log in</html>")]

    with pytest.raises(Corrupt):
        await send(upload, ports, keeper)


@pytest.mark.parametrize("code", ["SecurityTokenExpired", "InvalidSecurityToken"])
async def test_refused_credentials_are_fetched_again_once(code):
    upload, ports, keeper = make()
    ports.http.plan = [refused(code)]

    await send(upload, ports, keeper)

    assert upload.state == states.DONE
    assert ports.grants.fetched == 2
    assert ports.http.requests[0].url == ports.http.requests[1].url


async def test_credentials_refused_twice_are_the_end():
    upload, ports, keeper = make()
    ports.http.plan = [refused("SecurityTokenExpired"), refused("SecurityTokenExpired")]

    with pytest.raises(Refused, match="SecurityTokenExpired"):
        await send(upload, ports, keeper)

    assert len(ports.http.requests) == 2


async def test_a_skewed_clock_is_set_by_what_oss_says():
    upload, ports, keeper = make()
    time = "<ServerTime>2026-03-14T09:36:53.000Z</ServerTime>"
    ports.http.plan = [refused("RequestTimeTooSkewed", extra=time)]

    await send(upload, ports, keeper)

    assert ports.http.header(1, "x-oss-date") == "20260314T093653Z"


async def test_skew_without_a_time_is_the_error_itself():
    upload, ports, keeper = make()
    ports.http.plan = [refused("RequestTimeTooSkewed")]

    with pytest.raises(Refused, match="RequestTimeTooSkewed"):
        await send(upload, ports, keeper)


async def test_a_clock_that_is_wrong_signs_with_the_right_time():
    upload, ports, keeper = make(clock=FakeClock(error_s=-1200))

    await send(upload, ports, keeper)

    assert ports.http.header(0, "x-oss-date") == "20260314T092653Z"


async def test_a_policy_that_says_no_is_asked_once():
    upload, ports, keeper = make()
    ports.http.plan = [refused("AccessDenied")]

    with pytest.raises(Refused, match="AccessDenied"):
        await send(upload, ports, keeper)

    assert len(ports.http.requests) == 1


async def test_a_lost_connection_is_told():
    upload, ports, keeper = make()
    ports.http.plan = [lost()]

    with pytest.raises(Lost, match="interrupted"):
        await send(upload, ports, keeper)


async def test_a_file_that_cannot_be_read_for_its_checksum_has_not_arrived():
    upload, ports, keeper = make()
    ports.checksum.error = FileUnreadable("NotReadableError")

    with pytest.raises(FileUnreadable):
        await send(upload, ports, keeper)

    assert upload.state == states.VERIFYING


@pytest.mark.parametrize(
    ("allowed", "limit"), [(100, 100), (10**15, MAX_PUT_BYTES)], ids=["grant", "PutObject"]
)
async def test_a_file_too_large_is_not_sent(allowed, limit):
    upload, ports, keeper = make(FakeFile(size=limit + 1))
    ports.grants.max_file_size = allowed

    with pytest.raises(FileTooLarge) as caught:
        await send(upload, ports, keeper)

    assert caught.value.limit == limit
    assert ports.http.requests == []


async def test_a_restarted_upload_keeps_its_key():
    upload, ports, keeper = make()
    ports.http.plan = [lost()]
    with pytest.raises(Lost):
        await send(upload, ports, keeper)
    upload.fail(lost())
    upload.restart()

    await send(upload, ports, keeper)

    assert ports.http.requests[0].url == ports.http.requests[1].url
    assert upload.state == states.DONE


async def test_grants_are_not_fetched_for_each_file():
    clock = FakeClock()
    ports = make_ports(clock)
    keeper = GrantKeeper(ports.grants, clock)

    for _ in range(5):
        await send(Upload(FakeFile(), lambda _upload: None), ports, keeper)

    assert isinstance(ports.grants, FakeGrants)
    assert ports.grants.fetched == 1
