"""IP addresses that a caller sets for hosts."""

from typing import Any

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.proxy import parse_proxy
from dlmachine.core.network.resolve import addresses_of, as_curl_writes, read_resolve
from dlmachine.core.spec.options import parse_policy

ONE = (('h', 443, ('127.0.0.1',)),)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (None, ()),
        ({}, ()),
        ('', ()),
        ({'h:443': '127.0.0.1'}, ONE),
        ({'H.:443': ' 127.0.0.1 '}, ONE),
        ({'h:443': ['127.0.0.1']}, ONE),
        ({'h:443': '127.0.0.1,[::1]'}, (('h', 443, ('127.0.0.1', '::1')),)),
        ({'h:443': ('127.0.0.1', '::1')}, (('h', 443, ('127.0.0.1', '::1')),)),
        ('h:443:127.0.0.1', ONE),
        (['h:443:127.0.0.1'], ONE),
        (ONE, ONE),
        ((*ONE, ('i', 80, ('::1',))), (*ONE, ('i', 80, ('::1',)))),
        ({'[::1]:443': '127.0.0.1'}, (('[::1]', 443, ('127.0.0.1',)),)),
        ('h:00443:127.0.0.1', ONE),
        ('h:65535:127.0.0.1', (('h', 65535, ('127.0.0.1',)),)),
        ('h:443:127.0.0.1 *:80:::1', (*ONE, ('*', 80, ('::1',)))),
        ({'b\u00fccher.example:1': '::1'}, (('xn--bcher-kva.example', 1, ('::1',)),)),
    ],
)
def test_forms(given: Any, expected: Any) -> None:
    """A mapping, texts as curl has them, or what was read before."""
    assert read_resolve('resolve', given).unwrap() == expected


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'must be a mapping from host:port to IP addresses, not 5'),
        (b'h:443:127.0.0.1', "must be a mapping from host:port to IP addresses, not '***'"),
        ('h', "has 'h', which is not a host and a port"),
        ('h:443', "has '' for h:443, which is not an IP address"),
        ('h:443:name', "has 'name' for h:443, which is not an IP address"),
        (':443:127.0.0.1', "has ':443', which is not a host and a port"),
        ('h:0:127.0.0.1', "has 'h:0', which is not a host and a port"),
        ('h:65536:127.0.0.1', "has 'h:65536', which is not a host and a port"),
        ('h:0655359:127.0.0.1', "has 'h:0655359', which is not a host and a port"),
        ('h:\u0663:127.0.0.1', "has 'h:\u0663', which is not a host and a port"),
        ('h:443:127.0.0.1,', "has '127.0.0.1,' for h:443, which is not an IP address"),
        ([5], 'has 5, which is not a host and a port'),
        ({5: '127.0.0.1'}, 'has 5, which is not a host and a port'),
        ({'h:443': 5}, 'has 5 for h:443, which is not an IP address'),
        ({'h:443': []}, 'has [] for h:443, which is not an IP address'),
        ({'h:443': None}, 'has None for h:443, which is not an IP address'),
        ({'h/x:443': '127.0.0.1x'}, "has '127.0.0.1x' for h/x:443, which is not an IP address"),
        ({'a b:443': '127.0.0.1'}, "has 'a b:443', which is not a host and a port"),
    ],
)
def test_what_is_refused(given: Any, problem: str) -> None:
    """Names in place of addresses, and ports that are none."""
    assert read_resolve('resolve', given).failure().what() == f'resolve {problem}'


def test_the_addresses_of_a_host() -> None:
    """For its port only; the last entry counts, and one for the host before one for all."""
    resolved = (*ONE, ('h', 443, ('::1',)), ('*', 443, ('::2',)), ('*', 80, ('::3',)))
    assert addresses_of(resolved, 'h', 443) == ('::1',)
    assert addresses_of(resolved, 'i', 443) == ('::2',)
    assert addresses_of(resolved, 'h', 80) == ('::3',)
    assert addresses_of(resolved, 'h', 81) == ()
    assert as_curl_writes((('h', 443, ('127.0.0.1', '::1')),)) == ('h:443:127.0.0.1,[::1]',)
    assert as_curl_writes(resolved) == ('h:443:[::1]', '*:443:[::2]', '*:80:[::3]')


def test_what_connections_have_in_common() -> None:
    """None by default: a proxy is compared elsewhere."""
    assert NO_NETWORK.connections is None
    assert Network(proxy=False).connections is None
    shared = {
        Network(resolve=resolve, forbid_private=forbids).connections
        for resolve in ((), ONE, (('h', 443, ('::1',)),))
        for forbids in (True, False)
    }
    assert len(shared) == 6


def test_lines() -> None:
    """Of a plan."""
    assert Network(resolve=ONE, forbid_private=True).lines() == (
        ('resolve', 'h:443:127.0.0.1'),
        ('addresses', 'only public ones (forbid_private=True)'),
    )


def test_the_line_of_local_files() -> None:
    """A plan says that they are allowed."""
    assert Network(allow_file=True).lines() == (('local files', 'allowed (allow_file=True)'),)


def test_a_proxy_cannot_be_checked() -> None:
    """It connects to the server."""
    fault = parse_policy({'proxy': 'http://me:planted@p', 'forbid_private': True}).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'forbid_private'
    assert 'http://***@p:1080' in str(fault)
    assert parse_policy({'proxy': False, 'forbid_private': True}).unwrap().network.forbid_private
    assert parse_proxy('p', 'proxy').unwrap().port == 1080
