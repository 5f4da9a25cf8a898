"""What the error codes of libcurl mean: one table.

Codes that are not in it, which later versions may add, count as a broken connection.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import pycurl

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.http.head_parser import MAX_LINE_BYTES
from dlmachine_adapters.http.error_context import Scene
from dlmachine_adapters.http.response_reader import scheme_of

Make: TypeAlias = Callable[[str, Scene], Fault]


def fault_of(code: int, text: str, scene: Scene) -> Fault:
    """The fault that an error code means, with libcurl's words for it."""
    make = _TABLE.get(code)
    return _receive(text or f'curl error {code}', scene) if make is None else make(text, scene)


def _phase(phase: str) -> Make:
    return lambda text, scene: scene.connection_failed(phase, text)


_receive: Final = _phase('receive')


def _limit(text: str, scene: Scene) -> Fault:
    return scene.watch.timed_out()


def _connect(text: str, scene: Scene) -> Fault:
    return scene.connection_failed('proxy' if scene.route.proxy else 'connect', text)


def _receive_or_tunnel(text: str, scene: Scene) -> Fault:
    # The tunnel that a proxy refuses has the same code as a connection that breaks.
    if scene.route.proxy and not scene.watch.is_connected:
        return scene.connection_failed('proxy', text)
    if 'chunk' in text:  # An invalid chunked body ends there.
        return scene.reception.truncated()
    return _receive_or_alert(text, scene)


def _receive_or_alert(text: str, scene: Scene) -> Fault:
    # With TLS 1.3 a client certificate is judged after the handshake.
    return scene.tls_failed(text) if ' alert ' in text else _receive(text, scene)


def _tls(text: str, scene: Scene) -> Fault:
    if scheme_of(scene.route.request) == 'sftp':
        return scene.tls_failed('the key of the SSH host is not in ~/.ssh/known_hosts')
    return scene.tls_failed(text)


def _handshake(text: str, scene: Scene) -> Fault:
    # A connection that is lost in the handshake says nothing of certificates.
    is_lost = any(word in text for word in ('reset by peer', 'Broken pipe', 'SSL_ERROR_SYSCALL'))
    return scene.connection_failed('connect', text) if is_lost else scene.tls_failed(text)


def _truncated(text: str, scene: Scene) -> Fault:
    truncated = scene.reception.truncated()
    is_ftp = scheme_of(scene.route.request).startswith('ftp')
    if is_ftp and truncated.received_bytes == truncated.expected_bytes:
        return _receive(text, scene)  # FTP: all came, and then the server took it back.
    return truncated


def _silent(text: str, scene: Scene) -> Fault:
    return scene.connection_failed('receive', 'the server closed it without an answer')


def _no_http(text: str, scene: Scene) -> Fault:
    return scene.unusable('sent something other than an HTTP response')


def _too_large(text: str, scene: Scene) -> Fault:
    # libcurl passes on complete lines only, and of these not more than it reads itself.
    return scene.unusable(f'sent a header line of more than {MAX_LINE_BYTES:,} bytes')


def _odd(text: str, scene: Scene) -> Fault:
    return scene.unusable(f'sent a response that cannot be read: {text}')


def _input(where: str, problem: str) -> Make:
    return lambda text, scene: InvalidInput(where=where, problem=problem)


#: By number where pycurl gives no name (curl/include/curl/curl.h).
_PROXY, _TOO_LARGE, _UNRECOVERABLE_POLL, _HTTP2_STREAM = 97, 100, 99, 92

_TABLE: Final[dict[int, Make]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: _no_http,
    pycurl.E_URL_MALFORMAT: _input('url', 'is not a URL that curl can ask for'),
    pycurl.E_COULDNT_RESOLVE_PROXY: _phase('proxy'),
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
    _PROXY: _phase('proxy'),
    _UNRECOVERABLE_POLL: _receive,
    _TOO_LARGE: _too_large,
}
