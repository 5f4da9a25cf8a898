"""What can go wrong with a SOCKS proxy, without the library for it."""

from enum import Enum, auto


class SocksProblem(Enum):
    """What went wrong."""

    UNREACHABLE = auto()
    LOGIN = auto()
    REFUSED = auto()
    UNUSABLE = auto()


class SocksError(OSError):
    """A connection through a SOCKS proxy that failed."""

    def __init__(self, problem: SocksProblem, text: str) -> None:
        super().__init__(text)
        self.problem = problem
