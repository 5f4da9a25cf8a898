"""Mistakes planted in remembered misses and in the use of other entries, for the simulation to find."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.decision import others
from dlmachine.core.frozen import replace
from dlmachine.core.machine import attempts, publishing
from dlmachine_adapters.folder_index import index


def never_ending() -> Any:
    """A miss holds for ever."""
    return patch.object(Miss, 'holds', lambda *_: True)


@contextmanager
def outliving_success() -> Iterator[None]:
    """A miss stays although the file was found."""
    write: Any = vars(index)['write_miss']

    def kept(connection: Any, key: str, miss: Any) -> None:
        if miss is not None:
            write(connection, key, miss)

    with (
        patch.object(index, 'write_miss', kept),
        patch.object(publishing, 'forgotten', lambda _: None),
    ):
        yield


def asking_one() -> Any:
    """A file is missing if one server says so, whatever a mirror answered."""
    note: Any = vars(attempts)['note_missing']

    def hasty(job: Any, tried: Any, fault: Any) -> Any:
        noted = note(job, tried, fault)
        everywhere = frozenset(range(len(job.descriptor.addresses)))
        return replace(noted, missing=everywhere) if noted.missing else noted

    return patch.object(attempts, 'note_missing', hasty)


@contextmanager
def taking_any_entry() -> Iterator[None]:
    """The bytes of an entry with another checksum are used."""

    def newest(found: Any, policy: Any) -> Any:
        usable = [one for one in found if one.is_usable and not one.has_changed]
        return usable[-1] if usable and policy.checksum is not None else None

    with (
        patch.object(OthersWanted, 'may_be', lambda *_: True),
        patch.object(others, 'choose_by_content', newest),
    ):
        yield


def scene(place: int, *, mirror: int = 200, checksum: int = 0, before: int = 0) -> bytes:
    """The beginning of tapes on which files are often missing, and that is remembered.

    With `before` the cache has the file already.
    """
    made = bytearray(33)
    made[5], made[13] = mirror, before
    made[14], made[17], made[26], made[32] = 1, place, 128, checksum
    return bytes(made)


#: Each mistake, with the beginning of tapes in which it matters.
MISS_MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'uses a miss after its time': (never_ending, scene(0)),
    'keeps a miss after a success': (outliving_success, scene(7)),
    'remembers a miss of one server': (asking_one, scene(0, mirror=202)),
    'uses an entry with another checksum': (
        taking_any_entry,
        scene(4, mirror=0, checksum=4, before=1),
    ),
}
