"""The page's choices for a shared picture, and the options of `ossferry share`, are the same."""

import itertools
from typing import get_args

import pytest

from ossferry.cli.uploads import _process
from ossferry.http.body import parsed
from ossferry.oss.image_processing import MAX_WATERMARK_BYTES, Operations
from ossferry.sharing.links import Wish
from upload_page.my_uploads import processing


def test_the_page_offers_what_oss_can_write() -> None:
    formats = Operations.__annotations__["format"]

    assert tuple(name for name, _ in processing.FORMATS) == get_args(formats)
    assert processing.MAX_WATERMARK_BYTES == MAX_WATERMARK_BYTES


@pytest.mark.parametrize(
    ("side", "watermark", "format_"),
    list(itertools.product(("", *processing.SIDES), ("", "© Käthe"), ("", "webp"))),
)
def test_page_and_command_ask_for_the_same_picture(side: str, watermark: str, format_: str) -> None:
    values = {"resize": [side], "watermark": [watermark], "format": [format_]}

    process = processing.process_of(values)

    assert process == _process(int(side or 0), watermark, format_ or None)
    wish = parsed({"key": "a", "expires_s": 60, "process": process}, Wish)
    assert wish.process == process
