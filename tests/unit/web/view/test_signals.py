"""Signals: no glitches, no needless work, no leaks."""

import pytest

from upload_page.view.signals import Computed, Owner, Signal, batch, effect, report_errors_to


def test_an_effect_runs_now_and_after_each_change():
    signal, seen = Signal(1), []

    effect(lambda: seen.append(signal.get()))
    signal.set(2)
    signal.set(2)

    assert seen == [1, 2]


def test_an_effect_never_sees_a_mixture_of_old_and_new():
    number, seen = Signal(1), []
    double = Computed(lambda: number.get() * 2)
    effect(lambda: seen.append((number.get(), double.get())))

    number.set(5)

    assert seen == [(1, 2), (5, 10)]


def test_a_computed_value_that_stays_equal_stops_the_wave():
    number, seen = Signal(1), []
    odd = Computed(lambda: number.get() % 2)
    effect(lambda: seen.append(odd.get()))

    number.set(3)
    number.set(4)

    assert seen == [1, 0]


def test_a_computed_value_is_worked_out_only_when_read():
    number, runs = Signal(1), []

    def work():
        runs.append(1)
        return number.get()

    value = Computed(work)
    number.set(2)
    assert runs == []
    assert (value.get(), value.get(), len(runs)) == (2, 2, 1)


def test_a_diamond_runs_its_effect_once():
    top, seen = Signal(1), []
    left = Computed(lambda: top.get() + 1)
    right = Computed(lambda: top.get() * 10)
    effect(lambda: seen.append(left.get() + right.get()))

    top.set(2)

    assert seen == [12, 23]


def test_sources_are_those_of_the_latest_run():
    which, first, second, seen = Signal(True), Signal("a"), Signal("b"), []
    effect(lambda: seen.append(first.get() if which.get() else second.get()))
    which.set(False)

    first.set("unread")
    second.set("c")

    assert seen == ["a", "b", "c"]


def test_a_batch_is_one_change():
    first, second, seen = Signal(1), Signal(2), []
    effect(lambda: seen.append(first.get() + second.get()))

    batch(lambda: (first.set(10), second.set(20)))

    assert seen == [3, 30]


def test_an_effect_that_sets_a_signal_is_followed():
    source, copy, seen = Signal(1), Signal(0), []
    effect(lambda: copy.set(source.get()))
    effect(lambda: seen.append(copy.get()))

    source.set(7)

    assert seen == [1, 7]


def test_effects_run_in_the_order_in_which_they_began():
    signal, seen = Signal(1), []
    effect(lambda: seen.append(("first", signal.get())))
    effect(lambda: seen.append(("second", signal.get())))

    signal.set(2)

    assert seen == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_an_owner_stops_its_effects_and_cleans_up_latest_first():
    signal, seen, owner = Signal(1), [], Owner()
    owner.on_dispose(lambda: seen.append("first"))
    owner.run(lambda: effect(lambda: seen.append(signal.get())))
    owner.on_dispose(lambda: seen.append("last"))

    owner.dispose()
    owner.dispose()
    signal.set(2)

    assert seen == [1, "last", "first"]
    assert signal._readers == []


def test_an_error_in_an_effect_is_reported_and_the_others_run():
    signal, errors, seen = Signal(1), [], []
    effect(lambda: 1 / signal.get())
    effect(lambda: seen.append(signal.get()))
    report_errors_to(errors.append)

    signal.set(0)
    signal.set(2)

    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert seen == [1, 0, 2]


def test_an_error_at_once_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        effect(lambda: 1 / 0)


def test_a_computed_value_goes_with_its_owner():
    runs = []
    number = Signal(1)
    owner = Owner()
    double = owner.run(lambda: Computed(lambda: runs.append(number.get())))
    owner.run(lambda: effect(double.get))

    owner.dispose()
    number.set(2)

    assert runs == [1]
    assert not number._readers
