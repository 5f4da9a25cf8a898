"""`key_without` and `key_ignores_query`: a rotated token does not download the file again."""

from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import RequestError
from dlmachine.manager import DownloadManager
from dlmachine.manifest import read_manifest
from tests.fixtures import MakeManager
from tests.servers.behaviours import in_turn, raw, resource
from tests.servers.http import Server

BODY = b'a,b\n1,2\n'


def test_a_rotated_token_is_a_hit(manager: DownloadManager, server: Server) -> None:
    """In a header or in a query; another value that counts is another download."""
    url = server.on('/t', resource(BODY))
    options: dict[str, Any] = {'key_without': ['Cookie'], 'key_ignores_query': ['X-Amz-*']}

    def fetch(cookie: str, date: str, gene: str = 'TP53') -> dm.Outcome:
        return manager.fetch(
            f'{url}?X-Amz-Date={date}', query={'gene': gene}, headers={'Cookie': cookie}, **options
        )

    first, second = fetch('a=1', '1'), fetch('a=2', '2')
    assert (second.origin, second.path) == (dm.Origin.CACHE, first.path)
    assert fetch('a=2', '2', 'EGFR').origin is dm.Origin.NETWORK
    assert len(server.asked) == 2
    assert first.record is not None
    assert first.record.key_ignores_query == ('X-Amz-*',)


def test_a_rotated_token_checks_freshness_by_a_condition(
    manager: DownloadManager, server: Server
) -> None:
    """The copy is confirmed with 304, and not transferred again."""
    url = server.on('/t', resource(BODY, etag='"v1"'))
    options: dict[str, Any] = {'key_ignores_query': 'stamp', 'check_freshness': True}
    manager.download(f'{url}?stamp=1', **options)
    outcome = manager.fetch(f'{url}?stamp=2', **options)

    assert outcome.origin is dm.Origin.CACHE
    assert server.asked[-1].get('If-None-Match') == '"v1"'


def test_without_the_option_it_is_another_download(
    manager: DownloadManager, server: Server
) -> None:
    """There is no default; the option of one call does not change the key of another."""
    url = server.on('/t', resource(BODY))
    plain = manager.download(url)
    assert manager.download(url, headers={'Cookie': 'a'}) != plain
    assert manager.download(url, headers={'Cookie': 'b'}, key_without='Cookie') == plain
    assert len(server.asked) == 2


def test_it_is_an_option_of_every_level(
    make_manager: MakeManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manager, configuration, environment, manifest and Descriptor; a call comes first."""
    monkeypatch.setenv('DLMACHINE_KEY_IGNORES_QUERY', 'token, X-Amz-*')
    manager = make_manager(config={'key_without': ['Cookie']})
    made, _ = manager.prepare('http://h/')
    assert (made.key_without, made.key_ignores_query) == (('cookie',), ('X-Amz-*', 'token'))
    other, _ = manager.prepare('http://h/', key_without=(), key_ignores_query=['sid'])
    assert (other.key_without, other.key_ignores_query) == ((), ('sid',))
    own, _ = manager.prepare(dm.Descriptor('http://h/', key_without=['X-Id']))
    assert (own.key_without, own.key_ignores_query) == (('x-id',), ('X-Amz-*', 'token'))
    derived, _ = manager.with_options(key_without=['Via-*']).prepare('http://h/')
    assert derived.key_without == ('via-*',)
    manifest = tmp_path / 'm.toml'
    manifest.write_text('[[download]]\nurl = "http://h/"\nkey_without = ["Authorization"]\n')
    (item,) = read_manifest(manifest).unwrap()
    assert item.descriptor is not None
    assert item.descriptor.key_without == ('authorization',)


def test_a_plan_shows_it(manager: DownloadManager) -> None:
    """In its text and in its JSON."""
    plan = manager.plan('http://h/?token=s3cret', key_without='Cookie', key_ignores_query='token')

    assert '  cache key    without the headers cookie\n' in str(plan)
    assert '  cache key    without the query parameters token\n' in str(plan)
    assert '"key_ignores_query": ["token"]' in plan.to_json()
    assert 's3cret' not in f'{plan}{plan.to_json()}'
    assert dm.Plan.from_json(plan.to_json()).unwrap().key == plan.key
    assert 'cache key' not in str(manager.plan('http://h/'))


def test_all_headers_or_parameters_cannot_be_named(make_manager: MakeManager) -> None:
    """Otherwise different downloads would share one copy."""
    for name in ('key_without', 'key_ignores_query'):
        options: dict[str, Any] = {name: ['*']}
        with pytest.raises(RequestError, match=f'{name} must not contain'):
            make_manager(**options)
        with pytest.raises(RequestError, match=f'{name} must not contain'):
            make_manager().download('http://h/', **options)


def test_a_rotated_token_resumes_a_part(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Of a URL that is the same but for what is ignored; of another it does not."""
    body = bytes(range(256)) * 4096
    head = f'HTTP/1.1 200 OK\r\nETag: "v1"\r\nAccept-Ranges: bytes\r\nContent-Length: {len(body)}\r\n\r\n'
    broken = raw(head.encode(), body[:500_000], ends='close')
    manager = make_manager(tmp_path / 'cache', retries=0)
    for number, (option, is_resumed) in enumerate((('stamp', True), (None, False))):
        url = server.on(f'/{number}', in_turn(broken, resource(body, etag='"v1"')))
        with pytest.raises(dm.DownloadError):
            manager.download(f'{url}?stamp=1', key_ignores_query=option)
        path = manager.download(f'{url}?stamp=2', key_ignores_query=option)
        assert Path(str(path)).read_bytes() == body
        assert (server.asked[-1].get('Range') is not None) is is_resumed


def test_a_newly_signed_url_is_a_hit(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Unless the caller says which parameters count; the plan names those that do not."""
    signed = f'{server.on("/s", resource(BODY))}?X-Amz-Date=1&X-Amz-Signature='
    with make_manager(tmp_path / 'cache') as manager:
        first, second = manager.fetch(f'{signed}a'), manager.fetch(f'{signed}b')
        assert (second.origin, second.path) == (dm.Origin.CACHE, first.path)
        assert 'without the query parameters X-Amz-*' in str(manager.plan(f'{signed}c'))
        assert manager.fetch(f'{signed}d', key_ignores_query=[]).origin is dm.Origin.NETWORK
    with make_manager(tmp_path / 'cache', key_ignores_query=['other']) as manager:
        assert manager.fetch(f'{signed}e').origin is dm.Origin.NETWORK
    assert len(server.asked) == 3
