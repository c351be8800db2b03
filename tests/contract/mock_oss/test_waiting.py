"""Waiting for an object, which each operation may store."""

from collections.abc import Callable
from threading import Thread

import pytest

from contract.mock_oss.clients import oss2_bucket
from contract.mock_oss.post_forms import form, post, v4_fields
from mock_oss import BUCKET, MockOSS, MockOSSError
from mock_oss.errors import UploadTimeoutError


def put(oss: MockOSS) -> None:
    oss2_bucket(oss).put_object("uploads/a", b"hello")


def append(oss: MockOSS) -> None:
    oss2_bucket(oss).append_object("uploads/a", 0, b"hello")


def multipart(oss: MockOSS) -> None:
    bucket = oss2_bucket(oss)
    upload_id = bucket.init_multipart_upload("uploads/a").upload_id
    bucket.upload_part("uploads/a", upload_id, 1, b"hello")
    bucket.complete_multipart_upload("uploads/a", upload_id, None, {"x-oss-complete-all": "yes"})


def post_form(oss: MockOSS) -> None:
    assert post(oss, form({"key": "uploads/a", **v4_fields(oss, [])})).status == 204


@pytest.mark.parametrize("upload", [put, append, multipart, post_form])
@pytest.mark.parametrize("key", ["uploads/a", "uploads/*"])
def test_an_object_of_any_operation_is_waited_for(
    mock_oss: MockOSS, upload: Callable[[MockOSS], None], key: str
) -> None:
    mock_oss.faults.add("delay", seconds=0.02)
    client = Thread(target=upload, args=(mock_oss,))
    client.start()

    stored = mock_oss.wait_for_upload(key)

    client.join()
    assert (stored.key, stored.data) == ("uploads/a", b"hello")
    assert mock_oss.bucket(BUCKET).wait_for_upload(key, timeout_s=0).key == "uploads/a"


def test_an_unfinished_multipart_upload_is_not_an_object(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object("b", b"")
    bucket.init_multipart_upload("a")

    with pytest.raises(UploadTimeoutError) as error:
        mock_oss.wait_for_upload("a", timeout_s=0)

    assert str(error.value) == (
        f"the bucket {BUCKET} has no object 'a' after 0 s; it has ['b']; the mock received:\n"
        f"  <PUT /{BUCKET}/b PutObject -> 200>\n"
        f"  <POST /{BUCKET}/a InitiateMultipartUpload -> 200>"
    )


def test_a_world_without_buckets_is_an_error() -> None:
    with MockOSS(buckets=[]) as oss, pytest.raises(MockOSSError, match="has no bucket"):
        oss.wait_for_upload("a")
