"""Faults for error statuses: the message of the server, without secrets."""

from typing import Any

import pytest

from dlmachine.core.faults import HttpStatus, ProxyLoginRefused
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.protocol.events import Responded
from dlmachine.core.transfer.status_fault import proxy_fault, status_fault
from tests.builders import NOW, URL, a_head

ASKED = Request(method='GET', url=f'{URL}?token=planted')
SHOWN = f'{URL}?token=***'


@pytest.mark.parametrize(
    ('text', 'detail'),
    [
        ('', ''),
        ('404 not  FOUND', ''),
        ('not found', ''),
        ('404', ''),
        ('not found: planted', 'not found: ***'),
        ('no such table', 'no such table'),
    ],
)
def test_a_message_is_shown_if_it_says_more_than_the_status(text: str, detail: str) -> None:
    """The body is kept in any case."""
    fault = status_fault(ASKED, a_head(404, reason='Not Found'), text, NOW)
    body = text.replace('planted', '***')
    assert fault == HttpStatus(url=SHOWN, status=404, reason='Not Found', body=body, detail=detail)


@pytest.mark.parametrize(
    ('field', 'sent'),
    [(None, ''), ('Bearer planted', 'bearer'), ('planted', 'other credentials')],
)
def test_the_scheme_that_was_refused_is_shown(field: str | None, sent: str) -> None:
    """Not what follows it."""
    headers = Headers(()) if field is None else Headers((('Authorization', field),))
    fault = status_fault(Request(method='GET', url=URL, headers=headers), a_head(401), '', NOW)
    assert fault.sent == sent


def test_a_refused_login_of_a_url_is_shown_as_such() -> None:
    """FTP has no field for it, so `no credentials` would be wrong."""
    asked = Request(method='GET', url='ftp://user:planted@h/x')
    fault = status_fault(asked, a_head(401), '', NOW)
    assert fault.sent == 'user and password of the URL'
    assert '(sent: user and password of the URL). Check the user' in str(fault)


@pytest.mark.parametrize(('status', 'proxy'), [(407, ''), (401, 'http://p'), (407, 'http://p')])
def test_a_proxy_asks_for_a_login(status: int, proxy: str) -> None:
    """With 407, if there is one."""
    event: Any = Responded(at=NOW, head=a_head(status), proxy=proxy)
    expected = ProxyLoginRefused(url=SHOWN, proxy=proxy) if status == 407 and proxy else None
    assert proxy_fault(ASKED, event) == expected
