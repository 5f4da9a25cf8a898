"""Once: what is made when it is first asked for, and then kept.

Contract: all threads get the same. Where several ask at the same time it may be made more
than once, of which one counts; so there is no lock that a fork could leave taken.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar('Made')


class Once(Generic[Made]):
    """Makes it at the first call.

    >>> names = Once(lambda: ['a'])
    >>> names.is_made, names() is names(), names.is_made
    (False, True, True)
    """

    __slots__ = ('_kept', '_make')

    def __init__(self, make: Callable[[], Made]) -> None:
        """Nothing is made yet."""
        self._make = make
        self._kept: dict[None, Made] = {}

    def __call__(self) -> Made:
        """What was made."""
        if not self._kept:
            self._kept.setdefault(None, self._make())
        return self._kept[None]

    @property
    def is_made(self) -> bool:
        """Whether anybody has asked for it."""
        return bool(self._kept)
