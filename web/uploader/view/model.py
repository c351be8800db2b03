"""Signals that follow the queue: one set for each upload, one for the sum.

The engine calls `changed` as often as it likes; that only notes which uploads to look at. A `flush`
looks at them, all at once, and sets the signals. Sums are kept by difference, so a flush costs the
same with two files and with two thousand.
"""

from uploader.transfer import states
from uploader.transfer.pacing.progress import Meter
from uploader.view.signals import Signal, batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.transfer.ports import Clock
    from uploader.transfer.resuming.checkpoint import Checkpoint
    from uploader.transfer.resuming.journal import Journal
    from uploader.transfer.upload import Upload

__all__ = ["WAITS", "QueueModel", "UploadModel"]

NOTHING: "tuple[int, ...]" = (0,) * 16
QUIET_S = 8.0
SENT = 2  # index of the bytes in a share
COUNTS = [index for index in range(len(NOTHING)) if index != SENT]
WAITS = (
    states.FOR_NETWORK,
    states.FOR_STORAGE,
    states.FOR_SERVER,
    states.FOR_LOGIN,
    states.FOR_QUOTA,
)
REASONS = (states.BY_PERSON,) + WAITS


class UploadModel:
    """One upload as signals.

    `sent` is what is shown: it does not fall when a pause or a fault takes bytes back that were on
    their way. `leaving` says that a person cancelled it and may still undo that.
    """

    def __init__(self, upload: "Upload") -> None:
        self.upload = upload
        self.state = Signal(upload.state)
        self.paused_for = Signal(upload.paused_for)
        self.urgent = Signal(upload.urgent)
        self.key = Signal(upload.key)
        self.sent = Signal(upload.sent)
        self.meter = Meter()
        self.leaving = Signal(False)
        self.all_left = Signal(False)  # every byte is on its way; only the end is missing
        self.parts_left = Signal(False)  # it was cancelled, and OSS does not let its parts go
        # `checking` what is stored already, waiting to send `again`, or meeting `errors` of OSS
        self.doing = Signal("")
        self.gone = Signal(False)  # it was deleted after it had arrived
        self.quiet = Signal(False)  # nothing of it has moved for a while
        self.moved_at_s = 0.0
        self.was_held = False  # paused by a person before it was cancelled
        self.timer: Any = None  # the task that cancels it for good
        self.ended_at_s = 0.0
        self.told = False  # its failure has been announced
        self.noted = True  # the next flush looks at it
        self.seen = 0  # bytes of `upload` at the last look
        self.share = NOTHING  # what it adds to the sums


