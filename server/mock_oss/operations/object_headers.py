"""Object properties that request headers set: headers, ACL, storage class, tags and encryption."""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.request import check_header, one_of
from mock_oss.store.records import DEFAULT_CONTENT_TYPE
from mock_oss.world.model import STORAGE_CLASSES

OBJECT_ACLS = ("default", "private", "public-read", "public-read-write")
KEPT_HEADERS = frozenset(
    """content-type cache-control content-disposition content-encoding content-language
    expires""".split()  # noqa: SIM905 - easier to read as a table
)
MAX_META_BYTES = 8 * 1024
MAX_TAGS = 10
_META_NAME = re.compile(r"x-oss-meta-[a-z0-9-]*")
_TAG_TEXT = re.compile(r"[\w+\-=.:/ ]*")
_SSE = "x-oss-server-side-encryption"
_SSE_KEY = "x-oss-server-side-encryption-key-id"
_SSE_DATA = "x-oss-server-side-data-encryption"
_SSE_ALGORITHMS = ("AES256", "KMS", "SM4")


class Properties(NamedTuple):
    """Properties of a new object, taken from the headers of a request and checked.

    Attributes:
        headers: the request headers that the mock stores, and sends in responses when the object is
            read, as JSON text: {lower-case name: value}. `content-type` is always among them.
        tagging: the tags, as JSON text: {tag key: tag value}.
    """

    headers: str
    storage_class: str
    acl: str
    tagging: str

    @property
    def encryption_headers(self) -> list[tuple[str, str]]:
        """The response headers that describe the object's server-side encryption.

        They are (name, value) pairs; the list is empty if the object is not encrypted.
        """
        if _SSE not in self.headers:
            return []
        stored = json.loads(self.headers)
        return [(name, stored[name]) for name in (_SSE, _SSE_KEY, _SSE_DATA) if name in stored]


def read_properties(headers: Mapping[str, str], storage_class: str) -> Properties:
    """Return the properties that the headers of a request set on a new object.

    Args:
        headers: the headers of the request, with lower-case names.
        storage_class: the storage class for a request without `x-oss-storage-class`.

    Raises:
        RefusedError: a header is not valid. The code is InvalidEncryptionAlgorithmError for an
            unknown algorithm, a code of `check_tags` for tags, and InvalidArgument for other
            headers.
    """
    kept = {"content-type": headers.get("content-type") or DEFAULT_CONTENT_TYPE}
    acl, chosen, tagging = "default", storage_class, "{}"
    for name, value in headers.items():
        if name in KEPT_HEADERS and value:
            kept[name] = value
        elif not name.startswith("x-oss-"):
            continue
        elif name.startswith("x-oss-meta-"):
            kept[name] = value
        elif name == "x-oss-object-acl":
            acl = one_of(name, value, OBJECT_ACLS)
        elif name == "x-oss-storage-class":
            chosen = one_of(name, value, STORAGE_CLASSES)
        elif name == "x-oss-tagging":
            tagging = json.dumps(_parse_tagging(value))
        elif name == _SSE:
            kept.update(_encryption(headers))
    _check_kept(kept)
    return Properties(_packed(tuple(kept.items())), chosen, acl, tagging)


@lru_cache(maxsize=256)
def _packed(kept: tuple[tuple[str, str], ...]) -> str:
    """Convert the (name, value) pairs of an object's headers to a JSON text for the store.

    The results are cached, because many objects have the same headers.
    """
    return json.dumps(dict(kept))


def _check_kept(kept: Mapping[str, str]) -> None:
    size = 0
    for name, value in kept.items():
        check_header(name, value)
        if name.startswith("x-oss-meta-"):
            if not _META_NAME.fullmatch(name):
                raise invalid_argument(name, value)
            size += len(name) - len("x-oss-meta-") + len(value)
    if size > MAX_META_BYTES:
        raise invalid_argument("x-oss-meta", str(size), "The user metadata is larger than 8 KB.")


def _encryption(headers: Mapping[str, str]) -> dict[str, str]:
    algorithm = headers[_SSE]
    if algorithm not in _SSE_ALGORITHMS:
        raise RefusedError("InvalidEncryptionAlgorithmError", SSEAlgorithm=algorithm)
    kept = {_SSE: algorithm}
    for name in (_SSE_KEY, _SSE_DATA):
        if name in headers:
            if algorithm != "KMS":
                raise invalid_argument(name, headers[name])
            kept[name] = headers[name]
    return kept


def _parse_tagging(text: str) -> dict[str, str]:
    """Return the tags in a header value of the form `k=v&k2=v2`.

    Raises:
        RefusedError: `check_tags` refuses the tags.
    """
    pairs = (item.partition("=") for item in text.split("&"))
    return check_tags([(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs])


def _is_tag_name(text: str) -> bool:
    return 1 <= len(text.encode()) <= 128 and _TAG_TEXT.fullmatch(text) is not None


def _is_tag_value(text: str) -> bool:
    return len(text.encode()) <= 256 and _TAG_TEXT.fullmatch(text) is not None


def check_tags(
    tags: list[tuple[str, str]],
    what: str = "Object",
    *,
    most: int = MAX_TAGS,
    is_name: Callable[[str], bool] = _is_tag_name,
    is_value: Callable[[str], bool] = _is_tag_value,
) -> dict[str, str]:
    """Return the tags of an object or a bucket as {tag key: tag value}, if they are valid.

    Args:
        tags: the tags as (key, value) pairs.
        what: `Object` or `Bucket`, for the error message.
        most: the largest allowed number of tags.
        is_name: returns whether a text may be a tag key.
        is_value: returns whether a text may be a tag value.

    Raises:
        RefusedError: InvalidTag for too many tags or for an invalid tag value, InvalidTaggingKey
            for an invalid tag key, RepeatedTags for a repeated tag key.
    """
    if len(tags) > most:
        raise RefusedError("InvalidTag", f"{what} tags cannot be greater than {most}.")
    checked: dict[str, str] = {}
    for name, value in tags:
        if name in checked:
            raise RefusedError("RepeatedTags", TagKey=name)
        if not is_name(name):
            raise RefusedError("InvalidTaggingKey", TagKey=name)
        if not is_value(value):
            raise RefusedError("InvalidTag", TagValue=value)
        checked[name] = value
    return checked
