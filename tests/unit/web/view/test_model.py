"""The sums that the page shows, kept by difference."""

from support.fakes import FakeClock, FakeFile, lost
from uploader.transfer import states
from uploader.transfer.upload import Upload
from uploader.view.model import QueueModel


def make(*sizes):
    model = QueueModel(FakeClock())
    uploads = [Upload(FakeFile(size=size), model.changed) for size in sizes]
    for upload in uploads:
        model.changed(upload)
    return model, uploads


def sums(model):
    signals = (model.files, model.size, model.sent, model.done, model.running)
    return [signal.get() for signal in signals]


def test_new_uploads_add_up():
    model, _ = make(10, 30)

    assert sums(model) == [2, 40, 0, 0, 2]


def test_progress_and_the_end_are_counted():
    model, (first, second) = make(10, 30)
    for upload in (first, second):
        upload.go(states.UPLOADING)
    second.fly(1, 20)
    first.fly(1, 10)
    first.go(states.VERIFYING)
    first.go(states.DONE)

    assert sums(model) == [2, 40, 30, 1, 1]


def test_a_cancelled_upload_leaves_the_sums_and_comes_back_with_retry():
    model, (first, _) = make(10, 30)
    first.go(states.UPLOADING)
    first.fly(1, 5)
    first.go(states.CANCELLED)
    assert sums(model) == [1, 30, 0, 0, 1]

    first.restart()

    assert sums(model) == [2, 40, 0, 0, 2]


def test_a_failed_upload_starts_again_from_nothing():
    model, (first,) = make(10)
    first.go(states.UPLOADING)
    first.fly(1, 10)
    first.fail(lost())
    assert sums(model) == [1, 10, 0, 0, 0]

    first.restart()

    assert sums(model) == [1, 10, 0, 0, 1]


def test_removed_uploads_are_forgotten():
    model, (first, second) = make(10, 30)
    first.go(states.CANCELLED)
    model.remove(model.rows.get()[0])

    assert sums(model) == [1, 30, 0, 0, 1]
    assert [row.upload for row in model.rows.get()] == [second]
