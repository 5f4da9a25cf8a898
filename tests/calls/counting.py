"""Count the calls of functions, by group of work, and the rooms through which control passes."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import dlmachine
import dlmachine_adapters

#: How often curl's loop waits is up to the network, so this group has no budget of its own.
WAIT: Final = 'wait'
#: Where a group begins: a call belongs to the innermost of these functions that it runs in.
GROUPS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    'prepare': {'dlmachine/composition.py': ('prepare',)},
    'observe': {
        'dlmachine_adapters/world.py': ('observe', 'glance'),
        'dlmachine_adapters/local_files.py': ('confirm',),
    },
    'decide and advance': {
        'dlmachine/core/machine/machine.py': ('begin', 'advance'),
        'dlmachine/core/transfer/read_response.py': ('decide_body',),
    },
    'lock': {'dlmachine_adapters/runtime/cancellation.py': ('acquire', 'release')},
    'exchange': {
        'dlmachine/execution/exchanging.py': ('exchange',),
        'dlmachine_adapters/curl_backend/callbacks.py': ('_on_line', '_on_body', '_begin'),
    },
    WAIT: {'dlmachine_adapters/curl_backend/event_loop.py': ('_run',)},
    'part': {
        'dlmachine_adapters/local_files.py': ('open_part',),
        'dlmachine_adapters/parts/part.py': ('begin', 'write', 'finish'),
    },
    'publish': {'dlmachine_adapters/parts/part.py': ('publish',)},
    'record': {
        'dlmachine_adapters/cachedir/store.py': ('record',),
        'dlmachine_adapters/folder_index/index.py': ('record',),
    },
}
LOOP: Final = 'loop'

_STARTS: Final = {
    (module, name): group
    for group, modules in GROUPS.items()
    for module, names in modules.items()
    for name in names
}
_ROOTS: Final = {
    str(Path(package.__file__ or '').parent) + '/': f'{package.__name__}/'
    for package in (dlmachine, dlmachine_adapters)
}


@dataclass
class Count:
    """The calls of one download: by group, and the rooms in the order in which control came there.

    A room is entered by a call from another one, not by the return to it.
    """

    calls: Counter[str] = field(default_factory=Counter)
    walk: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All calls."""
        return self.calls.total()

    def table(self) -> dict[str, int]:
        """The calls by group, all of them, and how often a call leads to a room that was left."""
        returns = len(self.walk) - len({*self.walk})
        return {**dict(sorted(self.calls.items())), 'all': self.total, 'returns': returns}


def count_calls(work: Callable[[], object]) -> Count:
    """Call `work`, and count the functions that run in this thread, as cProfile does."""
    count = Count()
    calls, walk = count.calls, count.walk
    groups: list[str] = []
    places: dict[Any, tuple[str | None, str | None]] = {}

    def notice(frame: FrameType, event: str, _: object) -> None:
        if event == 'call':
            code = frame.f_code
            if code not in places:
                places[code] = _place(code.co_filename, code.co_name)
            group, room = places[code]
            groups.append(group or (groups[-1] if groups else LOOP))
            if room is not None and (not walk or walk[-1] != room):
                walk.append(room)
        elif event == 'return':
            if groups:
                groups.pop()
            return
        elif event != 'c_call':
            return
        calls[groups[-1] if groups else LOOP] += 1

    sys.setprofile(notice)
    try:
        work()
    finally:
        sys.setprofile(None)
    calls[LOOP] -= 1  # The call that ends the counting.
    return count


def _place(file: str, name: str) -> tuple[str | None, str | None]:
    for root, package in _ROOTS.items():
        if file.startswith(root):
            module = package + file.removeprefix(root)
            return _STARTS.get((module, name)), _room(module)
    return None, None


def _room(module: str) -> str:
    # The rooms of the core are one level deeper than the others.
    parts = module.removesuffix('.py').split('/')
    return '.'.join(parts[: 3 if parts[1] == 'core' else 2])
