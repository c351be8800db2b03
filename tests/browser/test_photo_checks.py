"""The changes of photos that need a browser: smaller photos, and HEIC to JPEG."""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import ossferry_checks
from ossferry.http.security_headers import WORKER_POLICY
from support.photos import BLUE, RED, colour_at, exif, picture, saved, vector
from support.serving import serve, site

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[1] / "web" / "node_modules"
PACKAGE = Path(ossferry_checks.__file__).parent
LIBHEIF = "/heic/libheif-bundle.mjs"
PAGE = """<!doctype html><script type="module">
const worker = new Worker("/photos_worker.js", { type: "module" });
window.check = (message) => new Promise((done) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = ({ message }) => done({ error: message });
  worker.postMessage(message);
});
</script>"""
ANIMATED = ("gif", "png", "webp")
NEAR = 12  # of 255; JPEG changes colours

Check: TypeAlias = Callable[..., "Checked"]


class Checked:
    """The verdict about a photo.

    Attributes:
        content: the file to upload.
        says: what each check that changed the file said, by the name of the check.
    """

    def __init__(self, verdict: dict[str, Any]) -> None:
        self.name, self.type = verdict["name"], verdict["type"]
        self.refusal = verdict["refusal"] and verdict["refusal"]["reason"]
        self.content = base64.b64decode(verdict["content"])
        self.says = {
            each["check"]: each["says"]
            for each in verdict["ran"]
            if each["outcome"] not in ("passed", "rejected")
        }

    @property
    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.content))


def packed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in PACKAGE.rglob("*"):
            if path.suffix in (".json", ".py"):
                archive.write(path, path.relative_to(PACKAGE.parent))
    return out.getvalue()


