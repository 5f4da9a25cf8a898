"""The tape: all choices of a run, made in advance."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar('T')


class Choices:
    """Reads choices from a tape; after its end each choice is 0, the simplest one without failures.

    So a shorter tape, or one with more zeros, is a simpler run.

    >>> choices = Choices(bytes([7, 0]))
    >>> choices.pick(5), choices.among('ab'), choices.pick(9), choices.is_over
    (2, 'a', 0, True)
    """

    def __init__(self, tape: bytes) -> None:
        """Starts at the first byte."""
        self._tape = tape
        self._at = 0
        self._size = len(tape.rstrip(b'\0'))

    @property
    def is_over(self) -> bool:
        """Whether all further choices are 0."""
        return self._at >= self._size

    @property
    def used(self) -> int:
        """The number of bytes that were read."""
        return self._at

    def pick(self, count: int) -> int:
        """A number below `count`."""
        if self._at >= self._size:
            return 0
        drawn = self._tape[self._at]
        self._at += 1
        return drawn % count

    def among(self, options: Sequence[T]) -> T:
        """One of these; 0 chooses the first."""
        return options[self.pick(len(options))]
