"""Logins: sent to their origin by either backend, read by reference, and shown nowhere."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import AuthError, DownloadError, RequestError
from dlmachine.manager import DownloadManager
from tests.servers import logins
from tests.servers.behaviours import in_turn, redirect, resource, respond
from tests.servers.http import Server

BODY = b'gene\tvalue\n' * 1_000
BASIC = (logins.USER, logins.PASSWORD)
PLANTED = ('planted', 'cGxhbnRlZ', 'OnBsYW50ZW')
MakeManager = Callable[..., DownloadManager]


@pytest.fixture(autouse=True)
def references(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A password and a token, by name."""
    monkeypatch.setenv('A_PASSWORD', logins.PASSWORD)
    monkeypatch.setenv('A_TOKEN', logins.TOKEN)
    path = tmp_path / 'token'
    path.write_text(f'{logins.TOKEN}\n')
    path.chmod(0o600)


def a_token() -> str:
    """A token from a program."""
    return logins.TOKEN


def read(manager: DownloadManager, url: str, **options: Any) -> bytes:
    """Read the content of a URL."""
    got: Any = manager.download(url, dest=False, **options)
    content: bytes = got.read()
    return content


def sent(server: Server, path: str) -> list[str | None]:
    """The first words of the credentials sent to a path."""
    fields = (one.get('Authorization') for one in server.asked if one.path == path)
    return [field and field.partition(' ')[0] for field in fields]


ROWS: list[tuple[str, Any, Any, list[str | None]]] = [
    ('basic', logins.basic, BASIC, ['Basic']),
    ('basic by name', logins.basic, {'basic': (logins.USER, 'env:A_PASSWORD')}, ['Basic']),
    ('digest', logins.digest, {'digest': BASIC}, [None, 'Digest']),
    ('digest by MD5', lambda page: logins.digest(page, algorithm='MD5'), {'digest': BASIC}, [None, 'Digest']),
    ('digest by name', logins.digest, {'digest': (logins.USER, 'env:A_PASSWORD')}, [None, 'Digest']),
    ('bearer', logins.bearer, {'bearer': logins.TOKEN}, ['Bearer']),
    ('bearer by variable', logins.bearer, {'bearer': 'env:A_TOKEN'}, ['Bearer']),
    ('bearer by file', logins.bearer, {'bearer': 'file:{}/token'}, ['Bearer']),
    ('bearer by function', logins.bearer, {'bearer': a_token}, ['Bearer']),
]  # fmt: skip


def settled(auth: Any, folder: Path) -> Any:
    """The same with the folder of the test."""
    if isinstance(auth, dict) and isinstance(auth.get('bearer'), str):
        return {'bearer': auth['bearer'].format(folder)}
    return auth


@pytest.mark.parametrize(('page', 'auth', 'asked'), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])  # fmt: skip
def test_logins(
    server: Server, make_manager: MakeManager, tmp_path: Path, page: Any, auth: Any, asked: Any
) -> None:
    """Each scheme by each backend; wrong credentials are tried once, and the error says so."""
    url = server.on('/data', page(resource(BODY)))
    auth = settled(auth, tmp_path)
    manager = make_manager(tmp_path / 'cache')
    assert read(manager, url, auth=auth) == BODY
    assert sent(server, '/data') == asked
    assert Path(str(manager.download(url, auth=auth))).read_bytes() == BODY

    scheme = asked[-1].lower()
    wrong = {'bearer': 'nope'} if scheme == 'bearer' else {scheme: (logins.USER, 'nope')}
    server.asked.clear()
    with pytest.raises(AuthError) as caught:
        read(manager, url, auth=wrong)
    assert sent(server, '/data') == asked
    fault: Any = caught.value.fault
    assert fault.sent == scheme
    assert fault.asks_for == (f"{asked[-1]} (realm 'data')",)
    assert 'nope' not in str(caught.value)


