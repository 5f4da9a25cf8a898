"""The walk over URLs that masks and collects secrets."""

from urllib.parse import quote

import pytest

from dlmachine.core.secrets.secret_names import is_secret_name, parse_secret_names
from dlmachine.core.secrets.url_secrets import MAX_DEPTH, walk_url, walk_value

SECRET = 's3cr+et/x'
CODED = quote(SECRET, safe='')


def nested(depth: int) -> str:
    """A URL with a token, nested this deep."""
    url = f'https://h/?token={CODED}'
    for _ in range(depth):
        url = f'https://h/?next={quote(url, safe="")}'
    return url


@pytest.mark.parametrize(
    ('url', 'shown', 'secrets'),
    [
        ('https://h/x.csv;jsessionid=AB12', 'https://h/x.csv;jsessionid=***', {'AB12'}),
        ('https://h/x;jsessionid=A/y;b=2', 'https://h/x;jsessionid=***/y;b=2', {'A'}),
        ('https://h/d/token=abc/x.csv', 'https://h/d/token=***/x.csv', {'abc'}),
        ('https://h/?b=1;token=abc', 'https://h/?b=1;token=***', {'abc'}),
        ('https://h/?token=a;b=1&c=2', 'https://h/?token=***&c=2', {'a', 'a;b=1'}),
        ('https://h/?a=1&amp;token=x', 'https://h/?a=1&amp;token=***', {'x'}),
        ('https://h/?a=1?token=x', 'https://h/?a=1?token=***', {'x'}),
        ('https://h/?f[key]=abc', 'https://h/?f[key]=***', {'abc'}),
        ('https://h/?%2574oken=abc', 'https://h/?%2574oken=***', {'abc'}),
        ('https://h/?%25252525252574oken=abc', 'https://h/?%25252525252574oken=***', {'abc'}),
        ('https://h/#access_token=abc&b=1', 'https://h/', {'abc'}),
        ('https://h/#/cb?token=abc', 'https://h/', {'abc'}),
        ('https://h/?Authorization=Bearer+x', 'https://h/?Authorization=***', {'Bearer+x', 'Bearer x'}),
        ('https://h/?h=X-Api-Key%3A%20a/b', 'https://h/?h=X-Api-Key:%20***', {'a/b'}),
        ('https://h/?q=%7B%22a%22:%7B%22token%22:%22abc%22%7D%7D', 'https://h/?q=***', {'abc'}),
        ('https://h/?q=%7B%22u%22:%22https://m:p@h%22%7D', 'https://h/?q=***', {'m', 'p', 'm:p'}),
        ('https://h/?q=%7Bx%26token%3Dabc', 'https://h/?q=%7Bx%26token%3D***', {'abc'}),
        ('https://h/?h=X-Api-Key:a/b&c=1', 'https://h/?h=X-Api-Key:***&c=1', {'a/b'}),
        ('https://h/x;token:abc', 'https://h/x;token:***', {'abc'}),
        ('https://h/?q={"token":"abc"}&a=1', 'https://h/?q=***&a=1', {'abc'}),
        ('https://h/?q=[{"a":{"token":"abc"}}]', 'https://h/?q=***', {'abc'}),
        ('https://h/?q=token%3Dabc', 'https://h/?q=token%3D***', {'abc'}),
        ('https://h/?q=token%3Da%2Fb%2526c', 'https://h/?q=token%3D***', {'a/b%26c', 'a/b&c'}),
        ('https://h/?next=https%3A//h/%3Ftoken%3Dabc', 'https://h/?next=https://h/%3Ftoken%3D***', {'abc'}),
        ('https://h/?next=https%3A//h/%23access_token%3Dabc', 'https://h/?next=https://h/%23access_token%3D***', {'abc'}),
        ('https://h/?next%3Dhttps%3A//m%3Ap%40h', 'https://h/?next%3Dhttps://***%40h', {'m', 'p', 'm:p'}),
        ('https://h/?url=https://m:p@h/&b=2', 'https://h/?url=https://***@h/&b=2', {'m', 'p', 'm:p'}),
        ('https://h/?url=https://m:p;w=1@h/', 'https://h/?url=https://***@h/', {'m', 'p;w=1', 'm:p;w=1'}),
        ('https://h/?https://m:p@h/', 'https://h/?https://***@h/', {'m', 'p', 'm:p'}),
        ('https://h/?u=m:p@h', 'https://h/?u=***@h', {'m', 'p', 'm:p'}),
        ('https://h/web/1/https://m:p@h/?token=abc', 'https://h/web/1/https://***@h/?token=***', {'m', 'p', 'm:p', 'abc'}),
        ('https://h/web/1/https:/m:p@h/', 'https://h/web/1/https:/***@h/', {'m', 'p', 'm:p'}),
        ('https://m:p@[::1]:8/', 'https://***@[::1]:8/', {'m', 'p', 'm:p'}),
    ],
)  # fmt: skip
def test_secrets_are_masked_everywhere_in_a_url(url: str, shown: str, secrets: set[str]) -> None:
    """Parameters of paths, semicolons, fragments, and URLs, header fields and JSON in values."""
    assert tuple(walk_url(url)) == (shown, secrets)


