"""FTP and SFTP by the curl backend: logins by reference, and SSH hosts that are known."""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import AuthError, NetworkError
from dlmachine.manager import DownloadManager
from tests.servers.ftp import FtpFile, FtpServer

pycurl = pytest.importorskip('pycurl')
PROTOCOLS = pycurl.version_info()[8]
BODY = b'gene,value\n' * 500
#: A password with characters that a URL escapes.
PASSWORD = 'p@ss:w/planted'
LOGIN = ('me', 'env:A_PASSWORD')


@pytest.fixture
def curl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DownloadManager]:
    """A manager with the only backend that supports these schemes."""
    monkeypatch.setenv('A_PASSWORD', PASSWORD)
    with DownloadManager(tmp_path / 'cache', backend='curl', retries=0, progress=False) as made:
        yield made


def check_no_secret(outcome: dm.Outcome, folder: Path, log: str) -> None:
    """No record, log or file has the password, as it is or escaped."""
    files = [path.read_bytes() for path in folder.rglob('*') if path.is_file()]
    for text in (PASSWORD, 'p%40ss%3Aw%2Fplanted', 'planted'):
        assert text not in repr(outcome)
        assert text not in log
        assert not any(text.encode() in data for data in files)


def test_a_password_by_reference_for_ftp(
    curl: DownloadManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent, and shown nowhere; another one is an error that says so."""
    if 'ftp' not in PROTOCOLS:
        pytest.skip('this libcurl has no FTP')
    caplog.set_level(logging.DEBUG)
    with FtpServer(files={'a.csv': FtpFile(data=BODY)}, login=f'me:{PASSWORD}') as server:
        outcome = curl.fetch(server.url('a.csv'), auth=LOGIN)
        assert Path(str(outcome.path)).read_bytes() == BODY
        check_no_secret(outcome, tmp_path, caplog.text)
        asked = len(server.commands)
        curl.fetch(server.url('a.csv'), auth=LOGIN)
        assert len(server.commands) == asked
        with pytest.raises(AuthError) as caught:
            curl.fetch(server.url('a.csv'), auth=('me', 'wrong'))
    assert caught.value.status == 401


def test_sftp(curl: DownloadManager, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A host is asked only if it is known, and gets the password by reference."""
    if 'sftp' not in PROTOCOLS:
        pytest.skip('this libcurl has no SFTP')
    pytest.importorskip('asyncssh')
    from tests.servers.sftp import SftpServer

    caplog.set_level(logging.DEBUG, 'dlmachine')
    shared = tmp_path / 'shared'
    shared.mkdir()
    (shared / 'a.csv').write_bytes(BODY)
    known = Path('~/.ssh/known_hosts').expanduser()
    known.parent.mkdir()
    with SftpServer(shared, 'me', PASSWORD) as server:
        url = server.url('a.csv')
        with pytest.raises(NetworkError, match='known_hosts'):
            curl.fetch(url, auth=LOGIN)
        known.write_text(server.host_key)
        outcome: Any = curl.fetch(url, auth=LOGIN)
        assert Path(outcome.path).read_bytes() == BODY
        check_no_secret(outcome, tmp_path / 'cache', caplog.text)
        with pytest.raises(AuthError):
            curl.fetch(url, auth=('me', 'wrong'))
        with pytest.raises(dm.DownloadError, match='404'):
            curl.fetch(server.url('b.csv'), auth=LOGIN)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The folder of an SFTP server, with a file in it."""
    if 'sftp' not in PROTOCOLS:
        pytest.skip('this libcurl has no SFTP')
    pytest.importorskip('asyncssh')
    Path('~/.ssh').expanduser().mkdir()
    folder = tmp_path / 'shared'
    folder.mkdir()
    (folder / 'a.csv').write_bytes(BODY)
    os.utime(folder / 'a.csv', (1.7e9, 1.7e9))
    return folder


@pytest.mark.parametrize('password', [None, 'env:A_PASSWORD', 'wrong'])
def test_a_key_for_sftp(
    curl: DownloadManager,
    shared: Path,
    tmp_path: Path,
    password: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`key` logs in, with its password by reference; a wrong one is an error that says so."""
    import asyncssh

    from tests.servers.sftp import SftpServer

    caplog.set_level(logging.DEBUG, 'dlmachine')
    made: Any = asyncssh.generate_private_key('ecdsa-sha2-nistp256')
    path = tmp_path / 'id'
    made.write_private_key(path, 'pkcs8-pem', None if password is None else PASSWORD)
    with SftpServer(shared, 'me', 'unused', made.export_public_key()) as server:
        Path('~/.ssh/known_hosts').expanduser().write_text(server.host_key)
        url = server.url('a.csv').replace('//', '//me@')
        if password == 'wrong':
            with pytest.raises(AuthError) as caught:
                curl.fetch(url, key=path, key_password=password)
            assert caught.value.status == 401
            return
        outcome: Any = curl.fetch(url, key=path, key_password=password)
        assert Path(outcome.path).read_bytes() == BODY
        check_no_secret(outcome, tmp_path / 'cache', caplog.text)
        checked: Any = curl.fetch(url, key=path, key_password=password, freshness='always')
        assert checked.is_validated


def test_an_agent_for_sftp(
    curl: DownloadManager, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that an SSH agent holds logs in."""
    if not shutil.which('ssh-agent') or not shutil.which('ssh-add'):
        pytest.skip('there is no SSH agent')
    import asyncssh

    from tests.servers.sftp import SftpServer

    made: Any = asyncssh.generate_private_key('ssh-ed25519')
    made.write_private_key(tmp_path / 'id')
    (tmp_path / 'id').chmod(0o600)
    socket = tmp_path / 'agent'
    monkeypatch.setenv('SSH_AUTH_SOCK', str(socket))
    with (
        subprocess.Popen(['ssh-agent', '-D', '-a', str(socket)], stdout=subprocess.PIPE) as agent,
        SftpServer(shared, 'me', 'unused', made.export_public_key()) as server,
    ):
        try:
            assert agent.stdout is not None
            agent.stdout.readline()  # It listens by now.
            subprocess.run(['ssh-add', '-q', str(tmp_path / 'id')], check=True, timeout=30)
            Path('~/.ssh/known_hosts').expanduser().write_text(server.host_key)
            outcome = curl.fetch(server.url('a.csv').replace('//', '//me@'))
        finally:
            agent.terminate()
    assert Path(str(outcome.path)).read_bytes() == BODY


@pytest.mark.parametrize('scheme', ['ftp', 'ftps'])
def test_a_server_of_ftp(curl: DownloadManager, tmp_path: Path, scheme: str) -> None:
    """By pyftpdlib: sizes, times and lists, checked freshness, and the rest of a part."""
    pytest.importorskip('pyftpdlib')
    if scheme not in PROTOCOLS:
        pytest.skip('this libcurl lacks the scheme')
    if scheme == 'ftps':
        pytest.importorskip('OpenSSL')
    from tests.servers.ftps import FtpdServer
    from tests.servers.tls import Authority

    authority = Authority.make(tmp_path)
    issued = authority.ca.issue_cert('127.0.0.1').private_key_and_cert_chain_pem
    issued.write_to_path(str(tmp_path / 'server.pem'))
    folder = tmp_path / 'shared' / 'sub'
    folder.mkdir(parents=True)
    (folder / 'a.csv').write_bytes(BODY)
    os.utime(folder / 'a.csv', (1.7e9, 1.7e9))
    cert = tmp_path / 'server.pem' if scheme == 'ftps' else None
    words: Any = {'auth': LOGIN, 'cainfo': authority.cainfo}
    with FtpdServer(tmp_path / 'shared', 'me', PASSWORD, cert) as server:
        url = server.url('sub/a.csv')
        outcome: Any = curl.fetch(url, **words)
        assert Path(outcome.path).read_bytes() == BODY
        assert outcome.record.last_modified == 'Tue, 14 Nov 2023 22:13:20 GMT'
        checked = curl.fetch(url, freshness='always', **words)
        assert (checked.is_validated, checked.version) == (True, 1)
        assert b' a.csv\n' in curl.download(server.url('sub/'), dest=False, **words).read()
        check_no_secret(outcome, tmp_path / 'cache', '')
        if scheme == 'ftps':
            with pytest.raises(NetworkError, match='certificate'):
                curl.fetch(url, auth=LOGIN, dest=False)
