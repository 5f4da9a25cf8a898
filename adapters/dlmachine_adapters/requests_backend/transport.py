"""The `requests` backend: one exchange over http or https.

Sends exactly the core's request: no redirect, retry, cookie, decoding or additional header. Bodies
are written to the part as they arrive; memory is bounded. `requests` is loaded at the first
exchange.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import FaultBase
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, Sink
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.error_context import ErrorContext
from dlmachine_adapters.http.handle_pool import HandlePool
from dlmachine_adapters.http.request_body import open_body
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import Routes

if TYPE_CHECKING:
    from dlmachine_adapters.requests_backend.handle import Handle


class RequestsTransport:
    """A backend based on `requests`.

    Each exchange uses its own handle, which keeps its connections; as many handles are kept as were
    used at the same time. The system resolves host names, which cannot be interrupted.
    """

    name: Final = 'requests'
    schemes: Final = ('http', 'https')

    def __init__(self, clock: Clock, max_idle: int = 32) -> None:
        self._clock = clock
        self._routes = Routes(self.schemes)
        self._handles = HandlePool['Handle'](_make_handle, lambda handle: handle.close(), max_idle)

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version, without loading the library."""
        words = f'{version("requests")} (urllib3 {version("urllib3")})'
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=words)

    @property
    def seen(self) -> BackendSeen:
        return self.describe()

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        deadlines = Deadlines(effect, context)
        reader = ResponseReader(effect, part, self._clock, deadlines.check)
        route = self._routes.find(effect.request, effect.network)
        if isinstance(route, FaultBase):
            return reader.broken(route)
        if route.added:
            reader.hide(route.added)
        if route.proxy is not None:
            reader.proxy = route.forwarder
        body = open_body(effect.request.body)
        if isinstance(body, FaultBase):
            return reader.broken(body)
        errors = ErrorContext(route=route, deadlines=deadlines, reader=reader)
        try:
            return self._handles.use(lambda handle: handle.exchange(errors, body))
        finally:
            if body is not None:
                body.close()

    def close(self) -> None:
        self._handles.close()


def _make_handle() -> 'Handle':
    from dlmachine_adapters.requests_backend.handle import Handle

    return Handle()
