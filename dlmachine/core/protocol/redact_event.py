"""Mask secrets in the effects and events of an outcome's story.  Pure."""

from collections.abc import Callable
from typing import TypeAlias

from dlmachine.core.access.cookies import NO_COOKIES
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import (
    Effect,
    Exchange,
    ExchangeSegments,
    FillCache,
    LogIn,
    ReadChecksums,
    ReadCookies,
    ReadSecret,
    ReadSource,
)
from dlmachine.core.protocol.events import (
    CookiesRead,
    Event,
    Interrupted,
    LoggedIn,
    Responded,
    SecretRead,
    SegmentsEnded,
)
from dlmachine.core.secrets.redact import MASK, Redactor

_Response: TypeAlias = Responded | Interrupted


def redact_event(effect: Effect, event: Event) -> Event:
    """The event with every secret of its effect's request masked.

    An event without one is returned unchanged: a value that is secret only by the name of its
    field is masked whenever it is shown.
    """
    return _redact_responses(effect, event, _redact_response)


def redact_step(effect: Effect, event: Event) -> tuple[Effect, Event]:
    """Both without any secret, to be stored: also what is secret only by its name is masked.

    The effect can then be shown, not performed.
    """
    return redact_effect(effect), _redact_responses(effect, event, _redact_by_name)


def redact_effect(effect: Effect) -> Effect:
    """The effect without the secrets of its request, to be shown; it cannot be performed."""
    match effect:
        case Exchange(request=request):
            return replace(effect, request=request.redacted(), network=effect.network.redacted())
        case ExchangeSegments(exchange=exchange):
            network = exchange.network.redacted()
            shown = replace(exchange, request=exchange.request.redacted(), network=network)
            return replace(effect, exchange=shown)
        case FillCache(policy=policy):
            return replace(effect, policy=replace(policy, network=policy.network.redacted()))
        case ReadChecksums(target=target) | ReadSource(target=target) if target is not None:
            return replace(effect, target=target.redacted())
        case ReadSecret(secret=secret):
            return replace(effect, secret=secret.redacted())
        case LogIn(login=login, cookies=cookies):
            shown_tls, shown_cookies = effect.tls.redacted(), cookies.redacted()
            return replace(effect, login=login.redacted(), cookies=shown_cookies, tls=shown_tls)
        case ReadCookies(cookies=cookies):
            return replace(effect, cookies=cookies.redacted())
        case _:
            return effect


def _redact_responses(
    effect: Effect, event: Event, redact: Callable[[Redactor, _Response], _Response]
) -> Event:
    match effect, event:
        case Exchange(request=request), Responded() | Interrupted():
            return _without_added(redact, request.redactor, event)
        case _, SecretRead():
            return replace(event, value=MASK)
        case _, LoggedIn():
            return replace(event, kept=NO_COOKIES)
        case _, CookiesRead(own=own):
            masked_own = tuple((name, MASK) for name, _ in own)
            return replace(event, own=masked_own, kept=NO_COOKIES)
        case ExchangeSegments(exchange=exchange), SegmentsEnded(ends=ends):
            redactor = exchange.request.redactor
            masked = (
                None if end is None else _without_added(redact, redactor, end) for end in ends
            )
            return replace(event, ends=tuple(masked))
        case _:
            return event


def _without_added(
    redact: Callable[[Redactor, _Response], _Response], redactor: Redactor, event: _Response
) -> _Response:
    if not event.added:
        return redact(redactor, event)
    redactor = redactor.with_secrets(frozenset(event.added))
    return replace(redact(redactor, event), added=())


def _redact_by_name(redactor: Redactor, event: _Response) -> _Response:
    if event.head is None:
        return event
    return replace(event, head=_redact_head(redactor, event.head), decision=None)


def _redact_response(redactor: Redactor, event: _Response) -> _Response:
    if event.head is None:
        return event
    if 'Set-Cookie' in event.head.headers:
        from dlmachine.core.access.cookie_field import secrets_set_by

        # The response may echo the cookies that it sets.
        redactor = redactor.with_secrets(secrets_set_by(event.head, redactor.names))
    if not (redactor.names or redactor.secrets):
        return event
    head = _redact_head(redactor, event.head)
    if isinstance(event, Responded) and event.received is not None:
        # The first bytes of a body may be an echo too.
        received = replace(event.received, start=b'')
        return replace(event, head=head, received=received, decision=None)
    return replace(event, head=head, decision=None)


def _redact_head(redactor: Redactor, head: ResponseHead) -> ResponseHead:
    headers = Headers(redactor.fields(head.headers), redactor.names)
    return replace(head, headers=headers, reason=redactor.text(head.reason))
