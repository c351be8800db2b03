"""The checksum worker reads a file completely, whatever its size, unless the request is
cancelled.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import oss2
import pytest
from playwright.sync_api import Browser, Page, Worker

from mock_oss.http import crc64
from support.browser_page import PYTHON, make_app, script
from support.serving import serve

pytestmark = pytest.mark.browser
needs_workers = pytest.mark.only_browser("chromium")  # the tests run scripts in the worker

WEB = Path(__file__).parents[2] / "web"
SIZE = 2 << 30  # sparse: takes no disk space, but seconds to read
STEPS = 3000  # steps of 20 ms

CODE = """
import asyncio
import js
from pyscript.ffi import create_proxy
from ossferry_uploader.browser.files import file_from_js, read

js.document.body.insertAdjacentHTML("beforeend", "<input type=file id=file>")
field = js.document.querySelector("#file")


async def chosen():
    file = file_from_js(field.files[0])
    reading = asyncio.create_task(read(js.location.hash[1:], file.blob, 0, file.size))
    js.stop_reading = create_proxy(lambda *_: reading.cancel())
    try:
        await reading
    except asyncio.CancelledError:
        js.document.body.setAttribute("data-read", "stopped")


field.onchange = create_proxy(lambda *_: asyncio.create_task(chosen()))
await js.ossferry.checksum(js.location.hash[1:], js.Blob.new(), 0, 0).text  # its worker has started
js.document.body.setAttribute("data-app", "listens")
"""

COUNT = """() => {
  Object.assign(globalThis, { bytes: 0, over: false });
  const count = ({ prototype }) => {
    const { read, cancel } = prototype;
    prototype.read = async function (...given) {
      const found = await read.apply(this, given);
      if (found.done) over = true;
      else bytes += found.value.length;
      return found;
    };
    prototype.cancel = async function () {
      await cancel.call(this);
      over = true;
    };
  };
  count(ReadableStreamDefaultReader);
  count(ReadableStreamBYOBReader);
}"""
NO_GIVEN_MEMORY = """() => {
  const { getReader } = ReadableStream.prototype;
  ReadableStream.prototype.getReader = function (how) {
    if (how) throw new TypeError("not a stream of bytes");
    return getReader.call(this);
  };
}"""
FILLED = """size => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = at * 167 + (at >> 8);
  return bytes;
}"""
SUM = f"""size => {{
  const bytes = ({FILLED})(size);
  return ossferry.checksum("crc64", new Blob([bytes]), 0, size).text;
}}"""
ENCRYPT = f"""async ([kind, size, key, counter]) => {{
  const bytes = ({FILLED})(size);
  const reading = ossferry.encrypt(kind, new Blob([bytes]), size, key, counter);
  const text = await reading.text;
  const made = reading.encrypted && new Uint8Array(await reading.encrypted.arrayBuffer());
  const sum = made && (await ossferry.checksum("crc64", new Blob([made]), 0, size).text);
  reading.free();
  const [head, tail] = [made?.slice(0, 40), made?.slice(-40)].map((each) => Array.from(each ?? []));
  return [text, made?.length, sum, head, tail, reading.encrypted];
}}"""
TAKE_SEVERAL = """() => {
  const several = Object.assign(document.createElement("input"), {type: "file", multiple: true});
  several.id = "several";
  document.body.append(several);
}"""
LOOK_AT_ALL = """() => Promise.all([...document.querySelector("#several").files].map(
  (file) => ossferry.checksum("look", file, 0, file.size).text))"""
SHORTENED, LARGE = 1001, 100_000  # bytes of files that have only 11 bytes left
END_EARLY = f"""() => {{
  const {{ stream }} = Blob.prototype;
  Blob.prototype.stream = function () {{
    const sizes = {{ {SHORTENED}: {SHORTENED}, {SHORTENED + 1000}: {SHORTENED}, {LARGE}: {LARGE} }};
    const size = sizes[this.size] ?? 11; // of the first file, if several are read together
    return stream.call(new Blob([this.slice(0, 11), this.slice(size)]));
  }};
}}"""
SUMS_OF_SIZES = """(sizes) => Promise.all(sizes.map((size) => {
  const kind = size > 64 * 1024 ? "crc64" : "look";
  return ossferry.checksum(kind, new Blob(["x".repeat(size)]), 0, size).text;
}))"""
# Large allocations make Chromium collect garbage.
COLLECT = "() => { for (let count = 0; count < 4; count++) new ArrayBuffer(96 << 20); }"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(make_app(script(PYTHON, CODE))) as url:
        yield url


def wait_until(page: Page, worker: Worker, condition: str) -> None:
    for _ in range(STEPS):
        if worker.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{condition} did not come true")


def the_worker(page: Page) -> Worker:
    """Return the worker, once Playwright reports it."""
    for _ in range(STEPS):
        if page.workers:
            return page.workers[0]
        page.wait_for_timeout(20)
    raise AssertionError("there is no worker")


@contextmanager
def opened(address: str, runtime: str, browser: Browser, kind: str = "crc64") -> Iterator[Page]:
    with closing(browser.new_page()) as page:
        page.goto(f"{address}/{runtime}#{kind}")
        page.locator("body[data-app=listens]").wait_for(timeout=60_000)  # Pyodide
        yield page


@pytest.fixture(scope="module")
def page(address: str, runtime: str, browser: Browser) -> Iterator[Page]:
    """A page for all tests that leave its worker as it is."""
    with opened(address, runtime, browser) as page:
        yield page


@pytest.fixture
def own_page(address: str, runtime: str, browser: Browser) -> Iterator[Page]:
    with opened(address, runtime, browser) as page:
        yield page


def test_the_checksum_of_any_number_of_bytes_is_that_of_oss(page: Page) -> None:
    expect_sums(page)


@needs_workers
def test_without_streams_of_bytes_the_checksum_is_the_same(own_page: Page) -> None:
    the_worker(own_page).evaluate(NO_GIVEN_MEMORY)

    expect_sums(own_page)


def filled(size: int) -> bytes:
    """Return the same bytes as `FILLED`; they repeat after 64 KiB."""
    repeated = bytes((at * 167 + (at >> 8)) & 255 for at in range(65_536))
    return (repeated * (size // 65_536 + 1))[:size]


def expect_sums(page: Page) -> None:
    sizes = [*range(70), 65_535, 65_536, 65_537, 262_143, 262_161, 1_000_003]

    sums = {size: page.evaluate(SUM, size) for size in sizes}

    content = filled(max(sizes))
    assert sums == {size: str(crc64.update(content[:size])) for size in sizes}


KEY = bytes(range(32))
MIB = 1 << 20
COUNTERS = {"a start": "00010203040506070000000012345678", "the last": "ff" * 16}


@pytest.mark.parametrize("start", COUNTERS)
@pytest.mark.parametrize("size", [0, 1, 16, 17, 65_536, 65_537, 4 * MIB, 4 * MIB + 1, 9 * MIB + 7])
def test_bytes_are_encrypted_as_the_sdk_encrypts_them(page: Page, size: int, start: str) -> None:
    content = filled(size)
    cipher = oss2.utils.AESCTRCipher()
    cipher.initialize(KEY, bytes.fromhex(COUNTERS[start]))
    encrypted = cipher.encrypt(content)
    given = [size, KEY.hex(), COUNTERS[start]]

    text, length, checksum, head, tail, left = page.evaluate(ENCRYPT, ["encrypt", *given])

    assert (length, bytes(head), bytes(tail)) == (size, encrypted[:40], encrypted[-40:])
    assert text == checksum == str(crc64.update(encrypted))
    assert left is None
    assert page.evaluate(ENCRYPT, ["encrypted-crc64", *given])[:2] == [text, None]


def test_a_file_that_has_become_shorter_spoils_no_other(page: Page, tmp_path: Path) -> None:
    """Small files are read together; bytes missing in one must not be taken from the next."""
    contents = {f"{name}.bin": name.encode() * 1000 for name in "abc"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    page.evaluate(TAKE_SEVERAL)
    page.locator("#several").set_input_files([tmp_path / name for name in contents])

    (tmp_path / "a.bin").write_bytes(b"a" * 10)

    texts = page.evaluate(LOOK_AT_ALL)
    assert texts[0].startswith("!")
    assert [text.split(" ")[1] for text in texts[1:]] == [
        str(crc64.update(contents[name])) for name in ("b.bin", "c.bin")
    ]


@needs_workers
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)  # the worker has no Python
def test_a_file_that_ends_early_without_an_error_has_no_checksum(own_page: Page) -> None:
    """Chromium itself reports an error; Firefox reads such a file up to its new end."""
    the_worker(own_page).evaluate(END_EARLY)

    shortened, whole, large = own_page.evaluate(SUMS_OF_SIZES, [SHORTENED, 1000, LARGE])

    assert [each.split(":")[0] for each in (shortened, large)] == ["!NotReadableError"] * 2
    assert whole.split(" ")[1] == str(crc64.update(b"x" * 1000))


@pytest.mark.slow  # reads 2 GiB
@needs_workers
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)  # the worker has no Python
def test_a_file_is_read_to_its_end_while_garbage_is_collected(
    own_page: Page, tmp_path: Path
) -> None:
    worker = the_worker(own_page)
    worker.evaluate(COUNT)
    own_page.locator("#file").set_input_files(sparse(tmp_path))

    for _ in range(STEPS):
        worker.evaluate(COLLECT)
        if worker.evaluate("over"):
            break
        own_page.wait_for_timeout(20)

    assert worker.evaluate("bytes") == SIZE


@needs_workers
@pytest.mark.parametrize("kind", ["crc64", "sha256"])
def test_a_checksum_that_nobody_waits_for_is_not_computed_to_its_end(
    kind: str, address: str, runtime: str, browser: Browser, tmp_path: Path
) -> None:
    with opened(address, runtime, browser, kind) as page:
        worker = the_worker(page)
        worker.evaluate(COUNT)
        page.locator("#file").set_input_files(sparse(tmp_path))
        wait_until(page, worker, "bytes > 0")

        page.evaluate("stop_reading()")

        page.locator("body[data-read=stopped]").wait_for()
        wait_until(page, worker, "over")
        assert worker.evaluate("bytes") < SIZE


def sparse(folder: Path) -> Path:
    """Return a new file of `SIZE` bytes."""
    path = folder / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path
