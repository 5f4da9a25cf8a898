"""Start: importing, printing the help, getting one cached file."""

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


@contextmanager
def startup(bench: Bench) -> Iterator[Work]:
    """Imports and the command line."""
    with run_nginx(bench.folder) as base:
        url, folder = f'{base}/many/0.bin', bench.folder / 'cache'
        fill(bench, 'dlmachine', folder, write_urls(bench.folder / 'urls.txt', [url]))
        command = Path(sys.executable).parent / 'dlmachine'
        get = (str(command), 'get', '--cache', str(folder), '--quiet', url)
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
            ),
            targets=(
                ratio('import dlmachine', 'import requests', 'import dlmachine / requests', 1.0),
                ratio('dlmachine --help', 'import requests', '--help / import requests', 2.0),
                ratio('dlmachine get', 'import requests', 'a cached get / import requests', 2.0),
            ),
        )


def _importing(bench: Bench, environment: str, code: str, name: str, note: str = '') -> Entry:
    try:
        python = bench.environments.python(environment)
    except AbsentError as error:
        return Entry(name=name, absent=str(error))
    step = (python, '-I', '-c', code)
    return Entry(name=name, steps=(step,) * _TIMES, units=_TIMES, note=note)
