"""Small files sent with a form (PostObject), and the return to PutObject if a form fails."""

import pytest

from ossferry_uploader.oss.errors import Lost, Refused
from ossferry_uploader.oss.replies import Reply
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.options import REFUSE, Options
from ossferry_uploader.transfer.plan import KIB, MIB
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeFile, lost, make_engine, make_ports, refused, stored

NO_CRC64 = Reply(200, lambda name: '"AB"' if name == "ETag" else "", "")


def make():
    ports = make_ports()
    engine = make_engine(ports, has_forms=True)
    engine.rate_bytes_per_s = 0.0
    return ports, engine


async def send(engine, size=10, name="a.txt", options=None):
    upload = Upload(FakeFile(name, size), lambda _upload: None)
    upload.options = options or Options()
    upload.target.content_type = "text/plain"
    upload.target.key = f"uploads/alice-1/k/{name}"
    upload.go(states.UPLOADING)
    await Client(engine, upload).put()
    return upload


def methods(ports):
    return [request.method for request in ports.http.requests]


@pytest.mark.parametrize(
    ("size", "method"),
    [(0, "POST"), (10, "POST"), (256 * KIB, "POST"), (256 * KIB + 1, "PUT")],
    ids=["0 B", "10 B", "256 KiB", "more"],
)
async def test_a_small_file_is_sent_with_a_form(size, method):
    ports, engine = make()

    upload = await send(engine, size)

    assert methods(ports) == [method]
    assert ports.http.objects == {"uploads/alice-1/k/a.txt": size}
    assert upload.sent == size


@pytest.mark.parametrize(
    ("rate_bytes_per_s", "size", "method"),
    [
        (150 * KIB, 300 * KIB, "POST"),
        (150 * KIB, 300 * KIB + 1, "PUT"),
        (10 * KIB, 256 * KIB, "POST"),
        (MIB, MIB, "POST"),
        (MIB, MIB + 1, "PUT"),
    ],
)
async def test_a_larger_file_is_sent_with_a_form_if_that_takes_two_seconds_at_most(
    rate_bytes_per_s, size, method
):
    ports, engine = make()
    engine.rate_bytes_per_s = float(rate_bytes_per_s)

    await send(engine, size)

    assert methods(ports) == [method]


@pytest.mark.parametrize(
    "error", [lost(Lost.STALLED), Reply(503, lambda _name: "", "")], ids=["stalled", "busy"]
)
async def test_after_an_error_a_larger_file_is_sent_with_progress(error):
    ports, engine = make()
    engine.rate_bytes_per_s = float(MIB)
    ports.http.plan = [error]

    await send(engine, MIB)

    assert methods(ports) == ["POST", "PUT"]
    assert [request.has_progress for request in ports.http.requests] == [False, True]
    assert engine.forms.refusal is None  # other files are still sent with forms


@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("a.txt", {"tags": {"team": "a"}}, "PUT"),
        ("${filename}.txt", {}, "PUT"),
        ("a.txt", {"metadata": {"order": "7"}, "storage_class": "IA"}, "POST"),
    ],
    ids=["tags", "dollar", "metadata"],
)
async def test_what_a_form_cannot_say_is_said_with_put(name, options, method):
    ports, engine = make()

    await send(engine, name=name, options=Options(**options))

    assert methods(ports) == [method]


async def test_metadata_and_storage_class_are_fields():
    ports, engine = make()

    options = Options(metadata={"order": "7"}, storage_class="IA", disposition="inline")
    await send(engine, options=options)

    assert ports.http.header(0, "x-oss-content-type") == "text/plain"
    assert ports.http.header(0, "x-oss-meta-order") == "7"
    assert ports.http.header(0, "x-oss-storage-class") == "IA"
    assert ports.http.header(0, "content-disposition") == "inline; filename*=UTF-8''a.txt"


async def test_a_file_with_a_speed_limit_is_sent_with_put():
    ports, engine = make()
    engine.speed.set(10**6)

    await send(engine)

    assert methods(ports) == ["PUT"]


async def test_a_form_that_may_not_overwrite_says_so():
    ports, engine = make()

    await send(engine, options=Options(same_name=REFUSE))

    assert ports.http.header(0, "x-oss-forbid-overwrite") == "true"


async def test_all_files_of_a_grant_have_one_signature():
    ports, engine = make()

    for number in range(3):
        await send(engine, name=f"{number}.txt")

    signatures = {ports.http.header(index, "x-oss-signature") for index in range(3)}
    assert len(signatures) == 1


@pytest.mark.parametrize("seconds", [600, -3600], ids=["old", "clock set back"])
async def test_a_signature_is_made_again_before_oss_finds_it_too_old(seconds):
    ports, engine = make()
    ports.grants.life_s = 7200

    await send(engine)
    ports.clock.advance(seconds)
    await send(engine, name="b.txt")

    dates = {ports.http.header(index, "x-oss-date") for index in range(2)}
    assert (len(dates), ports.grants.fetched) == (2, 1)


async def test_new_credentials_sign_a_new_form():
    ports, engine = make()
    ports.http.plan = [refused("SecurityTokenExpired")]

    await send(engine)

    assert methods(ports) == ["POST", "POST"]
    keys = {ports.http.header(index, "x-oss-credential").split("/")[0] for index in range(2)}
    assert len(keys) == 2


async def test_who_signs_out_leaves_no_signed_form():
    _ports, engine = make()
    await send(engine)
    credentials = engine.keeper.current.credentials

    engine.keeper.forget()

    assert credentials.form is None


@pytest.mark.parametrize(
    "answer",
    [
        refused("AccessDenied"),
        refused("MalformedPOSTRequest", 400),
        Reply(405, lambda _name: "", "<html>no forms here</html>"),
        lost(Lost.CORS),
        NO_CRC64,
    ],
    ids=["refused", "malformed", "proxy", "cors", "no checksum"],
)
async def test_after_a_form_that_failed_all_files_are_sent_with_put(answer):
    ports, engine = make()
    ports.http.plan = [answer]

    await send(engine)
    await send(engine, name="b.txt")

    assert methods(ports) == ["POST", "PUT", "PUT"]
    assert not ports.clock.slept_s
    assert engine.forms.refusal is not None


async def test_an_error_that_put_has_too_ends_the_upload():
    ports, engine = make()
    ports.http.plan = [refused("AccessDenied"), refused("AccessDenied")]

    with pytest.raises(Refused):
        await send(engine)

    assert methods(ports) == ["POST", "PUT"]


@pytest.mark.parametrize(
    "answer",
    [refused("InternalError", 500), refused("ServiceUnavailable", 503), lost(), stored("1")],
    ids=["500", "503", "interrupted", "damaged"],
)
async def test_an_error_that_may_pass_is_no_reason_against_forms(answer):
    ports, engine = make()
    ports.http.plan = [answer]

    await send(engine)

    assert methods(ports) == ["POST", "POST"]
    assert engine.forms.refusal is None


async def test_a_key_that_is_taken_is_no_reason_against_forms():
    ports, engine = make()
    ports.http.plan = [refused("FileAlreadyExists", 409)]

    with pytest.raises(Refused):
        await send(engine)

    assert methods(ports) == ["POST"]
    assert engine.forms.refusal is None
