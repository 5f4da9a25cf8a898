"""The tables that name the function for each state."""

from typing import get_args

from dlmachine.core.machine.fetching import HANDLERS
from dlmachine.core.machine.machine import _HANDLERS
from dlmachine.core.protocol.states import State


def test_each_state_has_one_handler() -> None:
    """`advance` is total, and no state stands in both tables."""
    assert {*_HANDLERS, *HANDLERS} == {*get_args(State)}
    assert not {*_HANDLERS} & {*HANDLERS}
