"""RestoreObject: archived objects become readable after a time, for some days."""

from typing import Any

import oss2
import pytest
from oss2 import models

from contract.mock_oss.clients import Answer, ask, refusal
from mock_oss import BUCKET, MockOSS

HOUR, DAY = 3600, 86_400
FROZEN = "InvalidObjectState"


def put(bucket: Any, storage_class: str, key: str = "a") -> Any:
    return bucket.put_object(key, b"hello", headers={"x-oss-storage-class": storage_class})


def restore(oss: MockOSS, days: int = 1, tier: str = "") -> Answer:
    parameters = f"<JobParameters><Tier>{tier}</Tier></JobParameters>" if tier else ""
    body = f"<RestoreRequest><Days>{days}</Days>{parameters}</RestoreRequest>".encode()
    return ask(oss, "POST", "a", query={"restore": ""}, body=body)


def test_an_archived_object_is_readable_a_minute_after_its_restoration(
    bucket: Any, mock_oss: MockOSS
) -> None:
    put(bucket, "Archive")
    assert bucket.head_object("a").headers.get("x-oss-restore") is None
    assert refusal(bucket.get_object, "a") == (403, FROZEN)

    assert bucket.restore_object("a").status == 202
    assert bucket.head_object("a").headers["x-oss-restore"] == 'ongoing-request="true"'
    assert refusal(bucket.restore_object, "a") == (409, "RestoreAlreadyInProgress")
    (found,) = bucket.list_objects().object_list
    assert found.restore_info == 'ongoing-request="true"'
    assert refusal(bucket.get_object, "a") == (403, FROZEN)
    assert refusal(bucket.copy_object, BUCKET, "a", "b") == (403, FROZEN)

    mock_oss.clock.advance(60)
    got = bucket.get_object("a")
    assert got.read() == b"hello"
    assert got.headers["x-oss-restore"].startswith('ongoing-request="false", expiry-date="')
    assert bucket.restore_object("a").status == 200
    bucket.copy_object(BUCKET, "a", "b", headers={"x-oss-storage-class": "Standard"})
    assert bucket.get_object("b").read() == b"hello"
    mock_oss.clock.advance(DAY)
    assert ask(mock_oss, "GET", "a").code == FROZEN
    assert ask(mock_oss, "HEAD", "a").headers["x-oss-restore"] is None
    assert restore(mock_oss, 7).status == 202


def test_the_days_of_a_restoration_begin_when_it_ends(bucket_v4: Any, mock_oss: MockOSS) -> None:
    put(bucket_v4, "ColdArchive")
    mock_oss.clock.freeze()
    assert restore(mock_oss, 2, "Bulk").status == 202

    mock_oss.clock.advance(12 * HOUR)
    assert ask(mock_oss, "GET", "a").status == 200
    mock_oss.clock.advance(2 * DAY - 1)
    assert ask(mock_oss, "GET", "a").status == 200
    mock_oss.clock.advance(1)
    assert ask(mock_oss, "GET", "a").code == FROZEN


def test_a_restored_object_stays_readable_for_longer(bucket_v4: Any, mock_oss: MockOSS) -> None:
    put(bucket_v4, "Archive")
    restore(mock_oss, 1)
    mock_oss.clock.advance(12 * HOUR)

    assert restore(mock_oss, 3).status == 200

    mock_oss.clock.advance(3 * DAY - 60)
    assert ask(mock_oss, "GET", "a").status == 200
    mock_oss.clock.advance(120)
    assert ask(mock_oss, "GET", "a").code == FROZEN


@pytest.mark.parametrize(
    ("storage_class", "tier", "hours"),
    [
        ("ColdArchive", models.RESTORE_TIER_EXPEDITED, 1),
        ("ColdArchive", models.RESTORE_TIER_STANDARD, 5),
        ("ColdArchive", models.RESTORE_TIER_BULK, 12),
        ("DeepColdArchive", models.RESTORE_TIER_EXPEDITED, 12),
        ("DeepColdArchive", models.RESTORE_TIER_STANDARD, 48),
    ],
)
def test_a_tier_says_how_long_a_restoration_takes(
    bucket_v4: Any, mock_oss: MockOSS, storage_class: str, tier: str, hours: int
) -> None:
    put(bucket_v4, storage_class)
    wanted = models.RestoreConfiguration(days=3, job_parameters=models.RestoreJobParameters(tier))

    answer = bucket_v4.restore_object("a", input=wanted)

    assert (answer.status, answer.headers["x-oss-object-restore-priority"]) == (202, tier)
    mock_oss.clock.advance(hours * HOUR - 60)
    assert ask(mock_oss, "GET", "a").code == FROZEN
    mock_oss.clock.advance(60)
    assert ask(mock_oss, "GET", "a").body == b"hello"


