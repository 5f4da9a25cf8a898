"""Client certificates: shown to their origin by either backend, with a key that has a password."""

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError, RequestError
from dlmachine.manager import DownloadManager
from tests.manager.test_cookies import read
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server
from tests.servers.nginx import Nginx
from tests.servers.tls import Authority

BODY = b'gene\tvalue\n' * 1_000
PASSWORD = 'planted-password'
MakeManager = Callable[..., DownloadManager]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority for the server and its clients."""
    return Authority.make(tmp_path)


@pytest.fixture
def client(authority: Authority, tmp_path: Path) -> dict[str, Any]:
    """The options for a certificate whose key has a password."""
    cert, key = authority.client_files(tmp_path)
    locked = authority.locked_key(key, PASSWORD)
    return {'cainfo': authority.cainfo, 'cert': cert, 'key': locked}


@pytest.fixture
def nginx(authority: Authority, tmp_path: Path) -> Iterator[str]:
    """The URL of an nginx that wants a certificate of a client."""
    root = tmp_path / 'root'
    root.mkdir()
    (root / 'data').write_bytes(BODY)
    issued, pem = authority.ca.issue_cert('127.0.0.1'), tmp_path / 'server.pem'
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    settings = (
        f'ssl_certificate {pem}; ssl_certificate_key {pem}; '
        f'ssl_client_certificate {authority.cainfo}; ssl_verify_client on;'
    )
    server = Nginx(tmp_path / 'nginx', root, settings, is_tls=True)
    server.start()
    yield f'{server.url}/data'
    server.kill()


def a_password() -> str:
    """A password from a program."""
    return PASSWORD


@pytest.mark.parametrize('how', ['text', 'variable', 'file', 'function'])
def test_nginx(
    nginx: str,
    client: dict[str, Any],
    make_manager: MakeManager,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    """The password by value and by reference; without a certificate the server refuses."""
    monkeypatch.setenv('A_PASSWORD', PASSWORD)
    (tmp_path / 'password').write_text(f'{PASSWORD}\n')
    (tmp_path / 'password').chmod(0o600)
    ways: dict[str, Any] = {
        'text': PASSWORD,
        'variable': 'env:A_PASSWORD',
        'file': f'file:{tmp_path / "password"}',
        'function': a_password,
    }
    manager = make_manager(tmp_path / 'cache')
    assert read(manager, nginx, **client, key_password=ways[how]) == BODY
    assert manager.probe(nginx, **client, key_password=ways[how]).status.value == 'alive'
    # It does not count in the key.
    manager.download(nginx, **client, key_password=ways[how])
    assert manager.fetch(nginx).origin.value == 'cache'
    with pytest.raises(DownloadError, match='400'):
        read(make_manager(retries=0), nginx, cainfo=client['cainfo'])


def test_for_a_site(
    nginx: str, client: dict[str, Any], make_manager: MakeManager, tmp_path: Path
) -> None:
    """In a rule of a configuration file, with paths relative to it."""
    (tmp_path / 'password').write_text(PASSWORD)
    (tmp_path / 'password').chmod(0o600)
    config = tmp_path / 'dl.toml'
    lines = [f'{name} = "{Path(path).name}"' for name, path in client.items()]
    lines = ['[[rule]]', 'match = "https://127.0.0.1:*/**"', *lines]
    config.write_text('\n'.join([*lines, 'key_password = "file:password"']))
    assert read(make_manager(config=config), nginx) == BODY


def test_it_is_for_its_origin(
    authority: Authority, client: dict[str, Any], make_manager: MakeManager
) -> None:
    """Another host that asks for one gets none."""
    with (
        Server(context=authority.server_context(asks_client=True)) as first,
        Server(context=authority.server_context(asks_client=True)) as other,
    ):
        away = other.on('/data', resource(BODY))
        here = first.on('/here', resource(BODY))
        assert read(make_manager(), here, **client, key_password=PASSWORD) == BODY
        moved = first.on('/moves', redirect(away))
        with pytest.raises(DownloadError):
            read(make_manager(retries=0), moved, **client, key_password=PASSWORD)
        assert [one.path for one in first.asked] == ['/here', '/moves']
        assert other.asked == []


def test_what_cannot_be_used(
    authority: Authority, client: dict[str, Any], make_manager: MakeManager, tmp_path: Path
) -> None:
    """Each problem, alike in both backends; nothing is sent, and no terminal is asked."""
    other = tmp_path / 'other'
    other.mkdir()
    _, stranger = authority.client_files(other)
    text = tmp_path / 'text'
    text.write_text('certificate')
    broken = tmp_path / 'broken'
    broken.write_text('-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n')
    url = 'https://127.0.0.1:9/x'
    for change, problem in (
        ({}, r'client.locked: the password of its key is missing. Pass it as key_password='),
        ({'key_password': 'planted-2'}, r'client.locked: the password is not that of its key'),
        (
            {'key': stranger},
            r'client.pem: the key in .* does not belong to it. Check cert= and key=',
        ),
        ({'cert': text}, 'text: it is not a certificate in PEM'),
        ({'key': text}, 'text: it has no private key in PEM'),
        ({'key': None}, 'client.pem: it has no private key in PEM'),
        ({'cert': broken, 'key': stranger}, 'broken: it is damaged, or of an unknown kind'),
        ({'cert': None}, 'key needs the certificate that it belongs to'),
        ({'key': tmp_path / 'nowhere'}, 'key names a file that does not exist'),
        ({'key_password': 'env:NOT_SET'}, 'the secret env:NOT_SET cannot be read'),
    ):
        with pytest.raises(RequestError, match=problem) as caught:
            read(make_manager(), url, **{**client, **change})
        assert 'planted' not in str(caught.value)
    with pytest.raises(RequestError, match='key_password must be a text or a function, not int'):
        dm.Descriptor(url, key_password=5)  # type: ignore[arg-type]


def test_an_unreadable_key(
    client: dict[str, Any], make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault has the words of the system."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(ssl.SSLContext, 'load_cert_chain', refuse)
    monkeypatch.setattr(Path, 'read_bytes', refuse)
    with pytest.raises(RequestError, match='it cannot be read: Permission denied'):
        read(make_manager(), 'https://127.0.0.1:9/x', **client)


def test_a_password_is_shown_nowhere(
    nginx: str,
    client: dict[str, Any],
    make_manager: MakeManager,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in a plan nor in a record or a log."""
    manager = make_manager(tmp_path / 'cache')
    options = {**client, 'key_password': PASSWORD}
    with caplog.at_level(logging.DEBUG, 'dlmachine'):
        outcome = manager.fetch(nginx, **options)
    plan = manager.plan(nginx, **options, force_download=True)
    shown = [str(plan), repr(plan), plan.to_json(), repr(outcome), repr(outcome.story), caplog.text]
    shown += [repr(dm.Descriptor(nginx, **options)), repr(make_manager(**options).config)]
    assert [PASSWORD in text for text in shown] == [False] * len(shown)
    assert f'certificate  {client["cert"]}, password ***, shown only to https://127' in str(plan)
    files = [one for one in (tmp_path / 'cache').rglob('*') if one.is_file()]
    assert not [one for one in files if PASSWORD.encode() in one.read_bytes()]


@pytest.mark.parametrize('secret', ['env:HOME', 'file:password'])
def test_a_manifest_may_not_read_a_password(tmp_path: Path, secret: str) -> None:
    """Another person may have written it; a password that it contains is its own."""
    path = tmp_path / 'm.toml'
    path.write_text(f'[[download]]\nurl = "https://h/x"\ncert = "c"\nkey_password = "{secret}"\n')
    [item] = dm.unwrap(dm.read_manifest(path))
    assert f'reads {secret[:5]}' in str(item.fault)
    assert "another person's" in str(item.fault)
    path.write_text(f'url = "https://h/x"\ncert = "c"\nkey_password = "{secret}"\n')
    with pytest.raises(RequestError, match='another person'):
        dm.Descriptor.from_file(path)
    assert dm.Descriptor.from_file(path, allow_outside=True).key_password is not None
    path.write_text('[[download]]\nurl = "https://h/x"\ncert = "c"\nkey_password = "plain"\n')
    [item] = dm.unwrap(dm.read_manifest(path))
    assert item.fault is None
