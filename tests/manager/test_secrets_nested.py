"""Secrets in unexpected places: on every surface, with every result, by both backends."""

import hashlib
import logging
import pickle
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import in_turn, redirect, resource, respond, short, trickle
from tests.servers.http import Asked, Server, Wire

BODY = b'gene\tvalue\n' * 100_000
PLACES = (
    'path', 'nested', 'twice', 'login', 'semicolon', 'declared', 'field', 'fragment', 'json', 'mirror',
    'session', 'list',
)  # fmt: skip
PLANTED = {place: f'pl4nted-{place}' for place in PLACES}
MakeManager = Callable[..., DownloadManager]


def address(server: Server, path: str) -> str:
    """A URL with a secret in each position that is easily overlooked."""
    query = '&'.join(
        (
            f'next=https%3A//h/%3Ftoken%3D{PLANTED["nested"]}',
            f'back=https%253A%252F%252Fh%252F%253Fsig%253D{PLANTED["twice"]}',
            f'url=https://me:{PLANTED["login"]}@h/',
            f'b=1;token={PLANTED["semicolon"]}',
            f'q=%7B%22token%22%3A%22{PLANTED["json"]}%22%7D',
            f'code={PLANTED["declared"]}',
        )
    )
    path = f'{path}/t.csv;jsessionid={PLANTED["path"]}'
    return f'{server.url("")}{path}?{query}#access_token={PLANTED["fragment"]}'


def a_target(server: Server, path: str, **more: Any) -> dm.Descriptor:
    """A download of it, with a declared field and a mirror."""
    return dm.Descriptor(
        address(server, path),
        headers={'X-Access': PLANTED['field'], 'Cookie': f'a={PLANTED["session"]}'},
        mirrors=[f'{server.url("/mirror")};sid={PLANTED["mirror"]}'],
        secret_names=['code', 'x-access'],
        **more,
    )


def echo(status: int, *more: tuple[str, str]) -> Callable[[Asked, Wire], None]:
    """A response that echoes the request in values, in names, and in its reason."""

    def handle(asked: Asked, wire: Wire) -> None:
        reported = [value for _, value in asked.fields] + [asked.target]
        fields = [(f'X-Echo-{number}', value) for number, value in enumerate(reported)]
        fields += [(secret, '1') for secret in PLANTED.values() if secret in '\n'.join(reported)]
        fields += [('ETag', f'"{asked.target}"'), ('X-Access', PLANTED['field']), *more]
        body = BODY if status < 400 else '\n'.join(reported).encode('latin-1')
        wire.respond(status, tuple(fields), body, f'saw {asked.target[:200]}')

    return handle


