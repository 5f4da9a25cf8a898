"""The base class of faults.  Pure."""

from dataclasses import field
from enum import Enum
from typing import Any, ClassVar

from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen


class Party(Enum):
    """The party that can remove the cause of a fault."""

    CALLER = 'caller'
    SERVER = 'server'
    NETWORK = 'network'
    LOCAL = 'local'


@frozen
class FaultBase:
    """The base class of faults.

    `tries` counts the requests made before giving up; `url` is the requested URL, masked
    (empty: not known, or the fault does not concern a URL).
    """

    party: ClassVar[Party]
    #: Stable name for scripts; it does not change between versions.
    code: ClassVar[str]
    tries: int = 0
    # Ignored when faults are compared; a subclass about its URL overrides this.
    url: str = field(default='', compare=False)

    def what(self) -> str:
        """The problem, in one sentence without a full stop."""
        raise NotImplementedError  # pragma: no cover

    def remedy(self) -> str:
        """The advice for the party that has to act; may be empty.

        Options are written as in Python (`max_bytes=`, `check_content=False`); the command line
        replaces them by its own flags.
        """
        raise NotImplementedError  # pragma: no cover

    def to_dict(self) -> dict[str, Any]:
        """The fault as JSON has it; `code` is stable, and `remedy` is for Python."""
        details = ('status', 'errno', 'filename', 'body')
        return {
            'code': self.code,
            'party': self.party.value,
            'message': self.what(),
            'remedy': self.remedy(),
            'tries': self.tries,
            'url': self.url or None,
            **{name: getattr(self, name, None) for name in details},
        }

    @property
    def about(self) -> str:
        """The URL as the beginning of a message; empty if it is not known."""
        return f'{self.url}: ' if self.url else ''

    def __str__(self) -> str:
        """The problem, the number of requests, and the remedy, on one line and printable.

        A server may send characters that a terminal obeys.
        """
        tries = f' (after {self.tries} requests)' if self.tries > 1 else ''
        remedy = f'. {self.remedy()}' if self.remedy() else ''
        return printable(f'{self.what()}{tries}{remedy}')