@pytest.mark.parametrize('page', [logins.basic, logins.digest, logins.bearer])
def test_without_credentials_the_error_names_the_scheme(
    server: Server, make_manager: MakeManager, page: Any
) -> None:
    """And what to set."""
    url = server.on('/data', page(resource(BODY)))
    with pytest.raises(AuthError, match=r'sent: no credentials; it asks for .*Pass auth='):
        read(make_manager(), url)


def test_an_expired_token_is_read_again(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """The file has a new one."""
    path = tmp_path / 'token'

    def renew(asked: Any, wire: Any) -> None:
        path.write_text('second')
        wire.respond(401, (('WWW-Authenticate', 'Bearer'),))

    path.write_text('first')
    url = server.on('/data', in_turn(renew, logins.bearer(resource(BODY), 'second')))
    assert read(make_manager(), url, auth={'bearer': f'file:{path}'}) == BODY
    assert sent(server, '/data') == ['Bearer', 'Bearer']


def test_a_stale_nonce_costs_one_request(server: Server, make_manager: MakeManager) -> None:
    """RFC 7616 section 3.3."""
    url = server.on('/data', logins.digest(resource(BODY), uses=1))
    manager = make_manager()
    for _ in range(2):
        assert read(manager, url, auth={'digest': BASIC}) == BODY
    server.on('/moves', logins.digest(redirect('/data'), uses=1))
    assert read(manager, server.url('/moves'), auth={'digest': BASIC}) == BODY


def test_credentials_stay_with_their_origin(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """Neither a redirect nor a mirror nor a checksum list elsewhere receives them."""
    with Server() as other:
        away = other.on('/data', resource(BODY))
        sums = other.on('/SHA256SUMS', respond(200, (), b'0' * 64 + b'  data\n'))
        url = server.on('/data', redirect(away))
        assert read(make_manager(), url, auth=BASIC) == BODY
        gone = server.on('/gone', respond(503))
        assert read(make_manager(retries=0), gone, auth=BASIC, mirrors=[away]) == BODY
        with pytest.raises(DownloadError):
            read(make_manager(), server.on('/own', resource(BODY)), auth=BASIC, checksum=sums)
        assert [one.get('Authorization') for one in other.asked] == [None] * len(other.asked)
        assert {one.path for one in other.asked} == {'/data', '/SHA256SUMS'}


def test_segments(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """Each request of a segmented download is signed; Digest uses one connection."""
    body = bytes(range(256)) * 4096
    url = server.on('/big', logins.basic(resource(body, etag='"1"')))
    path = make_manager().download(url, tmp_path / 'a', auth=BASIC, segments=3)
    assert Path(str(path)).read_bytes() == body
    assert set(sent(server, '/big')) == {'Basic'}
    url = server.on('/digest', logins.digest(resource(body, etag='"1"')))
    path = make_manager().download(url, tmp_path / 'b', auth={'digest': BASIC}, segments=3)
    assert Path(str(path)).read_bytes() == body
    assert sent(server, '/digest') == [None, 'Digest']


def test_a_new_token_finds_the_same_copy(
    server: Server, make_manager: MakeManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference counts in the key by its name, a password by itself."""
    url = server.on('/data', resource(BODY))
    manager = make_manager(tmp_path / 'cache')

    def fetch(auth: Any, **more: Any) -> str:
        return str(manager.fetch(url, auth=auth, **more).origin.value)

    assert [fetch({'bearer': 'env:A_TOKEN'}) for _ in range(2)] == ['network', 'cache']
    monkeypatch.setenv('A_TOKEN', 'another')
    assert fetch({'bearer': 'env:A_TOKEN'}) == 'cache'
    assert fetch({'bearer': 'one'}) == 'network'
    assert [fetch({'bearer': 'two'}) for _ in range(2)] == ['network', 'cache']
    assert fetch(BASIC) == 'network'
    free = {'key_without': ['Authorization']}
    assert [fetch(auth, **free) for auth in (BASIC, {'bearer': 'x'})] == ['network', 'cache']


def test_a_rule_gives_credentials_to_its_site(server: Server, make_manager: MakeManager) -> None:
    """A call, and a Descriptor with its own, count more."""
    url = server.on('/data', logins.bearer(resource(BODY)))
    pattern = f'http://127.0.0.1:{server.port}/**'
    rules = [{'match': pattern, 'auth': {'bearer': 'env:A_TOKEN'}}]
    manager = make_manager(rules=rules)
    assert read(manager, url) == BODY
    assert read(manager, dm.Descriptor(url)) == BODY  # type: ignore[arg-type]
    with pytest.raises(AuthError, match='sent: basic'):
        read(manager, url, auth=BASIC)
    with pytest.raises(AuthError, match='sent: no credentials'):
        read(manager, url, auth=False)
    assert 'planted' not in str(manager.config) + repr(manager.config)


@pytest.mark.parametrize(
    'options',
    [
        {'auth': BASIC},
        {'config': {'auth': {'bearer': 'env:A_TOKEN'}}},
        {'rules': [{'match': '*://**/**', 'auth': BASIC}]},
        {'rules': [{'match': 'https://*.*/**', 'auth': {'digest': BASIC}}]},
    ],
)
def test_no_secret_is_for_every_host(options: dict[str, Any]) -> None:
    """A manager downloads from many hosts."""
    with pytest.raises(RequestError, match='auth.* would send a secret to every host') as caught:
        dm.DownloadManager(**options)
    assert 'planted' not in str(caught.value)
    for harmless in ('netrc', False, {'netrc': '~/logins'}):
        dm.DownloadManager(auth=harmless).close()


@pytest.mark.parametrize('name', ['Authorization', 'Cookie', 'X-Api-Key'])
def test_a_secret_field_of_a_manager(server: Server, make_manager: MakeManager, name: str) -> None:
    """It goes to the origin of the URL, and not to where that redirects; the plan says so."""
    with Server() as other:
        moved = server.on('/moved', redirect(other.on('/data', resource(BODY))))
        manager = make_manager(headers={name: 'planted=1'})
        plan = str(manager.plan(moved))
        assert f'secret       {name}, sent only to http://127.0.0.1:{server.port}\n' in plan
        assert read(manager, moved) == BODY
        assert [one.get(name) for one in server.asked] == ['planted=1']
        assert [one.get(name) for one in other.asked] == [None]


def test_netrc(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """By default, from another file, by port, or not at all."""
    url = server.on('/data', logins.basic(resource(BODY)))
    netrc = tmp_path / 'logins'
    netrc.write_text(
        'machine 127.0.0.1 login me password wrong\n'
        f'machine 127.0.0.1:{server.port} login {logins.USER} password {logins.PASSWORD}\n'
    )
    netrc.chmod(0o600)
    assert read(make_manager(), url, auth={'netrc': netrc}) == BODY
    assert read(make_manager(auth={'netrc': str(netrc)}), url) == BODY
    (tmp_path / 'home' / '.netrc').parent.mkdir(exist_ok=True)
    with pytest.raises(AuthError, match='no credentials'):
        read(make_manager(auth={'netrc': netrc}), url, auth=False)
    with pytest.raises(RequestError, match='netrc file .*nowhere does not exist'):
        read(make_manager(), url, auth={'netrc': tmp_path / 'nowhere'})


def test_an_open_netrc_is_reported(
    server: Server, make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As ssh reports an open key."""
    netrc = tmp_path / 'open'
    netrc.write_text('machine elsewhere login a password planted\n')
    netrc.chmod(0o644)
    with caplog.at_level(logging.WARNING, 'dlmachine'):
        read(make_manager(), server.on('/data', resource(BODY)), auth={'netrc': netrc})
    assert caplog.text.count('other users can read this file of logins') == 1
    assert 'planted' not in caplog.text


@pytest.mark.parametrize(
    'auth', [{'bearer': 'env:A_TOKEN'}, {'netrc': 'n'}, {'basic': ('u', 'file:x')}]
)
def test_a_manifest_may_not_read_secrets(tmp_path: Path, auth: Any) -> None:
    """Another person may have written it, and chosen where they go."""
    path = tmp_path / 'm.json'
    path.write_text(json.dumps({'download': [{'url': 'https://h/x', 'auth': auth}]}))
    [item] = dm.unwrap(dm.read_manifest(path))
    assert item.fault is not None
    assert 'may be another person' in str(item.fault)
    [item] = dm.unwrap(dm.read_manifest(path, allow_outside=True))
    assert item.fault is None


def test_paths_in_a_rule_are_relative_to_its_file(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """As all paths in configuration files are."""
    url = server.on('/data', logins.bearer(resource(BODY)))
    config = tmp_path / 'dl.toml'
    config.write_text(
        '[[rule]]\nmatch = "http://127.0.0.1:*/**"\nauth = { bearer = "file:token" }\n'
    )
    assert read(make_manager(config=config), url) == BODY


@pytest.mark.parametrize('auth', [row[2] for row in ROWS], ids=[row[0] for row in ROWS])
@pytest.mark.parametrize('page', [logins.basic, logins.digest, logins.bearer])
def test_secrets_are_nowhere(
    server: Server,
    make_manager: MakeManager,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    page: Any,
    auth: Any,
) -> None:
    """Neither after success nor after a refusal, and also if the server sends them back."""

    def echo(asked: Any, wire: Any) -> None:
        said = f'{asked.get("Authorization")} {logins.TOKEN} {logins.PASSWORD}'
        wire.respond(200, (('X-Said', said), ('Content-Type', 'text/plain')), BODY)

    url = server.on('/data', page(echo))
    manager = make_manager(tmp_path / 'cache', retries=0)
    auth = settled(auth, tmp_path)
    words = [repr(dm.Descriptor(url, auth=auth))]
    with caplog.at_level(logging.DEBUG):
        plan = manager.plan(url, auth=auth)
        words += [str(plan), repr(plan), plan.to_json()]
        try:
            outcome = manager.fetch(url, auth=auth)
        except DownloadError as error:
            words += [str(error), repr(error), repr(error.fault), json.dumps(error.body)]
        else:
            words += [repr(outcome), outcome.record.to_json(), repr(outcome.story)]
    words.append(caplog.text)
    for path in (tmp_path / 'cache').rglob('*'):
        words += [path.name, path.read_bytes().decode('latin-1') if path.is_file() else '']
    mine = [
        logins.PASSWORD
        if 'planted-password' in repr(auth) or 'A_PASSWORD' in repr(auth)
        else logins.TOKEN
    ]
    assert not [word for word in mine if any(word in one for one in words)]


def test_a_plan_is_executed_elsewhere(
    server: Server, make_manager: MakeManager, tmp_path: Path
) -> None:
    """Its JSON has no secret; the descriptor adds it again."""
    url = server.on('/data', logins.basic(resource(BODY)))
    manager = make_manager(tmp_path / 'cache')
    target = dm.Descriptor(url, auth=BASIC)
    made = dm.unwrap(dm.Plan.from_json(manager.plan(target).to_json()))
    whole = dm.unwrap(made.with_descriptor(target))
    with manager.adapters() as world:
        outcome = dm.unwrap(dm.execute(whole, world))
    assert Path(str(outcome.path)).read_bytes() == BODY


def test_characters_beyond_a_header_field(
    server: Server, make_manager: MakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token cannot have them; a user of Digest can, and so can each part of Basic."""
    monkeypatch.setenv('A_TOKEN', '☃')
    url = server.on('/data', respond(401, (('WWW-Authenticate', 'Digest realm="r", nonce="1"'),)))
    manager = make_manager(retries=3)
    for token, message in (('☃', 'ISO 8859-1'), ('env:A_TOKEN', 'env:A_TOKEN cannot be read')):
        with pytest.raises(RequestError, match=message):
            read(manager, url, auth={'bearer': token})
    assert server.asked == []
    for auth in (('m☃', '☃'), {'digest': ('m☃', '☃')}):
        with pytest.raises(AuthError):
            read(manager, url, auth=auth)
    fields = [one.get('Authorization') or '' for one in server.asked]
    assert [field.partition(',')[0] for field in fields] == [
        'Basic beKYgzrimIM=',
        '',
        "Digest username*=UTF-8''m%E2%98%83",
    ]
