"""Signals for the view: the state of each upload, and sums over all uploads.

The engine calls `changed` for each change of an upload, which only marks the upload. A later
`flush` updates the signals of all marked uploads in one batch, and adds the differences to the
sums. So the time for `flush` depends on the number of changed uploads, not on the number of all
uploads.
"""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.pacing.meter import Meter
from upload_page.view.signals import Signal, batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.transfer.journal.journal import Journal
    from ossferry_uploader.transfer.ports import Clock
    from ossferry_uploader.transfer.upload import Upload

NOTHING: "tuple[int, ...]" = (0,) * 19
NONE_WAITS: "tuple[int, ...]" = (0,) * 12  # the end of a share
QUIET_S = 8.0
SLICE_S = 0.004  # that one task may take for updates
SENT = 2  # index of the sent bytes in a share
COUNTS = [index for index in range(len(NOTHING)) if index != SENT]
WAITS = (
    states.FOR_NETWORK,
    states.FOR_STORAGE,
    states.FOR_SERVER,
    states.FOR_LOGIN,
    states.FOR_QUOTA,
)
REASONS = (states.BY_PERSON,) + WAITS


def _run_at_once(run: "Callable[[], bool]") -> None:
    while run():
        pass


class UploadModel:
    """The state of one upload, as signals that the view reads.

    `sent` is the number of sent bytes to display; it does not decrease when a pause or an error
    interrupts a request. `leaving` is true while a person can undo the cancellation of the upload.
    `file` is the file to send, which a check may replace, and `name` is the name of the object.
    `check` is `(name, percent)`: the running check, and how much of it is done.
    """

    def __init__(self, upload: "Upload") -> None:
        self.upload = upload
        self.state = Signal(upload.state)
        self.file = Signal(upload.file)
        self.name = Signal(upload.name)
        self.check = Signal(("", 0))
        self.paused_for = Signal(upload.paused_for)
        self.urgent = Signal(upload.urgent)
        self.key = Signal(upload.key)
        self.sent = Signal(upload.sent)
        self.meter = Meter()
        self.leaving = Signal(False)
        self.all_left = Signal(False)  # every byte is sent or in flight
        self.parts_left = Signal(False)  # cancelled, but OSS did not delete its parts
        # "checking": which parts are stored; "again": waits for a retry; "errors": from OSS; or ""
        self.doing = Signal("")
        self.gone = Signal(False)  # the object was deleted after the upload
        self.held = Signal(False)  # the server has not checked the object yet
        self.quiet = Signal(False)  # nothing was sent for `QUIET_S`
        self.moved_at_s = 0.0
        self.was_held = False  # a person had paused the upload before its cancellation
        self.timer: Any = None  # the task that cancels the upload when undo ends
        self.ended_at_s = 0.0
        self.announced = False  # whether the failure of the upload was announced
        self.noted = True  # the next flush updates the signals
        self.seen = 0  # bytes of `upload` at the last flush
        self.share = NOTHING  # the part of the upload in the sums


