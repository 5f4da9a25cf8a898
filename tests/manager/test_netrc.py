"""Logins of a netrc file: a server may send them back, and no one sees them."""

import logging
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import DownloadError, RequestError
from dlmachine.manager import DownloadManager
from tests.servers import logins
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server

MakeManager = Callable[..., DownloadManager]
PLANTED = (logins.PASSWORD, b64encode(f'{logins.USER}:{logins.PASSWORD}'.encode()).decode())


def _netrc(folder: Path, content: bytes | None = None) -> Path:
    path = folder / 'logins'
    login = f'machine 127.0.0.1 login {logins.USER} password {logins.PASSWORD}\n'
    path.write_bytes(login.encode() if content is None else content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize('backend', ['requests', 'curl'])
@pytest.mark.parametrize('status', [200, 302, 403])
def test_an_echoed_login_is_nowhere(
    server: Server,
    make_manager: MakeManager,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    backend: str,
    status: int,
) -> None:
    """Neither in errors, outcomes and logs nor in the registry or an index."""

    def echo(asked: Any, wire: Any) -> None:
        said = f'{asked.get("Authorization")} {logins.USER}:{logins.PASSWORD}'
        fields = (
            ('X-Said', said),
            ('ETag', f'"{logins.PASSWORD}"'),
            ('Content-Type', 'text/plain'),
        )
        wire.respond(403 if status == 403 else 200, fields, said.encode())

    url = server.on('/data', echo)
    if status == 302:
        url = server.on('/moved', redirect(f'/data?x={logins.PASSWORD}'))
    manager = make_manager(tmp_path / 'cache', retries=0, backend=backend)
    auth, words = {'netrc': _netrc(tmp_path)}, []
    with caplog.at_level(logging.DEBUG):
        for dest in (None, tmp_path / 'folder' / 'file'):
            try:
                outcome = manager.fetch(url, dest=dest, auth=auth, check_content=False)
            except DownloadError as error:
                words += [str(error), repr(error), repr(error.fault), error.body or '']
            else:
                words += [repr(outcome), repr(outcome.story), repr(outcome.headers)]
    words.append(caplog.text)
    for folder in ('cache', 'folder'):
        for path in (tmp_path / folder).rglob('*'):
            is_stored = path.is_file() and not path.read_bytes().startswith(b'Basic')
            words += [path.name, path.read_bytes().decode('latin-1') if is_stored else '']
    assert not [word for word in PLANTED if any(word in one for one in words)]


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (
            b'machine 127.0.0.1 login me planted-password\n',
            'is not a netrc file: see line 2 or the one before it',
        ),
        (b'\xff', 'is not a netrc file in UTF-8'),
    ],
)
def test_a_named_file_that_is_damaged(
    server: Server, make_manager: MakeManager, tmp_path: Path, content: bytes, problem: str
) -> None:
    """An error, which shows nothing of its text, instead of a request without a login."""
    url = server.on('/data', resource(b'data'))
    with pytest.raises(RequestError, match=f'netrc file .*logins {problem}') as caught:
        make_manager().download(url, dest=False, auth={'netrc': _netrc(tmp_path, content)})
    assert 'planted' not in str(caught.value)
    assert not server.asked


def test_timeout_bounds_a_function(server: Server, make_manager: MakeManager) -> None:
    """Also one that downloads with itself as its `auth`, and so waits for itself."""
    manager, url = make_manager(), server.on('/data', resource(b'data'))

    def token() -> str:
        got: Any = manager.download(url, dest=False, auth={'bearer': token}, timeout=0.2)
        return str(got)

    with pytest.raises(DownloadError, match=r'did not return within 0\.|raised'):
        manager.download(url, dest=False, auth={'bearer': token}, timeout=0.5)


@pytest.mark.parametrize('page', [logins.basic, logins.digest, logins.bearer])
def test_a_probe_logs_in(
    server: Server, make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    """As the download does, also with a reference."""
    monkeypatch.setenv('A_SECRET', logins.TOKEN if page is logins.bearer else logins.PASSWORD)
    pair = (logins.USER, 'env:A_SECRET')
    auth = {'bearer': 'env:A_SECRET'} if page is logins.bearer else {page.__name__: pair}
    url = server.on('/data', page(resource(b'data')))
    assert make_manager().probe(url, auth=auth).status.value == 'alive'
    assert make_manager(retries=0).probe(url).status.value == 'forbidden'
