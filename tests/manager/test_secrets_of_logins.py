"""Every way to say who one is: its secret is sent where it belongs, and shown and kept nowhere."""

import logging
import pickle
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from tests.fixtures import RunCommand
from tests.manager.test_secrets_nested import every_error
from tests.servers import login_pages
from tests.servers.behaviours import resource
from tests.servers.ftp import FtpFile, FtpServer
from tests.servers.http import Asked, Server, Wire
from tests.servers.login_pages import Django
from tests.servers.proxy import Proxy
from tests.servers.tls import Authority

MakeManager = Callable[..., DownloadManager]
BODY = b'gene,value\n' * 2_000
#: A password with characters that URLs and forms escape; the right one of the page with a form.
SECRET = 'pl4nted/p@ss:w0rd'
FORMS = (SECRET, quote(SECRET, safe=''), 'pl4nted', b64encode(f'me:{SECRET}'.encode()).decode())


@dataclass
class Door:
    """A server that asks who one is, the options that say it, and what shows that it was sent."""

    url: str
    options: dict[str, Any]
    seen: Callable[[], str]
    secrets: tuple[str, ...] = FORMS
    #: The lines of an entry of a manifest, if one can say it.
    entry: str = ''
    words: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)


def echo(asked: Asked, wire: Wire) -> None:
    """Send everything back in the head that was received."""
    fields = [(f'X-Echo-{at}', value) for at, (_, value) in enumerate(asked.fields)]
    fields += [('X-Said', SECRET), ('ETag', f'"{b64encode(SECRET.encode()).decode()}"')]
    wire.respond(200, tuple(fields), BODY)


def sent_to(server: Server) -> Callable[[], str]:
    """All requests, as text."""
    return lambda: '\n'.join(
        f'{one.target} {one.fields} {one.body!r}' for one in list(server.asked)
    )


@contextmanager
def _http(options: dict[str, Any], **more: Any) -> Iterator[Door]:
    with Server() as server:
        yield Door(server.on('/t.csv', echo), options, sent_to(server), **more)


@contextmanager
def _form(folder: Path) -> Iterator[Door]:
    with Server() as server, patch.object(login_pages, 'PASSWORD', SECRET):
        site = Django(server, resource(BODY))
        form = {'username': 'me', 'password': 'env:A_SECRET'}
        entry = (
            f'auth = {{ login = {{ url = "{site.login_url}", '
            'form = { username = "me", password = "env:A_SECRET" } } }'
        )
        words = (
            '--login-url', site.login_url, '--login-form', 'username=me',
            '--login-form', 'password=env:A_SECRET',
        )  # fmt: skip
        yield Door(
            site.url,
            {'auth': dm.Login(site.login_url, form=form)},
            sent_to(server),
            secrets=(*FORMS, 'planted-session', 'planted-token'),
            entry=entry,
            words=words,
        )


@contextmanager
def _proxy(folder: Path, *, in_url: bool) -> Iterator[Door]:
    with Proxy(login=f'me:{SECRET}') as proxy, Server() as server:
        url = server.on('/t.csv', echo)
        named = proxy.url(f'me:{SECRET}') if in_url else proxy.url()
        auth = {} if in_url else {'proxy_auth': ('me', 'env:A_SECRET')}
        words = ('-x', proxy.url(), '-U', 'me:env:A_SECRET')
        environ = {'http_proxy': named, 'no_proxy': ''} if in_url else {'no_proxy': ''}
        yield Door(
            url,
            {'proxy': named, 'no_proxy': '', **auth},
            sent_to(proxy.server),
            words=() if in_url else words,
            environ=environ,
        )


@contextmanager
def _certificate(folder: Path) -> Iterator[Door]:
    authority = Authority.make(folder)
    cert, key = authority.client_files(folder)
    locked = authority.locked_key(key, SECRET)
    with Server(context=authority.server_context(asks_client=True)) as server:
        url = server.on('/t.csv', resource(BODY))
        files = {'cainfo': authority.cainfo, 'cert': cert, 'key': locked}
        words = [word for name, path in files.items() for word in (f'--{name}', str(path))]
        yield Door(
            url,
            {**files, 'key_password': 'env:A_SECRET'},
            lambda: SECRET if server.asked else '',
            words=(*words, '--pass', 'env:A_SECRET'),
        )


@contextmanager
def _ftp(folder: Path) -> Iterator[Door]:
    with FtpServer(files={'t.csv': FtpFile(data=BODY)}, login=f'me:{SECRET}') as server:
        auth = ('me', 'env:A_SECRET')
        yield Door(
            server.url('t.csv'),
            {'auth': auth},
            lambda: '\n'.join(map(str, server.commands)),
            entry='auth = { basic = ["me", "env:A_SECRET"] }',
        )


