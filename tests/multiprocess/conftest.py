"""Fixtures for tests with real processes: a clean environment, a server, and a folder."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.multiprocess.children import is_root
from tests.servers.http import Server


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == 'DLMACHINE_REQUIRE_NGINX':
            continue
        if name.upper().endswith('_PROXY') or name.startswith(('DLMACHINE_', 'XDG_')):
            monkeypatch.delenv(name)
    # Children import what this process would.
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(path for path in sys.path if path))


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
def spot() -> Iterator[Path]:
    """A folder that every user can reach; those of pytest are for one user only."""
    folder = Path(tempfile.mkdtemp(prefix='dlmachine-'))
    folder.chmod(0o755)
    (folder / 'home').mkdir(mode=0o777)
    (folder / 'home').chmod(0o777)
    try:
        yield folder
    finally:
        for path in folder.rglob('*'):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


@pytest.fixture
def home(spot: Path) -> str:
    """A home folder for children."""
    return str(spot / 'home')


@pytest.fixture
def _root() -> None:
    if not is_root():
        pytest.skip('only root can become somebody else, or mount')
