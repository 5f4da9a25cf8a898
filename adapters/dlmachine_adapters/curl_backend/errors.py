"""One table from libcurl's error codes to faults.

Other codes, which later versions may add, count as a broken connection.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import pycurl

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.http.head_parser import MAX_LINE_BYTES
from dlmachine_adapters.http.error_context import ErrorContext

#: The status of a proxy in libcurl's text.
_STATUS: Final = re.compile('response ([0-9]{3})')

Make: TypeAlias = Callable[[str, ErrorContext], Fault]


def fault_of(code: int, text: str, context: ErrorContext) -> Fault:
    """The fault for an error code and libcurl's text."""
    make = _TABLE.get(code)
    return _receive(text or f'curl error {code}', context) if make is None else make(text, context)


def _phase(phase: str) -> Make:
    return lambda text, context: context.connection_failed(phase, text)


_receive: Final = _phase('receive')


def _limit(text: str, context: ErrorContext) -> Fault:
    return context.deadlines.timed_out()


def _connect(text: str, context: ErrorContext) -> Fault:
    if context.route.proxy is None:
        return context.connection_failed('connect', text)
    return _refused_tunnel(text, context) or context.proxy_unreachable(text)


def _refused_tunnel(text: str, context: ErrorContext) -> Fault | None:
    # The code depends on the version of libcurl: that of a connection that was not made, or broke.
    found = _STATUS.search(text)
    return found and context.proxy_refused(f'it answered {found[1]}', int(found[1]))


def _no_proxy_found(text: str, context: ErrorContext) -> Fault:
    return context.proxy_unreachable(text)


def _socks(text: str, context: ErrorContext) -> Fault:
    if any(one in text for one in ('rejected', 'authentication', 'username', 'user name')):
        return context.proxy_login_refused()
    if 'resolve' in text:
        return context.connection_failed('resolve', text)
    return context.proxy_refused(text) if 'complete' in text else context.proxy_unusable(text)


def _receive_or_tunnel(text: str, context: ErrorContext) -> Fault:
    if context.route.proxy is not None and not context.deadlines.is_connected:
        return _refused_tunnel(text, context) or context.proxy_unusable(text)
    if 'chunk' in text:  # An invalid chunked body.
        return context.reader.truncated()
    return _receive_or_alert(text, context)


def _receive_or_alert(text: str, context: ErrorContext) -> Fault:
    # In TLS 1.3 a client certificate is checked after the handshake.
    return context.tls_failed(text) if ' alert ' in text else _receive(text, context)


def _tls(text: str, context: ErrorContext) -> Fault:
    if context.route.scheme == 'sftp':
        return context.tls_failed('the key of the SSH host is not in ~/.ssh/known_hosts')
    return context.tls_failed(text)


def _handshake(text: str, context: ErrorContext) -> Fault:
    # A connection that breaks during the handshake is not a certificate problem.
    is_lost = any(word in text for word in ('reset by peer', 'Broken pipe', 'SSL_ERROR_SYSCALL'))
    return context.connection_failed('connect', text) if is_lost else context.tls_failed(text)


def _truncated(text: str, context: ErrorContext) -> Fault:
    truncated = context.reader.truncated()
    is_ftp = context.route.scheme.startswith('ftp')
    if is_ftp and truncated.received_bytes == truncated.expected_bytes:
        return _receive(text, context)  # FTP: the file was complete, and then the server failed.
    return truncated


def _silent(text: str, context: ErrorContext) -> Fault:
    if context.route.proxy is not None and not context.deadlines.is_connected:
        return context.proxy_unusable('it closed the connection without a response')
    return context.connection_failed('receive', 'the server closed it without a response')


def _no_http(text: str, context: ErrorContext) -> Fault:
    return context.unusable('sent something other than an HTTP response')


def _too_large(text: str, context: ErrorContext) -> Fault:
    # libcurl passes only complete lines, up to its own limits.
    if 'chunk' in text:
        return context.unusable('sent a trailer field of more than 4,096 bytes, the limit of curl')
    return context.unusable(f'sent a header line of more than {MAX_LINE_BYTES:,} bytes')


def _odd(text: str, context: ErrorContext) -> Fault:
    return context.unusable(f'sent a response that cannot be read: {text}')


def _input(where: str, problem: str) -> Make:
    return lambda text, context: InvalidInput(where=where, problem=problem)


#: Codes without a name in pycurl (curl/include/curl/curl.h).
_PROXY, _TOO_LARGE, _UNRECOVERABLE_POLL, _HTTP2_STREAM = 97, 100, 99, 92

_TABLE: Final[dict[int, Make]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: _no_http,
    pycurl.E_URL_MALFORMAT: _input('url', 'is not a URL that curl can ask for'),
    pycurl.E_COULDNT_RESOLVE_PROXY: _no_proxy_found,
    pycurl.E_COULDNT_RESOLVE_HOST: _phase('resolve'),
    pycurl.E_COULDNT_CONNECT: _connect,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: _odd,
    pycurl.E_REMOTE_ACCESS_DENIED: _odd,
    pycurl.E_FTP_WEIRD_PASS_REPLY: _odd,
    pycurl.E_FTP_WEIRD_PASV_REPLY: _odd,
    pycurl.E_FTP_WEIRD_227_FORMAT: _odd,
    pycurl.E_FTP_CANT_GET_HOST: _odd,
    pycurl.E_FTP_COULDNT_SET_TYPE: _odd,
    pycurl.E_FTP_COULDNT_RETR_FILE: _odd,
    pycurl.E_REMOTE_FILE_NOT_FOUND: _odd,
    pycurl.E_LOGIN_DENIED: _odd,
    pycurl.E_PARTIAL_FILE: _truncated,
    pycurl.E_OPERATION_TIMEDOUT: _limit,
    pycurl.E_SSL_CONNECT_ERROR: _handshake,
    pycurl.E_PEER_FAILED_VERIFICATION: _tls,
    pycurl.E_SSL_CERTPROBLEM: _tls,
    pycurl.E_SSL_CIPHER: _tls,
    pycurl.E_SSL_CACERT_BADFILE: _tls,
    pycurl.E_USE_SSL_FAILED: _tls,
    pycurl.E_SSL_ISSUER_ERROR: _tls,
    pycurl.E_GOT_NOTHING: _silent,
    pycurl.E_SEND_ERROR: _phase('send'),
    pycurl.E_SEND_FAIL_REWIND: _phase('send'),
    pycurl.E_RECV_ERROR: _receive_or_tunnel,
    pycurl.E_BAD_CONTENT_ENCODING: _odd,
    _HTTP2_STREAM: _receive,
    _PROXY: _socks,
    _UNRECOVERABLE_POLL: _receive,
    _TOO_LARGE: _too_large,
}