@pytest.mark.parametrize(
    ('url', 'shown', 'secrets'),
    [
        ('https://m:p/w@h/x', 'https://***@h/x', {'m', 'p/w', 'm:p/w'}),
        ('https://m:p#w@h/', 'https://***@h/', {'m', 'p#w', 'm:p#w'}),
        ('https://m:p?w@h', 'https://***@h', {'m', 'p?w', 'm:p?w'}),
        ('https:/m:p@h/x', 'https:/***@h/x', {'m', 'p', 'm:p'}),
        ('https:\\\\m:p@h/x', 'https:\\\\***@h/x', {'m', 'p', 'm:p'}),
        (' ht\ntps://m:p@h/', ' https://***@h/', {'m', 'p', 'm:p'}),
        ('//m:p@h/x', '//***@h/x', {'m', 'p', 'm:p'}),
        ('m:p@h', '***@h', {'m', 'p', 'm:p'}),
        ('https://m%3Ap%40h/x', 'https://***@h/x', {'m', 'p', 'm:p'}),
        ('https://[m', '***', {'https://[m'}),
        ('?token=x', '?token=***', {'x'}),
    ],
)
def test_malformed_urls(url: str, shown: str, secrets: set[str]) -> None:
    """Messages show malformed URLs too."""
    assert tuple(walk_url(url)) == (shown, secrets)


@pytest.mark.parametrize(
    'url',
    [
        'https://h/?email=me@example.org&a=b:c&q=x===&t=12:30&=1',
        'https://h/?ids=a%2Cb&x=%5B1%5D&y=%7B%22a%22:1%7D&z=%zz&w=100%25',
        'https://h/@scope/p;v=1.1/a=b',
        'https://h/a:/b',
        'https://h/1:/b=c',
        'https://h/?q=key:abc&f=genes:brca1&g={"a":1}',
    ],
)
def test_values_that_are_not_secret_stay(url: str) -> None:
    """They are unchanged to the last character."""
    assert tuple(walk_url(url)) == (url, frozenset())


@pytest.mark.parametrize('depth', range(MAX_DEPTH + 4))
def test_urls_inside_urls(depth: int) -> None:
    """Down to a bounded depth only the secret is masked, below it the complete value."""
    shown, secrets = walk_url(nested(depth))
    assert SECRET not in shown
    assert 's3cr' not in shown
    assert any('s3cr' in secret for secret in secrets)
    if depth <= MAX_DEPTH:
        assert SECRET in secrets
    archived = 'https://h/' + 'a/https://h/' * depth + f'?token={CODED}'
    assert 's3cr' not in walk_url(archived).shown


def test_values_of_fields() -> None:
    """Values are already decoded."""
    assert tuple(walk_value('plain')) == ('plain', frozenset())
    assert tuple(walk_value('https://m:p@h/')) == ('https://***@h/', {'m', 'p', 'm:p'})
    assert tuple(walk_value('[' * 1001 + '"')) == ('***', {'[' * 1001 + '"'})
    assert tuple(walk_value('[1, "a=b"]')) == ('[1, "a=b"]', frozenset())
    assert tuple(walk_value('me@example.org')) == ('me@example.org', frozenset())


def test_declared_names() -> None:
    """They count wherever built-in names count."""
    url = 'https://h/code=a/x;Code=b?next=https%3A//h/%3Fcode%3Dc&x-access=d&x=1'
    shown, secrets = walk_url(url, ('code', 'x-access'))
    assert shown == 'https://h/code=***/x;Code=***?next=https://h/%3Fcode%3D***&x-access=***&x=1'
    assert secrets == {'a', 'b', 'c', 'd'}
    assert tuple(walk_url(url)) == (url, frozenset())


def test_secret_names_are_read() -> None:
    """From a list, or from one text; case makes no difference."""
    assert parse_secret_names(None).unwrap() == ()
    assert parse_secret_names(['X-Access', 'code', 'CODE', ' ']).unwrap() == ('code', 'x-access')
    assert parse_secret_names('a,B  c').unwrap() == ('a', 'b', 'c')
    for wrong in (5, b'code', {'code': 1}, ['code', 5], ['a\r\nb']):
        assert 'secret_names' in str(parse_secret_names(wrong).failure())
    assert is_secret_name('token' * 100)
    assert not is_secret_name('x' * 1000)
