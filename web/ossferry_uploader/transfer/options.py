"""Options of an upload: how OSS stores the object, for example its content type and its tags."""

from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.keys import safe_name, safe_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.oss.signing import Header

KEEP_BOTH = "keep both"  # a random part in the key gives every upload an object of its own
REFUSE = "refuse"  # OSS refuses a key that is taken; an identical object completes the upload
REPLACE = "replace"
SAME_NAME = (KEEP_BOTH, REFUSE, REPLACE)

DISPOSITIONS = ("", "attachment", "inline")
STORAGE_CLASSES = ("", "Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
SERVER_SIDE_ENCRYPTION = ("", "AES256", "KMS")
DEFAULT_CONTENT_TYPE = "application/octet-stream"
MAX_METADATA_BYTES = 5800  # OSS allows 8,192; the file's name and SHA-256 need the rest
METADATA_PREFIX = "x-oss-meta-"
MAX_FOLDER_BYTES = 255
FIELD = "field-"  # with it begin the names of the metadata with the operator's fields
MAX_TAGS = 10
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TAG_CHARS = LETTERS + LETTERS.upper() + " +-=._:/"
GIVEN = (
    "name",
    "folder",
    "content_type",
    "disposition",
    "metadata",
    "tags",
    "storage_class",
    "server_side_encryption",
    "sha256",
    "skip_identical",
)
OURS = ("name", "replaces", "sha256")  # metadata names that the upload sets itself
ENCRYPTION = "client-side-encryption-"  # so do these; an SDK decrypts the object by them


class Options:
    """How OSS stores the object of an upload.

    Several uploads can share one `Options` object, because the attributes never change.

    Args:
        same_name: what happens if an object with the file's name exists. With `KEEP_BOTH`, object
            keys contain a random part, so all files are kept. With the other values, the object key
            is `{key prefix in the grant}{folder}/{path of the file}/{name of the file}`. If another
            object has this key, the upload fails (`REFUSE`) or overwrites the object (`REPLACE`).
        name: the name of the object; by default the name of the file. If the checks change the
            ending of the file's name, this name gets the new ending, too.
        folder: a folder below the key prefix in the grant, such as `orders/7`; empty for none.
        content_type: the content type of the object; if empty, the type is found from the name and
            the first bytes of the file.
        disposition: `attachment` or `inline`; stored as `Content-Disposition` together with the
            file's name.
        metadata: the object's `x-oss-meta-*` headers. Names consist of `a-z 0-9 -`; values are any
            text, and are stored percent-encoded.
        tags: object tags. The credentials need the permission `oss:PutObjectTagging`.
        storage_class: the storage class of the object; if empty, the bucket's storage class is
            used.
        server_side_encryption: how OSS encrypts the stored object: `AES256` or `KMS`; if empty, as
            the bucket does.
        sha256: whether to store the file's SHA-256 as `x-oss-meta-sha256`; the file is then read
            once more before it is sent.
        skip_identical: whether to skip the file if the same person has already stored an object
            with the same `folder`, path, name, size and CRC-64; the file is then read once more
            before it is sent.

    Raises:
        ValueError: an argument has a wrong type, or a value that OSS would refuse; the error text
            names the argument and the reason.

    Source: OSS API reference, PutObject; OSS user guide, Object tagging.
    """

    def __init__(
        self,
        *,
        same_name: str = KEEP_BOTH,
        name: str = "",
        folder: str = "",
        content_type: str = "",
        disposition: str = "",
        metadata: "dict[str, str] | None" = None,
        tags: "dict[str, str] | None" = None,
        storage_class: str = "",
        server_side_encryption: str = "",
        sha256: bool = False,
        skip_identical: bool = False,
    ) -> None:
        self.same_name = _one_of("same_name", same_name, SAME_NAME)
        self.name = _name(name)
        self.folder = _folder(folder)
        self.content_type = _printable("content_type", content_type)
        self.disposition = _one_of("disposition", disposition, DISPOSITIONS)
        self.metadata = _metadata(_texts("metadata", metadata))
        self.tags = _tags(_texts("tag", tags))
        self.storage_class = _one_of("storage_class", storage_class, STORAGE_CLASSES)
        self.server_side_encryption = _one_of(
            "server_side_encryption", server_side_encryption, SERVER_SIDE_ENCRYPTION
        )
        self.sha256 = _switch("sha256", sha256)
        self.skip_identical = _switch("skip_identical", skip_identical)
        self.given = _given(self)  # arguments other than the defaults: `Options(**given)`

    def with_metadata(self, more: "dict[str, str]") -> "Options":
        """Return a copy of these options with more metadata; equal names get the new values.

        Raises:
            ValueError: OSS would refuse the metadata.
        """
        return self.described(self.name, more) if more else self

    def described(self, name: str, more: "dict[str, str]") -> "Options":
        """Return a copy of these options with another `name`, and with more metadata.

        Args:
            name: the new name; empty for the name of the file.
            more: metadata by name, tags as `tags.{key}`, and other arguments as `stored.{name}`,
                such as `stored.storage_class`. Equal names get the new values; an empty value
                removes a field, a tag or an argument.

        Raises:
            ValueError: the name is not safe, or OSS would refuse a value.
        """
        given, metadata, tags = dict(self.given), dict(self.metadata), dict(self.tags)
        for key in more:
            group, _, part = key.partition(".")
            if not part:
                metadata[key] = more[key]
            elif group != "tags":
                given[part] = more[key]
            elif more[key]:
                tags[part] = more[key]
            else:
                tags.pop(part, "")
        given["tags"] = tags
        given["metadata"] = {
            key: metadata[key] for key in metadata if metadata[key] or not key.startswith(FIELD)
        }
        given["name"] = name
        return Options(**given)

    def makes_same(self, other: "Options") -> bool:
        """Return whether these options name and describe an object as other options do."""
        mine, others = (self.same_name, self.name), (other.same_name, other.name)
        return mine == others and self.details() == other.details()

    def details(self) -> "dict[str, str]":
        """Return the metadata with the operator's fields, whose names begin with `FIELD`."""
        given = self.metadata
        return {name: given[name] for name in given if name.startswith(FIELD)}


def object_headers(
    options: Options, *, name: str, content_type: str, sha256: str = ""
) -> "list[Header]":
    """Return the headers for PutObject or InitiateMultipartUpload that describe the new object.

    Args:
        name: the name of the file, which is stored percent-encoded in `x-oss-meta-name`.
        content_type: the content type; if empty, `application/octet-stream` is used.
        sha256: the SHA-256 of the file in hexadecimal; empty if unknown.
    """
    headers: list[Header] = [
        ("content-type", content_type or DEFAULT_CONTENT_TYPE),
        ("x-oss-meta-name", percent_encode(name)),
    ]
    if sha256:
        headers.append(("x-oss-meta-sha256", sha256))
    for key, value in sorted(options.metadata.items()):
        headers.append((f"{METADATA_PREFIX}{key}", percent_encode(value)))
    if options.tags:
        pairs = [
            f"{percent_encode(k)}={percent_encode(v)}" for k, v in sorted(options.tags.items())
        ]
        headers.append(("x-oss-tagging", "&".join(pairs)))
    if options.storage_class:
        headers.append(("x-oss-storage-class", options.storage_class))
    if options.server_side_encryption:
        headers.append(("x-oss-server-side-encryption", options.server_side_encryption))
    if options.disposition:
        encoded = percent_encode(name)
        headers.append(
            ("content-disposition", f"{options.disposition}; filename*=UTF-8''{encoded}")
        )
    return headers


def _one_of(what: str, value: str, allowed: "tuple[str, ...]") -> str:
    if value not in allowed:
        raise ValueError(f"{what} is one of {', '.join([repr(one) for one in allowed])}")
    return value


def metadata_of(field: str) -> str:
    """Return the name of the metadata with the value of one of the operator's fields."""
    return FIELD + field.replace("_", "-")


def name_of(given: str, chosen: str, sent: str) -> str:
    """Return the name of an object.

    Args:
        given: the name in the options; empty if the object has the name of the file.
        chosen: the name of the file that a person has chosen.
        sent: the name of the file that is sent: of the same, or of one that checks have made.
    """
    stem, dot, old = given.rpartition(".")
    made, _, new = sent.rpartition(".")  # the checks know the file by its given name
    if not given or new.lower() in (old.lower(), chosen.rpartition(".")[2].lower()):
        return given or sent
    has_old = dot and (made == stem or old.lower() == chosen.rpartition(".")[2].lower())
    return f"{stem if has_old else given}.{new}"


def name_to_check(given: str, chosen: str, sent: str) -> str:
    """Return the name for checks that look again at a chosen file, which has got another name.

    If they have made a file of another type, its ending in the name stands for the original one.

    Args:
        given: the new name of the object.
        chosen, sent: see `name_of`.
    """
    stem, _, ending = given.rpartition(".")
    _, dot, original = chosen.rpartition(".")
    made = sent.rpartition(".")[2].lower()
    if not dot or made == original.lower() or (stem and ending.lower() != made):
        return given
    return f"{stem or given}.{original}"


def _name(name: str) -> str:
    _text("name", name)
    if name and safe_name(name) != name:
        raise ValueError(f"name is the name of a file that is safe in object keys, not {name!r}")
    return name


def _folder(folder: str) -> str:
    _text("folder", folder)
    if len(folder.encode()) > MAX_FOLDER_BYTES:
        raise ValueError(f"folder may have up to {MAX_FOLDER_BYTES} bytes")
    if folder and safe_path(folder) != f"{folder}/":
        raise ValueError(
            "folder is made of names with / between them; a name does not begin with a dot and has"
            f" no control characters: {folder!r}"
        )
    return folder


def _printable(what: str, value: str) -> str:
    _text(what, value)
    if [char for char in value if not " " <= char <= "~"]:
        raise ValueError(f"{what} is printable ASCII, not {value!r}")
    return value


def _text(what: str, value: "Any") -> None:
    if not isinstance(value, str):
        raise ValueError(f"{what} is text, not {value!r}")


def _texts(what: str, given: "Any") -> "dict[str, str]":
    texts = {} if given is None else given
    if not isinstance(texts, dict):
        raise ValueError(f"{what}: a dict is wanted, not {given!r}")
    for name, value in texts.items():
        _text(f"the name of a {what}", name)
        _text(f"{what} {name!r}", value)
    return texts


def _switch(what: str, value: "Any") -> bool:
    if value is not True and value is not False:
        raise ValueError(f"{what} is True or False, not {value!r}")
    return bool(value)


def _given(options: Options) -> "dict[str, Any]":
    given: dict[str, Any] = {}
    if options.same_name != KEEP_BOTH:
        given["same_name"] = options.same_name
    for name in GIVEN:
        if getattr(options, name):
            given[name] = getattr(options, name)
    return given


def _metadata(metadata: "dict[str, str]") -> "dict[str, str]":
    size = 0
    for name, value in metadata.items():
        if not name or [char for char in name if char not in LETTERS + "-"]:
            raise ValueError(f"the name of metadata is made of a-z, 0-9 and -, not {name!r}")
        if name in OURS or name.startswith(ENCRYPTION):
            raise ValueError(f"the metadata {name!r} is written by the upload itself")
        size += len(METADATA_PREFIX) + len(name) + len(percent_encode(value))
    if size > MAX_METADATA_BYTES:
        raise ValueError(
            f"{size} bytes of metadata with its headers; a file may have up to {MAX_METADATA_BYTES}"
        )
    return metadata


def _tags(tags: "dict[str, str]") -> "dict[str, str]":
    if len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags; OSS takes up to {MAX_TAGS}")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise ValueError(
                f"a tag has a key of 1 to 128 and a value of up to 256 characters: {key!r}"
            )
        strange = [char for char in key + value if char not in TAG_CHARS]
        if strange:
            raise ValueError(f"a tag may not hold {strange[0]!r}: {key!r}")
    return tags
