"""The walk over URLs that masks and collects secrets."""

import json
from urllib.parse import quote, unquote

import pytest

from dlmachine.core.faults import InvalidInput
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
        ('https://h/?q=["https://m@h"]&a=1', 'https://h/?q=***&a=1', {'m'}),
        ('https://h/?q=[["https://m@h"]]&a=1', 'https://h/?q=***&a=1', {'m'}),
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
        ('https://h/web/https://ghp@o/x', 'https://h/web/https://***@o/x', {'ghp'}),
        ('https://h/u=https://a@o/b/https://c@p/', 'https://h/u=https://***@o/b/https://***@p/', {'a', 'c'}),
        ('https://h/sid=a/http://b@o', 'https://h/sid=***/http://***@o', {'a', 'b'}),
        ('https://h/x;sid=a/y?b=1/2&sid=c', 'https://h/x;sid=***/y?b=1/2&sid=***', {'a', 'c'}),
        ('https://h/?a=1#b?sid=c', 'https://h/?a=1', {'c'}),
        ('https://h/?a=1#sid=b#sid=c', 'https://h/?a=1', {'b#sid=c'}),
        ('https://h/?u=a@b:c@o', 'https://h/?u=***@o', {'a@b', 'c', 'a@b:c'}),
        ('https://h/?u=+https://a@o', 'https://h/?u=%20https://***%40o', {'a'}),
        ('https://h/?+sid=a', 'https://h/?+sid=***', {'a'}),
        ('https://m@h/?q={"sid":"a"}', 'https://***@h/?q=***', {'m', 'a'}),
        ('https://m@h/?h=Cookie:a%20b%20c', 'https://***@h/?h=Cookie:***', {'m', 'a%20b%20c', 'a b c'}),
        ('https://h/?h=Cookie%3Aa%20b%20c', 'https://h/?h=Cookie:***', {'a b c', 'b c'}),
        ('https://m@h/?u=https://n@o/', 'https://***@h/?u=https://***@o/', {'m', 'n'}),
        ('https://h/?u=\udcff%3Fsid%3Da', 'https://h/?u=%ED%B3%BF%3Fsid%3D***', {'a'}),
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
        ('https://[m/?u=https://h/', '***', {'https://[m/?u=https://h/'}),
        ('https://m:p/w@x/y@h/z', 'https://***@h/z', {'m', 'p/w@x/y', 'm:p/w@x/y'}),
        ('https://m:p/w@/x', 'https://***@/x', {'m', 'p/w', 'm:p/w'}),
        ('https://m:1:2/w@h/', 'https://***@h/', {'m', '1:2/w', 'm:1:2/w'}),
        ('https://m:p@h/x@y', 'https://***@h/x@y', {'m', 'p', 'm:p'}),
        ('https://[::1]:8/x@y', 'https://[::1]:8/x@y', set()),
        ('https://m%40x%3Ap%40h/', 'https://***@h/', {'m@x', 'p', 'm@x:p'}),
        ('?token=x', '?token=***', {'x'}),
        ('x?next=https%3A//h/%3Fa%3D1', 'x?next=https%3A//h/%3Fa%3D1', set()),
        ('/http:/m@h', '/http:/***@h', {'m'}),
    ],
)  # fmt: skip
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


@pytest.mark.parametrize('depth', range(MAX_DEPTH + 1))
def test_urls_inside_urls(depth: int) -> None:
    """Only the secret is masked, as often as it is there."""
    shown, secrets = walk_url(nested(depth))
    assert unquoted(shown) == unquoted(nested(depth)).replace(SECRET, '***')
    assert secrets == {SECRET, CODED} if depth == 0 else secrets >= {SECRET}
    after = with_others(nested(depth))
    assert unquoted(walk_url(after).shown) == unquoted(after).replace(SECRET, '***').replace(
        'sid=1', 'sid=***'
    )


def with_others(url: str) -> str:
    """The URL, with others before what is nested in it, which are not inside each other."""
    return url.replace('?', '?' + 'a=https%3A//o/%3Fsid%3D1&' * 9, 1)


def unquoted(text: str) -> str:
    """The text without any percent-encoding."""
    return text if unquote(text) == text else unquoted(unquote(text))


@pytest.mark.parametrize('depth', [MAX_DEPTH + 1, MAX_DEPTH + 3])
def test_urls_too_deep_inside_urls(depth: int) -> None:
    """Below the maximum depth the complete value is masked."""
    shown, secrets = walk_url(nested(depth))
    assert unquoted(shown) == 'https://h/?next=' * (MAX_DEPTH + 1) + '***'
    assert nested(depth - MAX_DEPTH - 1) in secrets
    assert unquoted(walk_url(with_others(nested(depth))).shown).endswith(
        '&next=' + 'https://h/?next=' * MAX_DEPTH + '***'
    )
    archived = walk_url('https://h/' + 'a/https://h/' * depth + f'?token={CODED}')
    assert archived.shown == 'https://h/' + 'a/https://h/' * MAX_DEPTH + 'a/***'


def test_values_of_fields() -> None:
    """Values are already decoded."""
    assert tuple(walk_value('plain')) == ('plain', frozenset())
    assert tuple(walk_value('https://m:p@h/')) == ('https://***@h/', {'m', 'p', 'm:p'})
    assert tuple(walk_value('[' * 1001 + '"')) == ('***', {'[' * 1001 + '"'})
    assert tuple(walk_value('[1, "a=b"]')) == ('[1, "a=b"]', frozenset())
    assert tuple(walk_value('me@example.org')) == ('me@example.org', frozenset())
    assert tuple(walk_value('"https://m@h"')) == ('***', {'m'})
    assert tuple(walk_value('x=m:p@h')) == ('x=***@h', {'m', 'p', 'm:p'})
    assert tuple(walk_value('Cookie: a b c')) == ('Cookie: ***', {'a b c', 'b c'})
    assert tuple(walk_value('["https://a@h/", {"sid":"b"}]')) == ('***', {'a', 'b'})


@pytest.mark.parametrize(('lists', 'shown'), [(499, None), (500, '***')])
def test_json_with_more_brackets_than_usual_is_masked(lists: int, shown: str | None) -> None:
    """Whatever they contain; the limit is 1000."""
    text = json.dumps([*[[]] * lists, *[{}] * 500])
    text = text.replace('{}', '{"a":1}', 1)
    assert walk_value(text).shown == (shown or text)


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
        fault = parse_secret_names(wrong).failure()
        assert isinstance(fault, InvalidInput)
        assert fault.where == 'secret_names'
    assert is_secret_name('token' * 100)
    assert not is_secret_name('x' * 1000)
