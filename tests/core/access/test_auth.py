"""The `auth` of a request: its forms, what it shows, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.access.auth import DEFAULT_AUTH, Auth, Scheme, parse_auth
from dlmachine.core.access.secret import Secret

PASSWORD = Secret(text='planted')
TOKEN = Secret(variable='TOKEN')


@pytest.mark.parametrize(
    ('given', 'expected', 'shown'),
    [
        (None, DEFAULT_AUTH, 'netrc'),
        ('netrc', DEFAULT_AUTH, 'netrc'),
        ({'netrc': '/n'}, Auth(path='/n'), 'netrc /n'),
        ({'netrc': Path('/n')}, Auth(path='/n'), 'netrc /n'),
        (False, Auth(scheme=Scheme.NONE), 'none'),
        (
            ('me', 'planted'),
            Auth(scheme=Scheme.BASIC, user='me', secret=PASSWORD),
            "basic for user 'me', password ***",
        ),
        (
            {'basic': ['me', 'env:TOKEN']},
            Auth(scheme=Scheme.BASIC, user='me', secret=TOKEN),
            "basic for user 'me', password env:TOKEN",
        ),
        (
            {'digest': ('me:too', 'planted')},
            Auth(scheme=Scheme.DIGEST, user='me:too', secret=PASSWORD),
            "digest for user 'me:too', password ***",
        ),
        (('key', ''), Auth(scheme=Scheme.BASIC, user='key', secret=Secret()), "basic for user 'key', password ***"),
        ({'bearer': 'env:TOKEN'}, Auth(scheme=Scheme.BEARER, secret=TOKEN), 'bearer env:TOKEN'),
        (Auth(path='/n'), Auth(path='/n'), 'netrc /n'),
    ],
)  # fmt: skip
def test_forms(given: Any, expected: Auth, shown: str) -> None:
    """Each form is parsed, and shown without a password."""
    parsed = parse_auth(given).unwrap()
    assert parsed == expected
    assert str(parsed) == shown
    assert 'planted' not in f'{parsed} {parsed!r} {parsed.redacted()!r}'


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (True, 'auth must be a pair, a mapping, "netrc" or False, not bool'),
        ('me:planted', 'auth must be a pair, a mapping, "netrc" or False, not another text'),
        (('me',), 'auth must be a pair of the user and the password'),
        (('me', 'planted', 'x'), 'auth must be a pair of the user and the password'),
        ((5, 'planted'), 'auth must be a pair of the user and the password'),
        ((['me'], 'planted'), 'auth must be a pair of the user and the password'),
        ({'digest': 'me:planted'}, "auth['digest'] must be a pair of the user and the password"),
        (('me', 5), 'the password of auth must be a text or a function, not int'),
        (('m:e', 'planted'), 'the user of auth contains a colon, which would end it (RFC 7617 section 2)'),
        (('m\ne', 'planted'), 'the user of auth contains LF at position 1'),
        ({}, 'auth must name one scheme, not 0'),
        ({'basic': ('a', 'b'), 'bearer': 'planted'}, 'auth must name one scheme, not 2'),
        ({'ntlm': 'planted'}, "auth names the unknown scheme 'ntlm'; known are basic, digest, bearer, netrc and login"),
        ({5: 'planted'}, 'auth names the unknown scheme 5; known are basic, digest, bearer, netrc and login'),
        ({'bearer': ''}, "auth['bearer'] is empty"),
        ({'bearer': 'planted☃'}, "auth['bearer'] has a character at position 7 that ISO 8859-1 does not have"),
        ({'netrc': ''}, "auth['netrc'] must be the path of a netrc file, not ''"),
        ({'netrc': 5}, "auth['netrc'] must be the path of a netrc file, not 5"),
        ({'netrc': 'a\0'}, "auth['netrc'] must be the path of a netrc file, not 'a\\x00'"),
    ],
)  # fmt: skip
def test_what_is_refused(given: Any, problem: str) -> None:
    """The fault says what is wrong, and contains no password."""
    fault = parse_auth(given).failure()
    assert fault.what() == problem
    assert 'planted' not in str(fault)


@pytest.mark.parametrize(
    ('given', 'identity', 'secrets'),
    [
        (None, [], set()),
        (False, [], set()),
        ({'netrc': '/n'}, ['netrc', '/n'], set()),
        (('me', 'planted'), ['basic', 'me', 'planted'], {'planted'}),
        (('key', ''), ['basic', 'key', ''], set()),
        ({'bearer': 'env:TOKEN'}, ['bearer', '', 'env:TOKEN'], set()),
    ],
)
def test_identity(given: Any, identity: list[str], secrets: set[str]) -> None:
    """A reference counts by its name, so that a new token finds the same copy."""
    parsed = parse_auth(given).unwrap()
    assert parsed.identity == identity
    assert parsed.secrets == secrets
