"""`dlmachine audit --probe`: what servers say about each file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlmachine.cli import group
from tests.servers.behaviours import redirect, resource, respond
from tests.servers.http import Handler, Server

BODY = b'a,b\n1,2\n'
FOUND = resource(BODY, etag='"v1"')


@pytest.fixture
def urls(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list with one URL, whose file is in the cache."""
    monkeypatch.chdir(tmp_path)
    Path('urls.txt').write_text(server.on('/t', FOUND))
    assert CliRunner().invoke(group, ['get', '-i', 'urls.txt', '--cache', 'c']).exit_code == 0
    return Path('urls.txt')


@pytest.mark.parametrize(
    ('handler', 'text', 'code'),
    [
        (FOUND, '[alive: the server answered 200]', 0),
        (resource(BODY, etag='"v2"'), '[changed: the ETag is "v2"; that of the known version is "v1"]', 10),
        (respond(410, reason='Gone'), '[gone: the server answered 410 Gone]', 1), (respond(403), '[forbidden: ', 1),
    ],
)  # fmt: skip
def test_each_line_has_what_the_server_said(
    urls: Path, server: Server, handler: Handler, text: str, code: int
) -> None:
    """The exit code tells whether something has changed, or is lost."""
    server.on('/t', handler)
    done = CliRunner().invoke(group, ['audit', str(urls), '--cache', 'c', '--probe'])
    assert (done.exit_code, text in done.stdout) == (code, True), done.output
    assert f'1 {text[1:].partition(":")[0]}\n' in done.stderr
    plain = CliRunner().invoke(group, ['audit', str(urls), '--cache', 'c'])
    assert (plain.exit_code, '[' in plain.stdout) == (0, False)
    assert len(plain.stderr.splitlines()) == 1


def test_a_moved_file_is_not_a_failure(urls: Path, server: Server) -> None:
    """JSON has its new URL."""
    new = server.on('/new', FOUND)
    server.on('/t', redirect('/new', 301))
    done = CliRunner().invoke(group, ['audit', str(urls), '--cache', 'c', '--probe', '--json'])
    (row,) = json.loads(done.stdout)
    assert done.exit_code == 0
    assert row['probe'] == {
        'status': 'moved',
        'reason': f'the URL has moved permanently to {new}',
        'final_url': new,
        'moved_to': new,
        'status_code': 200,
        'size': len(BODY),
        'etag': '"v1"',
        'last_modified': None,
    }


def test_offline_nothing_is_asked(urls: Path, server: Server) -> None:
    """The row says so."""
    before = len(server.asked)
    done = CliRunner().invoke(group, ['audit', str(urls), '--cache', 'c', '--probe', '--offline'])
    assert (done.exit_code, '[skipped: offline is set' in done.stdout) == (0, True)
    assert len(server.asked) == before


def test_a_lockfile_is_what_it_is_compared_with(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that has no copy; an entry that has changed since is not compared."""
    monkeypatch.chdir(tmp_path)
    url = server.on('/t', FOUND)
    Path('m.toml').write_text(f'[[download]]\nname = "t"\nurl = "{url}"\n')
    assert CliRunner().invoke(group, ['lock', 'm.toml', '--cache', 'c']).exit_code == 0
    words = ['audit', 'm.toml', '--probe', '--cache', 'other']
    assert '[alive: ' in CliRunner().invoke(group, words).stdout
    server.on('/t', resource(BODY * 2, etag='"v2"'))
    done = CliRunner().invoke(group, words)
    assert '[changed: the ETag is "v2"; that of the known version is "v1"]' in done.stdout
    Path('m.toml').write_text(f'[[download]]\nname = "t"\nurl = "{url}?v=2"\n')
    assert '[alive: ' in CliRunner().invoke(group, words).stdout
    Path('m.toml.lock').write_text('nonsense')
    assert CliRunner().invoke(group, words).exit_code == 2
