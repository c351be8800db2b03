"""The state of a mock: `Service` is shared by all requests, `Call` belongs to one request.

`Ids` generates the identifiers that the mock issues, but not the file names in the store, which are
always random.
"""

import base64
import random
import secrets
import uuid
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from urllib.parse import quote

from mock_oss.clock import Clock
from mock_oss.errors import RefusedError, WorldError
from mock_oss.faults.plan import Faults
from mock_oss.http.addressing import Target, locate
from mock_oss.http.body import Body
from mock_oss.http.documents import Node, parse
from mock_oss.http.request import Request, number_of
from mock_oss.identities import ANONYMOUS, Caller, Identities
from mock_oss.journal import Journal, RequestRecord
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, ObjectRecord
from mock_oss.world.lifecycle import apply_rules
from mock_oss.world.model import World, check_spec_domain

MAX_XML_BYTES = 1 << 20
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"


class Ids:
    """Generates identifiers; with a seed, the identifiers are the same in every run."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random: random.Random = self._start()

    def _start(self) -> random.Random:
        return random.SystemRandom() if self._seed is None else random.Random(self._seed)  # noqa: S311 - reproducible ids are requested

    def restart(self) -> None:
        """Start the sequence of identifiers again from the seed; do nothing if there is no seed."""
        self._random = self._start()

    def request_id(self) -> str:
        """Return a request id: 24 upper-case hex digits."""
        if self._seed is None:
            return secrets.token_hex(12).upper()
        return f"{self._random.getrandbits(96):024X}"

    def upload_id(self) -> str:
        """Return an upload id: 32 upper-case hex digits."""
        return self.digits().upper()

    def digits(self) -> str:
        """Return 32 lower-case hex digits: a version id, or the token for a custom domain."""
        return f"{self._random.getrandbits(128):032x}"

    def uuid(self) -> str:
        """Return an upper-case UUID; STS uses this form for request ids."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4)).upper()

    def temporary_key(self) -> tuple[str, str, str]:
        """Return (access key id, access key secret, security token) of a new role session."""
        key_id = "STS.NMockOss" + self._text(17)
        secret = self._text(44)
        token = "CAIS" + base64.b64encode(self._random.randbytes(180)).decode()
        return key_id, secret, token

    def access_key(self) -> tuple[str, str]:
        """Return (access key id, access key secret) of a new long-term access key for a user."""
        return "LTAI5tMock" + self._text(14), self._text(30)

    def ram_id(self, first: str) -> str:
        """Return the RAM id of a user or role: the digit `first`, followed by 17 random digits."""
        return first + f"{self._random.randrange(10**17):017d}"

    def _text(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))


@dataclass(slots=True, kw_only=True)
class Service:
    """The state of a running mock that all requests share.

    `executor` is a thread pool for short tasks of the mock itself. `callers` is a thread pool for
    callbacks to application servers, which may be slow or may call the mock before they respond.
    `domains` are the domains for virtual-hosted style, `BUCKET.DOMAIN`. `hosts` are the host names
    of the mock, in lower case; requests to these hosts use path style, and may use the control
    plane, `/_mock/`. `private_callbacks` allows callbacks to private addresses. `endpoint` is the
    URL of the mock.
    """

    world: World
    store: Store
    clock: Clock
    ids: Ids
    identities: Identities
    faults: Faults
    journal: Journal
    executor: Executor
    callers: Executor
    domains: tuple[str, ...]
    hosts: frozenset[str]
    refuse_public_endpoints: bool
    private_callbacks: bool
    idle_timeout_s: float
    endpoint: str

    @property
    def public_key_url(self) -> str:
        """The URL of the public key with which application servers verify callback signatures."""
        return f"{self.endpoint}/_mock/callback_pub_key.pem"

    def now_ms(self) -> int:
        """Return the mock's time in milliseconds since the epoch."""
        return self.clock.timestamp_ms()

    def apply_lifecycle(self, bucket: BucketRecord) -> None:
        """Abort the old multipart uploads of a bucket, as its lifecycle rules say."""
        apply_rules(self.store, bucket.name, bucket.lifecycle, self.now_ms())

    def locate(self, host: str, raw_path: bytes) -> Target:
        """Return the bucket and key that a request addresses.

        Args:
            host: the Host header, including the port; may be empty.
            raw_path: the percent-encoded path of the request.

        Raises:
            RefusedError: the path is not UTF-8, or a request to a region's endpoint, such as
                `oss-cn-hangzhou.aliyuncs.com`, uses path style.
        """
        return locate(
            host, raw_path, cnames=self.store.cnames.bound, domains=self.domains, hosts=self.hosts
        )

    def bind_cname(self, domain: str, bucket: str) -> None:
        """Bind a custom domain to a bucket, without the ownership token that PutCname requires.

        Raises:
            WorldError: the name is not allowed as a custom domain.
        """
        check_spec_domain(domain)
        self.store.cnames.bind(domain.lower(), bucket, self.now_ms())

    def unbind_cname(self, domain: str) -> None:
        """Remove the binding of a custom domain.

        Raises:
            WorldError: the domain is not bound to a bucket.
        """
        bucket = self.store.cnames.bound.get(domain.lower())
        if bucket is None:
            raise WorldError(f"the domain {domain!r} is not bound to a bucket")
        self.store.cnames.delete(bucket, domain.lower())

    def report_unparsed(self, refused: RefusedError) -> str:
        """Add a journal record for a request that is not valid HTTP; return its new request id.

        Args:
            refused: the error that the client receives.
        """
        record = self.journal.open(self.ids.request_id(), self.clock.timestamp())
        record.operation, record.status = "no HTTP request", refused.status
        record.code, record.message = refused.code, refused.message
        record.why = {"kind": "HTTP", "cause": refused.message}
        return record.request_id


