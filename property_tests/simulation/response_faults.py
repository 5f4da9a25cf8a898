"""Failures of responses: the catalogue of the contract tests, and more.

The added failures need several servers or several versions, and the catalogue has single responses
only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from dlmachine.core.faults import ConnectionFailed, Fault, FaultBase, TimedOut, TlsFailed
from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes.server import CutOff, Reply, Resource, Turn
from property_tests.simulation.choices import Choices
from property_tests.simulation.requests import TWIN
from tests.server_faults import SERVER_FAULTS
from tests.server_faults.codings import CODINGS

#: A web page; names that end in .csv promise data.
PAGE: Final = b'<!DOCTYPE html><title>Please log in</title>'


@dataclass(frozen=True)
class ServerFault:
    """A failure of a response.

    `caught_by` is what is needed to notice a wrong body that the protocol does not reveal.
    `is_move` says that it redirects to a copy, `is_coding` that it is about codings, `is_range`
    that it violates the rules for range requests.
    """

    name: str
    simulated: Callable[[Resource, int], Turn]
    caught_by: frozenset[str] = frozenset()
    is_move: bool = False
    is_coding: bool = False
    is_range: bool = False


def was_settled(turn: Turn | Fault) -> bool:
    """Whether a request with this fault was not sent, refused, or redirected by the server."""
    match turn:
        case ConnectionFailed(phase=phase):
            return phase in {'resolve', 'connect'}
        case TimedOut(phase=phase):
            return phase == 'connect'
        case TlsFailed():
            return True
        case Reply(status=status) | CutOff(answer=Reply(status=status)):
            return 300 <= status < 500
        case _:
            return False


def turn_of(server_fault: ServerFault, resource: Resource, at: int, request: Request) -> Turn:
    """The response to a request with this fault."""
    turn = server_fault.simulated(resource, min(at, len(resource.content)))
    while callable(turn) and not isinstance(turn, FaultBase):
        turn = turn(request)
    return turn


def _status(status: int, *fields: tuple[str, str]) -> Callable[[Resource, int], Turn]:
    return lambda resource, at: Reply(status=status, fields=fields, body=PAGE)


def _redirects(location: str, status: int = 302) -> Callable[[Resource, int], Turn]:
    return lambda resource, at: Reply(status=status, fields=(('Location', location),))


def _whole(resource: Resource, at: int) -> Reply:
    return resource.reply(Request(method='GET', url='http://h/'))


def _short(resource: Resource, at: int) -> Turn:
    # The backend takes the end of the connection for the end of the body.
    whole = _whole(resource, at)
    length = ('Content-Length', str(len(whole.body)))
    body = whole.body[: min(at, max(len(whole.body) - 1, 0))]
    return replace(whole, fields=(*whole.fields, length), has_length=False, body=body)


def _ignores_if_range(resource: Resource, at: int) -> Turn:
    def turn(request: Request) -> Turn:
        headers = request.headers.without('If-Range')
        return resource.reply(replace(request, headers=headers))

    return turn


def _flipped(resource: Resource, at: int) -> Turn:
    whole = _whole(resource, at)
    body = bytearray(whole.body or b'?')
    body[at % len(body)] ^= 1
    fields = whole.fields
    if 'Repr-Digest' not in dict(fields):
        # Such bytes with the right validator would make a later resumption wrong.
        fields = tuple(one for one in fields if one[0] not in {'ETag', 'Last-Modified'})
    return replace(whole, fields=fields, body=bytes(body))


OWN: Final = (
    ServerFault('ignores If-Range', _ignores_if_range, is_range=True),
    ServerFault('ignores Range and conditions', _whole),
    ServerFault('shorter than announced', _short),
    ServerFault('a flipped bit', _flipped, caught_by=frozenset({'checksum', 'digest'})),
    ServerFault('429, in a day', _status(429, ('Retry-After', '86400'))),
    ServerFault('503, in a minute', _status(503, ('Retry-After', '60'))),
    ServerFault('redirect to a copy', _redirects('/moved.csv'), is_move=True),
    ServerFault('redirect of a form', _redirects('/moved.csv', 307), is_move=True),
    ServerFault('redirect elsewhere', _redirects('https://elsewhere.example/t.csv'), is_move=True),
    ServerFault('redirect to a twin', _redirects(TWIN), is_move=True),
    ServerFault('redirect to http', _redirects('http://data.example/t.csv')),
)
#: False responses whose body begins as a web page.
_PAGES: Final = frozenset(
    {'a page instead of the file (200)', 'unknown success (299)', 'transformed (203)'}
)
#: Excluded: three megabytes, too much for a simulated disk; and bytes with a false validator, which
#: make a later resumption without a checksum wrong.
_LEFT_OUT: Final = frozenset({'gzip bomb', 'another version under the old name'})


def _of_catalogue() -> tuple[ServerFault, ...]:
    codings = {server_fault.name for server_fault in CODINGS}
    return tuple(
        ServerFault(
            server_fault.name,
            server_fault.simulated,
            frozenset({'checksum', *(('content',) if server_fault.name in _PAGES else ())})
            if server_fault.is_lie
            else frozenset(),
            is_coding=server_fault.name in codings,
            is_range=server_fault.name.startswith('206'),
        )
        for server_fault in SERVER_FAULTS
        if server_fault.name not in _LEFT_OUT
    )


CATALOGUE: Final = _of_catalogue()


_MOVES: Final = tuple(
    server_fault
    for server_fault in OWN
    if server_fault.name in {'redirect to a copy', 'redirect to a twin'}
)


#: Nothing is there, or a server says nothing of it.
_LACKS: Final = (
    ServerFault('404, a missing file', _status(404)),
    ServerFault('410, a removed file', _status(410)),
    ServerFault('404, a missing file', _status(404)),
    ServerFault('503, a busy server', _status(503)),
)


def draw_mishap(choices: Choices, *, leads_on: bool = False, lacks: bool = False) -> ServerFault:
    """Draw a fault: from this table or the longer catalogue, or mostly of one kind."""
    kind = choices.pick(3)
    if leads_on and kind:
        return choices.among(_MOVES)
    if lacks and kind:
        return choices.among(_LACKS)
    return choices.among(CATALOGUE if kind else OWN)