@contextmanager
def _sftp(folder: Path, *, by_key: bool) -> Iterator[Door]:
    import asyncssh

    from tests.servers.sftp import SftpServer

    shared = folder / 'shared'
    shared.mkdir()
    (shared / 't.csv').write_bytes(BODY)
    made: Any = asyncssh.generate_private_key('ecdsa-sha2-nistp256')
    made.write_private_key(folder / 'id', 'pkcs8-pem', SECRET)
    with SftpServer(shared, 'me', SECRET, made.export_public_key()) as server:
        known = Path('~/.ssh').expanduser()
        known.mkdir(exist_ok=True)
        (known / 'known_hosts').write_text(server.host_key)
        url = server.url('t.csv')
        if by_key:
            options = {'key': folder / 'id', 'key_password': 'env:A_SECRET'}
            yield Door(url.replace('//', '//me@'), options, lambda: SECRET)
        else:
            yield Door(url, {'auth': ('me', 'env:A_SECRET')}, lambda: SECRET)


def _netrc(folder: Path) -> dict[str, Any]:
    path = folder / 'netrc'
    path.write_text(f'machine 127.0.0.1 login me password {SECRET}\n')
    path.chmod(0o600)
    return {'auth': {'netrc': path}}


def _token(folder: Path) -> dict[str, Any]:
    path = folder / 'token'
    path.write_text(f'{SECRET}\n')
    path.chmod(0o600)
    return {'auth': {'bearer': f'file:{path}'}}


def a_token() -> str:
    """A token from a program."""
    return SECRET


def _jar(folder: Path) -> dict[str, Any]:
    path = folder / 'own.txt'
    path.write_text(f'127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t{SECRET}\n')
    path.chmod(0o600)
    return {'cookies': path}


_BASIC = ('me', 'env:A_SECRET')
DOORS: dict[str, Callable[[Path], Any]] = {
    'header': lambda folder: _http({'headers': {'X-Api-Key': SECRET}}),
    'userinfo': lambda folder: _http({'auth': ('me', SECRET)}),
    'basic': lambda folder: _http(
        {'auth': _BASIC}, entry='auth = ["me", "env:A_SECRET"]', words=('-u', 'me:env:A_SECRET')
    ),
    'bearer by variable': lambda folder: _http(
        {'auth': {'bearer': 'env:A_SECRET'}},
        entry='auth = { bearer = "env:A_SECRET" }',
        words=('--bearer-env', 'A_SECRET'),
    ),
    'bearer by file': lambda folder: _http(_token(folder), words=('--bearer-file', f'{folder}/token')),
    'bearer by function': lambda folder: _http({'auth': {'bearer': a_token}}),
    'netrc': lambda folder: _http(_netrc(folder), words=('--netrc-file', f'{folder}/netrc')),
    'cookie': lambda folder: _http(
        {'cookies': {'sid': 'env:A_SECRET'}}, entry='cookies = { sid = "env:A_SECRET" }'
    ),
    'jar': lambda folder: _http(_jar(folder), words=('-b', f'{folder}/own.txt')),
    'form': _form,
    'proxy in a URL': lambda folder: _proxy(folder, in_url=True),
    'proxy': lambda folder: _proxy(folder, in_url=False),
    'certificate': _certificate,
}  # fmt: skip
BY_CURL: dict[str, Callable[[Path], Any]] = {
    'ftp': _ftp,
    'sftp': lambda folder: _sftp(folder, by_key=False),
    'key of sftp': lambda folder: _sftp(folder, by_key=True),
}


def _reported(manager: DownloadManager, door: Door, folder: Path) -> Iterator[str]:
    """Everything shown of a download, of its failure, and of a batch."""
    target = dm.Descriptor(door.url, **_described(door))
    yield repr(target)
    yield repr(manager.config)
    yield repr(manager.policy)
    for more in ({}, {'force_download': True}, {'checksum': 'md5:' + '0' * 32}):
        options: Any = {**door.options, 'retries': 0, **more}
        made: Any = manager.plan(door.url, **options)
        yield from (str(made), repr(made), made.to_json(), made._repr_html_())
        try:
            outcome: Any = manager.fetch(door.url, **options)
        except DownloadError as error:
            yield from every_error(error)
            yield repr(error.fault)
            continue
        yield from (repr(outcome), repr(outcome.story), outcome.record.to_json())
        yield from (str(outcome.to_dict()), outcome._repr_html_(), str(outcome.headers.items))
        yield pickle.dumps(outcome).decode('latin-1')
    results = manager.download_all([door.url], f'{folder}/out/', **door.options)
    yield from (repr(results), str(results), results._repr_html_())
    yield repr(manager.probe(door.url, **door.options))
    yield repr([*manager.cache_entries()])


def _described(door: Door) -> dict[str, Any]:
    names = ('auth', 'cookies', 'headers', 'cert', 'key', 'key_password', 'cainfo')
    return {name: door.options[name] for name in names if name in door.options}


