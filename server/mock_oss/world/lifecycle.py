"""Bucket lifecycle: parses the rules, aborts old multipart uploads and deletes old versions.

The mock checks all actions of a rule, but performs only AbortMultipartUpload,
NoncurrentVersionExpiration and ExpiredObjectDeleteMarker. When a request addresses a bucket, the
mock first applies the rules of the bucket.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mock_oss.errors import invalid_argument
from mock_oss.http.documents import Node, malformed_xml, parse
from mock_oss.http.request import number_of, one_of
from mock_oss.store.data_directory import Store

MAX_RULES = 1000
STORAGE_CLASSES = ("IA", "Archive", "ColdArchive", "DeepColdArchive")
TAG_TEXT = re.compile(r"[\w+\-=.:/ ]*")
MAX_DAYS = 10**6 - 1
DAY_MS = 86_400_000
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00(?:\.000)?Z")
_TIMED = ("Expiration", "AbortMultipartUpload", "Transition")
_NONCURRENT = ("NoncurrentVersionExpiration", "NoncurrentVersionTransition")


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRule:
    """A lifecycle rule that aborts multipart uploads whose object keys begin with `prefix`.

    If `days` is set, the rule aborts uploads that are at least this number of days old. If
    `before_ms` is set, the rule aborts uploads that started before this time; the rule has no
    effect until this time. `before_ms` is in milliseconds since the epoch.
    """

    prefix: str
    days: int | None
    before_ms: int | None

    def apply(self, store: Store, bucket: str, now_ms: int) -> None:
        """Abort the multipart uploads in a bucket that match this rule.

        Args:
            store: the store.
            bucket: the bucket's name.
            now_ms: the mock's time in milliseconds since the epoch.
        """
        for upload in store.uploads.page(bucket, prefix=self.prefix):
            started_ms, before_ms = upload.initiated_ms, self.before_ms
            old = self.days is not None and started_ms + self.days * DAY_MS <= now_ms
            if old or (before_ms is not None and started_ms < before_ms <= now_ms):
                store.abort_upload(upload.upload_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoncurrentRule:
    """A lifecycle rule that deletes object versions `days` days after they became noncurrent.

    It applies to versions that have all `tags`, which are (tag key, tag value) pairs, and an object
    key that begins with `prefix`.
    """

    prefix: str
    days: int
    tags: frozenset[tuple[str, str]] = frozenset()

    def apply(self, store: Store, bucket: str, now_ms: int) -> None:
        """Delete the noncurrent versions in a bucket that match this rule.

        Args:
            store: the store.
            bucket: the bucket's name.
            now_ms: the mock's time in milliseconds since the epoch.
        """
        until_ms = now_ms - self.days * DAY_MS
        for key, version_id in store.versions.noncurrent_since(bucket, self.prefix, until_ms):
            record = store.version(bucket, key, version_id)
            if record is not None and self.tags <= record.tags.items():
                store.delete_version(bucket, key, version_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRule:
    """A lifecycle rule that removes delete markers which are the only version of their object key.

    The rule applies to object keys that begin with `prefix`.
    """

    prefix: str

    def apply(self, store: Store, bucket: str, now_ms: int) -> None:
        """Remove the delete markers in a bucket that match this rule; `now_ms` has no effect."""
        for key, version_id in store.versions.lone_markers(bucket, self.prefix):
            store.delete_version(bucket, key, version_id)


_Rule = AbortRule | NoncurrentRule | MarkerRule


def parse_lifecycle(body: bytes) -> tuple[_Rule, ...]:
    """Check a LifecycleConfiguration document, and return a rule for each enabled action.

    An element Rule with two actions gives two rules. Only AbortMultipartUpload,
    NoncurrentVersionExpiration and ExpiredObjectDeleteMarker give rules: the mock checks other
    actions, but never performs them.

    Raises:
        RefusedError: MalformedXML or InvalidArgument if the document is not valid.
    """
    root = parse(body, "LifecycleConfiguration")
    rules = root.all("Rule")
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml(f"{len(rules)} rules, 1 to {MAX_RULES}")
    enabled: list[_Rule] = []
    for rule in rules:
        prefix, status = rule.value("Prefix"), rule.value("Status")
        if prefix is None or status not in ("Enabled", "Disabled"):
            raise malformed_xml("a Rule needs Prefix and Status")
        if len((rule.value("ID") or "").encode()) > 255:
            raise invalid_argument("ID", "too long")
        actions = [e for name in (*_TIMED, *_NONCURRENT) for e in rule.all(name)]
        if not actions:
            raise malformed_xml("a Rule needs an action")
        tags = _tags(rule)
        performed = [_performed(action, prefix, tags) for action in actions]
        if status == "Enabled":
            enabled += filter(None, performed)
    return tuple(enabled)


def _performed(action: Node, prefix: str, tags: frozenset[tuple[str, str]]) -> _Rule | None:
    """Check one action of a rule; return what the mock performs, or None."""
    if action.tag.endswith("Transition"):
        one_of("StorageClass", action.value("StorageClass") or "", STORAGE_CLASSES)
    if action.tag in _NONCURRENT:
        days = number_of("NoncurrentDays", action.value("NoncurrentDays") or "", 1, MAX_DAYS)
        is_expiration = action.tag == "NoncurrentVersionExpiration"
        return NoncurrentRule(prefix=prefix, days=days, tags=tags) if is_expiration else None
    after_days, before_ms = _when(action)
    if action.tag == "AbortMultipartUpload":
        return AbortRule(prefix=prefix, days=after_days, before_ms=before_ms)
    if (action.value("ExpiredObjectDeleteMarker") or "").lower() == "true":
        return MarkerRule(prefix=prefix)
    return None


def _tags(rule: Node) -> frozenset[tuple[str, str]]:
    tags = []
    for element in rule.all("Tag"):
        key, value = element.value("Key") or "", element.value("Value") or ""
        for name, text in (("Key", key), ("Value", value)):
            if not TAG_TEXT.fullmatch(text):
                raise invalid_argument(name, text)
        tags.append((key, value))
    return frozenset(tags)


def _when(action: Node) -> tuple[int | None, int | None]:
    days, before = action.value("Days"), action.value("CreatedBeforeDate")
    if days is not None and before is None:
        return number_of("Days", days, 1, MAX_DAYS), None
    if before is not None and days is None:
        refused = invalid_argument("CreatedBeforeDate", before)
        if not _MIDNIGHT.fullmatch(before):
            raise refused
        try:
            return None, int(datetime.fromisoformat(before).timestamp() * 1000)
        except ValueError as e:
            raise refused from e
    if action.tag == "Expiration" and days is None and before is None:
        other = (action.value(name) for name in ("ExpiredObjectDeleteMarker", "Date"))
        if any(text is not None for text in other):
            return None, None
    raise malformed_xml(f"{action.tag} needs Days or CreatedBeforeDate")


@lru_cache(maxsize=64)
def _rules(stored: str) -> tuple[_Rule, ...]:
    return parse_lifecycle(stored.encode())


def apply_rules(store: Store, bucket: str, stored: str, now_ms: int) -> None:
    """Apply the lifecycle rules of a bucket now.

    As the rules say, old multipart uploads are aborted, and noncurrent versions and delete markers
    without other versions are removed.

    Args:
        store: the store.
        bucket: the bucket's name.
        stored: the bucket's lifecycle document; empty if the bucket has no lifecycle rules.
        now_ms: the mock's time in milliseconds since the epoch.
    """
    for rule in _rules(stored) if stored else ():
        rule.apply(store, bucket, now_ms)
