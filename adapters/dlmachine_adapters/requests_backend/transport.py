"""The `requests` backend: one exchange over http or https.

Sends exactly the core's request: no redirect, retry, cookie, decoding or additional header. Bodies
are written to the part as they arrive; memory is bounded. `requests` is loaded at the first
exchange.
"""

from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import FaultBase
from dlmachine.core.http.request import Request
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.handle_pool import HandlePool
from dlmachine_adapters.http.request_body import OpenBody, open_body
from dlmachine_adapters.http.response_reader import (
    MAX_DRAINED_BYTES,
    ResponseReader,
)
from dlmachine_adapters.http.routing import Route, Routes

if TYPE_CHECKING:
    import requests

#: The largest single read; `read1` returns what has arrived.
_READ_BYTES: Final = 1_048_576


class RequestsTransport:
    """A backend based on `requests`.

    Each exchange uses its own Session; as many sessions are kept as were used at the same time. The
    system resolves host names, which cannot be interrupted.
    """

    name: Final = 'requests'
    schemes: Final = ('http', 'https')

    def __init__(self, clock: Clock, max_idle: int = 32) -> None:
        self._clock = clock
        self._routes = Routes(self.schemes)
        self._sessions = HandlePool(_make_session, _close_session, max_idle)

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version, without loading the library."""
        words = f'{version("requests")} (urllib3 {version("urllib3")})'
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=words)

    @property
    def seen(self) -> BackendSeen:
        """The name, schemes and version."""
        return self.describe()

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        """Send the request, and write the response's body to the part if it is wanted."""
        deadlines = Deadlines(effect, context)
        reader = ResponseReader(effect, part, self._clock, deadlines.check)
        route = self._routes.find(effect.request)
        if isinstance(route, FaultBase):
            return reader.broken(route)
        body = open_body(effect.request.body)
        if isinstance(body, FaultBase):
            return reader.broken(body)
        try:
            return self._sessions.use(partial(_exchange, route, body, deadlines, reader))
        finally:
            if body is not None:
                body.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._sessions.close()


def _exchange(
    route: Route,
    body: OpenBody | None,
    deadlines: Deadlines,
    reader: ResponseReader,
    session: 'requests.Session',
) -> Responded | Interrupted:
    from dlmachine_adapters.http.error_context import ErrorContext
    from dlmachine_adapters.requests_backend.connections import head_of
    from dlmachine_adapters.requests_backend.errors import FOREIGN, fault_of
    from dlmachine_adapters.requests_backend.sockets import watched

    context = ErrorContext(route=route, deadlines=deadlines, reader=reader)
    with ExitStack() as stack:
        try:
            stack.enter_context(watched(deadlines))
            deadlines.wait_for_next()
            raw = _send(session, route, body, deadlines)
            stack.callback(raw.close)
            reader.begin(head_of(raw))
            if reader.is_wanted:
                _receive(raw, deadlines, reader)
            elif reader.is_worth_reading():
                _drain(raw, deadlines, reader)
            return reader.complete()
        except PartError as error:
            return reader.part_failed(error)
        except FOREIGN as error:
            return reader.broken(fault_of(error, context))


def _send(
    session: 'requests.Session', route: Route, body: OpenBody | None, deadlines: Deadlines
) -> Any:
    request = route.request
    proxies = {route.scheme: route.proxy} if route.proxy else {}
    response = session.get_adapter(request.url).send(
        _prepare(request, body),
        stream=True,
        timeout=(deadlines.connect_seconds(), deadlines.stall_seconds),
        verify=route.trust or False,
        cert=_client_certificate(route),
        proxies=proxies,
    )
    return response.raw


def _client_certificate(route: Route) -> str | tuple[str, str] | None:
    # requests looks for the files of a plain http request, too, and reports a broken connection.
    tls = route.request.tls
    if route.scheme != 'https':
        return None
    return (tls.cert, tls.key) if tls.cert and tls.key else tls.cert


def _prepare(request: Request, body: OpenBody | None) -> 'requests.PreparedRequest':
    """The prepared request, exactly as the core describes it."""
    from requests import PreparedRequest
    from urllib3 import HTTPHeaderDict
    from urllib3.util import SKIP_HEADER

    headers = HTTPHeaderDict(request.headers.items)
    for name in ('Accept-Encoding', 'User-Agent'):
        headers.setdefault(name, SKIP_HEADER)
    # `prepare` would redo the core's work differently.
    prepared = PreparedRequest()
    prepared.method, prepared.url = request.method, request.url
    if body is not None:
        headers['Content-Length'] = str(body.size_bytes)
        prepared.body = body  # type: ignore[assignment]  # read like a file
    prepared.headers = headers  # type: ignore[assignment]  # keeps repeated fields separate
    return prepared


def _receive(raw: Any, deadlines: Deadlines, reader: ResponseReader) -> None:
    read, take = raw.read1, reader.take
    while data := read(_READ_BYTES, decode_content=False):
        take(data)
        reader.flush_if_due(deadlines.touch())


def _drain(raw: Any, deadlines: Deadlines, reader: ResponseReader) -> None:
    deadlines.limit_drain()
    while data := raw.read1(MAX_DRAINED_BYTES, decode_content=False):
        if not reader.drain(data):
            return


def _make_session() -> 'requests.Session':
    import requests

    from dlmachine_adapters.requests_backend.connections import WireAdapter

    session = requests.Session()
    session.trust_env = False
    for scheme in RequestsTransport.schemes:
        session.mount(f'{scheme}://', WireAdapter())
    return session


def _close_session(session: 'requests.Session') -> None:
    session.close()
