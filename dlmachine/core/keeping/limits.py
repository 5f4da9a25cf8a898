"""The limits of a cache: how large it may grow, and how long an unused file stays.  Pure."""

from datetime import timedelta
from typing import Final

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.frozen import frozen

#: A use is noted at most once an hour, so that a file stays for at least an hour after each use.
GRACE: Final = timedelta(hours=2)


@frozen
class Keeping:
    """What a cache keeps; without limits, everything.

    `max_size` is in bytes. `unused_for` is how long a file may be unused, `keep_versions` the
    number of the newest versions of a URL that stay. What was stored or used within `grace_period`
    is never removed.
    """

    max_size: int | None = None
    unused_for: timedelta | None = None
    keep_versions: int | None = None
    grace_period: timedelta = GRACE

    @property
    def has_limits(self) -> bool:
        """Whether anything may have to be removed."""
        limits = self.max_size, self.unused_for, self.keep_versions
        return limits != (None, None, None)


#: Everything is kept.
UNLIMITED: Final = Keeping()


def find_keeping_fault(keeping: Keeping) -> Fault | None:
    """The fault of a limit that is out of range.

    >>> find_keeping_fault(Keeping(keep_versions=0)).problem
    'must be 1 or more, not 0'
    """
    if keeping.max_size is not None and keeping.max_size < 0:
        problem = f'must be 0 or more, not {keeping.max_size}'
        return InvalidInput(where='max_size', problem=problem)
    if keeping.keep_versions is not None and keeping.keep_versions < 1:
        problem = f'must be 1 or more, not {keeping.keep_versions}'
        advice = 'The newest version of a file stays unless max_size= or unused_for= removes it'
        return InvalidInput(where='keep_versions', problem=problem, advice=advice)
    return None
