"""Start: importing, printing the help, getting one file that is cached or not."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.environments import AbsentError
from tests.benchmarks.measuring import Entry
from tests.benchmarks.serving import run_nginx
from tests.benchmarks.work import Bench, Work, ratio
from tests.benchmarks.works.common import write_urls
from tests.benchmarks.works.filling import fill

#: Each is so short that it is repeated.
_TIMES = 10
_REQUESTS = """
import requests, sys
url, path = sys.argv[1:]
with requests.get(url, stream=True, timeout=60) as response, open(path, 'wb') as file:
    response.raise_for_status()
    for chunk in response.iter_content(65536):
        file.write(chunk)
"""


@contextmanager
def startup(bench: Bench) -> Iterator[Work]:
    """Imports and the command line."""
    with run_nginx(bench.folder) as base:
        url, folder = f'{base}/many/0.bin', bench.folder / 'cache'
        fill(bench, 'dlmachine', folder, write_urls(bench.folder / 'urls.txt', [url]))
        command = Path(sys.executable).parent / 'dlmachine'
        get = (str(command), 'get', '--cache', str(folder), '--quiet', url)
        new = bench.folder / 'new'
        files = [(f'{base}/larger/{n}.bin', str(new / f'{n}.bin')) for n in range(_TIMES)]

        def forget() -> None:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()

        yield Work(
            name='startup',
            title='importing, and the command line',
            reference='import requests',
            unit='start',
            entries=(
                _importing(bench, 'dlmachine', 'pass', 'nothing'),
                _importing(bench, 'dlmachine', 'import requests', 'import requests'),
                _importing(bench, 'dlmachine', 'import dlmachine', 'import dlmachine'),
                _importing(
                    bench,
                    'dlmachine',
                    'from dlmachine import DownloadManager',
                    'import DownloadManager',
                ),
                _importing(bench, 'pooch', 'import pooch', 'import pooch', 'its environment'),
                _importing(
                    bench, 'original', 'import dlmachine', 'import original', 'its environment'
                ),
                Entry(
                    name='dlmachine --help',
                    steps=((str(command), '--help'),) * _TIMES,
                    units=_TIMES,
                ),
                Entry(name='dlmachine get', steps=(get,) * _TIMES, units=_TIMES, note='one hit'),
                Entry(
                    name='requests to a file',
                    steps=tuple((sys.executable, '-c', _REQUESTS, *file) for file in files),
                    units=_TIMES, note='1 MiB', before=forget,
                ),
                Entry(
                    name='dlmachine get -o',
                    steps=tuple(
                        (str(command), 'get', '--quiet', address, '-o', path)
                        for address, path in files
                    ),
                    units=_TIMES, note='1 MiB', before=forget,
                ),
            ),
            targets=(
                ratio('import dlmachine', 'import requests', 'import dlmachine / requests', 1.0),
                ratio('dlmachine --help', 'import requests', '--help / import requests', 2.0),
                ratio('dlmachine get', 'import requests', 'a cached get / import requests', 2.0),
                ratio('dlmachine get -o', 'requests to a file', 'a get / requests to a file', 1.2),
            ),
        )  # fmt: skip


def _importing(bench: Bench, environment: str, code: str, name: str, note: str = '') -> Entry:
    try:
        python = bench.environments.python(environment)
    except AbsentError as error:
        return Entry(name=name, absent=str(error))
    step = (python, '-I', '-c', code)
    return Entry(name=name, steps=(step,) * _TIMES, units=_TIMES, note=note)
