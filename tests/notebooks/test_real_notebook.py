"""A notebook that is really run: progress while it runs, and what is saved."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.servers.http import Asked, Server, Wire

nbclient: Any = pytest.importorskip('nbclient', reason='nbclient is not installed')
v4: Any = pytest.importorskip('nbformat').v4
pytest.importorskip('ipykernel', reason='ipykernel is not installed')

PIECES, PIECE = 15, b'x' * 100_000


class _Slow:
    """A body that takes more than a second, and may end too early."""

    def __init__(self, pieces: int = PIECES) -> None:
        self._pieces = pieces

    def __call__(self, asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', str(PIECES * len(PIECE))),))
        for _ in range(self._pieces):
            wire.send(PIECE)
            wire.pause(0.1)
        if self._pieces < PIECES:
            wire.cut()


class _Run:
    """A notebook that was run: the outputs of its cells, and all messages that it showed."""

    def __init__(self, folder: Path, *sources: str) -> None:
        cells = [v4.new_code_cell(source) for source in sources]
        self.notebook = v4.new_notebook(cells=cells)
        self.messages: list[tuple[str, str]] = []
        run = self

        class Client(nbclient.NotebookClient):  # type: ignore[misc]
            def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
                data = msg['content'].get('data', {})
                run.messages.append((msg['msg_type'], data.get('text/plain', '')))
                return super().process_message(msg, cell, cell_index)

        environ = {name: value for name, value in os.environ.items() if name not in {'CI', 'TERM'}}
        environ['IPYTHONDIR'] = str(folder / 'ipython')
        resources = {'metadata': {'path': str(folder)}}
        client = Client(self.notebook, timeout=120, kernel_name='python3', resources=resources)
        client.execute(env=environ)

    def outputs(self, cell: int) -> list[Any]:
        """What the saved notebook has below a cell."""
        return list(self.notebook.cells[cell].outputs)

    @property
    def updates(self) -> list[str]:
        """The states that a display was replaced by."""
        return [text for kind, text in self.messages if kind == 'update_display_data']


def test_a_download_is_shown_and_saved_at_its_end(server: Server, tmp_path: Path) -> None:
    """While it runs the bar grows; the saved notebook has 100 %, and needs no widget."""
    url = server.on('/big.bin', _Slow())
    run = _Run(
        tmp_path,
        'import dlmachine as dm\nmanager = dm.DownloadManager()',
        f'path = manager.download("{url}", "big.bin")',
    )
    (shown,) = run.outputs(1)
    assert shown.output_type == 'display_data'
    text = shown.data['text/plain']
    assert text.startswith('big.bin ━')
    assert text.endswith(f'{"━" * 40} 100% 1.4/1.4 MiB')
    assert text in shown.data['text/html']
    assert 'widget' not in str(run.notebook)
    begun = [update for update in run.updates if '─' in update]
    assert begun
    assert run.updates[-1] == text


def test_a_batch_and_its_results(server: Server, tmp_path: Path) -> None:
    """The lines of the batch end with all files; its results are a table, and so is an audit."""
    urls = [server.on(f'/{name}.bin', _Slow()) for name in 'ab']
    run = _Run(
        tmp_path,
        f'import dlmachine as dm\nmanager = dm.DownloadManager("cache")\nurls = {urls}',
        'manager.download_all(urls)',
        'manager.audit(urls)',
        'manager.plan(urls[0])',
    )
    shown, results = run.outputs(1)
    assert shown.data['text/plain'].endswith(' 100% 2/2 files 2.9 MiB')
    assert '2 of 2 downloaded, 0 failed' in results.data['text/html']
    (audit,) = run.outputs(2)
    assert audit.data['text/html'].count('>hit<') == 2
    assert audit.data['text/plain'].startswith('<Rows')
    (plan,) = run.outputs(3)
    assert '<table>' in plan.data['text/html']
    assert len(plan.data['text/plain']) < 200


def test_an_interrupted_download_is_saved_as_far_as_it_came(server: Server, tmp_path: Path) -> None:
    """It does not end at 100 %."""
    url = server.on('/big.bin', _Slow(10))
    run = _Run(
        tmp_path,
        'import dlmachine as dm\nmanager = dm.DownloadManager(retries=0)',
        f'try:\n    manager.download("{url}", "big.bin")\nexcept dm.DownloadError as error:\n    print(error.fault.code)',
    )
    shown, printed = run.outputs(1)
    assert (
        ' 67% 976.6 KiB' in shown.data['text/plain']
        or ' 67% 1.0/1.4 MiB' in shown.data['text/plain']
    )
    assert printed.text == 'body_truncated\n'
