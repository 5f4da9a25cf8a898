"""Redaction: what is masked, and what is not."""

import time

import pytest

from dlmachine.core.secrets.redact import (
    is_secret_name,
    redact_fields,
    redact_url,
    redact_value,
    scrub,
    secrets_in_fields,
    secrets_in_pairs,
    secrets_in_url,
)


@pytest.mark.parametrize('name', [
    'Authorization', 'proxy-authorization', 'Cookie', 'Set-Cookie', 'access_token', 'X-Api-Key', 'apikey', 'api.key',
    'client_secret', 'password', 'passwd', 'X-Amz-Signature', 'X-Amz-Security-Token', 'sig', 'key', 'sid', 'auth', 'jwt',
    'PHPSESSID', 'AWSAccessKeyId-key', 'private_token', 'Ocp-Apim-Subscription-Key',
    'pw', 'passcode', 'hmac', 'SAMLResponse', 'hdnts', 'hdnea', 'hdntl',
])  # fmt: skip
def test_secret_names(name: str) -> None:
    """Credentials by any of their usual names."""
    assert is_secret_name(name)
    assert is_secret_name(name.upper())


@pytest.mark.parametrize(
    'name',
    ['ids', 'format', 'Accept', 'ETag', 'keyword', 'author', 'monkey', 'design', 'page', 'X-Id'],
)
def test_plain_names(name: str) -> None:
    """Words that only sound alike are not masked."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ('url', 'shown'),
    [
        ('https://h/x?a=1', 'https://h/x?a=1'),
        ('https://me:pw@h:8/x', 'https://***@h:8/x'),
        ('https://me@h/', 'https://***@h/'),
        ('https://h/?token=s&a=1&Sig=x#part', 'https://h/?token=***&a=1&Sig=***'),
        ('https://h/?%74oken=s', 'https://h/?%74oken=***'),
        ('https://h/?token', 'https://h/?token'),
        ('https://[', '***'),
        ('me:pw@h/x?token=s', '***@h/x?token=***'),
        ('me:p@w@h', '***@h'),
        ('/x@y?a=1', '/x@y?a=1'),
    ],
)  # fmt: skip
def test_urls(url: str, shown: str) -> None:
    """Userinfo, secret values and the fragment go."""
    assert redact_url(url) == shown


@pytest.mark.parametrize('name', ['Location', 'content-location', 'Link', 'REFRESH', 'Referer'])
def test_urls_in_fields(name: str) -> None:
    """Fields that carry a URL, with or without its scheme; other text is left as it is."""
    assert redact_fields([(name, '/x?token=s&a=1')]) == ((name, '/x?token=***&a=1'),)
    assert secrets_in_fields([(name, '/x?token=s&a=1')]) == {'s'}
    assert redact_fields([(f'X-{name}', '/x?token=s')]) == ((f'X-{name}', '/x?token=***'),)
    assert secrets_in_fields([(f'X-{name}', '/x?token=s')]) == {'s'}
    assert redact_fields([(f'X-{name}', 'x?token=s')]) == ((f'X-{name}', 'x?token=s'),)
    assert secrets_in_fields([(f'X-{name}', 'x?token=s')]) == frozenset()
    assert redact_fields([('Origin', 'https://me:pw@h')]) == (('Origin', 'https://***@h'),)
    assert redact_fields(iter([('Cookie', 'a=b')])) == (('Cookie', '***'),)
    assert secrets_in_fields(iter([('Cookie', 'a=b'), (name, '/?sig=c')])) == {'a=b', 'c'}


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        ('see https://me:s3cret@h/ for more', 'see https://***@h/ for more'),
        ('199 - "https://h/?token=s3cret"', '199 - "https://h/?token=***"'),
        ('{"endpoints":[{"url":"https://h/?token=s3cret"}]}', '{"endpoints":[{"url":"https://h/?token=***"}]}'),
        ('<https://h/?token=s3cret>, <https://h/?a=1>', '<https://h/?token=***>, <https://h/?a=1>'),
    ],
)  # fmt: skip
def test_urls_within_the_text_of_any_field(value: str, shown: str) -> None:
    """Reports, warnings and messages name URLs, too."""
    assert redact_fields([('Report-To', value)]) == (('Report-To', shown),)
    assert 's3cret' in secrets_in_fields([('Report-To', value)])


@pytest.mark.parametrize(
    'name', ['Ｔoken', 'ＡＰＩ_ＫＥＹ', 'to\u200bken', '\ufefftoken', 'access_\u212aey']
)
def test_names_that_only_look_different_are_secret(name: str) -> None:
    """Wide letters, and characters that nobody sees."""
    assert is_secret_name(name)
    assert not is_secret_name(name[:2])


@pytest.mark.parametrize(
    'written',
    [
        "{'Authorization': 'Bearer s3cret'}",
        '"Authorization": "Bearer s3cret"',
        "Accept: a, 'authorization' : s3cret",
    ],
)
def test_quoted_names_in_a_configuration(written: str) -> None:
    """A dictionary as Python prints it, or a line of a JSON file."""
    assert 's3cret' not in str(redact_value({'headers': written}))


@pytest.mark.parametrize(
    ('name', 'value', 'shown', 'secrets'),
    [
        (
            'Link',
            '<https://a/?access_token=A1&page=1>; rel=prev, <https://a/?access_token=B2>; rel=next',
            '<https://a/?access_token=***&page=1>; rel=prev, <https://a/?access_token=***>; rel=next',
            {'A1', 'B2'},
        ),
        ('Link', '<https://me:pw@a/x>; rel=next', '<https://***@a/x>; rel=next', {'me', 'pw', 'me:pw'}),
        ('Refresh', '5; url=https://me:pw@h/', '5; url=https://***@h/', {'me', 'pw', 'me:pw'}),
        ('Refresh', "0;URL='/x?sig=abc'", "0;URL='/x?sig=***'", {'abc'}),
        ('Refresh', '5', '5', set()),
    ],
)  # fmt: skip
def test_urls_among_other_words(name: str, value: str, shown: str, secrets: set[str]) -> None:
    """Each of them, wherever it stands."""
    assert redact_fields([(name, value)]) == ((name, shown),)
    assert secrets_in_fields([(name, value)]) == secrets


def test_secrets_are_found_as_written_and_decoded() -> None:
    """For searching the words of other libraries."""
    assert secrets_in_url('https://me:p%40w@h/?token=a%2Bb&x=1') == {
        'me:p%40w',
        'me',
        'p%40w',
        'me:p@w',
        'p@w',
        'a%2Bb',
        'a+b',
    }
    assert secrets_in_url('https://[') == {'https://['}
    assert secrets_in_url('https://h/') == frozenset()
    assert secrets_in_pairs(
        [('Authorization', 'Bearer abc'), ('X', 'y'), ('Cookie', ''), ('token', ' ')]
    ) == {
        'Bearer abc',
        'abc',
    }


def test_short_secrets_are_not_searched_for() -> None:
    """Every text would contain them; the longest are masked first."""
    assert (
        scrub('a secret and secretive text', {'secret', 'secretive', 'a'}) == 'a *** and *** text'
    )


VALUE = 'pl4nted'


def test_values_of_every_form() -> None:
    """Nested tables, lists, bytes, and strings of several lines."""
    given = {
        'proxy': f'https://me:{VALUE}@h:80',
        'tables': [{'deep': {'token': VALUE, 'retries': 3, 'token_file': None}}],
        'texts': f'a\nSet-Cookie: {VALUE}\nsee https://me:{VALUE}@h',
        'pair': ('api_key', VALUE),
        'data': VALUE.encode(),
        'places': f'https://h/ https://me:{VALUE}@h/,https://o/?token={VALUE}',
        'lines': [f'Authorization: Bearer {VALUE}', f'Cookie: {VALUE}'],
        f'Cookie: {VALUE}': 1,
        'number': 5,
    }
    shown = redact_value(given)
    assert VALUE not in repr(shown)
    assert isinstance(shown, dict)
    assert shown['number'] == 5
    assert shown['tables'] == [{'deep': {'token': '***', 'retries': 3, 'token_file': None}}]
    assert shown['proxy'] == 'https://***@h:80'
    assert redact_value('code=1', ('code',)) == 'code=***'
    assert redact_value('a' * 9000) == 'a' * 8192 + '…'
    assert redact_value('Code: 1', ('code',)) == 'Code: ***'


@pytest.mark.parametrize(
    ('line', 'shown'),
    [
        ('Accept: x, Authorization: Bearer 1', 'Accept: x, Authorization: ***'),
        (r'Accept: x\nCookie: a=1', r'Accept: x\nCookie: ***'),
        ('curl -H "X-Api-Key:1" https://h/', 'curl -H "X-Api-Key: ***'),
        ('see https://me:pw@h/, token : 1', 'see https://***@h/, token : ***'),
        ('Accept: text/csv, Range: bytes=0-', 'Accept: text/csv, Range: bytes=0-'),
        ('http://h:80/C:/x', 'http://h:80/C:/x'),
    ],
)
def test_a_secret_field_later_in_a_line(line: str, shown: str) -> None:
    """Several fields in one line are a mistake, and its message shows the line."""
    assert redact_value(line) == shown


@pytest.mark.parametrize(
    ('name', 'value', 'shown'),
    [
        ('Link', '<https://h/?token=a>; rel=next, <https://h/?token=b', '<https://h/?token=***>; rel=next, <https://h/?token=***'),
        ('Refresh', '0;url="/x?sig=abc" /y?sig=def', '0;url="/x?sig=***" /y?sig=***'),
        ('Refresh', '0;url="/x?sig=abc"', '0;url="/x?sig=***"'),
    ],
)  # fmt: skip
def test_malformed_fields(name: str, value: str, shown: str) -> None:
    """A URL without its closing bracket lasts to the end."""
    assert redact_fields([(name, value)]) == ((name, shown),)


@pytest.mark.timing
@pytest.mark.parametrize('text', ['<' * 65_536, '<a>' * 20_000, '<token=>' * 8_000])
def test_links_take_linear_time(text: str) -> None:
    """Each target is masked once, wherever its end is."""
    began = time.process_time()
    redact_fields([('Link', text), ('Refresh', text), ('Location', text)])
    assert time.process_time() - began < 2
