"""The fault for an error status, with the message in its body.  Pure."""

from datetime import datetime

from dlmachine.core.faults import HttpStatus
from dlmachine.core.http.error_text import summarize
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.transfer.retry import parse_retry_after


def status_fault(request: Request, head: ResponseHead, error_text: str, at: datetime) -> HttpStatus:
    """Make the fault for a response, without any secret of the request."""
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
    )
