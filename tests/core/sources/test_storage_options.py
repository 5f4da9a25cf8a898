"""Options of stores: plain values, which are masked and count in the cache key."""

from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key
from dlmachine.core.http.url import parse_url
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.machine.checksum_file import _target
from dlmachine.core.plan import codec
from dlmachine.core.sources.storage_options import (
    NO_STORAGE_OPTIONS,
    StorageOptions,
    parse_storage_options,
)
from dlmachine.core.transfer.build_request import build_request
from tests.builders import a_descriptor

URL = 's3://bucket/x.csv'
GIVEN: Any = {
    'anon': False, 'key': 'AKPLANTED', 'secret': 'planted', 'profile': 'lab', 'retries': 3,
    'client_kwargs': {'endpoint_url': 'https://me:planted@h/', 'aws_session_token': ['planted-2']},
    'connection_string': 'AccountKey=planted', 'use_ssl': True, 'ratio': 0.5, 'none': None,
    'tags': ['a', 1], 'secrets': {'inner': 'planted-3', 'deep': [{'er': 'planted-4'}], 'n': 5},
}  # fmt: skip


def parsed(given: object) -> StorageOptions:
    """The parsed options."""
    return parse_storage_options(given).unwrap()


def test_values_come_back() -> None:
    """As a mapping, from a mapping or from JSON, in any order."""
    made = parsed(GIVEN)
    assert made.values() == GIVEN
    assert parsed(dict(reversed(GIVEN.items()))) == made
    assert parsed(made.json) == made == parsed(made)
    assert codec.loads(codec.dumps(made)).unwrap() == made
    nothings: tuple[object, ...] = (None, {}, '')
    for nothing in nothings:
        assert parsed(nothing) is NO_STORAGE_OPTIONS
    assert not NO_STORAGE_OPTIONS
    assert NO_STORAGE_OPTIONS.redacted() is NO_STORAGE_OPTIONS
    assert (NO_STORAGE_OPTIONS.values(), NO_STORAGE_OPTIONS.secrets) == ({}, frozenset())


@pytest.mark.parametrize(
    'text', ['[' * 65_536, '{"a":' * 900 + '1' + '}' * 900, '5', '{', '[1]', '{"a":NaN}']
)
def test_other_texts_of_a_stored_plan_are_no_options(text: str) -> None:
    """They raise no exception, and nesting takes no time."""
    made = StorageOptions(json=text)
    assert (made.values(), made.secrets, str(made)) == ({}, frozenset(), '')
    assert made.redacted().values() == {}


def test_secrets_are_masked() -> None:
    """In every form in which options are shown; names and harmless values stay."""
    made = parsed(GIVEN)
    secrets = {'AKPLANTED', 'planted', 'planted-2', 'planted-3', 'planted-4', 'AccountKey=planted'}
    assert made.secrets == secrets
    shown = f'{made!r} {made} {made.redacted().json}'
    assert 'lanted' not in shown.casefold().replace('implanted', '')
    redacted = made.redacted().values()
    assert (redacted['profile'], redacted['anon'], redacted['retries']) == ('lab', False, 3)
    assert redacted['client_kwargs']['endpoint_url'] == 'https://***@h/'
    target = a_descriptor(URL, storage_options=GIVEN)
    assert 'storage_options=<anon, client_kwargs' in repr(target)
    assert 'planted' not in f'{target!r} {target.redacted()!r} {codec.dumps(target.redacted())}'
    assert secrets <= target.redactor.secrets


@pytest.mark.parametrize(
    ('given', 'problem'),
    [
        (5, 'storage_options must be a mapping, not int'),
        ('profile=lab', 'storage_options is a text, but not JSON'), ('[1]', 'storage_options must be a mapping, not list'),
        ('[' * 100_000, 'storage_options is a text, but not JSON'),
        ({'fo': 'file:///x'}, "storage_options['fo'] is set by dlmachine itself"),
        ({1: 2}, 'storage_options has the name 1, which is not a text'),
        ({'a': {'b': object()}}, "storage_options['a']['b'] must be a text, a number, True, False, None, a list or a mapping, not object"),
        ({'a': [b'x']}, "storage_options['a'] must be a text, a number, True, False, None, a list or a mapping, not bytes"),
        ({'a': float('nan')}, "storage_options['a'] must be a text, a number, True, False, None, a list or a mapping, not float"),
        ({'a': [[[[[[[[[]]]]]]]]]}, "storage_options['a'] is nested more than 8 times"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(given: object, problem: str) -> None:
    """The error names the option and what is wrong."""
    assert parse_storage_options(given).failure().what() == problem
    assert a_refusal(given) == problem


def a_refusal(given: object) -> str:
    """What a descriptor says of such options."""
    from dlmachine.core.spec.descriptor import Descriptor

    return str(Descriptor.parse(URL, storage_options=given).failure().what())


def test_the_cache_key() -> None:
    """Another endpoint is another file, unless the caller leaves the options out."""
    plain, one, two = (
        a_descriptor(URL, storage_options=given)
        for given in (None, {'endpoint_url': 'https://a'}, {'endpoint_url': 'https://b'})
    )
    assert len({cache_key(each) for each in (plain, one, two)}) == 3
    left_out = a_descriptor(URL, storage_options={'token': 'x'}, key_without=['storage_options'])
    assert cache_key(left_out) == cache_key(plain)


@pytest.mark.parametrize(
    ('mirror', 'has_them'), [('s3://other/x', True), ('gs://b/x', False), ('https://h/x', False)]
)
def test_who_gets_them(mirror: str, has_them: bool) -> None:
    """The stores of one scheme, because they are the options of one package."""
    target = a_descriptor(URL, mirrors=[mirror], storage_options={'anon': True})
    sent = [build_request(target, one, 'me').unwrap() for one in target.addresses]
    assert [bool(one.storage_options) for one in sent] == [True, has_them]
    assert 'anon' not in repr(sent[0])
    assert sent[0].redacted().storage_options == ''
    first = a_descriptor('https://h/x', mirrors=[URL], storage_options={'anon': True})
    sent = [build_request(first, one, 'me').unwrap() for one in first.addresses]
    assert [bool(one.storage_options) for one in sent] == [False, True]


@pytest.mark.parametrize(('url', 'has_them'), [('s3://bucket/SUMS', True), ('s3://b/SUMS', False)])
def test_a_list_of_checksums(url: str, has_them: bool) -> None:
    """In the same bucket it is read with the same options."""
    target = a_descriptor(URL, storage_options={'anon': True})
    made = _target(target, ChecksumList(location=str(parse_url(url).unwrap())))
    assert bool(made.storage_options) is has_them
