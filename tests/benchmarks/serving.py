"""The servers of the benchmarks: nginx, and a TLS server behind a slow connection."""

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        # Any number of URLs with the same 16 KiB, or 1 MiB, behind them.
        location /many/ {{ rewrite ^ /small.bin break; }}
        location /larger/ {{ rewrite ^ /larger.bin break; }}
        location /slow/ {{ alias {root}/; limit_rate 4m; }}
    }}
}}
"""
SMALL_BYTES = 16 * 1024
MIB = 1 << 20


@contextmanager
def run_nginx(folder: Path) -> Iterator[str]:
    """Serve `folder/root` at the yielded URL."""
    program = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin:/usr/local/sbin')
    if program is None:
        msg = 'the benchmarks need nginx (apt-get install nginx)'
        raise SystemExit(msg)
    root, own = folder / 'root', folder / 'nginx'
    root.mkdir()
    own.mkdir()
    (root / 'small.bin').write_bytes(block(SMALL_BYTES))
    (root / 'larger.bin').write_bytes(block(MIB))
    port, config = _free_port(), own / 'nginx.conf'
    config.write_text(_CONFIG.format(folder=own, root=root, port=port))
    command = [program, '-c', str(config), '-p', str(own), '-e', str(own / 'error.log')]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _await_port(process, port)
            yield f'http://127.0.0.1:{port}'
        finally:
            process.terminate()
            process.wait(10)


def block(size: int) -> bytes:
    """Incompressible bytes, the same each time."""
    from random import Random

    return Random(4).randbytes(size)


def write_file(path: Path, size: int, *, is_sparse: bool = False) -> None:
    """Write a file of this size."""
    with path.open('wb') as file:
        if is_sparse:
            file.truncate(size)
            return
        piece = block(MIB)
        for _ in range(size // MIB):
            file.write(piece)


@contextmanager
def slow_line(port: int, seconds: float) -> Iterator[int]:
    """A port that forwards to another port, with a delay in both directions."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(
            lambda r, w: _forward(r, w, port, seconds), '127.0.0.1', 0, backlog=512
        )
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, seconds: float
) -> None:
    back_reader, back_writer = await asyncio.open_connection('127.0.0.1', port)
    await asyncio.gather(_pump(reader, back_writer, seconds), _pump(back_reader, writer, seconds))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    arriving = asyncio.ensure_future(_deliver(under_way, writer))
    is_open = True
    while is_open:
        data = b''
        with suppress(OSError):
            data = await reader.read(65_536)
        is_open = bool(data)
        under_way.put_nowait((asyncio.get_running_loop().time() + seconds, data))
    await arriving


async def _deliver(
    under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
) -> None:
    while True:
        due, data = await under_way.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if not data:
            writer.close()
            return
        with suppress(OSError):
            writer.write(data)


def _free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = monotonic() + 10
    while monotonic() < until and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        sleep(0.02)
    msg = 'nginx did not start'
    raise SystemExit(msg)
