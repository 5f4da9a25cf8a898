"""Patterns of URLs."""

import pytest

from dlmachine.core.http.url import parse_url
from dlmachine.core.spec.url_pattern import parse_pattern


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


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (3, 'must be text, not int'),
        ('', "'' has no scheme"),
        ('h/**', "'h/**' has no scheme"),
        ('://h/**', 'has no scheme'),
        ('https://', 'has no host'),
        ('https:///x', 'has no host'),
        ('https://h/x?a=1', 'has a query or a fragment'),
        ('https://h/x#a', 'has a query or a fragment'),
        ('https://u:s3cret@h/', 'has a user name'),
        ('https://h/\n', 'contains LF'),
        ('https://h/' + 'x' * 2000, 'has 2010 characters'),
        ('https://' + 'ä' * 200 + '/', 'has a bad host'),
    ],
)
def test_a_bad_pattern_is_refused(given: object, problem: str) -> None:
    """With an example of a good one, and without a password."""
    fault = parse_pattern(given).failure()
    assert problem in fault.what()
    assert 's3cret' not in str(fault)
