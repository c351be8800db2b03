"""Inventory configurations are stored and returned."""

from typing import Any

import oss2
import pytest
from oss2 import models

from contract.mock_oss.clients import ask, oss2_bucket, refusal
from mock_oss import ACCOUNT_ID, BUCKET, MockOSS


def configuration(
    inventory_id: str,
    *,
    bucket: str = BUCKET,
    frequency: str = models.INVENTORY_FREQUENCY_WEEKLY,
    storage_class: str = "Standard,IA",
    versions: str = models.INVENTORY_INCLUDED_OBJECT_VERSIONS_ALL,
) -> models.InventoryConfiguration:
    destination = models.InventoryBucketDestination(
        account_id=ACCOUNT_ID,
        role_arn=f"acs:ram::{ACCOUNT_ID}:role/AliyunOSSRole",
        bucket=bucket,
        inventory_format=models.INVENTORY_FORMAT_CSV,
        prefix="lists & more/",
        sse_kms_encryption=models.InventoryServerSideEncryptionKMS("key"),
    )
    return models.InventoryConfiguration(
        inventory_id=inventory_id,
        is_enabled=True,
        inventory_schedule=models.InventorySchedule(frequency=frequency),
        included_object_versions=versions,
        inventory_filter=models.InventoryFilter(
            "photos/", lower_size_bound=1, storage_class=storage_class
        ),
        optional_fields=[models.FIELD_SIZE, models.FIELD_ETAG],
        inventory_destination=models.InventoryDestination(bucket_destination=destination),
    )


def test_an_inventory_is_stored_returned_and_deleted(bucket: Any) -> None:
    assert refusal(bucket.list_bucket_inventory_configurations) == (404, "NoSuchInventory")
    bucket.put_bucket_inventory_configuration(configuration("weekly"))

    found = bucket.get_bucket_inventory_configuration("weekly")

    assert (found.inventory_id, found.is_enabled) == ("weekly", True)
    assert found.inventory_schedule.frequency == "Weekly"
    assert found.included_object_versions == "All"
    assert found.inventory_filter.prefix == "photos/"
    assert found.inventory_filter.lower_size_bound == "1"
    assert found.inventory_filter.storage_class == "IA,Standard"
    assert found.optional_fields == ["Size", "ETag"]
    target = found.inventory_destination.bucket_destination
    assert (target.bucket, target.prefix) == (BUCKET, "lists & more/")
    assert target.sse_kms_encryption.key_id == "key"
    again = configuration("weekly")
    assert refusal(bucket.put_bucket_inventory_configuration, again) == (
        409,
        "InventoryAlreadyExist",
    )
    assert bucket.delete_bucket_inventory_configuration("weekly").status == 204
    assert refusal(bucket.get_bucket_inventory_configuration, "weekly") == (404, "NoSuchInventory")


def test_inventories_are_listed_in_pages(bucket_v4: Any, mock_oss: MockOSS) -> None:
    ids = [f"list-{number:03}" for number in range(103)]
    for each in ids:
        bucket_v4.put_bucket_inventory_configuration(configuration(each))

    first = bucket_v4.list_bucket_inventory_configurations()
    assert first.is_truncated
    rest = bucket_v4.list_bucket_inventory_configurations(first.next_continuation_token)

    assert (rest.is_truncated, rest.continuaiton_token) == (False, first.next_continuation_token)
    listed = first.inventory_configurations + rest.inventory_configurations
    assert [each.inventory_id for each in listed] == ids
    mock_oss.reset()
    assert refusal(bucket_v4.list_bucket_inventory_configurations) == (404, "NoSuchInventory")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"bucket": "not-there"}, "InvalidArgument"),
        ({"frequency": "Hourly"}, "InvalidArgument"),
        ({"versions": "Old"}, "InvalidArgument"),
        ({"storage_class": "Standard,Cold"}, "InvalidArgument"),
        ({"inventory_id": "a b"}, "InvalidArgument"),
        ({"frequency": ""}, "MalformedXML"),
    ],
    ids=str,
)
def test_an_inventory_that_makes_no_sense_is_refused(
    bucket_v4: Any, values: dict[str, str], code: str
) -> None:
    wanted = configuration(**{"inventory_id": "a", **values})

    assert refusal(bucket_v4.put_bucket_inventory_configuration, wanted) == (400, code)


def test_the_id_in_the_url_is_the_id_in_the_document(mock_oss: MockOSS) -> None:
    document = oss2.xml_utils.to_put_inventory_configuration(configuration("a"))
    query = {"inventory": "", "inventoryId": "b"}

    answer = ask(mock_oss, "PUT", "", query=query, body=document)

    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_new_bucket_has_no_inventory_of_an_old_one(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss, "short-lived")
    bucket.create_bucket()
    bucket.put_bucket_inventory_configuration(configuration("a", bucket="short-lived"))
    bucket.delete_bucket()
    bucket.create_bucket()

    assert refusal(bucket.get_bucket_inventory_configuration, "a") == (404, "NoSuchInventory")
