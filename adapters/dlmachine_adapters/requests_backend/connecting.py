"""Connect to one of a host's IP addresses by Happy Eyeballs (RFC 8305).

Addresses are tried in the resolver's order, with alternating families; each gets a head start
before the next is tried in parallel. The first connection is used. libcurl does the same itself.
"""

import errno
import os
import socket
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from time import monotonic
from typing import Any, Final

from urllib3.util.connection import allowed_gai_family

from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.private import private_kind
from dlmachine.core.network.resolve import addresses_of
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.runtime.polling import POLLOUT, Poll, make_poll

_UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})
_NO_WAY: Final = frozenset({
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL,
})  # fmt: skip
#: Family, type, protocol and socket address from the resolver.
_Address = tuple[int, int, int, Any]


def connect(
    host: str,
    port: int,
    deadlines: Deadlines,
    source: tuple[str, int] | None,
    options: Iterable[Any] | None,
    network: Network = NO_NETWORK,
) -> socket.socket:
    """Connect to one of a host's IP addresses.

    Raises: DeadlineExceeded, OSError, ForbiddenAddressError.
    """
    addresses = _find_addresses(host, port, network)
    race = _Race(in_turn(addresses), source, tuple(options or ()))
    try:
        winner = race.run(deadlines)
    finally:
        race.close()
    winner.settimeout(deadlines.wait_on())
    return winner


class ForbiddenAddressError(OSError):
    """No IP address of the host is public."""

    def __init__(self, address: str, kind: str) -> None:
        super().__init__(f'{address} is {kind}')
        self.address, self.kind = address, kind


def _find_addresses(host: str, port: int, network: Network) -> list[_Address]:
    names = addresses_of(network.resolve, host, port) or (host.strip('[]'),)
    found: list[_Address] = [
        (one[0], one[1], one[2], one[4])
        for name in names
        for one in socket.getaddrinfo(name, port, allowed_gai_family(), socket.SOCK_STREAM)
    ]
    if not network.forbid_private:
        return found
    # The checked addresses are connected to, so that another answer of the resolver has no effect.
    kinds = [private_kind(str(one[3][0])) for one in found]
    public = [one for one, kind in zip(found, kinds, strict=True) if not kind]
    if found and not public:
        raise ForbiddenAddressError(str(found[0][3][0]), kinds[0])
    return public


def in_turn(addresses: Sequence[_Address]) -> list[_Address]:
    """The addresses with alternating families, beginning with that of the first (section 4).

    >>> four, six = socket.AF_INET, socket.AF_INET6
    >>> [one[3] for one in in_turn([(six, 1, 6, 'a'), (six, 1, 6, 'b'), (four, 1, 6, 'c')])]
    ['a', 'c', 'b']
    """
    families = {family: None for family, *_ in addresses}
    queues = [[one for one in addresses if one[0] == family] for family in families]
    return [one for one in chain.from_iterable(zip_longest(*queues)) if one is not None]


class _Race:
    """Parallel connection attempts to the addresses of one host."""

    def __init__(
        self,
        addresses: Iterable[_Address],
        source: tuple[str, int] | None,
        options: tuple[Any, ...],
    ) -> None:
        self._waiting = list(reversed(list(addresses)))
        self._source = source
        self._options = options
        self._under_way: dict[int, socket.socket] = {}
        self._poll: Poll = make_poll()
        self._next_at = 0.0
        self._fault: OSError | None = None

    def run(self, deadlines: Deadlines) -> socket.socket:
        """Return the first connected socket.  Raises: DeadlineExceeded, OSError."""
        head_start = deadlines.head_start_seconds()
        while self._waiting or self._under_way:
            if self._waiting and (not self._under_way or monotonic() >= self._next_at):
                self._next_at = monotonic() + head_start
                winner = self._start(self._waiting.pop())
            else:
                winner = self._wait(deadlines.wait_on())
            if winner is not None:
                return winner
        raise self._fault or OSError(errno.EHOSTUNREACH, 'the name has no address')

    def close(self) -> None:
        """Close all unfinished attempts."""
        for sock in self._under_way.values():
            sock.close()
        self._under_way.clear()

    def _start(self, address: _Address) -> socket.socket | None:
        family, kind, protocol, socket_address = address
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # The system does not support the family.
            self._note(error)
            return None
        self._under_way[sock.fileno()] = sock
        try:
            for option in self._options:
                sock.setsockopt(*option)
            if self._source is not None:
                sock.bind(self._source)
            sock.setblocking(False)  # noqa: FBT003 -- the name says it
            code = sock.connect_ex(socket_address)
        except OSError as error:
            self._under_way.pop(sock.fileno()).close()
            self._note(error)
            return None
        if code in _UNDER_WAY:
            self._poll.register(sock.fileno(), POLLOUT)
            return None
        return self._ended(sock, code)

    def _wait(self, most_seconds: float) -> socket.socket | None:
        left = max(self._next_at - monotonic(), 0.0) if self._waiting else most_seconds
        winner = None
        for number, _ in self._poll.poll(min(left, most_seconds) * 1000):
            self._poll.unregister(number)
            sock = self._under_way[number]
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if winner is None or code:
                winner = self._ended(sock, code) or winner
        return winner

    def _ended(self, sock: socket.socket, code: int) -> socket.socket | None:
        del self._under_way[sock.fileno()]
        if not code:
            return sock
        sock.close()
        self._note(OSError(code, os.strerror(code)))
        return None

    def _note(self, error: OSError) -> None:
        self._next_at = 0.0  # Section 5: the next address is tried at once.
        # An unreachable family says nothing about the server.
        if self._fault is None or error.errno not in _NO_WAY:
            self._fault = error
