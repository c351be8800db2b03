"""Inventory configurations of buckets: the mock stores them, but writes no inventory lists.

Sources: vendor pages of the operations, and of the ECs that begin with 0020.
"""

import re
from xml.etree.ElementTree import Element

from mock_oss.errors import RefusedError
from mock_oss.http.documents import PROLOG, child_text, children, parse, tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.buckets import MAX_XML_BYTES
from mock_oss.service import Call
from mock_oss.world.model import STORAGE_CLASSES

MAX_INVENTORIES = 1000
PAGE = 100
FREQUENCIES = ("Daily", "Weekly", "Monthly")
VERSIONS = ("All", "Current")
BUCKET_ARN = "acs:oss:::"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def put_inventory(call: Call) -> Response:
    """Create an inventory configuration of the bucket; an existing one cannot be changed."""
    root = parse(await call.body.read(MAX_XML_BYTES), "InventoryConfiguration")
    inventory_id = _text(root, "Id")
    if inventory_id != call.param("inventoryId") or not _ID.fullmatch(inventory_id):
        raise _invalid("Id", inventory_id)
    _check(call, root)
    inventories, name = call.store.inventories, call.bucket.name
    if inventories.get(name, inventory_id) is not None:
        raise RefusedError("InventoryAlreadyExist", InventoryId=inventory_id)
    if len(inventories.page(name, limit=MAX_INVENTORIES)) == MAX_INVENTORIES:
        raise RefusedError("InventoryExceedLimit", BucketName=name)
    inventories.put(name, inventory_id, _rendered(root))
    return Response(200)


def _check(call: Call, root: Element) -> None:
    """Check the elements of a configuration.

    Raises:
        RefusedError: MalformedXML for a missing element, InvalidArgument for an invalid value.
    """
    if _text(root, "IsEnabled").lower() not in ("true", "false"):
        raise _invalid("IsEnabled", _text(root, "IsEnabled"))
    if (versions := _text(root, "IncludedObjectVersions")) not in VERSIONS:
        raise _invalid("IncludedObjectVersions", versions)
    if (frequency := _text(_child(root, "Schedule"), "Frequency")) not in FREQUENCIES:
        raise _invalid("Frequency", frequency)
    target = _child(_child(root, "Destination"), "OSSBucketDestination")
    if (kind := _text(target, "Format")) != "CSV":
        raise _invalid("Format", kind)
    _text(target, "AccountId")
    _text(target, "RoleArn")
    name = _text(target, "Bucket")
    destination = call.store.buckets.get(name.removeprefix(BUCKET_ARN))
    if not name.startswith(BUCKET_ARN) or destination is None:
        raise _invalid("Bucket", name, ec="0020-00000033")
    here = call.bucket
    if (destination.account_id, destination.region) != (here.account_id, here.region):
        raise _invalid("Bucket", name, ec="0020-00000033")
    for element in children(root, "Filter"):
        classes = child_text(element, "StorageClass") or "All"
        if classes != "All" and not set(classes.split(",")) <= set(STORAGE_CLASSES):
            raise _invalid("StorageClass", classes)


def _child(parent: Element, name: str) -> Element:
    elements = children(parent, name)
    if len(elements) != 1:
        raise RefusedError("MalformedXML", why={"xml": f"a {parent.tag} has one {name}"})
    return elements[0]


def _text(parent: Element, name: str) -> str:
    text = child_text(parent, name)
    if not text:
        raise RefusedError("MalformedXML", why={"xml": f"a {parent.tag} needs {name}"})
    return text


def _invalid(name: str, value: str, ec: str | None = None) -> RefusedError:
    return RefusedError("InvalidArgument", ec=ec, ArgumentName=name, ArgumentValue=value[:256])


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


def _stored(call: Call) -> str:
    inventory_id = call.param("inventoryId")
    inventory = call.store.inventories.get(call.bucket.name, inventory_id)
    if inventory is None:
        raise RefusedError("NoSuchInventory", InventoryId=inventory_id)
    return inventory


async def get_inventory(call: Call) -> Response:
    """Return an inventory configuration of the bucket."""
    body = (PROLOG + _stored(call) + "\n").encode()
    return Response(200, [("Content-Type", "application/xml")], body)


async def list_inventories(call: Call) -> Response:
    """Return one page of the bucket's inventory configurations, in order of their ids.

    A page has at most 100. The continuation token is the last id of the previous page.

    Raises:
        RefusedError: NoSuchInventory if the bucket has no configuration at all.
    """
    token = call.param("continuation-token")
    inventories = call.store.inventories.page(call.bucket.name, after=token, limit=PAGE + 1)
    if not inventories and not token:
        raise RefusedError("NoSuchInventory", BucketName=call.bucket.name)
    page, truncated = inventories[:PAGE], len(inventories) > PAGE
    return xml_response(
        "ListInventoryConfigurationsResult",
        (
            *(configuration for _, configuration in page),
            tag("ContinuationToken", token or None),
            tag("IsTruncated", str(truncated).lower()),
            tag("NextContinuationToken", page[-1][0] if truncated else None),
        ),
    )


async def delete_inventory(call: Call) -> Response:
    """Delete an inventory configuration; the request succeeds also if it does not exist."""
    call.store.inventories.delete(call.bucket.name, call.param("inventoryId"))
    return Response(204)
