"""Logins by forms: what is sent, what a page after it says, and the steps of a run."""

from datetime import timedelta
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.access.auth import Auth, Scheme, parse_auth
from dlmachine.core.access.cookies import NO_COOKIES, Cookie, CookieStore
from dlmachine.core.access.login_form import Form, Page, ends_session, fill_in, find_failure
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import (
    BodyTooLarge,
    CertificateUnusable,
    ContentRefused,
    DigestMismatch,
    HttpStatus,
    LoginFailed,
    TlsFailed,
)
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Tls
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.plan.codec import dumps, loads
from dlmachine.core.plan.plan import plan
from dlmachine.core.probe.steps import advance_probe, begin_probe
from dlmachine.core.protocol.effects import Discard, Exchange, LogIn, ReadCookies
from dlmachine.core.protocol.events import (
    CookiesRead,
    Discarded,
    EffectFailed,
    LoggedIn,
    PartOpened,
)
from dlmachine.core.protocol.redact_event import redact_effect, redact_event
from dlmachine.core.secrets.redact import MASK
from tests.builders import NOW, URL, Run, a_descriptor, a_policy, a_snapshot, answered

PAGE = 'https://example.org/login'
RECIPE = Login(PAGE, {'user': 'me', 'password': 'planted', 'pin': 'env:PIN'})
FORM = Form(method='POST', fields=(('csrf', '7'), ('user', ''), ('password', '')), unsent=('box',))
SESSION = CookieStore(
    (
        Cookie(
            name='s', value='1', domain='example.org', path='/', number=1, is_kept=True, expires=NOW + timedelta(days=1)
        ),
    )
)  # fmt: skip


def parsed() -> Login:
    """The recipe as it is used."""
    recipe = parse_auth(RECIPE).unwrap().recipe
    assert recipe is not None
    return recipe


def problem_of(page: Page, values: dict[str, str], **more: Any) -> str:
    """Why a page cannot be used."""
    filled = fill_in(page, Login(PAGE, (), **more), values)
    assert not is_successful(filled)
    fault: Any = filled.failure()
    return str(fault.problem)


def test_names_of_a_hostile_form_are_shown_in_part() -> None:
    """On one line, whatever is in them, and however many there are."""
    names = ('\x1b[31mred\n', 'n' * 100, *map(str, range(100)))
    page = Page(url=PAGE, forms=(Form(fields=tuple((name, '') for name in names)),))

    problem = problem_of(page, {'a': ''})

    assert '; it has \\x1b[31mred\\x0a, nnn' in problem
    assert problem.endswith(', 16, 17, ...')
    assert len(problem) < 300


def test_a_form_is_filled_in() -> None:
    """The first one with all of the fields; the others are sent as they are on the page."""
    values = {'user': 'me', 'password': 'x', 'box': 'on'}
    page = Page(url=f'{PAGE}?next=1', forms=(Form(fields=(('q', ''),)), FORM))
    filled = fill_in(page, Login(PAGE), values).unwrap()
    assert filled.url == f'{PAGE}?next=1'
    assert filled.pairs == (('csrf', '7'), ('user', 'me'), ('password', 'x'), ('box', 'on'))
    elsewhere = Page(url=PAGE, forms=(Form(method='post', action='/post', fields=FORM.fields),))
    assert fill_in(elsewhere, Login(PAGE), {'user': ''}).unwrap().url == 'https://example.org/post'
    meta = Page(url=PAGE, forms=(FORM,), metas=(('token', '9'),))
    assert ('token', '9') in fill_in(meta, Login(PAGE, token='token'), values).unwrap().pairs


