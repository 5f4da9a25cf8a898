"""A value that is made on first use and then kept.

Contract: all threads get the same value. If several threads need it at the same time, it may be
made more than once, but only one value is used. There is no lock, which a fork could leave locked.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar('Made')


class Once(Generic[Made]):
    """Calls `make` at the first call, and returns its result at every call.

    >>> names = Once(lambda: ['a'])
    >>> names.is_made, names() is names(), names.is_made
    (False, True, True)
    """

    __slots__ = ('_kept', '_make')

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._kept: dict[None, Made] = {}

    def __call__(self) -> Made:
        """The value."""
        if not self._kept:
            self._kept.setdefault(None, self._make())
        return self._kept[None]

    @property
    def is_made(self) -> bool:
        """Whether the value has been made."""
        return bool(self._kept)
