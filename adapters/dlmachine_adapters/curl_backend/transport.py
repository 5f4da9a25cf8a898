"""The `curl` backend: one exchange over http, https, ftp, ftps or sftp.

Sends exactly the core's request: no redirect, retry, cookie, decoding or additional header. Bodies
are written to the part as they arrive; memory is bounded.
"""

from contextlib import ExitStack
from datetime import timedelta
from typing import Final

import pycurl
from returns.pipeline import is_successful

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine_adapters.curl_backend.callbacks import ConnectionLostError, CurlResponse
from dlmachine_adapters.curl_backend.errors import fault_of
from dlmachine_adapters.curl_backend.event_loop import CurlLoop
from dlmachine_adapters.curl_backend.options import SCHEMES, set_options
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.error_context import ErrorContext, with_errno
from dlmachine_adapters.http.handle_pool import HandlePool
from dlmachine_adapters.http.request_body import BodyError, OpenBody, open_body
from dlmachine_adapters.http.response_reader import HeadError, ResponseReader, find_refused
from dlmachine_adapters.http.routing import find_route


class CurlTransport:
    """A backend based on libcurl.

    Each exchange uses its own handle, which keeps its connections; as many handles are kept as were
    used at the same time.
    """

    name: Final = 'curl'
    schemes: Final = SCHEMES

    def __init__(self, clock: Clock, max_idle: int = 32) -> None:
        self._clock = clock
        self._handles = HandlePool(CurlLoop, CurlLoop.close, max_idle)

    @classmethod
    def describe(cls) -> BackendSeen:
        """The name, schemes and version."""
        words = pycurl.version.split()
        own, libraries = words[0].rpartition('/')[2], ' '.join(words[1:3])
        return BackendSeen(name=cls.name, schemes=cls.schemes, version=f'{own} ({libraries})')

    @property
    def seen(self) -> BackendSeen:
        """The name, schemes and version."""
        return self.describe()

    def exchange(
        self, effect: Exchange, part: Sink, remaining: timedelta | None
    ) -> Responded | Interrupted:
        """Send the request, and write the response's body to the part if it is wanted."""
        deadlines = Deadlines(effect, remaining)
        reader = ResponseReader(effect, part, self._clock, deadlines.check)
        refused = find_refused(effect, SCHEMES)
        if refused is not None:
            return reader.broken(refused)
        route = find_route(effect.request)
        body = open_body(effect.request.body)
        for prepared in (route, body):
            if not is_successful(prepared):
                return reader.broken(prepared.failure())
        context = ErrorContext(route=route.unwrap(), deadlines=deadlines, reader=reader)
        try:
            with ExitStack() as stack:
                opened = body.unwrap()
                if opened is not None:
                    stack.enter_context(opened)
                loop = stack.enter_context(self._handles.lend())
                response = CurlResponse(effect, deadlines, reader, opened, self._clock.now())
                return _exchange(loop, effect, context, opened, response)
        except ConnectionLostError:
            # libcurl would keep the connection, so the handle has been closed.
            return reader.broken(fault_of(pycurl.E_GOT_NOTHING, '', context))

    def close(self) -> None:
        """Close the idle connections."""
        self._handles.close()


def _exchange(
    loop: CurlLoop,
    effect: Exchange,
    context: ErrorContext,
    body: OpenBody | None,
    response: CurlResponse,
) -> Responded | Interrupted:
    curl, reader = loop.curl, context.reader
    try:
        context.deadlines.wait_for_next()
        set_options(curl, effect, context.route, body, context.deadlines)
        response.attach(curl)
        _perform(loop, response, context.deadlines)
        response.finish()
        return reader.complete()
    except PartError as error:
        return reader.part_failed(error)
    except BodyError as error:
        return reader.broken(error.fault)
    except DeadlineExceeded:
        return reader.broken(context.deadlines.timed_out())
    except HeadError as error:
        return reader.broken(context.unusable(str(error)))
    except pycurl.error as error:
        return _explain(error, curl.getinfo(pycurl.OS_ERRNO), context, response)
    finally:
        curl.reset()


def _perform(loop: CurlLoop, response: CurlResponse, deadlines: Deadlines) -> None:
    try:
        loop.perform(deadlines.wait_on)
    except pycurl.error:
        response.reraise()
        raise
    response.reraise()


def _explain(
    error: pycurl.error, errno: int, context: ErrorContext, response: CurlResponse
) -> Responded | Interrupted:
    code, text = int(error.args[0]), str(error.args[1])
    refusal = None if context.reader.has_head else response.refusal(code, text)
    if refusal is not None:
        context.reader.begin(refusal)
    fault = with_errno(fault_of(code, text, context), errno)
    return context.reader.broken(fault)
