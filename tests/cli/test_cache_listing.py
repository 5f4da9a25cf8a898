"""`dlmachine cache ls` and `dlmachine cache du`, and the same in Python."""

import json
from pathlib import Path
from time import sleep

import pytest
from click.testing import Result

import dlmachine as dm
from tests.cli.cache_runs import RunCache
from tests.servers.behaviours import resource
from tests.servers.http import Server


@pytest.fixture
def urls(server: Server, run_cache: RunCache) -> list[str]:
    """Three stored files of 1, 3 and 2 kB; the first is pinned and used last."""
    sizes = {'a.csv': 1000, 'b.txt': 3000, 'c.csv': 2000}
    found = [
        server.on(f'/{name}', resource(b'x' * size, etag='"1"')) for name, size in sizes.items()
    ]
    with dm.DownloadManager('c', progress=False) as manager:
        for url in found:
            manager.download(url)
        sleep(0.01)  # Uses are noted in milliseconds.
        manager.download(found[0])
        manager.pin(found[0])
    return found


def listed(done: Result) -> list[str]:
    """The URLs in a list."""
    return [line.partition('http')[2].split(' ')[0] for line in done.stdout.splitlines()]


def test_a_list_has_headings_totals_and_pins(run_cache: RunCache, urls: list[str]) -> None:
    """The rows are on stdout, the rest on stderr."""
    done = run_cache('ls')

    assert [f'http{one}' for one in listed(done)] == urls
    assert done.stdout.splitlines()[0].endswith(f'{urls[0]}  (pinned)')
    assert done.stderr.split()[:3] == ['stored', 'size', 'version']
    assert done.stderr.splitlines()[-1] == '3 versions, 5.9 KiB'


@pytest.mark.parametrize(
    ('sort', 'order'), [('size', 'bca'), ('used', 'bca'), ('age', 'abc'), ('url', 'abc')]
)
def test_a_list_is_sorted_and_limited(
    run_cache: RunCache, urls: list[str], sort: str, order: str
) -> None:
    """The largest, the longest unused or the oldest first."""
    expected = {'size': 'bca', 'used': None}.get(sort, order)
    names = [Path(one).name[:1] for one in listed(run_cache('ls', '--sort', sort))]
    if expected is None:
        assert names[-1] == 'a'
    else:
        assert ''.join(names) == expected
        limited = listed(run_cache('ls', '--sort', sort, '--limit', '2'))
        assert ''.join(Path(one).name[:1] for one in limited) == expected[:2]


def test_a_list_is_filtered(run_cache: RunCache, urls: list[str]) -> None:
    """By all conditions; also as JSON, and as paths alone."""
    done = run_cache('ls', '--filter', 'size>1k', '--filter', 'extension=csv')
    assert [f'http{one}' for one in listed(done)] == [urls[2]]
    (found,) = json.loads(run_cache('ls', '--filter', 'pinned=yes', '--json').stdout)
    assert (found['url'], found['pinned'], found['file_bytes']) == (urls[0], True, 1000)
    assert found['used_at'] is not None
    assert found['record']['sha256']
    done = run_cache('ls', '--paths', '--filter', f'url={urls[1]}')
    assert Path(done.stdout.strip()).stat().st_size == 3000
    assert done.stderr == ''
    assert json.loads(run_cache('ls', '--filter', 'size>1G', '--json').stdout) == []
    assert run_cache('ls', '--filter', 'size>1G').stderr == '0 versions, 0 B\n'


def test_sizes_are_added_up(run_cache: RunCache, urls: list[str]) -> None:
    """By host, by extension or by status, the largest first."""
    assert run_cache('du').stdout.split() == ['5.9', 'KiB', '3', '127.0.0.1']
    done = run_cache('du', '--by', 'extension')
    assert done.stdout.split() == ['2.9', 'KiB', '2', 'csv', '2.9', 'KiB', '1', 'txt']
    assert done.stderr.splitlines()[-1].split() == ['5.9', 'KiB', '3', 'total']
    found = json.loads(run_cache('du', '--by', 'status', '--json').stdout)
    assert found == [{'status': 'ready', 'count': 3, 'size': 6000}]
    assert run_cache('du', '--filter', 'size>1G').stdout == ''


def test_bad_words_are_refused(run_cache: RunCache, urls: list[str]) -> None:
    """With what was expected."""
    assert 'has no known field; they are size' in run_cache('ls', '--filter', 'x=1', code=2).stderr
    assert (
        "sort must be size, used, age or url, not 'x'"
        in run_cache('ls', '--sort', 'x', code=2).stderr
    )
    assert (
        "by must be host, extension or status, not 'x'"
        in run_cache('du', '--by', 'x', code=2).stderr
    )


def test_the_same_in_python(run_cache: RunCache, urls: list[str]) -> None:
    """One entry at a time."""
    with dm.DownloadManager('c') as manager:
        entries = manager.cache_entries('size>1k', sort='size', limit=1)
        assert next(entries).url == urls[1]
        (usage,) = manager.cache_usage()
        assert (usage.name, usage.count, usage.size_bytes) == ('127.0.0.1', 3, 6000)
        with pytest.raises(dm.RequestError, match='limit must be a whole number'):
            manager.cache_entries(limit=-1)
    with dm.DownloadManager() as manager, pytest.raises(dm.RequestError, match='needs a cache'):
        manager.cache_entries()
    with dm.DownloadManager('new') as manager:
        assert list(manager.cache_entries(sort='age')) == []
