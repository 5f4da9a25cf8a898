"""Mask secrets that a server echoed in the events of an outcome's story.  Pure."""

from dataclasses import replace

from dlmachine.core.access.cookie_field import secrets_set_by
from dlmachine.core.effects import Effect, Exchange, ExchangeMany
from dlmachine.core.events import Answered, Event, Head, Interrupted, SegmentsEnded
from dlmachine.core.headers import Headers
from dlmachine.core.redact import NO_SECRETS, Redactor


def redact_event(effect: Effect, event: Event) -> Event:
    """The event with every secret of its effect's request masked.

    An event without one is returned unchanged: a value that is secret only by the name of its
    field is masked whenever it is shown.
    """
    match effect, event:
        case Exchange(request=request), Answered() | Interrupted():
            return _redact_response(request.redactor, event)
        case ExchangeMany(exchange=exchange), SegmentsEnded(ends=ends):
            redactor = exchange.request.redactor
            masked = (None if end is None else _redact_response(redactor, end) for end in ends)
            return replace(event, ends=tuple(masked))
        case _:
            return event


def _redact_response(redactor: Redactor, event: Answered | Interrupted) -> Answered | Interrupted:
    if event.head is None:
        return event
    # The response may echo the cookies that it sets.
    redactor = redactor.with_secrets(secrets_set_by(event.head, redactor.names))
    if redactor == NO_SECRETS:
        return event
    head = _redact_head(redactor, event.head)
    if isinstance(event, Answered) and event.received is not None:
        # The first bytes of a body may be an echo too.
        return replace(event, head=head, received=replace(event.received, start=b''))
    return replace(event, head=head)


def _redact_head(redactor: Redactor, head: Head) -> Head:
    headers = Headers(redactor.fields(head.headers), redactor.names)
    return replace(head, headers=headers, reason=redactor.text(head.reason))
