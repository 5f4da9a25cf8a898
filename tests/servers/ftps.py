"""An FTP server on loopback, by pyftpdlib, also with TLS from the start, as `ftps:` has it."""

import logging
import warnings
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

with warnings.catch_warnings():
    warnings.simplefilter(
        'ignore'
    )  # It uses modules that Python 3.12 lacks, and has its own copies.
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer


class FtpdServer:
    """Serves a folder to a user with a password, with TLS if there is a certificate with its key."""

    def __init__(self, folder: Path, user: str, password: str, cert: Path | None = None) -> None:
        authorizer = DummyAuthorizer()
        authorizer.add_user(user, password, str(folder), perm='elr')
        self._scheme = 'ftp' if cert is None else 'ftps'
        words: dict[str, Any] = {'authorizer': authorizer, 'use_encoding': 'utf-8'}
        if cert is None:
            handler = type('Handler', (FTPHandler,), words)
        else:
            words |= {'certfile': str(cert), 'tls_data_required': True, 'handle': _handle_tls}
            handler = type('Handler', (TLS_FTPHandler,), words)
        logging.getLogger('pyftpdlib').setLevel(logging.ERROR)
        self._loop = IOLoop()
        self._server = FTPServer(('127.0.0.1', 0), handler, ioloop=self._loop)
        self._is_closing = False
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closing = True
        self._thread.join(10)

    def url(self, path: str) -> str:
        """The URL of a file."""
        return f'{self._scheme}://127.0.0.1:{self._server.address[1]}/{path}'

    def _serve(self) -> None:
        while not self._is_closing:
            self._server.serve_forever(timeout=0.05, blocking=False, handle_exit=False)
        self._server.close_all()


def _handle_tls(handler: Any) -> None:
    handler.secure_connection(handler.ssl_context)
    super(type(handler), handler).handle()