def app(asked: list[str]) -> Starlette:
    """Return an application with the page, its worker, Pyodide and libheif.

    Args:
        asked: gets the paths of all requests for libheif.
    """

    async def worker(request: Request) -> Response:
        headers = {"content-security-policy": WORKER_POLICY}
        return Response(
            (HERE / request.url.path[1:]).read_bytes(),
            media_type="text/javascript",
            headers=headers,
        )

    async def package(_request: Request) -> Response:
        return Response(packed(), media_type="application/zip")

    async def libheif(request: Request) -> Response:
        asked.append(request.url.path)
        content = (NODE_MODULES / "libheif-js/libheif-wasm/libheif-bundle.mjs").read_bytes()
        return Response(content, media_type="text/javascript")

    return site(
        PAGE,
        Route("/ossferry_checks.zip", package),
        Route(LIBHEIF, libheif),
        Mount("/pyodide", StaticFiles(directory=NODE_MODULES / "pyodide")),
        *(Route(f"/photos_worker.{ending}", worker) for ending in ("js", "py")),
    )


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The paths of all requests for libheif."""
    return []


@pytest.fixture(scope="module")
def check(browser: Browser, asked: list[str]) -> Iterator[Check]:
    """A function that runs the checks of photos over a file in the browser."""
    with serve(app(asked)) as url:
        page = browser.new_page()
        page.goto(url)

        def check(name: str, content: bytes, **options: object) -> Checked:
            message = {
                "name": name,
                "content": base64.b64encode(content).decode(),
                "options": json.dumps(options),
            }
            answer = page.evaluate("message => check(message)", message)
            assert "error" not in answer, answer["error"]
            return Checked(json.loads(answer["verdict"]))

        yield check
        page.close()


def noise(width: int, height: int) -> Image.Image:
    """Return a picture that needs many bytes."""
    return Image.effect_noise((width, height), 80).convert("RGB")


def expect_near(found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert all(abs(a - b) <= NEAR for a, b in zip(found, expected, strict=True)), found


def test_a_smaller_photo_is_upright_and_has_no_metadata(check: Check, asked: list[str]) -> None:
    photo = saved(picture(1600, 1200), "JPEG", quality=95, exif=exif(6))

    found = check("a.jpg", photo, max_side=400)

    assert (found.name, found.type, found.image.size) == ("a.jpg", "image/jpeg", (300, 400))
    expect_near(colour_at(found.content, 0.9, 0.1), RED)
    expect_near(colour_at(found.content, 0.1, 0.1), BLUE)
    assert dict(found.image.getexif()) == {}
    assert found.says == {
        "photo_size": "Made smaller, from 1200\u00a0×\u00a01600 to 300\u00a0×\u00a0400 pixels."  # noqa: RUF001
    }
    assert asked == []


def test_a_photo_that_is_small_enough_only_loses_its_metadata(check: Check) -> None:
    photo = saved(picture(400, 300), "JPEG", exif=exif(6))

    found = check("a.jpg", photo, max_side=400)

    assert list(found.says) == ["photo_metadata"]
    assert found.image.size == (400, 300)


def test_transparency_stays(check: Check) -> None:
    photo = picture(800, 400, "RGBA")
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))

    found = check("a.png", saved(photo, "PNG", compress_level=0), max_side=200)

    assert (found.name, found.type, found.image.size) == ("a.png", "image/png", (200, 100))
    alpha = found.image.convert("RGBA").getchannel("A").tobytes()
    assert alpha[0] < NEAR < 255 - NEAR < alpha[-1]


def test_a_png_file_without_transparency_becomes_a_jpeg_file(check: Check) -> None:
    found = check("a.b.PNG", saved(noise(800, 400), "PNG"), max_side=200)

    assert (found.name, found.type, found.image.format) == ("a.b.jpg", "image/jpeg", "JPEG")


def test_a_webp_file_stays_one_if_the_browser_can_write_it(check: Check) -> None:
    found = check("a.webp", saved(noise(800, 400), "WEBP", exif=exif(6)), max_side=200)

    kinds = {("a.webp", "image/webp", "WEBP"), ("a.jpg", "image/jpeg", "JPEG")}
    assert (found.name, found.type, found.image.format) in kinds
    assert max(found.image.size) == 200
    assert dict(found.image.getexif()) == {}


def animation(format: str) -> bytes:
    return saved(noise(300, 300), format, save_all=True, append_images=[noise(300, 300)])


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.jpg", saved(noise(600, 600), "JPEG", quality=1), {"max_side": 590, "quality": 1}),
        *((f"a.{kind}", animation(kind.upper()), {"max_side": 100}) for kind in ANIMATED),
        ("a.heic", vector("rotated.heic"), {"max_side": 48, "heic": False}),
    ],
    ids=["would need more bytes", *ANIMATED, "the operator wants HEIC"],
)
def test_a_photo_stays_as_it_is(
    check: Check, name: str, content: bytes, options: dict[str, object]
) -> None:
    found = check(name, content, **options)

    assert (found.content, found.says) == (content, {})


def test_heic_becomes_an_upright_jpeg_file_without_metadata(check: Check) -> None:
    found = check("IMG_1.HEIC", vector("rotated.heic"))

    assert (found.name, found.type, found.image.size) == ("IMG_1.jpg", "image/jpeg", (64, 96))
    expect_near(colour_at(found.content, 0.9, 0.1), RED)
    expect_near(colour_at(found.content, 0.1, 0.1), BLUE)
    assert dict(found.image.getexif()) == {}
    assert found.says == {"photo_heic": "Converted from HEIC to JPEG."}


def test_heic_is_made_smaller_at_the_same_time(check: Check) -> None:
    found = check("a.heic", vector("rotated.heic"), max_side=48)

    assert (found.image.size, list(found.says)) == ((32, 48), ["photo_heic"])


def test_a_heic_file_with_the_name_of_a_jpeg_file_keeps_its_name(check: Check) -> None:
    found = check("a.JPEG", vector("rotated.heic"))

    assert (found.name, found.image.format) == ("a.JPEG", "JPEG")
    kept = check("a.jpg", vector("rotated.heic"), heic=False)
    assert kept.refusal.startswith("The name ends in .jpg, but the content is a HEIC image.")


def test_libheif_is_loaded_once_and_only_for_heic(check: Check, asked: list[str]) -> None:
    check("a.heic", vector("rotated.heic"))
    check("b.heic", vector("rotated.heic"))

    assert len(asked) == 1


@pytest.mark.only_browser("chromium")  # Firefox ESR and WebKitGTK do not convert colours
def test_the_colours_of_display_p3_become_those_of_the_web(check: Check) -> None:
    found = check("a.heic", vector("display_p3.heic"), quality=1)

    expect_near(colour_at(found.content, 0.5, 0.5), (218, 3, 31))


def test_a_heic_file_without_a_picture_is_refused(check: Check) -> None:
    content = vector("rotated.heic")
    at = content.index(b"mdat") + 4

    found = check("a.heic", content[:at] + bytes(len(content) - at))

    assert found.refusal == (
        "This HEIC photo cannot be converted to JPEG. Export it as JPEG, and choose it again."
    )
