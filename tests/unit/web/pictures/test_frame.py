"""The frame around the part of a picture that stays."""

import pytest

from upload_page.pictures.frame import MOVE, Frame

WHOLE = (0, 0, 400, 300)


@pytest.mark.parametrize(
    ("ratio", "handle", "by", "box"),
    [
        (0, "se", (-100, -50), (0, 0, 300, 250)),
        (0, "nw", (100, 50), (100, 50, 300, 250)),
        (0, "ne", (-100, 50), (0, 50, 300, 250)),
        (0, "sw", (100, -50), (100, 0, 300, 250)),
        (0, "se", (50, 50), WHOLE),
        (0, "nw", (-9, -9), WHOLE),
        (0, "nw", (999, 999), (384, 284, 16, 16)),
        (0, MOVE, (20, 20), WHOLE),
        (1, MOVE, (-99, 20), (0, 0, 300, 300)),
        (1, "se", (-100, 0), (50, 0, 200, 200)),
        (1, "nw", (10, 100), (150, 100, 200, 200)),
        (1, "se", (50, 50), (50, 0, 300, 300)),
    ],
)
def test_a_handle_stays_in_the_picture(ratio, handle, by, box):
    frame = Frame((400, 300), ratio=ratio)

    frame.drag(handle, by[0], by[1])

    assert frame.box == box


def test_the_frame_turns_with_the_picture():
    frame = Frame((400, 300))
    frame.drag("se", -300, -200)
    assert frame.edit() == [0, 0, 0, 100, 100]
    frame.drag("se", 50, 0)

    frame.turn(1)
    assert (frame.width, frame.height) == (300, 400)
    assert frame.edit() == [1, 200, 0, 100, 150]
    frame.turn(-2)
    assert frame.edit() == [3, 0, 250, 100, 150]

    again = Frame((400, 300))
    again.restore(frame.edit())
    assert (again.edit(), again.box) == (frame.edit(), frame.box)


def test_a_frame_without_effect_is_no_edit():
    frame = Frame((400, 300))
    frame.turn(3)
    assert frame.edit() == [3, 0, 0, 0, 0]
    frame.turn(1)
    assert frame.edit() is None


def test_a_given_ratio_crops_and_stays_when_the_picture_turns():
    frame = Frame((400, 300), ratio=2)
    assert frame.edit() == [0, 0, 50, 400, 200]
    frame.turn(1)
    assert frame.edit() == [1, 0, 125, 300, 150]
