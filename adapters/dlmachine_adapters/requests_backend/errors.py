"""One table from the exceptions of `requests`, `urllib3` and the system to faults.

An exception of `requests` contains others. The first row that matches any of them is used, so the
specific rows come first.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, assert_never

import requests.exceptions as outer
import urllib3.exceptions as inner

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine_adapters.http.deadlines import DeadlineExceeded
from dlmachine_adapters.http.error_context import ErrorContext, with_errno
from dlmachine_adapters.http.request_body import BodyError
from dlmachine_adapters.http.response_reader import HeadError
from dlmachine_adapters.requests_backend.connecting import ForbiddenAddressError
from dlmachine_adapters.requests_backend.socks_errors import SocksError, SocksProblem

#: Everything that the libraries raise for an expected failure.
FOREIGN: Final[tuple[type[Exception], ...]] = (
    outer.RequestException,
    inner.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
    DeadlineExceeded,
    BodyError,
    HeadError,
)

#: The status of a proxy in the text of http.client.
_STATUS: Final = re.compile('Tunnel connection failed: ([0-9]{3})')

Row: TypeAlias = tuple[tuple[type[BaseException], ...], Callable[[Any, ErrorContext], Fault]]


def fault_of(error: BaseException, context: ErrorContext) -> Fault:
    """The fault for an exception."""
    found = list(_inside(error))
    held = ((make, each) for kinds, make in _TABLE for each in found if isinstance(each, kinds))
    make, each = next(held, (_broken, error))
    return with_errno(make(each, context), _errno_in(found))


def _limit(error: BaseException, context: ErrorContext) -> Fault:
    return context.deadlines.timed_out()


def _body(error: BodyError, context: ErrorContext) -> Fault:
    return error.fault


def _proxy_setting(error: BaseException, context: ErrorContext) -> Fault:
    advice = 'Install it: pip install PySocks, or use the curl backend'
    return InvalidInput(where='proxy', problem=f'{context.proxy} needs PySocks', advice=advice)


def _proxy(error: BaseException, context: ErrorContext) -> Fault:
    found = list(_inside(error))
    if any(isinstance(one, http.client.HTTPException) for one in found):
        return context.proxy_unusable('its answer is not an HTTP response')
    if any(isinstance(one, ssl.SSLError) for one in found):
        return context.tls_failed(_deepest_words(error))
    words = _deepest_words(error)
    status = _STATUS.search(words)
    if status is None:
        return context.proxy_unreachable(words)
    return context.proxy_refused(f'it answered {status[1]}', int(status[1]))


def _forbidden(error: ForbiddenAddressError, context: ErrorContext) -> Fault:
    return context.address_refused(error.address, error.kind)


def _socks(error: SocksError, context: ErrorContext) -> Fault:
    text = str(error)
    match error.problem:
        case SocksProblem.UNREACHABLE:
            return context.proxy_unreachable(text)
        case SocksProblem.LOGIN:
            return context.proxy_login_refused()
        case SocksProblem.REFUSED:
            return context.proxy_refused(text)
        case SocksProblem.UNUSABLE:
            return context.proxy_unusable(text)
        case _:
            assert_never(error.problem)


def _resolve(error: BaseException, context: ErrorContext) -> Fault:
    return context.connection_failed('resolve', _deepest_words(error))


def _connect(error: BaseException, context: ErrorContext) -> Fault:
    return context.connection_failed('connect', _deepest_words(error))


def _tls(error: BaseException, context: ErrorContext) -> Fault:
    words = _deepest_words(error)
    # An alert may come late: in TLS 1.3 a client certificate is checked after the handshake.
    if context.deadlines.is_connected and 'alert' not in words:
        return context.connection_failed('receive', words)
    return context.tls_failed(words)


def _truncated(error: BaseException, context: ErrorContext) -> Fault:
    return context.reader.truncated()


def _silent(error: BaseException, context: ErrorContext) -> Fault:
    return context.connection_failed('receive', 'the server closed it without a response')


def _send(error: OSError, context: ErrorContext) -> Fault:
    return context.connection_failed('send', _words(error))


def _broken(error: BaseException, context: ErrorContext) -> Fault:
    phase = 'receive' if context.deadlines.is_connected else 'connect'
    return context.connection_failed(phase, _deepest_words(error))


def _head(error: HeadError, context: ErrorContext) -> Fault:
    return context.unusable(str(error))


def _odd(error: BaseException, context: ErrorContext) -> Fault:
    return context.unusable(f'sent a response that cannot be read: {error}')


def _url(error: BaseException, context: ErrorContext) -> Fault:
    return InvalidInput(where='url', problem='is not a URL that requests can use')


_TABLE: Final[tuple[Row, ...]] = (
    ((DeadlineExceeded, TimeoutError, inner.ReadTimeoutError, outer.Timeout), _limit),
    ((BodyError,), _body),
    ((outer.InvalidProxyURL, outer.InvalidSchema, inner.ProxySchemeUnknown), _proxy_setting),
    ((ForbiddenAddressError,), _forbidden),
    ((SocksError,), _socks),
    ((inner.ProxyError,), _proxy),
    ((socket.gaierror, inner.NameResolutionError), _resolve),
    ((inner.NewConnectionError,), _connect),
    ((ssl.SSLError, ssl.CertificateError, inner.SSLError), _tls),
    ((http.client.IncompleteRead, inner.IncompleteRead), _truncated),
    ((http.client.RemoteDisconnected,), _silent),
    ((BrokenPipeError,), _send),
    ((ConnectionError,), _broken),
    ((HeadError,), _head),
    ((http.client.HTTPException, inner.InvalidHeader, outer.InvalidHeader), _odd),
    ((outer.InvalidURL, outer.MissingSchema, inner.LocationValueError, UnicodeError), _url),
    ((OSError, inner.HTTPError), _broken),
)


def _inside(error: BaseException) -> Iterator[BaseException]:
    """The exception and those inside it, the outermost first."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            held = (getattr(each, 'reason', None), each.__cause__, each.__context__)
            waiting += [*each.args, *held]


def _errno_in(found: Iterable[BaseException]) -> int | None:
    # Resolvers and TLS libraries have their own numbers.
    system = (each for each in found if isinstance(each, OSError))
    numbers = [
        each.errno for each in system if not isinstance(each, (socket.gaierror, ssl.SSLError))
    ]
    return next(filter(None, reversed(numbers)), None)


def _deepest_words(error: BaseException) -> str:
    found = [each for each in _inside(error) if isinstance(each, OSError)]
    # Exceptions of requests are OSErrors, too; those of the system are further inside.
    system = [each for each in found if not isinstance(each, outer.RequestException)]
    return _words(system[-1]) if system else type(error).__name__


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return getattr(error, 'verify_message', '') or 'not verified'
    if isinstance(error, ssl.SSLError):
        return (getattr(error, 'reason', None) or 'unknown error').lower().replace('_', ' ')
    return error.strerror or (str(error.args[0]) if error.args else type(error).__name__)