def test_only_a_faster_tier_replaces_a_restoration(bucket_v4: Any, mock_oss: MockOSS) -> None:
    put(bucket_v4, "ColdArchive")
    assert restore(mock_oss, 1, "Standard").status == 202

    for tier in ("Standard", "Bulk"):
        assert restore(mock_oss, 1, tier).code == "RestoreAlreadyInProgress"
    assert restore(mock_oss, 1, "Expedited").status == 202
    mock_oss.clock.advance(HOUR)
    assert ask(mock_oss, "GET", "a").status == 200


@pytest.mark.parametrize("storage_class", ["Standard", "IA"])
def test_an_object_that_is_not_archived_cannot_be_restored(
    bucket_v4: Any, storage_class: str
) -> None:
    put(bucket_v4, storage_class)

    assert refusal(bucket_v4.restore_object, "a") == (400, "OperationNotSupported")
    assert refusal(bucket_v4.restore_object, "missing") == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("storage_class", "days", "tier", "code"),
    [
        ("Archive", 0, "", "InvalidArgument"),
        ("Archive", 8, "", "InvalidArgument"),
        ("ColdArchive", 366, "", "InvalidArgument"),
        ("ColdArchive", 1, "Fast", "InvalidArgument"),
        ("Archive", 1, "Standard", "MalformedXML"),
        ("DeepColdArchive", 1, "Bulk", "InvalidArgument"),
    ],
    ids=["no-day", "8-days", "366-days", "tier", "tier-of-archive", "tier-of-the-class"],
)
def test_a_restoration_that_oss_does_not_know_is_refused(
    bucket_v4: Any, mock_oss: MockOSS, storage_class: str, days: int, tier: str, code: str
) -> None:
    put(bucket_v4, storage_class)

    answer = restore(mock_oss, days, tier)

    assert (answer.status, answer.code) == (400, code)


def test_a_restoration_is_of_one_version(bucket_v4: Any, mock_oss: MockOSS) -> None:
    bucket_v4.put_bucket_versioning(models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    first = put(bucket_v4, "Archive").versionid
    second = put(bucket_v4, "Archive").versionid

    answer = bucket_v4.restore_object("a", params={"versionId": first})
    assert (answer.status, answer.headers["x-oss-version-id"]) == (202, first)
    mock_oss.clock.advance(60)

    assert bucket_v4.get_object("a", params={"versionId": first}).read() == b"hello"
    assert refusal(bucket_v4.get_object, "a", params={"versionId": second}) == (403, FROZEN)
    listed = {v.versionid: v.restore_info for v in bucket_v4.list_object_versions().versions}
    assert listed[second] is None
    assert listed[first].startswith('ongoing-request="false"')


def test_a_new_object_is_not_restored(bucket_v4: Any, mock_oss: MockOSS) -> None:
    put(bucket_v4, "Archive")
    bucket_v4.restore_object("a")
    mock_oss.clock.advance(60)
    bucket_v4.copy_object(BUCKET, "a", "b", headers={"x-oss-storage-class": "Archive"})
    put(bucket_v4, "Archive")

    assert refusal(bucket_v4.get_object, "a") == (403, FROZEN)
    assert refusal(bucket_v4.get_object, "b") == (403, FROZEN)


def test_a_restoration_ends_early(bucket_v4: Any, mock_oss: MockOSS) -> None:
    put(bucket_v4, "ColdArchive")
    clean = {"cleanRestoredObject": ""}
    assert ask(mock_oss, "POST", "a", query=clean).code == "ArchiveRestoreFileStale"
    restore(mock_oss, 1, "Expedited")
    assert ask(mock_oss, "POST", "a", query=clean).code == "ArchiveRestoreNotFinished"
    mock_oss.clock.advance(HOUR)
    assert ask(mock_oss, "GET", "a").status == 200

    assert ask(mock_oss, "POST", "a", query=clean).status == 200

    assert ask(mock_oss, "GET", "a").code == FROZEN
