"""Patterns of URLs."""

from typing import Any

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.url import parse_url
from dlmachine.core.spec.url_pattern import UrlPattern, parse_pattern


def matches(pattern: str, url: str) -> bool:
    """Whether a URL is like a pattern."""
    return parse_pattern(pattern).unwrap().matches(parse_url(url).unwrap())


@pytest.mark.parametrize(
    ('pattern', 'names_host'),
    [
        ('https://h/**', True),
        ('https://*.org:443/**', True),
        ('http://127.0.0.1:*/**', True),
        ('http://[::1]/**', True),
        ('https://**/**', False),
        ('https://*.*:8080/**', False),
        ('*://*/**', False),
    ],
)
def test_whether_a_pattern_names_a_host(pattern: str, *, names_host: bool) -> None:
    """A secret is never for every host."""
    assert parse_pattern(pattern).unwrap().names_host is names_host


@pytest.mark.parametrize(
    ('pattern', 'url'),
    [
        ('https://h/**', 'https://h/a/b?x=1'),
        ('https://h', 'https://h/a/b'),
        ('https://h/', 'https://h'),
        ('HTTPS://H/A', 'https://h/A'),
        ('https://*.ensembl.org/**', 'https://rest.ensembl.org/x'),
        ('https://**.ensembl.org/**', 'https://a.b.ensembl.org/x'),
        ('*://h/*/x', 'ftp://h/a/x'),
        ('https://h:443/**', 'https://h/x'),
        ('https://h:/**', 'https://h/x'),
        ('https://[::1]:443/**', 'https://[::1]/x'),
        ('https://h/a@b/c', 'https://h/a@b/c'),
        ('https://h/x://y', 'https://h/x://y'),
        ('http://h:8080/**', 'http://h:8080/x'),
        ('http://h:*/**', 'http://h:8080/x'),
        ('http://127.0.0.1:*/**', 'http://127.0.0.1:5000/x'),
        ('http://[::1]:8080/**', 'http://[::1]:8080/x'),
        ('https://*.müller.example/**', 'https://www.müller.example/x'),
        ('https://h/~u/**', 'https://h/%7eu/x'),
        ('https://h/ä*', 'https://h/%C3%A4b'),
        (' https://h/** ', 'https://h/x'),
    ],
)
def test_urls_that_match(pattern: str, url: str) -> None:
    """Scheme and host in any case, and the path in its normal form."""
    assert matches(pattern, url)


@pytest.mark.parametrize(
    ('pattern', 'url'),
    [
        ('https://h/**', 'http://h/x'),
        ('https://h/a', 'https://h/A'),
        ('https://h/a', 'https://h/a/'),
        ('https://h/', 'https://h/x'),
        ('https://*.ensembl.org/**', 'https://ensembl.org/x'),
        ('https://*.ensembl.org/**', 'https://a.b.ensembl.org/x'),
        ('https://*.ensembl.org/**', 'https://evil.example/rest.ensembl.org/x'),
        ('https://*ensembl.org/**', 'https://evil.example/ensembl.org/x'),
        ('https://h/**', 'https://h:8443/x'),
        ('https://h/*', 'https://h/a/b'),
    ],
)
def test_urls_that_do_not_match(pattern: str, url: str) -> None:
    """No star of the host reaches into the path."""
    assert not matches(pattern, url)


LONG, NOT_ASCII = f'https://h/{"x" * 991}', f'https://{"ä" * 200}/'


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (3, 'must be text, not int'),
        ('', "'' has no scheme"),
        ('h/**', "'h/**' has no scheme"),
        ('://h/**', "'://h/**' has no scheme"),
        ('https://', "'https://' has no host"),
        ('https:///x', "'https:///x' has no host"),
        ('https:///x://h', "'https:///x://h' has no host"),
        ('https://h/x?a=1', "'https://h/x?a=1' has a query or a fragment, which do not count"),
        ('https://h/x#a', "'https://h/x#a' has a query or a fragment, which do not count"),
        ('https://u:s3cret@h/', 'has a user name, which does not count'),
        (LONG, 'has 1001 characters; at most 1000 are allowed'),
        (NOT_ASCII, f"'https://{'ä' * 68}... has a bad host"),
    ],
)
def test_a_bad_pattern_is_refused(given: object, problem: str) -> None:
    """With an example of a good one, and without a password."""
    advice = 'Write it like https://*.example.org/**'
    for where in ('match', 'rules[0].match'):
        fault = InvalidInput(where=where, problem=problem, advice=advice)
        assert parse_pattern(given, where).failure() == fault
    assert parse_pattern(given).failure() == InvalidInput(
        where='match', problem=problem, advice=advice
    )


def test_a_pattern_has_no_control_characters() -> None:
    """The fault names the character."""
    fault: Any = parse_pattern('https://h/\n').failure()
    assert (fault.where, fault.problem) == ('match', 'contains LF at position 10')


def test_the_longest_pattern() -> None:
    """It is as it was written, but without blanks at its ends; its parts are in normal form."""
    text = LONG[:-1]
    assert parse_pattern(text).unwrap().text == text
    assert parse_pattern(' HTTPS://*.Ä.Example:443/%7ea ').unwrap() == UrlPattern(
        text='HTTPS://*.Ä.Example:443/%7ea',
        scheme='https',
        authority='*.xn--4ca.example',
        path='/~a',
    )
