"""URLs: normal form, origins, joining."""

from typing import Any

import pytest

from dlmachine.core.http.url import join_url, parse_url


@pytest.mark.parametrize(
    ('text', 'normal'),
    [
        ('HTTP://Example.ORG:80', 'http://example.org/'),
        (' https://h./a/./b/../c ', 'https://h/a/c'),
        ('https://h/..', 'https://h/'), ('https://h/a/..', 'https://h/'), ('https://h//a', 'https://h//a'),
        ('https://h/%7Eme/%c3%a9/é b%zz', 'https://h/~me/%C3%A9/%C3%A9%20b%25zz'),
        ('https://h/?q=a b&x=[1]', 'https://h/?q=a%20b&x=%5B1%5D'), ('https://h/x?#part', 'https://h/x'),
        ('https://m%65:p w@h/', 'https://me:p%20w@h/'),
        ('https://Büch.example./', 'https://xn--bch-hoa.example/'),
        ('https://[::A]:443/', 'https://[::a]/'), ('http://[fe80::1%25eth0]/', 'http://[fe80::1%25eth0]/'),
        ('ftp://h:21/x', 'ftp://h/x'), ('https://h:8443/', 'https://h:8443/'),
        ('HTTPS://h/aX', 'https://h/aX'), ('X://h/', 'x://h/'), ('http://[fe80::1%25a.]/', 'http://[fe80::1%25a.]/'),
        ('https://h/../a', 'https://h/a'), ('https://h/a/.', 'https://h/a/'), ('https://h/a/b/..', 'https://h/a/'),
    ],
)  # fmt: skip
def test_normal_form(text: str, normal: str) -> None:
    """Each URL has one normal form, which is parsed to itself."""
    assert parse_url(text).map(str).unwrap() == normal
    assert parse_url(normal) == parse_url(text)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        (7, 'must be text, not int'), ('', "'' has no scheme"), ('h/x', "'h/x' has no scheme"),
        ('https:/h', "'https:/h' has no scheme"), ('1http://h', "'1http://h' has no scheme"),
        ('https:///x', 'has no host'), ('https://./', 'has no host'), ('https://h:x/', 'is not a URL: it has a port that is not a number from 0 to 65535'),
        ('https://h:99999/', 'is not a URL: it has a port that is not a number from 0 to 65535'), ('https://[::1/', 'is not a URL: it has a malformed host'),
        ('https://a b/', 'is not a URL: it has a malformed host'), ('http://[fe80::1%é]/', 'is not a URL: it has a malformed host'), ('https://é..x/', 'is not a URL: it has a malformed host'),
        ('https://h/x\ta=1\tb', 'contains TAB at position 11'), ('\u3000http://h/', "'\\u3000http://h/' has no scheme"),
        ('/etc/passwd', "'/etc/passwd' has no scheme"), ('./x', "'./x' has no scheme"),
        ('https://a..port/', 'is not a URL: it has a malformed host'), ('https://.a/', 'is not a URL: it has a malformed host'),
        ('https://a../', 'is not a URL: it has a malformed host'), (f'https://{"a" * 64}.org/x', 'is not a URL: it has a malformed host'),
        (f'https://{"A" * 64}/', 'is not a URL: it has a malformed host'),
        ('https://h/\n', 'contains LF at position 10'), ('h/x?code=1;a#b', "'h/x' has no scheme"), (' h/x;a ', "'h/x' has no scheme"), ('X/X', "'X/X' has no scheme"),
        *((f'https://{host}/', 'is not a URL: it has a malformed host') for host in ('[::1]x', 'a[::1]', '[[::1]', '[::1]]', '[::1].org:80')),
        ('https://h/' + 'a' * 65_536, 'has 65,546 characters; at most 65,536 are allowed'),
        ('https://h/' + 'é' * 20_000, 'has 120,010 characters; at most 65,536 are allowed'),
        ('https://h/' + '%41' * 30_000, 'has 90,010 characters; at most 65,536 are allowed'),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_invalid_urls(text: Any, problem: str) -> None:
    """The fault names the argument and the problem, without quoting secrets."""
    fault: Any = parse_url(text, 'x').failure()
    assert (fault.where, fault.problem) == ('x', problem)


@pytest.mark.parametrize(
    ('text', 'advice'),
    [
        (' h.org/x?token=1 ', 'Did you mean https://h.org/x?'),
        ('localhost:80', 'Did you mean https://localhost:80?'),
        ('h', 'A URL begins with https://, for example'),
        ('/etc/x', 'For a local file write file:///path, and pass allow_file=True'),
        ('./x', 'For a local file write file:///path, and pass allow_file=True'),
    ],
)
def test_the_advice_for_a_url_without_a_scheme(text: str, advice: str) -> None:
    """It depends on what the text looks like."""
    fault: Any = parse_url(text).failure()
    assert fault.advice == advice


@pytest.mark.parametrize('scheme', ['https', 'HTTPS'])
def test_a_url_of_the_longest_length_is_one(scheme: str) -> None:
    """The limit is the same for URLs in normal form and others."""
    url = parse_url(f'{scheme}://h/' + 'a' * (65_536 - 10)).unwrap()
    assert len(str(url)) == 65_536


def test_origins_and_texts() -> None:
    """An origin is scheme, host and effective port; the repr masks secrets."""
    url = parse_url('https://me:pw@h/x?token=s').unwrap()
    assert url.origin == parse_url('https://h:443/y').unwrap().origin
    assert url.origin != parse_url('http://h/').unwrap().origin
    assert repr(url) == "Url('https://***@h/x?token=***')"
    assert str(url.without_userinfo()) == 'https://h/x?token=s'


@pytest.mark.parametrize(
    ('reference', 'joined'),
    [
        ('/c', 'https://h/c'), ('c', 'https://h/a/c'), ('?q=1', 'https://h/a/b?q=1'), ('', 'https://h/a/b'), ('//k/x', 'https://k/x'),
        (' https://k ', 'https://k/'), ('https://[', None), ('\n', None), ('mailto:x', None),
    ],
)  # fmt: skip
def test_joining(reference: str, joined: str | None) -> None:
    """References are resolved as in RFC 3986 section 5; userinfo is dropped."""
    base = parse_url('https://me:pw@h/a/b').unwrap()
    assert join_url(base, reference).map(str).value_or(None) == joined
