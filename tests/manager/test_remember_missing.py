"""Misses that are remembered: requests counted at the server."""

import json
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import dlmachine as dm
from dlmachine.cli import group
from dlmachine.errors import AuthError, NotFoundError
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource, respond
from tests.servers.http import Server

WEEK = {'remember_missing': '7d', 'retries': 0}
DESTINATIONS = [None, 'data/t.tsv', 'data/', False]


def _dest(tmp_path: Path, dest: Any) -> Any:
    if not isinstance(dest, str):
        return dest
    (tmp_path / 'data').mkdir(exist_ok=True)
    return f'{tmp_path}/{dest}'


@pytest.mark.parametrize('dest', DESTINATIONS)
def test_a_missing_file_is_asked_for_once(
    make_manager: MakeManager, server: Server, tmp_path: Path, dest: Any
) -> None:
    """In the cache, at a path, in a folder and in memory, also by another manager."""
    url, place = server.on('/t.tsv', respond(404)), _dest(tmp_path, dest)
    for _ in range(2):
        manager = make_manager(tmp_path / 'cache', **WEEK)
        with pytest.raises(NotFoundError) as raised:
            manager.download(url, dest=place)

    assert len(server.asked) == 1
    assert 'known to be missing since' in str(raised.value)
    assert 'force_download=True' in str(raised.value)
    assert raised.value.status == 404


@pytest.mark.parametrize('dest', DESTINATIONS)
def test_a_later_success_ends_it(
    make_manager: MakeManager, server: Server, tmp_path: Path, dest: Any
) -> None:
    """Also if the stored copy is then removed."""
    url, place = server.on('/t.tsv', respond(404)), _dest(tmp_path, dest)
    manager = make_manager(tmp_path / 'cache', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url, dest=place)
    server.on('/t.tsv', resource(b'1'))

    found = manager.download(url, dest=place, force_download=True)
    if isinstance(found, str):
        os.unlink(found)
    manager.download(url, dest=place)

    assert len(server.asked) == 3


