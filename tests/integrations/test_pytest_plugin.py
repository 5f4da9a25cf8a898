"""The fixtures for pytest, in a test session of their own."""

import pytest

pytest_plugins = ['pytester']

TESTS = """
import pytest
import dlmachine as dm


def count_lines(manager, url):
    return len(manager.download(url, False).read().splitlines())


def test_lines_are_counted(dlmachine_server):
    dlmachine_server.files['/data.txt'] = b'a\\nb\\n'
    with dm.DownloadManager() as manager:
        assert count_lines(manager, f'{dlmachine_server.url}/data.txt') == 2
    assert dlmachine_server.requests == ['GET /data.txt 200']


def test_nothing_is_requested(dlmachine_server, dlmachine_offline, tmp_path):
    url, path = f'{dlmachine_server.url}/table.tsv', tmp_path / 't.tsv'
    for download in (dm.download, dm.DownloadManager().download):
        with pytest.raises(dm.OfflineMissError):
            download(url, path)
    assert dlmachine_server.requests == []
    dm.download(url, path, offline=False)
    assert dm.download(url, path) == str(path)
    assert len(dlmachine_server.requests) == 1


def test_later_tests_are_online_again(dlmachine_server, tmp_path):
    assert dm.download(f'{dlmachine_server.url}/table.tsv', tmp_path / 't.tsv')
"""


def test_the_fixtures_are_found_and_work(pytester: pytest.Pytester) -> None:
    """By the entry point of the installed package, in a process of their own."""
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess('-p', 'no:cacheprovider')
    result.assert_outcomes(passed=3)
