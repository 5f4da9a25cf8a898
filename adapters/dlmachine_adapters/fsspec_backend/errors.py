"""One table from the exceptions of fsspec's packages to statuses and faults.

Each package has exceptions of its own, and an exception contains others. A response of the store
becomes its status; the rest is known by the classes of Python, or by the names of the others.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Final

from dlmachine.core.decision.backends import STORE_BACKEND
from dlmachine.core.faults import (
    BackendMissing,
    ConnectionFailed,
    Fault,
    FileUnreadable,
    InvalidInput,
    TlsFailed,
)
from dlmachine.core.http.request import Request
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.text.stores import install_command

_MAX_CHARACTERS: Final = 200
#: The attributes in which a package has the status of the store's response.
_STATUS_NAMES: Final = ('status_code', 'status', 'code')
#: Exceptions without a class of Python: nobody is logged in.
_NOT_LOGGED_IN: Final = ('credentials', 'notauthenticated', 'loginrequired')
_NOT_CONNECTED: Final = (
    'endpointconnection',
    'clientconnector',
    'connecttimeout',
    'proxyconnection',
)


def text_of(error: BaseException, request: Request) -> str:
    """The text of an exception in one line, shortened and without secrets."""
    written = str(error) or type(error).__name__
    shown = written.encode('utf-8', 'backslashreplace').decode('utf-8')
    return scrub(' '.join(shown.split()), request.secrets())[:_MAX_CHARACTERS].rstrip(' .')


def status_of(error: BaseException) -> int | None:
    """The status of the store's response, by RFC 9110; None if it did not respond."""
    found = tuple(_inside(error))
    if any(isinstance(one, FileNotFoundError) for one in found):
        return 404
    for one in found:
        status = _status_in(one)
        if status is not None:
            return status
    if any(isinstance(one, PermissionError) or _is_named(one, _NOT_LOGGED_IN) for one in found):
        return 403
    return None


def fault_of(error: BaseException, request: Request) -> Fault:
    """The fault for an exception that is not a response."""
    found = tuple(_inside(error))
    if request.storage_options and isinstance(error, TypeError):
        return unmade(error, request)  # Some packages read their options when they are used.
    for kinds, make in _TABLE:
        if any(isinstance(one, kinds) for one in found):
            return make(text_of(error, request), request)
    is_unmade = any(_is_named(one, _NOT_CONNECTED) for one in found)
    return _broken('connect' if is_unmade else 'receive', error, request)


def unmade(error: BaseException, request: Request) -> Fault:
    """The fault for a file system that cannot be made."""
    is_unusable = isinstance(error, (TypeError, ValueError))
    return _unusable(text_of(error, request), request) if is_unusable else fault_of(error, request)


def _inside(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _status_in(error: BaseException) -> int | None:
    response: Any = getattr(error, 'response', None)
    told: list[Any] = [getattr(error, name, None) for name in _STATUS_NAMES]
    if isinstance(response, dict):  # As botocore has it.
        told.append((response.get('ResponseMetadata') or {}).get('HTTPStatusCode'))
    else:
        told += [getattr(response, name, None) for name in _STATUS_NAMES]
    numbers = (int(one) for one in told if isinstance(one, int) or str(one).isdecimal())
    return next((one for one in numbers if 400 <= one <= 599), None)


def _is_named(error: BaseException, words: tuple[str, ...]) -> bool:
    name = type(error).__name__.casefold()
    return any(word in name for word in words)


def _broken(phase: str, error: BaseException, request: Request) -> Fault:
    text = text_of(error, request)
    return ConnectionFailed(url=request.shown_url, phase=phase, detail=text)


def _missing(text: str, request: Request) -> Fault:
    install = install_command(request.location.scheme)
    return BackendMissing(backend=STORE_BACKEND, reason=text, install=install)


def _folder(text: str, request: Request) -> Fault:
    return FileUnreadable(url=request.shown_url, problem='it is a folder')


def _tls(text: str, request: Request) -> Fault:
    return TlsFailed(url=request.shown_url, detail=text)


def _unmade(text: str, request: Request) -> Fault:
    return ConnectionFailed(url=request.shown_url, phase='connect', detail=text)


def _unusable(text: str, request: Request) -> Fault:
    problem = f'cannot be used: {text}'
    advice = 'Pass the options that the package for this store has'
    return InvalidInput(where='storage_options', problem=problem, advice=advice)


_TABLE: Final[
    tuple[tuple[tuple[type[BaseException], ...], Callable[[str, Request], Fault]], ...]
] = (
    ((ImportError,), _missing),
    ((IsADirectoryError,), _folder),
    ((ssl.SSLError,), _tls),
    ((socket.gaierror, ConnectionRefusedError), _unmade),
)
