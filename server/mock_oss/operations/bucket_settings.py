"""Settings of a bucket: ACL, CORS, lifecycle, Block Public Access, hotlink protection, versioning,
tags and inventories.

While Block Public Access is on, the mock refuses requests that set a public ACL, and ignores public
ACLs that exist. The mock stores inventory configurations, but writes no inventory lists. The vendor
does not document the error codes for bucket tags that are not valid; the mock uses the codes for
object tags. Sources: vendor pages of the operations, and of the error codes that begin with 0020.
"""

import json
import re
from typing import Any
from xml.etree.ElementTree import Element

from mock_oss.access.authorization import authorize
from mock_oss.access.referer import RefererRules, parse_referer, render_referer
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.cors import parse_cors, render_cors
from mock_oss.http.documents import PROLOG, Node, malformed_xml, tag
from mock_oss.http.request import one_of
from mock_oss.http.response import Response, document_response, xml_response
from mock_oss.operations.buckets import put_bucket
from mock_oss.operations.common import acl_document, tagging, tags_in
from mock_oss.operations.object_headers import check_tags
from mock_oss.service import MAX_XML_BYTES, Call
from mock_oss.store.records import Inventory
from mock_oss.world.lifecycle import parse_lifecycle
from mock_oss.world.model import BUCKET_ACLS, STORAGE_CLASSES, VERSIONING

MAX_CORS_BYTES = 16 << 10
MAX_TAGS = 20
MAX_KEY_BYTES = 64
MAX_VALUE_BYTES = 128
RESERVED = ("http://", "https://", "aliyun", "acs")
"""Beginnings of tag keys that OSS refuses, in any case."""
MAX_INVENTORIES = 1000
PAGE = 100
FREQUENCIES = ("Daily", "Weekly", "Monthly")
VERSIONS = ("All", "Current")
BUCKET_ARN = "acs:oss:::"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CAPITAL_BOOLEAN = re.compile(r"(?<=<ExpiredObjectDeleteMarker>)(True|False)(?=<)")
"""The SDK `oss2` sends True and False, but reads only true and false."""


def _changed(call: Call, status: int = 200, **changes: Any) -> Response:
    """Change fields of the bucket, and return an empty response."""
    call.store.buckets.put(call.bucket._replace(**changes))
    return Response(status)


def _document(call: Call, stored: str, error: str) -> Response:
    """Return a stored document, or raise RefusedError for empty text."""
    if not stored:
        raise RefusedError(error, BucketName=call.bucket.name)
    return document_response(stored.encode())


async def put_acl(call: Call) -> Response:
    """Set the bucket's ACL to the value of the header `x-oss-acl`.

    If the bucket does not exist, create it with this ACL, as OSS does.
    """
    acl = one_of("x-oss-acl", call.header("x-oss-acl") or "", BUCKET_ACLS)
    if call.bucket_or_none is None:
        authorize(call, "oss:PutBucket")
        return await put_bucket(call)
    call.store.buckets.put(call.bucket._replace(acl=acl))
    return Response(200, [("Location", f"/{call.bucket.name}")])


async def get_acl(call: Call) -> Response:
    """Return the bucket's ACL."""
    return xml_response("AccessControlPolicy", acl_document(call.bucket, call.bucket.acl))


async def put_cors(call: Call) -> Response:
    """Replace the bucket's CORS rules with the rules in the request body."""
    configuration = parse_cors(await call.body.read(MAX_CORS_BYTES))
    return _changed(call, cors=render_cors(configuration).decode())


async def get_cors(call: Call) -> Response:
    """Return the bucket's CORS rules as a `CORSConfiguration` document.

    Raises:
        RefusedError: NoSuchCORSConfiguration if the bucket has no CORS rules.
    """
    return _document(call, call.bucket.cors, "NoSuchCORSConfiguration")


async def delete_cors(call: Call) -> Response:
    """Delete the CORS rules of the bucket."""
    return _changed(call, 204, cors="")


