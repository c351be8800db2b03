"""The store without HTTP: overwriting small objects during reads and failures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_oss import MockOSS
from mock_oss.store.data_directory import Store
from mock_oss.store.records import ObjectRecord


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def put(store: Store, data: bytes, *, headers: str = "{}") -> ObjectRecord:
    sums, kind = ("", "", ""), ("Normal", "Standard", "default")
    record = ObjectRecord("b", "k", len(data), *sums, *kind, 0, headers, "{}", "[]")
    with store.blobs.new() as blob:
        blob.write([data])
        return store.put_object(record, blob=blob)


def stored(store: Store) -> bytes:
    found = store.objects.get("b", "k")
    assert found is not None
    return b"".join(store.blobs.read(found.segments))


def test_a_reader_keeps_the_bytes_it_began_with(store: Store) -> None:
    old = put(store, b"old")

    with store.blobs.reading(old.segments):
        put(store, b"new")
        seen = b"".join(store.blobs.read(old.segments))

    assert (seen, stored(store)) == (b"old", b"new")
    assert len(store.blobs.names()) == 1


def test_a_write_that_fails_leaves_the_object_as_it_was(store: Store) -> None:
    put(store, b"old")

    with pytest.raises(UnicodeEncodeError):
        put(store, b"new", headers="\ud800")

    assert stored(store) == b"old"
    assert len(store.blobs.names()) == 1


def test_a_reset_keeps_what_is_being_written(store: Store) -> None:
    data = b"x" * 100_000
    with store.blobs.new() as blob:
        blob.write([data])
        store.clear()
        store.put_object(ObjectRecord("b", "k", len(data)), blob=blob)

    assert stored(store) == data


@pytest.mark.parametrize(("kept", "level"), [(False, 0), (True, 1)], ids=["temporary", "kept"])
def test_only_data_that_is_kept_is_ever_synced_to_the_disk(
    tmp_path: Path, kept: bool, level: int
) -> None:
    with MockOSS(data_dir=tmp_path if kept else None) as oss:
        assert oss.store.database.execute("PRAGMA synchronous").fetchone() == (level,)
        assert oss.store.database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
