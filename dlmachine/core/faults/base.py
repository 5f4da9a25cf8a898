"""What all faults share.  Pure."""

from dataclasses import field
from enum import Enum
from typing import ClassVar

from dlmachine.core.values import frozen


class Party(Enum):
    """Who can do something about a fault."""

    CALLER = 'caller'
    SERVER = 'server'
    NETWORK = 'network'
    MACHINE = 'machine'


@frozen
class FaultBase:
    """What all faults share.

    `tries` counts the requests made before giving up; `url` is what was asked for, masked
    (empty: not known, or the fault is about no URL).
    """

    party: ClassVar[Party]
    #: Stable name for scripts; it does not change between versions.
    code: ClassVar[str]
    tries: int = 0
    # What it is about does not tell two faults apart; a subclass whose point it is says so.
    url: str = field(default='', compare=False)

    def what(self) -> str:
        """What went wrong, in one sentence without a full stop."""
        raise NotImplementedError  # pragma: no cover

    def remedy(self) -> str:
        """What to do about it; empty where there is nothing to say.

        An option is written as in Python (`max_bytes=`, `check_content=False`): the command
        line puts its own flags in their place.
        """
        raise NotImplementedError  # pragma: no cover

    @property
    def about(self) -> str:
        """The URL as the beginning of a message; empty if it is not known."""
        return f'{self.url}: ' if self.url else ''

    def __str__(self) -> str:
        """What, after how many tries, and the remedy."""
        tries = f' (after {self.tries} requests)' if self.tries > 1 else ''
        remedy = f'. {self.remedy()}' if self.remedy() else ''
        return f'{self.what()}{tries}{remedy}'
