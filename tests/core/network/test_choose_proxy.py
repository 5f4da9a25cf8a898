"""Which proxy a URL is reached by."""

from typing import Any

import pytest

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.url import parse_url
from dlmachine.core.network.choose_proxy import choose_proxy
from dlmachine.core.network.network import NO_NETWORK, Network, refuse_proxy
from dlmachine.core.network.no_proxy import is_excepted, read_no_proxy, split_entries
from dlmachine.core.network.proxy import parse_proxy

PROXY = parse_proxy('option:1', 'proxy').unwrap()


def chosen(url: str, env: dict[str, str], network: Network = NO_NETWORK) -> Any:
    """The proxy of a URL, as text."""
    found = choose_proxy(parse_url(url).unwrap(), network, env)
    return found if found is None or isinstance(found, InvalidInput) else str(found)


@pytest.mark.parametrize(
    ('url', 'env', 'expected'),
    [
        ('http://h/', {}, None),
        ('http://h/', {'http_proxy': 'a:1'}, 'http://a:1'),
        ('http://h/', {'https_proxy': 'a:1'}, None),
        ('https://h/', {'https_proxy': 'a:1'}, 'http://a:1'),
        ('https://h/', {'HTTPS_PROXY': 'a:1'}, 'http://a:1'),
        ('ftp://h/', {'ftp_proxy': 'a:1'}, 'http://a:1'),
        ('http://h/', {'HTTP_PROXY': 'a:1'}, 'http://a:1'),
        ('http://h/', {'HTTP_PROXY': 'a:1', 'http_proxy': 'b:1'}, 'http://b:1'),
        ('http://h/', {'HTTP_PROXY': 'a:1', 'http_proxy': ''}, None),
        ('http://h/', {'HTTP_PROXY': 'a:1', 'REQUEST_METHOD': 'GET'}, None),
        ('http://h/', {'http_proxy': 'b:1', 'REQUEST_METHOD': 'GET'}, 'http://b:1'),
        ('https://h/', {'HTTPS_PROXY': 'a:1', 'REQUEST_METHOD': 'GET'}, 'http://a:1'),
        ('http://h/', {'all_proxy': 'a:1'}, 'http://a:1'),
        ('http://h/', {'ALL_PROXY': 'a:1', 'http_proxy': 'b:1'}, 'http://b:1'),
        ('http://h/', {'ALL_PROXY': 'a:1', 'http_proxy': ' '}, 'http://a:1'),
        ('http://h/', {'http_proxy': 'a:1', 'no_proxy': 'h'}, None),
        ('http://h/', {'http_proxy': 'a:1', 'NO_PROXY': 'h'}, None),
        ('http://h/', {'http_proxy': 'a:1', 'NO_PROXY': 'h', 'no_proxy': 'i'}, 'http://a:1'),
        ('http://h/', {'http_proxy': 'a:1', 'NO_PROXY': 'h', 'no_proxy': ''}, 'http://a:1'),
        ('http://h/', {'http_proxy': 'gopher://a', 'no_proxy': 'h'}, None),
        ('http://h/', {'http_proxy': 'http://me:p@s/s#@a:1'}, 'http://***@a:1'),
    ],
)
def test_variables(url: str, env: dict[str, str], expected: str | None) -> None:
    """Those in lower case first; HTTP_PROXY not in a script of a web server."""
    assert chosen(url, env) == expected


def test_a_variable_that_is_not_a_proxy() -> None:
    """It is named, without its text."""
    fault = chosen('http://h/', {'HTTP_PROXY': 'gopher://me:planted@a'})
    assert fault.where == 'the environment variable HTTP_PROXY'
    assert 'planted' not in str(fault)


def test_no_way_around_the_check() -> None:
    """A proxy of the environment would connect without it."""
    fault = chosen('http://h/', {'http_proxy': 'a:1'}, Network(forbid_private=True))
    assert fault == refuse_proxy(parse_proxy('a:1', 'proxy').unwrap())
    assert fault.where == 'forbid_private'
    assert chosen('http://h/', {}, Network(forbid_private=True)) is None


@pytest.mark.parametrize(
    ('network', 'expected'),
    [
        (Network(proxy=PROXY), 'http://option:1'),
        (Network(proxy=False), None),
        (Network(proxy=PROXY, no_proxy=('h',)), None),
        (Network(no_proxy=('h',)), None),
        (Network(no_proxy=()), 'http://a:1'),
        (Network(no_proxy=('other',)), 'http://a:1'),
        (Network(proxy_auth=parse_auth(('me', 'x')).unwrap(), no_proxy=()), 'http://***@a:1'),
    ],
)
def test_options(network: Network, expected: str | None) -> None:
    """They count before the environment; `no_proxy` of the environment counts for an option."""
    env = {'http_proxy': 'a:1', 'no_proxy': 'nobody'}
    assert chosen('http://h/', env, network) == expected
    assert chosen('http://h/', {**env, 'no_proxy': 'h'}, Network(proxy=PROXY)) is None


