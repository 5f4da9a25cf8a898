"""Redirects that lead nowhere (RFC 9110 section 15.4).

The state machine decides what to follow; here their heads are sent.
"""

from typing import Final

from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from tests.server_faults.server_fault import Answer, ServerFault, answering, breaking, lost


def _to(location: str | None, status: int = 302) -> Answer:
    def answer(resource: Resource, at: int, request: Request) -> Reply:
        fields = () if location is None else (('Location', location),)
        return Reply(status=status, fields=fields, body=b'<html>moved</html>')

    return answer


def _to_itself(resource: Resource, at: int, request: Request) -> Reply:
    return Reply(status=301, fields=(('Location', ''),), body=b'here')


REDIRECTS: Final[tuple[ServerFault, ...]] = (
    *(
        answering(f'{status} without Location', _to(None, status))
        for status in (301, 302, 303, 307, 308)
    ),
    answering('redirect in a circle', _to('')),
    answering('redirect to a page that is not there', _to('/nowhere/at/all')),
    answering('redirect to a host that is not there', _to('http://name.invalid/data.csv')),
    answering('redirect to a downgrade', _to('http://127.0.0.1:1/data.csv'), needs_tls=True),
    answering('redirect to another scheme', _to('ftp://127.0.0.1:1/data.csv')),
    answering('redirect to a file', _to('file:///etc/passwd')),
    answering('redirect to no URL', _to('http://[::1')),
    answering('redirect with credentials', _to('http://user:secret@127.0.0.1:1/')),
    breaking('redirect that breaks off', lost, answer=_to('/elsewhere'), ends='reset'),
)
