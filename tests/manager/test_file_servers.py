"""FTP and SFTP by the curl backend: logins by reference, and SSH hosts that are known."""

import logging
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
