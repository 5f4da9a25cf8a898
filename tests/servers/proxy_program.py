"""The proxy of the package proxy.py, as a program on a free port of loopback."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_SECONDS = 20.0


class ProxyProgram:
    """A proxy that requires `login`, which is `user:password`."""

    def __init__(self, login: str, folder: Path) -> None:
        self._login = login
        self._folder = folder

    def __enter__(self) -> Self:
        port_file = self._folder / 'port'
        words = ['--hostname', '127.0.0.1', '--port', '0', '--port-file', str(port_file)]
        words += ['--basic-auth', self._login, '--num-workers', '1', '--num-acceptors', '1']
        words += ['--data-dir', str(self._folder), '--log-level', 'ERROR']
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'proxy', *words],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _SECONDS
        while not (port_file.exists() and port_file.read_text().strip()):
            assert time.monotonic() < end, 'the proxy has not started'
            assert self._process.poll() is None, 'the proxy has ended'
            time.sleep(0.02)
        self.port = int(port_file.read_text())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    @property
    def url(self) -> str:
        """The URL for the configuration."""
        return f'http://127.0.0.1:{self.port}'
