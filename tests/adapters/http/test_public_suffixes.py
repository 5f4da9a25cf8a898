"""Public suffixes: known without a network, and looked up only if a cookie names a domain."""

import subprocess
import sys

import pytest

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.http.public_suffixes import with_public_suffixes
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for
from tests.servers.behaviours import respond
from tests.servers.http import Server


def head(*cookies: str) -> ResponseHead:
    """A head that sets these cookies."""
    return ResponseHead(status=200, headers=Headers(tuple(('Set-Cookie', one) for one in cookies)))


@pytest.mark.parametrize(
    ('domain', 'is_public'),
    [
        ('com', True), ('co.uk', True), ('.github.io', True), ('kobe.jp', True), ('x.kobe.jp', True),
        ('city.kobe.jp', False), ('xn--p1ai', True), ('example.co.uk', False), ('uniprot.org', False),
        ('unknown-tld', True), ('a.unknown-tld', False), ('..', False), ('a..b', False),
        ('\xc3\xa9.org', False), ('a' * 1000, True), ('a.' * 500, False),
    ],
)  # fmt: skip
def test_who_owns_a_domain(domain: str, is_public: bool) -> None:
    """A public suffix belongs to no single owner."""
    asked = head('a=1', f'b=2; Domain={domain}')
    suffixes = with_public_suffixes(asked).public_suffixes
    assert suffixes == ((domain.removeprefix('.'),) if is_public else ())


def test_most_heads_need_no_suffix_list() -> None:
    """The list is read only when a cookie names a domain."""
    code = (
        'import sys; from tests.adapters.http.test_public_suffixes import *;'
        'assert with_public_suffixes(head("a=1; Path=/")) == head("a=1; Path=/");'
        'assert "publicsuffixlist" not in sys.modules;'
        'with_public_suffixes(head("a=1; Domain=h.org")); assert "publicsuffixlist" in sys.modules'
    )
    subprocess.run(
        [sys.executable, '-c', code.replace('from tests', 'sys.path.append("."); from tests')],
        check=True,
    )


def test_every_backend_reports_public_suffixes(transport: Transport, server: Server) -> None:
    """Each backend adds the public suffixes to the head."""
    url = server.on('/x', respond(200, (('Set-Cookie', 'a=1; Domain=co.uk'),), b'abc'))
    event = answered(transport.exchange(exchange_for(url), MemoryPart()))
    assert event.head.public_suffixes == ('co.uk',)
