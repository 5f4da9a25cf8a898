"""A real nginx on a free port of loopback, during a test."""

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
        listen 127.0.0.1:{port}{tls};
        root {root};
        location /gzip/ {{ alias {root}/; gzip on; gzip_min_length 1; gzip_types *; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    }}
}}
"""


def find_nginx() -> str:
    """The nginx program; without it the test is skipped, or fails if it is required."""
    found = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin:/usr/local/sbin')
    if found is None:
        reason = 'nginx is not installed (apt-get install nginx)'
        if os.environ.get('DLMACHINE_REQUIRE_NGINX') == '1':
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def run_nginx(folder: Path, root: Path) -> Iterator[str]:
    """Serve `root` at the yielded URL; also below /gzip/ and, redirected, /moved/."""
    server = Nginx(folder, root)
    server.start()
    try:
        yield server.url
    finally:
        server.kill()


@dataclass(slots=True)
class Nginx:
    """One that can be killed, and started again on the same port.

    `settings` are lines for its server block; `is_tls` makes it speak TLS only.
    """

    folder: Path
    root: Path
    settings: str = ''
    is_tls: bool = False
    port: int = 0
    _process: 'subprocess.Popen[bytes] | None' = None

    @property
    def url(self) -> str:
        """Its URL after the start."""
        return f'{"https" if self.is_tls else "http"}://127.0.0.1:{self.port}'

    def start(self) -> None:
        """Listen at the port of the first start, which no other program uses."""
        program = find_nginx()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.port:
            assert self._listens(program), self._log()
            return
        for _ in range(5):
            self.port = _free_port()
            if self._listens(program):
                return
        pytest.fail(f'nginx did not start: {self._log()}')

    def _listens(self, program: str) -> bool:
        """Whether it has the port; another program may take a free port first."""
        text = _CONFIG.format(
            folder=self.folder,
            root=self.root,
            port=self.port,
            tls=' ssl' if self.is_tls else '',
        )
        config, own_id = self.folder / 'nginx.conf', self.folder / 'nginx.pid'
        config.write_text(text.replace('location', f'{self.settings}\n        location', 1))
        own_id.unlink(missing_ok=True)
        process = self._process = subprocess.Popen(
            [
                program,
                '-c',
                str(config),
                '-p',
                str(self.folder),
                '-e',
                str(self.folder / 'error.log'),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = monotonic() + 10
        while monotonic() < until and process.poll() is None:
            # It writes its id after it has bound the port; before that, another program may respond.
            if own_id.exists() and own_id.read_text().strip() == str(process.pid):
                return True
            sleep(0.02)
        self.kill()
        return False

    def _log(self) -> str:
        log = self.folder / 'error.log'
        return log.read_text() if log.exists() else 'no log'

    def kill(self) -> None:
        """End it with SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()


def _free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
