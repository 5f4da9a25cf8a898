"""Logins on the command line: the flags of curl, and no token among the arguments."""

from pathlib import Path

import pytest

from tests.fixtures import RunCommand
from tests.servers import logins
from tests.servers.behaviours import resource
from tests.servers.http import Asked, Server, Wire
from tests.servers.login_pages import PASSWORD, USER, Django
from tests.servers.tls import Authority

BODY = b'gene\tvalue\n'


@pytest.mark.parametrize(
    ('page', 'words', 'said'),
    [
        (logins.basic, ('-u', f'{logins.USER}:{logins.PASSWORD}'), None),
        (logins.basic, ('--user', logins.USER), f'{logins.PASSWORD}\n'),
        (logins.digest, ('--digest', '-u', f'{logins.USER}:{logins.PASSWORD}'), None),
        (logins.bearer, ('--bearer-env', 'A_TOKEN'), None),
        (logins.bearer, ('--bearer-file', 'token'), None),
        (logins.basic, ('--netrc-file', 'logins'), None),
    ],
)
def test_logging_in(
    server: Server,
    run: RunCommand,
    tmp_path: Path,
    page: object,
    words: tuple[str, ...],
    said: str | None,
) -> None:
    """Each flag; the password is asked for if it is missing."""
    url = server.on('/data', page(resource(BODY)))  # type: ignore[operator]
    work = tmp_path / 'work'
    for name, text in (
        ('token', logins.TOKEN),
        ('logins', f'machine 127.0.0.1 login {logins.USER} password {logins.PASSWORD}'),
    ):
        (work / name).write_text(text)
        (work / name).chmod(0o600)
    done = run('get', *words, url, '-o', 'x', said=said, A_TOKEN=logins.TOKEN)
    assert done.returncode == 0, done.stderr
    assert (work / 'x').read_bytes() == BODY
    assert 'planted' not in done.stdout + done.stderr


def test_netrc_is_left_out(server: Server, run: RunCommand, tmp_path: Path) -> None:
    """`--no-netrc` sends no login; the error names the flag to use."""
    url = server.on('/data', logins.basic(resource(BODY)))
    done = run('get', '--no-netrc', url, '-o', 'x')
    assert done.returncode != 0
    assert "sent: no credentials; it asks for Basic (realm 'data')" in done.stderr
    assert '--user' in done.stderr


@pytest.mark.parametrize(
    ('words', 'problem'),
    [
        (('-u', 'a:b', '--bearer-env', 'T'), '--user and --bearer-env exclude each other'),
        (('--netrc-file', 'a', '--bearer-file', 'b'), 'exclude each other'),
        (('-E', 'a:b', '--pass', 'c'), '--cert FILE:PASSWORD and --pass exclude each other'),
        (('--login-url', 'http://h/'), '--login-url needs the fields of the form'),
        (('--login-url', 'http://h/', '--login-form', '=a'), 'must be NAME=VALUE, not'),
        (('--login-form', 'a=b'), '--login-form needs --login-url'),
        (('--login-check', 'b', '-u', 'a:b'), '--login-check needs --login-url'),
        (('--login-url', 'http://h/', '-u', 'a:b'), '--user and --login-url exclude each other'),
        (('--digest',), '--digest needs --user'),
        (('--digest', '--bearer-env', 'T'), '--digest needs --user'),
    ],
)
def test_contradicting_flags(run: RunCommand, words: tuple[str, ...], problem: str) -> None:
    """A usage error."""
    done = run('get', *words, 'http://127.0.0.1:9/x')
    assert done.returncode == 2
    assert problem in done.stderr


def test_a_plan_names_the_login(run: RunCommand) -> None:
    """Nothing is read or sent."""
    done = run('plan', '--bearer-env', 'A_TOKEN', 'http://127.0.0.1:9/x')
    assert done.returncode == 0
    assert 'auth         bearer env:A_TOKEN, sent only to http://127.0.0.1:9' in done.stdout
    assert 'read the secret env:A_TOKEN' in done.stdout