@pytest.mark.parametrize(
    ('entry', 'url', 'expected'),
    [
        ('*', 'http://h/', True),
        ('example.org', 'http://example.org/', True),
        ('example.org', 'http://EXAMPLE.org./', True),
        ('Example.ORG', 'http://a.example.org/', True),
        ('example.org', 'http://anexample.org/', False),
        ('example.org', 'http://example.org.evil/', False),
        ('.example.org', 'http://example.org/', True),
        ('.example.org', 'http://a.b.example.org/', True),
        ('*.example.org', 'http://a.example.org/', True),
        ('*.example.org', 'http://example.org/', True),
        ('example.org.', 'http://example.org/', True),
        ('example.org:8080', 'http://example.org:8080/', True),
        ('example.org:8080', 'http://example.org/', False),
        ('example.org:80', 'http://example.org/', True),
        ('example.org:443', 'https://a.example.org/', True),
        ('b\u00fccher.example', 'http://b\u00fccher.example/', True),
        ('127.0.0.1', 'http://127.0.0.1/', True),
        ('127.0.0.1:80', 'http://127.0.0.1/', True),
        ('127.0.0.1:81', 'http://127.0.0.1/', False),
        ('127.0.0.1', 'http://127.0.0.11/', False),
        ('0.0.1', 'http://127.0.0.1/', False),
        ('10.0.0.0/8', 'http://10.1.2.3/', True),
        ('10.1.2.3/8', 'http://10.9.9.9/', True),
        ('10.0.0.0/8', 'http://11.1.2.3/', False),
        ('10.0.0.0/8', 'http://h/', False),
        ('10.0.0.0/99', 'http://10.1.2.3/', False),
        ('::1', 'http://[::1]/', True),
        ('[::1]', 'http://[::1]/', True),
        ('[::1]:8080', 'http://[::1]:8080/', True),
        ('[::1]:8080', 'http://[::1]/', False),
        ('fe80::1', 'http://[fe80::1%25eth0]/', True),
        ('0:0:0:0:0:0:0:1', 'http://[::1]/', True),
        ('fd00::/8', 'http://[fd12::1]/', True),
        ('[fd00::]/8', 'http://[fd12::1]/', True),
        ('fe80::/10', 'http://[fe80::1%25eth0]/', True),
        ('10.0.0.0/8', 'http://[::1]/', False),
        ('.', 'http://h/', False),
        ('x\ufdfa.', 'http://h/', False),
    ],
)  # fmt: skip
def test_exceptions(entry: str, url: str, expected: bool) -> None:
    """A host with its subdomains, an address, a network, each with or without a port."""
    assert is_excepted(parse_url(url).unwrap(), [entry]) is expected


def test_a_name_that_cannot_be_a_host_is_ignored() -> None:
    """In the environment; other programs read it, too."""
    assert not is_excepted(parse_url('http://h/').unwrap(), ['\u00fc' * 70])


def test_entries_are_separated_by_commas_or_spaces() -> None:
    """Or by both."""
    assert split_entries(' a, b  c,,d\te ') == ('a', 'b', 'c', 'd', 'e')


@pytest.mark.parametrize(
    'entry', ['*', 'h', '.h.org', '*.h.org', 'h.org.', 'h:80', '10.0.0.1', '10.0.0.0/8', '::1', '[::1]:80', 'fd00::/8']
)  # fmt: skip
def test_the_option_takes(entry: str) -> None:
    """In a list or in a text."""
    assert read_no_proxy('no_proxy', entry).unwrap() == (entry,)
    assert read_no_proxy('no_proxy', [entry, 'x']).unwrap() == (entry, 'x')
    assert read_no_proxy('no_proxy', '').unwrap() == ()


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        (5, 'must be a list of hosts, not 5'),
        (b'h', "must be a list of hosts, not '***'"),
        (['h', 5], 'must be a list of hosts, not 5'),
        *(
            (one, f"has the entry '{one}', which is not a host, an IP address or a network")
            for one in ('http://h', '10.0.0.0/99', 'h:port', '[::1', 'a*b', 'a*b:80', 'X::1')
        ),
    ],
)
def test_the_option_does_not_take(value: object, problem: str) -> None:
    """What could not stand for a host."""
    assert read_no_proxy('no_proxy', value).failure().what() == f'no_proxy {problem}'
