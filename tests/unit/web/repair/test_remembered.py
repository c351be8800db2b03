"""What the browser remembers of repairs: only the latest texts, in a storage that may be full."""

from upload_page.repair.remembered import MOST_AGE_S, Remembered


class Shelf:
    """A storage with room for some characters."""

    def __init__(self, room: int = 1000) -> None:
        self.texts: dict[str, str] = {}
        self.room = room

    def read(self, name: str) -> str:
        return self.texts.get(name, "")

    def write(self, name: str, text: str) -> bool:
        others = [len(each) for key, each in self.texts.items() if key != name]
        if sum(others) + len(text) > self.room:
            return False
        self.texts[name] = text
        if not text:
            del self.texts[name]
        return True


def remembered(shelf, kind="k", *, most=2, longest=10, now_s=lambda: 0.0):
    return Remembered(shelf, kind, most=most, longest=longest, now_s=now_s)


def test_only_the_latest_texts_stay_and_a_new_one_replaces_the_old():
    shelf = Shelf()
    kept = remembered(shelf)

    for name, text in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
        kept.put(name, text)

    assert [kept.get(name) for name in "abc"] == ["3", "", "4"]
    assert len(shelf.texts) == 3  # and the list of names


def test_an_empty_or_too_long_text_is_only_removed():
    shelf = Shelf()
    kept = remembered(shelf)
    kept.put("a", "1")
    kept.put("b", "2")

    assert kept.put("a", "")
    assert not kept.put("b", "x" * 11)

    assert shelf.texts == {"k": "[]"}


def test_the_oldest_texts_make_room_for_a_new_one():
    kept = remembered(Shelf(room=90), most=9, longest=50)
    kept.put("a", "x" * 20)
    kept.put("b", "x" * 20)

    assert kept.put("c", "x" * 30)

    assert [len(kept.get(name)) for name in "abc"] == [0, 20, 30]
    assert not remembered(Shelf(room=0)).put("a", "1")


def test_kinds_do_not_mix_and_a_broken_list_of_names_is_no_list():
    shelf = Shelf()
    shelf.texts["k"] = "{"
    kept, other = [remembered(shelf, kind, most=1) for kind in ("k", "l")]

    kept.put("a", "1")
    other.put("b", "2")

    assert (kept.get("a"), other.get("a"), other.get("b")) == ("1", "", "2")


def test_a_text_is_forgotten_after_some_days():
    shelf, now_s = Shelf(), [0.0]
    kept = remembered(shelf, now_s=lambda: now_s[0])
    kept.put("a", "1")
    now_s[0] = MOST_AGE_S
    kept.put("b", "2")
    assert kept.get("a") == "1"

    now_s[0] += 1

    assert [kept.get(name) for name in "ab"] == ["", "2"]
    assert "k a" not in shelf.texts
