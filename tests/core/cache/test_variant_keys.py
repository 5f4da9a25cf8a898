"""The secondary key by which a registry finds variants."""

from hashlib import sha256
from typing import Any

import pytest

from dlmachine.core.cache.variant_keys import variant_key, variant_keys
from tests.builders import a_descriptor, a_record

ASKED = (('Accept', 'text/csv'), ('X-Lab', ' 1'))


def key(vary: str, *asked: tuple[str, str]) -> str:
    """That of a response with a Vary to a request."""
    return variant_key(a_record(request_headers=asked, response_headers=(('vary', vary),)))


def test_it_has_the_names_and_a_digest_of_the_values() -> None:
    """Of the fields that Vary names, in its order; an absent one is null."""
    digest = sha256(b'[["x-lab", "1"], ["accept", "text/csv"], ["range", null]]').hexdigest()
    assert key('X-Lab, accept , Range', *ASKED) == f'x-lab,accept,range:{digest[:32]}'


@pytest.mark.parametrize('vary', ['*', 'Accept, *', '', ',', 'a b', 'a:b', 'ä', 'a;b', 'a' * 1_001])
def test_some_responses_have_none(vary: str) -> None:
    """They vary by nothing, or by what is not a list of names, or by too many."""
    assert key(vary, *ASKED) == ''


def test_a_long_list_has_one() -> None:
    """Of as many characters as are allowed."""
    assert key('a' * 1_000).startswith('a' * 1_000 + ':')


@pytest.mark.parametrize(
    'headers', [{'Accept': 'text/csv'}, {'Accept': 'text/csv', 'User-Agent': 'me', 'Other': '1'}]
)
def test_a_request_has_the_keys_of_its_variants(headers: dict[str, str]) -> None:
    """Whatever its other fields and its User-Agent are; defaults count."""
    asked = (('Accept', 'text/csv'), ('Accept-Encoding', 'identity'), ('User-Agent', 'x/1'))
    lists = ['accept', 'accept-encoding,user-agent', 'absent']
    keys = variant_keys(a_descriptor(headers=headers), lists)
    assert keys == tuple(key(names, *asked) for names in lists)


@pytest.mark.parametrize(
    'asked', [{}, {'Accept': 'text/html'}, {'Accept': ''}, {'Accept': 'text/csv, text/csv'}]
)
def test_another_request_has_others(asked: dict[str, Any]) -> None:
    """An absent field is another value than an empty one."""
    (found,) = variant_keys(a_descriptor(headers=asked), ['accept'])
    assert found != key('Accept', *ASKED)


def test_a_secret_counts_as_it_is_recorded() -> None:
    """Its masked value: a record has no other."""
    secret = a_descriptor(headers={'X-Token': 's3cret', 'Accept': 'a'})
    sent = secret.redactor.fields((('X-Token', 's3cret'),))
    assert sent != (('X-Token', 's3cret'),)
    assert variant_keys(secret, ['x-token']) == (key('X-Token', *sent),)
