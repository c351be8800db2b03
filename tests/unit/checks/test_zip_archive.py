"""The built-in check of ZIP archives."""

import io
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from ossferry_checks import CheckedFile
from ossferry_checks.builtin import zip_archive
from ossferry_checks.builtin.check_options import ZipOptions
from ossferry_checks.builtin.zip_archive import zip_check
from ossferry_checks.builtin.zip_directory import CENTRAL
from support.checking import answer, refusal, written
from support.content import zip_of

CHECK = zip_check(ZipOptions())
TEXT = "".join(f"line {number}\n" for number in range(1000))
BROKEN = "This is not a complete ZIP archive. Create or download it again, and choose the new file."
DAMAGED = (
    "The file “a.txt” in the archive is damaged. Create the archive again, and choose the new file."
)
OUTSIDE = (
    "The file “{}” in the archive would be unpacked outside the target folder. "
    "Create the archive with simple relative names."
)
BOMB = "Such a file can fill a disk, so it is not accepted."
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def changed(archive: bytes, **fields: int) -> bytes:
    """Return an archive with other numbers in the first entry of its directory."""
    index = {"flags": 3, "method": 4, "crc": 7, "packed": 8, "size": 9, "offset": 16}
    at = directory_at(archive)
    values = list(CENTRAL.unpack_from(archive, at))
    for name, value in fields.items():
        values[index[name]] = value
    return archive[:at] + CENTRAL.pack(*values) + archive[at + CENTRAL.size :]


def directory_at(archive: bytes) -> int:
    return archive.index(b"PK\1\2")


