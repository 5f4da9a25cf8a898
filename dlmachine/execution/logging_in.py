"""Log in by a form: fetch its page, send it, and check that it has worked.

Each request is a download of its own, into memory, with the cookies of the same jar.
"""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Final

from returns.pipeline import is_successful

from dlmachine.core.access.auth import Auth, Scheme
from dlmachine.core.access.caller_cookies import Cookies
from dlmachine.core.access.login_form import Page, fill_in, find_failure
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.faults import BodyTooLarge, Fault, HttpStatus, LoginFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import FormBody
from dlmachine.core.http.headers import Headers
from dlmachine.core.protocol.effects import Exchange, LogIn, ReadCookies, ReadSecret
from dlmachine.core.protocol.events import CookiesRead, EffectFailed, LoggedIn, Responded
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.nested import A_MOMENT, RunToEnd

#: Web pages are smaller.
_MAX_PAGE_BYTES: Final = 8 << 20
_CLIENT_ERRORS: Final = range(400, 500)


def log_in(
    run: RunToEnd,
    effect: LogIn,
    policy: Policy,
    world: World,
    left: Callable[[timedelta], timedelta],
) -> LoggedIn | EffectFailed:
    """Log in, once for all threads; `left` is what is left of a time limit.

    Faults: `LoginFailed`, `SecretUnavailable`, and those of the requests.
    """
    from dlmachine.core.machine.checksum_file import list_policy

    values: dict[str, str] = {}
    for name, secret in effect.login.form:
        if not secret.is_reference:
            values[name] = secret.text
            continue
        read = world.read_secret(ReadSecret(secret=secret, patience=left(effect.patience)))
        if isinstance(read, EffectFailed):
            return read
        values[name] = read.value
    policy = list_policy(policy, _MAX_PAGE_BYTES)
    if policy.timeout is not None:
        policy = replace(policy, timeout=max(left(policy.timeout), A_MOMENT))
    digest = sha256(repr(sorted(values.items())).encode()).hexdigest()
    fault = world.log_in_once(effect, digest, lambda: _log_in(run, effect, values, policy, world))
    if fault is not None:
        return EffectFailed(at=world.clock.now(), fault=fault)
    kept = replace(effect.cookies, own=())
    event = world.read_cookies(ReadCookies(cookies=kept, patience=effect.patience))
    if isinstance(event, CookiesRead):
        return LoggedIn(at=event.at, kept=event.kept)
    return event


def _log_in(
    run: RunToEnd, effect: LogIn, values: dict[str, str], policy: Policy, world: World
) -> Fault | None:
    login = effect.login
    first = Descriptor(
        url=login.url,
        tls=effect.tls,
        auth=Auth(scheme=Scheme.NONE),
        cookies=Cookies(sources=effect.cookies.sources, jar=effect.cookies.jar),
    )
    page = _fetch(run, first, policy, world)
    if isinstance(page, BodyTooLarge):
        return LoginFailed(url=login.url, problem='its page is too large to be one with a form')
    if not isinstance(page, Page):
        return page
    filled = fill_in(page, login, values)
    if not is_successful(filled):
        return filled.failure()
    form = filled.unwrap()
    # Django compares the Referer with the host, against forged requests.
    sent = replace(
        first,
        url=form.url,
        method='POST',
        body=FormBody(form.pairs),
        headers=Headers((('Referer', page.url),)),
        secret_names=_secret_names(login),
    )
    after = _fetch(run, sent, policy, world)
    if isinstance(after, HttpStatus) and after.status in _CLIENT_ERRORS:
        return LoginFailed(url=login.url, problem=f'the server answers {after.status} to the form')
    return find_failure(after, login) if isinstance(after, Page) else after


def _secret_names(login: Login) -> tuple[str, ...]:
    references = [name.lower() for name, one in login.form if one.is_reference]
    return tuple(sorted({*references, login.token.lower()} - {''}))


def _fetch(run: RunToEnd, target: Descriptor, policy: Policy, world: World) -> 'Page | Fault':
    from dlmachine.core.access.login_form import read_page

    outcome = run(target, policy, world.observe(target, policy), world)
    if not isinstance(outcome, Outcome):
        return outcome
    url, content_type = target.url, ''
    for effect, event in outcome.story:
        if isinstance(effect, Exchange) and isinstance(event, Responded):
            # The unmasked URL of the last redirect, to which the form may be relative.
            url, content_type = effect.request.url, event.head.headers.get('Content-Type') or ''
    body = b'' if outcome.buffer is None else outcome.buffer.read()
    return read_page(url, body, content_type)
