"""Bucket lifecycle: parses the rules, and aborts old multipart uploads.

The mock checks all actions of a rule, but performs only AbortMultipartUpload. When a request
addresses a bucket, the mock first applies the rules of the bucket.
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


def parse_lifecycle(body: bytes) -> tuple[AbortRule, ...]:
    """Check a LifecycleConfiguration document, and return its enabled AbortMultipartUpload rules.

    Raises:
        RefusedError: MalformedXML or InvalidArgument if the document is not valid.
    """
    root = parse(body, "LifecycleConfiguration")
    rules = root.all("Rule")
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml(f"{len(rules)} rules, 1 to {MAX_RULES}")
    enabled: list[AbortRule] = []
    for rule in rules:
        prefix, status = rule.value("Prefix"), rule.value("Status")
        if prefix is None or status not in ("Enabled", "Disabled"):
            raise malformed_xml("a Rule needs Prefix and Status")
        if len((rule.value("ID") or "").encode()) > 255:
            raise invalid_argument("ID", "too long")
        actions = [e for name in (*_TIMED, *_NONCURRENT) for e in rule.all(name)]
        if not actions:
            raise malformed_xml("a Rule needs an action")
        _check_tags(rule)
        for action in actions:
            days, before_ms = _check_action(action)
            if action.tag == "AbortMultipartUpload" and status == "Enabled":
                enabled.append(AbortRule(prefix=prefix, days=days, before_ms=before_ms))
    return tuple(enabled)


def _check_action(action: Node) -> tuple[int | None, int | None]:
    """Check one action of a rule; return its number of days, and its date in milliseconds."""
    if action.tag.endswith("Transition"):
        one_of("StorageClass", action.value("StorageClass") or "", STORAGE_CLASSES)
    if action.tag in _NONCURRENT:
        number_of("NoncurrentDays", action.value("NoncurrentDays") or "", 1, MAX_DAYS)
        return None, None
    return _when(action)


def _check_tags(rule: Node) -> None:
    for element in rule.all("Tag"):
        for name in ("Key", "Value"):
            text = element.value(name) or ""
            if not TAG_TEXT.fullmatch(text):
                raise invalid_argument(name, text)


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
def _rules(stored: str) -> tuple[AbortRule, ...]:
    return parse_lifecycle(stored.encode())


def apply_rules(store: Store, bucket: str, stored: str, now_ms: int) -> None:
    """Abort the old multipart uploads of a bucket, as its lifecycle rules say.

    Args:
        store: the store.
        bucket: the bucket's name.
        stored: the bucket's lifecycle document; empty if the bucket has no lifecycle rules.
        now_ms: the mock's time in milliseconds since the epoch.
    """
    for rule in _rules(stored) if stored else ():
        rule.apply(store, bucket, now_ms)
