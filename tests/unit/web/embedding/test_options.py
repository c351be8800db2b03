"""The options of a site that embeds the page."""

import pytest

from ossferry_uploader.transfer.errors import BadOptions
from ossferry_uploader.transfer.options import KEEP_BOTH, REPLACE
from upload_page.embedding.options import read_options


def test_every_option_has_its_effect():
    given = {
        "accept": ["image/*", ".CSV"],
        "folder": "orders/7",
        "manual": True,
        "max-file-size": 1000,
        "max-files": 3,
        "max-total-size": 5000,
        "min-file-size": 1,
        "min-files": 2,
        "metadata": {"shop": "1"},
        "reference": "order 7",
        "same-name": "replace",
        "sha256": True,
        "storage-class": "IA",
        "tags": {"kind": "photo"},
        "lang": "ja",
        "theme": "dark",
        "tokens": {"accent": "red"},
    }

    found = read_options(given, "results", ["en", "ja"])

    assert found.options.given == {
        "folder": "orders/7",
        "metadata": {"shop": "1", "reference": "order 7"},
        "same_name": REPLACE,
        "sha256": True,
        "storage_class": "IA",
        "tags": {"kind": "photo"},
    }
    limits = found.limits
    assert (limits.max_total, limits.max_file_size) == (3, 1000)
    assert (limits.max_total_size, limits.min_file_size, limits.min_files) == (5000, 1, 2)
    assert limits.types == ["image/*", ".csv"]
    assert (found.asks, found.holds) == (False, True)
    assert (found.language, found.theme) == ("ja", "dark")


def test_without_options_the_page_works_as_on_its_own():
    found = read_options({"by_token": False}, "counts", ["en"])

    assert found.options.given == {}
    assert found.options.same_name == KEEP_BOTH
    assert (found.limits.max_total, found.limits.types) == (None, [])
    assert (found.asks, found.holds) == (True, False)


def test_tags_without_the_right_to_set_them_are_named():
    with pytest.raises(BadOptions, match="tags: OSSFERRY_ACTIONS"):
        read_options({"tags": {"kind": "photo"}}, "results", ["en"], may_tag=False)
    assert read_options({"tags": {}}, "results", ["en"], may_tag=False).options.given == {}


@pytest.mark.parametrize(
    ("given", "level", "said"),
    [
        ({"colour": "red"}, "results", "no option colour"),
        ({"reference": "7"}, "counts", "OSSFERRY_FRAME_ORIGINS"),
        ({"manual": True}, "none", "OSSFERRY_FRAME_ORIGINS"),
        ({"by_token": True}, "counts", "getToken: this site does not have the level results"),
        ({"max-files": 0}, "results", "max-files is a number from 1"),
        ({"max-files": "3"}, "results", "max-files is a number from 1"),
        ({"storage-class": "Cold"}, "results", "storage-class is one of"),
        ({"accept": ["png"]}, "results", "types such as image/"),
        ({"accept": ["image/*;.csv"]}, "results", ";.csv"),
        ({"accept": [".csv .txt"]}, "results", "not '.csv .txt'"),
        ({"accept": ["text/csv;charset=utf-8"]}, "results", "types such as image/"),
        ({"lang": "xx"}, "counts", "lang is one of en, not 'xx'"),
        ({"theme": "pink"}, "counts", "theme is one of light, dark"),
        ({"invalid": "tags must be JSON"}, "counts", "tags must be JSON"),
        ({"metadata": [1]}, "results", "metadata: a dict is wanted"),
        ({"metadata": [1], "reference": "7"}, "results", "metadata: a dict is wanted"),
        ({"reference": 7}, "results", "metadata 'reference' is text"),
        ({"same-name": "ask"}, "results", "keep-both, refuse, replace"),
        ({"folder": ".."}, "results", "folder is made of names"),
        ({"crop-ratio": "4:0"}, "results", "crop-ratio is a ratio such as 4:3, not '4:0'"),
        ({"crop-ratio": "4"}, "results", "crop-ratio is a ratio such as 4:3"),
    ],
)
def test_a_wrong_option_is_named(given, level, said):
    with pytest.raises(BadOptions, match=said):
        read_options(given, level, ["en"])