def test_what_is_not_sent() -> None:
    """Each problem of a page."""
    page = Page(url=PAGE, forms=(FORM,))
    assert problem_of(Page(url='http://example.org/login', forms=(FORM,)), {}) == (
        'its page redirects to http://example.org, which does not get the form'
    )
    assert problem_of(Page(url=PAGE), {'a': ''}) == 'its page has no form; it may need JavaScript'
    assert problem_of(page, {'a': '', 'user': ''}) == (
        "its form has no field 'a'; it has csrf, user, password, box"
    )
    forms = (Form(fields=FORM.fields), Form(fields=(('x', ''),), has_password=True))
    for has_password, names in ((True, 'x'), (False, 'csrf, user, password')):
        page = Page(url=PAGE, forms=(forms[0], replace(forms[1], has_password=has_password)))
        assert problem_of(page, {'a': '', 'b': ''}) == (
            f"its form has no field 'a', 'b'; it has {names}"
        )
    fault = fill_in(Page(url=PAGE), Login(PAGE), {'a': ''}).failure()
    assert fault == LoginFailed(url=PAGE, problem='its page has no form; it may need JavaScript')
    page = Page(url=PAGE, forms=(FORM,))
    assert problem_of(Page(url=PAGE, forms=(Form(),)), {'a': ''}).endswith('it has none')
    assert "no meta element 't'" in problem_of(page, {}, token='t')
    by_get = Page(url=PAGE, forms=(Form(fields=FORM.fields),))
    assert 'in a URL, where a password is not secret' in problem_of(by_get, {})
    for action in ('http://example.org/login', 'https://elsewhere.org/', 'http://[', 'ftp:x'):
        away = Page(url=PAGE, forms=(Form(method='post', action=action),))
        assert 'for another origin' in problem_of(away, {})


def test_whether_it_has_worked() -> None:
    """By a text, or because the page is another one."""
    again = Page(url=f'{PAGE}?next=1', forms=(Form(has_password=True),), text='Wrong')
    problem = 'the server shows the login page again'
    assert find_failure(again, Login(PAGE)) == LoginFailed(url=PAGE, problem=problem)
    assert find_failure(again, Login(PAGE, check='Wrong')) is None
    problem = "the page after it does not contain 'Right'"
    fault = LoginFailed(url=PAGE, problem=problem)
    assert find_failure(again, Login(PAGE, check='Right')) == fault
    assert find_failure(Page(url=PAGE, forms=(Form(),)), Login(PAGE)) is None
    assert find_failure(Page(url=URL, forms=again.forms), Login(PAGE)) is None


@pytest.mark.parametrize(
    ('fault', 'ends'),
    [
        (HttpStatus(url=URL, status=401), True),
        (HttpStatus(url=URL, status=500), False),
        (LoginFailed(url=PAGE, problem='x'), True),
        (ContentRefused(url=URL, problem='x'), True),
        (DigestMismatch(url=URL, algorithm='md5', expected='0', actual='1'), True),
        (BodyTooLarge(url=URL, limit_bytes=5, size_bytes=None), True),
        (TlsFailed(url=URL), False),
    ],
)
def test_what_ends_a_session(fault: Any, *, ends: bool) -> None:
    """A refusal, the login page, or a page in place of data."""
    assert ends_session(fault) is ends


def test_the_value() -> None:
    """Shown by names, stored without texts, and counted in the key."""
    recipe = parsed()
    assert str(recipe) == f'login at {PAGE} with user, password, pin (env:PIN)'
    form = (('user', Secret(text=MASK)), ('password', Secret(text=MASK)), ('pin', Secret(variable='PIN')))  # fmt: skip
    shown = parse_auth(RECIPE).unwrap().redacted()
    assert shown == Auth(scheme=Scheme.LOGIN, recipe=Login(PAGE, form))
    auth = parse_auth({'login': {'url': PAGE, 'form': {'a': '', 'b': 'env:B'}}}).unwrap()
    read = (('a', Secret()), ('b', Secret(variable='B')))
    assert auth.recipe == Login(PAGE, read)
    more = {'url': PAGE, 'form': {'a': '', 'b': 'env:B'}, 'token': 't', 'check': 'c'}
    assert parse_auth({'login': more}).unwrap().recipe == Login(PAGE, read, token='t', check='c')
    assert auth.identity == ['login', PAGE, 'a', '', 'b', 'env:B']
    assert auth.references == (Secret(variable='B'),)
    assert parse_auth(('me', 'x')).unwrap().references == ()
    assert parse_auth({'bearer': 'env:B'}).unwrap().references == (Secret(variable='B'),)
    assert Auth().references == ()
    described = a_descriptor(auth=RECIPE)
    assert 'planted' not in repr(described) + dumps(described.redacted()) + repr(RECIPE)
    assert 'planted' in described.redactor.secrets
    assert loads(dumps(described)).unwrap() == described
    assert described.cookies.jar == f'\0{recipe.digest}'
    assert recipe.is_page(f'{PAGE}?a=1')
    assert not recipe.is_page('http://example.org/login')


