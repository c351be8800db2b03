"""Versions in the store compared with a model: writes and deletions in any order."""

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mock_oss.operations.listing import collect
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, ObjectRecord, VersionEntry
from support.random_examples import SAME, some_and_many

KEYS = st.sampled_from(["a", "b"])
DATA = st.sampled_from([b"", b"small", b"x" * 70_000])  # the last one is a file
BUCKET = BucketRecord("b", "", "", "private", "Standard", "LRS", 0, "", "")


class Version(NamedTuple):
    """A version of the model; `data` is None for a delete marker."""

    version_id: str
    data: bytes | None


class Versions(RuleBasedStateMachine):
    """The model: the versions of each key, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="mock-oss-versions-"))
        self.store = Store(self.root)
        self.store.buckets.put(BUCKET)
        self.versioning = ""
        self.versions: dict[str, list[Version]] = {}

    def teardown(self) -> None:
        """Close the store and delete its files."""
        self.store.close()
        shutil.rmtree(self.root)

    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def set_versioning(self, status: str) -> None:
        """Enable or suspend versioning."""
        self.versioning = status
        self.store.buckets.put(BUCKET._replace(versioning=status))

    def _add(self, key: str, version: Version) -> None:
        kept = self.versions.get(key, [])
        if version.version_id == "null":
            kept = [each for each in kept if each.version_id != "null"]
        self.versions[key] = [version, *kept]

    @rule(key=KEYS, data=DATA)
    def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        with self.store.blobs.new() as blob:
            blob.write([data])
            record = self.store.put_object(new_record(key, len(data)), blob=blob)
        assert (record.version_id != "null") == (self.versioning == "Enabled")
        self._add(key, Version(record.version_id, data))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """Delete an object without a version id."""
        marker = self.store.delete_object("b", key, 0)
        if not self.versioning:
            assert marker == ""
            self.versions.pop(key, None)
        else:
            assert (marker != "null") == (self.versioning == "Enabled")
            self._add(key, Version(marker, None))

    @rule(key=KEYS, place=st.integers(0, 3))
    def delete_version(self, key: str, place: int) -> None:
        """Delete a version."""
        versions = self.versions.get(key, [])
        if place < len(versions):
            assert self.store.delete_version("b", key, versions[place].version_id) is not None
            del versions[place]
        else:
            assert self.store.delete_version("b", key, "unknown") is None

    @rule(key=KEYS, place=st.integers(0, 3))
    def tag(self, key: str, place: int) -> None:
        """Change the tags of a version."""
        versions = self.versions.get(key, [])
        if place < len(versions) and versions[place].data is not None:
            found = self.store.version("b", key, versions[place].version_id)
            assert found is not None
            self.store.update(found._replace(tagging='{"a": "b"}'))

    @rule()
    def reopen(self) -> None:
        """Restart with the same data directory."""
        self.store.close()
        self.store = Store(self.root)

    @rule(limit=st.integers(1, 4))
    def page_through(self, limit: int) -> None:
        """List all versions in pages."""
        found: list[VersionEntry] = []
        marker, sequence = "", 0
        for _ in range(1000):  # more than there are versions

            def fetch(
                after: str, start: str, count: int, at: tuple[str, int] = (marker, sequence)
            ) -> list[VersionEntry]:
                position = (after, at[1] if after == at[0] else 0)
                return self.store.versions.entries(
                    "b", prefix="", after=position, start=start, limit=count
                )

            page = collect(fetch, prefix="", delimiter="", marker=marker, limit=limit)
            found += page.contents
            if not page.last:
                break
            marker, sequence = page.contents[-1].key, page.contents[-1].sequence

        assert [(each.key, each.version_id) for each in found] == [
            (key, each.version_id) for key in sorted(self.versions) for each in self.versions[key]
        ]

    @invariant()
    def the_store_has_the_versions_of_the_model(self) -> None:
        """Compare every version, the current objects, and the blobs."""
        stored = self.store.versions.entries(
            "b", prefix="", after=("", 0), start="", limit=1_000_000
        )
        by_key: dict[str, list[Version]] = {}
        for entry in stored:
            is_marker = entry.kind == "DeleteMarker"
            record = self.store.version("b", entry.key, entry.version_id)
            assert record is not None
            data = None if is_marker else b"".join(self.store.blobs.read(record.segments))
            assert entry.is_latest == (entry.key not in by_key)
            by_key.setdefault(entry.key, []).append(Version(entry.version_id, data))
        assert by_key == {key: each for key, each in self.versions.items() if each}
        current = {
            each.key: each.version_id for each in self.store.objects.page("b", limit=1_000_000)
        }
        assert current == {
            key: each[0].version_id
            for key, each in self.versions.items()
            if each and each[0].data is not None
        }
        with_data = [each for rows in self.versions.values() for each in rows]
        assert len(self.store.blobs.names()) == sum(each.data is not None for each in with_data)


def new_record(key: str, size: int) -> ObjectRecord:
    return ObjectRecord(
        "b", key, size, "", "0", "", "Normal", "Standard", "default", 0, "{}", "{}", "[]"
    )


@some_and_many(20, 1000)
def test_versions_agree_with_a_model(examples: int) -> None:
    run_state_machine_as_test(
        Versions, settings=settings(SAME, max_examples=examples, stateful_step_count=40)
    )
