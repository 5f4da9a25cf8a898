"""A backend that sends scripted responses instead of using a network."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import ConnectionFailed, Fault, FaultBase, TimedOut
from dlmachine.core.frozen import replace
from dlmachine.core.http.head_parser import HeadProblem, parse_head
from dlmachine.core.http.request import Request
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine_adapters.fakes.server import CutOff, Reply, Resource, Script, Turn
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import find_refused

_PIECE_BYTES: Final = 65_536
_Response: TypeAlias = tuple[Reply, int | None, Fault | None]


class ScriptedTransport:
    """Responds to each URL by its script; an unknown URL cannot be resolved.

    `requests` are all requests in order. The backend shares the code from head to part with the
    real ones, so that the same responses lead to the same decisions.
    """

    def __init__(
        self,
        clock: Clock,
        scripts: Mapping[str, Script] | None = None,
        *,
        name: str = 'requests',
        schemes: tuple[str, ...] = ('http', 'https'),
    ) -> None:
        """Use these scripts, by URL with its query."""
        self._clock = clock
        self._scripts: dict[str, Script] = dict(scripts or {})
        self._seen = BackendSeen(name=name, schemes=schemes, version='scripted')
        self._turns: Counter[str] = Counter()
        self._mutex = threading.Lock()
        self.requests: list[Request] = []

    @property
    def seen(self) -> BackendSeen:
        return self._seen

    def serve(self, url: str, script: Script) -> None:
        """Use another script for a URL from now on."""
        with self._mutex:
            self._scripts[url] = script
            self._turns[url] = 0

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        reader = ResponseReader(effect, part, self._clock)
        refused = find_refused(effect.request, self._seen.schemes)
        if refused is not None:
            return reader.broken(refused)
        url = effect.request.shown_url
        if context.remaining is not None and context.remaining <= timedelta(0):
            limit = effect.timeout or timedelta(0)
            return reader.broken(TimedOut(url=url, phase='total', limit=limit))
        turn = self._next_turn(effect.request)
        if turn is None:
            return reader.broken(ConnectionFailed(url=url, phase='resolve'))
        response = _respond(turn, effect.request)
        if isinstance(response, FaultBase):
            return reader.broken(response)
        return _play(reader, *response)

    def close(self) -> None:
        """Do nothing."""

    def _next_turn(self, request: Request) -> Turn | None:
        with self._mutex:
            self.requests.append(request)
            script = self._scripts.get(request.url)
            if not isinstance(script, Sequence):
                return script
            number = min(self._turns[request.url], len(script) - 1)
            self._turns[request.url] += 1
            return script[number]


def _respond(turn: Turn, request: Request) -> _Response | Fault:
    match turn:
        case Reply():
            return turn, None, None
        case Resource():
            return turn.reply(request), None, None
        case CutOff(answer=answer, after_bytes=after, fault=fault):
            whole = answer.reply(request) if isinstance(answer, Resource) else answer
            return whole, after, fault
        case FaultBase():
            return replace(turn)
        case _:
            return _respond(turn(request), request)


def _play(
    reader: ResponseReader, reply: Reply, after_bytes: int | None, fault: Fault | None
) -> Responded | Interrupted:
    body = reply.body if after_bytes is None else reply.body[:after_bytes]
    head = parse_head(reply.head_bytes)
    if isinstance(head, HeadProblem):
        return reader.broken(reader.unusable(head.problem))
    try:
        reader.begin(head)
        if reader.is_wanted:
            for start in range(0, len(body), _PIECE_BYTES):
                reader.take(body[start : start + _PIECE_BYTES])
        elif reader.is_worth_reading():
            reader.drain(body)
    except PartError as error:
        return reader.part_failed(error)
    return reader.complete() if fault is None else reader.broken(fault)
