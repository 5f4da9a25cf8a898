"""Run the steps of a block: in a folder of its own, against a server on the loopback."""

import ast
import contextlib
import gc
import io
import logging
import os
import re
import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dlmachine as dm
from dlmachine import cli
from dlmachine.core import faults
from dlmachine.core.faults import Fault
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.body_decision import RejectResponse
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.errors import error_for
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.error_context import ErrorContext
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import Route
from tests.adapters.transport_fakes import MemoryPart, RealClock
from tests.messages.blocks import Block, Step
from tests.messages.routes import serve
from tests.servers.http import Server
from tests.servers.tls import Authority

#: What the tables call the servers, the folder of a block, and a port without a server.
SERVER, TLS_SERVER, FOLDER, NOWHERE = 'http://server', 'https://server', '/folder', 'http://nowhere'

#: What differs from run to run, and how the tables write it.
_VOLATILE = (
    (re.compile(r'(?<=/)[0-9a-f]{32}(?=-\d)'), 'KEY'),
    (re.compile(r'\d{4}-\d\d-\d\dT[\d:]+\.\d+\+00:00'), 'NOW'),
    (re.compile(r'(?<=wait )[\d.]+(?= s: backoff)'), 'N'),
    (re.compile(r'(?<=this process for )[\d.]+'), 'N'),
)
_ENVIRONMENT = {
    'PATH': os.environ.get('PATH', ''),
    'DLMACHINE_BACKEND': 'requests',
    'DLMACHINE_RETRIES': '0',
    'DLMACHINE_RETRY_WAIT': '0',
    'DLMACHINE_PROGRESS': 'no',
}


class Scene:
    """A folder, a server, and the names that the Python of a block may use."""

    def __init__(self, folder: Path, server: Server, tls: Server) -> None:
        self._real = {
            TLS_SERVER: tls.url(''),
            SERVER: server.url(''),
            NOWHERE: 'http://127.0.0.1:1',
            FOLDER: str(folder),
        }
        self._managers = ExitStack()
        self._names: dict[str, Any] = {
            'dm': dm,
            'faults': faults,
            'Path': Path,
            'os': os,
            'manager': self.manager,
            'fetch': self.fetch,
            'show': show,
            'fail': fail,
            'answered': answered,
            'context': context,
            'warned': warned,
            'logged': logged,
        }

    def manager(self, path: Any = None, **options: Any) -> dm.DownloadManager:
        """A manager that is closed with the scene."""
        return self._managers.enter_context(dm.DownloadManager(path, **options))

    def fetch(self, url: Any, dest: Any = None, **options: Any) -> dm.Outcome:
        """Fetch with a manager that has no cache."""
        return self.manager().fetch(url, dest, **options)

    def text_of(self, step: Step) -> str:
        """What a step says."""
        source = step.source
        for name, real in self._real.items():
            source = source.replace(name, real)
        said = _run_command(source) if step.is_command else self._run_python(source)
        for name, real in self._real.items():
            said = said.replace(real, name)
        for pattern, name in _VOLATILE:
            said = pattern.sub(name, said)
        return said

    def _run_python(self, source: str) -> str:
        printed = io.StringIO()
        with redirect_stdout(printed):
            try:
                exec(compile(ast.parse(source), '<block>', 'exec'), self._names)
            except Exception as error:  # noqa: BLE001 -- any of them is what is looked for
                print(f'{type(error).__name__}: {error}')
        return _tidy(printed.getvalue())

    def close(self) -> None:
        """Close the managers."""
        self._managers.close()


def show(fault: Fault | object) -> None:
    """Print a fault, or anything else."""
    print(fault)


def fail(fault: Fault) -> None:
    """Raise the exception of a fault."""
    raise error_for(fault)


def answered(status: int, *fields: tuple[str, str], **expected: Any) -> None:
    """Print what is wrong with a response, seen what its request expects."""
    decided = decide_body(
        _exchange(**expected), ResponseHead(status=status, headers=Headers(fields))
    )
    print(decided.fault if isinstance(decided, RejectResponse) else decided)


def context() -> ErrorContext:
    """An exchange whose library gives up."""
    effect = _exchange()
    return ErrorContext(
        route=Route(request=effect.request, scheme='http'),
        deadlines=Deadlines(effect),
        reader=ResponseReader(effect, MemoryPart(), RealClock()),
    )


def _exchange(**expected: Any) -> Exchange:
    return Exchange(
        request=Request(method='GET', url=f'{SERVER}/'),
        backend='requests',
        connect_timeout=timedelta(seconds=1),
        stall_timeout=timedelta(seconds=1),
        expect=Expectation(**expected),
    )


@contextmanager
def warned() -> Iterator[None]:
    """Print the warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        yield
    for one in found:
        print(f'{one.category.__name__}: {one.message}')


@contextmanager
def logged() -> Iterator[None]:
    """Print what is logged at WARNING."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter('%(levelname)s: %(message)s'))
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger('dlmachine')
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _run_command(line: str) -> str:
    words = shlex.split(line)
    settings: dict[str, str] = {}
    while '=' in words[0]:
        name, _, settings[name] = words.pop(0).partition('=')
    said, status, threshold = io.StringIO(), 0, gc.get_threshold()
    with (
        patch.dict(os.environ, settings),
        patch.object(sys, 'argv', words),
        patch.object(sys, 'stdin', io.TextIOWrapper(io.BytesIO())),
        redirect_stdout(io.TextIOWrapper(io.BytesIO())),
        redirect_stderr(said),
        warnings.catch_warnings(),
    ):
        # As in a program of its own.
        warnings.simplefilter('ignore', DeprecationWarning)
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
    gc.set_threshold(*threshold)
    return _tidy(f'{said.getvalue()}\n(exit status {status})')


def _tidy(text: str) -> str:
    # Click's lines about the usage in general are the same in each text.
    lines = (line.rstrip() for line in text.splitlines() if line.strip())
    return '\n'.join(line for line in lines if not line.startswith(('Usage: ', 'Try ')))


class _Folder:
    """A current folder and an environment of its own."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Path:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        (folder / 'home').mkdir()
        environment: Mapping[str, str] = {**_ENVIRONMENT, 'HOME': str(folder / 'home')}
        self._stack.enter_context(patch.dict(os.environ, environment, clear=True))
        self._stack.enter_context(contextlib.chdir(folder))
        return folder

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@contextmanager
def scene(block: Block) -> Iterator[Scene]:
    """A scene for one block."""
    with _Folder() as folder:
        authority = Authority.make(folder)
        with Server() as server, Server(authority.server_context()) as tls:
            serve(server)
            serve(tls)
            made = Scene(folder, server, tls)
            try:
                yield made
            finally:
                made.close()