class QueueModel:
    """All uploads as signals; `rows` is a list of `UploadModel`, replaced at each change.

    `files`, `size` and `sent` leave out what was cancelled, the last two also what can never go.
    `running` has not ended; of those, `moving` are being sent or verified, `held` were paused by a
    person and `waits[reason]` wait for something; `needs` is the size of all that run. `quiet`
    tells that none of them gets on. `kept` of them lose nothing with this page.
    `forgetful` tells that the browser keeps nothing of an upload. `on_done` hears of each that
    arrived, `on_refused` of each that has ended and left something else than the file.
    `soon(flush)` arranges that `flush` is called soon.
    """

    def __init__(
        self,
        clock: "Clock",
        *,
        soon: "Callable[[Callable[[], None]], None]" = lambda flush: flush(),
    ) -> None:
        self._clock = clock
        self._soon = soon
        self._waits = False  # for a flush
        self._models: dict[int, UploadModel] = {}
        self._fresh: list[UploadModel] = []
        self._noted: list[UploadModel] = []
        self._journal: Journal | None = None  # if it has news
        self._moved = 0  # bytes that left this page, never taken back
        self.rows = Signal([])
        self.unfinished = Signal([])  # checkpoints of earlier pages
        self.files = Signal(0)
        self.size = Signal(0)
        self.sent = Signal(0)
        self.done = Signal(0)
        self.running = Signal(0)
        self.failed = Signal(0)
        self.cancelled = Signal(0)
        self.held = Signal(0)
        self.kept = Signal(0)
        self.waits = {reason: Signal(0) for reason in WAITS}
        self.needs = Signal(0)
        self.moving = Signal(0)
        self.forgetful = Signal(False)
        self.meter = Meter()
        self.quiet = Signal(False)
        self._moved_at_s = 0.0
        self._moving: dict[int, UploadModel] = {}
        self.on_done: Callable[[Upload], None] = lambda upload: None
        self.on_refused: Callable[[Upload], None] = lambda upload: None

    def changed(self, upload: "Upload") -> None:
        """Note that the engine has news of an upload, perhaps of a new one."""
        model = self._models.get(id(upload))
        if model is None:
            model = self._models[id(upload)] = UploadModel(upload)
            self._fresh.append(model)
        elif model.noted:
            return
        else:
            self._note(model)
        self._wake()

    def leave(self, model: UploadModel, leaving: bool) -> None:
        """Show an upload as cancelled before it is, or take that back."""
        model.leaving.set(leaving)
        self._note(model)
        self.flush()

    def flush(self) -> None:
        """Look at all that changed, and let the view follow."""
        self._waits = False
        batch(self._look)

    def find_stalled(self) -> None:
        """Note what has not moved for a while; to be called every second or two."""
        now_s = self._clock.now_s()

        def note() -> None:
            for model in list(self._moving.values()):
                if now_s - model.moved_at_s > QUIET_S:
                    model.quiet.set(True)
            if now_s - self._moved_at_s > QUIET_S:
                self.quiet.set(bool(self._moving))

        batch(note)

    def found(self, journal: "Journal") -> None:
        """Note that there is news of the uploads of earlier pages."""
        self._journal = journal
        self._wake()

    def age_s(self, record: "Checkpoint") -> float:
        """Return how long ago a checkpoint was written, by this computer's clock."""
        return max(0.0, self._clock.now_s() - record.saved_at_s)

    def remove(self, models: "list[UploadModel]") -> None:
        """Forget uploads that have ended, and their part of the sums."""
        gone = {id(model) for model in models}

        def forget() -> None:
            self._look()
            sums = list(NOTHING)
            for model in models:
                del self._models[id(model.upload)]
                _settle(model, NOTHING, sums)
            self._add(sums)
            self.rows.set([row for row in self.rows.get() if id(row) not in gone])

        batch(forget)

    def _wake(self) -> None:
        if not self._waits:
            self._waits = True
            self._soon(self.flush)

    def _note(self, model: UploadModel) -> None:
        if not model.noted:
            model.noted = True
            self._noted.append(model)

    def _look(self) -> None:
        fresh, self._fresh = self._fresh, []
        noted, self._noted = self._noted, []
        journal, self._journal = self._journal, None
        if journal:
            self.unfinished.set(journal.unfinished)
            self.forgetful.set(bool(journal.broken))
        now_s = self._clock.now_s()
        sums = list(NOTHING)
        for model in fresh + noted:
            self._follow(model, now_s)
            _settle(model, _share(model), sums)
        self.meter.note(now_s, self._moved)
        if fresh:
            self.rows.set(self.rows.get() + fresh)
        self._add(sums)

    def _follow(self, model: UploadModel, now_s: float) -> None:
        upload = model.upload
        model.noted = False
        if upload.sent != model.seen:
            self._moved += max(0, upload.sent - model.seen)
            model.seen = upload.sent
            model.meter.note(now_s, upload.sent)
            if now_s - model.moved_at_s > QUIET_S:
                model.quiet.set(False)
            if now_s - self._moved_at_s > QUIET_S:
                self.quiet.set(False)
            self._moved_at_s = model.moved_at_s = now_s
        state = states.CANCELLED if model.leaving.get() else upload.state
        begins = model.state.get() in states.ENDED and state not in states.ENDED
        if state in states.ENDED:
            model.ended_at_s = model.ended_at_s or now_s
        elif begins:
            model.ended_at_s = 0.0
        true = begins or state == states.FAILED
        model.sent.set(upload.sent if true else max(upload.sent, model.sent.get()))
        model.all_left.set(upload.sent >= upload.file.size)
        if state == states.DONE and model.state.get() != state:
            self.on_done(upload)
        if state in states.ENDED and model.state.get() != state and upload.refused:
            self.on_refused(upload)
        if state != model.state.get():
            self._watch(model, state, now_s)
        model.state.set(state)
        model.paused_for.set(upload.paused_for)
        model.urgent.set(upload.urgent)
        model.key.set(upload.key)
        model.doing.set(_doing(upload))
        model.parts_left.set(state == states.CANCELLED and upload.error is not None)

    def _watch(self, model: UploadModel, state: str, now_s: float) -> None:
        """Watch whether an upload moves, as long as it should."""
        model.quiet.set(False)
        if state == states.UPLOADING:
            model.moved_at_s = now_s
            if not self._moving:
                self._moved_at_s = now_s
            self._moving[id(model)] = model
        elif self._moving.pop(id(model), None) and not self._moving:
            self.quiet.set(False)

    def _add(self, sums: "list[int]") -> None:
        totals = (
            self.files,
            self.size,
            self.sent,
            self.done,
            self.running,
            self.failed,
            self.cancelled,
            self.held,
            self.waits[states.FOR_NETWORK],
            self.waits[states.FOR_STORAGE],
            self.waits[states.FOR_SERVER],
            self.waits[states.FOR_LOGIN],
            self.waits[states.FOR_QUOTA],
            self.needs,
            self.moving,
            self.kept,
        )
        for index, total in enumerate(totals):
            if sums[index]:
                total.set(total.get() + sums[index])


def _doing(upload: "Upload") -> str:
    if upload.looking:
        return "checking"
    if upload.has_errors:
        return "errors"
    return "again" if upload.waits_again() else ""


def _settle(model: UploadModel, share: "tuple[int, ...]", sums: "list[int]") -> None:
    """Add to `sums` what is new in the share of an upload; mostly that is only `sent`."""
    old, model.share = model.share, share
    sums[SENT] += share[SENT] - old[SENT]
    if share[SENT + 1 :] == old[SENT + 1 :]:
        return
    for index in COUNTS:
        if share[index] != old[index]:
            sums[index] += share[index] - old[index]


def _share(model: UploadModel) -> "tuple[int, ...]":
    """Return what an upload adds to the sums, in the order of `QueueModel._add`."""
    state = model.state.get()
    if state == states.CANCELLED:
        return (0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    size, sent = model.upload.file.size, model.sent.get()
    if state == states.DONE and model.upload.identical:
        return (1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)  # nothing of it had to be sent
    if state == states.DONE:
        return (1, size, sent, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if state == states.FAILED and not model.upload.may_retry():
        return (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if state == states.FAILED:
        return (1, size, sent, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if state != states.PAUSED:
        moving = int(state != states.WAITING)
        return (1, size, sent, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, size, moving, 0)
    reason = model.paused_for.get()
    held, network, storage, server, login, quota = [int(reason == each) for each in REASONS]
    kept = 0 if model.upload.is_stream else int(held or reason == states.FOR_TAB)
    return (1, size, sent, 0, 1, 0, 0, held, network, storage, server, login, quota, size, 0, kept)
