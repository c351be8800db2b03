"""The totals shown on the page, updated by differences."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.verdict import Verdict
from ossferry_uploader.transfer.errors import FileTooLarge
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.upload import Upload
from support.fakes import FakeClock, FakeFile, lost
from upload_page.view.model import WAITS, QueueModel
from upload_page.view.signals import effect


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
    second.progress.fly(1, 20)
    first.progress.fly(1, 10)
    first.go(states.VERIFYING)
    first.go(states.DONE)

    assert sums(model) == [2, 40, 30, 1, 1]


def test_a_cancelled_upload_leaves_the_sums_and_comes_back_with_retry():
    model, (first, _) = make(10, 30)
    first.go(states.UPLOADING)
    first.progress.fly(1, 5)
    first.go(states.CANCELLED)
    assert sums(model) == [1, 30, 0, 0, 1]

    first.restart()

    assert sums(model) == [2, 40, 0, 0, 2]


def test_what_has_to_be_sent_again_is_not_shown_as_being_verified():
    model, (first,) = make(10)
    item = model.rows.get()[0]
    first.go(states.UPLOADING)
    first.progress.fly(1, 10)
    assert (item.all_left.get(), item.doing.get()) == (True, "")

    first.requests.wait(1)

    first.changed()
    assert item.doing.get() == "again"
    first.requests.wait(-1)
    first.changed()
    first.progress.fly(1, 0)

    assert (item.all_left.get(), item.doing.get(), item.sent.get()) == (False, "", 10)


def test_a_part_that_waits_while_others_arrive_is_not_worth_a_word():
    model, (first,) = make(10)
    item = model.rows.get()[0]
    first.go(states.UPLOADING)
    first.requests.send(1)

    first.requests.wait(1)

    first.changed()
    assert item.doing.get() == ""
    first.requests.send(-1)
    first.progress.land(2, SentPart('"e"', 0, 5))

    assert item.doing.get() == "again"


def test_errors_of_the_service_are_told_whatever_else_is_on_its_way():
    model, (first,) = make(10)
    item = model.rows.get()[0]
    first.go(states.UPLOADING)
    first.requests.send(1)

    first.requests.note_errors(True)

    first.changed()
    assert item.doing.get() == "errors"
    first.requests.note_errors(False)
    first.changed()

    assert item.doing.get() == ""


def test_a_failed_upload_starts_again_from_nothing():
    model, (first,) = make(10)
    first.go(states.UPLOADING)
    first.progress.fly(1, 10)
    first.fail(lost())
    assert sums(model) == [1, 10, 0, 0, 0]

    first.restart()

    assert sums(model) == [1, 10, 0, 0, 1]


def test_removed_uploads_are_forgotten():
    model, (first, second) = make(10, 30)
    first.go(states.CANCELLED)
    model.remove([model.rows.get()[0]])

    assert sums(model) == [1, 30, 0, 0, 1]
    assert [row.upload for row in model.rows.get()] == [second]


def test_changes_wait_for_the_next_flush_and_are_seen_once():
    waiting = []
    model = QueueModel(FakeClock(), soon=waiting.append)
    upload = Upload(FakeFile(size=10), model.changed)
    model.changed(upload)
    assert (len(waiting), model.rows.get()) == (1, [])
    model.flush()
    seen = []
    effect(lambda: seen.append(model.sent.get()))

    upload.go(states.UPLOADING)
    upload.progress.fly(1, 3)
    upload.progress.fly(1, 7)
    assert len(waiting) == 2
    waiting[1]()

    assert seen == [0, 7]


class SlowClock(FakeClock):
    """A clock on which each look at it takes 3 ms."""

    def elapsed_s(self) -> float:
        self.advance(0.003)
        return super().elapsed_s()


def make_slow(count):
    waiting = []
    model = QueueModel(SlowClock(), soon=waiting.append)
    uploads = [Upload(FakeFile(size=10), model.changed) for _ in range(count)]
    for upload in uploads:
        model.changed(upload)
    return model, uploads, waiting


def test_many_changes_are_shown_in_slices_and_the_sums_at_the_end():
    model, uploads, waiting = make_slow(5)
    model.flush()
    rows = model.rows.get()
    for upload in uploads:
        upload.go(states.UPLOADING)
        upload.progress.fly(1, 7)
    run = waiting[-1]
    seen = []

    while run():
        seen.append(([row.sent.get() for row in rows], model.sent.get()))

    assert seen == [([7, 7, 0, 0, 0], 0), ([7, 7, 7, 7, 0], 0)]
    assert [row.sent.get() for row in rows] == [7] * 5
    assert sums(model) == [5, 50, 35, 0, 5]


def test_a_change_between_two_slices_is_shown_and_a_later_one_wakes_again():
    model, uploads, waiting = make_slow(5)
    run = waiting[0]
    assert run()
    uploads[0].go(states.UPLOADING)
    uploads[0].progress.fly(1, 7)
    assert len(waiting) == 1

    while run():
        pass

    assert sums(model) == [5, 50, 7, 0, 5]
    uploads[1].go(states.UPLOADING)
    assert len(waiting) == 2


def test_a_removal_between_two_slices_keeps_the_sums_right():
    model, uploads, waiting = make_slow(5)
    while waiting[-1]():
        pass
    for upload in uploads:
        upload.go(states.UPLOADING)
    assert waiting[-1]()

    uploads[0].go(states.CANCELLED)
    model.remove([model.rows.get()[0]])

    assert sums(model) == [4, 40, 0, 0, 4]
    assert not waiting[-1]()
    assert sums(model) == [4, 40, 0, 0, 4]


def test_what_is_shown_does_not_fall_when_a_pause_takes_bytes_back():
    model, (first,) = make(10)
    first.go(states.UPLOADING)
    first.progress.fly(1, 6)

    first.pause_by_person()
    row = model.rows.get()[0]
    assert (first.sent, row.sent.get(), model.sent.get()) == (0, 6, 6)
    first.restart()
    first.go(states.UPLOADING)
    first.progress.fly(1, 4)
    assert row.sent.get() == 6
    first.progress.fly(1, 8)

    assert row.sent.get() == 8


def test_an_upload_that_leaves_is_shown_as_cancelled_until_it_is_taken_back():
    model, _ = make(10, 30)
    row = model.rows.get()[0]

    model.leave(row, True)
    assert (row.state.get(), sums(model)) == (states.CANCELLED, [1, 30, 0, 0, 1])
    model.leave(row, False)

    assert (row.state.get(), sums(model)) == (states.WAITING, [2, 40, 0, 0, 2])


def test_whoever_offers_undo_hears_that_it_is_over():
    model, (first, _) = make(10, 30)
    row = model.rows.get()[0]
    heard = []
    effect(lambda: heard.append(row.leaving.get()))

    model.leave(row, True)
    first.go(states.CANCELLED)
    model.leave(row, False)

    assert (heard, row.state.get()) == ([False, True, False], states.CANCELLED)


def test_what_stands_still_is_told_by_the_clock_until_it_moves_again():
    clock = FakeClock()
    model = QueueModel(clock)
    upload = Upload(FakeFile(size=100), model.changed)
    model.changed(upload)
    row = model.rows.get()[0]
    upload.go(states.UPLOADING)
    upload.progress.fly(1, 10)
    seen = []
    for seconds, sent in ((5, 10), (5, 10), (1, 20)):
        clock.advance(seconds)
        if sent != upload.sent:
            upload.progress.fly(1, sent)
        model.find_stalled()
        seen.append((row.quiet.get(), model.quiet.get()))

    assert seen == [(False, False), (True, True), (False, False)]


def test_what_waits_or_has_ended_does_not_stand_still():
    clock = FakeClock()
    model = QueueModel(clock)
    uploads = [Upload(FakeFile(size=100), model.changed) for _ in range(3)]
    for upload in uploads:
        model.changed(upload)
    for upload in uploads[:2]:
        upload.go(states.UPLOADING)
    uploads[0].pause_by_person()
    uploads[1].go(states.VERIFYING)

    clock.advance(60)
    model.find_stalled()

    assert [row.quiet.get() for row in model.rows.get()] == [False, False, False]
    assert model.quiet.get() is False


def test_what_can_never_go_is_no_part_of_what_has_to_be_sent():
    model, (first, second) = make(10, 30)
    second.fail(FileTooLarge(30, 20))
    first.go(states.UPLOADING)
    first.progress.fly(1, 10)

    assert sums(model) == [2, 10, 10, 0, 1]


def test_failed_cancelled_and_held_uploads_are_counted():
    model, (failed, *others) = make(1, 2, 3, 4, 5, 6)

    failed.go(states.UPLOADING)
    failed.fail(lost())
    for upload in others[:2]:
        upload.go(states.CANCELLED)
    for upload in others[2:]:
        upload.pause_by_person()

    assert (model.failed.get(), model.cancelled.get(), model.held.get()) == (1, 2, 3)
    assert model.needs.get() == 4 + 5 + 6


def test_a_key_that_is_known_late_is_told():
    model, (first, _) = make(10, 30)
    first.go(states.UPLOADING)
    first.target.key = "k"
    first.progress.fly(1, 5)

    assert model.rows.get()[0].key.get() == "k"


def test_those_that_are_sent_or_verified_are_moving():
    model, (first, second, _) = make(10, 20, 30)
    seen = [model.moving.get()]
    for upload in (first, second):
        upload.go(states.UPLOADING)
    seen.append(model.moving.get())
    first.go(states.VERIFYING)
    second.hold(states.FOR_NETWORK)
    seen.append(model.moving.get())
    first.go(states.DONE)
    seen.append(model.moving.get())

    assert seen == [0, 2, 1, 0]
    assert model.running.get() == 2


def test_only_questions_of_the_checks_need_an_answer():
    model, (asked, changed) = make(10, 30)
    for upload, questions in ((asked, [("Is this right?", 1)]), (changed, [])):
        upload.go(states.CHECKING)
        upload.check.judge(Verdict(questions=questions))
        upload.go(states.WAITING)
        upload.wait_for_answer()

    assert model.asks.get() == 1


def test_what_a_closed_page_does_not_lose():
    model, (paused, follower, stream, waiting) = make(10, 20, 30, 40)
    stream.file.is_lasting = False
    for upload in (paused, follower, stream, waiting):
        upload.go(states.UPLOADING)
    for upload in (paused, stream):
        upload.pause_by_person()
    follower.hold(states.FOR_TAB)
    waiting.hold(states.FOR_NETWORK)

    assert (model.running.get(), model.held.get(), model.kept.get()) == (4, 2, 2)


@pytest.mark.parametrize("reason", WAITS)
def test_each_reason_to_wait_is_counted_for_itself(reason):
    model, (upload, _) = make(10, 20)
    upload.go(states.UPLOADING)

    upload.hold(reason)

    assert [each for each in WAITS if model.waits[each].get()] == [reason]
    assert (model.running.get(), model.needs.get(), model.held.get()) == (2, 30, 0)
