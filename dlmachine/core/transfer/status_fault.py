"""The fault for an error status, with the message in its body.  Pure."""

from datetime import datetime
from typing import Final

from dlmachine.core.access.login import UNAUTHORIZED, challenges_of
from dlmachine.core.faults import HttpStatus, ProxyLoginRefused
from dlmachine.core.http.error_text import summarize
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import PROXY_LOGIN, ResponseHead
from dlmachine.core.protocol.events import Responded
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.transfer.retry import parse_retry_after


def proxy_fault(request: Request, event: Responded) -> ProxyLoginRefused | None:
    """The fault for a response that is the proxy's; None for one of the server."""
    if event.head.status != PROXY_LOGIN or not event.proxy:
        return None
    return ProxyLoginRefused(url=request.shown_url, proxy=event.proxy)


#: The statuses with which proxies answer in place of a server (RFC 9110 section 15.6, RFC 6585).
_OF_PROXIES: Final = frozenset({403, 502, 503, 504, 511})


def status_fault(
    request: Request, head: ResponseHead, error_text: str, at: datetime, proxy: str = ''
) -> HttpStatus:
    """Make the fault for a response, without any secret of the request.

    `proxy` is the proxy that forwarded the request and could read it, masked.
    """
    secrets = request.secrets()
    body, reason = scrub(error_text, secrets), scrub(head.reason, secrets)
    detail = summarize(body)
    is_news = not set(detail.casefold().split()) <= {str(head.status), *reason.casefold().split()}
    return HttpStatus(
        url=request.shown_url,
        status=head.status,
        reason=reason,
        retry_after=parse_retry_after(head, at),
        body=body,
        detail=detail if is_news else '',
        asks_for=_asks_for(request, head),
        sent=_sent(request) if head.status == UNAUTHORIZED else '',
        proxy=proxy if head.status in _OF_PROXIES else '',
    )


def _asks_for(request: Request, head: ResponseHead) -> tuple[str, ...]:
    if head.status != UNAUTHORIZED:
        return ()
    shown = (request.redactor.text(str(one)) for one in challenges_of(head))
    return tuple(dict.fromkeys(shown))


def _sent(request: Request) -> str:
    # Only the scheme: what follows is the secret.
    field = request.headers.get('Authorization') or ''
    if not field and request.location.userinfo:
        return 'user and password of the URL'  # FTP and SFTP have no other place for them.
    return field.partition(' ')[0].lower() if ' ' in field else 'other credentials' * bool(field)
