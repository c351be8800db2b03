"""`x-oss-process`: image processing according to the vendor's documentation, through `oss2`."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from contract.mock_oss.clients import refusal, send
from mock_oss import BUCKET, MockOSS

KEY = "pic.jpg"


@pytest.fixture
def bucket(bucket_v4: Any) -> Any:
    """A bucket with an image of 400 x 200, black on the left and white on the right."""
    image = Image.new("RGB", (400, 200), "white")
    image.paste("black", (0, 0, 200, 200))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    bucket_v4.put_object(KEY, out.getvalue(), headers={"Content-Type": "image/jpeg"})
    return bucket_v4


def processed(bucket: Any, wish: str) -> tuple[str, Image.Image]:
    """Return the content type and the processed image."""
    answer = bucket.get_object(KEY, process=wish)
    return answer.headers["content-type"], Image.open(io.BytesIO(answer.read()))


@pytest.mark.parametrize(
    ("steps", "size"),
    [
        ("resize,w_100", (100, 50)),
        ("resize,h_100", (200, 100)),
        ("resize,m_lfit,w_100,h_100", (100, 50)),
        ("resize,m_mfit,w_100,h_100", (200, 100)),
        ("resize,m_fill,w_100,h_100", (100, 100)),
        ("resize,m_pad,w_100,h_100", (100, 100)),
        ("resize,m_fixed,w_100,h_100", (100, 100)),
        ("resize,w_800", (400, 200)),
        ("resize,m_fixed,w_800,h_100,limit_0", (800, 100)),
        ("crop,x_10,y_20,w_30,h_40", (30, 40)),
        ("crop,x_390,w_100", (10, 200)),
        ("rotate,90", (200, 400)),
        ("auto-orient,1", (400, 200)),
        ("resize,w_100/rotate,90", (50, 100)),
    ],
)
def test_a_picture_has_the_size_that_was_asked_for(
    bucket: Any, steps: str, size: tuple[int, int]
) -> None:
    content_type, picture = processed(bucket, f"image/{steps}")

    assert (content_type, picture.size) == ("image/jpeg", size)


@pytest.mark.parametrize("name", ["jpg", "png", "webp", "bmp", "gif", "tiff"])
def test_a_picture_has_the_format_that_was_asked_for(bucket: Any, name: str) -> None:
    content_type, picture = processed(bucket, f"image/resize,w_50/format,{name}")

    expected = {"jpg": "JPEG"}.get(name, name.upper())
    assert (content_type, picture.format) == (f"image/{expected.lower()}", expected)


def test_a_watermark_is_where_it_was_asked_for(bucket: Any) -> None:
    text = base64.urlsafe_b64encode("für Käthe".encode()).decode().rstrip("=")

    _, picture = processed(bucket, f"image/watermark,text_{text},size_30,g_se,t_100/format,png")

    right = picture.convert("L").crop((200, 0, 400, 200))
    assert min(right.crop((0, 0, 200, 100)).tobytes()) > 200
    assert min(right.crop((0, 100, 200, 200)).tobytes()) < 50


def test_info_tells_what_it_is(bucket: Any) -> None:
    found = json.loads(bucket.get_object(KEY, process="image/info").read())

    assert (found["ImageWidth"], found["ImageHeight"]) == ({"value": "400"}, {"value": "200"})
    assert found["Format"] == {"value": "jpg"}


@pytest.mark.parametrize(
    "wish",
    [
        "image/resize",
        "image/resize,w_0",
        "image/resize,w_99999",
        "image/resize,w_x",
        "image/resize,m_what,w_100",
        "image/crop,x_400",
        "image/rotate,361",
        "image/format,exe",
        "image/quality,q_0",
        "image/watermark,text_%%",
        "image/watermark,text_eA,g_here",
    ],
)
def test_a_wrong_wish_is_refused(bucket: Any, wish: str) -> None:
    assert refusal(bucket.get_object, KEY, process=wish) == (400, "InvalidArgument")


@pytest.mark.parametrize("wish", ["image/blur,r_3,s_2", "style/mine", "video/snapshot", "x", ""])
def test_what_the_mock_cannot_do_says_so(bucket: Any, mock_oss: MockOSS, wish: str) -> None:
    assert refusal(bucket.get_object, KEY, params={"x-oss-process": wish}) == (
        400,
        "NotImplemented",
    )


@pytest.mark.parametrize("data", [b"", b"x", b"\x89PNG\r\n\x1a\n" + b"x" * 100])
def test_what_is_no_picture_is_refused(bucket: Any, data: bytes) -> None:
    bucket.put_object(KEY, data)

    assert refusal(bucket.get_object, KEY, process="image/resize,w_10") == (400, "InvalidArgument")


def test_it_must_be_signed(bucket: Any, mock_oss: MockOSS) -> None:
    assert send(mock_oss, "GET", f"/{BUCKET}/{KEY}?x-oss-process=image/info").status == 403