def test_without_the_option_a_success_ends_it_too(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The misses of one manager are ended by the downloads of another."""
    url = server.on('/t.tsv', respond(410))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url)
    server.on('/t.tsv', resource(b'1'))

    os.unlink(str(make_manager(tmp_path / 'cache').download(url)))

    assert manager.download(url)


@pytest.mark.parametrize(
    'options',
    [
        {'force_download': True},
        {'freshness': 'always'},
        {'check_freshness': True},
        {'remember_missing': None},
        {'remember_missing': '1ms'},
        {'newer_than': '0s'},
        {'any_status': True},
        {'method': 'PUT', 'data': 'x'},
    ],
)
def test_it_is_asked_for_again_if_the_caller_wants(
    make_manager: MakeManager, server: Server, tmp_path: Path, options: dict[str, Any]
) -> None:
    """By the options that ask for the present state, and by requests that change something."""
    if options == {'remember_missing': '1ms'}:
        options = {'remember_missing': timedelta(microseconds=1)}
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    for _ in range(2):
        with suppress(NotFoundError):
            assert manager.fetch(url, **options).fault is not None

    assert len(server.asked) == 2


def test_a_forced_download_forgets_it_whatever_the_server_says(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """An error of the server then does not leave the earlier miss."""
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url)
    server.on('/t.tsv', respond(500))
    with pytest.raises(dm.ServerError):
        manager.download(url, force_download=True)
    server.on('/t.tsv', resource(b'1'))

    assert manager.download(url)


def test_other_statuses_are_remembered_by_a_list(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In Python, and as text; 403 is not among them by default."""
    url = server.on('/t.tsv', respond(403))
    manager = make_manager(tmp_path / 'cache', retries=0)
    for listed in ('7d', {'for': '7d', 'statuses': [403, 404]}, '7d for 403, 404'):
        with pytest.raises(AuthError) as raised:
            manager.download(url, remember_missing=listed)

    assert len(server.asked) == 2
    assert 'the server answered 403' in str(raised.value)


def test_a_mirror_that_fails_otherwise_may_have_the_file(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """It is missing only if every source says so."""
    url, mirror = server.on('/t.tsv', respond(404)), server.on('/m/t.tsv', respond(500))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    for _ in range(2):
        with pytest.raises(dm.ServerError):
            manager.download(url, mirrors=[mirror])
    assert len(server.asked) == 4

    server.on('/m/t.tsv', respond(404))
    for _ in range(2):
        with pytest.raises(NotFoundError):
            manager.download(url, mirrors=[mirror])

    assert len(server.asked) == 6


def test_a_stored_copy_is_still_checked(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A miss replaces a download, not the check of a copy, and offline the copy is used."""
    url = server.on('/t.tsv', resource(b'1', etag='"1"'))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    manager.download(url)
    server.on('/t.tsv', respond(404))
    for _ in range(2):
        with pytest.raises(NotFoundError):
            manager.download(url, freshness='0s')

    assert len(server.asked) == 3
    assert manager.download(url)


def test_plan_and_audit_tell_it(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """Without a request."""
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url)

    with pytest.raises(NotFoundError, match='known to be missing since'):
        manager.plan(url)
    [line] = manager.audit([url])

    assert line.status.value == 'would-fail'
    assert 'known to be missing since' in line.reason
    assert len(server.asked) == 1


def test_the_misses_of_a_batch_are_rows(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """They cost no files, in the cache and at paths."""
    urls = [server.on(f'/{number}', respond(404)) for number in range(64)]
    manager = make_manager(tmp_path / 'cache', **WEEK)
    for dest in (None, tmp_path / 'data'):
        for _ in range(2):
            done = list(manager.download_many(urls, dest=dest, workers=4))
            assert {getattr(one.fault, 'status', None) for one in done} == {404}

    assert len(server.asked) == 128
    assert sum(len(files) for _, _, files in os.walk(tmp_path)) < 12


def test_offline_it_is_reported(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """It says more than that the file is not in the cache."""
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url)

    with pytest.raises(NotFoundError):
        manager.download(url, offline=True)


@pytest.mark.parametrize('dest', [None, 'data/t.tsv'])
def test_the_command_line_lists_and_forgets_them(
    make_manager: MakeManager, server: Server, tmp_path: Path, dest: Any
) -> None:
    """Those of a cache, and of a folder; by URL or by key."""
    url, other = server.on('/t.tsv', respond(404)), server.on('/u.tsv', respond(410))
    manager, place = make_manager(tmp_path / 'cache', **WEEK), _dest(tmp_path, dest)
    for one in (url, other):
        with pytest.raises(NotFoundError):
            manager.download(one, dest=place)
    where = ('--cache', f'{tmp_path}/cache') if dest is None else ('--dir', f'{tmp_path}/data')

    def run(*words: str) -> Any:
        return CliRunner().invoke(group, ['cache', 'missing', *where, *words])

    assert {one['url']: one['status'] for one in json.loads(run('--json').stdout)} == {
        url: 404,
        other: 410,
    }
    assert run(url).stdout.endswith(f'  404  {url}\n')
    assert run(url, '--forget').exit_code == 0
    left = json.loads(run('--json').stdout)
    assert [one['url'] for one in left] == [other]
    assert run(left[0]['key'][:12], '--forget').stdout.endswith(f'  410  {other}\n')
    assert run().stderr == 'note: no missing file is remembered\n'
    with pytest.raises(NotFoundError):
        manager.download(url, dest=place)
    assert len(server.asked) == 3


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'POST'])
def test_a_change_on_the_server_ends_it(
    make_manager: MakeManager, server: Server, tmp_path: Path, method: str
) -> None:
    """The next download asks, whether the file was put there or not."""
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', freshness='http', **WEEK)
    with pytest.raises(NotFoundError):
        manager.download(url)
    server.on('/t.tsv', resource(b'1'))
    manager.fetch(url, method=method, any_status=True)

    assert Path(str(manager.download(url))).read_bytes() == b'1'


def test_a_request_with_no_cache_asks(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """By the rules of HTTP."""
    url = server.on('/t.tsv', respond(404))
    manager = make_manager(tmp_path / 'cache', freshness='http', **WEEK)
    for control in ('max-age=0', 'max-age=60', 'no-cache'):
        with pytest.raises(NotFoundError):
            manager.download(url, headers={'Cache-Control': control})
    assert len(server.asked) == 2
