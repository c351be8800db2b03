"""Multipart uploads: part order, sizes, replaced parts, lost responses, lifecycle."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from oss2.models import AbortMultipartUpload, BucketLifecycle, LifecycleRule, PartInfo

from contract.mock_oss.clients import ask, oss2_bucket, refusal
from mock_oss import BUCKET, MockOSS

PART = b"p" * 102_400


def begin(bucket: Any, *parts: bytes, key: str = "big") -> tuple[str, list[PartInfo]]:
    upload_id = bucket.init_multipart_upload(key).upload_id
    sent = [
        PartInfo(number, bucket.upload_part(key, upload_id, number, data).etag)
        for number, data in enumerate(parts, 1)
    ]
    return upload_id, sent


def test_parts_join_in_order_without_their_gaps(mock_oss: MockOSS, bucket: Any) -> None:
    upload_id = bucket.init_multipart_upload("big", headers={"x-oss-meta-a": "1"}).upload_id
    parts = [
        PartInfo(number, bucket.upload_part("big", upload_id, number, data).etag)
        for number, data in ((10_000, b"end"), (7, b"q" * 102_400), (1, PART))
    ]

    done = bucket.complete_multipart_upload("big", upload_id, parts[::-1])

    stored = mock_oss.bucket(BUCKET).objects["big"]
    assert stored.data == PART + b"q" * 102_400 + b"end"
    assert (stored.kind, stored.headers["x-oss-meta-a"]) == ("Multipart", "1")
    assert stored.etag == done.etag
    assert done.etag.endswith("-3")
    assert done.crc == stored.crc64


def complete(oss: MockOSS, upload_id: str, body: bytes, **headers: str) -> tuple[int, str]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = ask(oss, "POST", "big", query={"uploadId": upload_id}, headers=names, body=body)
    return answer.status, answer.code if answer.status >= 400 else ""


def listing(*parts: tuple[object, str]) -> bytes:
    inner = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in parts
    )
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def test_complete_checks_in_the_order_of_the_real_service(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    upload_id, (one, two) = begin(bucket_v4, b"small", b"end")
    bucket_v4.put_object("big", b"there")
    good = listing((1, one.etag), (2, two.etag))

    assert complete(mock_oss, "0" * 32, b"<Complete") == (400, "MalformedXML")
    assert complete(mock_oss, "0" * 32, good) == (404, "NoSuchUpload")
    for wrong in (((2, two.etag), (1, "x")), ((1, "x"), (1, "x")), ((0, "x"),), ((10_001, "x"),)):
        assert complete(mock_oss, upload_id, listing(*wrong)) == (400, "InvalidPartOrder")
    assert complete(mock_oss, upload_id, listing((1, "x"), (2, "x"))) == (400, "InvalidPart")
    assert complete(mock_oss, upload_id, listing((3, one.etag))) == (400, "InvalidPart")
    assert complete(mock_oss, upload_id, good) == (400, "EntityTooSmall")
    only = listing((1, f"&quot;{one.etag.lower()}&quot;"))
    forbidden = complete(mock_oss, upload_id, only, x_oss_forbid_overwrite="true")
    assert forbidden == (409, "FileAlreadyExists")
    assert mock_oss.bucket(BUCKET).objects["big"].data == b"there"
    assert complete(mock_oss, upload_id, only) == (200, "")
    assert complete(mock_oss, upload_id, only) == (404, "NoSuchUpload")


def test_complete_all_takes_every_part(mock_oss: MockOSS, bucket_v4: Any) -> None:
    upload_id, _ = begin(bucket_v4, PART, b"end")

    with_body = complete(mock_oss, upload_id, listing((1, "x")), x_oss_complete_all="yes")
    assert with_body == (400, "InvalidArgument")
    assert complete(mock_oss, upload_id, b"") == (400, "MalformedXML")
    assert complete(mock_oss, upload_id, b"", x_oss_complete_all="yes") == (200, "")
    assert mock_oss.bucket(BUCKET).objects["big"].data == PART + b"end"


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", "1.0", ""])
def test_part_numbers_go_from_one_to_ten_thousand(bucket_v4: Any, number: str) -> None:
    upload_id, _ = begin(bucket_v4)

    assert refusal(bucket_v4.upload_part, "big", upload_id, number, b"x") == (
        400,
        "InvalidArgument",
    )


def test_a_part_that_arrives_after_the_abort_is_refused(mock_oss: MockOSS, bucket_v4: Any) -> None:
    upload_id = bucket_v4.init_multipart_upload("big").upload_id

    class AbortOnTheWay:
        sent = 0

        def read(self, size: int = -1) -> bytes:
            if self.sent == 0:
                self.sent = 200_000
                return b"a" * 200_000
            if self.sent == 200_000:
                self.sent += 1
                mock_oss.store.abort_upload(upload_id)
                return b"b"
            return b""

    with pytest.raises(Exception, match="NoSuchUpload"):
        bucket_v4.upload_part("big", upload_id, 1, AbortOnTheWay())

    assert mock_oss.store.blobs.names() == set()


def test_an_upload_belongs_to_its_key(bucket_v4: Any) -> None:
    upload_id, _ = begin(bucket_v4, b"x")

    assert refusal(bucket_v4.upload_part, "other", upload_id, 1, b"x") == (404, "NoSuchUpload")
    assert refusal(bucket_v4.abort_multipart_upload, "other", upload_id) == (404, "NoSuchUpload")


def test_lists_of_parts_and_uploads_come_in_pages(bucket_v4: Any) -> None:
    upload_id, _ = begin(bucket_v4, b"1", b"2", b"3", key="a/x")
    for key in ("a/x", "b", "c/y", "c/z"):
        bucket_v4.init_multipart_upload(key)

    first = bucket_v4.list_parts("a/x", upload_id, max_parts=2)
    rest = bucket_v4.list_parts("a/x", upload_id, marker=first.next_marker)
    assert [[p.part_number for p in page.parts] for page in (first, rest)] == [[1, 2], [3]]
    found, key, upload = [], "", ""
    for _ in range(10):
        page = bucket_v4.list_multipart_uploads(
            key_marker=key, upload_id_marker=upload, max_uploads=2
        )
        found += [item.key for item in page.upload_list]
        key, upload = page.next_key_marker, page.next_upload_id_marker
        if not page.is_truncated:
            break
    assert found == ["a/x", "a/x", "b", "c/y", "c/z"]
    folded = bucket_v4.list_multipart_uploads(delimiter="/")
    assert folded.prefix_list == ["a/", "c/"]
    rest = bucket_v4.list_multipart_uploads(delimiter="/", key_marker="c/")
    assert rest.prefix_list == []
    assert [item.key for item in folded.upload_list] == ["b"]


def test_a_copied_part_takes_a_range_and_checks_conditions(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.put_object("source", bytes(range(256)) * 800)
    upload_id = bucket_v4.init_multipart_upload("big").upload_id

    part = bucket_v4.upload_part_copy(BUCKET, "source", (1, 102_400), "big", upload_id, 1)
    bucket_v4.complete_multipart_upload("big", upload_id, [PartInfo(1, part.etag)])

    assert mock_oss.bucket(BUCKET).objects["big"].data == (bytes(range(256)) * 800)[1:102_401]
    again = bucket_v4.init_multipart_upload("big").upload_id
    condition = {"x-oss-copy-source-if-none-match": "*"}
    assert refusal(
        bucket_v4.upload_part_copy, BUCKET, "source", None, "big", again, 1, headers=condition
    ) == (412, "PreconditionFailed")


def test_a_lifecycle_rule_aborts_old_uploads_by_the_mocks_clock(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    rule = LifecycleRule(
        "r", "a/", status="Enabled", abort_multipart_upload=AbortMultipartUpload(days=1)
    )
    bucket_v4.put_bucket_lifecycle(BucketLifecycle([rule]))
    old, _ = begin(bucket_v4, b"x", key="a/old")
    elsewhere, _ = begin(bucket_v4, b"x", key="b/old")
    mock_oss.clock.advance(86_000)
    young = ask(mock_oss, "POST", "a/young", query={"uploads": ""}, body=b"").xml("UploadId")

    mock_oss.clock.advance(500)

    query = {"uploadId": old, "partNumber": "1"}
    late = ask(mock_oss, "PUT", "a/old", query=query, body=b"x")
    assert (late.status, late.code) == (404, "NoSuchUpload")
    assert set(mock_oss.bucket(BUCKET).uploads) == {elsewhere, young}


def test_a_killed_mock_has_every_part_and_no_data_of_others(
    mock_oss: MockOSS, bucket_v4: Any, tmp_path: Path
) -> None:
    """A copy of the data directory is what a killed mock leaves."""
    bucket_v4.put_object("big", b"replaced")
    kept, sent = begin(bucket_v4, b"replaced" * 20_000, b"end", key="kept")
    sent[0].etag = bucket_v4.upload_part("kept", kept, 1, PART).etag
    aborted, _ = begin(bucket_v4, PART, b"end", key="aborted")
    bucket_v4.abort_multipart_upload("aborted", aborted)
    completed, parts = begin(bucket_v4, PART, b"end", b"not chosen")
    bucket_v4.complete_multipart_upload("big", completed, parts[:2])
    blobs = mock_oss.store.blobs.names()
    assert len(blobs) == 4
    shutil.copytree(mock_oss.store.directory, tmp_path / "left")
    (tmp_path / "left/blobs/half").write_text("of a body")

    with MockOSS(data_dir=tmp_path / "left") as oss:
        assert oss.store.blobs.names() == blobs
        assert list(oss.bucket(BUCKET).uploads) == [kept]
        oss2_bucket(oss).complete_multipart_upload("kept", kept, sent)

        stored = {key: found.data for key, found in oss.bucket(BUCKET).objects.items()}
        assert stored == {"big": PART + b"end", "kept": PART + b"end"}