def fault_of(run: Run) -> Any:
    """What a run ended with."""
    return run.feed(Discarded(at=NOW)).fault


def a_run(kept: CookieStore = NO_COOKIES, **more: Any) -> Run:
    """A run that has read its jar."""
    target = a_descriptor(auth=RECIPE, cookies={'own': 'x'}, **more)
    run = Run(target, a_policy(retries=0), a_snapshot(target)).feed(
        PartOpened(at=NOW, size_bytes=0)
    )
    assert isinstance(run.step.effect, ReadCookies)
    return run.feed(CookiesRead(at=NOW, own=(('own', 'x'),), kept=kept))


def test_a_run_logs_in_first() -> None:
    """And sends the session with the caller's own cookies; once only."""
    run = a_run()
    effect = run.step.effect
    assert isinstance(effect, LogIn)
    assert effect == LogIn(
        login=parsed(),
        cookies=run.descriptor.cookies,
        tls=Tls(),
        since=NOW,
        patience=run.policy.stall_timeout,
    )
    run.feed(LoggedIn(at=NOW, kept=SESSION))
    assert run.exchanges[-1].request.headers.get('Cookie') == 's=1; own=x'
    run.feed(answered(302, {'Location': f'{PAGE}?next=x'}))
    assert isinstance(run.step.effect, Discard)
    fault = fault_of(run)
    assert isinstance(fault, LoginFailed)
    assert fault.url == PAGE
    assert max_effects(a_descriptor(auth=RECIPE), a_policy()) > max_effects(
        a_descriptor(), a_policy()
    )


@pytest.mark.parametrize(
    'answer', [answered(403), answered(401), answered(302, {'Location': f'{PAGE}?next=x'})]
)
def test_a_session_is_tried_first(answer: Any) -> None:
    """And another one once it has ended."""
    run = a_run(SESSION)
    assert isinstance(run.step.effect, Exchange)
    run.feed(answer)
    assert isinstance(run.step.effect, LogIn)
    run.feed(LoggedIn(at=NOW, kept=SESSION))
    assert isinstance(run.step.effect, Exchange)
    run.feed(answered(403))
    assert isinstance(fault_of(run), HttpStatus)


def test_after_a_new_login_the_same_redirect_is_not_a_loop() -> None:
    """The URL is requested anew, so the redirects before the login do not count."""
    run = a_run(SESSION).feed(answered(302, {'Location': '/y'}), answered(401))
    run.feed(LoggedIn(at=NOW, kept=SESSION), answered(302, {'Location': '/y'}))
    paths = [one.request.url.rpartition('/')[2] for one in run.exchanges]
    assert paths == ['t.csv', 'y', 't.csv', 'y']


def test_a_login_that_fails() -> None:
    """Ends the run."""
    fault = LoginFailed(url=PAGE, problem='the server shows the login page again')
    run = a_run().feed(EffectFailed(at=NOW, fault=fault))
    assert fault_of(run) == fault
    assert run.exchanges == []


def test_a_certificate_is_for_its_origin() -> None:
    """The login may be on another host."""
    run = a_run(cert='/c', key='/k', key_password='planted')
    assert isinstance(run.step.effect, LogIn)
    assert run.step.effect.tls == Tls(cert='/c', key='/k', passphrase='planted')
    target = a_descriptor('https://data.org/x', auth=RECIPE, cert='/c', key='/k')
    other = Run(target, a_policy(), a_snapshot(target)).feed(PartOpened(at=NOW, size_bytes=0))
    other.feed(CookiesRead(at=NOW, kept=NO_COOKIES))
    assert isinstance(other.step.effect, LogIn)
    assert other.step.effect.tls.cert is None


