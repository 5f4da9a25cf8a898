"""Proxies of a manager: in keywords, files, rules and variables, and never from another person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import resource, respond
from tests.servers.http import Server
from tests.servers.proxy import Proxy
from tests.servers.proxy_program import ProxyProgram

MakeManager = Callable[..., DownloadManager]
PASSWORD = 'planted/p@ss'


def test_a_password_is_read_when_it_is_sent(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """From a file beside the configuration, by a rule; it is stored nowhere."""
    url = server.on('/x', resource(b'abc'))
    (tmp_path / 'secret').write_text(PASSWORD)
    (tmp_path / 'secret').chmod(0o600)
    with Proxy(login=f'me:{PASSWORD}') as proxy:
        (tmp_path / 'dl.toml').write_text(
            f'[[rule]]\nmatch = "{server.url("/**")}"\nproxy = "{proxy.url()}"\n'
            'proxy_auth = ["me", "file:secret"]\n'
        )
        manager = make_manager(path=tmp_path / 'cache', config=tmp_path / 'dl.toml')
        assert 'file:' in str(manager.plan(url))
        manager.download(url)
        assert len(proxy.targets) == 1
    stored = [path.read_bytes() for path in (tmp_path / 'cache').rglob('*') if path.is_file()]
    assert not any(b'planted' in data for data in stored)


@pytest.mark.parametrize('password', ['', 'wrong'])
def test_a_login_is_tried_once(make_manager: MakeManager, server: Server, password: str) -> None:
    """The error names the proxy, and what to set."""
    url = server.on('/x', resource(b'abc'))
    auth = ('me', password) if password else None
    with Proxy(login=f'me:{PASSWORD}') as proxy:
        manager = make_manager(retries=3, proxy=proxy.url(), proxy_auth=auth)
        with pytest.raises(dm.NetworkError) as caught:
            manager.fetch(url)
        assert len(proxy.targets) == 1
    assert caught.value.fault.code == 'proxy_login_refused'
    assert 'proxy_auth=' in str(caught.value)


def test_the_proxy_of_a_package(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """One that was not written for these tests: with and without its login, and its own 502."""
    pytest.importorskip('proxy')
    url = server.on('/x.csv', resource(b'a,b'))
    with ProxyProgram(f'me:{PASSWORD}', tmp_path) as proxy:
        # This proxy forwards the second request of a connection to the server of the first one, so
        # each has its own.
        options: dict[str, Any] = {'proxy': proxy.url, 'no_proxy': '', 'retries': 0}
        known = {**options, 'proxy_auth': ('me', PASSWORD)}
        assert make_manager(**known).fetch(url, False).buffer.read() == b'a,b'  # type: ignore[union-attr]
        with pytest.raises(dm.ServerError, match=f'502 .*through the proxy .*:{proxy.port}'):
            make_manager(**known).fetch('http://127.0.0.1:1/x.csv', False)
        with pytest.raises(dm.NetworkError) as caught:
            make_manager(**known).fetch('https://127.0.0.1:1/x.csv', False)
        assert caught.value.fault.code == 'proxy_refused'
        for auth in (('me', 'wrong'), None):
            with pytest.raises(dm.NetworkError) as caught:
                make_manager(proxy_auth=auth, **options).fetch(url, False)
            assert caught.value.fault.code == 'proxy_login_refused'
    assert len(server.asked) == 1


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_the_page_of_a_proxy(make_manager: MakeManager, server: Server, backend: str) -> None:
    """One that answers with HTML and 200 in place of the server; nothing is stored."""
    server.fallback = resource(b'<!DOCTYPE html><title>Log in</title>')
    proxy = f'http://me:pw@127.0.0.1:{server.port}'
    manager = make_manager(retries=0, proxy=proxy, no_proxy='', backend=backend)
    with pytest.raises(dm.IntegrityError) as caught:
        manager.fetch('http://h.invalid/x.csv', False)
    assert f'came through the proxy http://***@127.0.0.1:{server.port}.' in str(caught.value)
    assert 'no_proxy=' in str(caught.value)


@pytest.mark.parametrize('backend', ['requests', 'curl'])
@pytest.mark.parametrize('status', [403, 502, 503, 504, 511])
def test_an_error_of_a_proxy(
    make_manager: MakeManager, server: Server, status: int, backend: str
) -> None:
    """One that may be the proxy's own names it, without its login; so does a probe."""
    server.fallback = respond(status)
    proxy = f'http://me:pw@127.0.0.1:{server.port}'
    manager = make_manager(retries=0, proxy=proxy, no_proxy='', backend=backend)
    with pytest.raises(dm.DownloadError) as caught:
        manager.fetch('http://h.invalid/x.csv', False)
    named = (
        f'(through the proxy http://***@127.0.0.1:{server.port}, which may have answered itself)'
    )
    assert named in str(caught.value)
    assert 'if the proxy answered, ask its operators' in str(caught.value)
    probed = manager.probe('http://h.invalid/x.csv')
    assert named in str(probed.fault)


