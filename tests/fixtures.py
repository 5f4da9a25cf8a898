"""Fixtures for the tests of the manager, of batches and of the command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlmachine.manager import DownloadManager
from tests.servers.http import Server

#: What the conftest of each folder takes over.
__all__ = [
    'backend',
    'clean_environment',
    'deliver_interrupts',
    'make_manager',
    'manager',
    'run',
    'server',
]

_KEPT = ('PATH', 'PYTHONPATH', 'LANG', 'LC_ALL', 'TMPDIR', 'VIRTUAL_ENV')

MakeManager = Callable[..., DownloadManager]


@pytest.fixture(scope='session', autouse=True)
def deliver_interrupts() -> None:
    """Ctrl-C interrupts children, too."""
    # Shells start background jobs with Ctrl-C ignored, and their children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No setting, proxy, certificate or home of the person who runs the tests."""
    for name in list(os.environ):
        is_ours = name.upper().endswith('_PROXY') or name.startswith(('DLMACHINE_', 'XDG_'))
        if is_ours or name in {
            'REQUESTS_CA_BUNDLE',
            'CURL_CA_BUNDLE',
            'SSL_CERT_FILE',
            'SSL_CERT_DIR',
            'NETRC',
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv('HOME', str(tmp_path_factory.mktemp('home')))


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server of the tests."""
    with Server() as running:
        yield running


@pytest.fixture(params=['requests', 'curl'])
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    name: str = request.param
    if name == 'curl':
        pytest.importorskip('pycurl')
    return name


@pytest.fixture
def make_manager(backend: str) -> Iterator[MakeManager]:
    """Managers that are closed at the end; they wait 10 ms before a retry."""
    made: list[DownloadManager] = []

    def make(path: Path | None = None, **options: object) -> DownloadManager:
        words = {'backend': backend, 'progress': False, 'retry_wait': 0.01, **options}
        manager = DownloadManager(None if path is None else str(path), **words)  # type: ignore[arg-type]
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.close()


@pytest.fixture
def manager(make_manager: MakeManager, tmp_path: Path) -> DownloadManager:
    """A manager with a cache."""
    return make_manager(tmp_path / 'cache')


#: Runs the program, with additional environment variables.
RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> RunCommand:
    """Runs the program in an empty folder, with an empty home."""
    (tmp_path / 'work').mkdir()

    def _run(
        *words: str, said: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith('COV')}
        return subprocess.run(
            [sys.executable, '-m', 'dlmachine', *words],
            cwd=tmp_path / 'work', env={**kept, **environ}, capture_output=True, text=True, errors='replace', check=False, timeout=60,
            **({'stdin': subprocess.DEVNULL} if said is None else {'input': said}),
        )  # fmt: skip

    return _run