class QueueModel:
    """The list of all uploads, and sums over all uploads, as signals that the view reads.

    - `rows`: list of `UploadModel`; a new list replaces it when uploads are added or removed.
    - `unfinished`: list of the records of unfinished uploads from earlier visits.
    - `files`: number of all uploads except cancelled uploads.
    - `size`, `sent`: total bytes and sent bytes of the uploads in `files`. Failed uploads that
      cannot be retried count as 0 bytes, and so do files that OSS already had.
    - `done`, `failed`, `cancelled`: numbers of uploads in these states.
    - `running`: number of uploads that have not ended.
    - `needs`: total file size in bytes of the uploads in `running`, to compare with the quota.
    - `moving`: number of uploads that are being sent or verified.
    - `held`: number of uploads that a person has paused.
    - `waits[reason]`: number of uploads that wait for this reason, such as `states.FOR_NETWORK`.
    - `asks`: number of uploads that wait because a check has a question for the person.
    - `identical`: number of uploads whose file OSS already had.
    - `lacks`: number of uploads that wait until the person has filled in required details.
    - `kept`: number of paused uploads that can continue after this page is closed.
    - `quiet`: true if nothing was sent for `QUIET_S` seconds, although uploads are being sent.
    - `forgetful`: true if the browser cannot store records of uploads.

    Three attributes are functions that another object can set: `on_done(upload)` is called for each
    finished upload, `on_refused(upload)` for each ended upload whose object differs from the file,
    and `on_found(item)` for each upload for which a check has found details.

    Args:
        soon: `soon(run)` must call `run` after a short time, and again while `run` returns true.
    """

    def __init__(
        self, clock: "Clock", *, soon: "Callable[[Callable[[], bool]], object]" = _run_at_once
    ) -> None:
        self._clock = clock
        self._soon = soon
        self._waits = False  # `soon` has been called, and a flush has not ended since
        self._models: dict[int, UploadModel] = {}
        self._fresh: list[UploadModel] = []
        self._noted: list[UploadModel] = []
        self._sums = list(NOTHING)  # differences that the next flush adds to the sums
        self._journal: Journal | None = None  # set if the records have changed
        self._moved = 0  # bytes sent by this page; never decreases
        self.rows = Signal([])
        self.is_ordered = False  # a person has changed the order of the rows
        self.unfinished = Signal([])  # checkpoints from earlier visits
        totals = self._totals = [Signal(0) for _ in NOTHING]
        self.files, self.size, self.sent, self.done, self.running = totals[:5]
        self.failed, self.cancelled, self.held = totals[5:8]
        self.waits = {reason: totals[8 + index] for index, reason in enumerate(WAITS)}
        self.needs, self.moving, self.kept, self.asks, self.identical, self.lacks = totals[13:]
        self.forgetful = Signal(False)
        self.meter = Meter()
        self.quiet = Signal(False)
        self._moved_at_s = 0.0
        self._moving: dict[int, UploadModel] = {}
        self.on_done: Callable[[Upload], None] = lambda upload: None
        self.on_refused: Callable[[Upload], None] = lambda upload: None
        self.on_found: Callable[[UploadModel], None] = lambda item: None

    def changed(self, upload: "Upload") -> None:
        """Record that an upload was added or has changed; the next `flush` updates its signals."""
        model = self._models.get(id(upload))
        if model is None:
            model = self._models[id(upload)] = UploadModel(upload)
            self._fresh.append(model)
            self._noted.append(model)
        elif model.noted:
            return
        else:
            self._note(model)
        self._wake()

    def leave(self, model: UploadModel, leaving: bool) -> None:
        """Show a paused upload as cancelled while the person can undo this, or show its real state.

        Args:
            leaving: true to show the upload as cancelled.
        """
        model.leaving.set(leaving)
        self._note(model)
        self.flush()

    def flush(self) -> None:
        """Update the signals of all uploads that have changed since the last call, in one batch."""
        self._waits = False
        batch(self._update)

    def _flush_slice(self) -> bool:
        """Update the signals of as many changed uploads as `SLICE_S` allows.

        The sums and the list of rows are updated after the last upload.

        Returns:
            Whether changed uploads are left.
        """
        self._waits = False
        end_s = self._clock.elapsed_s() + SLICE_S
        are_left = bool(batch(lambda: self._update(end_s)))
        self._waits = self._waits or are_left
        return are_left

    def find_stalled(self) -> None:
        """Set the signal `quiet` of each upload that has stalled to true.

        An upload has stalled if it is in the state `UPLOADING`, but has sent nothing for `QUIET_S`
        seconds. If no upload in this state has sent anything in this time, `quiet` of this model
        becomes true, too. `flush` sets the signals to false when bytes are sent again.

        Call this method every one or two seconds.
        """
        now_s = self._clock.now_s()

        def note() -> None:
            for model in list(self._moving.values()):
                if now_s - model.moved_at_s > QUIET_S:
                    model.quiet.set(True)
            if now_s - self._moved_at_s > QUIET_S:
                self.quiet.set(bool(self._moving))

        batch(note)

    def records_changed(self, journal: "Journal") -> None:
        """Let the next `flush` read the records of unfinished uploads from the journal."""
        self._journal = journal
        self._wake()

    def age_s(self, record: "Checkpoint") -> float:
        """Return how many seconds ago the record of an unfinished upload was written.

        The age is computed with this computer's clock, and is at least 0.
        """
        return max(0.0, self._clock.now_s() - record.saved_at_s)

    def remove(self, models: "list[UploadModel]") -> None:
        """Remove ended uploads from the list of uploads, and subtract them from the sums."""
        gone = {id(model) for model in models}

        def forget() -> None:
            self._update()
            for model in models:
                del self._models[id(model.upload)]
                _settle(model, NOTHING, self._sums)
            self._add_sums()
            self.rows.set([row for row in self.rows.get() if id(row) not in gone])

        batch(forget)

    def move(self, item: UploadModel, before: "UploadModel | None") -> None:
        """Move a row to the place before another one; `None` for the end."""
        rows = [row for row in self.rows.get() if row is not item]
        rows.insert(rows.index(before) if before else len(rows), item)
        self.is_ordered = True
        self.rows.set(rows)

    def _wake(self) -> None:
        if not self._waits:
            self._waits = True
            self._soon(self._flush_slice)

    def _note(self, model: UploadModel) -> None:
        if not model.noted:
            model.noted = True
            self._noted.append(model)

    def _update(self, end_s: "float | None" = None) -> bool:
        """Update the signals of changed uploads, and then the sums and the list of rows.

        Args:
            end_s: when to stop, measured by `elapsed_s` of the clock; `None` for no limit.

        Returns:
            Whether changed uploads are left.
        """
        noted, self._noted = self._noted, []
        now_s = self._clock.now_s()
        for index, model in enumerate(noted):
            self._update_upload(model, now_s)
            _settle(model, _share(model), self._sums)
            is_last = index + 1 == len(noted)
            if end_s is not None and not is_last and self._clock.elapsed_s() > end_s:
                self._noted = noted[index + 1 :] + self._noted
                return True
        fresh, self._fresh = self._fresh, []
        journal, self._journal = self._journal, None
        if journal:
            self.unfinished.set(journal.unfinished)
            self.forgetful.set(bool(journal.broken))
        self.meter.note(now_s, self._moved)
        if fresh:
            self.rows.set(self.rows.get() + fresh)
        self._add_sums()
        return False

    def _update_upload(self, model: UploadModel, now_s: float) -> None:
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
        if (
            upload.check.details
            and upload.paused_for == states.FOR_DETAILS != model.paused_for.get()
        ):
            self.on_found(model)
        if state != model.state.get():
            self._watch_quiet(model, state, now_s)
        model.file.set(upload.file)
        model.name.set(upload.name)
        model.check.set((upload.check.name, int(100 * upload.check.share)))
        model.state.set(state)
        model.held.set(upload.target.is_held and not upload.identical)
        model.paused_for.set(upload.paused_for)
        model.urgent.set(upload.urgent)
        model.key.set(upload.key)
        model.doing.set(_doing(upload))
        model.parts_left.set(state == states.CANCELLED and upload.error is not None)

    def _watch_quiet(self, model: UploadModel, state: str, now_s: float) -> None:
        """Let `find_stalled` check an upload in the state `UPLOADING`, but in no other state.

        Also clear the signal `quiet` of the upload.

        Args:
            state: the new state of the upload.
        """
        model.quiet.set(False)
        if state == states.UPLOADING:
            model.moved_at_s = now_s
            if not self._moving:
                self._moved_at_s = now_s
            self._moving[id(model)] = model
        elif self._moving.pop(id(model), None) and not self._moving:
            self.quiet.set(False)

    def _add_sums(self) -> None:
        sums, self._sums = self._sums, list(NOTHING)
        for index, total in enumerate(self._totals):
            if sums[index]:
                total.set(total.get() + sums[index])


