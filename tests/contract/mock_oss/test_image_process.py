"""`x-oss-process`: image processing according to the vendor's documentation, through `oss2`."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from contract.mock_oss.clients import oss2_bucket, refusal, send, start_session
from contract.mock_oss.matrix import ADMIN
from mock_oss import BUCKET, BucketSpec, MockOSS, World

KEY = "pic.jpg"
FAR, FOREIGN = "far", "foreign"


@pytest.fixture
def mock_oss_options() -> dict[str, Any]:
    buckets = [BucketSpec(name=BUCKET), BucketSpec(name="second", storage_class="IA")]
    far = BucketSpec(name=FAR, region="cn-shanghai")
    open_ = BucketSpec(name=FOREIGN, account_id="2", acl="public-read-write")
    return {"world": World(roles=(ADMIN,), buckets=(*buckets, far, open_))}


def saved_as(key: str, bucket: str = "", wish: str = "image/resize,w_100") -> str:
    """Return instructions to store the result, with either alphabet of base64."""
    encode = base64.urlsafe_b64encode if bucket else base64.b64encode
    o, b = (encode(name.encode()).decode() for name in (key, bucket))
    return f"{wish}|sys/saveas,o_{o}" + (f",b_{b.rstrip('=')}" if bucket else "")


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


WRONG = """
    resize resize,w_0 resize,w_99999 resize,w_x resize,m_what,w_100 crop,x_400 rotate,361 format,exe
    quality,q_0 watermark,text_%% watermark,text_eA,g_here
""".split()  # noqa: SIM905 - a table, not code


@pytest.mark.parametrize("wish", WRONG)
def test_a_wrong_wish_is_refused(bucket: Any, wish: str) -> None:
    assert refusal(bucket.get_object, KEY, process=f"image/{wish}") == (400, "InvalidArgument")


@pytest.mark.parametrize("wish", ["image/blur,r_3,s_2", "style/mine", "video/snapshot", "x", ""])
def test_what_the_mock_cannot_do_says_so(bucket: Any, wish: str) -> None:
    refused = refusal(bucket.get_object, KEY, params={"x-oss-process": wish})

    assert refused == (400, "NotImplemented")


@pytest.mark.parametrize("data", [b"", b"x", b"\x89PNG\r\n\x1a\n" + b"x" * 100])
def test_what_is_no_picture_is_refused(bucket: Any, data: bytes) -> None:
    bucket.put_object(KEY, data)

    assert refusal(bucket.get_object, KEY, process="image/resize,w_10") == (400, "InvalidArgument")


def test_it_must_be_signed(bucket: Any, mock_oss: MockOSS) -> None:
    assert send(mock_oss, "GET", f"/{BUCKET}/{KEY}?x-oss-process=image/info").status == 403


@pytest.mark.parametrize(
    ("name", "storage_class"), [("", "Standard"), (BUCKET, "Standard"), ("second", "IA")]
)
def test_a_picture_is_stored_under_another_key(
    bucket: Any, mock_oss: MockOSS, name: str, storage_class: str
) -> None:
    told = bucket.process_object(KEY, saved_as("kept/名.jpg", name))

    assert (told.bucket, told.object) == (name, "kept/名.jpg")
    stored = mock_oss.bucket(name or BUCKET).objects["kept/名.jpg"]
    assert Image.open(io.BytesIO(stored.data)).size == (100, 50)
    assert (told.process_status, told.fileSize) == ("OK", len(stored.data))
    assert stored.headers["content-type"] == "image/jpeg"
    assert stored.storage_class == storage_class


@pytest.mark.parametrize(
    ("actions", "source", "status"),
    [
        ({"oss:PostProcessTask": KEY, "oss:PutObject": "kept"}, KEY, 200),
        ({"oss:PutObject": "*"}, KEY, 403),
        ({"oss:PostProcessTask": "*"}, KEY, 403),
        ({"oss:PostProcessTask": "*", "oss:PutObject": KEY}, KEY, 403),
        ({"oss:PostProcessTask": "kept", "oss:PutObject": "*", "oss:GetObject": "*"}, KEY, 403),
        ({"oss:PostProcessTask": "*", "oss:PutObject": "*"}, "link", 403),
        ({"oss:PostProcessTask": "*", "oss:PutObject": "*", "oss:GetObject": KEY}, "link", 200),
    ],
)
def test_storing_needs_a_right_for_the_source_and_one_for_the_target(
    bucket: Any, mock_oss: MockOSS, actions: dict[str, str], source: str, status: int
) -> None:
    bucket.put_symlink(KEY, "link")
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": f"acs:oss:*:*:{BUCKET}/{key}"}
        for action, key in actions.items()
    ]
    policy = json.dumps({"Version": "1", "Statement": statements})
    session = start_session(mock_oss, policy=policy, role_arn=ADMIN.arn)
    theirs = oss2_bucket(mock_oss, credentials=session)

    if status == 200:
        assert theirs.process_object(source, saved_as("kept")).status == status
    else:
        assert refusal(theirs.process_object, source, saved_as("kept")) == (403, "AccessDenied")
    assert ("kept" in mock_oss.bucket(BUCKET).objects) is (status == 200)


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        ("image/resize,w_100", (400, "InvalidArgument")),
        ("image/resize,w_100|sys/saveas", (400, "InvalidArgument")),
        ("image/resize,w_100|sys/saveas,o_%%", (400, "InvalidArgument")),
        (saved_as("/kept"), (400, "InvalidObjectName")),
        (saved_as("kept", FAR), (400, "InvalidArgument")),
        (saved_as("kept", FOREIGN), (400, "InvalidArgument")),
        (saved_as("kept", "nobody"), (404, "NoSuchBucket")),
        (saved_as("kept", wish="image/resize,w_0"), (400, "InvalidArgument")),
        (saved_as("kept", wish="video/snapshot"), (400, "NotImplemented")),
        (saved_as("kept") + "|sys/notify", (400, "NotImplemented")),
    ],
)
def test_what_cannot_be_stored_is_refused(
    bucket: Any, mock_oss: MockOSS, wish: str, refused: tuple[int, str]
) -> None:
    stored = list(mock_oss.bucket(BUCKET).objects)

    assert refusal(bucket.process_object, KEY, wish) == refused
    assert list(mock_oss.bucket(BUCKET).objects) == stored


def test_an_address_of_a_picture_stores_nothing(bucket: Any, mock_oss: MockOSS) -> None:
    assert refusal(bucket.get_object, KEY, process=saved_as("kept"))[0] == 400
    assert list(mock_oss.bucket(BUCKET).objects) == [KEY]
