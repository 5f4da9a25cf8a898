"""Entries of other keys whose bytes are used: requests counted at the server."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
SHA256 = f'sha256:{hashlib.sha256(BODY).hexdigest()}'
MD5 = f'md5:{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}'
SIGNED = '/b/t.tsv?X-Amz-Date=2024{}&X-Amz-Signature={}'


@pytest.fixture
def urls(server: Server) -> tuple[str, str]:
    """Two URLs of the same bytes."""
    return server.on('/a/t.tsv', resource(BODY, etag='"1"')), server.on('/b/u.tsv', resource(BODY))


@pytest.mark.parametrize('dest', [None, 'data/u.tsv', 'data/'])
@pytest.mark.parametrize('checksum', [SHA256, MD5])
def test_known_bytes_are_not_downloaded_again(
    make_manager: MakeManager,
    server: Server,
    urls: tuple[str, str],
    tmp_path: Path,
    dest: str | None,
    checksum: str,
) -> None:
    """Whatever their URL is; the next call finds them under the key of its own."""
    manager = make_manager(tmp_path / 'cache')
    manager.download(urls[0], checksum=checksum)
    (tmp_path / 'data').mkdir()
    place = None if dest is None else f'{tmp_path}/{dest}'

    plan = manager.plan(urls[1], dest=place, checksum=checksum)
    outcome = manager.fetch(urls[1], dest=place, checksum=checksum)
    again = manager.fetch(urls[1], dest=place, checksum=checksum)

    assert 'because      an entry of the cache has the expected checksum' in str(plan)
    assert f'the bytes are those of {urls[0]}' in str(plan)
    assert [type(effect) for effect, _ in outcome.story] == [type(one) for one in plan.effects]
    assert (outcome.origin.value, outcome.tries) == ('cache', 0)
    assert Path(str(outcome.path)).read_bytes() == BODY
    assert outcome.record is not None
    assert outcome.record.etag is None
    assert outcome.record.url == urls[1]
    assert again.reason.startswith(('the cache has', 'the file is recorded'))
    assert again.path == outcome.path
    assert Path(str(outcome.path)).name.endswith('.tsv')
    assert len(server.asked) == 1


def test_a_path_is_filled_from_the_entry_of_its_own_url(
    make_manager: MakeManager, server: Server, urls: tuple[str, str], tmp_path: Path
) -> None:
    """Also offline."""
    manager = make_manager(tmp_path / 'cache', checksum=SHA256)
    manager.download(urls[0])

    manager.download(urls[0], dest=tmp_path / 't.tsv', offline=True)

    assert (tmp_path / 't.tsv').read_bytes() == BODY
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    'options',
    [
        {'force_download': True},
        {'check_freshness': True},
        {'checksum': None},
        {'method': 'PUT', 'data': 'x'},
        {'dest': False},
    ],
)
def test_the_file_is_downloaded_if_the_caller_wants(
    make_manager: MakeManager,
    server: Server,
    urls: tuple[str, str],
    tmp_path: Path,
    options: dict[str, Any],
) -> None:
    """By the options that ask the server."""
    manager = make_manager(tmp_path / 'cache')
    manager.download(urls[0])
    manager.fetch(urls[1], **{'checksum': SHA256, **options})

    assert len(server.asked) == 2


@pytest.mark.parametrize('harm', [os.unlink, lambda path: Path(path).write_bytes(b'x' * len(BODY))])
def test_an_entry_without_its_bytes_is_not_used(
    make_manager: MakeManager, server: Server, urls: tuple[str, str], tmp_path: Path, harm: Any
) -> None:
    """The file is downloaded instead."""
    manager = make_manager(tmp_path / 'cache')
    harm(manager.download(urls[0]))

    found = manager.fetch(urls[1], checksum=SHA256)

    assert found.origin.value == 'network'
    assert Path(str(found.path)).read_bytes() == BODY
    assert len(server.asked) == 2


def _old(manager: DownloadManager, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    # As before the signatures were left out.
    with monkeypatch.context() as patch:
        patch.setattr('dlmachine.targets.without_signature', lambda descriptor: descriptor)
        manager.download(url)


def test_an_entry_of_an_earlier_key_is_found_by_its_url(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A presigned URL whose signature counted; the next call finds it under the new key."""
    server.on('/b/t.tsv', resource(BODY, etag='"1"'))
    old, new = (server.url(SIGNED.format(day, day)) for day in ('0501', '0502'))
    manager = make_manager(tmp_path / 'cache')
    _old(manager, monkeypatch, old)

    plan = manager.plan(new)
    outcome = manager.fetch(new)
    again = manager.fetch(new)

    assert 'an entry of the cache is of the same URL, but for parameters' in str(plan)
    assert outcome.origin.value == 'cache'
    assert outcome.record is not None
    assert (outcome.record.etag, outcome.record.key_ignores_query) == ('"1"', ('X-Amz-*',))
    assert again.reason == 'the cache has a usable version'
    assert len(server.asked) == 1


def test_an_option_that_is_newly_set_finds_earlier_entries(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """`key_ignores_query` with other parameters that stay, and with a freshness."""
    server.on('/t.tsv', resource(BODY))
    manager = make_manager(tmp_path / 'cache')
    manager.download(server.url('/t.tsv?stamp=1&a=1'))
    options: dict[str, Any] = {'key_ignores_query': ['stamp']}

    manager.download(server.url('/t.tsv?stamp=2&a=1'), freshness='7d', **options)
    assert len(server.asked) == 1

    manager.download(server.url('/t.tsv?stamp=2&a=2'), **options)
    manager.download(server.url('/t.tsv?stamp=2&a=1'), headers={'X-Kind': 'b'}, **options)
    manager.download(server.url('/t.tsv?a=1'), freshness='0s', **options)
    assert len(server.asked) == 4


def test_a_masked_secret_that_counts_tells_nothing(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Two tokens are the same text in a record."""
    server.on('/t.tsv', resource(BODY))
    manager = make_manager(tmp_path / 'cache')
    manager.download(server.url('/t.tsv?stamp=1&token=1'))
    manager.download(server.url('/t.tsv?stamp=1&token=2'), key_ignores_query=['stamp'])

    assert len(server.asked) == 2


def test_the_search_uses_an_index(
    make_manager: MakeManager, urls: tuple[str, str], tmp_path: Path
) -> None:
    """By digest, and by URL."""
    from dlmachine_adapters.cachedir.foreign_entries import _OTHERS

    manager = make_manager(tmp_path / 'cache')
    manager.download(urls[0])
    with manager._world.store.registry.writing() as connection:  # type: ignore[union-attr]
        for question, name in (
            (f"{_OTHERS} keyvar = 0 AND name = 'md5' AND value = ?", 'dlmachine_digest'),
            (f"{_OTHERS} keyvar = 1 AND name = '_uri' AND value > ?", 'dlmachine_uri'),
        ):
            rows = connection.execute(
                f'EXPLAIN QUERY PLAN {question} ORDER BY id DESC LIMIT 64', ('x',)
            )
            assert any(name in row[3] for row in rows), question
