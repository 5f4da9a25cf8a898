"""The `curl` backend: one exchange over http, https, ftp, ftps or sftp.

Sends exactly the core's request: no redirect, retry, cookie, decoding or additional header. Bodies
are written to the part as they arrive; memory is bounded.
"""

from functools import partial
from typing import Final

import pycurl

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import FaultBase
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine_adapters.curl_backend.callbacks import ConnectionLostError
from dlmachine_adapters.curl_backend.errors import fault_of
from dlmachine_adapters.curl_backend.event_loop import CurlLoop
from dlmachine_adapters.curl_backend.options import SCHEMES, set_options
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.error_context import ErrorContext, with_errno
from dlmachine_adapters.http.handle_pool import HandlePool
from dlmachine_adapters.http.request_body import BodyError, OpenBody, open_body
from dlmachine_adapters.http.response_reader import HeadError, ResponseReader
from dlmachine_adapters.http.routing import Routes


class CurlTransport:
    """A backend based on libcurl.

    Each exchange uses its own handle, which keeps its connections; as many handles are kept as were
    used at the same time.
    """

    name: Final = 'curl'
    schemes: Final = SCHEMES

    def __init__(self, clock: Clock, max_idle: int = 32) -> None:
        self._clock = clock
        self._routes = Routes(SCHEMES)
        self._handles = HandlePool(lambda: CurlLoop(clock), CurlLoop.close, max_idle)

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version."""
        words = pycurl.version.split()
        own, libraries = words[0].rpartition('/')[2], ' '.join(words[1:3])
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=f'{own} ({libraries})')

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
            return self._handles.use(partial(_exchange, effect, errors, body))
        except ConnectionLostError:
            # libcurl would keep the connection, so the handle has been closed.
            return reader.broken(fault_of(pycurl.E_GOT_NOTHING, '', errors))
        finally:
            if body is not None:
                body.close()

    def close(self) -> None:
        self._handles.close()


def _exchange(
    effect: Exchange, context: ErrorContext, body: OpenBody | None, loop: CurlLoop
) -> Responded | Interrupted:
    reader, deadlines, response = context.reader, context.deadlines, loop.response
    response.begin(effect, context.route.scheme, deadlines, reader, body)
    try:
        deadlines.wait_for_next()
        set_options(loop, effect, context.route, body, deadlines)
        # SFTP sends no head, so the attributes of the file are asked for first.
        if context.route.scheme != 'sftp' or loop.learns(effect.expect.offset, deadlines, reader):
            loop.perform(deadlines, reader)
        response.finish()
        return reader.complete()
    except PartError as error:
        return reader.part_failed(error)
    except BodyError as error:
        return reader.broken(error.fault)
    except DeadlineExceeded:
        return reader.broken(deadlines.timed_out())
    except HeadError as error:
        # libcurl keeps the connection of a response that it takes for complete.
        loop.drop_connections()
        return reader.broken(context.unusable(str(error)))
    except pycurl.error as error:
        return _explain(error, context, loop)
    finally:
        response.end()


def _explain(error: pycurl.error, context: ErrorContext, loop: CurlLoop) -> Responded | Interrupted:
    code, text = int(error.args[0]), str(error.args[1])
    refusal = None if context.reader.has_head else loop.response.refusal(code, text)
    if refusal is not None:
        context.reader.begin(refusal)
    forbidden = loop.response.forbidden
    if forbidden is not None and not context.deadlines.is_connected:
        return context.reader.broken(context.address_refused(*forbidden))
    fault = fault_of(code, text, context)
    return context.reader.broken(with_errno(fault, loop.curl.getinfo(pycurl.OS_ERRNO)))
