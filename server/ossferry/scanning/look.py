"""Scans one upload, in this order: size, type, checks, clamd, and an HTTP scanner.

The first step that finds the upload bad ends the scan. After a step that cannot read the content,
the other steps still run.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from fastcrc import crc64

from ossferry.checks.selection import select_checks
from ossferry.errors import SettingsError
from ossferry.grants.file_types import takes
from ossferry.identity.object_keys import name_of, safe_name
from ossferry.ledger.receipts import Claim
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import Stored
from ossferry.scanning.checking import Job, check_file
from ossferry.scanning.clamd import Clamd
from ossferry.scanning.http_scanner import HttpScanner
from ossferry.scanning.verdict import CLEAN, ChangedError, Content, Outcome, Verdict
from ossferry.settings.model import Settings
from ossferry.uploads.receipts import RanCheck
from ossferry_checks.runner import Verdict as Checked

PIECE = 8 << 20  # bytes of one request to OSS
MAX_SAYS = 500  # characters
MISSING = ("ModuleNotFoundError", "ImportError")

Scanner: TypeAlias = Clamd | HttpScanner
Spend: TypeAlias = Callable[[int], Awaitable[None]]
"""Waits until so many bytes may be read from OSS."""


@dataclass(slots=True)
class Found:
    """The result of all steps of the scan of an upload.

    Attributes:
        verdict: the worst verdict.
        ran: the results of the checks and scanners that ran, in order, as in a receipt.
    """

    verdict: Verdict = CLEAN
    ran: list[RanCheck] = field(default_factory=list)

    def add(self, scanner: str, verdict: Verdict) -> None:
        """Add the verdict of a scanner; a verdict that is not `clean` becomes the worst one.

        Args:
            scanner: name of the scanner in the receipt.
        """
        is_clean = verdict.outcome is Outcome.CLEAN
        says = "" if is_clean else verdict.reason[:MAX_SAYS]
        self.ran.append(
            RanCheck(check=scanner, outcome="passed" if is_clean else "error", says=says)
        )
        if not is_clean:
            self.verdict = verdict


class Looks:
    """Scans uploads with the checks and scanners of the settings.

    Args:
        scanners: the scanners by the names that receipts show.
        largest: the largest upload in bytes that is read.
        spend: called before each read with the number of bytes; waits while a rate limit is
            reached.

    Raises:
        SettingsError: the settings of the checks are wrong.
    """

    def __init__(
        self,
        settings: Settings,
        store: OssBucket,
        scanners: dict[str, Scanner],
        *,
        largest: int,
        spend: Spend,
    ) -> None:
        built_in = replace(settings.checks_built_in, file_type=True)
        self._settings = settings.model_copy(update={"checks_built_in": built_in})
        self._selection = select_checks(self._settings)
        self._store = store
        self._scanners = scanners
        self._largest = largest
        self._spend = spend

    async def probe(self) -> str:
        """Return why a scanner cannot be used now, as a sentence; empty if all can."""
        said = [await each.probe() for each in self._scanners.values()]
        return " ".join(filter(None, said))

    def claim(self, found: Found) -> Claim:
        """Return the results of a scan as the JSON value that the receipt stores."""
        return {"version": self._selection.version, "ran": found.ran}

    async def look(self, stored: Stored, key: str) -> Found:
        """Scan an upload, and return the results.

        Args:
            stored: the object, with its key in the bucket.
            key: the final key.

        Raises:
            SettingsError: this machine cannot scan, for example because a package is missing.
            OssLostError, OssRefusedError: the object cannot be read, or was replaced.
            ChangedError: the downloaded bytes differ from the object.
        """
        found, name = Found(), name_of(key)
        if verdict := self._without_bytes(stored, name):
            found.add("scan", verdict)
            return found
        async with self._fetched(stored, name) as content:
            job = Job(
                path=content.path,
                name=name,
                content_type=stored.content_type,
                keep_original=True,
                shows_output=False,
                needs_locks=True,
            )
            checked = await check_file(self._settings, self._selection, job)
            known = {each["name"] for each in self._selection.checks}
            found.ran += [  # the process may say anything
                RanCheck(check=each.check, outcome=each.outcome, says=each.says[:MAX_SAYS])
                for each in checked.ran[: len(known)]
                if each.check in known
            ]
            found.verdict = _verdict(checked)
            for scanner, each in self._scanners.items():
                if found.verdict.outcome in (Outcome.CLEAN, Outcome.UNSCANNABLE):
                    found.add(scanner, await each.scan(content))
        return found

    def _without_bytes(self, stored: Stored, name: str) -> Verdict | None:
        """Return the verdict if an upload is not read."""
        most = self._settings.max_file_size
        if stored.size > most:
            return Verdict(Outcome.BAD, f"It has {stored.size:,} bytes; {most:,} are allowed.")
        if not takes(self._settings.allowed_types, name, stored.content_type):
            return Verdict(Outcome.BAD, "Files of this type are not allowed.")
        if stored.is_encrypted:
            return Verdict(Outcome.UNSCANNABLE, "It was encrypted before the upload.")
        if stored.size > self._largest:
            return Verdict(
                Outcome.UNSCANNABLE,
                f"It has {stored.size:,} bytes; the scanner reads at most {self._largest:,}.",
            )
        return None

    @asynccontextmanager
    async def _fetched(self, stored: Stored, name: str) -> AsyncIterator[Content]:
        """Context manager that downloads an upload into a temporary file."""
        with tempfile.TemporaryDirectory(prefix="ossferry-") as folder:
            path = Path(folder) / safe_name(name)
            crc = await download(self._store, stored, path, spend=self._spend)
            yield Content(path=path, name=name, size=stored.size, crc64=crc)


async def download(store: OssBucket, stored: Stored, path: Path, *, spend: Spend) -> str:
    """Write an object to a new file, and return its CRC-64 as decimal text.

    Raises:
        SettingsError: the disk has not enough space.
        ChangedError: the bytes have another CRC-64 than OSS says.
    """
    room = shutil.disk_usage(path.parent).free
    if stored.size > room:
        raise SettingsError(
            f"the upload has {stored.size} bytes, but {tempfile.gettempdir()} has space for {room};"
            " set TMPDIR to a folder with more."
        )
    crc = 0
    with path.open("wb") as out:
        for start in range(0, stored.size, PIECE):
            end = min(start + PIECE, stored.size)
            await spend(end - start)
            piece = await store.read(stored, start, end)
            crc = crc64.xz(piece, crc)
            await asyncio.to_thread(out.write, piece)
    if stored.crc64 and str(crc) != stored.crc64:
        raise ChangedError
    return str(crc)


def _verdict(checked: Checked) -> Verdict:
    """Return what the checks say.

    Raises:
        SettingsError: a package is missing on this machine.
    """
    for each in checked.ran:
        if each.outcome == "error" and each.says.startswith(MISSING):
            raise SettingsError(f"{each.check} needs a package: {each.says}")
    refusal = checked.refusal
    if refusal is None:
        return CLEAN
    words = "did not work: " if refusal.is_error else ""
    line = f"Line {refusal.line}: " if refusal.line else ""
    return Verdict(Outcome.BAD, f"{refusal.check}: {words}{line}{refusal.reason}")
