"""Logins by forms: Django, Earthdata and a page that asks for consent, by either backend."""

import json
import logging
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import AuthError, RequestError
from dlmachine.manager import DownloadManager
from tests.manager.test_cookies import read
from tests.servers.behaviours import redirect, resource, respond
from tests.servers.http import Asked, Server, Wire
from tests.servers.login_pages import PASSWORD, USER, Django, consent, earthdata

BODY = b'gene\tvalue\n' * 1_000
PLANTED = ('planted-password', 'planted-session', 'planted-token')
MakeManager = Callable[..., DownloadManager]


@pytest.fixture(autouse=True)
def references(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password by name."""
    monkeypatch.setenv('A_PASSWORD', PASSWORD)


@pytest.fixture
def site(server: Server) -> Django:
    """A Django site with a file."""
    return Django(server, resource(BODY))


def login(site: Django, **more: Any) -> dm.Login:
    """The login at a site."""
    form = {'username': USER, 'password': 'env:A_PASSWORD', **more.pop('form', {})}
    return dm.Login(site.login_url, form=form, **more)


@pytest.mark.parametrize(
    'more',
    [
        {},
        {'token': 'csrfmiddlewaretoken', 'check': 'Log out'},
        {'form': {'password': PASSWORD}},
        {'form': {'password': lambda: PASSWORD}},
    ],
)
def test_django(site: Django, make_manager: MakeManager, tmp_path: Path, more: Any) -> None:
    """The page, its token, the form, the file; the session is for the next downloads, too."""
    manager = make_manager(tmp_path / 'cache')
    recipe = login(site, **more)
    for _ in range(2):
        assert read(manager, site.url, auth=recipe) == BODY
    assert Path(str(manager.download(site.url, auth=recipe))).read_bytes() == BODY
    assert site.logins == 1


def test_a_session_that_ends(site: Django, make_manager: MakeManager, tmp_path: Path) -> None:
    """One more login, also if the session is from a jar of yesterday."""
    jar = tmp_path / 'jar.txt'
    manager = make_manager(cookies=jar)
    assert read(manager, site.url, auth=login(site)) == BODY
    site.end_sessions()
    assert read(manager, site.url, auth=login(site)) == BODY
    assert site.logins == 2
    later = make_manager(cookies=jar)
    assert read(later, site.url, auth=login(site)) == BODY
    assert site.logins == 2
    site.end_sessions()
    assert read(make_manager(cookies=jar), site.url, auth=login(site)) == BODY
    assert site.logins == 3


@pytest.mark.parametrize('how', ['name', 'checksum', 'max_bytes', 'validate'])
def test_a_login_page_in_place_of_the_file(
    site: Django, server: Server, make_manager: MakeManager, how: str
) -> None:
    """With 200, once the session has ended: one more login, whatever shows that it is a page."""
    ways: dict[str, dict[str, Any]] = {
        'name': {},
        'checksum': {'checksum': f'sha256:{sha256(BODY).hexdigest()}', 'check_content': False},
        'max_bytes': {'max_bytes': len(BODY), 'check_content': False},
        'validate': {'validate': lambda file: file.read(4) == b'gene', 'check_content': False},
    }
    options = ways[how]
    page = b'<!DOCTYPE html><form method=post><input type=password></form>'.ljust(len(BODY) + 9)

    def file(asked: Asked, wire: Wire) -> None:
        is_known = site.knows(asked)
        (resource(BODY) if is_known else resource(page, ranges=False))(asked, wire)

    url = server.on('/table.csv', file)
    manager = make_manager(retries=0)
    assert read(manager, url, auth=login(site), **options) == BODY
    site.end_sessions()
    assert read(manager, url, auth=login(site), **options) == BODY
    assert site.logins == 2


def test_many_downloads_log_in_once(site: Django, make_manager: MakeManager) -> None:
    """And once more when the session ends."""
    urls = [site.on(f'/{number}', resource(BODY)) for number in range(8)]
    manager = make_manager()
    for logins in (1, 2):
        results = manager.download_all(urls, False, auth=login(site))
        assert not results.failed
        assert site.logins == logins
        site.end_sessions()


def test_a_wrong_password_is_tried_once(site: Django, make_manager: MakeManager) -> None:
    """However many downloads wait for it; the error says what to do."""
    urls = [site.on(f'/{number}', resource(BODY)) for number in range(4)]
    manager = make_manager(retries=3)
    wrong = login(site, form={'password': 'planted-password-2'})
    with pytest.raises(AuthError) as caught:
        read(manager, site.url, auth=wrong)
    assert str(caught.value) == (
        f'{site.login_url}: the login has not worked: the server shows the login page again. '
        'Check the values of form='
    )
    results = manager.download_all(urls, False, auth=wrong)
    assert len(results.failed) == 4
    assert site.logins == 1
    assert read(manager, site.url, auth=login(site)) == BODY


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        ({'check': 'Welcome'}, "the page after it does not contain 'Welcome'.*text of check="),
        ({'token': 'nonce'}, "no field and no meta element 'nonce'.*names in form= and token="),
        ({'form': {'otp': '1'}}, "its form has no field 'otp'; it has csrfmiddlewaretoken, user"),
    ],
)
def test_a_recipe_that_does_not_fit(
    site: Django, make_manager: MakeManager, change: Any, problem: str
) -> None:
    """Each problem, and no file."""
    with pytest.raises(AuthError, match=problem):
        read(make_manager(), site.url, auth=login(site, **change))


@pytest.mark.parametrize(
    ('page', 'problem'),
    [
        (b'<p>script</p>', 'its page has no form; it may need JavaScript'),
        (b'<form><input name=password type=password></form>', 'would be sent in a URL'),
        (b'<form method=post action=http://elsewhere.example/><input name=password></form>', 'for another origin'),
    ],
)  # fmt: skip
def test_a_page_that_does_not_fit(
    server: Server, make_manager: MakeManager, page: bytes, problem: str
) -> None:
    """Nothing is sent."""
    url = server.on('/login', respond(200, (), page))
    with pytest.raises(AuthError, match=problem):
        read(make_manager(), server.url('/x'), auth=dm.Login(url, {'password': 'x'}))
    assert [one.method for one in server.asked] == ['GET']


def test_a_page_on_another_host(server: Server, make_manager: MakeManager) -> None:
    """It does not get the password, unless it is the one that the caller named."""
    with Server() as other:
        page = b'<form method=post><input name=password type=password></form>'
        away = other.on('/login', respond(200, (), page))
        url = server.on('/login', redirect(away))
        with pytest.raises(AuthError, match=r'redirects to http://127.*Pass the URL of the page'):
            read(make_manager(), server.url('/x'), auth=dm.Login(url, {'password': 'x'}))
        assert [one.method for one in other.asked] == ['GET']


@pytest.mark.parametrize('status', [401, 403, 422])
def test_a_form_that_is_refused(server: Server, make_manager: MakeManager, status: int) -> None:
    """By a status."""
    page = b'<form method=post action=/post><input name=password type=password></form>'
    url = server.on('/login', respond(200, (), page))
    server.on('/post', respond(status))
    with pytest.raises(AuthError, match=f'the server answers {status} to the form'):
        read(make_manager(), server.url('/x'), auth=dm.Login(url, {'password': 'x'}))


def test_a_page_that_is_too_large(site: Django, server: Server, make_manager: MakeManager) -> None:
    """A large file in place of the login page is not downloaded."""
    large = server.on('/large', resource(bytes(9 << 20)))
    recipe = dm.Login(large, form={'username': USER, 'password': PASSWORD})
    with pytest.raises(AuthError, match='its page is too large .*Pass the URL of the page'):
        read(make_manager(), site.url, auth=recipe)
    assert site.logins == 0


def test_a_login_that_does_not_help(server: Server, make_manager: MakeManager) -> None:
    """Two logins at most, whatever the server asks for."""
    page = b'<form method=post action=/post><input name=password type=password></form>'
    url = server.on('/login', respond(200, (), page))
    server.on('/post', respond(200, (('Set-Cookie', 'a=1; Path=/'),), b'welcome'))
    data = server.on('/data', redirect('/login'))
    with pytest.raises(AuthError, match='the server asks for it again'):
        read(make_manager(), data, auth=dm.Login(url, {'password': 'x'}))
    assert [one.path for one in server.asked] == ['/login', '/post', '/data']


def test_a_meta_element_has_the_token(server: Server, make_manager: MakeManager) -> None:
    """As pages of Rails have it."""
    page = (
        b'<meta name=csrf-token content=planted><form method=post action=/post>'
        b'<input name=password type=password><select name=s><option value=1><option value=2 '
        b'selected></select><textarea name=t>text</textarea><input type=checkbox name=c checked>'
        b'<select name=first><option>one</select><button name=b></button></form>'
    )
    url = server.on('/login', respond(200, (('Content-Type', 'text/html; charset=utf-8'),), page))
    server.on('/post', respond(200, (('Set-Cookie', 'a=1; Path=/'),), b'welcome'))
    data = server.on('/data', resource(BODY))
    recipe = dm.Login(url, {'password': 'x'}, token='csrf-token')
    assert read(make_manager(), data, auth=recipe) == BODY
    sent = next(one.body for one in server.asked if one.path == '/post')
    assert sent == b'password=x&s=2&t=text&c=on&first=one&csrf-token=planted'


def test_consent(server: Server, make_manager: MakeManager) -> None:
    """A box to tick; the file itself tells that the consent is missing."""
    url, terms = consent(server, resource(BODY))
    recipe = dm.Login(terms, form={'terms': 'yes'}, check='Thank you')
    assert read(make_manager(), url, auth=recipe) == BODY
    with pytest.raises(AuthError, match="does not contain 'Thank you'"):
        read(make_manager(), url, auth=dm.Login(terms, form={'terms': 'no'}, check='Thank you'))


def test_earthdata(server: Server, make_manager: MakeManager, tmp_path: Path) -> None:
    """A netrc file for the host of the login, redirects, and cookies that are kept."""
    netrc = tmp_path / 'logins'
    netrc.write_text(f'machine localhost login {USER} password {PASSWORD}\n')
    netrc.chmod(0o600)
    basic = b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
    with Server() as urs:
        url = earthdata(server, urs, resource(BODY), f'Basic {basic}')
        manager = make_manager(cookies=tmp_path / 'jar.txt', auth={'netrc': netrc})
        assert [read(manager, url) for _ in range(2)] == [BODY, BODY]
        assert len(urs.asked) == 1
        assert {one.get('Authorization') for one in server.asked} == {None}
        with pytest.raises(AuthError, match='Basic'):
            read(make_manager(), url)


def test_a_probe_logs_in(site: Django, make_manager: MakeManager) -> None:
    """As a download does."""
    assert make_manager().probe(site.url, auth=login(site)).status.value == 'alive'
    assert site.logins == 1


def test_secrets_are_nowhere(
    site: Django, make_manager: MakeManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a plan nor in a record, a log or an error."""
    manager = make_manager(tmp_path / 'cache')
    literal = login(site, form={'password': PASSWORD})
    with caplog.at_level(logging.DEBUG, 'dlmachine'):
        outcome = manager.fetch(site.url, auth=literal)
        plan = manager.plan(site.url, auth=literal, force_download=True)
        with pytest.raises(AuthError) as caught:
            read(
                make_manager(), site.url, auth=login(site, form={'password': 'planted-password-2'})
            )
    shown = [str(plan), repr(plan), plan.to_json(), repr(outcome), repr(outcome.story)]
    shown += [str(caught.value), repr(literal), repr(dm.Descriptor(site.url, auth=literal))]
    for text in (*shown, caplog.text):
        assert [one for one in PLANTED if one in text] == []
    assert f'auth         login at {site.login_url} with username, password' in str(plan)
    assert f'log in: at {site.login_url} with username, password' in str(plan)
    files = [one for one in (tmp_path / 'cache').rglob('*') if one.is_file()]
    assert not [one for one in files if b'planted' in one.read_bytes()]


@pytest.mark.parametrize(
    ('auth', 'problem'),
    [
        (dm.Login('ftp://h/x', {'a': 'b'}), 'auth.url must be an http or https URL'),
        (dm.Login('nowhere', {'a': 'b'}), 'auth.url'),
        (dm.Login('https://h/x'), 'auth.form must be a mapping of names to values'),
        (dm.Login('https://h/x', {5: 'b'}), 'auth.form has the name 5'),
        (dm.Login('https://h/x', {'a': 5}), 'must be a text or a function, not int'),
        (dm.Login('https://h/x', {'a': 'b'}, token=5), 'auth.token must be a text, not int'),  # type: ignore[arg-type]
        ({'login': 'https://h/x'}, r"auth\['login'\] must be a Login, not str"),
        ({'login': {'url': 'https://h/x', 'user': 'me'}}, "has the unknown name 'user'"),
    ],
)
def test_what_is_refused(auth: Any, problem: str) -> None:
    """Before anything is requested."""
    with pytest.raises(RequestError, match=problem):
        dm.Descriptor('https://h/y', auth=auth)


def test_for_a_site(site: Django, make_manager: MakeManager, tmp_path: Path) -> None:
    """In a rule of a configuration file; a manager logs in at one site only."""
    (tmp_path / 'password').write_text(PASSWORD)
    (tmp_path / 'password').chmod(0o600)
    config = tmp_path / 'dl.toml'
    config.write_text(
        f'[[rule]]\nmatch = "http://127.0.0.1:*/**"\n[rule.auth.login]\nurl = "{site.login_url}"\n'
        f'form = {{ username = "{USER}", password = "file:password" }}\n'
    )
    assert read(make_manager(config=config), site.url) == BODY
    with pytest.raises(RequestError, match='would send a secret to every host'):
        dm.DownloadManager(auth=login(site))
    path = tmp_path / 'm.json'
    auth = {'login': {'url': site.login_url, 'form': {'password': 'env:A_PASSWORD'}}}
    path.write_text(json.dumps({'download': [{'url': 'https://h/x', 'auth': auth}]}))
    [item] = dm.unwrap(dm.read_manifest(path))
    assert "another person's" in str(item.fault)


@pytest.mark.parametrize('unit', [b'<a ', b'<form><input name=a>', b'<a b="'])
def test_a_hostile_login_page_takes_a_moment(
    server: Server, make_manager: MakeManager, unit: bytes
) -> None:
    """Its forms are read in linear time, and only at its beginning."""
    url = server.on('/login', resource(unit * (400_000 // len(unit))))
    recipe = dm.Login(url, {'password': 'x'})
    began = time.process_time()
    with pytest.raises(AuthError, match='its'):
        read(make_manager(), server.url('/data'), auth=recipe)
    assert time.process_time() - began < 2


def test_two_accounts_have_two_sessions(site: Django, make_manager: MakeManager) -> None:
    """Without a jar of the caller, the session of one is not used for the other."""
    manager = make_manager()
    assert read(manager, site.url, auth=login(site)) == BODY
    with pytest.raises(AuthError, match='login page again'):
        read(manager, site.url, auth=login(site, form={'username': 'another'}))
    # A jar that the caller names is shared.
    shared = make_manager(cookies=True)
    assert read(shared, site.url, auth=login(site)) == BODY
    assert read(shared, site.url) == BODY


def test_a_copy_is_found_with_another_session(
    site: Django, make_manager: MakeManager, tmp_path: Path
) -> None:
    """A password by reference counts in the key by its name."""
    manager = make_manager(tmp_path / 'cache')
    first, second = (manager.fetch(site.url, auth=login(site)).origin.value for _ in range(2))
    assert (first, second) == ('network', 'cache')
    other = login(site, form={'password': PASSWORD})
    assert manager.fetch(site.url, auth=other).origin.value == 'network'
