"""`dlmachine cache prune`, `pin` and `unpin`, and the same in Python."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import dlmachine as dm
from dlmachine.cli import group
from dlmachine.core.keeping.stored import KeptReason
from dlmachine.keeping import pruning
from dlmachine_adapters.cachedir.listing import list_entries
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.keeping.prune import alone
from dlmachine_adapters.runtime.clock import SystemClock
from tests.cli.cache_runs import RunCache
from tests.servers.behaviours import resource
from tests.servers.http import Server
from tests.use_logs import end_process


@pytest.fixture
def urls(server: Server, run_cache: RunCache) -> list[str]:
    """Three stored files of 1000 bytes, one after the other."""
    found = [
        server.on(f'/{name}.csv', resource(name.encode() * 1000, etag='"1"')) for name in 'abc'
    ]
    with dm.DownloadManager('c', progress=False) as manager:
        for url in found:
            manager.download(url)
    end_process()
    return found


def test_a_cache_is_pruned_to_its_size(run_cache: RunCache, urls: list[str]) -> None:
    """The oldest goes, with a table of what went and why."""
    done = run_cache('prune', '--max-size', '2k', '--grace', '0')

    assert f'least recently used: {urls[0]}' in done.stdout
    assert urls[1] not in done.stdout
    assert '1 file removed (1000 B); 2 files kept (2.0 KiB)' in done.stderr
    assert urls[0] not in run_cache('ls').stdout
    assert 'no' not in run_cache('prune', '--max-size', '2k', '--grace', '0').stdout
    run_cache('verify')
    run_cache('doctor')


def test_a_dry_run_removes_nothing(run_cache: RunCache, urls: list[str]) -> None:
    """It shows the same table; with --verbose also what stays within the limits."""
    done = run_cache('prune', '--max-size', '2000', '--grace', '0', '--dry-run', '--verbose')

    assert f'would go  {"":0}' in done.stdout
    assert done.stdout.count('within the limits') == 2
    assert '1 file would be removed' in done.stderr
    assert all(url in run_cache('ls').stdout for url in urls)


def test_recent_files_stay(run_cache: RunCache, urls: list[str]) -> None:
    """For two hours by default; the warning says that the limit is not reached."""
    done = run_cache('prune', '--max-size', '0', '--json')

    found = json.loads(done.stdout)
    assert found['over']
    assert {one['why'] for one in found['kept']} == {'recent'}
    assert not found['removed']
    assert (
        'warning: the files that stay are larger than 0 B'
        in run_cache('prune', '--max-size', '0').stderr
    )


def test_pinned_files_stay(run_cache: RunCache, urls: list[str]) -> None:
    """By URL, by file or by key, until they are unpinned."""
    run_cache('pin', urls[0], urls[1])
    assert run_cache('pin', 'http://nowhere/', code=1).stderr.startswith('error: nothing stored')

    done = run_cache('prune', '--max-size', '0', '--grace', '0', '--json')
    assert [one['url'] for one in json.loads(done.stdout)['removed']] == [urls[2]]

    run_cache('unpin', urls[0])
    done = run_cache('prune', '--max-size', '0', '--grace', '0', '--json')
    assert [one['url'] for one in json.loads(done.stdout)['removed']] == [urls[0]]
    assert json.loads(done.stdout)['kept'][0]['reason'] == 'pinned'


def test_what_a_lockfile_names_stays(run_cache: RunCache, urls: list[str]) -> None:
    """By its digest, whatever the manifest calls it."""
    Path('m.txt').write_text(urls[0] + '\n', encoding='utf-8')
    locked = CliRunner().invoke(group, ['lock', 'm.txt', '--cache', 'c'])
    assert locked.exit_code == 0, locked.output
    end_process()

    words = ('prune', '--unused-for', '0', '--grace', '0', '--json', '--keep-lock')
    found = json.loads(run_cache(*words, 'm.txt.lock').stdout)

    assert [one['url'] for one in found['kept']] == [urls[0]]
    assert found['kept'][0]['why'] == 'lockfile'
    assert 'does not exist. Check the path' in run_cache(*words, 'x.lock', code=2).stderr


def test_a_prune_needs_a_limit(run_cache: RunCache, urls: list[str]) -> None:
    """On the command line or in the configuration."""
    done = run_cache('prune', code=2)
    assert 'Pass --max-size, --unused-for or --keep-versions' in done.stderr

    Path('dl.toml').write_text('max_size = "1k"\ngrace_period = "0s"\n', encoding='utf-8')
    run_cache('prune', '--config', 'dl.toml')
    assert run_cache('ls').stdout.count('\n') == 1
    shown = CliRunner().invoke(group, ['config', '--config', 'dl.toml']).stdout
    assert 'grace_period       0 s  (file' in shown.replace('0s', '0 s')
    assert 'max_size           1k  (file' in shown


def test_bad_limits_name_the_flag(run_cache: RunCache, urls: list[str]) -> None:
    """And what was expected."""
    done = run_cache('prune', '--unused-for', '90', code=2)
    assert "'--unused-for': must be an age such as 90d or 12h, not '90'" in done.stderr
    Path('dl.toml').write_text('keep_versions = 0\n', encoding='utf-8')
    done = run_cache('prune', '--config', 'dl.toml', code=2)
    assert 'keep_versions (file dl.toml) must be 1 or more, not 0' in done.stderr


def test_versions_are_pruned_from_python(server: Server, tmp_path: Path) -> None:
    """The newest stay, and a pin by URL or by path keeps an entry."""
    url = server.on('/v.csv', resource(b'1' * 10, etag='"1"'))
    with dm.DownloadManager(tmp_path / 'c', progress=False, grace_period='0') as manager:
        for number in range(3):
            server.on('/v.csv', resource(b'%d' % number * 10, etag=f'"{number}"'))
            path = str(manager.download(url, force_download=True))

        assert {why for _, why in manager.prune(keep_versions=1).kept} == {KeptReason.IN_USE}
        end_process()
        manager.pin(path)
        assert not manager.prune(keep_versions=1).removed
        manager.unpin(url)
        report = manager.prune(keep_versions=2, dry_run=True)
        assert [version.version for version, _ in report.removed] == [1]
        assert {why for _, why in report.kept} == {KeptReason.WITHIN}
        assert manager.prune(keep_versions=2).removed_bytes == 10
        assert [one.version for one in manager.versions(url)] == [2, 3]


def test_the_longest_grace_period_keeps_everything(server: Server, tmp_path: Path) -> None:
    """Although it is longer than the time since the first date."""
    url = server.on('/v.csv', resource(b'1', etag='"1"'))
    with dm.DownloadManager(tmp_path / 'c', progress=False) as manager:
        manager.download(url)
        end_process()
        report = manager.prune(max_size=0, grace_period='999999999d')
    assert [why for _, why in report.kept] == [KeptReason.RECENT]


def stored(manager: dm.DownloadManager) -> set[str]:
    """The URLs of the stored files."""
    store = manager._world.store
    assert store is not None
    return {entry.url for entry in list_entries(store.registry)}


def test_a_manager_with_limits_prunes_after_downloads(server: Server, tmp_path: Path) -> None:
    """What an earlier process has left; what this one has returned stays."""
    urls = [server.on(f'/{one}.csv', resource(one.encode() * 1000, etag='"1"')) for one in 'abcdef']
    options = {'max_size': 2500, 'grace_period': '0', 'progress': False}
    with dm.DownloadManager(tmp_path, **options) as manager:  # type: ignore[arg-type]
        for url in urls[:3]:
            manager.download(url)
        assert len(stored(manager)) == 3
        end_process()
        manager.download(urls[3])
        assert stored(manager) == {urls[2], urls[3]}
        end_process()
        assert manager.download_all(urls[4:]).ok
        assert stored(manager) == set(urls[4:])
    with dm.DownloadManager(tmp_path / 'x', unused_for='1d', progress=False) as manager:
        manager.download(urls[0])
        (tmp_path / 'x' / 'cache.sqlite').write_bytes(b'garbage' * 1000)
        assert Path(str(manager.with_options(dest=tmp_path / 'y').download(urls[1]))).exists()


def test_python_says_what_is_missing(tmp_path: Path) -> None:
    """A cache, a limit, or the entry."""
    with dm.DownloadManager() as manager, pytest.raises(dm.RequestError, match='needs a cache'):
        manager.prune(max_size=1)
    with dm.DownloadManager(tmp_path / 'new') as manager:
        with pytest.raises(dm.RequestError, match='prune needs a limit'):
            manager.prune()
        with pytest.raises(dm.RequestError, match="unknown option 'max_sizes'"):
            manager.prune(max_sizes=1)  # type: ignore[call-arg]
        with pytest.raises(dm.RequestError, match='is not in the cache'):
            manager.pin('http://h/x.csv')
        assert manager.prune(max_size=1).removed == ()
        assert not (tmp_path / 'new').exists()
    with pytest.raises(dm.RequestError, match='It is an option of DownloadManager'):
        dm.DownloadManager(tmp_path).download('http://h/x', max_size=1)  # type: ignore[call-overload]


def test_two_prunes_wait_for_each_other(
    run_cache: RunCache, urls: list[str], tmp_path: Path
) -> None:
    """The second one says so after a while."""
    locks = FolderLocks(str(tmp_path / 'c'), SystemClock())
    with alone(locks, timedelta(0)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, '_PATIENCE', timedelta(seconds=0.1))
        done = run_cache('prune', '--max-size', '1k', code=13)

    assert 'the cache was being pruned by' in done.stderr
    assert 'Wait until that prune has ended' in done.stderr


def test_a_name_that_matches_nothing_changes_nothing(run_cache: RunCache, urls: list[str]) -> None:
    """One typing mistake among several names is not overlooked; the text stays on its line."""
    for word in ('pin', 'unpin', 'rm'):
        more = ('--yes',) if word == 'rm' else ()
        done = run_cache(word, urls[0], f'{urls[1]}x', 'a\x1b[31m\nb', *more, code=1)
        assert f'error: nothing stored matches {urls[1]}x, ' in done.stderr
        assert '\x1b' not in done.stderr
        assert done.stderr.count('\n') == 1
    shown = run_cache('ls').stdout
    assert all(url in shown for url in urls)
    assert 'pinned' not in shown

    run_cache('pin', urls[0], urls[1], urls[0])
    assert run_cache('ls').stdout.count('(pinned)') == 2