def _found(secrets: tuple[str, ...], texts: Any) -> list[str]:
    return [text[:200] for text in texts if any(secret in text for secret in secrets)]


def _files(*folders: Path) -> Iterator[str]:
    for folder in folders:
        for path in folder.rglob('*'):
            yield path.name
            if path.is_file():
                yield path.read_bytes().decode('latin-1')


def _check(
    manager: DownloadManager, door: Door, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        shown = [*_reported(manager, door, folder)]
        shown += _lock(manager, door, folder)
    assert any(form in door.seen() for form in FORMS), door.seen()
    assert _found(door.secrets, shown) == []
    assert _found(door.secrets, [caplog.text]) == []
    kept = [folder / name for name in ('cache', 'out', 'locked') if (folder / name).exists()]
    assert len(kept) >= 2
    assert _found(door.secrets, _files(*kept)) == []


def _lock(manager: DownloadManager, door: Door, folder: Path) -> list[str]:
    """A manifest with the reference: its lockfile, and the files that it gives."""
    if not door.entry:
        return []
    (folder / 'locked').mkdir()
    manifest = folder / 'locked' / 'm.toml'
    manifest.write_text(f'[[download]]\nurl = "{door.url}"\npath = "t.csv"\n{door.entry}\n')
    report = manager.lock(manifest, allow_outside=True)
    report.raise_for_failures()
    synced = manager.sync(manifest, f'{folder}/locked/', locked=True, allow_outside=True)
    synced.raise_for_failures()
    assert (folder / 'locked' / 't.csv').read_bytes() == BODY
    return [repr(report), repr(synced)]


@pytest.mark.parametrize('name', DOORS)
def test_a_secret_is_nowhere(
    make_manager: MakeManager,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """By either backend; the server sends everything back."""
    monkeypatch.setenv('A_SECRET', SECRET)
    (tmp_path / 'own').mkdir()
    with DOORS[name](tmp_path / 'own') as door:
        _check(make_manager(tmp_path / 'cache'), door, tmp_path, caplog)


@pytest.mark.parametrize('name', BY_CURL)
def test_a_secret_of_a_file_server_is_nowhere(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """By the only backend for it."""
    pycurl = pytest.importorskip('pycurl')
    if name.rpartition(' ')[2] not in pycurl.version_info()[8]:
        pytest.skip('this libcurl has no such protocol')
    monkeypatch.setenv('A_SECRET', SECRET)
    (tmp_path / 'own').mkdir()
    with (
        BY_CURL[name](tmp_path / 'own') as door,
        DownloadManager(tmp_path / 'cache', backend='curl', progress=False) as manager,
    ):
        _check(manager, door, tmp_path, caplog)


@pytest.mark.parametrize('backend', ['requests', 'curl'])
@pytest.mark.parametrize('name', DOORS)
def test_the_command_line_shows_no_secret(
    run: RunCommand, tmp_path: Path, name: str, backend: str
) -> None:
    """In its output, its log, its results and its files."""
    (tmp_path / 'own').mkdir()
    with DOORS[name](tmp_path / 'own') as door:
        if not (door.words or 'http_proxy' in door.environ):
            return  # Its secret would stand on the command line.
        words = (*door.words, '--backend', backend)
        environ = {'A_SECRET': SECRET, **door.environ}
        shown = []
        for more in (
            ('-vv', '--log-file', 'log', '-o', 't.csv'),
            ('--json', '--cache', 'c'),
            ('--dry-run', '--json', '--force-download'),
            ('-I',),
            ('-w', '%header{x-said} %{json}\n', '-o', 'u.csv', '--checksum', 'md5:' + '0' * 32),
        ):
            done = run('get', door.url, *words, *more, **environ)
            assert done.returncode == (9 if '-w' in more else 0), done.stderr
            shown += [done.stdout, done.stderr]
        assert any(form in door.seen() for form in FORMS)
    assert _found(door.secrets, shown) == []
    assert _found(door.secrets, _files(tmp_path / 'work')) == []


def test_a_token_of_a_form_is_secret(
    make_manager: MakeManager, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that fails repeats the form that it got."""
    page = b'<form method=post action=/in><input name=pw><input name=nonce value=pl4nted></form>'
    server.on('/login', resource(page))
    server.on('/in', lambda asked, wire: wire.respond(500, (), b'got ' + asked.body, 'Oh'))
    auth = dm.Login(server.url('/login'), form={'pw': 'x'}, token='nonce')
    caplog.set_level(logging.DEBUG)

    with pytest.raises(DownloadError, match='nonce=') as caught:
        make_manager(retries=0).fetch(server.url('/data.csv'), auth=auth)

    assert b'nonce=pl4nted' in server.asked[-1].body
    assert 'pl4nted' not in '\n'.join((*every_error(caught.value), caplog.text))
