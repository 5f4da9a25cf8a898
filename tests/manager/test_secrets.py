"""Secrets: sent where they belong, and kept, shown or logged nowhere."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import in_turn, redirect, resource, respond, short
from tests.servers.http import Asked, Server, Wire
from tests.servers.proxy import Proxy

BODY = b'gene\tvalue\n' * 200_000
PLANTED = {
    'header': 'planted-in-a-header',
    'bearer': 'planted-bearer-token',
    'cookie': 'planted-in-a-cookie',
    'user': 'planted-user',
    'password': 'planted-password',
    'query': 'planted-in-the-query',
    'form': 'planted-in-a-form',
    'proxy': 'planted-proxy-password',
    'mirror': 'planted-at-a-mirror',
    'list': 'planted-in-a-list',
}
MakeManager = Callable[..., DownloadManager]


def found_in(text: str) -> list[str]:
    """The secrets in a text."""
    return [secret for secret in PLANTED.values() if secret in text]


def found_below(folder: Path) -> list[str]:
    """The secrets in a file or in its name."""
    found = []
    for path in folder.rglob('*'):
        found += found_in(str(path.relative_to(folder)))
        if path.is_file():
            found += found_in(path.read_bytes().decode('latin-1'))
    return found


def a_target(server: Server, path: str, **more: Any) -> dm.Descriptor:
    """A download with a secret in each place that can have one."""
    host = f'{PLANTED["user"]}:{PLANTED["password"]}@127.0.0.1:{server.port}'
    return dm.Descriptor(
        f'http://{host}{path}?token={PLANTED["query"]}&a=1',
        headers={
            'X-Api-Key': PLANTED['header'],
            'Cookie': f'session={PLANTED["cookie"]}',
        },
        mirrors=[f'http://127.0.0.1:{server.port}/mirror?access_token={PLANTED["mirror"]}'],
        **more,
    )


def reported(manager: DownloadManager, wanted: Any, **options: Any) -> str:
    """Everything shown of a download: plan, JSON, outcome or error."""
    made = manager.plan(wanted, **options)
    words = [str(made), repr(made), made.to_json()]
    try:
        outcome = manager.fetch(wanted, **options)
        words += [repr(outcome), '' if outcome.record is None else outcome.record.to_json()]
        words += [repr(effect) for effect, _ in outcome.story]
    except DownloadError as error:
        words += [str(error), repr(error), repr(error.fault)]
    return '\n'.join(words)


def echo(asked: Asked, wire: Wire) -> None:
    """Send everything that was received back in the head."""
    fields = tuple(
        (f'X-Echo-{name}', value) for name, value in asked.fields if name.lower() != 'host'
    )
    wire.respond(200, (*fields, ('Link', f'<{asked.target}>'), ('ETag', f'"{asked.target}"')), BODY)


def test_secrets_are_stored_nowhere(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In files of the cache, parts, notes, logs, plans, outcomes and errors, with every result."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(path=tmp_path / 'cache')
    whole = resource(BODY, etag='"1"')
    server.on('/mirror', respond(404))
    sums = server.on('/sums', resource(b'<html>no list</html>'))
    target = f'/x?token={PLANTED["query"]}'
    server.on('/good', whole)
    server.on('/echo', echo)
    server.on('/moved', redirect(f'/good?token={PLANTED["query"]}'))
    server.on('/circle', redirect(f'/circle?token={PLANTED["query"]}'))
    server.on('/away', redirect(f'gopher://h{target}'))
    server.on('/refused', respond(403, body=b'no'))
    server.on('/broken', in_turn(short(BODY[: 2 << 20], len(BODY))))
    words = [
        reported(manager, a_target(server, path), retries=0)
        for path in ('/good', '/echo', '/moved', '/circle', '/away', '/refused', '/broken')
    ]
    words.append(reported(manager, a_target(server, '/good'), check_freshness=True))
    words.append(
        reported(
            manager, a_target(server, '/good2'), checksum_file=f'{sums}?token={PLANTED["list"]}'
        )
    )
    words.append(reported(manager, a_target(server, '/out'), dest=f'{tmp_path}/out/', retries=0))
    form = {'token': PLANTED['form'], 'a': '1'}
    url = server.on('/form', resource(BODY))
    words.append(reported(manager, dm.Descriptor(url, query=form, post=True)))

    sent = '\n'.join(str(asked) for asked in server.asked)
    assert set(found_in(sent)) >= {PLANTED[name] for name in ('header', 'cookie', 'query', 'form')}
    assert found_in('\n'.join(words)) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_proxys_password_is_stored_nowhere(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor if the proxy refuses or does not exist."""
    caplog.set_level(logging.DEBUG)
    url = server.on('/x', resource(BODY))
    with Proxy(login=f'me:{PLANTED["proxy"]}') as proxy:
        for password in (PLANTED['proxy'], f'{PLANTED["proxy"]}-wrong'):
            monkeypatch.setenv('http_proxy', proxy.url(f'me:{password}'))
            words = reported(
                make_manager(path=tmp_path / 'cache'), url, force_download=True, retries=0
            )
            assert found_in(words) == []
    monkeypatch.setenv('http_proxy', f'http://me:{PLANTED["proxy"]}@127.0.0.1:1')
    assert found_in(reported(make_manager(), url, retries=0)) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


@pytest.mark.parametrize('words', [(), ('--json',), ('-vv',), ('--dry-run', '--json')])
def test_the_command_line_shows_no_secret(
    server: Server, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Neither stdout nor stderr nor the cache."""
    server.on('/x', in_turn(respond(503), resource(BODY)))
    url = f'http://me:{PLANTED["password"]}@127.0.0.1:{server.port}/x?token={PLANTED["query"]}'
    kept = {name: value for name, value in os.environ.items() if not name.startswith('COV')}
    done = subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', url, '--cache', 'c', '-H', f'Authorization: Bearer {PLANTED["bearer"]}', *words],
        cwd=tmp_path, env=kept, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert found_in(done.stdout + done.stderr) == []
    assert found_below(tmp_path) == []


@pytest.mark.parametrize('place', ['/y?next={}', '/y/{}', 'ftp://127.0.0.1/{}', '/missing/{}'])
def test_a_redirect_url_shows_no_secret(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    """A token in the URL of a redirect, also if the server escapes it."""
    token = 'planted/to+ken'
    caplog.set_level(logging.DEBUG)
    server.on('/x', redirect(place.format('planted%2fto%2bken')))
    server.on('/y', resource(BODY))
    server.on('/y/planted%2Fto%2Bken', resource(BODY))
    manager = make_manager(path=tmp_path / 'cache', retries=0)
    wanted = dm.Descriptor(server.url('/x'), headers={'Authorization': f'Bearer {token}'})
    words = reported(manager, wanted) + reported(manager, wanted, dest=f'{tmp_path}/out/')
    kept = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*')]
    kept += [path.read_bytes().decode('latin-1') for path in tmp_path.rglob('*') if path.is_file()]

    assert '302' in caplog.text or 'ftp' in caplog.text
    for text in (words, caplog.text, *kept):
        assert 'planted' not in text
