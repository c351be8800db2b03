"""The key-value storage in memory: entries end, and the storage is limited."""

import pytest

from ossferry.errors import SettingsError, StorageLostError
from ossferry.state.key_value import MemoryStorage
from ossferry.state.redis_storage import redis_pool
from support.rate_windows import Seconds


@pytest.fixture
def storage(seconds: Seconds) -> MemoryStorage:
    return MemoryStorage(seconds)


async def test_an_entry_ends_at_its_time(storage: MemoryStorage, seconds: Seconds) -> None:
    await storage.put("value", b"v", 10)
    first = await storage.add("mark", 10)
    found: list[object] = [first]
    for wait_s in (9.9, 0.1):
        seconds.now += wait_s
        found += [await storage.get("value"), await storage.has("mark")]

    assert [*found, await storage.add("mark", 10)] == [True, b"v", True, None, False, True]


async def test_a_mark_is_set_once_until_it_is_dropped(storage: MemoryStorage) -> None:
    found = [await storage.add("a", 10), await storage.add("a", 10), await storage.add("b", 10)]
    await storage.drop("a")
    await storage.drop("never there")

    found += [await storage.has("a"), await storage.has("b"), await storage.add("a", 10)]

    assert found == [True, False, True, False, True, True]


async def test_a_full_storage_makes_room_by_what_has_ended_or_says_that_it_is_full(
    storage: MemoryStorage, seconds: Seconds
) -> None:
    await storage.put("short", b"v", 10)
    for number in range(99_999):
        await storage.put(f"long {number}", b"v", 100)
    with pytest.raises(StorageLostError):
        await storage.put("one more", b"v", 10)
    seconds.now += 10
    await storage.put("one more", b"v", 10)
    keys = ("short", "long 0", "long 99998", "one more")

    assert [await storage.has(key) for key in keys] == [False, True, True, True]


def test_a_parameter_of_the_url_of_redis_that_is_wrong_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"^OSSFERRY_REDIS_URL: a parameter after \? has an"):
        redis_pool("redis://:canary@127.0.0.1:6379/0?health_check_interval=soon")