@dataclass(slots=True)
class Call:
    """The state of one request while the mock authenticates, authorizes and executes it.

    `bucket_or_none` is the addressed bucket, or None if it does not exist. For a PostObject
    request, `fields` is a mapping from lower-case field name to value. For any other request,
    `fields` is None.
    """

    service: Service
    request: Request
    target: Target
    body: Body
    record: RequestRecord
    bucket_or_none: BucketRecord | None
    caller: Caller = ANONYMOUS
    fields: Mapping[str, str] | None = None

    @property
    def bucket(self) -> BucketRecord:
        """The addressed bucket.

        Raises:
            RefusedError: NoSuchBucket if the bucket does not exist.
        """
        if self.bucket_or_none is None:
            raise RefusedError("NoSuchBucket", BucketName=self.target.bucket)
        return self.bucket_or_none

    @property
    def region(self) -> str:
        """The region of the addressed bucket.

        If the bucket does not exist, it is the region in the Host header, or the configured region
        of the mock.
        """
        if self.bucket_or_none is not None:
            return self.bucket_or_none.region
        return self.target.region or self.service.world.region

    @property
    def key(self) -> str:
        """The object key in the request; empty text for requests to a bucket or to the service."""
        return self.target.key

    @property
    def store(self) -> Store:
        """The store of the mock."""
        return self.service.store

    @property
    def clock(self) -> Clock:
        """The mock's clock."""
        return self.service.clock

    @property
    def now_ms(self) -> int:
        """The mock's time in milliseconds since the epoch."""
        return self.service.now_ms()

    @property
    def location(self) -> str:
        """The URL of the addressed object, with the host and the style of the request."""
        bucket = f"/{self.bucket.name}" if self.target.style == "path" else ""
        return f"http://{self.request.host}{bucket}/{quote(self.key)}"

    def version_headers(self, record: ObjectRecord) -> list[tuple[str, str]]:
        """Return the response header `x-oss-version-id` as a list of one (name, value) pair.

        The list is empty if the bucket has never had versioning.
        """
        return [("x-oss-version-id", record.version_id)] if self.bucket.versioning else []

    def stored(self, record: ObjectRecord) -> list[tuple[str, str]]:
        """Return response headers with the ETag, the CRC-64 and the version id of a stored object.

        They are (name, value) pairs.
        """
        sums = [("ETag", f'"{record.etag}"'), ("x-oss-hash-crc64ecma", record.crc64)]
        return sums + self.version_headers(record)

    async def read_xml(self, root: str, limit: int = MAX_XML_BYTES) -> Node:
        """Parse the request body as XML and return its root element.

        Args:
            root: the required name of the root element.
            limit: the largest allowed size of the body in bytes.

        Raises:
            RefusedError: MalformedXML if the body is too long, is not valid XML, or has another
                root element.
        """
        return parse(await self.body.read(limit), root)

    def number(self, name: str, low: int, high: int, default: int = 0) -> int:
        """Return the query parameter `name` as a number, or `default` if it is absent or empty.

        Raises:
            RefusedError: InvalidArgument if the value is not a whole number from `low` to `high`.
        """
        text = self.param(name)
        return number_of(name, text, low, high) if text else default

    def max_keys(self, name: str = "max-keys", default: int = 100) -> int:
        """Return the page size in a query parameter, or `default` if it is absent or empty.

        Raises:
            RefusedError: InvalidArgument if the page size is not a whole number from 1 to 1000.
        """
        return self.number(name, 1, 1000, default)

    def param(self, name: str) -> str:
        """Return a query parameter of the request, or empty text if the parameter is absent."""
        return self.request.params.get(name, "")

    def header(self, name: str) -> str | None:
        """Return a header of the request, or None if the header is absent.

        For a form upload, return the form field with this name instead; the headers are ignored.

        Args:
            name: the lower-case name of the header.
        """
        return (self.request.headers if self.fields is None else self.fields).get(name)
