"""Writes sample files with which people try the checks of the demo, and a README about them.

Each file shows one thing that a check can do. Most of them are in this folder: Pillow created
`harbour.jpg` and `panorama.png`, `pillow-heif` created `IMG_0417.heic`, and pypdf encrypted
`contract.pdf`. The first and the third have an invented GPS position. This module generates the
files that look dangerous to a virus scanner, or to a scanner for secrets.
"""

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["uploaded", "changed", "asks", "refused"]

README = "README.txt"
INTRODUCTION = """Files to try the checks of the demo. Drop them on its page.
Each line says what the page does with a file.
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file with which people try the checks of the demo.

    Attributes:
        outcome: `uploaded`; `changed`: a check changes the file before the upload; `asks`: the page
            asks the person whether to upload the file; or `refused`.
        why: a sentence that explains the outcome.
        make: returns the content of the file; None if the file lies beside this module.
    """

    name: str
    outcome: Outcome
    why: str
    make: Callable[[], bytes] | None = None

    def __str__(self) -> str:
        """Return the line of the README."""
        return f"{self.name}: {self.outcome}. {self.why}"


@contextmanager
def sample_folder(data_dir: Path | None) -> Iterator[Path]:
    """Context manager that writes all sample files into a folder `samples`; its value is the path.

    Args:
        data_dir: the parent folder, in which the files stay. With None, the parent is a temporary
            folder, which is removed on exit.

    Raises:
        OSError: a file cannot be written.
    """
    if data_dir is not None:
        yield _write(data_dir.absolute() / "samples")
        return
    with TemporaryDirectory(prefix="ossferry-") as folder:
        yield _write(Path(folder) / "samples")


def _write(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for each in SAMPLES:
        path = folder / each.name
        if each.make is None:
            shutil.copyfile(Path(__file__).with_name(each.name), path)
        else:
            path.write_bytes(each.make())
    lines = "".join(f"{each}\n" for each in SAMPLES)
    (folder / README).write_text(f"{INTRODUCTION}\n{lines}", "utf-8")
    return folder


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


KEY_ID = "LTAI" + "5tMadeUpForTheDemo"
NOTES = f"""How to reach the test account of the shop

access key id: {KEY_ID}
"""

SAMPLES = (
    Sample("orders.csv", "uploaded", "The table has the columns of the shop."),
    Sample("orders-ragged.csv", "refused", "Line 7 has more columns than the header."),
    Sample(
        "orders-header.csv",
        "refused",
        "Line 1 has other columns than the shop needs; checks.py says which.",
    ),
    Sample(
        "orders-broken.csv",
        "refused",
        "Line 2 has a date in another format. Repair table, Find problems, Convert, Write the"
        " corrected file, Upload the corrected file: after these five clicks it is uploaded.",
    ),
    Sample("orders.xlsx", "uploaded", "The workbook is complete."),
    Sample("prices.json", "refused", "The JSON ends too early, in line 29."),
    Sample(
        "bomb.zip",
        "refused",
        "The unpacked file is a thousand times as large as the archive.",
        lambda: _archive({"zeros.bin": bytes(20_000_000)}),
    ),
    Sample(
        "outside.zip",
        "refused",
        "The archive would write a file outside of its target folder.",
        lambda: _archive({"readme.txt": b"Hello\n", "../../start.sh": b"echo Hello\n"}),
    ),
    Sample("scan.pdf", "refused", "The content is a PNG image."),
    Sample("contract.pdf", "refused", "The document has a password."),
    Sample("report.pdf", "uploaded", "The object gets the hash of the document as metadata."),
    Sample(
        "notes.txt",
        "asks",
        "Line 3 has a made-up AccessKey id, which looks like a real one.",
        NOTES.encode,
    ),
    Sample("access.log", "changed", "The log file is compressed; its new name is access.log.gz."),
    Sample("harbour.jpg", "changed", "The photo loses its position and other hidden data."),
    Sample(
        "IMG_0417.heic", "changed", "The photo is converted to JPEG; its new name is IMG_0417.jpg."
    ),
    Sample("panorama.png", "changed", "The photo is made smaller; its new name is panorama.jpg."),
)
"""All files to try, in the order of the README."""