async def put_lifecycle(call: Call) -> Response:
    """Replace the bucket's lifecycle rules with the document in the request body.

    The document is stored as it was sent, except that the values True and False of
    `ExpiredObjectDeleteMarker` become lower case.

    Raises:
        RefusedError: MalformedXML, InvalidArgument or InvalidRequest if the document is not valid.
    """
    body = await call.body.read(MAX_XML_BYTES)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise malformed_xml(f"not UTF-8: {e.reason}") from e
    parse_lifecycle(text.encode())
    text = _CAPITAL_BOOLEAN.sub(lambda match: match[0].lower(), text)
    return _changed(call, lifecycle=text)


async def get_lifecycle(call: Call) -> Response:
    """Return the lifecycle document of the bucket, as `put_lifecycle` stored it.

    Raises:
        RefusedError: NoSuchLifecycle if the bucket has no lifecycle rules.
    """
    return _document(call, call.bucket.lifecycle, "NoSuchLifecycle")


async def delete_lifecycle(call: Call) -> Response:
    """Delete the lifecycle rules of the bucket."""
    return _changed(call, 204, lifecycle="")


async def put_block(call: Call) -> Response:
    """Switch Block Public Access of the bucket on or off, according to the request body."""
    root = await call.read_xml("PublicAccessBlockConfiguration")
    return _changed(call, block_public=root.flag("BlockPublicAccess"))


async def get_block(call: Call) -> Response:
    """Return whether Block Public Access of the bucket is on."""
    state = {"BlockPublicAccess": call.bucket.block_public}
    return xml_response("PublicAccessBlockConfiguration", state)


async def delete_block(call: Call) -> Response:
    """Switch Block Public Access of the bucket off."""
    return _changed(call, 204, block_public=False)


async def put_referer(call: Call) -> Response:
    """Replace the bucket's hotlink protection with the rules in the request body.

    The rules say which Referer headers are allowed.
    """
    rules = parse_referer(await call.body.read(MAX_XML_BYTES))
    return _changed(call, referer=render_referer(rules).decode())


async def get_referer(call: Call) -> Response:
    """Return the hotlink protection of the bucket, as a RefererConfiguration document.

    If the bucket has no hotlink protection, the document allows every Referer.
    """
    return document_response(call.bucket.referer.encode() or render_referer(RefererRules()))


async def put_versioning(call: Call) -> Response:
    """Enable or suspend the bucket's versioning, according to the request body.

    Versioning that has been enabled can be suspended, but not removed.
    """
    root = await call.read_xml("VersioningConfiguration")
    status = root.value("Status") or ""
    if status not in VERSIONING:
        raise malformed_xml(f"Status is {status!r}")
    return _changed(call, versioning=status)


async def get_versioning(call: Call) -> Response:
    """Return the versioning status of the bucket.

    The response contains no status if versioning has never been enabled.
    """
    return xml_response("VersioningConfiguration", {"Status": call.bucket.versioning or None})


async def put_tags(call: Call) -> Response:
    """Replace all tags of the bucket with the tags in the request body."""
    tags = check_tags(
        await tags_in(call, MAX_XML_BYTES),
        "Bucket",
        most=MAX_TAGS,
        is_name=_is_tag_key,
        is_value=lambda text: len(text.encode()) <= MAX_VALUE_BYTES,
    )
    return _changed(call, tagging=json.dumps(tags))


def _is_tag_key(text: str) -> bool:
    return 1 <= len(text.encode()) <= MAX_KEY_BYTES and not text.lower().startswith(RESERVED)


async def get_tags(call: Call) -> Response:
    """Return the tags of the bucket; the document has no tags if the bucket has none."""
    return xml_response("Tagging", tagging(call.bucket.tags) if call.bucket.tags else {})


async def delete_tags(call: Call) -> Response:
    """Delete the bucket's tags whose keys are in the parameter `tagging`, separated by commas.

    If the parameter is empty, delete all tags of the bucket.
    """
    names = [name for name in call.param("tagging").split(",") if name]
    kept = {name: value for name, value in call.bucket.tags.items() if names and name not in names}
    return _changed(call, 204, tagging=json.dumps(kept))