def link(target: str) -> bytes:
    """Return an archive with a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return out.getvalue()


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_passes(tmp_path: Path, method: int) -> None:
    content = zip_of({"folder/": "", "folder/a.txt": TEXT, "字.txt": "", "b..c": "x"}, method)

    assert answer(CHECK, written(tmp_path, "A.ZIP", content)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"MZ an unpacking program" + zip_of({"a.txt": TEXT}),
        zip_of({}),
        zip_of({"a.txt": TEXT})[:-2] + b"\4\0note",
        link("Versions/Current"),
        zip_of({"a": bytes(900_000)}),
    ],
    ids=["program", "empty", "comment", "link in the folder", "zeros, but no bomb"],
)
def test_unusual_archives_pass(tmp_path: Path, content: bytes) -> None:
    assert answer(CHECK, written(tmp_path, "a.zip", content)) is None


def test_an_archive_with_64_bit_sizes_passes(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(65_600):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
        with archive.open(zipfile.ZipInfo("a.txt"), "w", force_zip64=True) as file:
            file.write(TEXT.encode())
    assert b"PK\6\6" in out.getvalue()

    assert answer(CHECK, written(tmp_path, "a.zip", out.getvalue())) is None


def test_sizes_in_the_extra_field_are_read(tmp_path: Path) -> None:
    archive = zip_of({"a.txt": TEXT})
    at = directory_at(archive)
    fields = list(CENTRAL.unpack_from(archive, at))
    extra = struct.pack("<2H2Q", 1, 16, fields[9], fields[8])
    fields[8] = fields[9] = 0xFFFFFFFF
    fields[11] = len(extra)
    end = bytearray(archive[archive.index(b"PK\5\6") :])
    struct.pack_into("<I", end, 12, CENTRAL.size + len(b"a.txt") + len(extra))
    content = archive[:at] + CENTRAL.pack(*fields) + b"a.txt" + extra + bytes(end)
    assert zipfile.ZipFile(io.BytesIO(content)).infolist()[0].file_size == len(TEXT)

    assert answer(CHECK, written(tmp_path, "a.zip", content)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        zip_of({"a.txt": TEXT})[:-30],
        zip_of({"a.txt": TEXT})[100:],
        b"PK\5\6" + b"\xff" * 18,
    ],
    ids=["empty", "text", "without end", "without start", "wrong end"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(CHECK, written(tmp_path, "a.zip", content)) == (BROKEN, None)


@pytest.mark.parametrize("method", METHODS[:3])
def test_a_damaged_file_is_refused(tmp_path: Path, method: int) -> None:
    archive = bytearray(zip_of({"a.txt": TEXT}, method))
    archive[200] ^= 0x55
    no_header = b"XX" + zip_of({"a.txt": TEXT}, method)[2:]

    for content in (bytes(archive), no_header):
        assert refusal(CHECK, written(tmp_path, "a.zip", content)) == (DAMAGED, None)


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "x/../../a",
        "/etc/passwd",
        "C:\\a",
        "c:a",
        "..\\a",
        "\\\\server\\a",
        "x\\..\\..\\a",
        "..",
    ],
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(CHECK, written(tmp_path, "a.zip", zip_of({"good": "x", name: "x"}))) == (
        OUTSIDE.format(name),
        None,
    )


def test_a_path_in_the_local_header_counts_too(tmp_path: Path) -> None:
    archive = zip_of({"abc": "x"}).replace(b"abc", b"../", 1)

    assert refusal(CHECK, written(tmp_path, "a.zip", archive)) == (OUTSIDE.format("abc"), None)


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "a/../../b"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    assert refusal(CHECK, written(tmp_path, "a.zip", link(target))) == (
        "The link “link” in the archive leads outside the target folder. "
        "Create the archive without this link.",
        None,
    )


def test_an_encrypted_file_is_refused_or_allowed(tmp_path: Path) -> None:
    content = changed(zip_of({"a.txt": TEXT}), flags=1)
    file = written(tmp_path, "a.zip", content)

    assert refusal(CHECK, file) == (
        "The file “a.txt” in the archive is encrypted. "
        "Create the archive without a password, and choose the new file.",
        None,
    )
    assert answer(zip_check(ZipOptions(allow_encrypted=True)), file) is None


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path: Path) -> None:
    content = zip_of({"a": bytes(30_000_000)})
    unpacked: list[float] = []
    file = CheckedFile(written(tmp_path, "a.zip", content).path, on_progress=unpacked.append)

    said, _ = refusal(CHECK, file)

    assert said == (
        f"The unpacked data are {30_000_000 / len(content):,.0f} times as large as the file; "
        f"the limit is 200 times. {BOMB}"
    )
    assert unpacked == []
    assert answer(zip_check(ZipOptions(max_ratio=2000)), file) is None


def test_a_file_that_is_larger_than_declared_is_refused_before_it_fills_the_memory(
    tmp_path: Path,
) -> None:
    content = changed(zip_of({"a.txt": bytes(100_000_000)}), size=1000)
    file = written(tmp_path, "a.zip", content)

    tracemalloc.start()
    said, _ = refusal(CHECK, file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert said.startswith("The file “a.txt” in the archive is larger than the archive says.")
    assert peak < 8 * zip_archive.CHUNK


def test_files_that_share_bytes_are_refused(tmp_path: Path) -> None:
    archive = zip_of({"a.txt": TEXT, "b.txt": TEXT})
    second = archive.index(b"PK\1\2", directory_at(archive) + 4)
    content = archive[:second] + changed(archive[second:], offset=0)

    said, _ = refusal(CHECK, written(tmp_path, "a.zip", content))

    assert said.endswith(
        "shares its bytes with another file in the archive. "
        "Such an archive can fill a disk, so it is not accepted."
    )


def test_the_limits_of_bytes_and_files(tmp_path: Path) -> None:
    file = written(tmp_path, "a.zip", zip_of({"a": "x" * 600, "b": "x" * 600}))

    assert refusal(zip_check(ZipOptions(max_bytes=1199)), file) == (
        "The unpacked size is 1.2 KB; the limit is 1.2 KB. Choose a smaller file.",
        None,
    )
    assert refusal(zip_check(ZipOptions(max_files=1)), file) == (
        "The archive has too many files; the limit is 1. Divide it into several archives.",
        None,
    )
    assert answer(zip_check(ZipOptions(max_bytes=1200, max_files=2)), file) is None


def test_archives_in_the_archive_count(tmp_path: Path) -> None:
    inner = zip_of({"a": bytes(15_000_000)})
    middle = zip_of({f"{number}.zip": inner for number in range(3)})
    file = written(tmp_path, "a.zip", zip_of({"middle": middle, "b": "text"}))

    assert refusal(zip_check(ZipOptions(max_bytes=40_000_000, max_ratio=1e9)), file)[0] == (
        "The unpacked size is 45 MB; the limit is 40 MB. Choose a smaller file."
    )
    assert refusal(CHECK, file)[0].endswith(BOMB)
    assert refusal(zip_check(ZipOptions(max_files=4, max_ratio=1e9)), file)[0].startswith(
        "The archive has too many files; the limit is 4."
    )
    assert answer(zip_check(ZipOptions(max_ratio=1e9)), file) is None


def test_a_damaged_archive_in_the_archive_passes(tmp_path: Path) -> None:
    inner = bytearray(zip_of({"a.txt": TEXT}))
    inner[200] ^= 0x55

    file = written(
        tmp_path, "a.zip", zip_of({"x.zip": bytes(inner), "y.zip": b"PK\3\4 no archive"})
    )

    assert answer(CHECK, file) is None


def test_too_many_archives_in_archives_are_refused(tmp_path: Path) -> None:
    content = zip_of({"a.txt": "x"})
    for _ in range(zip_archive.MAX_DEPTH - 1):
        content = zip_of({"a.zip": content})

    assert answer(CHECK, written(tmp_path, "a.zip", content)) is None
    assert refusal(CHECK, written(tmp_path, "b.zip", zip_of({"a.zip": content}))) == (
        "There are too many archives inside archives; the limit is 8 levels. "
        "Unpack the inner archives first.",
        None,
    )


def test_a_directory_with_very_long_names_is_not_read(tmp_path: Path) -> None:
    content = zip_of({f"{number} {'x' * 60_000}": "" for number in range(20)})

    said, _ = refusal(zip_check(ZipOptions(max_files=50)), written(tmp_path, "a.zip", content))

    assert said.startswith("The archive has too many files; the limit is 50.")


def test_a_directory_with_many_files_is_not_read_to_its_end(tmp_path: Path) -> None:
    content = zip_of({str(number): "" for number in range(5000)})
    file = written(tmp_path, "a.zip", content)

    tracemalloc.start()
    refusal(zip_check(ZipOptions(max_files=50)), file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 300_000


@pytest.mark.parametrize("field", ["packed", "offset", "crc", "method"])
@pytest.mark.parametrize("value", [0, 1, 0xFFFF, 0xFFFFFFFE])
def test_wrong_numbers_are_refused_and_never_an_error(
    tmp_path: Path, field: str, value: int
) -> None:
    if field == "method":
        value &= 0xFFF
    content = changed(zip_of({"a.txt": TEXT}), **{field: value})
    file = written(tmp_path, "a.zip", content)

    if (field, value) in (("method", 0xFFF), ("method", 0xFFE), ("offset", 0), ("method", 1)):
        assert answer(CHECK, file) is None
    else:
        assert refusal(CHECK, file)[0] in (DAMAGED, BROKEN)
