"""Exceptions of the packages of fsspec, as statuses and faults."""

import socket
import ssl
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.faults import (
    BackendMissing,
    ConnectionFailed,
    FileUnreadable,
    InvalidInput,
    TlsFailed,
)
from dlmachine.core.http.request import Request
from dlmachine_adapters.fsspec_backend.errors import fault_of, status_of, text_of, unmade

ASKED = Request(method='GET', url='s3://bucket/x', hidden=('s3cret',), storage_options='{}')


def of_kind(name: str, text: str = '', **fields: Any) -> Exception:
    """An exception of a package, of a class with this name."""
    made: Exception = type(name, (Exception,), {})(text)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def caused(outer: Exception, inner: BaseException) -> Exception:
    """An exception that contains another one."""
    outer.__cause__ = inner
    return outer


BOTO = {'ResponseMetadata': {'HTTPStatusCode': 503}}


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (FileNotFoundError('x'), 404), (PermissionError('x'), 403), (of_kind('NoCredentialsError'), 403),
        (caused(OSError('busy'), of_kind('ClientError', response=BOTO)), 503),
        (caused(PermissionError('x'), of_kind('ClientError', response={'ResponseMetadata': {'HTTPStatusCode': 401}})), 401),
        (of_kind('HttpError', code=429), 429), (of_kind('HttpError', code='500'), 500),
        (of_kind('HttpResponseError', status_code=409), 409),
        (of_kind('HTTPError', response=SimpleNamespace(status_code=502)), 502),
        (of_kind('ClientError', response={}), None), (of_kind('Other', code=12, status='unknown'), None),
        (OSError(5, 'Input/output error'), None),
    ],
)  # fmt: skip
def test_statuses(error: Exception, status: int | None) -> None:
    """A response of the store, wherever its package has it."""
    assert status_of(error) == status


@pytest.mark.parametrize(
    ('error', 'kind', 'phase'),
    [
        (ImportError('Install s3fs'), BackendMissing, ''), (IsADirectoryError('x'), FileUnreadable, ''),
        (caused(OSError('x'), ssl.SSLError('bad certificate')), TlsFailed, ''),
        (caused(OSError('x'), socket.gaierror(-2, 'unknown')), ConnectionFailed, 'connect'),
        (ConnectionRefusedError(111, 'refused'), ConnectionFailed, 'connect'),
        (of_kind('EndpointConnectionError', 'x'), ConnectionFailed, 'connect'),
        (of_kind('ConnectTimeoutError', 'x'), ConnectionFailed, 'connect'),
        (TimeoutError(), ConnectionFailed, 'receive'), (KeyError('x'), ConnectionFailed, 'receive'),
        (TypeError('nonsense'), InvalidInput, ''),
    ],
)  # fmt: skip
def test_faults(error: Exception, kind: Any, phase: str) -> None:
    """Everything else, by classes of Python and by names."""
    fault: Any = fault_of(error, ASKED)
    assert isinstance(fault, kind)
    assert getattr(fault, 'phase', '') == phase


def test_a_file_system_that_cannot_be_made() -> None:
    """The options are wrong, the package is missing, or a login could not be fetched."""
    assert isinstance(unmade(ValueError('x'), ASKED), InvalidInput)
    assert isinstance(unmade(ModuleNotFoundError('x'), ASKED), BackendMissing)
    assert isinstance(unmade(ConnectionResetError('x'), ASKED), ConnectionFailed)


def test_texts() -> None:
    """One line, short, without secrets; an exception without a text is named."""
    assert text_of(OSError('a\n  b s3cret.'), ASKED) == 'a b ***'
    assert text_of(KeyError(), ASKED) == 'KeyError'
    assert len(text_of(OSError('x' * 999), ASKED)) == 200
    circle = OSError('x')
    circle.__context__ = circle
    assert status_of(circle) is None
