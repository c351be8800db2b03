"""Sample checks of a shop, for its order files, documents and log files.

The page runs these functions in the browser, before a file is uploaded.
"""

import csv
import gzip
import hashlib
import shutil

from ossferry_checks import CheckedFile, Note, Reject, Replace, check

COLUMNS = ["date", "sku", "amount"]
BLOCK = 1 << 20


@check("orders*.csv", max_seconds=30)
def has_our_columns(file: CheckedFile) -> None:
    """Reject an order file unless its first three columns are `date`, `sku` and `amount`."""
    with file.path.open(newline="", encoding="utf-8-sig") as source:
        header = next(csv.reader(source), [])
    if header[:3] != COLUMNS:
        raise Reject(f"The first three columns must be {', '.join(COLUMNS)}.", line=1)


@check("*.pdf", max_seconds=30, seconds_per_mb=0.5)
def hash_for_audit(file: CheckedFile) -> Note:
    """Add the SHA-256 of a PDF file to the object's metadata, as `x-oss-meta-audit-sha256`."""
    digest = hashlib.sha256()
    done = 0
    with file.path.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
            done += len(block)
            file.progress(done / file.size)
    return Note(audit_sha256=digest.hexdigest())


@check("*.log", max_seconds=60, seconds_per_mb=1)
def compress_logs(file: CheckedFile) -> Replace | None:
    """Replace a log file by a gzip file; keep the log file if the gzip file is not smaller."""
    packed = file.folder / f"{file.name}.gz"
    with (
        file.path.open("rb") as source,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as target,  # without the time: always the same
    ):
        shutil.copyfileobj(source, target, BLOCK)
    if packed.stat().st_size >= file.size:
        return None
    return Replace(
        packed, name=f"{file.name}.gz", type="application/gzip", reason="Compressed with gzip."
    )