def test_a_probe_logs_in() -> None:
    """Before its first request."""
    target = a_descriptor(auth=RECIPE)
    step = begin_probe(target, a_policy(), a_snapshot(target)).unwrap()
    step = advance_probe(step, CookiesRead(at=NOW, kept=NO_COOKIES))
    assert isinstance(step.effect, LogIn)
    step = advance_probe(step, LoggedIn(at=NOW, kept=SESSION))
    assert isinstance(step.effect, Exchange)
    assert step.effect.request.headers.get('Cookie') == 's=1'


def test_the_story_has_no_secrets() -> None:
    """Names stay."""
    run = a_run()
    effect = run.step.effect
    assert isinstance(effect, LogIn)
    assert 'planted' not in repr(redact_effect(effect)).replace(MASK, '')
    event = redact_event(effect, LoggedIn(at=NOW, kept=SESSION))
    assert isinstance(event, LoggedIn)
    assert event.kept.cookies == ()


def test_a_plan_tells_who_one_is() -> None:
    """By names; a secret field of the caller's own goes to the first origin only."""
    target = a_descriptor(auth=RECIPE, cookies={'own': 'x'}, headers={'Authorization': 'planted', 'A': '1'})  # fmt: skip
    text = str(plan(target, a_policy(), a_snapshot(target)).unwrap())
    assert f'  auth         {parsed()}\n' in text
    assert '  cookies      own, jar in memory; own ones only to https://example.org\n' in text
    assert '  secret       Authorization, sent only to https://example.org\n' in text
    assert f'log in: at {PAGE} with user, password, pin (env:PIN)' in text
    kept = a_descriptor(cookies=True)
    assert '  cookies      jar in memory\n' in str(
        plan(kept, a_policy(), a_snapshot(kept)).unwrap()
    )


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        ({'login': 5}, "auth['login'] must be a Login, not int"),
        (
            {'login': {'user': 'me'}},
            "auth['login'] has the unknown name 'user'; known are url, form",
        ),
        ({'login': {}}, "auth['login'].url"),
        (
            Login('https://me@h/x', {'a': 'b'}),
            'auth.url must be an http or https URL without a user',
        ),
        (Login(PAGE, {'a': 'b'}, token=5), 'auth.token must be a text, not int'),  # type: ignore[arg-type]
        (Login(PAGE, {'a': 'b'}, check=5), 'auth.check must be a text, not int'),  # type: ignore[arg-type]
        (Login(PAGE), 'auth.form must be a mapping of names to values'),
        (Login(PAGE, {'': 'b'}), "auth.form has the name '', which is not a text"),
        (Login(PAGE, {'a': 'planted\n'}), "auth.form['a'] contains LF"),
    ],
)
def test_what_is_refused(given: Any, problem: str) -> None:
    """Each problem, without a value."""
    read = parse_auth(given)
    assert not is_successful(read)
    assert str(read.failure()).startswith(problem)
    assert 'planted' not in str(read.failure())


def test_a_recipe_is_parsed_once_more() -> None:
    """As it is in a rule, whose values are parsed already; and with other values."""
    recipe = parsed()
    assert parse_auth(recipe).unwrap().recipe == recipe
    changed = recipe.with_form((('user', Secret(text='other')),))
    assert str(changed) == f'login at {PAGE} with user'


def test_a_plan_names_a_certificate() -> None:
    """With the reference to its password, and where it is shown."""
    for password, shown in ((None, ''), ('env:KEY', ', password env:KEY'), ('planted', ', password ***')):  # fmt: skip
        target = a_descriptor(cert='/c', key_password=password)
        line = f'  certificate  /c{shown}, shown only to https://example.org\n'
        assert line in str(plan(target, a_policy(), a_snapshot(target)).unwrap())
    assert CertificateUnusable(path='/c', problem='x').filename == '/c'
