"""Signals that follow the queue: one set for each upload, one for the sum.

The engine calls `changed`; the view only reads. Totals are kept by difference, so that a tick of
one upload costs the same with two files and with two thousand.
"""

from uploader.transfer import states
from uploader.transfer.progress import Meter
from uploader.view.signals import Signal, batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.checkpoint import Checkpoint
    from uploader.transfer.journal import Journal
    from uploader.transfer.ports import Clock
    from uploader.transfer.upload import Upload

__all__ = ["QueueModel", "UploadModel"]


class UploadModel:
    """One upload as signals."""

    def __init__(self, upload: "Upload") -> None:
        self.upload = upload
        self.state = Signal(upload.state)
        self.paused_for = Signal(upload.paused_for)
        self.urgent = Signal(upload.urgent)
        self.sent = Signal(upload.sent)
        self.meter = Meter()
        self.share = [0, 0, 0, 0, 0]  # what it adds to the sums


class QueueModel:
    """All uploads as signals; `rows` is a list of `UploadModel`, replaced at each change.

    `files`, `size` and `sent` leave out what was cancelled.
    """

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._models: dict[int, UploadModel] = {}
        self._moved = 0  # bytes that left this page, never taken back
        self.rows = Signal([])
        self.unfinished = Signal([])  # checkpoints of earlier pages
        self.files = Signal(0)
        self.size = Signal(0)
        self.sent = Signal(0)
        self.done = Signal(0)
        self.running = Signal(0)
        self.meter = Meter()

    def changed(self, upload: "Upload") -> None:
        """Take over what the engine says of an upload, a new one too."""
        batch(lambda: self._change(upload))

    def found(self, journal: "Journal") -> None:
        """Take over which uploads of earlier pages are not finished."""
        self.unfinished.set(journal.unfinished)

    def age_s(self, record: "Checkpoint") -> float:
        """Return how long ago a checkpoint was written, by this computer's clock."""
        return max(0.0, self._clock.now_s() - record.saved_at_s)

    def remove(self, model: UploadModel) -> None:
        """Forget an upload that has ended, and its part of the sums."""
        batch(lambda: self._remove(model))

    def _change(self, upload: "Upload") -> None:
        model = self._models.get(id(upload))
        if model is None:
            model = self._models[id(upload)] = UploadModel(upload)
            self.rows.set(self.rows.get() + [model])
        now_s = self._clock.now_s()
        self._moved += max(0, upload.sent - model.sent.get())
        model.meter.note(now_s, upload.sent)
        self.meter.note(now_s, self._moved)
        model.sent.set(upload.sent)
        model.state.set(upload.state)
        model.paused_for.set(upload.paused_for)
        model.urgent.set(upload.urgent)
        self._settle(model, _share(upload))

    def _remove(self, model: UploadModel) -> None:
        del self._models[id(model.upload)]
        self._settle(model, [0, 0, 0, 0, 0])
        self.rows.set([row for row in self.rows.get() if row is not model])

    def _settle(self, model: UploadModel, share: "list[int]") -> None:
        sums = (self.files, self.size, self.sent, self.done, self.running)
        for index, total in enumerate(sums):
            total.set(total.get() + share[index] - model.share[index])
        model.share = share


def _share(upload: "Upload") -> "list[int]":
    """Return what an upload adds to files, size, sent, done and running."""
    done = int(upload.state == states.DONE)
    if upload.state == states.CANCELLED:
        return [0, 0, 0, 0, 0]
    running = int(upload.state not in states.ENDED)
    return [1, upload.file.size, upload.sent, done, running]
