"""What all faults share.  Pure."""

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
    """What all faults share; `tries` counts the requests made before giving up."""

    party: ClassVar[Party]
    #: Stable name for scripts; it does not change between versions.
    code: ClassVar[str]
    tries: int = 0

    def what(self) -> str:
        """What went wrong, in one sentence without a full stop."""
        raise NotImplementedError  # pragma: no cover

    def remedy(self) -> str:
        """What to do about it; empty where there is nothing to say."""
        return ''

    def __str__(self) -> str:
        """What, after how many tries, and the remedy."""
        tries = f' (after {self.tries} requests)' if self.tries > 1 else ''
        remedy = f'. {self.remedy()}' if self.remedy() else ''
        return f'{self.what()}{tries}{remedy}'
