"""Paged lists of keys with prefixes and delimiters."""

from hypothesis import given
from hypothesis import strategies as st

from mock_oss.operations.listing import collect
from mock_oss.store.records import ListEntry
from mock_oss.store.tables import after_prefix

KEYS = st.lists(st.text("ab/é\U0010ffff\ud7ff", min_size=1, max_size=6), max_size=25, unique=True)


def record(key: str) -> ListEntry:
    return ListEntry(key, 0, "", "Normal", "", 0)


def page_through(
    keys: list[str], prefix: str, delimiter: str, limit: int
) -> tuple[list[str], list[str], int]:
    ordered = sorted(keys, key=str.encode)

    def fetch(after: str, start: str, count: int) -> list[ListEntry]:
        found = [
            key
            for key in ordered
            if key.startswith(prefix)
            and key.encode() > after.encode()
            and key.encode() >= start.encode()
        ]
        return [record(key) for key in found[:count]]

    contents: list[str] = []
    prefixes: list[str] = []
    marker, pages = "", 0
    while True:
        page = collect(fetch, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
        assert len(page.contents) + len(page.prefixes) <= limit
        contents += [found.key for found in page.contents]
        prefixes += page.prefixes
        pages += 1
        if not page.last:
            return contents, prefixes, pages
        marker = page.last


def expected(keys: list[str], prefix: str, delimiter: str) -> tuple[list[str], list[str]]:
    contents, prefixes = [], set()
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if found:
                prefixes.add(prefix + head + delimiter)
            else:
                contents.append(key)
    return contents, sorted(prefixes, key=str.encode)


@given(
    KEYS, st.sampled_from(["", "a", "a/", "é"]), st.sampled_from(["", "/", "b"]), st.integers(1, 5)
)
def test_pages_together_hold_every_entry_once_and_in_order(
    keys: list[str], prefix: str, delimiter: str, limit: int
) -> None:
    contents, prefixes, pages = page_through(keys, prefix, delimiter, limit)

    assert (contents, prefixes) == expected(keys, prefix, delimiter)
    assert pages == max(1, -(-(len(contents) + len(prefixes)) // limit))


@given(st.text(min_size=1), st.text())
def test_the_end_of_a_prefix_is_above_every_key_that_has_it(prefix: str, rest: str) -> None:
    end = after_prefix(prefix)

    assert end is None or (prefix + rest).encode() < end.encode()
