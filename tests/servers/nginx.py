"""A real nginx on a free port of the loopback, for as long as a test needs it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /gzip/ {{ alias {root}/; gzip on; gzip_min_length 1; gzip_types *; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    }}
}}
"""


def find_nginx() -> str:
    """The nginx program; without one the test is skipped, or fails where one is required."""
    found = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin:/usr/local/sbin')
    if found is None:
        reason = 'nginx is not installed (apt-get install nginx)'
        if os.environ.get('DLMACHINE_REQUIRE_NGINX') == '1':
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def run_nginx(folder: Path, root: Path) -> Iterator[str]:
    """Serve `root` at the URL that is yielded; also below /gzip/ and, redirected, /moved/."""
    program, port = find_nginx(), _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / 'nginx.conf'
    config.write_text(_CONFIG.format(folder=folder, root=root, port=port))
    with subprocess.Popen(
        [program, '-c', str(config), '-p', str(folder), '-e', str(folder / 'error.log')],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            _await_port(process, port)
            yield f'http://127.0.0.1:{port}'
        finally:
            process.terminate()
            process.wait(10)


@dataclass(slots=True)
class Nginx:
    """One that can be killed, and started again on the same port.

    `settings` are lines for its server block.
    """

    folder: Path
    root: Path
    settings: str = ''
    port: int = 0
    _process: 'subprocess.Popen[bytes] | None' = None

    def __post_init__(self) -> None:
        """Keep to one port."""
        self.port = self.port or _free_port()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f'http://127.0.0.1:{self.port}'

    def start(self) -> None:
        """Begin to listen."""
        program = find_nginx()
        self.folder.mkdir(parents=True, exist_ok=True)
        text = _CONFIG.format(folder=self.folder, root=self.root, port=self.port)
        config = self.folder / 'nginx.conf'
        config.write_text(text.replace('location', f'{self.settings}\n        location', 1))
        log = str(self.folder / 'error.log')
        self._process = subprocess.Popen(
            [program, '-c', str(config), '-p', str(self.folder), '-e', log],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        _await_port(self._process, self.port)

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()


def _free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = monotonic() + 10
    while monotonic() < until:
        if process.poll() is not None and process.stderr is not None:
            pytest.fail(f'nginx did not start: {process.stderr.read().decode()}')
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            sleep(0.02)
        else:
            return
    pytest.fail('nginx did not listen within 10 s')