def every_error(error: BaseException | None) -> Iterator[str]:
    """The texts of an exception and of its causes."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        yield ''.join(traceback.format_exception_only(error))
        yield from every_error(error.__cause__)
        error = error.__context__


def reported(manager: DownloadManager, wanted: Any, **options: Any) -> str:
    """Everything shown of a download: descriptor, plan, outcome with its story, or error."""
    made = manager.plan(wanted, **options)
    words = [repr(wanted), str(made), repr(made), made.to_json(), repr(manager.policy)]
    try:
        outcome = manager.fetch(wanted, **options)
        record = outcome.record
        words += [repr(outcome), repr(outcome.story), repr(record), str(outcome.path)]
        words += [] if record is None else [record.to_json()]
    except DownloadError as error:
        words += [*every_error(error), repr(error.fault), str(error.fault)]
    return '\n'.join(words)


def found_in(text: str) -> list[str]:
    """The secrets in a text."""
    return [secret for secret in PLANTED.values() if secret in text]


def found_below(folder: Path) -> list[str]:
    """The secrets in files and file names, except in bodies."""
    found = []
    for path in folder.rglob('*'):
        found += found_in(str(path.relative_to(folder)))
        if path.is_file():
            found += found_in(path.read_bytes().decode('latin-1'))
    return found


ENDINGS = {
    'good': resource(BODY, etag='"1"'),
    'echo': echo(200),
    'moved': redirect(f'/good/t.csv;jsessionid={PLANTED["path"]}?token={PLANTED["nested"]}'),
    'away': redirect(f'gopher://h/?u=https%3A//me:{PLANTED["login"]}@h'),
    'circle': redirect('/circle'),
    'no-url': redirect(f'https://[{PLANTED["declared"]}'),
    'forbidden': echo(403),
    'limited': echo(429, ('Retry-After', '0')),
    'again': in_turn(respond(503), echo(200)),
    'broken': in_turn(short(BODY[: 1 << 19], len(BODY)), resource(BODY)),
    'page': lambda asked, wire: wire.respond(
        200, (), b'<!doctype html><p>' + asked.target.encode()
    ),
    'named': echo(200, ('Content-Disposition', f'attachment; filename="{PLANTED["path"]}.csv"')),
    'odd': echo(200, ('Content-Encoding', PLANTED['declared'])),
}


@pytest.mark.parametrize('ending', ENDINGS)
def test_no_result_shows_a_secret(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ending: str,
) -> None:
    """In the cache and in a folder; the server fails, responds well, or echoes everything."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(path=tmp_path / 'cache', retries=1)
    for path, handler in ENDINGS.items():
        name = f'/{path}/t.csv;jsessionid={PLANTED["path"]}'
        server.on(name, handler)
    server.on(f'/mirror;sid={PLANTED["mirror"]}', echo(404))
    wanted = a_target(server, f'/{ending}')
    words = reported(manager, wanted) + reported(manager, wanted, check_freshness=True)
    words += reported(manager, wanted, dest=f'{tmp_path}/out/', checksum='md5:' + '0' * 32)
    words += reported(manager, wanted, dest=f'{tmp_path}/out/', validate=lambda _: PLANTED['field'])
    words += reported(manager, wanted, dest=f'{tmp_path}/out/')
    words += reported(manager, replace(wanted, mirrors=()), dest=False)

    sent = '\n'.join(str(asked) for asked in server.asked)
    assert set(found_in(sent)) >= {PLANTED['nested'], PLANTED['field'], PLANTED['path']}
    assert found_in(words) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_mirror_shows_no_secret(
    make_manager: MakeManager, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The record names the mirror."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(path=tmp_path / 'cache', retries=0)
    server.on(f'/gone/t.csv;jsessionid={PLANTED["path"]}', echo(404))
    server.on(f'/mirror;sid={PLANTED["mirror"]}', echo(200))
    words = reported(manager, a_target(server, '/gone')) + reported(
        manager, a_target(server, '/gone')
    )
    assert 'mirror;sid=***' in words
    assert found_in(words) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_batch_names_no_file_after_a_secret(
    make_manager: MakeManager, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file names come from URLs before any request."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(secret_names=['code'], retries=0)
    server.on(f'/b/t.csv;jsessionid={PLANTED["path"]}', resource(BODY))
    server.on(f'/c/code={PLANTED["declared"]}', resource(BODY))
    wanted = [address(server, '/b'), f'{server.url("/c")}/code={PLANTED["declared"]}']
    items = list(manager.download_many(wanted, tmp_path / 'out'))
    assert [item.ok for item in items] == [True, True]
    assert sorted(path.name for path in (tmp_path / 'out').glob('*') if path.is_file()) == [
        'code=___',
        't.csv',
    ]
    assert found_in(repr([(item.outcome, item.fault) for item in items])) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_cancelled_download_shows_no_secret(
    make_manager: MakeManager, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the caller, by its timeout, and by an absent server."""
    caplog.set_level(logging.DEBUG)
    server.on(f'/slow/t.csv;jsessionid={PLANTED["path"]}', trickle(10_000_000, 0.05))
    server.on(f'/mirror;sid={PLANTED["mirror"]}', trickle(10_000_000, 0.05))
    manager = make_manager(path=tmp_path / 'cache', retries=0)
    words = reported(manager, a_target(server, '/slow'), timeout=0.3)
    gone = dm.Descriptor(
        address(server, '/x').replace(str(server.port), '1'), secret_names=['code', 'x-access']
    )
    words += reported(manager, gone)
    closing = threading.Timer(0.3, manager.close)
    closing.start()
    words += reported(manager, a_target(server, '/slow'))
    closing.join()
    assert found_in(words) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_checksum_file_shows_no_secret(
    make_manager: MakeManager, server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither its own nor the download's; declared names apply to its URL too."""
    caplog.set_level(logging.DEBUG)
    manager = make_manager(path=tmp_path / 'cache', retries=0)
    server.on(f'/good/t.csv;jsessionid={PLANTED["path"]}', ENDINGS['good'])
    server.on('/sums', echo(200))
    place = f'{server.url("/sums")}?code={PLANTED["list"]}'
    words = reported(manager, a_target(server, '/good'), checksum_file=place)
    assert found_in(words) == []
    assert found_in(caplog.text) == []
    assert found_below(tmp_path) == []


def test_a_pickled_outcome_contains_no_secret(manager: DownloadManager, server: Server) -> None:
    """Neither the caller's nor a server's, because a pickle may be stored."""
    headers = (
        ('Location', '/data?access_token=pl4nted-location'),
        ('Set-Cookie', 'sid=pl4nted-cookie; Path=/'),
        ('X-Auth-Token', 'pl4nted-field'),
    )
    sums = f'{hashlib.sha256(b"data").hexdigest()}  start\n'.encode()
    server.on('/start', respond(302, headers))
    server.on('/data', respond(200, headers[1:], b'data'))
    server.on('/sums', respond(200, (), sums))
    url = server.url('/start?token=pl4nted-query').replace('//', '//me:pl4nted-password@')
    plain = server.url('/start')
    for target, more in (
        (url, {'checksum_file': server.url('/sums?sig=pl4nted-list')}),
        (plain, {'headers': {'X-Api-Key': 'pl4nted-key'}}),
        (plain, {}),
    ):
        outcome = manager.fetch(target, retries=0, **more)
        stored = pickle.dumps(outcome)
        assert b'pl4nted' not in stored
        assert b64encode(b'me:pl4nted-password') not in stored
        again = pickle.loads(stored)
        assert (again.path, again.record) == (outcome.path, outcome.record)
        assert repr(again.story) == repr(outcome.story)
