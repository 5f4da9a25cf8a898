"""Digest: the examples of the RFC, and the forms that servers use."""

import re
from hashlib import md5, sha256

import pytest

from dlmachine.core.access.challenges import parse_challenges
from dlmachine.core.access.digest import answer_digest, choose_digest
from dlmachine.core.http.url import parse_url

URL = parse_url('http://www.example.org/dir/index.html').unwrap()
#: RFC 7616 section 3.9.1.
NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS'
RFC = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={{}}, nonce="{NONCE}", opaque="{OPAQUE}"'


def fields_of(answer: str) -> dict[str, str]:
    """The parameters of an Authorization."""
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,]+)', answer)}


@pytest.mark.parametrize(
    ('algorithm', 'response'),
    [
        ('MD5', '8ca523f5e9506fed4657c9700eebdbec'),
        ('SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'),
    ],
)
def test_the_examples_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616 section 3.9.1."""
    asked = choose_digest(parse_challenges([RFC.format(algorithm)]))
    assert asked is not None
    sent = fields_of(answer_digest(asked, 'Mufasa', 'Circle of Life', 'GET', URL, CNONCE))
    assert sent == {
        'username': 'Mufasa',
        'realm': 'http-auth@example.org',
        'nonce': NONCE,
        'uri': '/dir/index.html',
        'response': response,
        'algorithm': algorithm,
        'opaque': OPAQUE,
        'qop': 'auth',
        'nc': '00000001',
        'cnonce': CNONCE,
    }


def test_without_qop() -> None:
    """RFC 2069, which old devices still speak: neither count nor nonce of the client."""
    asked = choose_digest(parse_challenges(['Digest realm="r", nonce="n"']))
    assert asked is not None
    sent = fields_of(answer_digest(asked, 'me', 'pw', 'GET', URL, 'c'))
    inner = [md5(text.encode()).hexdigest() for text in ('me:r:pw', 'GET:/dir/index.html')]
    assert sent['response'] == md5(f'{inner[0]}:n:{inner[1]}'.encode()).hexdigest()
    assert sent.keys() == {'username', 'realm', 'nonce', 'uri', 'response'}


@pytest.mark.parametrize('body', [b'', b'a=1'])
def test_the_body_counts_if_nothing_else_is_offered(body: bytes) -> None:
    """RFC 7616 section 3.4.3: `auth-int`."""
    asked = choose_digest(parse_challenges(['Digest realm="r", nonce="n", qop="auth-int"']))
    assert asked is not None
    sent = fields_of(answer_digest(asked, 'me', 'pw', 'POST', URL, 'c', body))

    def hashed(text: bytes) -> str:
        return md5(text).hexdigest()

    called = hashed(f'POST:/dir/index.html:{hashed(body)}'.encode())
    assert sent['qop'] == 'auth-int'
    assert sent['response'] == hashed(
        f'{hashed(b"me:r:pw")}:n:00000001:c:auth-int:{called}'.encode()
    )


def test_a_session_and_a_hashed_user() -> None:
    """RFC 7616 sections 3.4.2 and 3.4.4; the query is part of the target."""
    field = 'Digest realm="r", nonce="n", qop=auth, algorithm=SHA-256-sess, userhash=true'
    asked = choose_digest(parse_challenges([field]))
    assert asked is not None
    url = parse_url('http://h/a?b=1').unwrap()
    sent = fields_of(answer_digest(asked, 'me', 'pw', 'GET', url, 'c'))

    def hashed(text: str) -> str:
        return sha256(text.encode()).hexdigest()

    session = hashed(f'{hashed("me:r:pw")}:n:c')
    expected = hashed(f'{session}:n:00000001:c:auth:{hashed("GET:/a?b=1")}')
    assert sent['response'] == expected
    assert sent['username'] == hashed('me:r')
    assert sent['userhash'] == 'true'
    assert sent['algorithm'] == 'SHA-256-sess'


def test_a_name_beyond_ascii() -> None:
    """As RFC 8187 writes it; a hashed one needs no other form."""
    for hashed, expected in (
        ('false', "username*=UTF-8''m%C3%A9%2F%E2%98%83,"),
        ('true', 'username="'),
    ):
        asked = choose_digest(parse_challenges([f'{RFC.format("MD5")}, userhash={hashed}']))
        assert asked is not None
        sent = answer_digest(asked, 'mé/☃', 'x', 'GET', URL, CNONCE)
        assert sent.startswith(f'Digest {expected}')
        assert sent.isascii()


def test_quotes_in_names_are_escaped() -> None:
    """They would end the string."""
    asked = choose_digest(parse_challenges([r'Digest realm="a\"b", nonce="n"']))
    assert asked is not None
    answer = answer_digest(asked, 'm"e\\', 'pw', 'GET', URL, 'c')
    assert r'username="m\"e\\"' in answer
    assert r'realm="a\"b"' in answer


@pytest.mark.parametrize(
    ('fields', 'chosen'),
    [
        (['Digest realm="r", nonce="1"', 'Digest realm="r", nonce="2", algorithm=SHA-256'], '2'),
        (['Digest realm="r", nonce="1", algorithm=MD5-sess', 'Digest realm="r", nonce="2"'], '2'),
        (['Digest realm="r", nonce="1", algorithm=SHA-512-256', 'Digest realm="r", nonce="2"'], '2'),
        (['Digest realm="r", nonce="1", qop="auth-int"'], '1'),
        (['Digest realm="r", nonce="1", qop="other"'], None),
        (['Digest realm="r"'], None),
        (['Digest realm="r", nonce=""'], None),
        (['Digest nonce="1"'], None),
        (['Basic realm="r", nonce="1"'], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_strongest_that_can_be_answered_is_chosen(
    fields: list[str], chosen: str | None
) -> None:
    """RFC 7616 section 3.7."""
    found = choose_digest(parse_challenges(fields))
    assert (None if found is None else found.nonce) == chosen
