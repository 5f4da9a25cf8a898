"""`select.poll` and its replacement for Windows behave alike, as far as the backends use them."""

import select
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from dlmachine_adapters.runtime import polling
from dlmachine_adapters.runtime.polling import (
    POLLIN,
    POLLNVAL,
    POLLOUT,
    SelectPoll,
    make_poll,
)


@pytest.fixture(params=[SelectPoll, *([select.poll] if hasattr(select, 'poll') else [])])
def poll(request: pytest.FixtureRequest) -> Any:
    """Either of them."""
    return request.param()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_nothing_to_wait_for_is_a_wait(poll: Any) -> None:
    """As long as requested, in milliseconds."""
    began = monotonic()
    assert poll.poll(30) == []
    assert monotonic() - began >= 0.029


def test_a_writable_socket_is_reported(
    poll: Any, pair: tuple[socket.socket, socket.socket]
) -> None:
    """And only for the events that were registered last."""
    number = pair[0].fileno()
    poll.register(number, POLLOUT)
    assert poll.poll(1000) == [(number, POLLOUT)]
    poll.register(number, POLLIN)
    assert poll.poll(0) == []
    pair[1].send(b'x')
    assert poll.poll(1000) == [(number, POLLIN)]
    poll.register(number, POLLIN | POLLOUT)
    assert poll.poll(1000) == [(number, POLLIN | POLLOUT)]
    poll.unregister(number)
    assert poll.poll(0) == []
    with pytest.raises(KeyError):
        poll.unregister(number)


def test_an_end_can_be_read(poll: Any, pair: tuple[socket.socket, socket.socket]) -> None:
    """With any event."""
    poll.register(pair[0].fileno(), POLLIN)
    pair[1].close()
    ((number, happened),) = poll.poll(1000)
    assert number == pair[0].fileno()
    assert happened & POLLIN


def test_a_closed_socket_is_reported(poll: Any, pair: tuple[socket.socket, socket.socket]) -> None:
    """Other sockets are still polled afterwards."""
    closed, other = pair[1].fileno(), pair[0].fileno()
    poll.register(closed, POLLIN)
    poll.register(other, POLLOUT)
    pair[1].close()
    assert (closed, POLLNVAL) in poll.poll(1000)
    poll.unregister(closed)
    assert poll.poll(1000)[0][0] == other


def test_poll_is_used_where_there_is_one() -> None:
    """It has no limit to the number of sockets."""
    assert make_poll is getattr(vars(polling)['select'], 'poll', SelectPoll)
