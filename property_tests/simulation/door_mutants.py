"""Mistakes planted in logins by a form, for the simulation to find."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.access.cookies import Cookie
from dlmachine.core.faults import HttpStatus
from dlmachine.core.machine import attempts


def believing_the_session() -> Any:
    """The session is believed although the login page came in place of the file, with 200."""
    return patch.object(attempts, 'ends_session', lambda fault: isinstance(fault, HttpStatus))


def sending_it_everywhere() -> Any:
    """The cookies of a session go to all hosts."""
    return patch.object(Cookie, 'goes_to', lambda *_: True)


def scene(door: int, *, mirror: int = 0) -> bytes:
    """The beginning of tapes on which the file is behind a login."""
    made = bytearray(14)
    made[5], made[13] = mirror, door
    return bytes(made)


#: Each mistake, with the beginning of tapes in which it matters.
DOOR_MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'believes a session after the login page': (believing_the_session, scene(224)),
    'sends a session to every host': (sending_it_everywhere, scene(224, mirror=2)),
}
