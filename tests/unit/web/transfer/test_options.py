"""Options of stored objects: the resulting headers, and invalid options."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.options import KEEP_BOTH, REFUSE, REPLACE, Options, object_headers
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from support.fakes import DAMAGED, FakeFile, make_engine, make_ports, refused, until
from support.pages import send

LARGE = 24 * MIB


def make():
    ports = make_ports()
    return Queue(make_engine(ports, 2), on_change=lambda _upload: None), ports


def test_everything_asked_for_is_a_header():
    options = Options(
        disposition="attachment",
        metadata={"project": "春 & autumn"},
        tags={"kind": "a b", "year": "2026"},
        storage_class="IA",
        server_side_encryption="KMS",
    )

    headers = object_headers(
        options, name="報告 1.pdf", content_type="application/pdf", sha256="ab"
    )

    assert headers == [
        ("content-type", "application/pdf"),
        ("x-oss-meta-name", "%E5%A0%B1%E5%91%8A%201.pdf"),
        ("x-oss-meta-sha256", "ab"),
        ("x-oss-meta-project", "%E6%98%A5%20%26%20autumn"),
        ("x-oss-tagging", "kind=a%20b&year=2026"),
        ("x-oss-storage-class", "IA"),
        ("x-oss-server-side-encryption", "KMS"),
        ("content-disposition", "attachment; filename*=UTF-8''%E5%A0%B1%E5%91%8A%201.pdf"),
    ]


def test_nothing_asked_for_is_a_type_and_a_name():
    assert object_headers(Options(), name="a", content_type="") == [
        ("content-type", "application/octet-stream"),
        ("x-oss-meta-name", "a"),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"same_name": "ask"}, "same_name is one of 'keep both'"),
        ({"disposition": "open"}, "disposition is one of"),
        ({"server_side_encryption": "SSE"}, "server_side_encryption is one of"),
        ({"folder": "../bob"}, "folder is made of names"),
        ({"folder": "/orders"}, "folder is made of names"),
        ({"folder": "orders/"}, "folder is made of names"),
        ({"folder": "a//b"}, "folder is made of names"),
        ({"folder": "a" * 256}, "up to 255 bytes"),
        ({"folder": 7}, "folder is text, not 7"),
        ({"storage_class": "standard"}, "storage_class is one of"),
        ({"metadata": {"Project": "x"}}, "a-z, 0-9 and"),
        ({"metadata": {"": "x"}}, "a-z, 0-9 and"),
        ({"metadata": {"name": "x"}}, "written by the upload itself"),
        ({"metadata": {"a": "x" * 5790}}, "up to 5800"),
        ({"metadata": {f"a{n}": "" for n in range(500)}}, "up to 5800"),
        ({"metadata": {"a": 1}}, "metadata 'a' is text, not 1"),
        ({"metadata": {"a": None}}, "metadata 'a' is text, not None"),
        ({"metadata": ["a"]}, "metadata: a dict is wanted"),
        ({"content_type": None}, "content_type is text, not None"),
        ({"tags": {"a": 5}}, "tag 'a' is text, not 5"),
        ({"tags": "a"}, "tag: a dict is wanted"),
        ({"sha256": "yes"}, "sha256 is True or False"),
        ({"same_name": ["x"]}, "same_name is one of"),
        ({"tags": {f"t{n}": "" for n in range(11)}}, "up to 10"),
        ({"tags": {"": "x"}}, "a key of 1 to 128"),
        ({"tags": {"a": "x" * 257}}, "up to 256"),
        ({"tags": {"a": "<"}}, "may not hold '<'"),
    ],
)
def test_what_oss_would_refuse_is_refused_at_once(wrong, said):
    with pytest.raises(ValueError, match=said):
        Options(**wrong)


def test_t64_nobody_else_marks_an_object_as_encrypted():
    for name in ("key", "start", "unencrypted-content-length"):
        with pytest.raises(ValueError, match="written by the upload itself"):
            Options(metadata={f"client-side-encryption-{name}": "x"})


@pytest.mark.parametrize(
    ("size", "policy", "header"),
    [
        (10, KEEP_BOTH, []),
        (LARGE, KEEP_BOTH, ["true"]),  # another device may complete it first
        (10, REFUSE, ["true"]),
        (LARGE, REFUSE, ["true"]),
        (10, REPLACE, []),
        (LARGE, REPLACE, []),
    ],
)
async def test_the_policy_for_names_decides_on_key_and_header(size, policy, header):
    queue, ports = make()

    upload = await send(queue, FakeFile("a.bin", size, path="in/here"), Options(same_name=policy))

    named = upload.key == "uploads/alice-1/in/here/a.bin"
    assert named == (policy != KEEP_BOTH)
    for request in (ports.http.requests[0], ports.http.requests[-1]):
        forbids = [value for name, value in request.headers if name == "x-oss-forbid-overwrite"]
        assert forbids == header


@pytest.mark.parametrize("size", [10, LARGE], ids=["single", "multipart"])
async def test_a_folder_of_the_options_comes_right_after_the_prefix(size):
    queue, _ = make()
    file = FakeFile("a.bin", size, path="in/here")

    upload = await send(queue, file, Options(folder="orders/7"))
    named = await send(queue, file, Options(folder="orders/7", same_name=REPLACE))

    assert upload.key.startswith("uploads/alice-1/orders/7/2026-")
    assert upload.key.endswith("/in/here/a.bin")
    assert len(upload.key.split("/")) == 9
    assert named.key == "uploads/alice-1/orders/7/in/here/a.bin"


@pytest.mark.parametrize("size", [10, LARGE], ids=["single", "multipart"])
async def test_a_name_that_is_taken_by_another_object_is_refused_and_leaves_no_part(size):
    queue, ports = make()
    ports.http.objects["uploads/alice-1/a.bin"] = 3
    answers = 0 if size == 10 else 4  # initiation and three parts, before the completion
    ports.http.plan = [None] * answers + [refused("FileAlreadyExists", 409)]

    upload = await send(queue, FakeFile("a.bin", size), Options(same_name=REFUSE))

    assert upload.state == states.FAILED
    assert upload.error.code == "FileAlreadyExists"
    assert ports.http.multiparts == {}
    await until(lambda: ports.storage.texts == {})


async def test_what_was_damaged_on_the_way_does_not_take_the_name():
    queue, ports = make()
    ports.http.plan = [DAMAGED, DAMAGED]

    upload = await send(queue, FakeFile("a.bin", 10), Options(same_name=REFUSE))

    assert upload.state == states.DONE
    assert ports.http.objects == {"uploads/alice-1/a.bin": 10}


async def test_a_name_that_is_taken_by_the_same_file_counts_as_arrived():
    queue, ports = make()
    ports.http.objects["uploads/alice-1/a.bin"] = 10
    ports.http.plan = [refused("FileAlreadyExists", 409)]

    upload = await send(queue, FakeFile("a.bin", 10), Options(same_name=REFUSE))

    assert upload.state == states.DONE
    assert ports.receipts.asked == ["uploads/alice-1/a.bin"]


async def test_the_sha256_of_the_file_goes_with_it_if_wanted():
    queue, ports = make()

    await send(queue, FakeFile("a.bin", 10), Options(sha256=True))

    assert ports.http.header(0, "x-oss-meta-sha256") == f"{10:064x}"


async def test_the_first_bytes_correct_the_type():
    queue, ports = make()
    file = FakeFile("photo.txt", 10, content_type="text/plain")
    file.first = b"\x89PNG\r\n\x1a\n"

    await send(queue, file, None)
    await send(queue, file, Options(content_type="x/y"))

    assert ports.http.header(0, "content-type") == "image/png"
    assert ports.http.header(1, "content-type") == "x/y"


async def test_folders_too_deep_for_a_key_fail_with_a_reason():
    queue, _ = make()

    upload = await send(queue, FakeFile("a", 10, path="/".join(["x" * 200] * 6)), None)

    assert type(upload.error).__name__ == "NameTooLong"