def _doing(upload: "Upload") -> str:
    if upload.target.is_searching:
        return "checking"
    if upload.requests.has_errors:
        return "errors"
    return "again" if upload.requests.is_waiting() else ""


def _settle(model: UploadModel, share: "tuple[int, ...]", sums: "list[int]") -> None:
    """Add the differences between the new and the old numbers of an upload to `sums`.

    In most calls, only the number of sent bytes has changed.

    Args:
        share: the new numbers of the upload, from `_share`.
    """
    old, model.share = model.share, share
    sums[SENT] += share[SENT] - old[SENT]
    if share[SENT + 1 :] == old[SENT + 1 :]:
        return
    for index in COUNTS:
        if share[index] != old[index]:
            sums[index] += share[index] - old[index]


def _share(model: UploadModel) -> "tuple[int, ...]":
    """Return the numbers that an upload adds to the sums, in the order of `QueueModel._totals`."""
    state, upload = model.state.get(), model.upload
    if state == states.CANCELLED:
        return (0, 0, 0, 0, 0, 0, 1) + NONE_WAITS
    size, sent = upload.file.size, model.sent.get()
    if state == states.DONE and upload.identical:
        return (1, 0, 0, 1, 0, 0, 0) + NONE_WAITS[:-2] + (1, 0)  # nothing was sent
    if state == states.DONE:
        return (1, size, sent, 1, 0, 0, 0) + NONE_WAITS
    if state == states.FAILED:
        again = upload.may_retry()
        return (1, size * again, sent * again, 0, 0, 1, 0) + NONE_WAITS
    reason = model.paused_for.get() if state == states.PAUSED else ""
    waits = [int(reason == kind) for kind in REASONS]
    asks = int(reason == states.FOR_ANSWER and bool(upload.check.questions()))
    lacks = int(reason == states.FOR_DETAILS)
    kept = int(upload.is_lasting and reason in (states.BY_PERSON, states.FOR_TAB))
    moving = int(state not in (states.WAITING, states.CHECKING, states.PAUSED))
    return (1, size, sent, 0, 1, 0, 0) + tuple(waits) + (size, moving, kept, asks, 0, lacks)
