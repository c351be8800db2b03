"""The table of states: every legal move works, every other move raises."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import IllegalMove

ALL = list(states.MOVES)
LEGAL = [(state, to) for state in ALL for to in states.MOVES[state]]
ILLEGAL = [(state, to) for state in ALL for to in ALL if to not in states.MOVES[state]]


@pytest.mark.parametrize(("state", "to"), LEGAL)
def test_legal_moves(state, to):
    machine = states.StateMachine()
    machine.state = state

    machine.go(to)

    assert machine.state == to


@pytest.mark.parametrize(("state", "to"), ILLEGAL)
def test_illegal_moves_raise(state, to):
    machine = states.StateMachine()
    machine.state = state

    with pytest.raises(IllegalMove, match=state):
        machine.go(to)

    assert machine.state == state


def test_done_is_final_and_everything_else_leads_to_it():
    assert states.MOVES[states.DONE] == ()
    for state in ALL:
        reached = [state]
        for seen in reached:
            reached += [to for to in states.MOVES[seen] if to not in reached]
        assert states.DONE in reached