def test_cookies(server: Server, run: RunCommand, tmp_path: Path) -> None:
    """As in curl: data or a file to read, and the jar to keep; a jar is for the next command."""
    work, value = tmp_path / 'work', 'planted-value'

    def page(asked: Asked, wire: Wire) -> None:
        wire.respond(200, (('Set-Cookie', f'sid={value}; Path=/'),), BODY)

    url = server.on('/data', page)
    shown = ''
    for words in (
        ('-b', f'a={value}; b=2'),
        ('--cookie-jar', 'jar'),
        ('--cookie', 'jar'),
        ('-b', 'c=3', '-c', 'jar'),
    ):
        done = run('get', *words, '--dir', '.', url)
        assert done.returncode == 0, done.stderr
        shown += done.stdout + done.stderr
    assert [asked.get('Cookie') for asked in server.asked] == [
        f'a={value}; b=2',
        None,
        f'sid={value}',
        f'sid={value}; c=3',
    ]
    assert value in (work / 'jar').read_text()
    assert value not in shown


@pytest.mark.parametrize(
    ('words', 'problem'),
    [
        (('-b', ''), '--cookie needs NAME=VALUE or the path of a file'),
        (('-b', 'a b=planted'), "--cookie has the name 'a b'"),
        (('-c', '-'), '--cookie-jar needs the path of a file'),
        (('-b', 'nowhere'), 'nowhere: it does not exist. Check the path'),
    ],
)
def test_bad_cookies(run: RunCommand, words: tuple[str, ...], problem: str) -> None:
    """Each problem, without a value."""
    done = run('get', *words, 'http://127.0.0.1:9/x')
    assert done.returncode in {2, 3}
    assert problem in done.stderr
    assert 'planted' not in done.stderr


def test_a_client_certificate(run: RunCommand, tmp_path: Path) -> None:
    """With a key that has a password."""
    authority = Authority.make(tmp_path)
    cert, key = authority.client_files(tmp_path)
    locked = authority.locked_key(key, 'planted-password')
    files = ('--cacert', str(authority.cainfo), '-E', str(cert), '--key', str(locked))
    with Server(context=authority.server_context(asks_client=True)) as server:
        url = server.on('/data', resource(BODY))
        done = run('get', *files, '--pass', 'env:A_WORD', '-o', 'x', url, A_WORD='planted-password')
        assert done.returncode == 0, done.stderr
        joined = ('--cacert', str(authority.cainfo), '-E', f'{cert}:env:A_WORD')
        also = run('get', *joined, '--key', str(locked), '-o', 'z', url, A_WORD='planted-password')
        assert also.returncode == 0, also.stderr
        refused = run('get', *files, '--pass', 'env:A_WORD', '-o', 'y', url, A_WORD='planted-2')
    assert refused.returncode == 5
    assert 'the password is not that of its key. Pass it as --pass env:NAME' in refused.stderr
    assert 'planted' not in done.stderr + refused.stderr


def test_a_login_by_a_form(server: Server, run: RunCommand, tmp_path: Path) -> None:
    """The fields by value, by reference, or asked for; a wrong password is sent once."""
    site = Django(server, resource(BODY))
    words = ('get', '--login-url', site.login_url, '--login-form', f'username={USER}')
    more = ('--login-token', 'csrfmiddlewaretoken', '--login-check', 'Log out')
    named = ('--login-form', 'password=env:A_WORD')
    done = run(*words, *named, *more, '-o', 'x', site.url, A_WORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'work' / 'x').read_bytes() == BODY
    asked = run(*words, '--login-form', 'password', '-o', 'y', site.url, said=f'{PASSWORD}\n')
    assert asked.returncode == 0, asked.stderr
    before = site.logins
    refused = run(*words, *named, '-o', 'z', site.url, A_WORD='planted-wrong')
    assert (refused.returncode, site.logins) == (6, before + 1)
    assert 'planted' not in done.stderr + asked.stderr + refused.stderr
