"""Edit pictures and run the checks of files before their upload; other files do not wait."""

import asyncio
import heapq

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.rules import NO_RULES, Rules
from ossferry_uploader.transfer.checks.verdict import Verdict
from ossferry_uploader.transfer.errors import CheckFailed, FileRejected, IllegalMove, TransferError
from ossferry_uploader.transfer.sending.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.checks.verdict import Repaired
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.limits import Limits
    from ossferry_uploader.transfer.ports import TableRepair
    from ossferry_uploader.transfer.upload import Upload

TABLE = "table"  # the check whose tables can be repaired
CHECKS = "checks"  # the feature of a server that has checks
CONCURRENT = 3  # files that the workers have; the others wait here


class Checking:
    """Runs the checks of files, and delays each upload until the checks have allowed its file.

    Args:
        limits: returns the current limits for files.
        passed: called with an upload that may be sent now; its state is `waiting`.
        failed: called with an upload that must not be sent, and the error of its checks.
    """

    def __init__(
        self,
        engine: "Engine",
        *,
        limits: "Callable[[], Limits]",
        passed: "Callable[[Upload], None]",
        failed: "Callable[[Upload, Exception], None]",
    ) -> None:
        self._engine = engine
        self._checks: Any = engine.ports.checks  # `Checks`; without, there are no rules to need it
        self._limits = limits
        self._passed = passed
        self._failed = failed
        # `None` until the first grant
        self._rules: Rules | None = None if engine.ports.checks else NO_RULES
        self._loading = asyncio.Lock()
        self._line: list[tuple[tuple[bool, int, int, int], int, Upload]] = []
        self._lined_up = 0
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by upload number
        self._timers: dict[int, asyncio.Task[None]] = {}

    async def load(self, features: "list[str]") -> None:
        """Load the server's rules about the files to check, unless they are loaded already.

        If `features` does not contain `checks`, no file has to be checked.

        Args:
            features: the names of the server's features in the grant.

        Raises:
            ServerRefused: the server did not give its rules.
        """
        async with self._loading:
            if self._rules is None:
                self._rules = await self._checks.load() if CHECKS in features else NO_RULES

    def has_rules(self) -> bool:
        """Return whether the server's rules are known, so that `holds` finds the files to check."""
        return self._rules is not None

    async def is_due(self, oss: "Client") -> bool:
        """Return whether an upload's file has to be checked before it is sent, but was not yet.

        If the server's rules are not loaded yet, load them first.

        Args:
            oss: the client of the upload.

        Raises:
            ServerRefused: the server gave no grant, or no rules.
        """
        if self._rules is None:
            grant = await oss.grant()
            async with self._loading:
                if self._rules is None:
                    is_on = CHECKS in grant.features
                    self._rules = await oss.repeat(self._checks.load) if is_on else NO_RULES
        return self.concerns(oss.upload) and oss.upload.check.verdict is None

    def may_replace(self, upload: "Upload") -> bool:
        """Return whether checks will probably replace the file of an upload by another file.

        If so, the limits of size and type do not apply to the original file, but to the file that
        is sent.
        """
        return self._rules is not NO_RULES and self._limits().is_replaced(upload.name)

    def holds(self, upload: "Upload") -> bool:
        """Start the checks of a waiting upload, or the wait for a person's answer, if needed.

        Returns:
            `True` if the upload must not start yet. The callback `passed` or `failed` is called
            later. `False` if the upload may start now.
        """
        if not self.concerns(upload):
            return False
        check = upload.check
        if check.verdict is None:
            upload.go(states.CHECKING)
            self._lined_up += 1
            heapq.heappush(self._line, (upload.rank(), self._lined_up, upload))
            self._start()
            return True
        check.can_undo = self._can_undo(upload)
        if check.is_settled or not (check.questions() or check.can_undo):
            return False
        upload.wait_for_answer()
        if not check.questions():
            self._timers[upload.number] = asyncio.create_task(self._settle_later(upload))
        return True

    def stop(self, upload: "Upload") -> None:
        """Stop the checks of an upload, and the wait for the person's answer."""
        for tasks in (self._tasks, self._timers):
            task = tasks.pop(upload.number, None)
            if task:
                task.cancel()
        upload.check.name, upload.check.share = "", 0.0
        self._start()

    def answer(self, upload: "Upload", *, keep_original: bool = False) -> None:
        """Continue an upload that waits for a person's answer; otherwise do nothing.

        Args:
            keep_original: true to check and send the original file instead of the file that the
                checks have made from it. False if the person agrees to all questions of the checks
                and to the file that they have made.
        """
        if upload.paused_for != states.FOR_ANSWER:
            return
        self.stop(upload)
        check = upload.check
        if keep_original and upload.made:
            upload.use(upload.original, check.options)
            check.undo()  # the checks run again, over the original
        else:
            check.is_settled = True
        upload.restart()
        self._passed(upload)

    def renamed(self, upload: "Upload") -> None:
        """Let the checks look again at the chosen file of an upload, which has another name now."""
        check = upload.check
        if check.verdict and not check.repaired:
            upload.use(upload.original, check.options)
        check.options = None
        check.judge(None)

    def edit(self, upload: "Upload", edit: "list[int] | None") -> None:
        """Rotate and crop the chosen picture of an upload anew, and let the checks look again.

        Args:
            edit: see `ports.Pictures`; `None` to send the picture as it was chosen.
        """
        upload.edit, upload.edited = edit, None
        upload.use(upload.source, upload.check.options)
        self.renamed(upload)

    def repair(self, upload: "Upload") -> "TableRepair":
        """Start to repair the table of an upload; see `Upload.may_repair`."""
        repair: TableRepair = self._checks.repair(upload.source)
        return repair

    def use_repaired(self, upload: "Upload", repaired: "Repaired") -> None:
        """Check a repaired table, and send it in place of the file of an upload.

        Raises:
            IllegalMove: the upload has no table that can be repaired.
        """
        if not upload.may_repair():
            raise IllegalMove(f"the table of an upload that is {upload.state} cannot be replaced")
        check = upload.check
        upload.use(repaired.file, check.options)
        check.repaired, check.options = repaired, None
        check.judge(None)
        upload.restart()
        self._passed(upload)

    def changes_of(self, upload: "Upload") -> "File | None":
        """Return the list of changes to store beside the table of an upload, if there is one."""
        repaired = upload.check.repaired
        return repaired.changes if repaired and self._rules and self._rules.keeps_changes else None

    def concerns(self, upload: "Upload") -> bool:
        """Return whether there is an edit, or are checks, of the file, or it was checked before.

        A multipart upload of an earlier page was checked by that page, before it sent a part. If
        the checks made another file, they have to make it again.
        """
        if upload.check.verdict is not None or (upload.lacks_edit and self._rules):
            return True
        return self._has_checks(upload)

    def _has_checks(self, upload: "Upload") -> bool:
        is_new = not (upload.is_stream or (upload.upload_id and not upload.progress.made))
        return bool(is_new and self._rules and self._rules.match(upload.name))

    def _can_undo(self, upload: "Upload") -> bool:
        original = upload.original
        if (
            not (upload.file is not original and self._rules and self._rules.undo_s)
            or upload.check.repaired
        ):
            return False
        limits = self._limits()
        error = limits.refusal(original)
        if not error and limits.is_replaced(original.name):  # the type may be unknown
            error = limits.type_refusal(original.name, original.content_type)
        return not error

    def _start(self) -> None:
        while self._line and len(self._tasks) < CONCURRENT:
            upload = heapq.heappop(self._line)[2]
            if upload.state == states.CHECKING and upload.number not in self._tasks:
                self._tasks[upload.number] = asyncio.create_task(self._check(upload))

    async def _check(self, upload: "Upload") -> None:
        def show(name: str, share: float) -> None:
            upload.check.name, upload.check.share = name, share
            upload.changed()

        try:
            if upload.lacks_edit and upload.edit:
                edited = await self._engine.ports.pictures.edit(upload.source, upload.edit)
                upload.edited = edited
                upload.use(edited)
            # before the checks read the file: one that is replaced later, even by one of the same
            # size and time, is then not taken for the file that was checked
            crc64 = str(await Client(self._engine, upload).plain_crc64())
            keeps = upload.check.keeps_original
            verdict = Verdict()
            if self._has_checks(upload):
                run = self._checks.run
                verdict = await run(upload.file, upload.name, show, keep_original=keeps)
            self._apply(upload, verdict, crc64)
        except asyncio.CancelledError:
            return  # `stop` was called
        except Exception as error:
            self._end(upload)
            upload.check.judge(None)
            self._failed(upload, error)
            if not isinstance(error, (OSSError, TransferError)):
                raise
            return
        self._end(upload)
        upload.go(states.WAITING)
        self._passed(upload)

    def _end(self, upload: "Upload") -> None:
        self._tasks.pop(upload.number, None)
        self._start()

    def _apply(self, upload: "Upload", verdict: "Verdict", crc64: str) -> None:
        """Use the result of the checks.

        Args:
            crc64: the CRC-64 of the file before the checks.

        Raises:
            FileRejected: a check has rejected the file.
            CheckFailed: a check did not work.
        """
        refusal = verdict.refusal
        if refusal and refusal.is_error:
            raise CheckFailed(refusal.check, refusal.reason)
        if refusal:
            raise FileRejected(
                refusal.check,
                refusal.reason,
                line=refusal.line,
                is_built_in=bool(self._rules and refusal.check in self._rules.built_in),
                repair=refusal.repair,
            )
        notes, ran, repaired = verdict.notes, verdict.ran, upload.check.repaired
        if repaired:
            notes = dict(repaired.notes, **notes)
            ran = [{"check": TABLE, "outcome": "changed", "says": repaired.says}] + ran
        try:
            options = upload.options.with_metadata(notes)
        except ValueError as error:
            raise CheckFailed("", str(error))
        upload.check.options = upload.options
        upload.use(verdict.file or upload.file, options)
        upload.check.judge(verdict, "" if verdict.file else crc64)
        version = self._rules.version if self._rules else ""
        upload.checks = {"version": version, "ran": ran}

    async def _settle_later(self, upload: "Upload") -> None:
        await self._engine.ports.clock.sleep(self._rules.undo_s if self._rules else 0.0)
        del self._timers[upload.number]
        self.answer(upload)