async def put_inventory(call: Call) -> Response:
    """Add the inventory configuration in the request body to the bucket.

    Raises:
        RefusedError: InventoryAlreadyExist if the bucket has a configuration with this id, which
            cannot be changed. InventoryExceedLimit if the bucket has 1,000 configurations.
            MalformedXML or InvalidArgument if the configuration is not valid.
    """
    root = await call.read_xml("InventoryConfiguration")
    inventory_id = root.needed("Id")
    if inventory_id != call.param("inventoryId") or not _ID.fullmatch(inventory_id):
        raise invalid_argument("Id", inventory_id[:256])
    _check_inventory(call, root)
    inventories, name = call.store.inventories, call.bucket.name
    if inventories.get(name, inventory_id) is not None:
        raise RefusedError("InventoryAlreadyExist", InventoryId=inventory_id)
    if len(inventories.rows(name, limit=MAX_INVENTORIES)) == MAX_INVENTORIES:
        raise RefusedError("InventoryExceedLimit", BucketName=name)
    inventories.put(Inventory(name, inventory_id, _rendered(root)))
    return Response(200)


def _check_inventory(call: Call, root: Node) -> None:
    """Check the elements of an inventory configuration.

    Raises:
        RefusedError: MalformedXML for a missing element, InvalidArgument for an invalid value.
    """
    enabled = root.needed("IsEnabled")
    if enabled.lower() not in ("true", "false"):
        raise invalid_argument("IsEnabled", enabled[:256])
    one_of("IncludedObjectVersions", root.needed("IncludedObjectVersions"), VERSIONS)
    one_of("Frequency", root.one("Schedule").needed("Frequency"), FREQUENCIES)
    target = root.one("Destination").one("OSSBucketDestination")
    one_of("Format", target.needed("Format"), ("CSV",))
    target.needed("AccountId")
    target.needed("RoleArn")
    name, here = target.needed("Bucket"), call.bucket
    destination = call.store.buckets.get(name.removeprefix(BUCKET_ARN))
    if (
        not name.startswith(BUCKET_ARN)
        or destination is None
        or (destination.account_id, destination.region) != (here.account_id, here.region)
    ):
        raise invalid_argument("Bucket", name[:256], ec="0020-00000033")
    for element in root.all("Filter"):
        classes = element.value("StorageClass") or "All"
        if classes != "All" and not set(classes.split(",")) <= set(STORAGE_CLASSES):
            raise invalid_argument("StorageClass", classes[:256])


def _rendered(element: Element) -> str:
    """Return an element as XML text, without the blanks between its children.

    OSS returns booleans in lower case, and storage classes in alphabetical order.
    """
    if len(element):
        return tag(element.tag, (_rendered(child) for child in element))
    text = element.text or ""
    if element.tag == "IsEnabled":
        text = text.lower()
    elif element.tag == "StorageClass":
        text = ",".join(sorted(text.split(",")))
    return tag(element.tag, text)


async def get_inventory(call: Call) -> Response:
    """Return the bucket's inventory configuration with the id in the parameter `inventoryId`.

    Raises:
        RefusedError: NoSuchInventory if the bucket has no configuration with this id.
    """
    inventory_id = call.param("inventoryId")
    inventory = call.store.inventories.get(call.bucket.name, inventory_id)
    if inventory is None:
        raise RefusedError("NoSuchInventory", InventoryId=inventory_id)
    return document_response((PROLOG + inventory.configuration + "\n").encode())


async def list_inventories(call: Call) -> Response:
    """Return one page of the bucket's inventory configurations, sorted by id.

    A page has at most 100 configurations. The continuation token is the last id of the previous
    page.

    Raises:
        RefusedError: NoSuchInventory if the first page is empty.
    """
    token = call.param("continuation-token")
    inventories = call.store.inventories.rows(call.bucket.name, after=token, limit=PAGE + 1)
    if not inventories and not token:
        raise RefusedError("NoSuchInventory", BucketName=call.bucket.name)
    page, truncated = inventories[:PAGE], len(inventories) > PAGE
    return xml_response(
        "ListInventoryConfigurationsResult",
        (
            *(inventory.configuration for inventory in page),
            tag("ContinuationToken", token or None),
            tag("IsTruncated", truncated),
            tag("NextContinuationToken", page[-1].id if truncated else None),
        ),
    )


async def delete_inventory(call: Call) -> Response:
    """Delete the bucket's inventory configuration with the id in the parameter `inventoryId`.

    The request succeeds also if there is no such configuration.
    """
    call.store.inventories.delete(call.bucket.name, call.param("inventoryId"))
    return Response(204)