def test_an_error_of_a_server_behind_a_proxy(make_manager: MakeManager, server: Server) -> None:
    """One that only the server has does not blame the proxy."""
    with Proxy() as proxy, pytest.raises(dm.NotFoundError) as caught:
        make_manager(retries=0, proxy=proxy.url(), no_proxy='').fetch(server.url('/none'), False)
    assert 'proxy' not in str(caught.value)


def test_a_password_that_is_not_set(make_manager: MakeManager, server: Server) -> None:
    """No request is sent."""
    url = server.on('/x', resource(b'abc'))
    with Proxy() as proxy, pytest.raises(dm.RequestError, match='NOT_THERE'):
        make_manager(proxy=proxy.url(), proxy_auth=('me', 'env:NOT_THERE')).fetch(url)
    assert server.asked == []


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('proxy', '"http://evil.example"'),
        ('proxy_auth', '["me", "env:HOME"]'),
        ('no_proxy', '"*"'),
        ('resolve', '{ "h:80" = "192.0.2.7" }'),
        ('forbid_private', 'false'),
    ],
)
def test_a_manifest_of_another_person_does_not_choose_the_way(
    tmp_path: Path, name: str, value: str
) -> None:
    """Neither to a proxy of its author nor into the network of a service."""
    path = tmp_path / 'm.toml'
    path.write_text(f'[[download]]\nurl = "http://h/x"\n{name} = {value}\n')
    [item] = dm.unwrap(dm.read_manifest(path))
    assert "another person's" in str(item.fault)
    [item] = dm.unwrap(dm.read_manifest(path, allow_outside=True))
    assert item.fault is None


def test_a_manifest_may_ask_for_the_check(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """That leads nowhere else."""
    url = server.on('/x', resource(b'abc'))
    path = tmp_path / 'm.toml'
    path.write_text(f'[[download]]\nurl = "{url}"\nforbid_private = true\n')
    [done] = make_manager().download_many(dm.unwrap(dm.read_manifest(path)))
    assert not done.ok
    assert done.fault.code == 'address_refused'


@pytest.mark.parametrize('where', ['redirect', 'mirror', 'list'])
def test_private_addresses_are_refused_at_each_hop(
    make_manager: MakeManager, server: Server, where: str
) -> None:
    """A service is not led to its own network by the back door."""
    private = server.on('/private', resource(b'abc'))
    options: dict[str, Any] = {'forbid_private': True, 'retries': 0}
    if where == 'mirror':
        options['mirrors'] = [private]
    if where == 'list':
        options['checksum_file'] = private
    with pytest.raises(dm.DownloadError) as caught:
        make_manager().fetch(f'http://localhost:{server.port}/moved', **options)
    assert caught.value.fault.code == 'address_refused'
    assert server.asked == []
