"""Mistakes planted in the reading of local sources, for the simulation to find."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.sources import answering as local
from dlmachine_adapters import local_backend


def not_looking_again() -> Any:
    """A source that was changed while it was read is taken."""
    return patch.object(local_backend, '_differs', lambda *_: False)


def forgetting_the_time() -> Any:
    """Two versions of a source of one size have the same validator."""
    describe: Any = vars(local)['describe_file']

    def timeless(size_bytes: int, modified_ns: int, now: Any) -> Any:
        return describe(size_bytes, modified_ns and 10**18, now)

    return patch.object(local_backend, 'describe_file', timeless)


#: The beginning of tapes on which the source is a file.
_SCENE: Final = bytes([*[0] * 13, 192])

#: Each mistake, with the beginning of tapes in which it matters.
LOCAL_MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'takes a source that changed while it was read': (not_looking_again, _SCENE),
    'tells sources apart by their size': (forgetting_the_time, _SCENE),
}
